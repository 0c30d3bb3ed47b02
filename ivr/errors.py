"""Everything that can go wrong in this package.

IvrError
 ├── PatternError     a number pattern that cannot be understood
 ├── ScheduleError    hours, dates or a time zone that cannot be understood
 └── SpeechError      a prompt that cannot be turned into a sound file
"""


class IvrError(Exception):
    """Anything this package refuses, with one sentence a person can act on."""


class PatternError(IvrError):
    """A number pattern that cannot be understood."""


class ScheduleError(IvrError):
    """Hours, dates or a time zone that cannot be understood."""


class SpeechError(IvrError):
    """A prompt that cannot be turned into a sound file; the sentence says what to install or mend."""

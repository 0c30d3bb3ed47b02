"""The codecs, by name and clock, as a table."""

from typing import Final

from media.codec.codec import Format

G722: Final = Format("G722", clock=8000, rate=16000, payload_type=9, frame_bytes=160)
"""RFC 3551 section 4.5.2: sampled at 16 kHz, the clock is 8 kHz for historical reasons."""
GSM: Final = Format("GSM", clock=8000, rate=8000, payload_type=3, frame_bytes=33)
"""RFC 3551 section 4.5.8."""
L16_NARROW: Final = Format("L16", clock=8000, rate=8000, frame_bytes=320)
L16_WIDE: Final = Format("L16", clock=16000, rate=16000, frame_bytes=640)
"""RFC 3551 section 4.5.11; its static types 10 and 11 are for 44.1 kHz only."""
OPUS: Final = Format("opus", clock=48000, rate=16000, channels=2)
"""RFC 7587 section 7: always opus/48000/2, whatever is inside."""

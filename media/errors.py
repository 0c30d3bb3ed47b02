"""Errors of the media engine.

MediaError
├── BadCommand            a command that the worker does not understand or that contradicts its state
│   └── UnknownLeg        a command for a leg, room or recording that is not open
├── PortsExhausted        no free pair of RTP ports, or no file descriptors left
├── BackendUnavailable    the kernel or its policy refuses the I/O backend that was asked for
├── SoundError            a prompt that is missing, unreadable or too long
├── BadPayload            a payload that its codec cannot be fed with
├── UnknownCodec          a name and clock that no codec here answers to
├── CodecMissing          the library behind a codec is not installed
├── RecordingError        a recording that cannot be started, repaired or kept
│   └── RecordingBusy     a recording that is still being written
└── WorkerGone            the media worker closed its socket or never opened it

Each class carries the `code` that stands for it on the wire between client and worker.
"""


class MediaError(Exception):
    """Something the media engine cannot do, said in one sentence."""

    code = "media"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class BadCommand(MediaError):
    """A command that the worker does not understand or that contradicts its state."""

    code = "bad_command"


class UnknownLeg(BadCommand):
    """A command for a leg or a recording that is not open."""

    code = "unknown_leg"


class PortsExhausted(MediaError):
    """No free pair of RTP ports, or no file descriptors left."""

    code = "no_ports"


class BackendUnavailable(MediaError):
    """The kernel or its policy refuses the I/O backend that was asked for."""

    code = "no_backend"


class SoundError(MediaError):
    """A prompt that is missing, unreadable or too long."""

    code = "sound"


class BadPayload(MediaError):
    """A payload that its codec cannot be fed with; the codec object stays usable."""

    code = "bad_payload"


class UnknownCodec(MediaError):
    """A name and clock that no codec here answers to."""

    code = "unknown_codec"


class CodecMissing(MediaError):
    """The library behind a codec is not installed."""

    code = "codec_missing"


class RecordingError(MediaError):
    """A recording that cannot be started, repaired or kept."""

    code = "recording"


class RecordingBusy(RecordingError):
    """A recording that is still being written."""

    code = "recording_busy"


class WorkerGone(MediaError):
    """The media worker closed its socket or never opened it."""

    code = "worker_gone"


ERRORS: dict[str, type[MediaError]] = {
    error.code: error
    for error in (
        MediaError,
        BadCommand,
        UnknownLeg,
        PortsExhausted,
        BackendUnavailable,
        SoundError,
        BadPayload,
        UnknownCodec,
        CodecMissing,
        RecordingError,
        RecordingBusy,
        WorkerGone,
    )
}


def from_code(code: str, text: str) -> MediaError:
    """The error that travelled over the wire as `code` and `text`."""
    return ERRORS.get(code, MediaError)(text)

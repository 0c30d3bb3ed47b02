"""Orders of the switch, carried out: from a decoded line to the engine, the ports, the sounds and the recordings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from media.engine import Engine
from media.errors import BadCommand, MediaError
from media.io.loader import Loader
from media.io.ports import PortPair, Ports
from media.legs import NOBODY, Negotiated
from media.membership import PLAIN, Membership
from media.protocol import (
    UNHEARD,
    CommandFailed,
    MediaEvent,
    PlaybackFailed,
    RecordingFailed,
    RecordingResumed,
    SrtpKeys,
)
from media.recorder import Closed, Recorder, RecordingThread, WriteFailed, WriteResumed

LONGEST_NAME: Final = 256
"""Characters of the name of a leg, room or recording, of a token, and of digits."""
LONGEST_TEXT: Final = 4096
"""Characters of a path, and of what is said about an error."""
MOST_SOUNDS: Final = 64
"""Sounds in one `play`."""
FINISH_WITHIN: Final = 4.0
"""Seconds after which `stop_record` is answered even if the disk is not done."""

_MEMBERSHIP: Final = ("muted", "deaf", "gain", "role", "ear")

Fields = Mapping[str, Any]
Answer = dict[str, Any]


class Orders:
    """Carries out orders.

    Parameters
    ----------
    tell : Callable[[MediaEvent], None]
        Called with events that do not come from the engine.
    answer : Callable[[int, Answer], None]
        Called with the id and answer of a request that could not be answered at once.
    statistics : Callable[[], Answer]
        Counters of the worker.
    clock, wall : Callable[[], float]
        Monotonic seconds, and seconds since 1970.
    """

    def __init__(
        self,
        engine: Engine,
        ports: Ports,
        loader: Loader,
        recordings: RecordingThread,
        tell: Callable[[MediaEvent], None],
        answer: Callable[[int, Answer], None],
        statistics: Callable[[], Answer],
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._ports = ports
        self._loader = loader
        self._recordings = recordings
        self._tell = tell
        self._answer = answer
        self._clock = clock
        self._wall = wall
        self._pairs: dict[str, PortPair] = {}
        self._names: dict[Recorder, str] = {}
        self._finishing: dict[Recorder, tuple[int, float]] = {}
        """Recorder to the request that waits for it, and until when."""
        self._orders: Final[dict[str, Callable[[Fields], Answer | None]]] = {
            "open": self._open,
            "configure": self._configure,
            "close": self._close,
            "join": self._join,
            "leave": lambda fields: engine.leave(_leg(fields)),
            "watch": lambda fields: engine.rooms.watch(_text(fields, "room"), on=bool(fields.get("on"))),
            "play": self._play,
            "stop": self._stop,
            "echo": lambda fields: engine.echo(_leg(fields), on=bool(fields.get("on"))),
            "send_digits": lambda fields: engine.send_digits(_leg(fields), _text(fields, "digits")),
            "detect_inband": lambda fields: engine.detect_inband(_leg(fields), on=bool(fields.get("on"))),
            "detect_progress": lambda fields: engine.detect_progress(_leg(fields), on=bool(fields.get("on"))),
            "record": self._record,
            "record_change": self._record_change,
            "stop_record": self._stop_record,
            "statistics": lambda _: statistics(),
        }

    def carry_out(self, fields: Fields) -> Answer | None:
        """Do what a line says; the answer to a request, None when there is none or none yet."""
        number = fields.get("id") if isinstance(fields.get("id"), int) else None
        try:
            order = self._orders.get(str(fields.get("do")))
            if order is None:
                raise BadCommand(f"unknown order {fields.get('do')!r}")
            ok = order(fields)
        except MediaError as error:
            if number is None:
                do, leg = (str(fields.get(name))[:LONGEST_NAME] for name in ("do", "leg"))
                self._tell(CommandFailed(do, leg, error.code, error.text[:LONGEST_TEXT]))
                return None
            return {"id": number, "error": {"code": error.code, "text": error.text[:LONGEST_TEXT]}}
        is_for_later = fields["do"] == "stop_record"
        return None if number is None or is_for_later else {"id": number, "ok": ok or {}}

    def handle_timer(self, now: float) -> None:
        """Pass on what the loader and the writer of recordings have done meanwhile."""
        for leg, token, repeat, sounds in self._loader.poll():
            self._start_playing(leg, token, repeat, sounds)
        for recorder, event in self._recordings.poll():
            self._tell_recording(recorder, event)
        for recorder, (number, until) in list(self._finishing.items()):
            if now >= until:
                report = Closed(recorder.path, recorder.seconds, "the disk is too slow: it is still being written")
                self._finish(recorder, number, report)

    def reset(self) -> None:
        """The switch is gone: close every leg and finish every recording."""
        for leg in list(self._pairs):
            self._close({"leg": leg})
        for recorder, name in list(self._names.items()):
            if name in self._engine.tapes:
                self._engine.stop_record(name)
            recorder.finish()
        self._names.clear()
        self._finishing.clear()
        self._loader.forget_all()

    # legs

    def _open(self, fields: Fields) -> Answer:
        leg = _leg(fields)
        if leg in self._engine.legs:
            raise BadCommand(f"the leg {leg!r} is open already")
        pair = self._ports.open(_text(fields, "address"))
        try:
            self._engine.open(leg, pair, self._clock())
        except MediaError:
            self._ports.close(pair)
            raise
        self._pairs[leg] = pair
        return {"port": pair.port}

    def _configure(self, fields: Fields) -> None:
        given = {name: value for name, value in fields.items() if name not in ("do", "leg", "id", "srtp")}
        srtp = None if fields.get("srtp") is None else SrtpKeys.read(fields["srtp"])
        try:
            negotiated = Negotiated(**given, srtp=srtp)
        except TypeError as error:
            raise BadCommand(f"configure has other fields: {error}") from error
        self._engine.configure(_leg(fields), negotiated, self._clock())

    def _close(self, fields: Fields) -> Answer:
        leg = _leg(fields)
        report = self._engine.close(leg, self._clock(), self._wall())
        self._loader.forget(leg)
        self._ports.close(self._pairs.pop(leg))
        return {} if report is UNHEARD else dict(report)

    # rooms

    def _join(self, fields: Fields) -> None:
        leg, room = _leg(fields), _text(fields, "room")
        if fields.keys().isdisjoint(_MEMBERSHIP):
            self._engine.join(leg, room, PLAIN)
            return
        membership = Membership(
            muted=bool(fields.get("muted")),
            deaf=bool(fields.get("deaf")),
            gain=fields.get("gain", 0.0),
            role=fields.get("role", "member"),
            ear=self._engine.legs.row(_text(fields, "ear")) if fields.get("ear") else NOBODY,
        )
        self._engine.join(leg, room, membership)

    # players

    def _play(self, fields: Fields) -> None:
        leg, token, sounds = _leg(fields), _text(fields, "token"), fields.get("sounds")
        if not isinstance(sounds, list) or not 0 < len(sounds) <= MOST_SOUNDS:
            raise BadCommand(f"play wants 1 to {MOST_SOUNDS} sounds")
        self._engine.legs.row(leg)
        repeat = bool(fields.get("repeat"))
        ready = self._loader.load(leg, token, repeat, sounds)
        if ready is not None:
            self._engine.play(leg, ready, token, repeat=repeat)

    def _stop(self, fields: Fields) -> None:
        leg = _leg(fields)
        self._loader.forget(leg)
        self._engine.stop(leg)

    def _start_playing(
        self, leg: str, token: str, repeat: bool, sounds: Sequence[NDArray[np.int16]] | MediaError
    ) -> None:
        if leg not in self._engine.legs:
            return
        if isinstance(sounds, MediaError):
            self._engine.stop(leg)
            self._tell(PlaybackFailed(leg, token, sounds.text))
            return
        self._engine.play(leg, sounds, token, repeat=repeat)

    # recordings

    def _record(self, fields: Fields) -> Answer:
        name, path = _text(fields, "recording"), _text(fields, "path")
        left, right = _names(fields, "left"), _names(fields, "right")
        if name in self._engine.tapes:
            raise BadCommand(f"the recording {name!r} runs already")
        for leg in (*left, *right):
            self._engine.legs.row(leg)
        recorder = self._recordings.open(path)
        self._engine.record(name, recorder, left, right)
        self._names[recorder] = name
        return {}

    def _record_change(self, fields: Fields) -> None:
        self._engine.record_change(_text(fields, "recording"), _names(fields, "left"), _names(fields, "right"))

    def _stop_record(self, fields: Fields) -> Answer | None:
        recorder = self._engine.stop_record(_text(fields, "recording"))
        recorder.finish()
        number = fields.get("id")
        if isinstance(number, int):
            self._finishing[recorder] = number, self._clock() + FINISH_WITHIN
        return None

    def _tell_recording(self, recorder: Recorder, event: WriteFailed | WriteResumed | Closed) -> None:
        name = self._names.get(recorder)
        if name is None:
            return
        match event:
            case WriteFailed(text):
                self._tell(RecordingFailed(name, text))
            case WriteResumed():
                self._tell(RecordingResumed(name))
            case Closed():
                number, _ = self._finishing.get(recorder, (None, 0.0))
                self._finish(recorder, number, event)

    def _finish(self, recorder: Recorder, number: int | None, report: Closed) -> None:
        self._names.pop(recorder, None)
        self._finishing.pop(recorder, None)
        if number is not None:
            ok = {"seconds": round(report.seconds, 3), "path": report.path, "error": report.error}
            self._answer(number, {"id": number, "ok": ok})


def _leg(fields: Fields) -> str:
    return _text(fields, "leg")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and len(value) <= (LONGEST_TEXT if name == "path" else LONGEST_NAME):
        return value
    raise BadCommand(f"{fields.get('do')} wants {name} as text of at most {LONGEST_NAME} characters")


def _names(fields: Fields, name: str) -> list[str]:
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(leg, str) for leg in value):
        raise BadCommand(f"{fields.get('do')} wants {name} as a list of legs")
    return value

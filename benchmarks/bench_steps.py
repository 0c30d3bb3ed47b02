"""What each step of a tick costs, for 1,200 legs in rooms of three, and for the same legs relayed in pairs.

Every step's function is replaced by one that reads the process's CPU clock before and after; what a step spends inside
of another step counts for the inner one only. The floor is the whole tick, so a ratio is a share of it.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.bench_tick import Bench, bench
from media import engine as engine_module
from media.errors import BackendUnavailable

LEGS: Final = 1200
BACKENDS: Final = ("uring", "poll")
SECONDS: Final = 3.0

Step = tuple[str, object, str]


class Stopwatch:
    """CPU seconds by step; steps inside of steps are taken out of the outer ones."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner: list[float] = []

    def watch(self, name: str, owner: Any, attribute: str) -> Callable[[], None]:
        """Measure a function from now on; call what is returned to cease."""
        function = getattr(owner, attribute)
        self.seconds.setdefault(name, 0.0)

        def timed(*given: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            began = time.process_time()
            try:
                return function(*given, **named)
            finally:
                spent = time.process_time() - began
                self.seconds[name] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        setattr(owner, attribute, timed)
        return lambda: setattr(owner, attribute, function)


def run() -> list[dict[str, Any]]:
    """A row per step: CPU microseconds per pair of packets, one in and one out, and its share of all steps."""
    rows: list[dict[str, Any]] = []
    for backend in BACKENDS:
        try:
            with bench(backend, LEGS) as made:
                for name, size in (("full path", 3), ("relay", 2)):
                    made.gather(size)
                    rows += _measure(made, f"{name}, {backend}")
        except BackendUnavailable:
            continue
    return rows


def _measure(made: Bench, path: str) -> list[dict[str, Any]]:
    stopwatch = Stopwatch()
    undo = [stopwatch.watch(*step) for step in _steps(made)]
    try:
        each = made.run_engine(SECONDS)
    finally:
        for one in undo:
            one()
    total = sum(stopwatch.seconds.values())
    return [
        {
            "name": f"{path}: {step}",
            "unit": "CPU us per packet in and one out",
            "value": round(each * seconds / total, 3),
            "floor": round(each, 2),
            "ratio": round(seconds / total, 3),
        }
        for step, seconds in stopwatch.seconds.items()
        if seconds > 0.001 * total
    ]


def _steps(made: Bench) -> list[Step]:
    engine, receiver = made.engine, made.engine.receiver
    return [
        ("receive (kernel)", made.io, "receive"),
        ("send (kernel)", made.io, "send"),
        ("recognise, latch, count", receiver, "receive"),
        ("into the jitter buffer", receiver.jitter, "put"),
        ("out of the jitter buffer", receiver.jitter, "take"),
        ("decode", engine_module, "decode_rows"),
        ("conceal", engine._sound.concealer, "apply"),
        ("measure", engine.measures, "listen"),
        ("mix", engine_module, "mix_seated"),
        ("encode", engine_module, "encode_rows"),
        ("sequence numbers and timestamps", engine.legs, "stamp"),
        ("headers", receiver._headers, "write"),
        ("relay", receiver, "_hand_on"),
        ("house-keeping", engine, "_keep_house"),
        ("the rest of the tick", engine, "tick"),
    ]

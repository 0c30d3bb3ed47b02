"""The media workers of a switch: which of them carries the next call, and how all of them fare together.

A worker mixes what it carries itself, so all legs of a call, and all members of a room, are on one worker. A worker
that dies takes its own calls along and no others.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from media.client import MediaClient
from media.errors import MediaError, WorkerGone

TOTALS = ("legs", "rooms", "recordings", "relays", "malformed", "send_errors", "cpu_seconds", "ticks", "late_ticks",
          "skipped_ticks")  # fmt: skip
WORST = ("tick_p99_ms", "start_error_p99_ms")
HEARD = ("receiving", "decoded", "not_received", "only_silence")
"""Counts of legs in a worker's `quality`; its other figures are averages over the legs that are received."""


class MediaPool:
    """The workers by their numbers, counted from 1.

    Parameters
    ----------
    workers : Iterable[MediaClient]
        Those that are there.
    """

    def __init__(self, workers: Iterable[MediaClient] = ()) -> None:
        self._workers = dict(enumerate(workers, 1))

    def __len__(self) -> int:
        return len(self._workers)

    def put(self, number: int, worker: MediaClient) -> None:
        """A worker is there, for the first time or again."""
        self._workers[number] = worker

    def lose(self, number: int) -> MediaClient | None:
        """A worker is gone: nothing is opened there any more."""
        return self._workers.pop(number, None)

    def choose(self) -> MediaClient:
        """The worker with the fewest legs, of several the first. Raises WorkerGone when there is none."""
        if not self._workers:
            raise WorkerGone("there is no media worker")
        return min(self._workers.values(), key=lambda worker: worker.leg_count)

    async def statistics(self) -> dict[str, Any]:
        """What all workers do, in sums and worst cases, and under `workers` what each does."""
        numbers = sorted(self._workers)
        answers = await asyncio.gather(
            *(self._workers[number].statistics() for number in numbers), return_exceptions=True
        )
        found: list[dict[str, Any]] = []
        for number, answer in zip(numbers, answers, strict=True):
            if isinstance(answer, MediaError):
                found.append({"worker": number, "error": str(answer)})
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.append({"worker": number, **answer})
        return {**combine(found), "workers": found}

    def close(self) -> None:
        """Leave all workers; they close every leg."""
        for worker in self._workers.values():
            worker.close()


def combine(workers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures of several workers as those of one; `error` when one does not answer or there is none."""
    answering = [worker for worker in workers if "error" not in worker]
    errors = [str(worker["error"]) for worker in workers if "error" in worker]
    if not workers:
        errors.append("there is no media worker")
    combined: dict[str, Any] = {"error": "; ".join(errors)} if errors else {}
    if not answering:
        return combined
    first = answering[0]
    combined |= {name: first[name] for name in ("backend", "reason", "pid")}
    combined |= {name: round(sum(worker[name] for worker in answering), 3) for name in TOTALS}
    combined |= {name: max(worker[name] for worker in answering) for name in WORST}
    combined["quality"] = _quality([worker["quality"] for worker in answering])
    return combined


def _quality(surveys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Averages weigh as many legs as each worker receives; the lowest score is the lowest of all."""
    total: dict[str, Any] = {name: sum(survey[name] for survey in surveys) for name in HEARD}
    for name in surveys[0]:
        if name in HEARD:
            continue
        known = [(survey[name], survey["receiving"]) for survey in surveys if survey[name] is not None]
        if not known:
            total[name] = None
        elif name in ("mos_p5", "jitter_p95_ms"):
            total[name] = (min if name == "mos_p5" else max)(value for value, _ in known)
        else:
            weight = sum(legs for _, legs in known)
            total[name] = round(sum(value * legs for value, legs in known) / weight, 3) if weight else known[0][0]
    return total

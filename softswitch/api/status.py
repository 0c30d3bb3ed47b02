"""Orders that tell what a running switch does: `status`, `calls` and `metrics`."""

import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from softswitch.api.control import Handler
from softswitch.call import conference
from softswitch.call.exchange import Exchange
from softswitch.call.recordings import Recordings
from softswitch.core.location import Location
from softswitch.records.writer import RecordWriter
from softswitch.transport.tls import Certificates

STATE_END = re.compile("[ :]")
"""After the first word of a call's state stands a name."""


class Status:
    """Looks at the parts of a switch.

    Parameters
    ----------
    exchange, location, recordings, writer, certificates
        The parts.
    trunks
        Gives how our registrations at trunks stand.
    name
        Gives the name of the installation.
    """

    def __init__(
        self,
        exchange: Exchange,
        location: Location,
        recordings: Recordings,
        writer: RecordWriter,
        certificates: Certificates,
        trunks: Callable[[], dict[str, Any]],
        name: Callable[[], str],
    ) -> None:
        self._exchange = exchange
        self._location = location
        self._recordings = recordings
        self._writer = writer
        self._certificates = certificates
        self._trunks = trunks
        self._name = name
        self._started = time.time()

    def handlers(self) -> Mapping[str, Handler]:
        """The orders."""
        return {"status": self._status, "metrics": self._metrics, "calls": self._calls}

    async def _calls(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"calls": self._live_calls()}

    def _live_calls(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        return [
            {"call": call.id, "caller": call.origin.number, "called": call.called, "state": call.state,
             "seconds": round(now - call.started, 1)}
            for call in self._exchange.calls.values()
        ]  # fmt: skip

    async def _metrics(self, order: dict[str, Any]) -> dict[str, Any]:
        """The figures of `status` without the lists that grow with phones, calls and callers."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        floor = self._exchange.queues.engine.snapshot(time.monotonic())
        return {
            "uptime": round(time.time() - self._started, 1),
            "registrations": len(self._location.addresses()),
            "calls": Counter(STATE_END.split(call.state)[0] for call in self._exchange.calls.values()),
            "agents": Counter(agent["state"] for agent in floor["agents"].values()),
            "queues": {name: {**queue, "callers": []} for name, queue in floor["queues"].items()},
            "ended_calls": self._exchange.ended_calls,
            "media": await self._exchange.media.statistics(),
            "load": {"cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3), "memory_bytes": usage.ru_maxrss * 1024,
                     "sessions": self._exchange.stack.session_count(), "transactions": len(self._exchange.stack.table)},
            "sip": asdict(self._exchange.stack.counters),
            "recordings": self._recordings.status(),
            "records": self._records(),
            "certificate": self._certificate(),
        }  # fmt: skip

    def _certificate(self) -> dict[str, Any]:
        """Null and empty without TLS."""
        return {"ends_at": self._certificates.ends_at, "trouble": self._certificates.trouble(time.time())}

    def _records(self) -> dict[str, Any]:
        return {"behind": self._writer.behind, "pending": self._writer.pending, "lost": self._writer.lost}

    async def _status(self, order: dict[str, Any]) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        counters = self._exchange.stack.counters
        return {
            "name": self._name(),
            "uptime": round(time.time() - self._started, 1),
            "registrations": self._registrations(),
            "trunks": self._trunks(),
            "calls": self._live_calls(),
            "ended_calls": self._exchange.ended_calls,
            **self._exchange.queues.engine.snapshot(time.monotonic()),
            "rooms": conference.roster(self._exchange),
            "media": await self._exchange.media.statistics(),
            "load": {"cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3), "memory_kib": usage.ru_maxrss,
                     "sessions": self._exchange.stack.session_count(), "transactions": len(self._exchange.stack.table)},
            "sip": {name: getattr(counters, name) for name in counters.__slots__},
            "recordings": self._recordings.status(),
            "records": self._records(),
            "certificate": self._certificate(),
        }  # fmt: skip

    def _registrations(self) -> dict[str, list[str]]:
        now = time.time()
        found = {}
        for aor in self._location.addresses():
            contacts = [f"{binding.contact} via {binding.received}" for binding in self._location.bindings(aor, now)]
            if contacts:
                found[aor] = contacts
        return found

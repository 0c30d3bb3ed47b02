"""The figures of a switch in the words of Prometheus: pure, from what the control order `metrics` answers.

Counters end in `_total` and grow from the start of their process; gauges are as of now. Shares, rates and percentiles
over time are left to whoever asks, as is the rule there.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Figures = Mapping[str, Any]
"""What the control order `metrics` answers."""

PREFIX = "softswitch_"
SWITCH = (
    ("uptime_seconds", "Seconds since the switch process started.", ("uptime",)),
    ("registered_addresses", "Addresses of record with a contact.", ("registrations",)),
    ("sessions", "SIP sessions (a call of two parties has two).", ("load", "sessions")),
    ("transactions", "SIP transactions.", ("load", "transactions")),
    ("memory_peak_bytes", "Most memory the switch process had.", ("load", "memory_bytes")),
    ("media_legs", "Legs in all media workers.", ("media", "legs")),
    ("media_rooms", "Rooms in all media workers.", ("media", "rooms")),
    ("media_relays", "Legs whose packets are handed on without being decoded.", ("media", "relays")),
    ("recordings_running", "Recordings that are being made.", ("recordings", "running")),
    ("recordings_unwritten", "Recordings that cannot be written just now.", ("recordings", "unwritten")),
    ("recordings_waiting", "Finished recordings that wait to be converted.", ("recordings", "waiting")),
    ("records_pending", "Events of calls that are not in the database yet.", ("records", "pending")),
)
COUNTED = (
    ("calls_ended", "Calls that have ended.", ("ended_calls",)),
    ("cpu_seconds", "CPU seconds of the switch process.", ("load", "cpu_seconds")),
    ("sip_received", "SIP messages that came.", ("sip", "received")),
    ("sip_sent", "SIP messages that were sent.", ("sip", "sent")),
    ("sip_malformed", "SIP messages that could not be read.", ("sip", "malformed")),
    ("sip_unmatched_responses", "Responses to nothing we asked.", ("sip", "unmatched_responses")),
    ("sip_send_errors", "SIP messages that could not be sent.", ("sip", "send_errors")),
    ("bugs", "Messages whose handling failed by a mistake in the switch.", ("sip", "bugs")),
    ("records_lost", "Events of calls that could not be stored anywhere.", ("records", "lost")),
)
WORKER = (
    ("media_worker_legs", "Legs of a media worker.", "legs"),
    ("media_worker_tick_p99_seconds", "Time that 99 of 100 ticks take at most.", "tick_p99_ms"),
    ("media_worker_start_error_p99_seconds", "How late 99 of 100 ticks begin at most.", "start_error_p99_ms"),
)
WORKER_COUNTED = (
    ("media_worker_cpu_seconds", "CPU seconds of a media worker.", "cpu_seconds"),
    ("media_worker_ticks", "Ticks of 20 ms.", "ticks"),
    ("media_worker_late_ticks", "Ticks that began too late.", "late_ticks"),
    ("media_worker_skipped_ticks", "Ticks that were left out.", "skipped_ticks"),
    ("media_worker_malformed", "Packets that are no RTP, or none of ours.", "malformed"),
    ("media_worker_send_errors", "Packets that could not be sent.", "send_errors"),
)
QUALITY = (
    ("media_legs_receiving", "Legs that packets came from in the last seconds.", "receiving"),
    ("media_legs_decoded", "Legs whose sound was decoded in the last seconds.", "decoded"),
    ("media_legs_one_way", "Legs from which nothing comes though something should.", "not_received"),
    ("media_legs_only_silence", "Legs that send nothing but silence.", "only_silence"),
    ("media_loss_ratio", "Share of packets lost on the way to us.", "loss_percent"),
    ("media_jitter_p95_seconds", "Interarrival jitter (RFC 3550) that 95 of 100 legs stay under.", "jitter_p95_ms"),
    ("media_mos_mean", "Mean score of the legs by the E-model (G.107).", "mos_mean"),
    ("media_mos_p5", "Score that 5 of 100 legs fall short of.", "mos_p5"),
)
QUEUE = (
    ("queue_waiting", "Callers that wait.", "waiting"),
    ("queue_longest_wait_seconds", "Longest wait of those.", "longest_wait"),
    ("queue_agents_free", "Agents who could be offered a caller.", "free"),
    ("queue_agents_at_work", "Agents who are there, free or not.", "at_work"),
)
QUEUE_COUNTED = (
    ("queue_offered", "Callers who entered the queue today.", "offered"),
    ("queue_answered", "Callers of today who were answered.", "answered"),
    ("queue_answered_in_time", "Of those, within the service level.", "in_time"),
    ("queue_abandoned", "Callers of today who hung up.", "abandoned"),
    ("queue_short_abandoned", "Of those, within the first seconds.", "short_abandoned"),
    ("queue_flowed_out", "Callers of today who went on elsewhere.", "flowed_out"),
    ("queue_offers", "Offers to agents today.", "offers_made"),
)


def families(figures: Figures) -> Iterable[Metric]:
    """Every figure; what is not known (null) is left out."""
    for name, text, path in SWITCH:
        yield GaugeMetricFamily(PREFIX + name, text, value=_at(figures, path))
    for name, text, path in COUNTED:
        yield CounterMetricFamily(PREFIX + name, text, value=_at(figures, path))
    yield _by("calls", "Live calls by state.", "state", figures["calls"])
    yield _by("agents", "Agents by state.", "state", figures["agents"])
    trouble = figures["recordings"]["trouble"]
    yield GaugeMetricFamily(
        PREFIX + "recordings_trouble", "1 while recordings cannot be kept.", value=int(bool(trouble))
    )
    certificate = figures["certificate"]
    if certificate["ends_at"] is not None:
        yield GaugeMetricFamily(
            PREFIX + "certificate_ends_seconds", "When the certificate of TLS ends, in seconds since 1970.",
            value=certificate["ends_at"],
        )  # fmt: skip
    workers = {str(worker["worker"]): worker for worker in figures["media"]["workers"]}
    yield _by("media_worker_up", "1 when a media worker answers.", "worker",
              {name: int("error" not in worker) for name, worker in workers.items()})  # fmt: skip
    answering = {name: worker for name, worker in workers.items() if "error" not in worker}
    yield from _tables("worker", answering, WORKER, WORKER_COUNTED)
    quality = figures["media"].get("quality", {})
    for name, text, key in QUALITY:
        if quality.get(key) is not None:
            yield GaugeMetricFamily(PREFIX + name, text, value=_in_units(key, quality[key]))
    yield from _tables("queue", figures["queues"], QUEUE, ())
    for name, text, key in QUEUE_COUNTED:  # they begin anew each day, which no counter may
        yield _by(name + "_today", text, "queue", {queue: row[key] for queue, row in figures["queues"].items()})


class _Switch(Collector):
    """Asks the switch at each scrape."""

    def __init__(self, fetch: Callable[[], Figures | None]) -> None:
        self._fetch = fetch

    def collect(self) -> Iterable[Metric]:
        figures = self._fetch()
        yield GaugeMetricFamily(PREFIX + "up", "1 when the switch answers.", value=int(figures is not None))
        if figures is not None:
            yield from families(figures)


def as_text(figures: Figures) -> str:
    """The exposition format of Prometheus, version 0.0.4."""
    return generate_latest(_registry(lambda: figures)).decode()


def as_json(figures: Figures) -> str:
    """The same figures as one line of JSON: name -> value, or name -> label -> value."""
    found: dict[str, Any] = {}
    for family in _Switch(lambda: figures).collect():
        for sample in family.samples:
            if sample.labels:
                found.setdefault(sample.name, {})[next(iter(sample.labels.values()))] = sample.value
            else:
                found[sample.name] = sample.value
    return json.dumps(found) + "\n"


def serve(host: str, port: int, fetch: Callable[[], Figures | None]) -> WSGIServer:
    """Answer scrapes from a thread until `shutdown`. Raises OSError when the address is taken.

    `fetch` is called at each scrape, from any thread: the figures, or None while no switch answers.
    """
    server, _ = start_http_server(port, host, _registry(fetch))
    return server


def _registry(fetch: Callable[[], Figures | None]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Switch(fetch))
    return registry


def _tables(
    label: str,
    rows: Mapping[str, Figures],
    gauges: Iterable[tuple[str, str, str]],
    counters: Iterable[tuple[str, str, str]],
) -> Iterable[Metric]:
    for name, text, key in gauges:
        yield _by(name, text, label, {row: _in_units(key, found[key]) for row, found in rows.items()})
    for name, text, key in counters:
        family = CounterMetricFamily(PREFIX + name, text, labels=[label])
        for row, found in rows.items():
            family.add_metric([row], found[key])
        yield family


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for row, value in values.items():
        family.add_metric([row], value)
    return family


def _at(figures: Figures, path: Iterable[str]) -> float:
    found: Any = figures
    for key in path:
        found = found.get(key, 0)
    return float(found)


def _in_units(key: str, value: float) -> float:
    """Base units, as Prometheus wants them: seconds and shares of one."""
    return value / 1000 if key.endswith("_ms") else value / 100 if key.endswith("_percent") else value

"""The figures of a switch as Prometheus reads them."""

import json
import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from softswitch.api.metrics import as_json, as_text, serve

WORKER = {
    "legs": 4, "tick_p99_ms": 1.5, "start_error_p99_ms": 0.5, "cpu_seconds": 2.25, "ticks": 100, "late_ticks": 1,
    "skipped_ticks": 0, "malformed": 7, "send_errors": 0,
}  # fmt: skip
FIGURES: dict[str, Any] = {
    "uptime": 12.5,
    "registrations": 3,
    "calls": {"talking": 2, "queue": 1},
    "agents": {"busy": 1},
    "queues": {
        'we"ird\\': {
            "waiting": 1, "longest_wait": 8.0, "free": 0, "at_work": 2, "offered": 10, "answered": 8, "in_time": 7,
            "abandoned": 1, "short_abandoned": 0, "flowed_out": 0, "offers_made": 12,
        }
    },
    "ended_calls": 9,
    "media": {
        "legs": 4, "rooms": 2, "relays": 2,
        "quality": {"receiving": 4, "decoded": 2, "not_received": 0, "only_silence": 0, "loss_percent": 1.0,
                    "jitter_p95_ms": 4.0, "mos_mean": 4.2, "mos_p5": None},
        "workers": [{"worker": 1, **WORKER}, {"worker": 2, "error": "gone"}],
    },
    "load": {"cpu_seconds": 1.25, "memory_bytes": 1024, "sessions": 6, "transactions": 1},
    "sip": {"received": 5, "sent": 6, "malformed": 1, "unmatched_responses": 0, "send_errors": 0, "bugs": 0},
    "recordings": {"running": 1, "unwritten": 0, "waiting": 0, "kept": 3, "trouble": "The disk is full."},
    "records": {"behind": False, "pending": 2, "lost": 0},
    "certificate": {"ends_at": 1800000000.0, "trouble": ""},
}  # fmt: skip


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """What a scrape holds, read by Prometheus' own parser."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("up", (), 1),
        ("uptime_seconds", (), 12.5),
        ("registered_addresses", (), 3),
        ("calls", ("talking",), 2),
        ("calls", ("queue",), 1),
        ("agents", ("busy",), 1),
        ("calls_ended_total", (), 9),
        ("sip_received_total", (), 5),
        ("memory_peak_bytes", (), 1024),
        ("recordings_trouble", (), 1),
        ("media_worker_up", ("1",), 1),
        ("media_worker_up", ("2",), 0),
        ("media_worker_legs", ("1",), 4),
        ("media_worker_tick_p99_seconds", ("1",), 0.0015),
        ("media_worker_cpu_seconds_total", ("1",), 2.25),
        ("media_worker_malformed_total", ("1",), 7),
        ("media_loss_ratio", (), 0.01),
        ("media_jitter_p95_seconds", (), 0.004),
        ("media_mos_mean", (), 4.2),
        ("queue_waiting", ('we"ird\\',), 1),
        ("queue_longest_wait_seconds", ('we"ird\\',), 8),
        ("queue_answered_in_time_today", ('we"ird\\',), 7),
    ],
)
def test_a_figure_is_told_in_base_units(name: str, labels: tuple[str, ...], value: float) -> None:
    assert samples(as_text(FIGURES))[f"softswitch_{name}", labels] == value


def test_what_is_not_known_is_left_out() -> None:
    found = samples(as_text(FIGURES))
    assert ("softswitch_media_mos_p5", ()) not in found
    assert ("softswitch_media_worker_legs", ("2",)) not in found


def test_a_switch_without_any_media_worker_is_told_of() -> None:
    figures = {**FIGURES, "media": {"error": "there is no media worker", "workers": []}}
    assert samples(as_text(figures))["softswitch_media_legs", ()] == 0


def test_json_has_the_same_figures() -> None:
    found = json.loads(as_json(FIGURES))
    assert found["softswitch_uptime_seconds"] == 12.5
    assert found["softswitch_calls"] == {"talking": 2, "queue": 1}


def test_a_scrape_is_answered_with_the_figures_of_its_moment_and_a_dead_switch_is_down() -> None:
    answers: list[dict[str, Any] | None] = [FIGURES, None]
    server = serve("127.0.0.1", 0, lambda: answers.pop(0))
    try:
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        alive, dead = (urllib.request.urlopen(url, timeout=30).read().decode() for _ in range(2))
    finally:
        server.shutdown()
        server.server_close()
    assert samples(alive)["softswitch_registered_addresses", ()] == 3
    assert samples(dead) == {("softswitch_up", ()): 0}

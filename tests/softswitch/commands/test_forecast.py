"""`softswitch forecast`: from figures, and from recorded calls beside what really happened."""

import json
from pathlib import Path

import pytest

from softswitch.commands.common import Refused
from softswitch.commands.forecast import forecast
from tests.softswitch.commands.past import WALL, office, story


def test_from_figures(capsys: pytest.CaptureFixture[str]) -> None:
    forecast(calls=51, patience=120, agents=5, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert round(found["erlang_c"]["service_level"], 2) == 0.89
    assert round(found["erlang_a"]["abandoned"], 3) == 0.033
    assert found["needed"] == {"erlang_a": 4, "erlang_c": 5}
    assert found["lines"] == 8
    forecast(calls=200, handle=180, agents=14)
    out = capsys.readouterr().out
    assert all(word in out for word in ("Erlang C", "17.4 %", "88.8 %", "simulated", "18 lines"))


def test_from_recorded_calls_beside_what_happened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = 3600 - WALL % 3600  # the next full hour
    calls = [story(f"a{n}", start + 60 * n, 5, 100, "101" if n % 2 else "102") for n in range(30)]
    calls += [story(f"b{n}", start + 61 * n, 40, None) for n in range(10)]
    calls.append(story("later", start + 3600, 30, 100))
    file = office(tmp_path, calls)
    forecast(file, since="2026-01-01", as_json=True)
    first, second = json.loads(capsys.readouterr().out)["intervals"]
    assert (first["calls"], first["agents"], first["handle"]) == (40, 2, 100)
    assert first["patience"] == pytest.approx((30 * 5 + 10 * 40 + 30) / 10)
    assert (first["real"]["service_level"], first["real"]["abandon_rate"]) == (0.75, 0.25)
    assert first["error"] == pytest.approx(first["erlang_a"]["service_level"] - 0.75)
    assert (second["calls"], second["real"]["service_level"]) == (1, 0)
    forecast(file, since="2026-01-01")
    assert "2 intervals" in capsys.readouterr().out


def test_what_cannot_be_foretold(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="agents"):
        forecast(calls=1e12)
    with pytest.raises(Refused, match="--target"):
        forecast(calls=1, target=1.0)
    with pytest.raises(Refused, match="yesterday"):
        forecast(office(tmp_path, []), since="someday")

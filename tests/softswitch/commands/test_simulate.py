"""`softswitch simulate`: what it prints, byte for byte the same, and what it refuses."""

import json
from pathlib import Path

import pytest

from softswitch.commands.common import Refused
from softswitch.commands.simulate import simulate

SCENARIO = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"


def test_one_seed_prints_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for seed in (5, 5, 6):
        simulate(SCENARIO, seed=seed, as_json=True)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]
    support = json.loads(printed[0])["runs"][0]["queues"]["support"]
    left = support["answered"] + support["abandoned"] + sum(support["flow_outs"].values()) + support["waiting"]
    assert support["offered"] == left > 300


def test_tables_for_people_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(SCENARIO, runs=2, chart=tmp_path / "day.svg")
    out = capsys.readouterr().out
    assert all(word in out for word in ("SL_offered", "ASA", "occupancy", "fairness", "10:00", "Means of 2 runs"))
    assert (tmp_path / "day.svg").read_text().startswith("<svg")


def test_the_queues_of_another_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = tmp_path / "office.toml"
    office.write_text(
        '[phones.101]\npassword = "demo-101"\n[queues.support]\nagents = ["101"]\nmax_length = 1\n', encoding="utf-8"
    )
    simulate(SCENARIO, office=office, as_json=True)
    with_office = json.loads(capsys.readouterr().out)["runs"][0]["queues"]["support"]
    assert with_office["blocked"]["full"] > 0


def test_what_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="expected a file that can be read"):
        simulate(tmp_path / "nowhere.toml")
    with pytest.raises(Refused, match="at least 1"):
        simulate(SCENARIO, runs=0)
    with pytest.raises(Refused, match="cannot be written"):
        simulate(SCENARIO, chart=tmp_path / "no" / "day.svg")

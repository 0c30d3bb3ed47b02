"""How the ports for sound are shared out among the media workers."""

import itertools
import os

import pytest

from config.model import Config
from softswitch import settings


def configuration(ports: str, workers: int) -> Config:
    return Config.model_validate({"media": {"ports": ports, "workers": workers}})


@pytest.mark.parametrize(("ports", "workers"), [("20000-29999", 1), ("20000-29999", 3), ("20000-20005", 2)])
def test_every_worker_has_whole_pairs_of_its_own_and_together_they_have_all(ports: str, workers: int) -> None:
    config = configuration(ports, workers)
    ranges = [settings.media_ports(config, number) for number in range(1, workers + 1)]
    assert ranges[0].first == config.media.ports.first
    assert ranges[-1].last == config.media.ports.last
    for one, after in itertools.pairwise(ranges):
        assert after.first == one.last + 1
    for one in ranges:
        assert one.first % 2 == 0
        assert one.last % 2 == 1
        assert one.last > one.first


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 1), (4, 3), (64, 4), (None, 1)])
def test_unasked_there_is_a_worker_for_each_core_but_one(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, workers: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert settings.media_workers(configuration("20000-29999", 0)) == workers


def test_unasked_no_worker_is_without_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert settings.media_workers(configuration("20000-20003", 0)) == 2

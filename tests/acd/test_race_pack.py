"""Two hundred callers and fifty agents who do everything in the same millisecond."""

import pytest

from acd.queue import STRATEGIES

from .race_pack import RacePack


@pytest.mark.parametrize("seed", range(len(STRATEGIES)))
def test_no_double_connect_none_stuck_none_lost_and_first_come_first_served(seed: int) -> None:
    pack = RacePack(seed)
    pack.run(offers=1500)
    assert pack.number > 50


@pytest.mark.load
def test_a_hundred_thousand_offers_of_the_race_pack() -> None:
    made = 0
    for seed in range(len(STRATEGIES)):
        pack = RacePack(100 + seed)
        pack.run(offers=100_000 // len(STRATEGIES) + 1)
        made += pack.offers
    assert made >= 100_000

"""The targets of the fuzzer over their seeds, cut and spoilt: a short run without the fuzzer."""

import random

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

ROUNDS = 10


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_holds_for_its_seeds_and_for_spoilt_ones(target: str) -> None:
    rng = random.Random(1)
    for seed in seeds().get(target, [bytes(rng.randrange(256) for _ in range(400)) for _ in range(3)]):
        TARGETS[target](seed)
        for _ in range(ROUNDS):
            spoilt = bytearray(seed)
            for _ in range(rng.randrange(1, 5)):
                spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
            TARGETS[target](bytes(spoilt[: rng.randrange(1, len(spoilt) + 1)]))

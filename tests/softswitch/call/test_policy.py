"""Which calls are recorded is decided once, and can be computed again."""

import pytest

from media.wish import Wish
from softswitch.call.codes import WITHIN, Codes
from softswitch.call.policy import Recorded, chance, choose

CALLS = [f"19aa-{number}" for number in range(10_000)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_share_of_the_calls_is_recorded(share: float) -> None:
    taken = sum(Recorded(share=share).takes(call) for call in CALLS)
    assert taken / len(CALLS) == pytest.approx(share, abs=0.02)


def test_all_are_recorded_unless_a_share_is_named_and_the_answer_never_changes() -> None:
    assert all(Recorded().takes(call) for call in CALLS)
    tenth = [call for call in CALLS if Recorded(share=0.1).takes(call)]
    assert tenth == [call for call in CALLS if Recorded(share=0.1).takes(call)]
    assert set(tenth) <= {call for call in CALLS if Recorded(share=0.2).takes(call)}
    assert chance("19aa-1") == pytest.approx(0.4098226, abs=1e-6)


def test_the_first_who_wants_a_call_recorded_says_how() -> None:
    gsm, flac = Recorded(Wish("gsm")), Recorded(Wish("flac"))
    never = Recorded(Wish("ogg"), share=1e-12)
    assert choose([None, never, gsm, flac], "n-1") is gsm
    assert choose([None, never], "n-1") is None
    assert choose([], "n-1") is None


def test_a_code_counts_for_the_party_that_keyed_all_of_it() -> None:
    codes = Codes({"*1": "record", "*2": "pause"})
    assert [codes.press("a", key, 0.0) for key in "5*1"] == [None, None, "record"]
    assert [codes.press("a", key, 1.0) for key in "1*"] == [None, None]
    assert codes.press("b", "2", 1.0) is None
    assert codes.press("a", "2", 1.0) == "pause"
    assert [codes.press("a", key, 2.0) for key in "**1"] == [None, None, "record"]


def test_keys_with_a_long_pause_between_them_are_no_code() -> None:
    codes = Codes({"*1": "record"})
    codes.press("a", "*", 0.0)
    assert codes.press("a", "1", WITHIN + 0.1) is None
    codes.press("a", "*", 10.0)
    assert codes.press("a", "1", 10.0 + WITHIN) == "record"


def test_without_codes_no_key_means_anything() -> None:
    assert [Codes({}).press("a", key, 0.0) for key in "*1#"] == [None] * 3

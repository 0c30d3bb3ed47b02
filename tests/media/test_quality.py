"""Jitter against the algorithm of RFC 3550 A.8 packet by packet, and the E-model against published values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.quality import MOST_BURSTY, JitterMeter, burst_ratio, delay_impairment, mos, r_factor, rate


class NaiveJitter:
    """RFC 3550 A.8 for one source, in floating point."""

    def __init__(self) -> None:
        self.jitter = 0.0
        self.transit: int | None = None

    def update(self, arrival: int, timestamp: int) -> None:
        transit = (arrival - timestamp) % 2**32
        if self.transit is not None:
            change = (transit - self.transit) % 2**32
            change = min(change, 2**32 - change)
            self.jitter += (change - self.jitter) / 16
        self.transit = transit


PACKETS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**32 - 1), st.integers(-2000, 2000)), max_size=40)


@given(PACKETS, st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_jitter_equals_the_rfc_packet_by_packet(packets: list[tuple[int, int, int]], batch: int) -> None:
    meter, twins = JitterMeter(4), [NaiveJitter() for _ in range(4)]
    for start in range(0, len(packets), batch):
        some = packets[start : start + batch]
        rows = np.array([row for row, _, _ in some], np.intp)
        stamps = np.array([stamp for _, stamp, _ in some], np.uint32)
        arrivals = np.array([(stamp + late) % 2**32 for _, stamp, late in some], np.uint32)
        meter.update(rows, arrivals, stamps)
        for row, stamp, late in some:
            twins[row].update((stamp + late) % 2**32, stamp)
    assert meter.jitter.tolist() == [twin.jitter for twin in twins]


def test_a_steady_stream_has_no_jitter_even_where_its_clock_wraps() -> None:
    meter, row = JitterMeter(1), np.array([0])
    for packet in range(20):
        stamp = np.array([(2**32 - 800 + packet * 160) % 2**32], np.uint32)
        meter.update(row, stamp + np.uint32(12345), stamp)
    assert meter.jitter[0] == 0


def test_alternating_delay_converges_to_its_size() -> None:
    meter, row = JitterMeter(1), np.array([0])
    for packet in range(200):
        stamp = np.array([packet * 160], np.uint32)
        meter.update(row, stamp + np.uint32(packet % 2 * 80), stamp)
    assert meter.jitter[0] == pytest.approx(80, rel=0.01)


def test_a_new_stream_begins_without_jitter_and_the_neighbour_keeps_his() -> None:
    meter, rows = JitterMeter(2), np.array([0, 1])
    for late in (0, 80):
        meter.update(rows, np.array([late, late], np.uint32), np.zeros(2, np.uint32))
    meter.reset(0)
    assert meter.jitter.tolist() == [0, 5]
    meter.update(np.array([0]), np.array([999], np.uint32), np.zeros(1, np.uint32))
    assert meter.jitter[0] == 0


def test_no_packets_are_no_work() -> None:
    meter = JitterMeter(1)
    meter.update(np.empty(0, np.intp), np.empty(0, np.uint32), np.empty(0, np.uint32))


# G.107 annex B, table B.1: R and the mean opinion score that it stands for.
@pytest.mark.parametrize(("rating", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_the_opinion_score_is_that_of_table_b1(rating: float, score: float) -> None:
    assert mos(rating) == pytest.approx(score, abs=0.007)


@pytest.mark.parametrize(("rating", "score"), [(-5, 1), (0, 1), (3, 1), (100, 4.5), (120, 4.5)])
def test_the_opinion_score_stays_between_1_and_4_5(rating: float, score: float) -> None:
    assert mos(rating) == score


def test_nothing_wrong_means_r_93_2_and_mos_4_41() -> None:
    assert r_factor(0.0) == pytest.approx(93.2)
    assert mos(r_factor(0.0)) == pytest.approx(4.41, abs=0.005)


def naive_delay(delay: float) -> float:
    if delay <= 100:
        return 0.0
    x = np.log10(delay / 100) / np.log10(2)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


@given(st.floats(0, 5000))
def test_delay_costs_what_section_7_4_says(delay: float) -> None:
    assert delay_impairment(delay) == pytest.approx(naive_delay(delay), abs=1e-9)


@given(st.floats(0, 100), st.floats(0, 2000), st.floats(1, 8))
def test_the_rating_equals_the_formula_written_out(loss: float, delay: float, ratio: float) -> None:
    wanted = 93.2 - naive_delay(delay) - 95 * loss / (loss / ratio + 25.1)
    rating = r_factor(loss, delay, burst_ratio=ratio)
    assert rating == pytest.approx(max(0.0, min(100.0, wanted)), abs=1e-9)


@given(st.floats(0, 100), st.floats(0, 5000))
def test_one_leg_is_rated_as_in_an_array(loss: float, delay: float) -> None:
    rating, score = rate(loss, delay)
    assert rating == pytest.approx(float(r_factor(loss, delay)), abs=1e-9)
    assert score == pytest.approx(float(mos(rating)), abs=1e-9)


def test_many_legs_are_rated_together() -> None:
    ratings = r_factor([0, 1, 5, 100], [20, 150, 250, 0])
    assert ratings.shape == (4,)
    assert (np.diff(ratings) < 0).all()


def test_random_losses_have_a_burst_ratio_of_one_and_runs_have_more() -> None:
    lost = np.random.default_rng(3).random(200_000) < 0.1
    bursts = int(np.count_nonzero(lost[1:] & ~lost[:-1]))
    assert burst_ratio(int(lost.sum()), bursts, len(lost)) == pytest.approx(1, abs=0.02)
    assert burst_ratio(50, 10, 500) == pytest.approx(4.5)
    assert burst_ratio(0, 0, 500) == burst_ratio(500, 1, 500) == 1
    assert burst_ratio(400, 1, 1000) == MOST_BURSTY


@given(st.floats(0, 100), st.floats(0, 1000), st.floats(1, 8))
def test_one_bursty_leg_is_rated_as_in_an_array(loss: float, delay: float, ratio: float) -> None:
    assert rate(loss, delay, ratio)[0] == pytest.approx(float(r_factor(loss, delay, burst_ratio=ratio)), abs=1e-9)

"""Payloads of one coded leg come out in the order of their time, whatever the network did to them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.jitter import PAUSE_FRAMES, START_FRAMES
from media.playout import MOST_WAITING, Gap, Playout
from media.rtp import FRAME


def name(frame: int) -> bytes:
    return b"%d" % frame


def put(playout: Playout, *frames: int) -> None:
    for frame in frames:
        playout.put(1000 + frame * FRAME, name(frame))


def take(playout: Playout, count: int = 1, samples: int = FRAME) -> list[bytes | Gap]:
    taken = []
    for _ in range(count):
        taken.append(playout.take())
        if isinstance(taken[-1], bytes):
            playout.advance(samples)
    return taken


def started(frames: int = 0) -> Playout:
    """A stream whose next payload is that of frame 0."""
    playout = Playout()
    put(playout, *range(frames or 1))
    assert take(playout, START_FRAMES) == [Gap.LOST] * START_FRAMES
    return playout


def test_nothing_is_heard_before_the_first_packet() -> None:
    assert take(Playout(), 3) == [Gap.PAUSE] * 3


def test_the_first_packet_waits_and_the_others_follow() -> None:
    playout = started(3)
    assert take(playout, 3) == [name(0), name(1), name(2)]


def test_order_is_restored_and_a_duplicate_is_heard_once() -> None:
    playout = started()
    put(playout, 2, 1, 2, 1)
    assert take(playout, 3) == [name(0), name(1), name(2)]


def test_a_lost_packet_lasts_a_frame() -> None:
    playout = started()
    put(playout, 2)
    assert take(playout, 3) == [name(0), Gap.LOST, name(2)]


def test_a_packet_of_40_ms_lasts_two_frames() -> None:
    playout = started()
    put(playout, 2, 4)
    assert take(playout, 3, samples=2 * FRAME) == [name(0), name(2), name(4)]


def test_a_packet_of_10_ms_lasts_half_a_frame() -> None:
    playout = started()
    playout.put(1000 + 80, b"half")
    playout.put(1000 + 160, b"whole")
    assert take(playout, 3, samples=80) == [name(0), b"half", b"whole"]


def test_after_200_ms_without_a_packet_the_stream_pauses_and_the_next_one_begins_anew() -> None:
    playout = started()
    assert take(playout) == [name(0)]
    assert take(playout, PAUSE_FRAMES) == [Gap.LOST] * (PAUSE_FRAMES - 1) + [Gap.PAUSE]
    put(playout, 500)
    assert take(playout, START_FRAMES + 1) == [Gap.LOST] * START_FRAMES + [name(500)]


def test_a_late_packet_is_counted_and_makes_the_buffer_deeper_at_the_next_review() -> None:
    playout = started()
    put(playout, 2)
    assert take(playout, 3) == [name(0), Gap.LOST, name(2)]
    put(playout, 1)
    assert playout.late == 1
    playout.review()
    put(playout, 3)
    assert take(playout, 3) == [Gap.LOST, Gap.LOST, name(3)]


def test_a_long_calm_makes_it_shallower_by_a_frame() -> None:
    playout = started()
    frame = 1
    for _ in range(4):
        for _ in range(50):
            put(playout, frame + 4, *([] if frame > 1 else range(1, 5)))
            take(playout)
            frame += 1
        playout.review()
    put(playout, frame + 4)
    assert take(playout) == [name(frame)]
    assert len(playout) == 4


def test_a_clock_that_jumps_by_a_part_of_a_frame_is_followed() -> None:
    playout = started()
    playout.put(1000 + FRAME + 30, b"moved")
    assert take(playout, 2) == [name(0), b"moved"]


def test_a_clock_that_jumps_by_seconds_begins_a_stream() -> None:
    playout = started()
    put(playout, 100_000)
    assert take(playout, START_FRAMES + 1)[-1] == name(100_000)


@pytest.mark.parametrize("step", [1, 3])
def test_no_sender_fills_the_memory(step: int) -> None:
    playout = Playout()
    for position in range(0, 100_000, step):
        playout.put(position, b"x")
    assert len(playout) <= MOST_WAITING


@given(st.integers(0, 2**32))
def test_what_comes_out_is_in_order_and_nothing_comes_out_twice(seed: int) -> None:
    rng, playout, heard = random.Random(seed), Playout(), []
    arrivals = sorted(range(200), key=lambda frame: frame + rng.uniform(0, 3))
    for index, frame in enumerate(arrivals):
        if rng.random() > 0.1:
            put(playout, frame)
        if index % 50 == 49:
            playout.review()
        heard += [int(one) for one in take(playout) if isinstance(one, bytes)]
    assert heard == sorted(set(heard))


@pytest.mark.parametrize("drift", [0.006, 0.02])
def test_a_sender_whose_clock_is_too_fast_does_not_make_the_delay_grow(drift: float) -> None:
    playout, ticks, sent, waiting = Playout(), 30_000, 0, []
    for tick in range(ticks):
        while sent <= tick * (1 + drift):
            put(playout, sent)
            sent += 1
        heard = take(playout)[0]
        if tick % 50 == 49:
            playout.review()
        if isinstance(heard, bytes) and tick > ticks - 500:
            waiting.append(sent - int(heard))
    assert len(waiting) > 490
    assert max(waiting) <= 8

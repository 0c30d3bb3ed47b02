import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.jitter import START_FRAMES, JitterBuffer
from media.rtp import FRAME
from tests.media.exact.twins import Waiting

steps = st.lists(
    st.tuples(
        st.integers(0, 2), st.none() | st.integers(-20, 25) | st.sampled_from([-100, 300, 5000]), st.integers(-90, 90)
    ),
    max_size=120,
)


@given(steps, st.sampled_from([0, 0xFFFFFF00, 0x7FFFFF00]))
def test_rows_equal_their_naive_twins(walk: list[tuple[int, int | None, int]], start: int) -> None:
    buffer = JitterBuffer(3)
    twins: list[Waiting[int]] = [Waiting() for _ in range(3)]
    rows, out = np.arange(3), np.zeros((3, FRAME), np.uint8)
    clock, value = start, 0
    for row, step, part in walk:
        if step is None:
            clock += FRAME
            present, _ = buffer.take(rows, out)
            for at, twin in enumerate(twins):
                held = twin.take()
                assert bool(present[at]) == (held is not None)
                assert held is None or out[at].tolist() == [held] * FRAME
            continue
        value = (value + 1) % 256
        timestamp = (clock + step * FRAME + (part if part % 3 == 0 else 0)) & 0xFFFFFFFF
        twins[row].put(timestamp, value)
        buffer.put(np.array([row]), np.array([timestamp]), np.full((1, FRAME), value, np.uint8))
    assert buffer.late.tolist() == [twin.late for twin in twins]


@given(st.lists(st.integers(1, 640), min_size=1, max_size=40), st.sampled_from([0, 0xFFFFFF00]))
def test_packets_of_any_lengths_make_one_unbroken_sound(sizes: list[int], start: int) -> None:
    buffer = JitterBuffer(2)
    sound = np.arange(sum(sizes), dtype=np.int64).astype(np.uint8) | np.uint8(1)
    row, out = np.array([1]), np.zeros((1, FRAME), np.uint8)
    heard: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = []
    sent = 0
    while len(heard) < 3 + len(sound) // FRAME:
        while sizes and sent < (len(heard) + 1) * FRAME:
            size = sizes.pop(0)
            buffer.put_one(1, (start + sent) & 0xFFFFFFFF, sound[sent : sent + size], 0)
            sent += size
        present, _ = buffer.take(row, out)
        heard.append(out[0].copy() if present[0] else np.zeros(FRAME, np.uint8))
    whole = np.concatenate(heard)[START_FRAMES * FRAME :]
    assert whole[: len(sound)].tolist() == sound.tolist()


def drive(buffer: JitterBuffer, arrivals: dict[int, list[int]], ticks: int) -> list[int | None]:
    """Frames by number: which arrive before each tick, and which are heard in it."""
    out = np.zeros((1, FRAME), np.uint8)
    heard: list[int | None] = []
    row = np.array([0])
    for tick in range(ticks):
        for number in arrivals.get(tick, []):
            buffer.put(row, np.array([number * FRAME]), np.full((1, FRAME), number % 256, np.uint8))
        present, _ = buffer.take(row, out)
        heard.append(int(out[0, 0]) if present[0] else None)
        if tick % 50 == 49:
            buffer.review(row)
    return heard


def test_the_first_packet_is_heard_after_two_frames() -> None:
    heard = drive(JitterBuffer(1), {tick: [tick] for tick in range(20)}, 20)
    assert heard == [None, None, *range(18)]


def test_late_packets_deepen_the_buffer_until_they_are_in_time() -> None:
    buffer = JitterBuffer(1)
    arrivals: dict[int, list[int]] = {}
    for number in range(400):
        arrivals.setdefault(number + (4 if number % 7 == 0 else 0), []).append(number)
    heard = drive(buffer, arrivals, 400)
    assert heard[:50].count(None) > 5
    assert None not in heard[120:]


def test_a_long_calm_makes_a_deep_buffer_shallow_again() -> None:
    buffer = JitterBuffer(1)
    arrivals: dict[int, list[int]] = {tick: [tick] for tick in range(3000)}
    arrivals[10], arrivals[15] = [], [10, 15]
    heard = drive(buffer, arrivals, 3000)
    depth = [tick - number for tick, number in zip(range(2990, 3000), heard[2990:], strict=True) if number is not None]
    assert {delay % 256 for delay in depth} == {START_FRAMES}


def test_a_pause_begins_anew_without_counting_a_loss() -> None:
    buffer = JitterBuffer(1)
    arrivals = {tick: [tick] for tick in (*range(10), *range(100, 110))}
    heard = drive(buffer, arrivals, 115)
    assert heard[102:112] == list(range(100, 110))
    assert buffer.late[0] == 0


def test_only_a_row_that_has_begun_can_lack_a_frame() -> None:
    buffer = JitterBuffer(2)
    out = np.zeros((2, FRAME), np.uint8)
    buffer.put(np.array([1]), np.array([0]), np.full((1, FRAME), 9, np.uint8))
    lacks = [buffer.take(np.arange(2), out)[1].tolist() for _ in range(15)]
    assert all(not first for first, _ in lacks)
    assert [second for _, second in lacks][3:] == [True] * 9 + [False] * 3


@pytest.mark.parametrize("drift", [0.006, 0.02])
def test_a_sender_whose_clock_is_too_fast_does_not_make_the_delay_grow(drift: float) -> None:
    buffer, ticks = JitterBuffer(1), 30_000
    arrivals: dict[int, list[int]] = {}
    for number in range(int(ticks * (1 + drift))):
        arrivals.setdefault(int(number / (1 + drift)), []).append(number)
    heard = drive(buffer, arrivals, ticks)
    assert heard.count(None) == START_FRAMES
    sent_by_then = [max(arrivals[tick]) for tick in range(ticks - 500, ticks)]
    waiting = [
        (sent - number) % 256 for sent, number in zip(sent_by_then, heard[-500:], strict=True) if number is not None
    ]
    assert max(waiting) <= 7


def test_a_sender_whose_clock_is_too_slow_costs_a_frame_now_and_then() -> None:
    buffer, ticks, drift = JitterBuffer(1), 30_000, 0.006
    arrivals: dict[int, list[int]] = {}
    for number in range(int(ticks * (1 - drift))):
        arrivals.setdefault(int(number / (1 - drift)) + 1, []).append(number)
    heard = drive(buffer, arrivals, ticks)
    assert heard.count(None) < 3 * drift * ticks
    assert int(buffer.late[0]) <= drift * ticks


def test_the_mean_of_what_waited_is_that_of_all_reviews_and_ends_with_the_leg() -> None:
    buffer, row = JitterBuffer(2), np.array([1])
    assert buffer.mean_depth(1) is None
    for frames in (3, 1):
        buffer.restart(1)
        for at in range(frames):
            buffer.put(row, np.array([at * FRAME]), np.zeros((1, FRAME), np.uint8))
        buffer.review(row)
    assert buffer.mean_depth(1) == 2
    buffer.forget(1)
    assert buffer.mean_depth(1) is None

"""The decisions of a bad network, with a hand-turned clock and a seed."""

from itertools import groupby, pairwise

import pytest

from tests.impairment.impairment import FURTHEST, Departure, Impairment

MANY = 20_000


def datagrams(count: int = MANY) -> list[bytes]:
    return [number.to_bytes(4, "big") for number in range(count)]


def send(line: Impairment, count: int = MANY, every: float = 0.02) -> list[list[Departure]]:
    """One datagram every 20 ms; the departures of each."""
    return [line.decide(datagram, number * every) for number, datagram in enumerate(datagrams(count))]


def losses(sent: list[list[Departure]]) -> float:
    return sum(not departures for departures in sent) / len(sent)


def test_a_good_network_passes_everything_on_at_once_and_unchanged() -> None:
    line = Impairment()
    assert send(line, 100) == [[(number * 0.02, datagram)] for number, datagram in enumerate(datagrams(100))]
    assert (line.counters.seen, line.counters.lost) == (100, 0)


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.3])
def test_as_many_are_lost_as_was_said(loss: float) -> None:
    line = Impairment(loss=loss, seed=7)
    assert losses(send(line)) == pytest.approx(loss, rel=0.15)
    assert line.counters.lost == round(losses(send(Impairment(loss=loss, seed=7))) * MANY)


def test_everything_is_lost_at_a_loss_of_one_and_nothing_at_zero() -> None:
    assert losses(send(Impairment(loss=1), 100)) == 1
    assert losses(send(Impairment(loss=0), 100)) == 0


def test_bursts_are_as_long_and_as_many_as_their_probabilities_say() -> None:
    begin, end = 0.02, 0.25
    line = Impairment(burst_begin=begin, burst_end=end, seed=3)
    sent = send(line, 5 * MANY)
    bursts = [len(list(group)) for lost, group in groupby(not departures for departures in sent) if lost]
    assert sum(bursts) / len(bursts) == pytest.approx(1 / end, rel=0.1)
    assert losses(sent) == pytest.approx(begin / (begin + end), rel=0.1)
    assert line.counters.lost_in_bursts == line.counters.lost


def test_random_loss_comes_in_short_runs() -> None:
    sent = send(Impairment(loss=0.05, seed=3))
    runs = [len(list(group)) for lost, group in groupby(not departures for departures in sent) if lost]
    assert sum(runs) / len(runs) == pytest.approx(1 / 0.95, rel=0.05)


def test_a_fixed_delay_is_the_same_for_all() -> None:
    for number, [(at, _)] in enumerate(send(Impairment(delay=0.1), 100)):
        assert at == pytest.approx(number * 0.02 + 0.1)


def test_uniform_jitter_stays_in_its_bounds_and_in_order() -> None:
    sent = send(Impairment(delay=0.05, jitter=0.03, seed=1))
    delays = [at - number * 0.02 for number, [(at, _)] in enumerate(sent)]
    assert min(delays) >= 0.05 - 1e-9
    assert max(delays) <= 0.08 + 1e-9
    assert max(delays) - min(delays) > 0.025
    times = [at for [(at, _)] in sent]
    assert times == sorted(times)


def test_normal_jitter_lies_around_the_delay_and_is_cut_off() -> None:
    sent = send(Impairment(delay=0.1, jitter=0.004, jitter_shape="normal", seed=1))
    delays = [at - number * 0.02 for number, [(at, _)] in enumerate(sent)]
    assert sum(delays) / len(delays) == pytest.approx(0.1, abs=0.001)
    assert max(abs(delay - 0.1) for delay in delays) <= FURTHEST * 0.004 + 1e-9


def test_normal_jitter_never_sends_before_the_datagram_came() -> None:
    sent = send(Impairment(jitter=0.01, jitter_shape="normal", seed=1))
    assert all(at >= number * 0.02 for number, [(at, _)] in enumerate(sent))


def test_jitter_greater_than_the_distance_of_packets_keeps_their_order() -> None:
    times = [at for [(at, _)] in send(Impairment(jitter=0.2, seed=1))]
    assert times == sorted(times)


def test_as_many_are_overtaken_as_was_said() -> None:
    line = Impairment(reorder=0.1, reorder_by=0.05, seed=2)
    sent = send(line)
    arrival = sorted((at, data) for [(at, data)] in sent)
    overtaken = sum(later < sooner for (_, sooner), (_, later) in pairwise(arrival))
    assert line.counters.reordered / MANY == pytest.approx(0.1, rel=0.1)
    assert overtaken / MANY == pytest.approx(0.1, rel=0.25)
    assert all(at - number * 0.02 in (pytest.approx(0), pytest.approx(0.05)) for number, [(at, _)] in enumerate(sent))


def test_as_many_leave_twice_as_was_said() -> None:
    line = Impairment(duplicate=0.2, seed=2)
    sent = send(line)
    twice = [departures for departures in sent if len(departures) == 2]
    assert len(twice) == line.counters.duplicated
    assert len(twice) / MANY == pytest.approx(0.2, rel=0.1)
    assert all(first[1] == second[1] for first, second in twice)


def test_corrupted_datagrams_differ_in_one_to_three_bits_and_keep_their_length() -> None:
    line = Impairment(corrupt=0.5, seed=2)
    bits = []
    for datagram, [(_, copy)] in zip(datagrams(), send(line), strict=True):
        assert len(copy) == len(datagram)
        bits.append((int.from_bytes(datagram, "big") ^ int.from_bytes(copy, "big")).bit_count())
    assert set(bits) == {0, 1, 2, 3}
    assert sum(map(bool, bits)) == line.counters.corrupted
    assert line.counters.corrupted / MANY == pytest.approx(0.5, rel=0.1)


def test_an_empty_datagram_can_be_corrupted() -> None:
    assert Impairment(corrupt=1).decide(b"", 1.0) == [(1.0, b"")]


def test_a_seed_repeats_everything_and_another_seed_does_not() -> None:
    def run(seed: int) -> list[list[Departure]]:
        return send(Impairment(loss=0.1, jitter=0.01, reorder=0.1, duplicate=0.1, corrupt=0.1, seed=seed), 500)

    assert run(1) == run(1)
    assert run(1) != run(2)


@pytest.mark.parametrize("wrong", [{"loss": 1.1}, {"burst_end": -0.1}, {"delay": -1.0}, {"jitter": -0.1}])
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Impairment(**wrong)  # type: ignore[arg-type]

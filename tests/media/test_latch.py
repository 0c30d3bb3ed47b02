import numpy as np
import pytest

from media.errors import BadCommand
from media.io import sockaddr
from media.latch import Latch


def make(rows: int = 4) -> Latch:
    latch = Latch(np.zeros((rows, 4), np.uint64), np.zeros(rows, np.uint32))
    for row in range(rows):
        latch.reset(row)
    return latch


def source(host: str, port: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    return sockaddr.pack(host, port)[None, :3]


@pytest.mark.parametrize(("host", "other"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])
def test_any_port_of_the_host_until_one_is_latched(host: str, other: str) -> None:
    latch, row = make(), np.array([2])
    latch.aim(2, host, 4000)
    assert latch.known(row, source(host, 5000))[0]
    assert not latch.known(row, source(other, 4000))[0]
    latch.learn(row, source(host, 5000))
    assert latch.known(row, source(host, 5000))[0]
    assert not latch.known(row, source(host, 4000))[0]
    assert not latch.known(row, source(other, 5000))[0]
    assert latch.host(2) == host


@pytest.mark.parametrize(("host", "other"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])
def test_s8_the_negotiated_port_counts_more_than_a_guess_at_the_host(host: str, other: str) -> None:
    latch, row = make(), np.array([2])
    latch.aim(2, host, 4000)
    latch.learn(row, source(host, 5000))
    assert latch.negotiated(row, source(host, 4000))[0]
    assert not latch.negotiated(row, source(host, 5000))[0]
    assert not latch.negotiated(row, source(other, 4000))[0]
    latch.learn(row, source(other, 7000))
    assert not latch.negotiated(row, source(host, 4000))[0], "a stream that went on from elsewhere is not called back"


def test_the_flow_label_of_ipv6_does_not_count() -> None:
    latch, row = make(), np.array([1])
    latch.aim(1, "2001:db8::1", 4000)
    labelled = source("2001:db8::1", 4000).copy()
    labelled[0, 0] |= np.uint64(0x12345 << 32)
    assert latch.known(row, labelled)[0]
    latch.learn(row, labelled)
    assert latch.known(row, source("2001:db8::1", 4000))[0]


def test_nobody_is_known_to_a_row_that_was_not_aimed() -> None:
    latch = make()
    assert not latch.known(np.array([1]), source("0.0.0.0", 0))[0]
    assert not latch.known(np.array([1]), np.zeros((1, 3), np.uint64))[0]
    assert latch.host(1) is None


def test_the_same_address_again_keeps_the_latch_and_another_one_opens_it() -> None:
    latch, row = make(), np.array([1])
    latch.aim(1, "192.0.2.1", 4000)
    latch.learn(row, source("192.0.2.1", 5000))
    latch.aim(1, "192.0.2.1", 4000)
    assert latch.latched[1]
    latch.aim(1, "192.0.2.1", 4002)
    assert not latch.latched[1]
    assert latch.known(row, source("192.0.2.1", 5000))[0]


@pytest.mark.parametrize(
    "address", [("nowhere", 1), ("192.0.2.1", 70000), ("1.2.3", 5), ("", 5), ("::x", 5), ("a\0b", 5)]
)
def test_what_is_no_address_is_refused(address: tuple[str, int]) -> None:
    with pytest.raises(BadCommand):
        make().aim(1, *address)

import random

import numpy as np
import pytest

from media.errors import BadCommand, PortsExhausted, UnknownLeg
from media.legs import NOBODY, Legs, Negotiated
from media.relay import NOWHERE, Relay
from media.rtp import FRAME, MARKER


def negotiate(**changes: object) -> Negotiated:
    fields: dict[str, object] = {
        "remote_host": "192.0.2.1",
        "remote_port": 4000,
        "codec": "PCMU",
        "payload_type": 0,
        "receive_payload_type": 0,
        "dtmf_send": None,
        "dtmf_receive": None,
        "send": True,
        "receive": True,
    }
    return Negotiated(**fields | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"codec": "G729"},
        {"codec": ""},
        {"remote_port": -1},
        {"remote_port": 65536},
        {"payload_type": 128},
        {"dtmf_send": 128},
        {"dtmf_receive": -1},
        {"remote_host": 5},
        {"remote_port": 4000.5},
        {"payload_type": 1.5},
        {"dtmf_send": "x"},
        {"payload_type": float("nan")},
    ],
)
def test_what_cannot_be_negotiated_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadCommand):
        negotiate(**changes)


def test_rows_are_given_out_lowest_first_and_never_the_one_of_nobody() -> None:
    legs = Legs(4, random.Random(1))
    assert [legs.open(name, 0) for name in "abc"] == [1, 2, 3]
    with pytest.raises(PortsExhausted):
        legs.open("d", 0)
    with pytest.raises(BadCommand):
        legs.open("a", 0)
    legs.close("c")
    legs.close("a")
    assert legs.open("d", 0) == 1
    assert NOBODY not in legs.rows
    with pytest.raises(UnknownLeg):
        legs.row("a")


def test_a_stream_counts_on_through_pauses_and_marks_their_ends() -> None:
    legs = Legs(3, random.Random(1))
    row = legs.open("a", 10)
    legs.configure(row, negotiate(), 0.0)
    legs.timestamp[row], legs.sequence[row] = 0xFFFFFFFF, 0xFFFF
    rows = np.array([row])
    numbers = [legs.stamp(rows, tick) for tick in (10, 11, 15, 16)]
    assert [int(sequence[0]) - 0xFFFF for _, sequence, _ in numbers] == [0, 1, 2, 3]
    assert [int(timestamp[0]) - 0xFFFFFFFF for _, _, timestamp in numbers] == [0, 160, 800, 960]
    assert [int(second[0]) & MARKER for second, _, _ in numbers] == [0, 0, MARKER, 0]


def test_a_port_of_zero_is_not_sent_to() -> None:
    legs = Legs(3, random.Random(1))
    row = legs.open("a", 0)
    legs.configure(row, negotiate(remote_port=0), 0.0)
    assert not legs.sends[row]


def test_a_relay_that_changes_its_source_goes_on_counting() -> None:
    legs = Legs(5, random.Random(2))
    a, b, target = (legs.open(name, 0) for name in "abt")
    relay = Relay(legs)
    sequence, stamps, said = [], [], {a: 0, b: 0}
    for tick in range(10):
        source = a if tick % 5 < 3 else b
        relay.connect(a if source == b else b, NOWHERE)
        relay.connect(source, target)
        said[source] += 1
        numbers = np.array([1000 * source + said[source]]), np.array([77777 * source + said[source] * FRAME])
        got = relay.number(np.array([source]), np.array([target]), *numbers, tick)
        sequence.append(int(got[0][0]))
        stamps.append(int(got[1][0]))
    assert np.diff(sequence).tolist() == [1] * 9
    assert np.diff(stamps).tolist() == [FRAME] * 9
    assert relay.count == 1

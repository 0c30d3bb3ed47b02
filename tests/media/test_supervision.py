"""Who hears whom, sample by sample: listen, whisper, barge, mute, deafen, gain; and the way back to the relay."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from media.legs import NOBODY
from media.membership import Membership
from media.protocol import ActiveTalker, Digit
from media.rtp import FRAME
from media.telephone_event import Event
from tests.media.studio import Studio, Talker, decode, encode, level, sine

SETTLED = 12
"""Ticks until the jitter buffers of a mix hand out sound."""
CALLER, AGENT, SUPERVISOR = 1000, 2000, 4000
"""What each of them says; every sum of them is another value."""


@pytest.fixture
def studio() -> Studio:
    return Studio()


def enter(studio: Studio, role: str) -> None:
    """The supervisor `s` comes to the call of `caller` and `agent`, or changes his role."""
    ear = studio.engine.legs.row("agent") if role == "whisper" else NOBODY
    studio.engine.join("s", "r", Membership(role=role, ear=ear))  # type: ignore[arg-type]


def call(studio: Studio, codec: str = "PCMU") -> tuple[Talker, Talker, Talker]:
    caller, agent, supervisor = studio.open("caller", codec), studio.open("agent", "PCMA"), studio.open("s")
    studio.engine.join("caller", "r")
    studio.engine.join("agent", "r")
    return caller, agent, supervisor


def heard(studio: Studio, *talkers: Talker) -> list[int]:
    """The sample that each of them hears again and again when they say their values; 0 without any packet."""
    sounds = [(talker, level(value)) for talker, value in zip(talkers, (CALLER, AGENT, SUPERVISOR), strict=True)]
    studio.talk(SETTLED, *sounds)
    for talker in talkers:
        talker.hears()
    studio.talk(5, *sounds)
    last = [talker.hears() for talker in talkers]
    assert all(len(sound) in (0, 5 * FRAME) for sound in last)
    assert all(np.ptp(sound) == 0 for sound in last if len(sound))
    return [int(sound[-1]) if len(sound) else 0 for sound in last]


def coded(value: float, codec: str) -> int:
    """What G.711 makes of a value."""
    return int(decode(encode(level(round(value)), codec), codec)[0])


def mixed(listener: Talker, talkers: Sequence[Talker], weights: Sequence[float]) -> int:
    """What a listener must hear of them all, to the bit."""
    voices = [coded(value, talker.codec) for talker, value in zip(talkers, (CALLER, AGENT, SUPERVISOR), strict=True)]
    total = sum(np.float32(weight) * voice for weight, voice in zip(weights, voices, strict=True))
    return coded(total, listener.codec)


def check(studio: Studio, talkers: Sequence[Talker], weights: Sequence[Sequence[float]]) -> None:
    """Insist on who hears whom how loud: a row for each listener, a factor for each of the three."""
    expected = [mixed(listener, talkers, row) for listener, row in zip(talkers, weights, strict=True)]
    assert heard(studio, *talkers) == expected


HEARD: dict[str, list[tuple[float, float, float]]] = {
    "listen": [(0, 1, 0), (1, 0, 0), (1, 1, 0)],
    "whisper": [(0, 1, 0), (1, 0, 1), (1, 1, 0)],
    "barge": [(0, 1, 1), (1, 0, 1), (1, 1, 0)],
}
"""What caller, agent and supervisor hear of caller, agent and supervisor."""


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("role", HEARD)
def test_a_supervisor_hears_both_and_is_heard_as_his_role_says(studio: Studio, codec: str, role: str) -> None:
    talkers = call(studio, codec)
    enter(studio, role)
    check(studio, talkers, HEARD[role])


def test_a_supervisor_changes_his_role_while_he_is_there(studio: Studio) -> None:
    talkers = call(studio)
    for role in ("listen", "whisper", "barge", "listen"):
        enter(studio, role)
        check(studio, talkers, HEARD[role])


def test_a_supervised_pair_leaves_the_relay_and_returns_to_it_without_a_seam(studio: Studio) -> None:
    caller, agent, _ = talkers = call(studio)
    studio.talk(10, (caller, level(10)), (agent, level(20)))
    assert studio.engine.relay.count == 2
    enter(studio, "listen")
    assert studio.engine.relay.count == 0
    studio.talk(10, *((talker, level(30)) for talker in talkers))
    enter(studio, "whisper")
    studio.talk(10, *((talker, level(30)) for talker in talkers))
    studio.engine.close("s", studio.now, 0.0)
    assert studio.engine.relay.count == 2
    studio.talk(10, (caller, level(10)), (agent, level(20)))
    for talker in (caller, agent):
        sent = studio.io.sent_to(talker.row)
        assert len(sent) == 40
        assert len({packet.ssrc for packet in sent}) == 1
        assert {(after.sequence - before.sequence) & 0xFFFF for before, after in pairwise(sent)} == {1}
        assert {(after.timestamp - before.timestamp) & 0xFFFFFFFF for before, after in pairwise(sent)} == {FRAME}


def test_a_whisper_falls_silent_when_the_ear_it_is_for_is_gone_and_nobody_inherits_it(studio: Studio) -> None:
    caller, agent, supervisor = call(studio)
    enter(studio, "whisper")
    heard(studio, caller, agent, supervisor)
    studio.engine.close("agent", studio.now, 0.0)
    other = studio.open("other")
    assert other.row == agent.row, "the row is given to the next leg"
    studio.engine.join("other", "r")
    check(studio, (caller, other, supervisor), HEARD["listen"])


def test_keys_of_a_supervised_call_reach_the_other_party_and_those_of_the_supervisor_nobody(studio: Studio) -> None:
    caller, agent, supervisor = call(studio)
    enter(studio, "barge")
    heard(studio, caller, agent, supervisor)
    for talker, code in ((caller, 5), (supervisor, 2)):
        payload = bytes(Event(code, True, 800))
        talker.send(talker.next_packet(payload, payload_type=101, advance=0))
        studio.tick()
    assert [event.digit for event in studio.told(Digit)] == ["5", "2"]
    handed_on = [[p.payload[0] for p in studio.io.sent_to(one.row) if p.payload_type == 101] for one in (caller, agent)]
    assert handed_on == [[], [5]]


def test_a_supervisor_who_is_left_with_one_party_gets_no_keys_of_his_and_gives_none(studio: Studio) -> None:
    caller, _, supervisor = call(studio)
    enter(studio, "barge")
    studio.engine.leave("agent")
    assert studio.engine.relay.count == 0
    supervisor.send(supervisor.next_packet(bytes(Event(3, True, 800)), payload_type=101, advance=0))
    studio.tick()
    assert [p for p in studio.io.sent_to(caller.row) if p.payload_type == 101] == []


def conference(studio: Studio) -> list[Talker]:
    talkers = [studio.open(name) for name in ("caller", "agent", "s")]
    for name in ("caller", "agent", "s"):
        studio.engine.join(name, "r")
    return talkers


@pytest.mark.parametrize(
    ("membership", "of_it", "for_it"),
    [
        (Membership(), 1, 1),
        (Membership(muted=True), 0, 1),
        (Membership(deaf=True), 1, 0),
        (Membership(muted=True, deaf=True), 0, 0),
        (Membership(gain=6.0), 10**0.3, 1),
        (Membership(gain=-20.0), 0.1, 1),
    ],
)
def test_a_member_may_be_muted_deaf_louder_and_softer(
    studio: Studio, membership: Membership, of_it: float, for_it: float
) -> None:
    talkers = conference(studio)
    studio.engine.join("s", "r", membership)
    check(studio, talkers, [(0, 1, of_it), (1, 0, of_it), (for_it, for_it, 0)])


def test_two_of_whom_one_is_muted_are_mixed_and_relayed_again_afterwards(studio: Studio) -> None:
    caller, agent, supervisor = call(studio)
    studio.engine.join("caller", "r", Membership(muted=True))
    assert studio.engine.relay.count == 0
    talkers = (caller, agent, supervisor)
    assert heard(studio, *talkers) == [mixed(caller, talkers, (0, 1, 0)), mixed(agent, talkers, (0, 0, 0)), 0]
    studio.engine.join("caller", "r")
    assert studio.engine.relay.count == 2


def test_only_rooms_with_somebody_special_pay_for_a_matrix(studio: Studio) -> None:
    conference(studio)
    assert studio.engine.rooms.plan().matrices == []
    studio.engine.join("s", "r", Membership(role="barge"))
    assert studio.engine.rooms.plan().matrices == [], "who barges in is heard like everybody else"
    studio.engine.join("s", "r", Membership(muted=True))
    plan = studio.engine.rooms.plan()
    assert len(plan.matrices) == 1
    assert not plan.mixes


def talkers_told(studio: Studio) -> list[str]:
    return [event.leg for event in studio.told(ActiveTalker)]


def test_the_loudest_is_told_when_it_changes_and_when_nobody_talks_any_more(studio: Studio) -> None:
    a, b, c = conference(studio)
    studio.engine.rooms.watch("r", on=True)
    studio.talk(100, (a, sine(440, 5, 8000)), (b, sine(600, 5, 2000)), (c, level(0)))
    assert talkers_told(studio) == ["caller"]
    studio.talk(100, (a, sine(440, 5, 2000)), (b, sine(600, 5, 8000)), (c, level(0)))
    assert talkers_told(studio) == ["caller", "agent"]
    studio.talk(120, (a, level(0)), (b, level(0)), (c, level(0)))
    assert talkers_told(studio) == ["caller", "agent", ""]


def test_who_talks_does_not_change_for_a_little_more_loudness_and_at_most_twice_a_second(studio: Studio) -> None:
    a, b, _ = conference(studio)
    studio.engine.rooms.watch("r", on=True)
    studio.talk(100, (a, sine(440, 5, 5000)), (b, sine(600, 5, 4000)))
    studio.talk(100, (a, sine(440, 5, 5000)), (b, sine(600, 5, 6500)))
    assert talkers_told(studio) == ["caller"]
    before = len(studio.events)
    for turn in range(40):  # they take turns of 100 ms for 4 s
        loud, quiet = (a, b) if turn % 2 else (b, a)
        studio.talk(5, (loud, sine(440, 5, 20000)), (quiet, sine(600, 5, 10)))
    assert len(studio.events) - before <= 8


def test_the_muted_and_supervisors_are_never_the_talker_and_unwatched_rooms_tell_nothing(studio: Studio) -> None:
    a, b, c = conference(studio)
    studio.talk(60, (a, sine(440, 5, 8000)))
    assert talkers_told(studio) == []
    studio.engine.rooms.watch("r", on=True)
    studio.engine.join("caller", "r", Membership(muted=True))
    studio.engine.join("s", "r", Membership(role="listen"))
    studio.talk(100, (a, sine(440, 5, 20000)), (b, sine(600, 5, 2000)), (c, sine(700, 5, 20000)))
    assert talkers_told(studio) == ["agent"]
    studio.engine.rooms.watch("r", on=False)
    studio.talk(100, (a, level(0)), (b, level(0)), (c, level(0)))
    assert talkers_told(studio) == ["agent"]


def test_watching_a_relayed_pair_does_not_disturb_the_relay(studio: Studio) -> None:
    caller, agent, _ = call(studio)
    studio.engine.rooms.watch("r", on=True)
    studio.talk(60, (caller, sine(440, 5, 8000)), (agent, level(0)))
    assert studio.engine.relay.count == 2
    assert talkers_told(studio) == ["caller"]
    for name in ("caller", "agent"):
        studio.engine.leave(name)
    assert studio.engine.rooms.plan().watched == [], "an empty room is watched no more"

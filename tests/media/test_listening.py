"""Call progress from packets to events."""

import numpy as np
import pytest

from media.protocol import CallProgress, read_event, read_line, write_event
from media.tone import render
from tests.media.speech import babble
from tests.media.studio import Studio, encode, level


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_busy_on_a_relayed_leg_is_told_and_the_relay_goes_on(studio: Studio) -> None:
    caller, line = studio.open("caller"), studio.open("line")
    for name in ("caller", "line"):
        studio.engine.join(name, "r")
    studio.engine.detect_progress("line", on=True)
    studio.talk(300, (caller, level(0)), (line, render("busy", "de")))
    told = studio.told(CallProgress)
    assert {event.leg for event in told} == {"line"}
    busy = [event.seconds for event in told if event.kind == "busy"]
    assert busy[0] == pytest.approx(3.84, abs=0.1)
    assert np.diff(busy) == pytest.approx(0.96, abs=0.05)
    assert np.abs(caller.hears()).max() > 5000
    assert studio.engine.relay.count == 2


def test_busy_is_heard_through_lost_packets(studio: Studio) -> None:
    """Every 33rd packet is lost; what is made up for it is the tone as it was."""
    line = studio.open("line")
    studio.engine.detect_progress("line", on=True)
    period = render("busy", "de")
    for at in range(500):
        packet = line.next_packet(encode(np.roll(period, -160 * at)[:160]))
        if at % 33 != 20:
            line.send(packet)
        studio.tick()
    busy = [event.seconds for event in studio.told(CallProgress) if event.kind == "busy"]
    assert busy[-1] > 8


def test_nothing_is_told_of_legs_that_nobody_asked_about_and_of_none_after_the_order_to_cease(studio: Studio) -> None:
    line, other = studio.open("line"), studio.open("other")
    studio.engine.detect_progress("line", on=True)
    studio.engine.detect_progress("line", on=True)
    studio.talk(30, (line, babble(1, 2)), (other, babble(1, 3)))
    assert {event.leg for event in studio.told(CallProgress)} == {"line"}
    studio.engine.detect_progress("line", on=False)
    studio.events.clear()
    studio.talk(300, (line, render("busy", "us")))
    assert not studio.events
    assert not len(studio.engine.rooms.plan().ears) or not studio.engine.rooms.listens.any()


def test_a_closed_leg_is_listened_to_no_more_and_its_row_begins_anew(studio: Studio) -> None:
    line = studio.open("line")
    studio.engine.detect_progress("line", on=True)
    studio.talk(150, (line, render("busy", "us")))
    studio.engine.close("line", studio.now, studio.now)
    again = studio.open("again")
    studio.engine.detect_progress("again", on=True)
    studio.events.clear()
    studio.talk(150, (again, render("busy", "us")))
    assert not [event for event in studio.told(CallProgress) if event.kind == "busy"]


def test_the_first_voice_and_who_it_is_are_told(studio: Studio) -> None:
    line = studio.open("line")
    studio.engine.detect_progress("line", on=True)
    studio.talk(25, (line, level(0)))
    studio.talk(25, (line, babble(0.5, 4)))
    studio.talk(60, (line, level(0)))
    told = {event.kind: event.seconds for event in studio.told(CallProgress)}
    assert set(told) == {"voice", "human"}
    assert 0.5 < told["voice"] < 0.8


def test_call_progress_crosses_the_socket() -> None:
    event = CallProgress("a1", "busy", 3.84)
    assert read_event(read_line(write_event(event).strip())) == event


def test_who_is_listened_to_anew_is_guessed_anew(studio: Studio) -> None:
    line = studio.open("line")
    for _ in range(2):
        studio.engine.detect_progress("line", on=True)
        studio.talk(20, (line, level(0)))
        studio.talk(25, (line, babble(0.5, 4)))
        studio.talk(60, (line, level(0)))
        studio.engine.detect_progress("line", on=False)
    assert [event.kind for event in studio.told(CallProgress)] == ["voice", "human"] * 2

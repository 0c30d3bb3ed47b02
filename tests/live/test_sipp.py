"""SIPp on both ends of the switch: what must work also when it happens often."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.conftest import SwitchStarter
from tests.live.phones import Phones
from tests.live.ports import free_port
from tests.live.registration import register, registered
from tests.live.running_switch import RunningSwitch
from tests.live.sipp import Result, Sipp, needs_sipp, run, write_users

pytestmark = needs_sipp


@pytest.fixture
async def switch(shared_switch: RunningSwitch) -> AsyncIterator[RunningSwitch]:
    """The module's switch; after each test nothing is left in it."""
    yield shared_switch
    await shared_switch.is_idle()


async def call_through(
    switch: RunningSwitch, caller: str, called: str, *, calls: int = 3, rate: float = 10, duration_ms: int = 300
) -> tuple[Result, Result]:
    """101 calls 102, both SIPp; what each of them counted."""
    users = write_users(switch.folder / f"{caller}.csv", [("101", "102")])
    async with (
        registered("102", switch.sip_port) as port,
        Sipp(called, switch.sip_port, switch.folder, calls=calls, local_port=port) as answering,
    ):
        await asyncio.sleep(0.3)
        calling = await run(
            caller, switch.sip_port, switch.folder, calls=calls, rate=rate, users=users, duration_ms=duration_ms
        )
        return calling, await answering.result()


async def test_register_refresh_and_unregister(switch: RunningSwitch) -> None:
    users = write_users(switch.folder / "users.csv", [(str(number),) for number in range(101, 111)])
    result = await run("register", switch.sip_port, switch.folder, calls=50, rate=100, users=users)
    assert result.good, result
    assert result.retransmissions == 0


@pytest.mark.parametrize(
    ("caller", "called"),
    [
        ("call_caller", "call_called"),
        ("call_caller_waits", "call_called_hangs_up"),
        ("cancel_caller", "cancel_called"),
        ("busy_caller", "busy_called"),
        ("no_answer_caller", "cancel_called"),
        ("hold_caller", "call_called"),
    ],
    ids=["caller-hangs-up", "callee-hangs-up", "cancel", "busy", "no-answer", "hold"],
)
async def test_both_sides_see_what_they_expect(switch: RunningSwitch, caller: str, called: str) -> None:
    calling, answering = await call_through(switch, caller, called)
    assert calling.good, calling
    assert answering.good, answering
    assert (calling.retransmissions, answering.retransmissions) == (0, 0)


async def test_all_contacts_ring_and_the_first_answer_wins(switch: RunningSwitch) -> None:
    async with (
        registered("102", switch.sip_port) as port,
        Sipp("cancel_called", switch.sip_port, switch.folder, local_port=port) as slower,
        Phones(switch.sip_port) as phones,
    ):
        caller, faster = await phones.add("101"), await phones.add("102")
        await caller.call("102")
        await faster.rings()
        await asyncio.sleep(0.3)
        await faster.answer()
        await caller.answered()
        cancelled = await slower.result()
        assert cancelled.good, cancelled


@pytest.mark.parametrize("scenario", ["dtmf_info_caller", "dtmf_rfc4733_caller"])
async def test_a_digit_from_sipp_is_understood_by_the_menu(switch: RunningSwitch, scenario: str) -> None:
    if scenario == "dtmf_rfc4733_caller" and os.geteuid() != 0:
        pytest.skip("SIPp plays captured packets only as root")
    async with Phones(switch.sip_port) as phones:
        agent = await phones.add("101", answer_after=0.1)
        users = write_users(switch.folder / "users.csv", [("109", "500", "1")])
        async with Sipp(scenario, switch.sip_port, switch.folder, users=users, duration_ms=4000) as sipp:
            await agent.rings(10)
            result = await sipp.result()
            assert result.good, result
            await agent.ended()


async def test_a_did_of_the_trunk_reaches_the_menu_and_a_leading_0_reaches_the_trunk(switch: RunningSwitch) -> None:
    folder: Path = switch.folder
    async with Sipp("call_called", switch.sip_port, folder, local_port=switch.trunk_port) as provider:
        users = write_users(folder / "users.csv", [("101", "0123456")])
        calling = await run("call_caller", switch.sip_port, folder, users=users, duration_ms=300)
        assert calling.good, calling
        assert (await provider.result()).good
    users = write_users(folder / "did.csv", [("+49301234567", "+74950000100")])
    incoming = await run(
        "trunk_caller", switch.sip_port, folder, users=users, duration_ms=500, local_port=switch.trunk_port
    )
    assert incoming.good, incoming


@pytest.mark.load
@pytest.mark.usefixtures("quiet_machine")
async def test_100_calls_a_second_for_20_seconds_without_a_failure(switch: RunningSwitch) -> None:
    before = switch.cpu_seconds()
    calling, answering = await call_through(switch, "call_caller", "call_called", calls=2000, rate=100, duration_ms=200)
    each = (switch.cpu_seconds() - before) / 2000
    print(f"CPU per call: {each * 1000:.2f} ms")
    assert calling.failed == 0, calling
    assert answering.failed == 0, answering
    assert calling.retransmissions == 0


@pytest.mark.load
@pytest.mark.usefixtures("quiet_machine")
async def test_50_calls_a_second_through_the_queue_without_a_failure(start_switch: SwitchStarter) -> None:
    switch = await start_switch({"queues.support.wrap_up": 0, "queues.support.record": False})
    ports = {number: free_port() for number in ("101", "102", "103")}
    for number, port in ports.items():
        await register(number, switch.sip_port, port)
    users = write_users(switch.folder / "users.csv", [("109", "600")])
    async with (
        Sipp("agent", switch.sip_port, switch.folder, calls=10_000, local_port=ports["101"]),
        Sipp("agent", switch.sip_port, switch.folder, calls=10_000, local_port=ports["102"]),
        Sipp("agent", switch.sip_port, switch.folder, calls=10_000, local_port=ports["103"]),
    ):
        result = await run(
            "call_caller", switch.sip_port, switch.folder, calls=500, rate=50, users=users, duration_ms=1500
        )
    assert result.good, result

"""A switch registers at another one as a phone of it, calls out with digest and is called over the registration."""

from contextlib import AsyncExitStack
from pathlib import Path

from tests.live.conftest import QUICK
from tests.live.control import eventually
from tests.live.phones import Phone, Phones
from tests.live.raw_phone import RawPhone
from tests.live.running_switch import RunningSwitch
from tests.live.sound import share_of

DID = 'called = "+74950000100"         # our number in the world\nto = "menu:main"'


def office(folder: Path, provider: RunningSwitch, password: str) -> RunningSwitch:
    """A switch that is 103 at its provider, whose calls there ring 101 here."""
    account = {
        "trunks.provider.peer": f"127.0.0.1:{provider.sip_port}",
        "trunks.provider.trusted": [f"127.0.0.1:{provider.sip_port}"],
        "trunks.provider.caller_number": "103",
        "trunks.provider.domain": "localhost",
        "trunks.provider.user": "103",
        "trunks.provider.password": password,
        "trunks.provider.register": True,
    }
    switch = RunningSwitch(folder, {**QUICK, **account})
    text = switch.file.read_text()
    assert DID in text
    switch.file.write_text(text.replace(DID, 'called = "103"\nto = "phone:101"'))
    return switch


async def hears(phone: Phone | RawPhone, hz: float) -> None:
    for _ in range(10):
        if share_of(hz, await phone.hear(0.5)) > 0.9:
            return
    raise AssertionError(f"{phone.number} does not hear {hz} Hz")


async def test_a_registered_trunk_calls_and_is_called(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(RunningSwitch(folder / "a", QUICK))
        switch = await stack.enter_async_context(office(folder / "b", provider, "demo-103"))
        status = await eventually(switch, lambda status: status["trunks"]["provider"]["state"] == "registered")
        assert 500 < status["trunks"]["provider"]["expires"] <= 600
        phones = await stack.enter_async_context(Phones(switch.sip_port))
        theirs = await stack.enter_async_context(RawPhone("102", provider.sip_port))
        await theirs.register()
        mine = await phones.add("101", answer_after=0.1)
        await mine.call("0102")
        await mine.answered()
        mine.send_tone(440.0)
        await hears(theirs, 440.0)
        await mine.hang_up()
        await theirs.ended_by_far_side.wait()
        assert (await theirs.call("103")).status == 200
        theirs.send_tone(660.0)
        await hears(mine, 660.0)
        await theirs.hang_up()
        await mine.ended()
        await switch.is_idle()


async def test_a_wrong_password_is_tried_once_and_told(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(RunningSwitch(folder / "a", QUICK))
        switch = await stack.enter_async_context(office(folder / "b", provider, "wrong"))
        status = await eventually(switch, lambda status: status["trunks"]["provider"]["state"] == "failed")
        assert "403" in status["trunks"]["provider"]["trouble"]
        registered = await provider.command("status", "--json")
        assert "103" not in str(registered["registrations"])

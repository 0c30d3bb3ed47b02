"""Texts between phones of a running switch."""

from tests.live.raw_phone import PATIENCE, RawPhone
from tests.live.running_switch import RunningSwitch


async def write(phone: RawPhone, number: str, text: str) -> int:
    answer = await phone.request(
        "MESSAGE", f"sip:{number}@{phone.server}", lines=["Content-Type: text/plain"], body=text
    )
    return answer.status


def texts(phone: RawPhone) -> list[str]:
    return [one.body for one in phone.received if one.first.startswith("MESSAGE ")]


async def test_a_text_is_delivered_and_one_for_who_is_away_waits_over_a_restart(switch: RunningSwitch) -> None:
    async with RawPhone("101", switch.sip_port) as sender, RawPhone("102", switch.sip_port) as there:
        assert (await there.register()).status == 200
        assert await write(sender, "102", "now") == 202
        await switch.until(lambda: texts(there) == ["now"], PATIENCE, "the text did not come")
        assert await write(sender, "103", "later") == 202
        kept = switch.data / "messages" / "103.json"
        await switch.until(kept.exists, PATIENCE, "the text is not kept")
    await switch.stop()
    await switch.start()
    async with RawPhone("103", switch.sip_port) as late:
        assert (await late.register()).status == 200
        await switch.until(lambda: texts(late) == ["later"], PATIENCE, "the text did not come")
        await switch.until(lambda: not kept.exists(), PATIENCE, "the text is kept although it was taken")

"""Trunks that want a password for each call."""

from dataclasses import replace

from softswitch.sip.digest import challenge, hash_a1, verify
from softswitch.sip.fields import Credentials
from softswitch.sip.message import Request
from softswitch.sip.proof import Account
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Line, Phone

CHALLENGE = f"WWW-Authenticate: {challenge('provider', 'n1')}"


def with_account(office: Office, account: Account | None) -> Phone:
    """The provider, which knows us by an account."""
    trunk = office.trunk()
    plan = office.exchange.plan
    office.change(trunks={name: replace(one, account=account) for name, one in plan.trunks.items()})
    return trunk


async def challenge_first(line: Line) -> Line:
    """Ask for a proof: the line of the INVITE that follows, which may overtake the ACK."""
    line.reply(401, b"", CHALLENGE)
    second = await line.phone.rings()
    await line.phone.request("ACK")
    return second


async def test_a_call_is_proven_once_and_goes_through(office: Office) -> None:
    trunk = with_account(office, Account("alice", "secret"))
    mine = await office.phone("101").call("0123")
    first = await trunk.rings()
    assert first.incoming is not None
    assert "Authorization" not in first.incoming.headers
    second = await challenge_first(first)
    assert isinstance(second.incoming, Request)
    assert second.call_id == first.call_id
    assert second.incoming.cseq.number == first.incoming.cseq.number + 1
    credentials = Credentials.parse(second.incoming.headers.get("Authorization") or "")
    assert verify(credentials, "INVITE", hash_a1("alice", "provider", "secret"), second.incoming.body)
    await second.answer()
    mine.acknowledge(await mine.phone.answer())
    await second.hang_up()
    await mine.is_hung_up()
    record = await office.record()
    assert len(record.legs) == 2


async def refuses(office: Office, trunk: Phone, mine: Line, times: int) -> None:
    """So many INVITEs come and each is challenged; then the caller is refused."""
    line = await trunk.rings()
    for _ in range(times - 1):
        line = await challenge_first(line)
    line.reply(401, b"", CHALLENGE)
    await trunk.request("ACK")
    await trunk.hears_nothing(2.0)
    answer = await mine.phone.next()
    assert answer.status >= 400  # type: ignore[union-attr]
    mine.acknowledge_refusal(answer)  # type: ignore[arg-type]


async def test_a_wrong_password_is_sent_once(office: Office) -> None:
    trunk = with_account(office, Account("alice", "wrong"))
    await refuses(office, trunk, await office.phone("101").call("0123"), 2)


async def test_without_an_account_or_for_another_realm_nothing_is_proven(office: Office) -> None:
    for account in (None, Account("alice", "secret", "elsewhere")):
        trunk = with_account(office, account)
        await refuses(office, trunk, await office.phone("101").call("0123"), 1)


async def test_a_phone_that_challenges_us_learns_nothing(office: Office) -> None:
    with_account(office, Account("alice", "secret"))
    phone = office.phone("102")
    await refuses(office, phone, await office.phone("101").call("102"), 1)


async def test_the_caller_gives_up_after_the_challenge(office: Office) -> None:
    trunk = with_account(office, Account("alice", "secret"))
    mine = await office.phone("101").call("0123")
    first = await trunk.rings()
    second = await challenge_first(first)
    second.reply(180)
    await mine.phone.response(180)
    mine.cancel()
    await mine.phone.response(200, "CANCEL")
    mine.acknowledge_refusal(await mine.phone.response(487, "INVITE"))
    await second.is_cancelled()

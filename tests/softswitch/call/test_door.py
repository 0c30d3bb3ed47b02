"""The door: who may register and call, and what is answered to what makes no sense. Through stack and ingress."""

import pytest

from softswitch.sip.message import Response
from softswitch.sip.peer import Peer
from tests.softswitch.call.office import Office
from tests.softswitch.call.phone import Phone, sdp, talk


def ask(phone: Phone, method: str, *headers: str, uri: str = "sip:localhost", to: str = "", body: bytes = b"") -> None:
    """Send a request outside of any call."""
    number = len(phone.wire.log)
    lines = [
        f"{method} {uri} SIP/2.0",
        phone.via(),
        "Max-Forwards: 70",
        f"From: <sip:{phone.number}@localhost>;tag=f{number}",
        f"To: {to or '<sip:localhost>'}",
        f"Call-ID: ask-{number}",
        f"CSeq: 1 {method}",
        f"Contact: {phone.contact}",
        *headers,
    ]
    phone.send("\n".join(lines), body)


async def test_a_phone_is_challenged_with_sha_256_first_then_md5(office: Office) -> None:
    phone = office.phone("101", registered=False)
    line = phone.line("900")
    line.invite(sdp())
    challenge = await phone.response(401)
    line.acknowledge_refusal(challenge)
    first, second = challenge.headers.get_all("WWW-Authenticate")
    assert "SHA-256" in first
    assert "MD5" in second
    assert "Proxy-Authenticate" not in challenge.headers


async def test_a_wrong_password_is_refused_and_makes_no_call(office: Office) -> None:
    phone = office.phone("101", password="wrong")
    line = await phone.call("900")
    refused = await phone.next()
    assert isinstance(refused, Response)
    assert refused.status in (401, 403)
    line.acknowledge_refusal(refused)
    assert office.facts == {}


async def test_a_caller_number_that_is_not_ones_own_is_403(office: Office) -> None:
    phone = office.phone("101")
    line = await phone.call("900", caller="102")
    line.acknowledge_refusal(await phone.response(403))
    assert office.facts == {}


async def test_a_phone_registers_and_is_called_where_its_register_came_from(office: Office) -> None:
    callee, caller = office.phone("102", registered=False), office.phone("101")
    answer = await callee.register()
    assert answer.contacts
    assert office.ingress.is_reachable("102")
    line = await caller.call("102")
    await (await callee.rings()).refuse(486)
    line.acknowledge_refusal(await caller.response(486))
    await callee.register(expires=0)
    assert not office.ingress.is_reachable("102")


async def test_a_registration_runs_out(office: Office) -> None:
    callee, caller = office.phone("102", registered=False), office.phone("101")
    await callee.register(expires=120)
    await callee.hears_nothing(121.0)
    office.ingress.expire()
    line = await caller.call("102")
    line.acknowledge_refusal(await caller.response(480))


async def test_nobody_registers_for_somebody_else(office: Office) -> None:
    phone = office.phone("101", registered=False)
    phone.number = "102"
    phone.password = "demo-101"
    ask(phone, "REGISTER", to="<sip:103@localhost>")
    challenge = await phone.response(401)
    phone.keep(challenge)
    phone.password = "demo-102"
    authorization = phone.credentials("REGISTER", "sip:localhost").strip()
    ask(phone, "REGISTER", authorization, to="<sip:103@localhost>")
    await phone.response(403)
    assert not office.ingress.is_reachable("103")


async def test_too_short_a_registration_is_423(office: Office) -> None:
    phone = office.phone("101", registered=False)
    answer = await phone.register(expires=5, status=423)
    assert answer.headers.get("Min-Expires") == "60"


async def test_a_stale_register_is_500(office: Office) -> None:
    """The same Call-ID with a lower number than the one that is known (RFC 3261 section 10.3, step 7)."""
    phone = office.phone("101", registered=False)
    await phone.register()
    for number, status in ((7, 200), (6, 500)):
        phone.send(
            f"REGISTER sip:localhost SIP/2.0\n{phone.via()}\nMax-Forwards: 70\nFrom: <sip:101@localhost>;tag=r\n"
            f"To: <sip:101@localhost>\nCall-ID: same\nCSeq: {number} REGISTER\nContact: {phone.contact}\nExpires: 600"
            f"{phone.credentials('REGISTER', 'sip:localhost')}"
        )
        await phone.response(status, "REGISTER")


@pytest.mark.parametrize("uri", ["sip:localhost", "sip:101@localhost", "sip:nobody@localhost"])
async def test_options_is_answered_to_everybody_in_the_same_way(office: Office, uri: str) -> None:
    phone = office.phone("101", registered=False)
    ask(phone, "OPTIONS", uri=uri)
    answer = await phone.response(200)
    assert "INVITE" in (answer.headers.get("Allow") or "")
    assert answer.headers.get("Accept") == "application/sdp"


# sip.md 1: merged requests


async def test_the_same_invite_over_two_paths_is_482_on_the_second(office: Office) -> None:
    phone = office.phone("101")
    line = await phone.call("900")
    line.acknowledge(await phone.answer())
    text = line._text.replace(line.branch, "z9hG4bK-another-path")
    phone.send(text, line.offer)
    refused = await phone.response(482)
    assert refused.via.branch == "z9hG4bK-another-path"
    line.branch = "z9hG4bK-another-path"
    line.acknowledge_refusal(refused)
    assert len(office.facts) == 1
    await line.hang_up()


async def test_an_authenticated_invite_with_the_old_branch_is_a_new_one(office: Office) -> None:
    phone = office.phone("101")
    line = phone.line("900")
    line.invite(sdp())
    challenge = await phone.response(401)
    line.acknowledge_refusal(challenge)
    phone.keep(challenge)
    branch = line.branch
    line.invite(sdp())
    repeated = line._text.replace(line.branch, branch)
    assert len(office.wire.sent("INVITE")) == 2
    line.branch = branch
    answer = await phone.answer()
    line.acknowledge(answer)
    await line.hang_up()
    assert branch in repeated


# sip.md 4: Via, received, rport


async def test_without_rport_the_answer_goes_to_the_port_of_the_via(office: Office) -> None:
    phone = office.phone("101", registered=False)
    elsewhere = Peer("udp", "127.0.0.1", 6900)
    text = (
        "OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6900;branch=z9hG4bK-via\r\nMax-Forwards: 70\r\n"
        "From: <sip:x@localhost>;tag=1\r\nTo: <sip:localhost>\r\nCall-ID: via\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    got: list[bytes] = []
    office.wire.plug(elsewhere, lambda data, source: got.append(data))
    phone.wire.send(text.encode(), phone.peer, Peer("udp", "127.0.0.1", 5060))
    await phone.hears_nothing(1.0)
    assert len(got) == 1
    assert b"received" not in got[0]


async def test_a_private_address_in_the_via_gets_received_and_the_answer_comes_back(office: Office) -> None:
    phone = office.phone("101", registered=False)
    text = (
        "OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.1.1:5060;branch=z9hG4bK-nat\r\nMax-Forwards: 70\r\n"
        "From: <sip:x@localhost>;tag=1\r\nTo: <sip:localhost>\r\nCall-ID: nat\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    phone.wire.send(text.encode(), phone.peer, Peer("udp", "127.0.0.1", 5060))
    answer = await phone.response(200)
    assert answer.via.params == {"branch": "z9hG4bK-nat", "received": "127.0.0.1"}


async def test_a_phone_behind_a_translator_is_called_at_its_real_address(office: Office) -> None:
    callee, caller = office.phone("102", registered=False), office.phone("101")
    callee.contact = "<sip:102@10.9.9.9:5060>"
    await callee.register()
    line = await caller.call("102")
    theirs = await callee.rings()
    assert theirs.incoming is not None
    assert str(theirs.incoming.uri) == "sip:102@10.9.9.9:5060"
    await theirs.refuse(486)
    line.acknowledge_refusal(await caller.response(486))


async def test_a_call_over_a_connection_is_answered_and_hung_up_on_it(office: Office) -> None:
    office.add_transport(Peer("tcp", "127.0.0.1", 5060))
    caller = Phone(office.wire, "101", Peer("tcp", "127.0.0.1", 6801), switch=Peer("tcp", "127.0.0.1", 5060))
    line = await caller.call("900")
    answer = await caller.answer()
    assert "transport=tcp" in (answer.headers.get("Contact") or "")
    line.acknowledge(answer)
    await office.exchange.close()
    await line.is_hung_up()


# sip.md 5 and 7: what belongs to nothing


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "OPTIONS", "INVITE", "NOTIFY"])
async def test_a_request_of_an_unknown_dialog_is_481(office: Office, method: str) -> None:
    phone = office.phone("101")
    ask(phone, method, to="<sip:localhost>;tag=unknown")
    refused = await phone.response(481, method)
    if method == "INVITE":
        line = phone.line("x")
        line.branch, line.call_id = refused.via.branch or "", refused.call_id
        line.local = refused.headers.get("From") or ""
        line.acknowledge_refusal(refused)


async def test_a_bye_without_a_dialog_is_481(office: Office) -> None:
    phone = office.phone("101")
    ask(phone, "BYE")
    await phone.response(481)


async def test_a_cancel_of_nothing_is_481(office: Office) -> None:
    phone = office.phone("101")
    line = phone.line("900")
    line.branch, line.cseq = "z9hG4bK-never-sent", 1
    line.cancel()
    await phone.response(481, "CANCEL")


async def test_a_cancel_with_another_branch_is_481_and_cancels_nothing(office: Office) -> None:
    caller, callee = office.phone("101"), office.phone("102")
    line = await caller.call("102")
    theirs = await callee.rings()
    theirs.reply(180)
    await caller.response(180)
    branch, line.branch = line.branch, "z9hG4bK-other"
    line.cancel()
    await caller.response(481, "CANCEL")
    line.branch = branch
    await theirs.refuse(486)
    line.acknowledge_refusal(await caller.response(486))


async def test_a_cancel_after_the_refusal_is_200_and_changes_nothing(office: Office) -> None:
    phone = office.phone("101")
    line = await phone.call("904")
    refused = await phone.response(486)
    line.cancel()
    await phone.response(200, "CANCEL")
    line.acknowledge_refusal(refused)


async def test_an_ack_of_nothing_is_never_answered(office: Office) -> None:
    phone = office.phone("101")
    ask(phone, "ACK", to="<sip:localhost>;tag=unknown")
    ask(phone, "ACK")
    ask(phone, "ACK", "Require: magic")
    await phone.hears_nothing(5.0)


async def test_a_stranger_with_other_tags_cannot_hang_up_a_call(office: Office) -> None:
    mine, theirs = await talk(office.phone("101"), office.phone("102"))
    right = mine.local
    mine.local = "<sip:101@localhost>;tag=stranger"
    mine.send("BYE")
    await mine.phone.response(481, "BYE")
    mine.local = right
    await mine.hang_up()
    await theirs.is_hung_up()


# sip.md 17: what we do not serve


@pytest.mark.parametrize(("method", "status"), [("PRACK", 405), ("JUGGLE", 501)])
async def test_methods_that_are_not_served(office: Office, method: str, status: int) -> None:
    phone = office.phone("101")
    ask(phone, method)
    refused = await phone.response(status)
    assert "INVITE" in (refused.headers.get("Allow") or "")


async def test_nobody_outside_of_a_call_has_a_call_led_elsewhere(office: Office) -> None:
    phone = office.phone("101")
    ask(phone, "REFER", "Refer-To: <sip:102@localhost>")
    await phone.response(403)
    await office.phone("102").hears_nothing(5.0)


async def test_an_extension_that_is_required_and_unknown_is_420(office: Office) -> None:
    phone = office.phone("101")
    ask(phone, "OPTIONS", "Require: magic, 100rel")
    refused = await phone.response(420)
    assert refused.headers.get("Unsupported") == "magic, 100rel"


async def test_a_scheme_that_is_unknown_is_416(office: Office) -> None:
    phone = office.phone("101")
    ask(phone, "OPTIONS", uri="http://localhost")
    await phone.response(416)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (("Content-Type: text/html",), "Accept"),
        (("Content-Type: application/sdp", "Content-Encoding: gzip"), "Accept-Encoding"),
    ],
)
async def test_a_body_that_is_not_understood_is_415(office: Office, headers: tuple[str, ...], name: str) -> None:
    phone = office.phone("101")
    ask(phone, "INVITE", *headers, body=b"<html>")
    refused = await phone.response(415)
    assert refused.headers.get(name)
    line = phone.line("x")
    line.branch, line.call_id, line.local = refused.via.branch or "", refused.call_id, refused.headers.get("From") or ""
    line.acknowledge_refusal(refused)


async def test_an_invite_without_contact_is_400_and_leaves_nothing(office: Office) -> None:
    trunk = office.trunk()
    line = trunk.line("+74950000101")
    line.branch = "z9hG4bK-no-contact"
    trunk.send(
        f"INVITE sip:+74950000101@127.0.0.1 SIP/2.0\n{trunk.via(line.branch)}\nMax-Forwards: 70\nFrom: {line.local}\n"
        f"To: {line.remote}\nCall-ID: {line.call_id}\nCSeq: 1 INVITE"
    )
    line.acknowledge_refusal(await trunk.response(400))


@pytest.mark.parametrize("broken", ["CSeq: 9 OPTIONS", "Max-Forwards: 300", "Max-Forwards: many", "Content-Length: -1"])
async def test_what_is_broken_is_400(office: Office, broken: str) -> None:
    phone = office.phone("101")
    name = broken.partition(":")[0]
    line = phone.line("900")
    line.invite(sdp())
    await phone.response(401)
    text = "\n".join(one for one in line._text.splitlines() if not one.startswith(name)) + f"\n{broken}"
    phone.send(text.replace(line.branch, "z9hG4bK-broken"))
    refused = await phone.response(400)
    assert refused.via.branch == "z9hG4bK-broken"


async def test_what_is_no_message_at_all_is_not_answered(office: Office) -> None:
    phone = office.phone("101")
    for data in (
        b"\r\n\r\n",
        b"\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 2000,
        b"SIP/2.0 200 OK\r\n\r\n",
    ):
        phone.wire.send(data, phone.peer, Peer("udp", "127.0.0.1", 5060))
    await phone.hears_nothing(1.0)
    assert office.stack.counters.bugs == 0


@pytest.mark.parametrize("first", [600, 0])
async def test_a_call_follows_its_phone_that_registers_from_another_address(office: Office, first: int) -> None:
    callee = office.phone("102")
    await callee.register()
    mine, theirs = await talk(office.phone("101"), callee)
    moved = Phone(callee.wire, "102", callee.peer._replace(port=callee.peer.port + 500), contact=callee.contact)
    await moved.register(expires=first)
    mine.send("BYE")
    bye = await moved.request("BYE")
    assert bye.call_id == theirs.call_id
    theirs.phone = moved
    theirs.reply(200, to=bye)
    await mine.phone.response(200, "BYE")


async def test_a_phone_that_takes_back_the_bindings_of_others_does_not_get_their_calls(office: Office) -> None:
    callee = office.phone("102")
    await callee.register()
    mine, theirs = await talk(office.phone("101"), callee)
    other = Phone(callee.wire, "102", callee.peer._replace(port=callee.peer.port + 500), contact="*")
    await other.register(expires=0)
    mine.send("BYE")
    await theirs.is_hung_up()
    await mine.phone.response(200, "BYE")

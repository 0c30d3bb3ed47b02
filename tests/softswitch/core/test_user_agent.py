"""What is checked of every request before anybody looks at what it wants (RFC 3261 section 8.2)."""

import pytest

from softswitch.core.user_agent import ALLOWED_METHODS, inspect, options_answer, tokens
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.uri import Uri


def request(method: str = "INVITE", *headers: str, uri: str = "sip:900@localhost", body: str = "") -> Request:
    lines = [
        f"{method} sip:900@localhost SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1",
        "From: <sip:101@localhost>;tag=1",
        "To: <sip:900@localhost>",
        "Call-ID: a",
        f"CSeq: 1 {method}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    message = parse(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
    assert isinstance(message, Request)
    message.uri = Uri.parse(uri)  # the parser refuses some of them by itself
    return message


def refusal(*args: str, **fields: str) -> Response:
    found = inspect(request(*args, **fields))
    assert found is not None
    assert found.to.tag
    return found


@pytest.mark.parametrize("method", [one for one in ALLOWED_METHODS if one not in ("ACK", "CANCEL")])
def test_a_sane_request_passes(method: str) -> None:
    assert inspect(request(method)) is None


@pytest.mark.parametrize("method", ["PRACK"])
def test_a_method_of_the_rfcs_that_is_not_ours_is_405(method: str) -> None:
    answer = refusal(method)
    assert answer.status == 405
    assert answer.headers.get("Allow") == ", ".join(ALLOWED_METHODS)


def test_a_method_of_no_rfc_is_501() -> None:
    assert refusal("JUGGLE").status == 501
    assert refusal("invite").status == 501, "methods are case-sensitive (RFC 3261 section 7.1)"


@pytest.mark.parametrize("uri", ["http://localhost", "mailto:101@localhost", "urn:service:sos"])
def test_a_scheme_that_is_not_ours_is_416(uri: str) -> None:
    assert refusal("OPTIONS", uri=uri).status == 416


@pytest.mark.parametrize("uri", ["tel:+74950000100", "sips:900@localhost", "SIP:900@localhost"])
def test_a_scheme_that_is_ours_passes(uri: str) -> None:
    assert inspect(request("OPTIONS", uri=uri)) is None


def test_extensions_that_are_required_are_named_in_unsupported() -> None:
    answer = refusal("INVITE", "Require: 100rel, Magic", "Require: timer")
    assert answer.status == 420
    assert answer.headers.get("Unsupported") == "100rel, magic, timer"


def test_the_registrar_and_a_cancel_look_at_require_themselves() -> None:
    assert inspect(request("REGISTER", "Require: outbound")) is None
    assert inspect(request("CANCEL", "Require: magic")) is None


def test_proxy_require_is_not_for_us() -> None:
    assert inspect(request("INVITE", "Proxy-Require: magic")) is None


@pytest.mark.parametrize(
    ("method", "kind", "accepted"),
    [
        ("INVITE", "text/html", "application/sdp"),
        ("UPDATE", "multipart/mixed", "application/sdp"),
        ("INFO", "text/plain", "application/dtmf-relay, application/dtmf, application/media_control+xml"),
    ],
)
def test_a_body_that_is_not_understood_is_415_with_accept(method: str, kind: str, accepted: str) -> None:
    answer = refusal(method, f"Content-Type: {kind}", body="x")
    assert answer.status == 415
    assert answer.headers.get("Accept") == accepted


def test_a_body_without_a_type_is_415() -> None:
    assert refusal("INVITE", body="x").status == 415


def test_the_type_is_compared_without_case_and_parameters() -> None:
    assert inspect(request("INVITE", "Content-Type: Application/SDP;charset=utf-8", body="x")) is None


def test_a_body_that_may_be_ignored_is() -> None:
    headers = ("Content-Type: text/html", "Content-Disposition: session; handling=optional")
    assert inspect(request("INVITE", *headers, body="x")) is None


def test_no_body_needs_no_type() -> None:
    assert inspect(request("INVITE", "Content-Type: text/html")) is None


def test_a_body_of_a_method_that_takes_none_is_ignored() -> None:
    assert inspect(request("OPTIONS", "Content-Type: text/html", body="x")) is None


def test_a_packed_body_is_415_with_accept_encoding() -> None:
    answer = refusal("INVITE", "Content-Type: application/sdp", "Content-Encoding: gzip", body="x")
    assert (answer.status, answer.headers.get("Accept-Encoding")) == (415, "identity")
    assert inspect(request("INVITE", "Content-Type: application/sdp", "Content-Encoding: identity", body="x")) is None


@pytest.mark.parametrize("accept", ["application/sdp", "application/*", "*/*;q=0.1", "text/html, application/sdp", ""])
def test_a_caller_who_can_read_our_answer_passes(accept: str) -> None:
    assert inspect(request("INVITE", f"Accept: {accept}")) is None


def test_a_caller_who_cannot_read_our_answer_is_406() -> None:
    assert refusal("INVITE", "Accept: text/html").status == 406


def test_the_order_is_that_of_the_rfc() -> None:
    assert refusal("JUGGLE", "Require: magic", uri="http://x").status == 501
    assert refusal("INVITE", "Require: magic", "Content-Type: text/html", uri="http://x", body="x").status == 416
    assert refusal("INVITE", "Require: magic", "Content-Type: text/html", body="x").status == 420


def test_tokens_are_bounded() -> None:
    many = ", ".join(f"t{number}" for number in range(500))
    assert len(tokens(request("OPTIONS", f"Require: {many}", f"Require: {many}"), "Require")) == 64


def test_options_says_what_is_served() -> None:
    answer = options_answer(request("OPTIONS"))
    assert answer.status == 200
    assert {"Allow", "Accept", "Accept-Encoding", "Accept-Language"} <= {name for name, _ in answer.headers}
    assert options_answer(request("OPTIONS"), 404).status == 404

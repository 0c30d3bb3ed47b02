"""Answering challenges: only those of the realm, never the same twice, and again when a nonce is stale."""

import pytest

from softswitch.sip.digest import challenge, hash_a1, verify
from softswitch.sip.fields import Credentials
from softswitch.sip.message import Request, Response
from softswitch.sip.proof import Account, Proof
from softswitch.sip.uri import Uri

ACCOUNT = Account("alice", "secret")


def refusal(*challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, "Unauthorized", [(name, text) for text in challenges], b"")


def proves(proof: Proof, realm: str, algorithm: str, name: str = "Authorization") -> bool:
    """Whether the one header that is made proves the password."""
    ((made, value),) = proof.headers("REGISTER", "sip:example.com")
    credentials = Credentials.parse(value)
    return made == name and verify(credentials, "REGISTER", hash_a1("alice", realm, "secret", algorithm))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize(("status", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenge_is_answered(algorithm: str, status: int, name: str) -> None:
    proof = Proof(ACCOUNT)
    assert proof.headers("REGISTER", "sip:example.com") == []
    assert proof.learn(refusal(challenge("example.com", "n1", algorithm), status=status))
    assert proves(proof, "example.com", algorithm, name)


def test_the_first_that_can_be_answered_is_chosen() -> None:
    proof = Proof(ACCOUNT)
    strange = 'Digest realm="example.com", nonce="n", algorithm=SHA-3'
    broken = 'Digest realm="'
    assert proof.learn(refusal(broken, strange, challenge("example.com", "n1", "SHA-256"), challenge("b", "n2")))
    assert proves(proof, "example.com", "SHA-256")


@pytest.mark.parametrize("text", ["Basic realm=x", 'Digest realm="elsewhere", nonce="n"', "nonsense"])
def test_what_is_not_for_us_is_not_answered(text: str) -> None:
    proof = Proof(Account("alice", "secret", "example.com"))
    assert not proof.learn(refusal(text))
    assert proof.headers("REGISTER", "sip:example.com") == []


def test_wrong_credentials_are_not_tried_again_but_stale_ones_are() -> None:
    proof = Proof(ACCOUNT)
    assert proof.learn(refusal(challenge("r", "n1")))
    assert not proof.learn(refusal(challenge("r", "n2")))
    assert proof.learn(refusal(challenge("r", "n3", stale=True)))
    assert not proof.learn(refusal(challenge("r", "n3", stale=True)))  # the same nonce is never stale twice


def test_after_a_success_a_new_challenge_is_answered() -> None:
    proof = Proof(ACCOUNT)
    assert proof.learn(refusal(challenge("r", "n1")))
    proof.headers("REGISTER", "sip:r")
    proof.settle()
    ((_, value),) = proof.headers("REGISTER", "sip:r")
    assert Credentials.parse(value).nc == "00000002"
    assert proof.learn(refusal(challenge("r", "n2")))
    ((_, value),) = proof.headers("REGISTER", "sip:r")
    assert Credentials.parse(value).nc == "00000001"


def test_a_repeated_request_has_the_next_number_and_no_via() -> None:
    proof = Proof(ACCOUNT)
    proof.learn(refusal(challenge("r", "n1")))
    headers = [("Via", "SIP/2.0/UDP a;branch=z9hG4bKx"), ("From", "<sip:a@b>;tag=1"), ("CSeq", "7 INVITE")]
    again = proof.repeat(Request("INVITE", Uri.parse("sip:a@b"), headers, b"v=0"))
    assert "Via" not in again.headers
    assert (again.cseq.number, again.cseq.method) == (8, "INVITE")
    assert again.body == b"v=0"
    assert len(again.headers.get_all("Authorization")) == 1
    once_more = proof.repeat(again)
    assert len(once_more.headers.get_all("Authorization")) == 1


def test_the_password_is_in_no_text_of_the_account() -> None:
    assert "secret" not in repr(ACCOUNT)

"""Digest authentication against the vectors of RFC 2617, 7616 and 8760, and against ourselves."""

from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.digest import (
    ALGORITHMS,
    FORGED,
    NONCE_LIFETIME,
    STALE,
    VALID,
    Nonces,
    build_credentials,
    challenge,
    choose,
    hash_a1,
    verify,
)
from softswitch.sip.errors import BadHeader
from softswitch.sip.fields import Challenge, Credentials

# RFC 2617 section 3.5
RFC2617 = Credentials.parse(
    'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
    'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


def rfc7616(algorithm: str, response: str) -> Credentials:
    """Build the credentials of RFC 7616 section 3.9.1, which RFC 8760 refers to."""
    return Credentials.parse(
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
        f'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )


MD5 = rfc7616("MD5", "8ca523f5e9506fed4657c9700eebdbec")
SHA256 = rfc7616("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")


def test_the_vector_of_rfc_2617() -> None:
    ha1 = hash_a1("Mufasa", "testrealm@host.com", "Circle Of Life")
    assert ha1 == "939e7578ed9e3c518a452acee763bce9"
    assert verify(RFC2617, "GET", ha1)
    assert not verify(RFC2617, "POST", ha1)
    assert not verify(RFC2617, "GET", hash_a1("Mufasa", "testrealm@host.com", "circle of life"))


@pytest.mark.parametrize("credentials", [MD5, SHA256])
def test_the_vectors_of_rfc_7616(credentials: Credentials) -> None:
    ha1 = hash_a1("Mufasa", "http-auth@example.org", "Circle of Life", credentials.algorithm)
    assert verify(credentials, "GET", ha1)
    credentials.params["nc"] = "00000002"
    assert not verify(credentials, "GET", ha1)
    credentials.params["nc"] = "00000001"


def test_the_form_of_rfc_2069_without_qop() -> None:
    # the example of RFC 2069 section 2.4 with the response of its erratum 749
    credentials = Credentials.parse(
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert verify(credentials, "GET", hash_a1("Mufasa", "testrealm@host.com", "CircleOfLife"))


def test_an_upper_case_response_is_right_too() -> None:
    params = {**RFC2617.params, "response": RFC2617.response.upper()}
    assert verify(Credentials("DIGEST", params), "GET", "939e7578ed9e3c518a452acee763bce9")


@pytest.mark.parametrize(
    "changed",
    [
        {"response": ""},
        {"response": "6629fae4"},
        {"response": "ю" * 32},
        {"response": "\udcff" * 32},
        {"algorithm": "SHA-512"},
        {"algorithm": ""},
        {"qop": "auth-conf"},
        {"nc": ""},
        {"cnonce": ""},
        {"uri": "/other"},
        {"nonce": "\udcff"},
        {"realm": "other", "nonce": ""},
    ],
)
def test_changed_credentials_prove_nothing(changed: dict[str, str]) -> None:
    credentials = Credentials("Digest", {**RFC2617.params, **changed})
    assert not verify(credentials, "GET", "939e7578ed9e3c518a452acee763bce9")


def test_an_unknown_quality_of_protection_proves_nothing_even_when_the_hash_is_right() -> None:
    params = {**RFC2617.params, "qop": "auth-conf"}
    a2 = md5(b"GET:/dir/index.html").hexdigest()
    text = f"939e7578ed9e3c518a452acee763bce9:{params['nonce']}:00000001:0a4f113b:auth-conf:{a2}"
    params["response"] = md5(text.encode()).hexdigest()
    assert not verify(Credentials("Digest", params), "GET", "939e7578ed9e3c518a452acee763bce9")


def test_credentials_of_another_scheme_prove_nothing() -> None:
    assert not verify(Credentials("Basic", RFC2617.params), "GET", "939e7578ed9e3c518a452acee763bce9")


# --- nonces


def test_a_nonce_is_good_until_its_time_is_over() -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.make(1000.0)
    assert nonces.check(nonce, 1000.0) is VALID
    assert nonces.check(nonce, 1000.0 + NONCE_LIFETIME) is VALID
    assert nonces.check(nonce, 1000.1 + NONCE_LIFETIME) is STALE


def test_a_nonce_from_the_future_is_stale() -> None:
    nonces = Nonces(b"secret")
    assert nonces.check(nonces.make(1000.0), 10.0) is STALE


def test_no_two_nonces_are_alike() -> None:
    nonces = Nonces(b"secret")
    assert len({nonces.make(5.0) for _ in range(1000)}) == 1000


def test_a_nonce_of_another_secret_is_forged() -> None:
    assert Nonces(b"secret").check(Nonces(b"other").make(5.0), 5.0) is FORGED


def test_a_nonce_outlives_a_restart_with_the_same_secret() -> None:
    assert Nonces(b"secret").check(Nonces(b"secret").make(5.0), 6.0) is VALID


def test_a_nonce_can_be_written_without_escapes() -> None:
    nonce = Nonces(b"secret").make(123456.789)
    assert len(nonce) == 35
    assert all(letter.isalnum() or letter in "-_" for letter in nonce)


@pytest.mark.parametrize("nonce", ["", "abc", "=", "a" * 35, "ю", "\udcff", "a b", "\x00", "A" * 100_000])
def test_a_made_up_nonce_is_forged(nonce: str) -> None:
    assert Nonces(b"secret").check(nonce, 5.0) is FORGED


@given(st.integers(0, 33), st.sampled_from("ABCxyz019-_!= "))
def test_a_changed_nonce_is_forged(place: int, letter: str) -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.make(5.0)
    changed = nonce[:place] + letter + nonce[place + 1 :]
    assert nonces.check(changed, 5.0) is (VALID if changed == nonce else FORGED)
    assert nonces.check(nonce[:place] + "!!!!" + nonce[place:], 5.0) is FORGED


@given(st.text(max_size=60))
def test_any_text_is_checked(nonce: str) -> None:
    assert Nonces(b"secret").check(nonce, 5.0) is FORGED


# --- challenges and answers


def test_a_challenge_is_written() -> None:
    assert (
        challenge("localhost", "n", "SHA-256") == 'Digest realm="localhost", nonce="n", algorithm=SHA-256, qop="auth"'
    )
    assert Challenge.parse(challenge("a", "n", "MD5", stale=True)).stale


def test_the_strongest_algorithm_comes_first() -> None:
    assert ALGORITHMS == ("SHA-256", "MD5")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "MD5-sess", "SHA-256-sess", None])
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth,auth-int", None])
def test_what_the_client_builds_the_server_believes(algorithm: str | None, qop: str | None) -> None:
    params = {"realm": "r", "nonce": "n", "opaque": "o"}
    if algorithm:
        params["algorithm"] = algorithm
    if qop:
        params["qop"] = qop
    asked = Challenge.parse(str(Challenge("Digest", params)))
    built = build_credentials(asked, "101", 'pass"word', "INVITE", "sip:a@b", 1, "cnonce", b"body")
    received = Credentials.parse(str(built))
    ha1 = hash_a1("101", "r", 'pass"word', received.algorithm)
    assert verify(received, "INVITE", ha1, b"body")
    assert verify(received, "INVITE", ha1, b"other") == (qop != "auth-int")
    assert not verify(received, "BYE", ha1, b"body")
    assert received.opaque == "o"
    assert (received.nonce_count == 1) == (qop is not None)


def test_parameters_are_quoted_as_the_grammar_wants() -> None:
    asked = Challenge.parse(challenge("r", "n", "MD5"))
    text = str(build_credentials(asked, "101", "p", "INVITE", "sip:a@b", 10, "c"))
    assert ', algorithm=MD5, qop=auth, nc=0000000a, cnonce="c"' in text
    assert text.startswith('Digest username="101", realm="r", nonce="n", uri="sip:a@b", response="')


def test_a_client_takes_the_first_challenge_that_it_can_answer() -> None:
    challenges = [
        Challenge.parse(text)
        for text in (
            "Basic realm=x",
            'Digest realm="r", nonce="1", algorithm=SHA-512-256',
            'Digest realm="r", nonce="2", qop="auth-conf"',
            'Digest realm="r", nonce="3", algorithm=sha-256, qop="auth"',
            'Digest realm="r", nonce="4"',
        )
    ]
    chosen = choose(challenges)
    assert chosen is not None
    assert chosen.nonce == "3"
    assert choose(challenges[:3]) is None


def test_a_challenge_that_cannot_be_answered_is_not_answered() -> None:
    with pytest.raises(BadHeader):
        build_credentials(Challenge("Digest", {"algorithm": "SHA-1"}), "u", "p", "INVITE", "sip:a@b", 1, "c")


@given(st.text(max_size=80), st.text(max_size=8))
def test_any_credentials_are_believed_or_not(text: str, method: str) -> None:
    for candidate in (
        f"Digest {text}",
        f'Digest response="{text}", qop=auth, nc=1, cnonce=x',
        f"Digest response=a,algorithm={text}",
    ):
        try:
            credentials = Credentials.parse(candidate)
        except BadHeader:
            continue
        assert not verify(credentials, method, "0" * 32)

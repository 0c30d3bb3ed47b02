"""SIP URIs: read, written, compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import BadUri, SipError
from softswitch.sip.uri import Uri

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
HOSTS = st.sampled_from(["example.com", "192.0.2.1", "2001:db8::1", "a", "host_1.example"])
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)

uris = st.builds(
    Uri,
    st.sampled_from(["sip", "sips"]),
    st.none() | ANY_TEXT,
    st.none(),
    HOSTS,
    st.none() | st.integers(1, 65535),
    st.dictionaries(NAMES, st.none() | ANY_TEXT, max_size=4),
    st.dictionaries(NAMES, ANY_TEXT, max_size=3),
)


def test_a_plain_uri() -> None:
    uri = Uri.parse("sip:101@example.com")
    assert (uri.scheme, uri.user, uri.host, uri.port, uri.params) == ("sip", "101", "example.com", None, {})
    assert uri.is_sip
    assert str(uri) == "sip:101@example.com"


def test_everything_that_a_uri_can_hold() -> None:
    text = "sips:alice:secret@example.com:5071;transport=tcp;lr?Subject=a%20b&X=y"
    uri = Uri.parse(text)
    assert (uri.scheme, uri.user, uri.password, uri.port) == ("sips", "alice", "secret", 5071)
    assert uri.params == {"transport": "tcp", "lr": None}
    assert uri.headers == {"Subject": "a b", "X": "y"}
    assert str(uri) == text


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("sip:sips%3Auser%40example.com@example.net", "sips:user@example.com"),
        ("sip:user;par=u%40example.net@example.com", "user;par=u@example.net"),
        ("sip:null-%00-null@example.com", "null-\x00-null"),
        ("sip:%00%00@host5.example.com", "\x00\x00"),
        ("sip:*21%23@example.com", "*21#"),
        ("sip:*21#@example.com", "*21#"),
        ("sip:+358-555-1234567;postd=pp22@foo.com", "+358-555-1234567;postd=pp22"),
        ("sip:%D1%8E@example.com", "ю"),
        ("sip:%FF@example.com", "\udcff"),
        ("sip:I%20have%20spaces@example.net", "I have spaces"),
        (
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com",
            "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
        ),
    ],
)
def test_a_user_is_whatever_its_escapes_mean(text: str, user: str) -> None:
    uri = Uri.parse(text)
    assert uri.user == user
    assert uri.params == {}
    assert Uri.parse(str(uri)) == uri


def test_escapes_in_parameters_mean_what_they_say() -> None:
    uri = Uri.parse("sip:caller@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31")
    assert uri.params == {"lr": None, "name": "value%41"}
    assert str(uri) == "sip:caller@host5.example.net;lr;name=value%2541"


def test_an_ipv6_host_is_kept_without_brackets() -> None:
    uri = Uri.parse("sip:user@[2001:db8::10]:5070")
    assert (uri.host, uri.port) == ("2001:db8::10", 5070)
    assert str(uri) == "sip:user@[2001:db8::10]:5070"


def test_a_port_inside_of_brackets_is_part_of_the_address() -> None:
    uri = Uri.parse("sip:[2001:db8::10:5070]")
    assert (uri.host, uri.port) == ("2001:db8::10:5070", None)


def test_the_extra_colon_of_the_old_grammar_is_forgiven() -> None:
    assert Uri.parse("sip:user@[2001:db8:::192.0.2.1]").host == "2001:db8::192.0.2.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip",
        "sip:",
        "sip:@example.com",
        "sip:user@",
        "sip:2001:db8::10",
        "sip:user@[2001:db8::10",
        "sip:user@[192.0.2.1]",
        "sip:user@[]",
        "sip:user@example.com:",
        "sip:user@example.com:0",
        "sip:user@example.com:65536",
        "sip:user@example.com:123456",
        "sip:user@example.com:5x",
        "sip:user@example.com;",
        "sip:user@example.com;;lr",
        "sip:user@example.com;=x",
        "sip:user@example.com; lr",
        "sip:user@example.com?x",
        "sip:user@example.com?=x",
        "sip:%4@example.com",
        "sip:%Z%45@example.com",
        "sip:a@b@c",
        "sip: user@example.com",
        "sip:user@exa mple.com",
        "sip:user@example.com\r\nX: y",
        "<sip:user@example.com>",
        'sip:"user"@example.com',
        "sip:user@exämple.com",
        "user@example.com",
        "1sip:user@example.com",
        "ä:b",
        "tel:",
        "tel:+1 2",
    ],
)
def test_a_broken_uri_is_refused(text: str) -> None:
    with pytest.raises(BadUri):
        Uri.parse(text)


@pytest.mark.parametrize(
    ("text", "scheme", "opaque"),
    [
        ("tel:+358-555-1234567;postd=pp22", "tel", "+358-555-1234567;postd=pp22"),
        ("TEL:112", "tel", "112"),
        ("isbn:2983792873", "isbn", "2983792873"),
        ("http://www.example.com", "http", "//www.example.com"),
        ("soap.beep://192.0.2.103:3002", "soap.beep", "//192.0.2.103:3002"),
        ("nobodyKnowsThisScheme:totallyopaquecontent", "nobodyknowsthisscheme", "totallyopaquecontent"),
    ],
)
def test_other_schemes_are_opaque(text: str, scheme: str, opaque: str) -> None:
    uri = Uri.parse(text)
    assert (uri.scheme, uri.opaque, uri.is_sip) == (scheme, opaque, False)
    assert Uri.parse(str(uri)).matches(uri)


# RFC 3261 section 19.1.4
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        ("sip:a@b.c?Subject=x&To=y", "sip:a@b.c?to=y&subject=x"),
        ("tel:112", "TEL:112"),
    ],
)
def test_these_uris_match(one: str, other: str) -> None:
    assert Uri.parse(one).matches(Uri.parse(other))
    assert Uri.parse(other).matches(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:bob@biloxi.com", "sip:bob:x@biloxi.com"),
        ("sip:bob@biloxi.com;user=phone", "sip:bob@biloxi.com"),
        ("sip:bob@biloxi.com;maddr=1.2.3.4", "sip:bob@biloxi.com"),
        ("tel:112", "tel:113"),
        ("tel:112", "sip:112@example.com"),
    ],
)
def test_these_uris_do_not_match(one: str, other: str) -> None:
    assert not Uri.parse(one).matches(Uri.parse(other))
    assert not Uri.parse(other).matches(Uri.parse(one))


@given(uris)
def test_any_uri_goes_both_ways(uri: Uri) -> None:
    assert Uri.parse(str(uri)) == uri
    assert uri.matches(Uri.parse(str(uri)))


@given(st.text(max_size=60))
def test_any_text_is_a_uri_or_a_bad_uri(text: str) -> None:
    for candidate in (text, f"sip:{text}", f"sip:user@{text}", f"sip:{text}@example.com"):
        try:
            uri = Uri.parse(candidate)
        except SipError:
            continue
        assert Uri.parse(str(uri)) == uri

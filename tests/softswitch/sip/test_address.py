"""name-addr and addr-spec."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader, SipError
from softswitch.sip.uri import Uri

from .test_grammar import TEXT, TOKEN
from .test_uri import uris


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        ("<sip:a@b>", None, "sip:a@b", {}),
        ("sip:a@b", None, "sip:a@b", {}),
        ('"A. G. Bell" <sip:agb@bell>;tag=a48s', "A. G. Bell", "sip:agb@bell", {"tag": "a48s"}),
        ("caller<sip:a@b>;tag=323", "caller", "sip:a@b", {"tag": "323"}),
        ("A Bell <sip:a@b>", "A Bell", "sip:a@b", {}),
        ('"" <sip:a@b>', "", "sip:a@b", {}),
        ('"J Rosenberg \\\\\\"" <sip:a@b> ; tag = 98', 'J Rosenberg \\"', "sip:a@b", {"tag": "98"}),
        ('"a, b; <c>" <sip:a@b>', "a, b; <c>", "sip:a@b", {}),
        ("101 (desk) <sip:101@b>", "101 (desk)", "sip:101@b", {}),
        ("Жук <sip:101@b>", "Жук", "sip:101@b", {}),
        ("token1~` token2'+_ token3*%!.- <sip:a@b>", "token1~` token2'+_ token3*%!.-", "sip:a@b", {}),
        ("  sip:a@b ;tag=1", None, "sip:a@b", {"tag": "1"}),
        ("sip:a@b;user=phone", None, "sip:a@b", {"user": "phone"}),
        ("<sip:a@b;user=phone>;tag=1", None, "sip:a@b;user=phone", {"tag": "1"}),
        ("<tel:+123>;tag=1", None, "tel:+123", {"tag": "1"}),
        ("isbn:2983792873", None, "isbn:2983792873", {}),
        ('<sip:a@b>;+sip.instance="<urn:uuid:1>"', None, "sip:a@b", {"+sip.instance": "<urn:uuid:1>"}),
    ],
)
def test_an_address_is_read(text: str, display: str | None, uri: str, params: dict[str, str | None]) -> None:
    address = Address.parse(text)
    assert address.display == display
    assert str(address.uri) == uri
    assert address.params == params


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "<>",
        '"Mr. J. User <sip:a@b>',
        "Bell, Alexander <sip:a@b>",
        "a; b <sip:a@b>",
        '"Watson, Thomas" < sip:t.watson@example.org >',
        "sip:a@b?Route=%3Csip:c%3E",
        "sip:a@b,sip:c@d",
        "<sip:a@b>;;",
        "<sip:a@b>>",
        "<<sip:a@b>>",
        "<sip:a@b> x",
        "a\\b <sip:a@b>",
        "a@b",
        "sip:a b@c",
    ],
)
def test_a_broken_address_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        Address.parse(text)


def test_several_addresses_in_one_value_and_in_several_values() -> None:
    found = Address.parse_list(['"a,b" <sip:a@b;x=1,2>;q=1, sip:c@d', "<sip:e@f>"])
    assert [str(address.uri) for address in found] == ["sip:a@b;x=1%2C2", "sip:c@d", "sip:e@f"]
    assert found[0].params == {"q": "1"}
    assert Address.parse_list("sip:a@b, sip:c@d") == Address.parse_list(["sip:a@b", "sip:c@d"])


def test_an_empty_place_in_a_list_is_refused() -> None:
    with pytest.raises(BadHeader):
        Address.parse_list("sip:a@b,,sip:c@d")


def test_the_tag_is_at_hand() -> None:
    address = Address.parse("<sip:a@b>")
    assert address.tag is None
    tagged = address.with_tag("77")
    assert (tagged.tag, str(tagged)) == ("77", "<sip:a@b>;tag=77")
    assert address.tag is None


def test_the_wildcard_is_written_as_a_star() -> None:
    assert str(Address.WILDCARD) == "*"


def test_a_name_cannot_break_out_of_its_quotes() -> None:
    address = Address('x" <sip:evil@h>\r\nVia: y', Uri.parse("sip:a@b"))
    assert str(address) == '"x\\" <sip:evil@h>  Via: y" <sip:a@b>'
    assert Address.parse(str(address)).uri.user == "a"


@given(st.none() | TEXT.filter(bool), uris, st.dictionaries(TOKEN, st.none() | TEXT, max_size=4))
def test_any_address_goes_both_ways(display: str | None, uri: Uri, params: dict[str, str | None]) -> None:
    address = Address(display, uri, params)
    assert Address.parse(str(address)) == address


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_an_error_of_ours(text: str) -> None:
    for candidate in (text, f"<{text}>", f'"{text}" <sip:a@b>', f"{text}<sip:a@b>", f"<sip:a@b>;{text}"):
        try:
            Address.parse_list(candidate)
        except SipError:
            continue

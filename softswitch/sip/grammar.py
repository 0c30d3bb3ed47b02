"""The pieces of RFC 3261 section 25.1 that every header shares: tokens, quoted strings, parameters, lists.

All patterns are possessive: a text is read once from left to right whatever is in it. Repeated groups are written as
atomic groups, `(?>(...)*)` and not `(...)*+`: before Python 3.11.5 the latter can match what it must not (gh-106052).
"""

import re

from softswitch.sip.errors import BadHeader

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"  # noqa: S105
# quoted-string = DQUOTE *(qdtext / quoted-pair) DQUOTE; a quoted-pair may escape a NUL, but never CR or LF
QUOTED = r'"(?>(?:[^"\\\r\n]|\\[^\r\n])*)"'
# What phones really put into unquoted parameter values: anything visible that does not end the value.
PLAIN = r'[^\x00-\x20\x7f;,"<>]++'
LWS = r"[ \t]*+"
# generic-param = token [ EQUAL gen-value ]
PARAM = rf"{LWS};{LWS}({TOKEN})(?>(?:{LWS}={LWS}(?>({QUOTED}|{PLAIN})?))?)"

MAX_LIST = 256
"""More values than that in one header list are an attack: Max-Forwards lets a message pass 255 hops."""
MAX_PARAMS = 256
MAX_VALUE = 8192
"""Characters of one address or URI, and of a list with backslashes: a pattern takes 80 octets for each of them."""

_token = re.compile(TOKEN)
_param = re.compile(PARAM)
_params = re.compile(rf"(?>(?:{PARAM})*){LWS}")
# Nearly all parameters: no quotes, no blanks, nothing that a plain split could take for something else.
_plain_params = re.compile(rf"(?>(?:;{TOKEN}(?>(?:=[A-Za-z0-9\-.!%*_+`'~:@/?&$\[\]]++)?))+)")
_list_item = re.compile(rf'(?>(?:[^",<>\r\n]|{QUOTED}|<[^<>\r\n]*+>)*)')
_unescaped = re.compile(r"\\?([^\\]+|.)", re.DOTALL)  # what each backslash stands before; six times faster than sub()
_plain = re.compile(PLAIN)


class Quoted(str):
    """A parameter value that came in quotes and is written in quotes again."""

    __slots__ = ()


def is_token(text: str) -> bool:
    """Whether the text is one token."""
    return _token.fullmatch(text) is not None


def quote(text: str) -> str:
    """Write a text as a quoted-string; line ends cannot be quoted and become spaces."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")
    return f'"{text}"'


def unquote(text: str) -> str:
    """Read a quoted-string; a text that is not in quotes is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return "".join(_unescaped.findall(inner)) if "\\" in inner else inner


def parse_params(text: str) -> dict[str, str | None]:
    """Read `;name=value;name...`: names in lower case, quotes removed, the first of two equal names wins."""
    if not text:
        return {}
    found: dict[str, str | None] = {}
    if _plain_params.fullmatch(text) is not None:
        for part in text[1:].split(";"):
            name, _, value = part.partition("=")
            found.setdefault(name.lower(), value or None)
        return _bounded(found)
    if _params.fullmatch(text) is None:
        raise BadHeader("Malformed parameters")
    for name, value in _param.findall(text):
        if value[:1] == '"':
            value = Quoted(unquote(value))  # noqa: PLW2901 the value as it is meant
        found.setdefault(name.lower(), value or None if value.__class__ is str else value)
    return _bounded(found)


def _bounded(params: dict[str, str | None]) -> dict[str, str | None]:
    if len(params) > MAX_PARAMS:
        raise BadHeader("Too many parameters")
    return params


def format_params(params: dict[str, str | None]) -> str:
    """Write parameters as `;name=value;name...`."""
    return "".join(
        [f";{name}" if value is None else f";{name}={_format_value(value)}" for name, value in params.items()]
    )


def _format_value(value: str) -> str:
    if value.__class__ is Quoted or _plain.fullmatch(value) is None:
        return quote(value)
    return value


def split_list(value: str) -> list[str]:
    """Cut a header value at its commas, but not inside quotes or angle brackets."""
    if "," not in value:
        return [value.strip(" \t")]
    items = _split_guarded(value) if '"' in value or "<" in value else value.split(",")
    if len(items) > MAX_LIST:
        raise BadHeader("Too many values in one header")
    return [item.strip(" \t") for item in items]


def _split_guarded(value: str) -> list[str]:
    items: list[str] = []
    position = 0
    if len(value) > MAX_VALUE and "\\" in value:
        raise BadHeader("Header too long")
    while True:
        match = _list_item.match(value, position)
        if match is None or (match.end() < len(value) and value[match.end()] != ","):
            raise BadHeader("Unbalanced quotes or brackets")
        items.append(match.group())
        position = match.end() + 1
        if position > len(value):
            return items
        if len(items) > MAX_LIST:
            raise BadHeader("Too many values in one header")


def parse_tokens(values: list[str]) -> list[str]:
    """Read the option tags or methods of all values of a header (Require, Supported, Allow ...), in order."""
    tokens = [token for value in values for token in split_list(value) if token]
    for token in tokens:
        if _token.fullmatch(token) is None:
            raise BadHeader(f"Not a token: {token[:40]!r}")
    return tokens

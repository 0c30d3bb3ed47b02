"""Tags, and what else must be a name that nobody has had and nobody can guess (RFC 3261 section 19.3)."""

import secrets
from collections.abc import Iterator

TAG_LENGTH = 12
"""Hexadecimal digits: 48 random bits, where the RFC asks for 32."""
_TAGS_AT_ONCE = 256


def _draw() -> Iterator[str]:
    """Ask the kernel for many at once: asked for each, it takes a twentieth of the CPU of a call."""
    while True:
        digits = secrets.token_hex(_TAGS_AT_ONCE * TAG_LENGTH // 2)
        yield from (digits[start : start + TAG_LENGTH] for start in range(0, len(digits), TAG_LENGTH))


_tags = _draw()


def make_tag() -> str:
    """Return a new tag of `TAG_LENGTH` hexadecimal digits."""
    return next(_tags)

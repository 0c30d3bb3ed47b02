"""What is allowed but unwise: advice from people who run call centres, given as warnings."""

import re
from collections.abc import Iterator

from config.errors import Finding
from config.model import Config, MenuSection
from config.scalars import Destination
from config.section import PromptSection

MAX_OPTIONS = 5
MAX_GREETING = 15.0
"""Seconds."""
WORDS_PER_SECOND = 2.5
SIGNS_PER_SECOND = 4.5
"""For Chinese, which puts no spaces between words."""
SHORT_PASSWORD = 8
_PEOPLE = frozenset({"phone", "group", "queue"})
_GREETINGS = ("greeting", "closed_greeting", "holiday_greeting")
_CHINESE = re.compile(r"[一-鿿]")


def lint(config: Config) -> list[Finding]:
    """Find everything a caller or an owner may regret."""
    findings: list[Finding] = []
    for name, menu in config.menus.items():
        findings += _menu(config, name, menu)
    return [*findings, *_silent_recording(config), *_relays(config), *_short_passwords(config)]


def speaking_time(text: str) -> float:
    """Estimate how many seconds it takes to say a text."""
    signs = len(_CHINESE.findall(text))
    return signs / SIGNS_PER_SECOND + len(_CHINESE.sub(" ", text).split()) / WORDS_PER_SECOND


def _menu(config: Config, name: str, menu: MenuSection) -> Iterator[Finding]:
    for key in ("options", "closed_options"):
        options = getattr(menu, key) or {}
        if len(options) > MAX_OPTIONS:
            message = f"expected {MAX_OPTIONS} options at most, callers do not remember {len(options)}"
            yield Finding(("menus", name, key), message, None, True)
    if not any(Destination.parse(to).kind in _PEOPLE for to in (menu.fallback, *menu.options.values())):
        message = "expected a way to a person: an option or the fallback to a phone, group or queue"
        yield Finding(("menus", name), message, None, True)
    for key in _GREETINGS:
        seconds = speaking_time(_text(config, getattr(menu, key)))
        if seconds > MAX_GREETING:
            message = f"expected a greeting of {MAX_GREETING:.0f} seconds at most, this one takes about {seconds:.0f}"
            yield Finding(("menus", name, key), message)


def _text(config: Config, prompt: PromptSection | None) -> str:
    if prompt is not None and prompt.prompt is not None:
        prompt = config.prompts.get(prompt.prompt)
    return (prompt.text or "") if prompt is not None else ""


def _silent_recording(config: Config) -> Iterator[Finding]:
    if config.recordings.announcement is not None:
        return
    for table in ("queues", "phones", "trunks", "conferences"):
        for name, entry in getattr(config, table).items():
            if entry.record:
                message = "expected recordings.announcement to tell callers that they are recorded"
                yield Finding((table, name, "record"), message)
                break


def _relays(config: Config) -> Iterator[Finding]:
    """A stranger who comes in by one trunk and leaves by another is paid for by the owner."""
    for index, route in enumerate(config.routes):
        outside = route.from_ in ("any", "trunks") or route.from_.startswith("trunk:")
        for key, to in (("to", route.to), ("else_to", route.else_to)):
            if outside and to is not None and Destination.parse(to).kind == "trunk":
                message = 'expected from = "phones", as it is callers from outside can dial out at your expense'
                yield Finding(("routes", index, key), message)


def _short_passwords(config: Config) -> Iterator[Finding]:
    if all(listener.loopback for listener in config.sip.listen):
        return
    for number, phone in config.phones.items():
        if len(phone.password) < SHORT_PASSWORD or phone.password == number:
            message = f"expected a password of {SHORT_PASSWORD} characters or more"
            yield Finding(("phones", number, "password"), message)

"""What can only be wrong between values that are each right: references, numbers, routes, addresses.

Every check is a function from the whole configuration to findings, and the list at the end is all of them.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from pathlib import Path as FilePath

from config import references
from config.document import Path
from config.errors import Finding
from config.model import Config, RouteSection
from config.queue_check import check_queues
from config.scalars import WILD, Destination, TrustedAddress, closest, show
from ivr.digits import Pattern
from ivr.errors import ScheduleError
from ivr.schedule import parse_days, public_holidays

Names = Mapping[str, frozenset[str]]
"""For each table the names in it, also of entries that are wrong by themselves."""

_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(16))"'
_PROBE_YEAR = 2024


def check(config: Config, names: Names) -> list[Finding]:
    """Find everything that does not fit together."""
    return [
        *_dangling(config, names),
        *_strange_destinations(config),
        *_repeated_phones(config),
        *_duplicate_numbers(config),
        *_unclear_patterns(config),
        *_numbers_cut_short(config),
        *_shadowed_codes(config),
        *_hidden_routes(config),
        *_strange_sources(config, names),
        *_demo_passwords(config),
        *_sockets(config),
        *_limits(config),
        *_trunks(config),
        *_transports(config),
        *_schedules(config),
        *_files(config),
        *_recordings(config),
        *check_queues(config),
    ]


def _unknown(path: Path, table: str, name: str, names: Names, prefix: str = "") -> Iterator[Finding]:
    """Report a name that stands in no table."""
    known = names.get(table, frozenset())
    if name in known:
        return
    hint = closest(name, sorted(known))
    message = f"expected a name from [{table}], there is no {show(name)}"
    yield Finding(path, message, f"{prefix}{hint}" if hint else None)


def _dangling(config: Config, names: Names) -> Iterator[Finding]:
    for path, text in references.destinations(config):
        kind, name = Destination.parse(text)
        if kind not in Config.KINDS_OF_NAMES or name == "*" or (kind, name) == ("voicemail", "own"):
            continue
        name = name.partition("/")[0] if kind == "trunk" else name
        yield from _unknown(path, Config.KINDS_OF_NAMES[kind], name, names, f"{kind}:")
    for path, phones in references.phone_lists(config):
        for index, phone in enumerate(phones):
            yield from _unknown((*path, index), "phones", phone, names)
    for path, name in references.schedules(config):
        yield from _unknown(path, "schedules", name, names)
    for path, prompt in references.prompts(config):
        if prompt.prompt is not None and path[0] == "prompts":
            yield Finding(path, "expected a text or a file, a named prompt cannot name another one")
        elif prompt.prompt is not None:
            yield from _unknown(path, "prompts", prompt.prompt, names)


def _strange_destinations(config: Config) -> Iterator[Finding]:
    """A `*` needs a pattern, and a trunk needs to know which number to dial."""
    for path, text in references.destinations(config):
        kind, name = Destination.parse(text)
        dialled = _dialled_there(config, path)
        if name == "*" and kind not in WILD:
            yield Finding(path, f'expected a name, "*" is for {", ".join(sorted(WILD))} only')
        elif name == "*" and (dialled is None or dialled.literal):
            yield Finding(path, 'expected a name, "*" has a meaning only beside a pattern like "8xxx"')
        elif kind == "trunk" and "/" not in name and (dialled is None or path[0] == "extensions"):
            yield Finding(path, f'expected the number to dial too, like "trunk:{name}/+43123456789"')


def _dialled_there(config: Config, path: Path) -> Pattern | None:
    """Give the pattern of the number that was dialled when this destination is used."""
    if path[0] == "extensions":
        return Pattern(str(path[1]))
    if path[0] == "routes" and isinstance(path[1], int):
        return Pattern(config.routes[path[1]].called)
    return None


def _repeated_phones(config: Config) -> Iterator[Finding]:
    for path, phones in references.phone_lists(config):
        for index, phone in enumerate(phones):
            if phone in phones[:index]:
                yield Finding((*path, index), f'expected each phone once, "{phone}" is already in the list')


def _duplicate_numbers(config: Config) -> Iterator[Finding]:
    """The same number, or the same pattern in another spelling."""
    seen: dict[object, Path] = {}
    for path, pattern in references.numbers(config):
        what = (pattern.places, pattern.open_ended)
        if what in seen:
            yield Finding(path, f"expected each number once, this one is already {_in_words(seen[what])}", None, True)
        seen.setdefault(what, path)


def _unclear_patterns(config: Config) -> Iterator[Finding]:
    """Two patterns share numbers and neither is the more exact one."""
    patterns = [(path, pattern) for path, pattern in references.numbers(config) if not pattern.literal]
    for (_, first), (path, second) in combinations(patterns, 2):
        if first.overlaps(second) and not first.covers(second) and not second.covers(first):
            message = f'expected a pattern that leaves no doubt, numbers fit "{first}" too and neither is more exact'
            yield Finding(path, message, None, True)


def _numbers_cut_short(config: Config) -> Iterator[Finding]:
    """A caller who dials 100 in a menu must not be waited for, or taken, at 10."""
    menu = next((name for name, menu in config.menus.items() if menu.dial_extensions), None)
    if menu is None:
        return
    plain = sorted((pattern.text, path) for path, pattern in references.numbers(config) if pattern.literal)
    for (short, path), (long, _) in pairwise(plain):
        if long != short and long.startswith(short):
            message = f'expected no number that another one begins with, but "{long}" begins with "{short}"'
            yield Finding(path, f'{message} and callers dial extensions in menu "{menu}"', None, True)


def _shadowed_codes(config: Config) -> Iterator[Finding]:
    """A feature code and another number, or two codes, that the same keys could mean."""
    taken = [(_in_words(path), pattern) for path, pattern in references.numbers(config)]
    for path, pattern in (*references.feature_codes(config), *references.agent_codes(config)):
        owner = next((what for what, other in taken if pattern.overlaps(other)), None)
        if owner is not None:
            yield Finding(
                path, f'expected a code that nothing else begins with, "{pattern}" is dialled for {owner} too'
            )
        taken.append((f"{path[0]}.{path[1]}", pattern))


def _hidden_routes(config: Config) -> Iterator[Finding]:
    patterns = [Pattern(route.called) for route in config.routes]
    for index, route in enumerate(config.routes):
        for before, earlier in enumerate(config.routes[:index]):
            if patterns[before].covers(patterns[index]) and _takes_all(earlier, route):
                message = f"expected a route that can be reached, route {before + 1} takes all its calls before it"
                yield Finding(("routes", index, "called"), message)
                break


def _takes_all(earlier: RouteSection, route: RouteSection) -> bool:
    """Whether an earlier route, which fits the same numbers, leaves no call for this one."""
    sources = {route.from_, "any", "trunks" if route.from_.startswith("trunk:") else "phones"}
    if route.from_ in ("any", "trunks"):
        sources = {route.from_, "any"}
    if earlier.from_ not in sources:
        return False
    return _covers_caller(earlier.caller, route.caller)


def _covers_caller(earlier: str | None, caller: str | None) -> bool:
    if earlier is None or earlier == caller:
        return True
    return caller is not None and earlier.endswith("*") and caller.startswith(earlier[:-1])


def _strange_sources(config: Config, names: Names) -> Iterator[Finding]:
    for index, route in enumerate(config.routes):
        kind, colon, name = route.from_.partition(":")
        path: Path = ("routes", index, "from")
        if colon and kind in ("trunk", "phone"):
            yield from _unknown(path, f"{kind}s", name, names, f"{kind}:")
        elif route.from_ not in ("any", "phones", "trunks"):
            words = 'expected "phones", "trunks", "any", or one of them like "trunk:provider"'
            yield Finding(path, f"{words}, got {show(route.from_)}", closest(route.from_, ("any", "phones", "trunks")))


def _demo_passwords(config: Config) -> Iterator[Finding]:
    exposed = next((listener for listener in config.sip.listen if not listener.loopback), None)
    if exposed is None:
        return
    for number, phone in config.phones.items():
        if phone.password.startswith("demo-"):
            message = f'expected a real password, because "{exposed}" in sip.listen can be reached from other machines'
            yield Finding(("phones", number, "password"), f"{message}; make one with {_MAKE_ONE}")


def _sockets(config: Config) -> Iterator[Finding]:
    ports, workers = config.media.ports, config.media.workers
    pairs = (ports.last - ports.first + 1) // 2
    if workers > pairs:
        yield Finding(("media", "workers"), f"expected at most {pairs}, for each needs a pair of the ports {ports}")
    for index, listener in enumerate(config.sip.listen):
        path: Path = ("sip", "listen", index)
        if listener.port and listener in config.sip.listen[:index]:
            yield Finding(path, "expected each address once, this one is already in the list")
        if ports.first <= listener.port <= ports.last:
            message = f"expected the port of {listener} outside media.ports, {ports} is for sound"
            yield Finding(("media", "ports") if config.media.model_fields_set & {"ports"} else path, message)


def _limits(config: Config) -> Iterator[Finding]:
    sip = config.sip
    if sip.min_registration > sip.max_registration:
        message = f"expected at least sip.min_registration ({sip.min_registration}), got {sip.max_registration}"
        yield Finding(("sip", "max_registration"), message)
    elif not sip.min_registration <= sip.default_registration <= sip.max_registration:
        message = f"expected a time from {sip.min_registration} to {sip.max_registration}"
        yield Finding(("sip", "default_registration"), f"{message}, got {sip.default_registration}")


def _trunks(config: Config) -> Iterator[Finding]:
    owners: list[tuple[TrustedAddress, str]] = []
    for name, trunk in config.trunks.items():
        for index, address in enumerate(trunk.trusted):
            owner = next((other for taken, other in owners if taken.overlaps(address) and other != name), None)
            owners.append((address, name))
            if owner is not None:
                message = f'expected an address of one trunk only, "{address}" already belongs to "{owner}"'
                yield Finding(("trunks", name, "trusted", index), message)
        if trunk.user is None and trunk.register_there:
            yield Finding(("trunks", name, "register"), "expected user and password beside it, to register with")
        elif (trunk.user is None) != (trunk.password is None):
            given, missing = ("user", "password") if trunk.password is None else ("password", "user")
            yield Finding(("trunks", name, given), f"expected {missing} beside it")


def _transports(config: Config) -> Iterator[Finding]:
    """What is spoken must be listened to, and what is protected needs a certificate."""
    spoken = {listener.transport for listener in config.sip.listen}
    if spoken & {"tls", "wss"} and config.sip.certificate is None:
        yield Finding(("sip", "listen"), "expected sip.certificate and sip.key beside a listener for TLS or WSS")
    for key in ("key", "client_ca"):
        if getattr(config.sip, key) is not None and config.sip.certificate is None:
            yield Finding(("sip", key), "expected sip.certificate beside it")
    for name, trunk in config.trunks.items():
        if trunk.transport == "tls" and "tls" not in spoken:
            message = 'expected a listener like "tls:0.0.0.0:5061" in sip.listen, connections of this trunk begin there'
            yield Finding(("trunks", name, "transport"), message)


def _schedules(config: Config) -> Iterator[Finding]:
    for name, schedule in config.schedules.items():
        path: Path = ("schedules", name)
        if not schedule.morning < schedule.day < schedule.evening < schedule.night:
            yield Finding(path, "expected morning, day, evening and night to follow each other", None, True)
        if schedule.subdivision is not None and schedule.country is None:
            yield Finding((*path, "subdivision"), "expected a country beside it")
        elif schedule.country is not None and not _has_holidays(schedule.country, schedule.subdivision):
            words = f'expected a state or province of "{schedule.country}"'
            yield Finding((*path, "subdivision"), f"{words}, got {show(schedule.subdivision)}")
        seen: set[int] = set()
        for days in schedule.hours:
            if seen & set(parse_days(days)):
                yield Finding((*path, "hours", days), "expected each day of the week once", None, True)
            seen.update(parse_days(days))


def _has_holidays(country: str, subdivision: str | None) -> bool:
    try:
        public_holidays(country, subdivision, _PROBE_YEAR)
    except ScheduleError:
        return False
    return True


def _files(config: Config) -> Iterator[Finding]:
    """Sound files are looked for from where the switch is started, like switch.data."""
    named = [((*path, "file"), prompt.file) for path, prompt in references.prompts(config) if prompt.file is not None]
    music: list[tuple[Path, str | None]] = [(("media", "music"), config.media.music)]
    music += [(("queues", name, "music"), queue.music) for name, queue in config.queues.items()]
    named += [(path, text) for path, text in music if text is not None and text != "builtin"]
    for path, text in named:
        try:
            with FilePath(text).open("rb") as sound:
                empty = not sound.read(1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no possible file name"
            yield Finding(path, f"expected a sound file, {show(text)} cannot be read ({reason})")
            continue
        if empty:
            yield Finding(path, f"expected a sound file, {show(text)} is empty")


def _recordings(config: Config) -> Iterator[Finding]:
    """A share of nothing, a code that hides another, and a form that leaves no choice of channels."""
    codes = config.recordings.start_code, config.recordings.pause_code
    if codes[0].endswith(codes[1]) or codes[1].endswith(codes[0]):
        message = f"expected two codes of which none ends like the other, got {show(codes[0])} and {show(codes[1])}"
        yield Finding(("recordings", "pause_code"), message)
    for path, section in references.recorded(config):
        if section.record_share is not None and not section.record:
            yield Finding((*path, "record_share"), "expected record = true beside it")
        if (section.format or config.recordings.format) == "gsm" and section.channels == "stereo":
            message = 'expected "mixed", GSM has one channel only'
            yield Finding((*path, "channels"), message)


def _in_words(path: Path) -> str:
    return f"phone {path[1]}" if path[0] == "phones" else f"extension {path[1]}"

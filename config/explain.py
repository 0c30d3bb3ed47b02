"""Says in plain words what pydantic has against a value, and takes such values out so that the rest can be checked."""

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.document import Path
from config.errors import Finding
from config.model import Config
from config.scalars import closest, show
from config.section import Section

_WORDS = {
    "missing": "expected this key, it is missing",
    "string_type": "expected text in quotes, got {got}",
    "int_type": "expected a whole number, got {got}",
    "int_from_float": "expected a whole number, got {got}",
    "float_type": "expected a number, got {got}",
    "finite_number": "expected a number, got {got}",
    "bool_type": "expected true or false, got {got}",
    "dict_type": "expected a table, got {got}",
    "model_type": "expected a table, got {got}",
    "tuple_type": "expected a list in [ ], got {got}",
    "literal_error": "expected {expected}, got {got}",
    "greater_than": "expected a number greater than {gt:g}, got {got}",
    "greater_than_equal": "expected {ge:g} or more, got {got}",
    "less_than_equal": "expected {le:g} or less, got {got}",
    "string_too_short": "expected some text, got none",
    "string_too_long": "expected at most {max_length} characters",
    "too_short": "expected at least {min_length} in the list",
    "too_long": "expected at most {max_length} in the list",
}
_SHAPES = {
    r"^[A-Za-z0-9_-]{1,64}$": "a name of letters, digits, - and _",
    r"^[0-9]{1,15}$": "a number of 1 to 15 digits",
    r"^[*#][0-9*#]{1,7}$": 'a code like "*21": * or #, then 1 to 7 keys of a telephone',
    r"^[0-9*#]$": "one key of a telephone (0-9, * or #)",
    r"^[0-9]{1,16}$": "1 to 16 digits",
    r"^[0-9*#]{1,8}$": 'keys of a telephone like "*1"',
    r"^[a-z]{2}$": 'a country in two small letters like "us"',
    r"^\+?[0-9*#]{0,31}$": 'digits, perhaps after a "+"',
}
_QUOTED = re.compile(r"'([^']+)'")
MAX_ROUNDS = 10


@dataclass
class Judgement:
    """What is left of a configuration after everything that is wrong by itself was taken out."""

    config: Config | None
    """None: not even that could be read."""
    findings: list[Finding] = field(default_factory=list)
    """What was wrong by itself."""
    kept: dict[Path, list[int]] = field(default_factory=dict)
    """For lists that lost elements: the index in the file of each that is left."""

    def in_file(self, path: Path) -> Path:
        """Turn a path in what is left into the path in the file."""
        found: Path = ()
        for at, part in enumerate(path):
            kept = self.kept.get(path[:at])
            found = (*found, kept[part] if kept is not None and isinstance(part, int) else part)
        return found


def judge(values: dict[str, Any]) -> Judgement:
    """Build the configuration, or as much of it as can be built."""
    judgement = Judgement(None)
    values = copy.deepcopy(values)
    for attempt in range(MAX_ROUNDS):
        try:
            judgement.config = Config.model_validate(values)
            break
        except ValidationError as error:
            details = _without_echoes(error.errors(include_url=False))
            if attempt == 0:
                judgement.findings = say(details, values, Config)
            _take_out(values, [_culprit(detail, values) for detail in details], judgement.kept)
    return judgement


def say(details: list[ErrorDetails], values: dict[str, Any], root: type[Section]) -> list[Finding]:
    """Say in words what pydantic has against the values of a document whose whole is `root`."""
    return _without_slips([_explain(detail, values, root) for detail in details])


def _without_echoes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out that a list is too short where that is so only because its elements are wrong."""
    inside = {detail["loc"][:-1] for detail in details}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in inside]


def _without_slips(findings: list[Finding]) -> list[Finding]:
    """Leave out that a key is missing where it is there with a slip of the pen."""
    meant = {(*finding.path[:-1], finding.hint) for finding in findings if finding.at_key and finding.hint}
    return [finding for finding in findings if finding.path not in meant]


def _explain(detail: ErrorDetails, values: dict[str, Any], root: type[Section]) -> Finding:
    """Turn one error into words."""
    kind, context = detail["type"], detail.get("ctx", {})
    is_key = detail["loc"][-1:] == ("[key]",)
    path = _known(detail["loc"][:-1] if is_key else detail["loc"], values)
    got = show(path[-1] if is_key else detail["input"])
    if kind == "missing":
        return Finding(tuple(detail["loc"]), _WORDS[kind], None, True)
    if kind == "extra_forbidden":
        return _unknown_key(path, root)
    if kind == "wrong":
        return Finding(path, detail["msg"], context.get("hint"), is_key)
    if kind == "string_pattern_mismatch":
        return Finding(path, f"expected {_SHAPES.get(context['pattern'], context['pattern'])}, got {got}", None, is_key)
    hint = _hint(detail)
    words = _WORDS.get(kind)
    message = words.format(got=got, **context) if words else f"expected something else: {detail['msg']}"
    return Finding(path, message.replace("'", '"'), hint, is_key)


def _hint(detail: ErrorDetails) -> str | None:
    """Guess what was meant by a text that is not allowed."""
    text = detail["input"]
    if not isinstance(text, str):
        return None
    if detail["type"] == "tuple_type":
        return f"[{show(text)}]"
    return closest(text, _QUOTED.findall(detail["msg"])) if detail["type"] == "literal_error" else None


def _unknown_key(path: Path, root: type[Section]) -> Finding:
    section = _section_at(path[:-1], root)
    known = [field.alias or name for name, field in section.model_fields.items()] if section else []
    hint = closest(str(path[-1]), known)
    message = "expected a key that is known here"
    return Finding(path, message if hint else f"{message}: {', '.join(known)}", hint, True)


def _section_at(path: Path, root: type[Section]) -> type[Section] | None:
    """Find the class of the table that a path leads to."""
    section: type[Section] | None = root
    inside_container = False
    for part in path:
        if inside_container:
            inside_container = False
            continue
        fields = section.model_fields if section else {}
        chosen = next((field for name, field in fields.items() if (field.alias or name) == part), None)
        if chosen is None:
            return None
        section, inside_container = _inside(chosen.annotation)
    return section


def _inside(annotation: Any) -> tuple[type[Section] | None, bool]:
    """Find the table class inside a type, and whether it stands in a dict or list."""
    origin = get_origin(annotation)
    if origin is None:
        is_section = isinstance(annotation, type) and issubclass(annotation, Section)
        return (annotation, False) if is_section else (None, False)
    arguments = get_args(annotation)[:1] if origin is Annotated else get_args(annotation)
    found = next((inside for inside in map(_inside, arguments) if inside[0]), (None, False))
    return found[0], found[1] or origin not in (Annotated, Union, UnionType)


def _known(path: Iterable[str | int], values: Any) -> Path:
    """Cut a path where it leaves the file: at a text that stands for a whole table."""
    known: Path = ()
    for part in path:
        inside = isinstance(values, dict) and part in values
        if not inside and not (isinstance(values, list) and isinstance(part, int) and part < len(values)):
            break
        values = values[part]
        known = (*known, part)
    return known


def _culprit(detail: ErrorDetails, values: dict[str, Any]) -> Path:
    """Say what must go for the rest to be readable."""
    path = detail["loc"][:-1] if detail["type"] == "missing" or detail["loc"][-1:] == ("[key]",) else detail["loc"]
    return _known(path, values)


def _take_out(values: dict[str, Any], paths: Iterable[Path], kept: dict[Path, list[int]]) -> None:
    """Delete what the paths lead to, the last elements of lists first."""
    for path in sorted(set(paths), key=_order, reverse=True):
        parent: Any = values
        for part in path[:-1]:
            parent = parent[part]
        if not path:
            values.clear()
            return
        if isinstance(parent, list):
            del kept.setdefault(path[:-1], list(range(len(parent))))[int(path[-1])]
            del parent[int(path[-1])]
            continue
        parent.pop(path[-1], None)


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    """Make numbers and names comparable; what is inside something comes after it."""
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in path)

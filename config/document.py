"""One TOML file: its values, where each of them stands, and every syntax error in it.

tomllib decides what is TOML. It stops at the first error, so a file that fails is cut into its statements and each is
tried alone; the bad ones are reported and blanked, and the rest is read. tree-sitter knows where each key stands.
"""

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from config.errors import Mistake

Path = tuple[str | int, ...]
"""The keys and list indices that lead to a value: ("routes", 0, "called")."""

_PARSER = Parser(Language(tree_sitter_toml.language()))
_STATEMENT = re.compile(
    r"""\s*(?: \[+\s*[A-Za-z_]                              # the header of a table
            | (?P<key>[A-Za-z0-9_"'.\ \t-]+?)\s*=          # a key and its value
            | (?!(?:true|false|inf|nan)\b)(?P<word>[A-Za-z_][\w-]*)  # a key that lost its "="
            )""",
    re.VERBOSE,
)
_HEADER = re.compile(r"\s*\[+\s*(?P<name>[^\]\n#]*)")
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_TWICE = re.compile(r"Cannot (?:declare|overwrite|mutate)|Duplicate inline table key")
_VALUES = frozenset({"string", "integer", "float", "boolean", "array", "inline_table", "offset_date_time",
                     "local_date_time", "local_date", "local_time"})  # fmt: skip
_WORDS = (
    (re.compile(r"Invalid value"), 'expected a value: text in "quotes", a number, true, false, [a list] or {a table}'),
    (re.compile(r"Illegal character '\\n'"), "expected a closing quote before the end of the line"),
    (re.compile(r"Unterminated string"), "expected closing quotes"),
    (re.compile(r"Unclosed array"), 'expected "," or "]" in the list'),
    (re.compile(r"Unclosed inline table"), 'expected "," or "}" in the table, which must stand on one line'),
    (re.compile(r"Duplicate inline table key"), "expected each key of a table once"),
    (re.compile(r"Invalid initial character for a key part"), "expected a key"),
    (re.compile(r"Expected newline or end of document"), "expected the end of the line after the value"),
)
MAX_TWICE = 50


class Place(NamedTuple):
    """Where something stands."""

    file: str
    """As named on the command line."""
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""


class Places(NamedTuple):
    """Where a key and its value stand."""

    key: Place
    value: Place


@dataclass
class Document:
    """What was read from one file."""

    file: str
    """As named on the command line."""
    values: dict[str, Any] = field(default_factory=dict)
    """As tomllib gives them."""
    places: dict[Path, Places] = field(default_factory=dict)
    """Of every key, every table and every element of a list."""
    mistakes: list[Mistake] = field(default_factory=list)
    """Syntax errors; what they stand in is not among the values."""


def read_document(file: str, text: str) -> Document:
    """Read the text of a file and report all its syntax errors."""
    document = Document(file)
    values = _parse(text)
    if values is None:
        text = _blank_broken(document, text)
        text, values = _blank_twice(document, text)
    document.values = values
    document.places = _Surveyor(file, text).places
    return document


def dotted(path: Path) -> str:
    """Write a path the way a person would: quotes around what is no bare key."""
    bare = re.compile(r"[A-Za-z0-9_-]+")
    return ".".join(str(part) if bare.fullmatch(str(part)) else json.dumps(part, ensure_ascii=False) for part in path)


def _parse(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


class _Statement(NamedTuple):
    """The lines of one statement; the first one is number `line`, counted from 0."""

    line: int
    text: str
    header: str
    key: str

    @property
    def name(self) -> str:
        return f"{self.header}.{self.key}".strip(".")


def _statements(text: str) -> list[_Statement]:
    """Cut a text before each line that begins a statement, except inside texts of many lines."""
    lines = text.split("\n")
    starts = _starts(lines)
    found: list[_Statement] = []
    header = ""
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    for first, last in zip(starts, [*starts[1:], len(lines)], strict=True):
        statement, table = _STATEMENT.match(lines[first]), _HEADER.match(lines[first])
        key = (statement["key"] or statement["word"] or "").strip() if statement else ""
        header = table["name"].strip() if table and not key else header
        found.append(_Statement(first, "\n".join(lines[first:last]), header, key))
    return found


def _starts(lines: list[str]) -> list[int]:
    """Number the lines that begin a statement. After quotes that are never closed a bare word is none."""
    starts: list[int] = []
    inside, lost = "", False
    for number, line in enumerate(lines):
        statement = _STATEMENT.match(line)
        if not inside and statement and not (lost and statement["word"]):
            starts.append(number)
            lost = False
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2 and inside in ("", quotes):
                closed = bool(inside) or any(quotes in later for later in lines[number + 1 :])
                lost = not closed
                inside = quotes if closed and not inside else ""
    return starts


def _blank_broken(document: Document, text: str) -> str:
    """Report each statement that is no TOML by itself and leave its lines empty."""
    kept: list[str] = []
    skipping = False
    for statement in _statements(text):
        is_header = not statement.key and statement.text.lstrip().startswith("[")
        skipping = skipping and not is_header
        if _parse(statement.text + "\n") is None:
            document.mistakes.append(_syntax_mistake(document.file, statement))
            skipping = skipping or is_header
            kept.append("\n" * statement.text.count("\n"))
            continue
        kept.append("\n" * statement.text.count("\n") if skipping else statement.text)
    return "\n".join(kept)


def _syntax_mistake(file: str, statement: _Statement) -> Mistake:
    """Say what tomllib has against a statement, and where."""
    found: re.Match[str] | None = None
    message = "expected fewer brackets inside each other"
    try:
        tomllib.loads(statement.text + "\n")
    except RecursionError:
        pass
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        message = _in_words(_POSITION.sub("", str(error)))
    lines = statement.text.split("\n")
    line = int(found["line"]) if found and found["line"] else 1
    column = int(found["column"]) if found and found["line"] else 0
    if line > len(lines) or not 0 < column <= len(lines[line - 1]):
        line, column = 1, _start_of_value(lines[0])
    return Mistake(file, statement.line + line, column, statement.name, message)


def _in_words(message: str) -> str:
    for pattern, words in _WORDS:
        if pattern.match(message):
            return words
    message = message.replace("'", '"')
    return f"expected {message[9:]}" if message.startswith("Expected ") else f"expected valid TOML: {message}"


def _start_of_value(line: str) -> int:
    """Give the column where a value begins that has no end, or else the last column of the line."""
    after = line.partition("=")[2]
    return max(1, len(line) - len(after.lstrip()) + 1 if after.strip() else len(line.rstrip()))


def _blank_twice(document: Document, text: str) -> tuple[str, dict[str, Any]]:
    """Report everything that is defined a second time and leave it out."""
    for _ in range(MAX_TWICE):
        try:
            return text, tomllib.loads(text)
        except RecursionError:
            document.mistakes.append(Mistake(document.file, 1, 1, "", "expected fewer brackets inside each other"))
            return "", {}
        except tomllib.TOMLDecodeError as error:
            text = _blank_at(document, text, str(error))
    return "", {}


def _blank_at(document: Document, text: str, message: str) -> str:
    """Report one error of the whole text and take out the statement it stands in."""
    found = _POSITION.search(message)
    line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
    column = int(found["column"]) if found and found["column"] else 1
    source = text.encode()
    node = _outermost(_PARSER.parse(source).root_node, source, line - 1, column - 1)
    if node is None:
        document.mistakes.append(Mistake(document.file, line, column, "", _in_words(_POSITION.sub("", message))))
        return ""
    survey = _Surveyor(document.file, text)
    at, path = survey.headline(node)
    earlier = survey.places.get(path)
    seen = f", it is already in line {earlier.key.line}" if earlier and earlier.key != at else ""
    if _TWICE.match(message):
        what = "table" if node.type.startswith("table") else "key"
        document.mistakes.append(Mistake(at.file, at.line, at.column, dotted(path), f"expected this {what} once{seen}"))
    else:
        document.mistakes.append(Mistake(document.file, line, column, dotted(path), _in_words(message)))
    blank = re.sub(rb"[^\n]", b" ", source[node.start_byte : node.end_byte])
    return (source[: node.start_byte] + blank + source[node.end_byte :]).decode()


def _outermost(root: Node, source: bytes, row: int, column: int) -> Node | None:
    """Find the table header's table, or the pair, that ends at or holds a position."""
    best: Node | None = None
    for node in root.children:
        if not (node.start_point[0] <= row <= node.end_point[0]):
            continue
        if node.type == "pair" or (node.type.startswith("table") and row == node.start_point[0]):
            best = node
        elif node.type.startswith("table"):
            best = next((pair for pair in node.children if pair.type == "pair"
                         and pair.start_point[0] <= row <= pair.end_point[0]), best)  # fmt: skip
    return best


class _Surveyor:
    """Walks the syntax tree of a text and notes where everything stands."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.places: dict[Path, Places] = {}
        self._lines = text.encode().split(b"\n")
        self._counts: dict[Path, int] = {}
        self._headers: dict[int, Path] = {}
        self._root = _PARSER.parse(text.encode()).root_node
        for node in self._root.children:
            if node.type == "pair":
                self._survey_pair(node, ())
            elif node.type in ("table", "table_array_element"):
                self._survey_table(node)

    def headline(self, node: Node) -> tuple[Place, Path]:
        """Give the place and the path of a table's or pair's key."""
        header = node.parent if node.type == "pair" and node.parent is not None else node
        base = self._headers.get(header.start_byte, ())
        if node.type == "pair":
            keys = self._keys(node.children[0])
            return keys[-1][1], base + tuple(name for name, _ in keys)
        return self._keys(node.children[1])[-1][1], base

    def _place(self, node: Node) -> Place:
        row, column = node.start_point
        return Place(self.file, row + 1, len(self._lines[row][:column].decode("utf-8", "replace")) + 1)

    def _keys(self, node: Node) -> list[tuple[str, Place]]:
        """Give each part of a key and its place."""
        if node.type == "dotted_key":
            return [part for child in node.children for part in self._keys(child)]
        if node.type == "bare_key":
            return [((node.text or b"").decode("utf-8", "replace"), self._place(node))]
        if node.type == "quoted_key":
            quoted = (node.text or b"").decode("utf-8", "replace")
            return [(next(iter(_parse(f"{quoted} = 0") or {quoted: 0})), self._place(node))]
        return []

    def _survey_table(self, node: Node) -> None:
        base: Path = ()
        keys = self._keys(node.children[1])
        for index, (name, place) in enumerate(keys):
            base = (*base, name)
            self._note(base, place, place)
            last = index == len(keys) - 1
            if last and node.type == "table_array_element":
                self._counts[base] = self._counts.get(base, -1) + 1
            if base in self._counts:
                base = (*base, self._counts[base])
                self._note(base, place, place)
        self._headers[node.start_byte] = base
        for child in node.children:
            if child.type == "pair":
                self._survey_pair(child, base)

    def _survey_pair(self, node: Node, base: Path) -> None:
        keys = self._keys(node.children[0])
        value = next((child for child in node.children if child.type in _VALUES), None)
        if not keys or value is None:
            return
        for name, place in keys[:-1]:
            base = (*base, name)
            self._note(base, place, place)
        base = (*base, keys[-1][0])
        self._note(base, keys[-1][1], self._place(value))
        self._survey_value(value, base)

    def _survey_value(self, node: Node, path: Path) -> None:
        if node.type == "inline_table":
            for child in node.children:
                if child.type == "pair":
                    self._survey_pair(child, path)
        if node.type == "array":
            for index, child in enumerate(child for child in node.children if child.type in _VALUES):
                place = self._place(child)
                self._note((*path, index), place, place)
                self._survey_value(child, (*path, index))

    def _note(self, path: Path, key: Place, value: Place) -> None:
        self.places.setdefault(path, Places(key, value))

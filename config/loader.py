"""Reads a configuration from one file or from all *.toml files of a folder, and says everything wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from config.check import check
from config.document import Document, Path, Places, dotted, read_document
from config.errors import ConfigErrors, Finding, Mistake
from config.explain import judge
from config.lint import lint
from config.model import Config

MAX_SIZE = 16 * 1024 * 1024
_ABSENT = ("is missing", "there is no ")
"""Said of what may stand in the lines that could not be read."""


@dataclass(frozen=True)
class Reading:
    """What came out of reading a configuration."""

    config: Config | None
    """None when there are mistakes."""
    mistakes: tuple[Mistake, ...]
    """What must be mended, in the order of files and lines."""
    warnings: tuple[Mistake, ...]
    """What had better be mended."""


def load(path: str | FilePath) -> Config:
    """Read a configuration; raise `ConfigErrors` with every mistake in it."""
    reading = read(path)
    if reading.config is None:
        raise ConfigErrors(reading.mistakes)
    return reading.config


def read(path: str | FilePath) -> Reading:
    """Read a configuration and say what is wrong with it and what is unwise in it."""
    files, mistakes = _files(path)
    documents = []
    for file in files:
        text = read_text(file, mistakes)
        if text is not None:
            documents.append(read_document(str(file), text))
    if not documents:
        return Reading(None, tuple(sorted(mistakes)), ())
    merged = _merge(documents)
    merged.mistakes += mistakes
    return _judge(merged, FilePath(path))


def _judge(merged: Document, path: FilePath) -> Reading:
    """Check the values of a document, all files of a folder together."""
    judgement = judge(merged.values)
    findings = judgement.findings
    warnings: list[Finding] = []
    if judgement.config is not None:
        names = {table: frozenset(found) for table, found in merged.values.items() if isinstance(found, dict)}
        said = {finding.path for finding in findings}
        checked = [_in_file(finding, judgement.in_file(finding.path)) for finding in check(judgement.config, names)]
        findings += [finding for finding in checked if finding.path not in said]
        warnings = [_in_file(finding, judgement.in_file(finding.path)) for finding in lint(judgement.config)]
    if merged.mistakes:
        findings = [finding for finding in findings if not any(word in finding.message for word in _ABSENT)]
    mistakes = {*merged.mistakes, *(place_mistake(finding, merged.places, str(path)) for finding in findings)}
    advice = {place_mistake(finding, merged.places, str(path)) for finding in warnings}
    config = None if mistakes else judgement.config
    return Reading(config, tuple(sorted(mistakes, key=_order)), tuple(sorted(advice, key=_order)))


def _order(mistake: Mistake) -> tuple[str, int, int, str, str]:
    return mistake.file, mistake.line, mistake.column, mistake.key, mistake.message


def _in_file(finding: Finding, path: Path) -> Finding:
    return replace(finding, path=path)


def place_mistake(finding: Finding, places: dict[Path, Places], file: str) -> Mistake:
    """Give a finding the place of its key or value, or of the nearest table around it."""
    path = finding.path
    while path and path not in places:
        path = path[:-1]
    if path and not finding.at_key and places[path].value != places[path].key:
        finding = replace(finding, path=path)  # a text that stands for a table
    if not path:
        return Mistake(file, 0, 0, dotted(finding.path), finding.message, finding.hint)
    exact = path == finding.path
    place = places[path].key if finding.at_key or not exact else places[path].value
    column = place.column + (finding.offset if exact else 0)
    return Mistake(place.file, place.line, column, dotted(finding.path), finding.message, finding.hint)


def _files(path: str | FilePath) -> tuple[list[FilePath], list[Mistake]]:
    """List the files to be read."""
    path = FilePath(path)
    try:
        if not path.is_dir():
            return [path], []
        files = sorted(file for file in path.glob("*.toml") if not file.name.startswith("."))
    except (OSError, ValueError) as error:
        return [], [Mistake(str(path), 0, 0, "", f"expected a file or a folder: {error}")]
    if files:
        return files, []
    return [], [Mistake(str(path), 0, 0, "", "expected files that end in .toml in this folder")]


def read_text(file: FilePath, mistakes: list[Mistake]) -> str | None:
    """Read one file as text."""
    try:
        with file.open("rb") as source:
            content = source.read(MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no possible file name"
        mistakes.append(Mistake(str(file), 0, 0, "", f"expected a file that can be read: {reason.lower()}"))
        return None
    if len(content) > MAX_SIZE:
        mistakes.append(Mistake(str(file), 0, 0, "", "expected a file of 16 MB at most"))
        return None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].split(b"\n")
        column = len(before[-1].decode("utf-8", "replace")) + 1
        mistakes.append(Mistake(str(file), len(before), column, "", "expected UTF-8 text"))
        return None


def _merge(documents: Iterable[Document]) -> Document:
    """Put the files of a folder together; a key may stand in one of them only, lists of tables follow each other."""
    first, *others = documents
    for document in others:
        first.mistakes += document.mistakes
        _merge_table(first, document, first.values, document.values, ())
        for path, places in document.places.items():
            first.places.setdefault(path, places)
    return first


def _merge_table(first: Document, document: Document, into: dict[str, Any], values: dict[str, Any], at: Path) -> None:
    for key, value in values.items():
        path = (*at, key)
        present = into.get(key)
        if key not in into:
            into[key] = value
        elif isinstance(present, dict) and isinstance(value, dict):
            _merge_table(first, document, present, value, path)
        elif _is_table_list(present) and _is_table_list(value):
            _shift(document, path, len(into[key]))
            into[key] = [*into[key], *value]
        else:
            mine, theirs = document.places[path].key, first.places[path].key
            message = f"expected this key once, it is already in {theirs.file}:{theirs.line}"
            first.mistakes.append(Mistake(mine.file, mine.line, mine.column, dotted(path), message))


def _is_table_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _shift(document: Document, path: Path, count: int) -> None:
    """Renumber the places of a list that is appended to another one."""
    depth = len(path)
    moved = {}
    for old, places in document.places.items():
        inside = old[:depth] == path and len(old) > depth and isinstance(old[depth], int)
        moved[(*path, int(old[depth]) + count, *old[depth + 1 :]) if inside else old] = places
    document.places = moved

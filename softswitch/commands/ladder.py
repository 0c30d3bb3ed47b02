"""The ladder of a call as text: a column for the switch and one for each leg, an arrow for each message. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

WIDTH = 34
"""Columns between two lines of the ladder."""
LEFT = 12
"""Columns for the time."""
HIDDEN = {"CallStarted", "LegStarted"}
"""Events that say what the messages say already."""


def draw(found: Mapping[str, Any]) -> list[str]:
    """The lines of the ladder of what the order `trace` answers."""
    legs = [leg["leg"] for leg in found["legs"]]
    # the caller stands left of the switch, everybody else right of it
    places = {leg: LEFT + (0 if number == 0 else number + 1) * WIDTH for number, leg in enumerate(legs)}
    switch = LEFT + WIDTH
    lines = [f"call {found['call']}", *_head(found["legs"], places, switch)]
    steps = sorted([*_messages(found["messages"]), *_events(found["events"])], key=lambda step: float(step["at"]))
    began = float(steps[0]["at"]) if steps else 0.0
    for step in steps:
        row = _rails([*places.values(), switch])
        if "event" in step:
            _write(row, switch + 1, f" {step['event']}")
        else:
            _arrow(row, places[step["leg"]], switch, str(step["label"]), bool(step["sent"]))
        lines.append(f"{float(step['at']) - began:9.3f}  {''.join(row)[LEFT - 1 :]}".rstrip())
    return lines


def _head(legs: Iterable[Mapping[str, Any]], places: Mapping[str, int], switch: int) -> list[str]:
    names, numbers = [" "] * (switch + 6), [" "] * (switch + 6)
    _write(names, switch - 3, "switch")
    for leg in legs:
        _write(names, places[leg["leg"]] - 4, str(leg["target"])[: WIDTH - 2])
        _write(numbers, places[leg["leg"]] - 4, str(leg["leg"])[: WIDTH - 2])
    return ["".join(names).rstrip(), "".join(numbers).rstrip()]


def _messages(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "label": f"{one['summary']} [{one['sdp']}]" if one["sdp"] else one["summary"]} for one in messages]


def _events(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"at": one["at"], "event": _tell(one)} for one in events if one["event"] not in HIDDEN]


def _tell(event: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in event.items() if name not in ("at", "wall", "event", "quality")}
    quality = event.get("quality")
    if isinstance(quality, Mapping) and quality.get("mos") is not None:
        kept["mos"] = quality["mos"]
    return " ".join([str(event["event"]), *(f"{name}={value}" for name, value in kept.items() if value is not None)])


def _rails(places: Iterable[int]) -> list[str]:
    row = [" "] * (max(places) + 1)
    for place in places:
        row[place] = "|"
    return row


def _write(row: list[str], place: int, text: str) -> None:
    place = max(place, 0)
    row += [" "] * (place + len(text) - len(row))
    row[place : place + len(text)] = list(text)


def _arrow(row: list[str], leg: int, switch: int, label: str, sent: bool) -> None:
    """From the switch to a leg when it was sent, else to the switch; a label that is too long stands behind."""
    first, last = sorted((leg, switch))
    row[first + 1 : last] = ["-"] * (last - first - 1)
    rightwards = sent == (leg > switch)
    row[last - 1 if rightwards else first + 1] = ">" if rightwards else "<"
    if len(label) <= WIDTH - 6:
        _write(row, first + 3, f" {label} ")
        return
    short, _, rest = label.partition(" [")
    _write(row, first + 3, f" {short[: WIDTH - 6]} ")
    _write(row, len(row), f"  [{rest}" if rest else "")

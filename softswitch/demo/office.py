"""The office of the demonstration: the example configuration with short waiting, on ports of its own."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

import config
from softswitch.demo.errors import DemoError
from softswitch.demo.ports import HOST, FreePorts

AGENTS = ("101", "102", "103", "104", "105")
"""The first three answer for support, the other two for sales, as in the example."""
CALLERS = ("106", "107", "108", "109", "110")
VISITORS = {"111": "Visitor", "112": "Visitor"}
"""Callers that the example does not know."""
SUPPORT, MENU = "600", "500"

QUEUE = {"ring_timeout": 4, "retry": 1, "wrap_up": 2, "service_level": 5, "short_abandon": 2}
"""Seconds of every queue: a minute is short."""


class Office:
    """Where everything of a demonstration is. Raises DemoError when there are no ports."""

    def __init__(self, folder: Path) -> None:
        ports = FreePorts()
        self.folder = folder
        self.data = folder / "var"
        self.file = folder / "demo.toml"
        self.sip_port = ports.span(1)[0]
        self.switch_rtp = ports.span(400)
        self.phones_sip = ports.span(2)[0]
        self.phones_rtp = ports.span(200)
        self.visitors_sip = {number: ports.span(1)[0] for number in VISITORS}
        self.visitors_rtp = {number: ports.span(20) for number in VISITORS}
        self.names: dict[str, str] = {}
        self.queues: dict[str, str] = {}

    def write(self) -> None:
        """Write the configuration. Raises DemoError."""
        values = derive(self._example(), self)
        self.names = {number: phone.get("name", "") for number, phone in values["phones"].items()}
        self.queues = {name: queue.get("name", name) for name, queue in values["queues"].items()}
        self.file.write_text("".join(f"{key} = {as_toml(value)}\n" for key, value in values.items()))

    @staticmethod
    def _example() -> dict[str, Any]:
        path = Path(config.__file__).parent / "example.toml"
        try:
            return tomllib.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise DemoError(f"The example configuration {path} cannot be read: {error}") from error


def derive(example: Mapping[str, Any], office: Office) -> dict[str, Any]:
    """The example without lines to the world, always open, with the visitors' phones and short waiting."""
    values = {key: value for key, value in example.items() if key not in ("trunks", "routes")}
    values["switch"] = {**example["switch"], "name": "demo", "data": str(office.data)}
    values["sip"] = {**example["sip"], "listen": [f"udp:{HOST}:{office.sip_port}"]}
    ports = office.switch_rtp
    values["media"] = {**example["media"], "address": HOST, "ports": f"{ports.start}-{ports.stop - 1}"}
    visitors = {number: {"password": f"demo-{number}", "name": name} for number, name in VISITORS.items()}
    values["phones"] = {**example["phones"], **visitors}
    values["queues"] = {name: {**queue, **QUEUE, "record": True} for name, queue in example["queues"].items()}
    values["schedules"] = {name: {**hours, "force": "open"} for name, hours in example["schedules"].items()}
    return values


def as_toml(value: Any) -> str:
    """A value as TOML writes it on one line.

    >>> as_toml({"a b": ["x", True, 2.5], "day": date(2026, 12, 31)})
    '{"a b" = ["x", true, 2.5], "day" = 2026-12-31}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, date | time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)

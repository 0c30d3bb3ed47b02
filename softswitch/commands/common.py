"""What the commands share: where the configuration is, how the switch is asked, how an answer is shown."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from config.errors import ConfigErrors
from config.loader import load
from config.model import Config
from softswitch import settings
from softswitch.api.control import ControlError, ask

DEFAULT = Path("config/example.toml")
console = Console()

Where = Annotated[Path, Parameter(help="A TOML file, or a folder of them.")]
Json = Annotated[bool, Parameter(name="--json", help="Print JSON for scripts.")]


class Refused(Exception):
    """The command cannot be carried out; the text says why."""


def configured(path: Path) -> Config:
    """The configuration. Raises Refused."""
    try:
        return load(path)
    except ConfigErrors as error:
        raise Refused(str(error)) from error


def order(path: Path, do: str, **fields: Any) -> dict[str, Any]:
    """Give one order to the running switch of a configuration. Raises Refused."""
    config = configured(path)
    try:
        return asyncio.run(ask(settings.control_socket(settings.data_folder(config)), do, **fields))
    except ControlError as error:
        raise Refused(str(error)) from error


def show(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table, unless it is empty."""
    if not rows:
        return
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)

"""The command line: run, check, status, calls, hold, unhold, room, reload, stop, demo.

Exit codes: 0 good, 1 refused with a reason, 2 wrong usage.
"""

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import uvloop
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from config.loader import read
from config.model import Config
from media.wish import locate
from softswitch import settings
from softswitch.api.control import ask
from softswitch.commands.common import DEFAULT, Json, Refused, Where, configured, console, order, show
from softswitch.commands.forecast import forecast
from softswitch.commands.history import moment
from softswitch.commands.metrics import metrics
from softswitch.commands.rooms import room, show_rooms
from softswitch.commands.simulate import simulate
from softswitch.commands.trace import trace
from softswitch.process import configure_log
from softswitch.records.errors import StorageError
from softswitch.supervisor import supervise

app = App(name="softswitch", help="A SIP softswitch: registrar, calls, menus, queues, recordings.")
app.command(room)
app.command(metrics)
app.command(simulate)
app.command(forecast)
app.command(trace)
errors = Console(stderr=True)

Call = Annotated[str, Parameter(help="Its name, as softswitch calls --json shows it.")]


@app.command
def run(path: Where = DEFAULT, /) -> None:
    """Start the switch and keep it running until Ctrl-C."""
    configure_log()
    config = configured(path)
    try:
        code = uvloop.run(_run(config, path))
    except StorageError as error:
        raise Refused(str(error)) from error
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is ending already
    sys.exit(code)


async def _run(config: Config, path: Path) -> int:
    ready = asyncio.Event()
    greeting = asyncio.get_running_loop().create_task(_greet(config, ready))
    try:
        return await supervise(config, path, ready)
    finally:
        greeting.cancel()


async def _greet(config: Config, ready: asyncio.Event) -> None:
    """Say where phones register and what to dial, as soon as that works."""
    await ready.wait()
    status = await ask(settings.control_socket(settings.data_folder(config)), "status")
    listeners = ", ".join(str(listener) for listener in config.sip.listen)
    console.print(f"[bold green]{config.switch.name} is running.[/]  SIP: {listeners}   domain: {config.switch.domain}")
    media = status["media"]
    console.print(f"Media: {media.get('backend')} ({media.get('reason')}), ports {config.media.ports}")
    phones = Table("phone", "password", "name", title="Phones that may register", title_justify="left")
    for number, phone in list(config.phones.items())[:12]:
        shown = phone.password if phone.password.startswith("demo-") else "(as configured)"
        phones.add_row(number, shown, phone.name)
    console.print(phones)
    dial = Table("dial", "and reach", title="What to dial", title_justify="left")
    for called, to in config.extensions.items():
        dial.add_row(called, str(to))
    for role, code in config.supervision.codes.items():
        dial.add_row(f"{code} and an extension", f"{role} (from {', '.join(config.supervision.supervisors)})")
    for route in config.routes:
        dial.add_row(route.called, f"{route.to} (from {route.from_})")
    console.print(dial)
    console.print("softswitch status, calls, reload and stop tell and do more; Ctrl-C ends the switch.")


@app.command
def check(path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Say every mistake in a configuration, with its line."""
    reading = read(path)
    if as_json:
        console.print_json(json.dumps({
            "mistakes": [_plain(one) for one in reading.mistakes],
            "warnings": [_plain(one) for one in reading.warnings],
        }))  # fmt: skip
    else:
        for mistake in reading.mistakes:
            print(mistake)
        for warning in reading.warnings:
            print(f"{warning}  [warning]")
        count = len(reading.mistakes)
        print(f"{path}: {'good' if not count else f'{count} mistake' + ('s' if count > 1 else '')}")
    sys.exit(1 if reading.mistakes else 0)


def _plain(mistake: Any) -> dict[str, Any]:
    return {name: getattr(mistake, name) for name in ("file", "line", "column", "key", "message", "hint")}


@app.command
def status(path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Show registrations, calls, queues, agents, load and the media backend of a running switch."""
    found = order(path, "status")
    if as_json:
        print(json.dumps(found))
        return
    media, load_now = found["media"], found["load"]
    console.print(
        f"[bold]{found['name']}[/] up {timedelta(seconds=round(found['uptime']))}, "
        f"{len(found['registrations'])} phones registered, {len(found['calls'])} calls, "
        f"media {media.get('backend')} with {media.get('legs')} legs{_shares(media)}, "
        f"CPU {load_now['cpu_seconds']} s, memory {load_now['memory_kib'] // 1024} MiB"
    )
    if found["recordings"]["trouble"]:
        console.print(f"[bold red]Recordings:[/] {found['recordings']['trouble']}")
    show("Registrations", ("address", "contacts"), [(aor, "\n".join(to)) for aor, to in found["registrations"].items()])
    _show_calls(found["calls"])
    show_rooms(found.get("rooms", {}))
    _show_mapping("Queues", found.get("queues", {}))
    _show_mapping("Agents", found.get("agents", {}))


def _shares(media: dict[str, Any]) -> str:
    """How many legs each media worker carries, when there are several."""
    workers = media.get("workers", [])
    return f" ({' + '.join(str(worker.get('legs', '?')) for worker in workers)})" if len(workers) > 1 else ""


def _show_mapping(title: str, rows: dict[str, dict[str, Any]]) -> None:
    """A table of a mapping of mappings: a row each, the keys of the first as columns."""
    if not rows:
        return
    columns = [key for key, value in next(iter(rows.values())).items() if not isinstance(value, dict | list)]
    show(title, ("name", *columns), [(name, *(_short(row.get(key)) for key in columns)) for name, row in rows.items()])


def _short(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else "" if value is None else str(value)


def _show_calls(calls: list[dict[str, Any]]) -> None:
    columns = ("call", "caller", "called", "state", "seconds")
    show("Calls", columns, [tuple(str(call[column]) for column in columns) for call in calls])


@app.command
def calls(
    path: Where = DEFAULT,
    /,
    *,
    since: Annotated[str | None, Parameter(help="2026-11-23, 2026-11-23T09:00, or 90m, 24h, 7d.")] = None,
    number: Annotated[str | None, Parameter(help="Only calls from or to this number.")] = None,
    limit: int = 100,
    as_json: Json = False,
) -> None:
    """Show the records of finished calls, the newest first."""
    config = configured(path)
    found = asyncio.run(_records(config, None if since is None else moment(since), number, limit))
    if as_json:
        print(json.dumps(found))
        return
    columns = ("started", "caller", "called", "queue", "agent", "wait", "talk", "ended", "MOS", "recording")
    show("Calls", columns, [_call_row(one) for one in found])
    console.print(f"{len(found)} calls")


def _call_row(one: dict[str, Any]) -> tuple[str, ...]:
    started = datetime.fromtimestamp(one["started"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    scores = [leg["quality"]["mos"] for leg in one["legs"] if leg.get("quality") and leg["quality"].get("mos")]
    one_way = [leg["quality"].get("one_way") for leg in one["legs"] if leg.get("quality")]
    paths = ", ".join(recording["path"] for recording in one["recordings"] if recording["size"] is not None)
    return (
        started, one["caller_number"], one["called_number"], one["queue"] or "", one["agent"] or "",
        _short(one["wait"]), _short(one["talk"]), f"{one['disposition']} ({one['cause']})",
        (f"{min(scores):.2f}" if scores else "") + (" one-way" if any(one_way) else ""), paths,
    )  # fmt: skip


async def _records(config: Config, since: float | None, number: str | None, limit: int) -> list[dict[str, Any]]:
    # the database costs half a second to import, which no other command should pay
    from softswitch.records.database import Database
    from softswitch.records.holds import HoldStore
    from softswitch.records.store import RecordStore

    try:
        database = await Database.open(settings.data_folder(config), exclusive=False)
    except StorageError as error:
        raise Refused(str(error)) from error
    try:
        records = await RecordStore(database).query(since=since, number=number, limit=limit)
        held = await HoldStore(database).calls()
        folder = settings.recordings_folder(config)
        return [_with_files({**asdict(record), "held": record.call in held}, folder) for record in records]
    finally:
        await database.close()


def _with_files(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Where the recordings of a call are now, and their octets; null when they are no longer kept."""
    for one in record["recordings"]:
        found = locate(folder, one["path"])
        one["path"] = str(found.relative_to(folder)) if found is not None else one["path"]
        one["size"] = found.stat().st_size if found is not None else None
    return record


@app.command
def reload(path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Take over a changed configuration while calls go on; a broken one changes nothing."""
    configured(path)
    found = order(path, "reload")
    if as_json:
        print(json.dumps(found))
        return
    console.print(f"Reloaded {found['reloaded']}.")
    if found["needs_restart"]:
        console.print(f"These changes need a restart: {', '.join(found['needs_restart'])}")


@app.command
def stop(path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """End a running switch; calls are hung up and written down."""
    found = order(path, "stop")
    if as_json:
        print(json.dumps(found))
        return
    console.print("The switch is stopping.")


@app.command
def demo(
    *,
    seconds: Annotated[float, Parameter(help="How long it goes on.")] = 60.0,
    seed: Annotated[int, Parameter(help="The same seed: the same people with the same wishes.")] = 1,
    as_json: Json = False,
) -> None:
    """Play a minute of a small call centre with real SIP phones, and say what came of it."""
    from softswitch.demo.errors import DemoError  # what only this command needs is loaded by it
    from softswitch.demo.performance import perform
    from softswitch.demo.summary import as_table

    try:
        summary = perform(Console(quiet=True, force_terminal=False) if as_json else console, seconds, seed)
    except DemoError as error:
        raise Refused(str(error)) from error
    if as_json:
        print(json.dumps(summary.to_dict()))
        return
    console.print(as_table(summary))


@app.command
def hold(
    call: Call,
    path: Where = DEFAULT,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, for whoever asks later.")] = "",
    as_json: Json = False,
) -> None:
    """Keep the record and the recordings of a call for ever."""
    found = order(path, "hold", call=call, reason=reason)
    if as_json:
        print(json.dumps(found))
        return
    console.print(f"The call {call} is kept until softswitch unhold {call}.")


@app.command
def unhold(call: Call, path: Where = DEFAULT, /, *, as_json: Json = False) -> None:
    """Let the record and the recordings of a call go when their time is over."""
    found = order(path, "unhold", call=call)
    if as_json:
        print(json.dumps(found))
        return
    console.print(f"The call {call} is kept as long as any other.")


def main() -> None:
    """Entry of the command `softswitch`."""
    try:
        app()
    except Refused as error:
        errors.print(str(error), highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""What changed between two configurations, and what of it cannot be taken over while calls go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.model import Config

TABLES = (
    "prompts", "phones", "groups", "trunks", "queues", "agents", "customers", "pauses", "menus", "schedules",
    "conferences", "extensions",
)  # fmt: skip
SETTINGS = ("switch", "sip", "media", "records", "recordings", "supervision")
RESTART = frozenset({
    "switch.data", "switch.realm", "switch.domain", "sip.listen", "sip.external_address",
    "sip.min_registration", "sip.default_registration", "sip.max_registration",
    "media.address", "media.external_address", "media.ports", "media.workers", "media.backend", "media.silence_timeout",
    "records.heartbeat", "recordings.folder",
})  # fmt: skip
"""Settings that sockets, processes, files and the registrar were made with."""


@dataclass(frozen=True)
class Change:
    """What happened to the entries of one table, by name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two configurations."""

    tables: Mapping[str, Change] = field(default_factory=dict)
    """For each table of named entries (phones, queues, ...) that differs."""
    settings: tuple[str, ...] = ()
    """Dotted keys of single settings that differ and can be taken over at once."""
    needs_restart: tuple[str, ...] = ()
    """Dotted keys that differ and count only after a restart."""
    routes: bool = False
    """Whether the routes differ."""

    def __bool__(self) -> bool:
        return bool(self.tables or self.settings or self.needs_restart or self.routes)

    def __getitem__(self, table: str) -> Change:
        return self.tables.get(table, Change())

    def __str__(self) -> str:
        parts = [
            f"{table}: {what} {', '.join(names)}"
            for table, change in self.tables.items()
            for what, names in (("added", change.added), ("removed", change.removed), ("changed", change.changed))
            if names
        ]
        parts += ["routes: changed"] if self.routes else []
        parts += [f"{key}: changed" for key in self.settings]
        parts += [f"{key}: changed, counts after a restart" for key in self.needs_restart]
        return "\n".join(parts) or "nothing changed"


def compare(old: Config, new: Config) -> Difference:
    """Say what changed from one configuration to another."""
    changes = {table: _compare_tables(getattr(old, table), getattr(new, table)) for table in TABLES}
    keys = [
        f"{section}.{key}"
        for section in SETTINGS
        for key in type(getattr(new, section)).model_fields
        if getattr(getattr(old, section), key) != getattr(getattr(new, section), key)
    ]
    return Difference(
        tables={table: change for table, change in changes.items() if change},
        settings=tuple(key for key in keys if key not in RESTART),
        needs_restart=tuple(key for key in keys if key in RESTART),
        routes=old.routes != new.routes,
    )


def _compare_tables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    return Change(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
    )

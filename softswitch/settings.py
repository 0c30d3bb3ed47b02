"""From the configuration to the plain values that each part is built with. Pure, but for the secret's file."""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from acd.agent import Agent, PauseReason
from acd.queue import QueueSettings
from config import build
from config.diff import compare
from config.model import Config, PhoneSection, RouteSection, TrunkSection
from config.queue_model import QueueSection
from config.scalars import PortRange
from ivr.announcements import QueueVoice
from ivr.digits import Pattern
from ivr.menu import Menu
from ivr.prompts import Prompt
from media.retention import Rule
from media.wish import Wish
from softswitch.call.customer import Customer
from softswitch.call.plan import ANSWERERS, LINE_SIGNALS, Group, Phone, Plan, Queue, Room, Trunk
from softswitch.call.policy import Recorded
from softswitch.call.router import Route, Router
from softswitch.sip.peer import Peer
from softswitch.sip.proof import Account
from softswitch.transport.resolver import default_port
from softswitch.transport.tls import CertificateFiles

SECRET_BYTES = 32
DAY = 86400.0  # seconds
GIGABYTE = 1_000_000_000
MOST_WORKERS = 4
"""Media workers that are started unasked."""

RecordedSection = PhoneSection | QueueSection | RouteSection | TrunkSection


def data_folder(config: Config) -> Path:
    """Where everything lives that the switch writes."""
    return Path(config.switch.data).absolute()


def media_socket(data: Path, worker: int) -> Path:
    """Where a media worker listens for the switch."""
    return data / "run" / f"media-{worker}.sock"


def media_workers(config: Config) -> int:
    """How many media workers there are: as configured, or one for each core beside the switch's own."""
    pairs = (config.media.ports.last - config.media.ports.first + 1) // 2
    return config.media.workers or max(1, min((os.cpu_count() or 1) - 1, MOST_WORKERS, pairs))


def media_ports(config: Config, worker: int) -> PortRange:
    """The ports of one of the media workers, counted from 1: an equal share of the range, in whole pairs."""
    ports, workers = config.media.ports, media_workers(config)
    share = (ports.last - ports.first + 1) // 2 // workers * 2
    first = ports.first + (worker - 1) * share
    return PortRange(first, first + share - 1 if worker < workers else ports.last)


def control_socket(data: Path) -> Path:
    """Where the switch listens for the command line."""
    return data / "run" / "control.sock"


def certificate_files(config: Config) -> CertificateFiles:
    """Where the certificates of TLS are; relative to where the switch was started, like every file that is read."""
    sip = config.sip
    return CertificateFiles(sip.certificate, sip.key, sip.client_ca, sip.ca)


def recordings_folder(config: Config) -> Path:
    """Where recordings go; a relative folder is seen from the data folder."""
    return data_folder(config) / config.recordings.folder


def secret(data: Path) -> bytes:
    """The key of the nonces, made at the first start and kept, so that a restart asks no phone again."""
    path = data / "run" / "secret"
    try:
        found = path.read_bytes()
        if len(found) == SECRET_BYTES:
            return found
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_bytes(SECRET_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(made)
    return made


def passwords(config: Config) -> dict[str, str]:
    """The password of every phone."""
    return build.passwords(config)


def plan(config: Config, rooms: Mapping[str, Room]) -> Plan:
    """Everything about calls. Rooms that exist keep who is in them."""
    voices = build.queue_voices(config)
    return Plan(
        phones={number: _phone(number, config) for number in config.phones},
        groups={
            name: Group(name, tuple(group.phones), group.strategy == "sequential", group.timeout, group.on_no_answer)
            for name, group in config.groups.items()
        },
        trunks={name: _trunk(name, config) for name in config.trunks},
        queues={name: _queue(name, config, voices[name]) for name in config.queues},
        prompts=build.prompts(config),
        rooms={name: _room(name, config, rooms) for name in config.conferences},
        customers={
            number: Customer(section.priority, section.managers, section.requires)
            for number, section in config.customers.items()
        },
        mobiles={number: section.mobile for number, section in config.agents.items() if section.mobile is not None},
        supervisors=frozenset(config.supervision.supervisors),
        codecs=tuple(config.media.codecs),
        country=config.media.country,
        music=config.media.music,
        language=config.switch.language,
        domain=config.switch.domain,
        media_address=config.media.address,
        media_external_address=config.media.external_address,
        ring_timeout=config.sip.ring_timeout,
        call_limit=config.sip.call_limit,
        max_calls=config.sip.max_calls,
        codes={config.recordings.start_code: "record", config.recordings.pause_code: "pause"},
    )


def _phone(number: str, config: Config) -> Phone:
    section = config.phones[number]
    return Phone(
        number, section.password, section.name, _recorded(section, config),
        Recorded(_wish(section, config)) if section.record_on_demand else None, section.dial_out, section.ring_timeout,
        section.caller_number, section.on_busy, section.on_no_answer, section.on_unreachable, section.srtp,
        section.dtmf,
    )  # fmt: skip


def _trunk(name: str, config: Config) -> Trunk:
    section = config.trunks[name]
    protected = section.transport == "tls"
    peer = Peer(
        section.transport, section.peer.host, section.peer.port,
        name=section.peer.host if protected else "",
    )  # fmt: skip
    own = (
        peer.host,
        None if protected else peer.port or default_port(peer.transport),
    )  # who connects to us does so from any port
    trusted = tuple((address.host, address.port) for address in section.trusted) or (own,)
    signals = (LINE_SIGNALS if section.detect_busy else ()) + (ANSWERERS if section.detect_machine else ())
    return Trunk(
        name, peer, trusted, section.domain or "", section.caller_number, section.max_calls, section.ring_timeout,
        _recorded(section, config), section.srtp, frozenset(signals), section.dtmf,
        Account(section.user, section.password or "", section.realm or "") if section.user else None,
        section.register_there, section.register_for,
    )  # fmt: skip


def _queue(name: str, config: Config, voice: QueueVoice) -> Queue:
    section = config.queues[name]
    recorded = Recorded(
        _wish(section, config), section.record_share or 1.0, _queue_folder(name), section.unwritable, voice.not_recorded
    )
    agents = {agent.phone: replace(recorded, share=1.0) for agent in section.agents if agent.record}
    record = recorded if section.record else None
    return Queue(name, record, agents, section.music, voice, dict(section.exits))


def _recorded(section: RecordedSection, config: Config) -> Recorded | None:
    return Recorded(_wish(section, config), section.record_share or 1.0) if section.record else None


def _wish(section: RecordedSection, config: Config) -> Wish:
    return Wish(section.format or config.recordings.format, section.channels or config.recordings.channels)


def _room(name: str, config: Config, rooms: Mapping[str, Room]) -> Room:
    section = config.conferences[name]
    members = rooms[name].members if name in rooms else []
    greeting = build.prompt(config, section.greeting, section.language) if section.greeting is not None else None
    wish = Wish(config.recordings.format, "mixed")
    record = Recorded(wish, folder=f"conferences/{name}") if section.record else None
    return Room(name, section.pin, section.max_members, greeting, record, members)


def retention(config: Config) -> list[Rule]:
    """How long recordings are kept, and how many octets of them: all, and those of each queue that differs."""
    general = config.recordings
    rules = [_rule("", general.keep_days, general.keep_gb)]
    for name, queue in config.queues.items():
        if queue.keep_days is not None or queue.keep_gb is not None:
            days = general.keep_days if queue.keep_days is None else queue.keep_days
            rules.append(_rule(_queue_folder(name), days, queue.keep_gb or 0.0))
    return rules


def _rule(under: str, days: int, gigabytes: float) -> Rule:
    """Zero stands for no limit."""
    return Rule(under, days * DAY or None, round(gigabytes * GIGABYTE) or None)


def _queue_folder(name: str) -> str:
    """Where the recordings of a queue are, under the folder of all recordings."""
    return f"queues/{name}"


def queues(config: Config) -> list[QueueSettings]:
    """The queues as the engine knows them."""
    return build.queues(config)


def agents(config: Config, is_reachable: Callable[[str], bool]) -> list[Agent]:
    """The agents, and whether they can be reached just now: by their phones, or at any time by their mobiles."""
    found = build.agents(config)
    mobile = {agent.id for agent in found if agent.id in config.agents and config.agents[agent.id].mobile is not None}
    return [replace(agent, reachable=agent.id in mobile or is_reachable(agent.id)) for agent in found]


def pauses(config: Config) -> list[PauseReason]:
    """The reasons for breaks that have limits."""
    return build.pauses(config)


def router(config: Config) -> Router:
    """Which number leads where."""
    routes = [
        Route(
            Pattern(one.called),
            one.to,
            one.from_,
            one.caller,
            one.schedule,
            one.else_to,
            one.strip,
            one.prepend,
            _recorded(one, config),
        )
        for one in config.routes
    ]
    schedules = build.schedules(config)
    return Router(build.inside(config), routes, lambda name, wall: schedules[name].is_open(wall))


def menus(config: Config) -> dict[str, Menu]:
    """The voice menus."""
    return build.menus(config)


def prompts(config: Config) -> Iterable[Prompt]:
    """Every prompt that somebody may hear, to be spoken before anybody calls."""
    return build.all_prompts(config)


def needs_restart(old: Config, new: Config) -> list[str]:
    """Keys whose change is only seen after a restart."""
    return list(compare(old, new).needs_restart)

"""Builds a switch from the configuration, joins its parts, starts and stops them in order.

This is the one place that knows every part. The order of the start is the order in which parts need each other:
database, media engine, speech, exchange, door, records, and only then the sockets. The stop is the reverse.
"""

import asyncio
import logging
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import structlog
import uvloop

from acd.engine import Engine
from acd.events import DayStarted
from config.errors import ConfigErrors
from config.loader import load
from config.model import Config
from ivr.speech import Speaker
from media.client import MediaClient
from media.errors import MediaError
from media.protocol import MediaEvent, WorkerLost
from softswitch import settings
from softswitch.api import holds, rooms
from softswitch.api.control import ControlError, ControlServer
from softswitch.api.status import Status
from softswitch.api.trace import Trace
from softswitch.call.enrolment import Enrolment
from softswitch.call.exchange import Exchange
from softswitch.call.ingress import Ingress
from softswitch.call.menu_runner import MenuRunner
from softswitch.call.pager import Pager
from softswitch.call.pool import MediaPool
from softswitch.call.queue_runner import QueueRunner
from softswitch.call.recordings import Recordings
from softswitch.call.retention import Retention
from softswitch.call.speech import Speech
from softswitch.call.store import MEGABYTE
from softswitch.core.authenticator import Authenticator
from softswitch.core.location import Location
from softswitch.core.registrar import Registrar
from softswitch.process import REFUSED, configure_log, end_with_parent, spare_collector
from softswitch.pump import Pump
from softswitch.records.alarm import Alarm
from softswitch.records.database import Database
from softswitch.records.errors import StorageError
from softswitch.records.events import Event
from softswitch.records.holds import HoldStore
from softswitch.records.queue_state import QueueStateFile
from softswitch.records.store import BindingStore, RecordStore
from softswitch.records.writer import RecordWriter
from softswitch.sip.digest import Nonces
from softswitch.sip.peer import Peer
from softswitch.stack import Stack
from softswitch.transport.framing import StreamFraming
from softswitch.transport.local_address import advertised
from softswitch.transport.names import Names, read_hosts
from softswitch.transport.resolver import Resolver
from softswitch.transport.tcp import TcpTransport
from softswitch.transport.tls import CertificateError, Certificates
from softswitch.transport.udp import UdpTransport
from softswitch.transport.websocket import WebSocketFraming
from softswitch.voicemail.runner import Voicemail
from softswitch.voicemail.waiting import MessageWaiting

log = structlog.get_logger("switch")

MEDIA_WAIT = 10.0  # seconds for the media worker to come up
HOUR = 3600.0  # seconds
SAVE_EVERY = 5.0  # seconds between two saves of what the queues know
SWEEP = 1.0  # seconds between looks at registrations that have run out


class StartError(Exception):
    """The switch cannot start; the text says why in one sentence."""


class Switch:
    """A running switch."""

    def __init__(self, config: Config, path: Path) -> None:
        self.config = config
        self.path = path
        self.data = settings.data_folder(config)
        self.stopping = asyncio.Event()
        self.certificates = Certificates()
        self._certificate_alarm = Alarm(logging.getLogger("softswitch.transport.tls"))
        self._undo: list[Callable[[], Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, config: Config, path: Path) -> Self:
        """Build and start everything. Raises StartError; nothing is left behind then."""
        switch = cls(config, path)
        try:
            await switch._start()
        except BaseException:
            await switch.stop()
            raise
        return switch

    # ---- start ------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._load_certificates(self.config)
        await self._open_records()
        self.media = MediaPool()
        await self._connect_media()
        self._build()
        await asyncio.to_thread(self.exchange.pager.load)
        await self._listen()
        self._undo.append(self.enrolment.close)
        self.enrolment.adopt(self.exchange.plan.trunks)
        await self._open_control()  # whoever asks here is told of a switch that can be called
        self._keep(self._sweep())
        self._keep(self._keep_queues())
        self._keep(self._prepare_prompts())
        self._keep(self._forget_old())
        self._undo.append(self.recordings.archive.close)
        self._keep(self.recordings.archive.run())
        self._undo.append(self.recordings.store.close)
        self._keep(self.recordings.store.watch())

    async def _open_records(self) -> None:
        self.database = await Database.open(self.data)
        self._undo.append(self.database.close)
        self.bindings = BindingStore(self.database)
        self.location = Location()
        self.location.load(await self.bindings.load(time.time()))
        self._undo.append(lambda: self.bindings.save_changes(self.location))  # after the sockets: nothing comes later
        self._keep(self.bindings.keep(self.location))
        self.recordings = Recordings(settings.recordings_folder(self.config))
        self.retention = Retention(self.recordings, HoldStore(self.database))
        self.writer = RecordWriter(
            self.database, self.data / "spool", heartbeat=self.config.records.heartbeat, mend=self.recordings.mend
        )
        await self.writer.start()
        self._undo.append(self.writer.close)

    async def _connect_media(self) -> None:
        """Join every media worker."""
        workers = range(1, settings.media_workers(self.config) + 1)
        await asyncio.gather(*(self._join_worker(number) for number in workers))

    async def _join_worker(self, number: int) -> None:
        """Join a media worker; it may still be starting."""
        socket = settings.media_socket(self.data, number)
        deadline = time.monotonic() + MEDIA_WAIT
        while True:
            try:
                worker = await MediaClient.connect(str(socket), partial(self._hear_media, number))
            except MediaError as error:
                if time.monotonic() > deadline:
                    raise StartError(f"The media worker does not answer on {socket}: {error}") from error
                await asyncio.sleep(0.05)
                continue
            self.media.put(number, worker)
            return

    def _build(self) -> None:
        config = self.config
        self.pump = Pump()
        self._undo.append(self.pump.close)
        names = Names(read_hosts())
        self._undo.append(names.close)
        self.resolver = Resolver(names, lambda peer: self.stack.transport_for(peer) is not None)
        self.stack = Stack(
            time.monotonic, self.pump.wake, locate=self.resolver.cached, max_sessions=2 * config.sip.max_calls,
            advertise=lambda bound, peer: advertised(bound, peer, config.sip.external_address),
        )  # fmt: skip
        self.pump.stack = self.stack
        self.trace = Trace(time.monotonic)
        self.stack.watch = self.trace.see
        rng = random.SystemRandom()
        self.speech = Speech(Speaker(self.data / "prompts"), lambda: self.exchange.plan)
        self.exchange = Exchange(
            self.stack, self.media, self.location, self.speech, self.recordings, self._append,
            clock=time.monotonic, locate=self.resolver.locate,
        )  # fmt: skip
        self.exchange.name_leg = self.trace.name_leg
        self.exchange.avoid = self.resolver.avoid
        self.exchange.menus = MenuRunner(self.exchange, {})
        self.exchange.queues = QueueRunner(self.exchange, Engine((), (), rng))
        mailboxes = self.data / "voicemail"
        self.exchange.message_waiting = MessageWaiting(mailboxes, self.stack, self.exchange.spawn, time.monotonic)
        self.exchange.voicemail = Voicemail(mailboxes).run
        self.enrolment = Enrolment(
            self.stack, asyncio.get_running_loop(), self.resolver.locate, self.exchange.spawn, time.monotonic, rng
        )
        self.exchange.pager = Pager(self.exchange, self.data / "messages")
        self._undo.append(self.exchange.close)
        self.authenticator = Authenticator(
            settings.passwords(config),
            config.switch.realm,
            Nonces(settings.secret(self.data)),
            rng,
            config.sip.digest,
        )
        self.registrar = Registrar(
            self.location, self.authenticator, (config.switch.domain,), min_expires=config.sip.min_registration,
            default_expires=config.sip.default_registration, max_expires=config.sip.max_registration,
        )  # fmt: skip
        self.ingress = Ingress(
            lambda: self.exchange.plan, self.location, self.registrar, self.authenticator, self.exchange
        )
        self.stack.core = self.ingress
        self._adopt(config)
        self._restore_queues()
        self._undo.append(self._save_queues)

    def _adopt(self, config: Config) -> None:
        """Take over what a configuration says about calls; live calls keep what they have."""
        exchange = self.exchange
        exchange.plan = settings.plan(config, exchange.plan.rooms)
        exchange.zone = config.zone
        exchange.router = settings.router(config)
        self.recordings.store.low_water = config.recordings.low_water_mb * MEGABYTE
        exchange.menus.menus = settings.menus(config)
        self.authenticator.users = settings.passwords(config)
        self.authenticator.accept(config.sip.digest)
        self._adopt_queues(config)
        self.config = config

    def _adopt_queues(self, config: Config) -> None:
        agents = settings.agents(config, self.ingress.is_reachable)
        self.exchange.queues.adopt(settings.queues(config), agents, settings.pauses(config))

    def _restore_queues(self) -> None:
        """Take up what the queues knew when the process before this one ended."""
        self.queue_state = QueueStateFile(self.data / "queues.json")
        found = self.queue_state.load(time.time())
        if found is None:
            return
        state, saved_at, elapsed = found
        try:
            self.exchange.queues.restore(state, elapsed)
        except ValueError as error:
            log.error("state of the queues not restored, it begins anew", error=str(error))
            self.exchange.queues.close()
            self.exchange.queues = QueueRunner(self.exchange, Engine((), (), random.SystemRandom()))
            self._adopt_queues(self.config)
            return
        if datetime.fromtimestamp(saved_at, self.config.zone).date() != self.exchange.wall_time().date():
            self.exchange.queues.handle(DayStarted())

    def _save_queues(self) -> None:
        self.queue_state.save(self.exchange.queues.save(), time.time())

    async def _keep_queues(self) -> None:
        """Save what the queues know, so that a crash costs a few seconds of it."""
        while True:
            await asyncio.sleep(SAVE_EVERY)
            if self.exchange.queues.changed:
                state = self.exchange.queues.save()
                await asyncio.to_thread(self.queue_state.save, state, time.time())

    async def _listen(self) -> None:
        """Open the sockets, last of all: whoever can reach us is served."""
        for listener in self.config.sip.listen:
            try:
                await self._open(listener.transport, listener.host, listener.port)
            except OSError as error:
                what = f"{listener.transport.upper()} {listener.host}:{listener.port}"
                raise StartError(f"{what} cannot be opened: {error.strerror or error}.") from error

    async def _open(self, transport: str, host: str, port: int) -> None:
        if transport == "udp":
            udp = await UdpTransport.listen(host, port, self.stack.receive_datagram)
            self._undo.append(udp.close)
            self.stack.add_transport(udp)
            return
        stream = TcpTransport(
            self.stack.receive, self._flow_ended, name=transport, certificates=self.certificates,
            framing=self._web_socket if transport in ("ws", "wss") else StreamFraming,
        )  # fmt: skip
        self._undo.append(stream.close)
        self.stack.add_transport(await stream.listen(host, port))

    def _web_socket(self) -> WebSocketFraming:
        return WebSocketFraming(self.config.sip.origins)

    def _flow_ended(self, peer: Peer) -> None:
        self.stack.transport_failed(peer)
        self.ingress.flow_ended(peer)

    async def _open_control(self) -> None:
        server = ControlServer(
            {
                "reload": self._reload,
                "stop": self._stop,
                **rooms.handlers(self.exchange),
                **holds.handlers(self.retention),
                **self.trace.handlers(),
                **Status(
                    self.exchange,
                    self.location,
                    self.recordings,
                    self.writer,
                    self.certificates,
                    self.enrolment.status,
                    lambda: self.config.switch.name,
                ).handlers(),
            }
        )
        await server.listen(settings.control_socket(self.data))
        self._undo.append(server.close)

    def _load_certificates(self, config: Config) -> None:
        try:
            self.certificates.load(settings.certificate_files(config))
        except CertificateError as error:
            raise StartError(str(error)) from error
        self._watch_certificate()

    def _watch_certificate(self) -> None:
        trouble = self.certificates.trouble(time.time())
        if trouble:
            self._certificate_alarm.ring(trouble, "Put a new one in its place, then `softswitch reload`.")
        else:
            self._certificate_alarm.clear("The certificate is valid for more than 14 days again.")

    # ---- while it runs ----------------------------------------------------------------------------------------

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("bug", exc_info=task.exception())

    async def _sweep(self) -> None:
        today = self.exchange.wall_time().date()
        while True:
            await asyncio.sleep(SWEEP)
            self.ingress.expire()
            if self.exchange.wall_time().date() != today:
                today = self.exchange.wall_time().date()
                self._watch_certificate()
                self.exchange.queues.handle(DayStarted())

    async def _forget_old(self) -> None:
        """Once an hour, throw away what was to be kept for so many days only."""
        while True:
            config, now = self.config, time.time()
            try:
                if config.records.keep_days:
                    await self._forget_records(now - config.records.keep_days * settings.DAY)
                await self.retention.sweep(settings.retention(config), now)
            except (StorageError, MediaError) as error:
                log.error("old calls not removed", error=str(error))
            await asyncio.sleep(HOUR)

    async def _forget_records(self, before: float) -> None:
        """In small portions, so that records of new calls are not kept waiting."""
        while await RecordStore(self.database).forget(before):  # noqa: ASYNC110 (it is not a wait)
            await asyncio.sleep(0.1)

    async def _prepare_prompts(self) -> None:
        """Speak every prompt of the configuration once, so that no caller waits for a voice."""
        for prompt in settings.prompts(self.config):
            await self.speech.sounds([prompt])

    def _append(self, call: str, event: Event) -> None:
        """A fact of a call, for its record and for whoever wants to see what happened."""
        self.writer.append(call, event)
        self.trace.note(call, event)

    def _hear_media(self, worker: int, event: MediaEvent) -> None:
        self.trace.hear(event)
        self.exchange.hear_media(event, worker)
        if isinstance(event, WorkerLost) and not self.stopping.is_set():
            self._keep(self._rejoin_worker(worker))

    async def _rejoin_worker(self, number: int) -> None:
        """A media worker is started again by the supervisor; new calls go there, too."""
        while True:
            try:
                await self._join_worker(number)
            except StartError as error:
                log.error("no media worker", worker=number, error=str(error))
                if not len(self.media):
                    self.stopping.set()
                    return
                continue
            log.warning("the media worker is back", worker=number)
            return

    def reload(self) -> dict[str, Any]:
        """Read the configuration and the certificates again; broken ones change nothing.

        Connections stay as they are. Raises ConfigErrors and StartError.
        """
        fresh = load(self.path)
        self._load_certificates(fresh)
        restart = settings.needs_restart(self.config, fresh)
        self._adopt(fresh)
        self.enrolment.adopt(self.exchange.plan.trunks)
        self._keep(self._prepare_prompts())
        log.info("configuration reloaded", needs_restart=restart)
        return {"reloaded": str(self.path), "needs_restart": restart}

    def reload_quietly(self) -> None:
        """SIGHUP: read the configuration again, or say in the log what is wrong with it."""
        try:
            self.reload()
        except (ConfigErrors, StartError) as error:
            log.error("configuration not reloaded: nothing was changed", mistakes=str(error))

    async def _reload(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.reload()
        except (ConfigErrors, StartError) as error:
            raise ControlError(f"Nothing was changed.\n{error}") from error

    async def _stop(self, order: dict[str, Any]) -> dict[str, Any]:
        self.stopping.set()
        return {"stopping": True}

    # ---- stop -------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stop everything that was started, in reverse; calls are hung up and written down."""
        self.stopping.set()
        if hasattr(self, "exchange"):
            await self.exchange.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "media"):
            self.media.close()
        while self._undo:
            done = self._undo.pop()()
            if asyncio.iscoroutine(done):
                await done


async def serve(path: Path) -> int:
    """Be the switch process until told to stop: 0 when it was told, 1 when it could not start."""
    configure_log()
    try:
        switch = await Switch.start(load(path), path)
    except (ConfigErrors, StartError, StorageError, ControlError, OSError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, switch.stopping.set)
    loop.add_signal_handler(signal.SIGHUP, switch.reload_quietly)
    spare_collector()
    await switch.stopping.wait()
    await switch.stop()
    return 0


def main() -> None:
    """Entry of the switch process: `python -m softswitch.switch FILE_OR_FOLDER`."""
    end_with_parent()
    sys.exit(uvloop.run(serve(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()

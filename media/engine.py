"""The media engine: legs, rooms, players, recordings, and the tick that makes one frame for all of them.

It decides and computes; sockets are behind `MediaIo`, clocks are arguments, files belong to the recorder's thread and
to who loads sounds. One tick: receive, take from the jitter buffer, decode, conceal, record, detect, mix, play,
encode, send.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import rtp
from media.conceal import Concealer
from media.forwarding import LARGEST
from media.g711 import decode_rows, encode_rows
from media.inband import METHOD, InBand
from media.io.ports import PortPair
from media.io.sockets import AT_ONCE, MediaIo
from media.keys import Keys
from media.latch import Latch
from media.leg_report import LegReports
from media.legs import G711, Legs, Negotiated
from media.listening import Listening
from media.measures import Measures
from media.membership import PLAIN, Membership
from media.mixer import mix_by_matrix, mix_seated
from media.players import Players
from media.protocol import (
    ActiveTalker,
    Digit,
    LegReport,
    MediaEvent,
    MediaResumed,
    MediaSilent,
    PlaybackFinished,
)
from media.receiver import Receiver
from media.recorder import Recorder
from media.relay import Relay
from media.reports import Reports
from media.rooms import Plan, Rooms
from media.rtp import FRAME, HEADER_SIZE, PLAIN_SIZE
from media.srtp import SrtpIo
from media.survey import Survey
from media.talkers import HALF, Talkers
from media.tapes import TapePlan, Tapes
from media.telephone_event import Pressed
from media.voices import Voices

CAPACITY: Final = 8192
REVIEW_TICKS: Final = 50
"""Ticks between reviews of jitter buffers and of silent legs."""
SILENT_AFTER: Final = 20.0
"""Seconds without a packet after which a leg is said to be silent."""
MOST_CONCEALED: Final = 200
"""Rows whose lost frames are made up for in one tick; when more are lost at once, because the network or this machine
held its breath, the others are silent for a frame, since making up for all would make the next tick late."""


class Engine:
    """All legs of a worker.

    Parameters
    ----------
    io : MediaIo
        The backend; its `packets` and `peers` have `capacity` rows.
    rng : random.Random
        For SSRCs, first numbers and the times of reports.
    tell : Callable[[MediaEvent], None]
        Called with every event.
    """

    def __init__(
        self,
        io: MediaIo,
        rng: random.Random,
        tell: Callable[[MediaEvent], None],
        capacity: int = CAPACITY,
        silent_after: float = SILENT_AFTER,
    ) -> None:
        self._tell = tell
        self._silent_after = silent_after
        self.tick_number = 0
        self.legs = Legs(capacity, rng)
        self.latch = Latch(io.peers, io.peer_sizes)
        self._io = SrtpIo(io, self.latch)
        self.relay = Relay(self.legs)
        self.rooms = Rooms(self.legs, self.relay)
        self.voices = Voices(self.legs)
        self.receiver = Receiver(self._io, self.legs, self.latch, self.relay, self.rooms.listens, self.voices)
        self.reports = Reports(self.legs, self.receiver.reception, self.receiver.meter, self.latch, rng)
        self.keys = Keys(self._io, self.legs, self.relay, self.rooms)
        self.players = Players()
        self.tapes = Tapes()
        self.talkers = Talkers(capacity)
        self.measures = Measures(capacity)
        self.listening = Listening(self.legs, self.measures)
        self.survey = Survey(self.legs, self.receiver, self.measures)
        self.leg_reports = LegReports(self.legs, self.receiver, self.voices, self.latch, self._io, self.measures)
        self.in_band = InBand(self.legs, self.rooms, self.keys, self.voices)
        self._taped: set[int] = set()
        self._sound = _Sound(capacity)
        self._wide: dict[int, NDArray[np.int16]] = {}
        """What the members of wideband rooms hear in this tick."""
        self._plan: Plan | None = None
        self._tape_plan: TapePlan | None = None

    # orders

    def open(self, name: str, pair: PortPair, now: float) -> None:
        """Give a leg a row and its sockets."""
        row = self.legs.open(name, self.tick_number)
        self.receiver.open(row)
        self.measures.open(row)
        self.reports.open(row, now)
        self._io.attach(row, pair)

    def configure(self, name: str, negotiated: Negotiated, now: float) -> None:
        """What signalling agreed upon."""
        row = self.legs.row(name)
        self._io.secure(row, negotiated.srtp)
        self.latch.aim(row, negotiated.remote_host, negotiated.remote_port)
        self.legs.configure(row, negotiated, now)
        self.receiver.steady.forget(row)
        if not negotiated.receive:
            self.receiver.comfort.end(row)
        self.voices.configure(row)
        self.rooms.refresh(row)

    def close(self, name: str, now: float, wall: float) -> LegReport:
        """Say goodbye to the peer, take the leg out of everything, and report how it fared."""
        row = self.legs.row(name)
        if self.reports.owes_goodbye(row):
            self._io.send_report(row, self.reports.write(row, now, wall, self.tick_number, goodbye=True))
        report = self.leg_reports.write(row, self.reports.close(row), now)
        self.players.stop(row)
        self.keys.forget(row)
        if row in self._taped:
            self.tapes.drop(row)
            self._retape()
        self.in_band.forget(row)
        self.listening.end(row)
        self.rooms.forget(row)
        self.voices.close(row)
        self.talkers.forget(row)
        self._io.detach(row)
        if self.legs.last_heard[row]:
            self.receiver.close(row)
        self.legs.close(name)
        self.latch.reset(row)
        return report

    def join(self, name: str, room: str, membership: Membership = PLAIN) -> None:
        """Put a leg into a room, or change how it takes part there."""
        self.rooms.join(self.legs.row(name), room, membership)

    def leave(self, name: str) -> None:
        """Take a leg out of its room."""
        self.rooms.leave(self.legs.row(name))

    def play(self, name: str, sounds: Sequence[NDArray[np.int16]], token: str, *, repeat: bool) -> None:
        """Play sounds to a leg, in place of what it heard."""
        row = self.legs.row(name)
        self.players.start(row, sounds, token, self.tick_number, repeat=repeat)
        self._overlay(row)

    def stop(self, name: str) -> None:
        """Stop what is played to a leg."""
        row = self.legs.row(name)
        self.players.stop(row)
        self._overlay(row)

    def echo(self, name: str, *, on: bool) -> None:
        """Send a leg its own sound."""
        self.rooms.echo(self.legs.row(name), on=on)

    def send_digits(self, name: str, digits: str) -> None:
        """Press keys towards a leg."""
        self.keys.press(self.legs.row(name), digits, self.tick_number)

    def detect_inband(self, name: str, *, on: bool) -> None:
        """Listen for tones of keys in a leg's sound."""
        self.in_band.detect(self.legs.row(name), on=on)

    def detect_progress(self, name: str, *, on: bool) -> None:
        """Listen for signals of the network, of a fax, and for who answers, in a leg's sound."""
        row = self.legs.row(name)
        if on != (row in self.listening):
            (self.listening.begin if on else self.listening.end)(row)
            self.rooms.tap(row, 1 if on else -1)

    def record(self, name: str, recorder: Recorder, left: Sequence[str], right: Sequence[str]) -> None:
        """Begin a recording of what comes from legs."""
        rows = self._rows(left), self._rows(right)
        self.tapes.start(name, recorder, self.tick_number)
        self.tapes.change(name, *rows)
        self._retape()

    def record_change(self, name: str, left: Sequence[str], right: Sequence[str]) -> None:
        """Put other legs on the channels of a recording."""
        self.tapes.change(name, self._rows(left), self._rows(right))
        self._retape()

    def stop_record(self, name: str) -> Recorder:
        """End a recording; what it holds was handed to its recorder."""
        recorder = self.tapes.stop(name)
        self._retape()
        return recorder

    # time

    @property
    def relays(self) -> bool:
        """Whether packets should be handed on sooner than the next tick: there are relays, and not in silence."""
        return self.relay.count > 0 and self.tick_number - self.receiver.relayed_at <= REVIEW_TICKS

    def receive(self, now: float, wall: float, most: int = AT_ONCE) -> int:
        """Take what has come, no more than `most`: count it, relay it, or keep it for the tick; how much it was."""
        for row, datagram in self.receiver.receive(now, self.tick_number, most):
            self._take_odd(row, datagram, now, wall)
        for row in self.receiver.resumed:
            self._tell(MediaResumed(self.legs.names[row]))
        self.receiver.resumed.clear()
        return self.receiver.taken

    def tick(self, now: float, wall: float) -> None:
        """Make and send one frame for every leg that is sent sound."""
        self.receive(now, wall)
        plan = self.rooms.plan()
        if plan is not self._plan or self._tape_plan is None:
            self._plan, self._tape_plan = plan, self.tapes.plan(plan.place)
        if len(plan.ears):
            self._make_sound(plan)
        if plan.watched:
            self._watch(plan)
        self.tapes.feed(self._sound.said, self._tape_plan, self.tick_number)
        for row in self.keys.send(self.tick_number):
            self._overlay(row)
        if len(plan.ears):
            self._speak(plan)
        if self.relay.resting:
            self._speak_for_the_resting()
        self._keep_house(now, wall)
        self.tick_number += 1

    def skip(self, ticks: int) -> None:
        """Ticks that came too late to be made: the outgoing streams show a gap, and recordings hold silence."""
        self.legs.stamped_for -= ticks
        if len(self.tapes):
            self.tapes.skip(ticks)
            self._tape_plan = None

    # sound

    def _make_sound(self, plan: Plan) -> None:
        """What every ear said in this frame: decoded, concealed; and who pressed keys in it."""
        sound, size = self._sound, len(plan.ears)
        for ear in plan.new:
            sound.concealer.reset(ear)
            if self.rooms.listens[plan.ears[ear]]:
                self.receiver.jitter.restart(int(plan.ears[ear]))
        sound.said = sound.concealer.next()
        said = sound.said[:size]
        present, lost = self.receiver.jitter.take(plan.ears, sound.codes[:size])
        decode_rows(sound.codes[:size], self.legs.law[plan.ears], said)
        if len(self.voices):
            self.voices.hear(plan.ears, said, present, lost)
        if not present.all():
            said[~present] = 0
        if self.receiver.comfort.count:
            rests = self._fill_pauses(plan, said, present)
            lost, present = lost & ~rests, present | rests
        lost[np.flatnonzero(lost)[MOST_CONCEALED:]] = False
        sound.concealer.apply(lost)
        self.measures.listen(said, plan.ears, present, self.rooms.pair, self.tick_number)
        for row, digit in self.in_band.feed(said, plan.place, self.tick_number) if len(self.in_band) else ():
            self._tell(Digit(self.legs.names[row], digit, 0, METHOD))
        for signal in self.listening.feed(said, plan.place, self.tick_number) if len(self.listening) else ():
            self._tell(signal)

    def _speak(self, plan: Plan) -> None:
        """Mix, play, encode and send."""
        sound, size = self._sound, len(plan.ears)
        heard = sound.heard[:size]
        if plan.mixes:
            mix_seated(sound.said[:size], plan.seating, heard)
        else:
            heard[:] = 0
        for room in plan.matrices:
            mix_by_matrix(sound.said[:size], room.ears, room.factors, heard)
        for end in self.players.add(heard, plan.place, self.tick_number) if len(self.players) else ():
            self._tell(PlaybackFinished(self.legs.names[end.row], end.token))
            self._overlay(end.row)
        for end in self.keys.tones.add(heard, plan.place, self.tick_number) if len(self.keys.tones) else ():
            self._overlay(end.row)
        self._wide = self.voices.mix_wide(plan.wide, sound.said, plan.place) if plan.wide else {}
        self._send(plan.spoken, plan.spoken_rows, heard)

    def _fill_pauses(self, plan: Plan, said: NDArray[np.int16], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Noise for those who pause: bool[n], who they are."""
        stamps = self.receiver.jitter.taken(plan.ears)
        if len(self.voices):
            self.voices.stamp(plan.ears, stamps)
        return self.receiver.comfort.fill(said, plan.ears, present, stamps, self.tick_number)

    def _speak_for_the_resting(self) -> None:
        """Noise for those whose partner pauses and who do not take his comfort noise."""
        sources, targets = self.relay.make_up()
        sends = self.legs.sends[targets]
        noise = self.receiver.comfort.make(sources[sends], self.tick_number)
        self._send(np.arange(len(noise)), targets[sends], noise)

    def _watch(self, plan: Plan) -> None:
        """Tell who talks in the rooms that want to know."""
        self.talkers.listen(self._sound.said, plan.place[plan.watched_rows], plan.watched_rows)
        if self.tick_number % HALF:
            return
        for room, row in self.talkers.judge(plan.watched):
            self._tell(ActiveTalker(self.legs.names[row], room))

    def _send(self, ears: NDArray[np.intp], rows: NDArray[np.intp], heard: NDArray[np.int16]) -> None:
        hushed = self.keys.hush_until[rows] > self.tick_number
        if hushed.any():
            ears, rows = ears[~hushed], rows[~hushed]
        if not len(rows):
            return
        if len(ears) < len(heard):
            heard = heard[ears]
        if len(self.voices):
            coded_legs = self.legs.coding[rows] != G711
            self._send_voices(rows[coded_legs], heard[coded_legs])
            rows, heard = rows[~coded_legs], heard[~coded_legs]
        coded = self._sound.coded[: len(rows)]
        encode_rows(heard, self.legs.law[rows], coded)
        second, sequence, timestamps = self.legs.stamp(rows, self.tick_number)
        self.receiver.write(rows, second, sequence, timestamps)
        self._io.packets[rows, HEADER_SIZE:PLAIN_SIZE] = coded
        self._io.send(rows, PLAIN_SIZE)

    def _send_voices(self, rows: NDArray[np.intp], heard: NDArray[np.int16]) -> None:
        """Code and send what the legs hear whose codec is no table."""
        if not len(rows):
            return
        second, sequence, timestamps = self.legs.stamp(rows, self.tick_number)
        self.receiver.write(rows, second, sequence, timestamps * self.legs.clock_factor[rows])
        for row, payload in zip(rows.tolist(), self.voices.say(rows, heard, self._wide), strict=True):
            head = self._io.packets[row, :HEADER_SIZE].tobytes()
            self._io.send_one(row, head + payload)

    # odd packets and housekeeping

    def _take_odd(self, row: int, datagram: bytes, now: float, wall: float) -> None:
        """A packet that is no plain frame: RTCP, a telephone event, an extension header."""
        if rtp.is_rtcp(datagram[1]):
            self.reports.read(row, datagram, now, wall)
            return
        try:
            packet = rtp.parse(datagram)
        except rtp.BadPacket:
            self.receiver.malformed += 1
            return
        if not self._is_wanted(row, packet):
            self.receiver.malformed += 1
            return
        extended = self.receiver.accept_one(row, packet)
        if extended is None:
            return
        if packet.payload_type == int(self.legs.receive_payload_type[row]):
            self.receiver.take_one(row, packet, extended, now)
        if packet.payload_type == int(self.legs.dtmf_receive[row]):
            self._press(row, self.keys.receive(row, packet, extended, now, self.tick_number))

    def _is_wanted(self, row: int, packet: rtp.RtpPacket) -> bool:
        """Whether a packet may be counted: of a payload type that was negotiated, or at least of the stream we know."""
        legs = self.legs
        types = int(legs.receive_payload_type[row]), int(legs.dtmf_receive[row]), rtp.COMFORT_NOISE
        if legs.coding[row] == G711 and len(packet.payload) > LARGEST - HEADER_SIZE:
            return False
        return packet.payload_type in types or packet.ssrc == int(self.receiver.reception.ssrc[row])

    def _press(self, row: int, pressed: list[Pressed]) -> None:
        for key in pressed:
            self._tell(Digit(self.legs.names[row], key.key, key.duration_ms, "rfc4733"))

    def _keep_house(self, now: float, wall: float) -> None:
        for row, key in self.keys.handle_timer(now, self.tick_number):
            self._press(row, [key])
        for row, datagram, host in self._io.receive_reports():
            if host == self.latch.host(row):
                self.reports.read(row, datagram, now, wall)
        for row in self.reports.due(now):
            self._io.send_report(row, self.reports.write(row, now, wall, self.tick_number))
        if self.tick_number % REVIEW_TICKS == 0:
            if self.rooms.listens.any():
                self.receiver.jitter.review(np.flatnonzero(self.rooms.listens))
            self.voices.review()
            self._find_silent(now)
            self.survey.review(now)
            self.rooms.settle()

    def _find_silent(self, now: float) -> None:
        legs = self.legs
        rows = legs.rows
        waiting = now - legs.waiting_since[rows]
        silent = rows[legs.receives[rows] & ~legs.silent[rows] & (waiting >= self._silent_after)]
        legs.silent[silent] = True
        for row in silent.tolist():
            self._tell(MediaSilent(legs.names[row], round(now - float(legs.waiting_since[row]), 3)))

    def _overlay(self, row: int) -> None:
        self.rooms.overlay(row, on=row in self.players or self.keys.is_sending(row))

    def _rows(self, names: Sequence[str]) -> list[int]:
        return [self.legs.row(name) for name in names]

    def _retape(self) -> None:
        """Recordings listen to other rows now."""
        self._tape_plan = None
        taped = self.tapes.rows
        for row in taped - self._taped:
            self.rooms.tap(row, 1)
        for row in self._taped - taped:
            self.rooms.tap(row, -1)
        self._taped = taped


class _Sound:
    """The arrays of a tick, one row per ear; memory that no ear used yet is not there yet."""

    def __init__(self, capacity: int) -> None:
        self.codes = np.zeros((capacity, FRAME), np.uint8)
        self.coded = np.zeros((capacity, FRAME), np.uint8)
        self.heard = np.zeros((capacity, FRAME), np.int16)
        self.concealer = Concealer(capacity)
        self.said = self.concealer.next()

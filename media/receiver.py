"""From datagrams to sound: latch, count, place into the jitter buffer or relay; all packets of a turn as arrays.

Packets of one row are taken in order, one per round, so what holds for a row holds for all rows at once. Telephone
events, RTCP that came to an RTP port and other odd packets are taken one by one, a bounded number per turn.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import rtp
from media.comfort import UNHEARD, ComfortNoise
from media.forwarding import LARGEST, MOST_NOISE, Forwarder
from media.g711 import SILENCE
from media.io.sockets import AT_ONCE, Arrivals, MediaIo
from media.jitter import JitterBuffer
from media.latch import MOVE_AFTER, Latch
from media.legs import G711, NO_PAYLOAD_TYPE, Legs
from media.quality import JitterMeter
from media.reception import MAX_DROPOUT, Reception
from media.relay import Relay
from media.rtp import FRAME, HEADER_SIZE
from media.serial import distance16
from media.steady import Steady
from media.voices import Voices

MOST_ROUNDS: Final = 16
"""Packets of one row and size per turn."""
MOST_SIZES: Final = 8
"""Different sizes of plain packets per turn."""
MOST_ODD: Final = 2000
"""Packets that are taken one by one per turn."""
CLOCK: Final = 8000

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Receiver:
    """Takes what the backend read."""

    def __init__(self, io: MediaIo, legs: Legs, latch: Latch, relay: Relay, listens: Flags, voices: Voices) -> None:
        self._io = io
        self._legs = legs
        self._latch = latch
        self._relay = relay
        self._listens = listens
        self.voices = voices
        self._headers = rtp.Headers(io.packets)
        self._forwarder = Forwarder(io, legs, relay, voices)
        self._scratch = np.zeros(legs.capacity, np.intp)
        self.reception = Reception(legs.capacity)
        self.meter = JitterMeter(legs.capacity)
        self.jitter = JitterBuffer(legs.capacity)
        self.steady = Steady(legs.capacity)
        self.resumed: list[int] = []
        """Rows that were silent and are not; to be emptied by who reads it."""
        self.malformed = 0
        self.taken = 0
        """Datagrams of the last call of `receive`."""
        self.comfort = ComfortNoise(legs.capacity)
        self._tick = 0

    def open(self, row: int) -> None:
        """Begin a row for another leg; it is clean, by birth or by `close`."""
        self.steady.forget(row)
        self._headers.start(row, int(self._legs.ssrc[row]))

    def close(self, row: int) -> None:
        """Clean a row that packets came to."""
        self.reception.reset(row)
        self.meter.reset(row)
        self.jitter.forget(row)
        self.comfort.end(row)

    @property
    def relayed_at(self) -> int:
        """Tick in which a packet was last relayed."""
        return self._forwarder.at

    def receive(self, now: float, tick: int, most: int = AT_ONCE) -> list[tuple[int, bytes]]:
        """Take what has come, no more than `most`; the odd packets, with their rows, are for the caller."""
        arrivals = self._io.receive(most)
        self.taken = 0 if arrivals is None else len(arrivals.rows)
        if arrivals is None:
            return []
        self._tick = tick
        rest = self._take_steady(arrivals, now)
        return [] if rest is None else self._take_others(rest, now)

    def _take_others(self, arrivals: Arrivals, now: float) -> list[tuple[int, bytes]]:
        """Take packets the long way, whatever they are."""
        rows = arrivals.rows
        heads = rtp.read_headers(arrivals.pool, arrivals.buffers)
        first, types = heads["first"], heads["second"] & np.uint8(0x7F)
        whole = (arrivals.sizes >= HEADER_SIZE) & (first >> 6 == rtp.VERSION)
        self.malformed += int(np.count_nonzero(~whole))
        ours = self._check_source(arrivals, heads, whole, now)
        ours &= whole
        self._note_life(rows[ours], now)
        plain = ours & (first == rtp.PLAIN_FIRST) & (types == self._legs.receive_payload_type[rows])
        plain &= self._legs.coding[rows] == G711
        plain &= (arrivals.sizes <= LARGEST) & (arrivals.sizes > HEADER_SIZE)
        self._take_plain(arrivals, heads, plain, now)
        self._expect(rows[plain])
        noise = ours & (first == rtp.PLAIN_FIRST) & (types == rtp.COMFORT_NOISE)
        if noise.any():
            noise &= ~plain & (self._legs.clock_factor[rows] == 1)
            self._take_noise(arrivals, heads, np.flatnonzero(noise))
            plain |= noise
        odd = np.flatnonzero(ours & ~plain)[:MOST_ODD]
        return [(int(rows[index]), arrivals.datagram(index)) for index in odd.tolist()]

    def write(self, rows: Rows, second: NDArray[np.uint8], sequence: Longs, timestamps: Longs) -> None:
        """Write the headers of the rows' next packets."""
        self._headers.write(rows, second, sequence, timestamps)

    def accept_one(self, row: int, packet: rtp.RtpPacket) -> int | None:
        """Count a packet that is taken by itself; its extended sequence number, or None when it came before."""
        rows = np.array([row])
        counted = self.reception.count(rows, np.array([packet.ssrc]), np.array([packet.sequence]))
        if counted.restarted[0]:
            self._restart(rows)
        if self._legs.receive_payload_type[row] != NO_PAYLOAD_TYPE and self._legs.coding[row] == G711:
            self._expect(rows)
        return int(counted.extended[0]) if counted.fresh[0] else None

    def take_one(self, row: int, packet: rtp.RtpPacket, extended: int, now: float) -> None:
        """Place and relay the sound of a packet that is taken by itself, extended by `accept_one`."""
        voice = self.voices.get(row)
        if voice is None:
            self._place_one(row, packet)
            self._forwarder.forward_one(row, packet, extended, packet.timestamp, self._tick)
            return
        position = voice.position(packet.timestamp)
        arrived = np.uint32(int(now * CLOCK) & 0xFFFFFFFF) - np.array([position & 0xFFFFFFFF], np.uint32)
        self.meter.update_once(np.array([row]), arrived)
        if self._listens[row] and self._legs.receives[row]:
            voice.playout.put(position, packet.payload)
        self._forwarder.forward_one(row, packet, extended, position, self._tick)

    def _place_one(self, row: int, packet: rtp.RtpPacket) -> None:
        """Put an odd packet's sound into the jitter buffer."""
        if self._listens[row] and self._legs.receives[row]:
            payload = np.frombuffer(packet.payload[: 4 * FRAME], np.uint8)
            self.jitter.put_one(row, packet.timestamp, payload, SILENCE[self._legs.law[row]])

    def _take_steady(self, arrivals: Arrivals, now: float) -> Arrivals | None:
        """Take the packets that go on where their streams stood; the others, None when there are none."""
        rows, buffers = arrivals.rows, arrivals.buffers
        heads = arrivals.pool.view(np.dtype(">u4"))[buffers, :3].astype(np.uint32)
        same = self.steady.find(rows, heads) & (arrivals.sizes == rtp.PLAIN_SIZE) & self._latch.latched[rows]
        if same.any():
            same &= self._latch.known(rows, arrivals.sources[buffers])
        which = np.flatnonzero(same)
        if not len(which):
            return arrivals
        if len(which) == len(rows):
            self._go_on(arrivals, rows, buffers, heads, now)
            return None
        self._go_on(arrivals, rows[which], buffers[which], heads[which], now)
        others = np.ones(len(rows), bool)
        others[which] = False
        return Arrivals(rows[others], buffers[others], arrivals.sizes[others], arrivals.pool, arrivals.sources)

    def _go_on(self, arrivals: Arrivals, rows: Rows, buffers: Rows, heads: NDArray[np.uint32], now: float) -> None:
        """Take one expected packet of each of these rows."""
        self._note_life(rows, now)
        self.steady.go_on(rows, heads[:, 0])
        extended = self.reception.go_on(rows)
        self.meter.update_once(rows, np.uint32(int(now * CLOCK) & 0xFFFFFFFF) - heads[:, 1])
        timestamps = heads[:, 1].astype(np.int64)
        deliver = self._legs.receives[rows]
        listened = deliver & self._listens[rows]
        if listened.any():
            sound = arrivals.pool[buffers[listened], HEADER_SIZE : rtp.PLAIN_SIZE]
            self.jitter.put(rows[listened], timestamps[listened], sound)
        if self._relay.count:
            seconds = (heads[:, 0] >> np.uint32(16)).astype(np.uint8)
            where = arrivals.pool, buffers, rtp.PLAIN_SIZE
            self._forwarder.forward(rows, deliver, extended, timestamps, seconds, *where, self._tick)

    def _expect(self, rows: Rows) -> None:
        """The streams of these rows stand somewhere now: the packets after that are expected."""
        legs, reception = self._legs, self.reception
        self.steady.expect(rows, legs.receive_payload_type[rows], reception.highest[rows] + 1, reception.ssrc[rows])

    def _check_source(self, arrivals: Arrivals, heads: NDArray[np.void], whole: Flags, now: float) -> Flags:
        rows, sources = arrivals.rows, arrivals.sources[arrivals.buffers]
        known = self._latch.known(rows, sources)
        fresh = known & whole & ~self._latch.latched[rows]
        if fresh.any():
            fresh &= self._is_speech(rows, heads["second"] & np.uint8(0x7F))
            self._learn(rows, sources, np.flatnonzero(fresh))
            known = self._latch.known(rows, sources)
        if not known.all():
            strangers = np.flatnonzero(~known)
            np.add.at(self._latch.strangers, rows[strangers], 1)
            self._let_move(rows, sources, heads, strangers, now)
            self._correct_guess(rows, sources, heads, strangers[whole[strangers]])
        return known

    def _is_speech(self, rows: Rows, types: NDArray[np.uint8]) -> Flags:
        """Whether a packet carries what was negotiated."""
        legs = self._legs
        speech: Flags = (types == legs.receive_payload_type[rows]) | (types == legs.dtmf_receive[rows])
        speech |= types == rtp.COMFORT_NOISE
        return speech

    def _learn(self, rows: Rows, sources: NDArray[np.uint64], candidates: Rows) -> None:
        """Latch each row to its first candidate."""
        for index in rtp.rounds(rows[candidates], self._scratch, 1):
            chosen = candidates[index]
            self._latch.learn(rows[chosen], sources[chosen])

    def _let_move(
        self, rows: Rows, sources: NDArray[np.uint64], heads: NDArray[np.void], strangers: Rows, now: float
    ) -> None:
        """Follow a silent row's stream that goes on from elsewhere."""
        at = rows[strangers]
        step = distance16(heads["sequence"][strangers].astype(np.int64), self.reception.highest[at])
        moved = self._latch.latched[at] & (now - self._legs.last_heard[at] > MOVE_AFTER)
        moved &= heads["ssrc"][strangers] == self.reception.ssrc[at]
        moved &= (step > 0) & (step < MAX_DROPOUT)
        if moved.any():
            self._learn(rows, sources, strangers[moved])

    def _correct_guess(self, rows: Rows, sources: NDArray[np.uint64], heads: NDArray[np.void], strangers: Rows) -> None:
        """Follow whoever speaks from the port that was negotiated, where another one of the host was latched."""
        meant = self._latch.negotiated(rows[strangers], sources[strangers])
        meant &= self._is_speech(rows[strangers], heads["second"][strangers] & np.uint8(0x7F))
        if meant.any():
            self._learn(rows, sources, strangers[meant])

    def _note_life(self, rows: Rows, now: float) -> None:
        legs = self._legs
        legs.last_heard[rows] = now
        legs.waiting_since[rows] = now
        silent = legs.silent[rows]
        if silent.any():
            back = np.unique(rows[silent])
            legs.silent[back] = False
            self.resumed += back.tolist()

    def _take_plain(self, arrivals: Arrivals, heads: NDArray[np.void], plain: Flags, now: float) -> None:
        usual = plain & (arrivals.sizes == rtp.PLAIN_SIZE)
        self._take_size(arrivals, heads, np.flatnonzero(usual), rtp.PLAIN_SIZE)
        unusual = plain & ~usual
        if unusual.any():
            for size in np.unique(arrivals.sizes[unusual])[:MOST_SIZES].tolist():
                self._take_size(arrivals, heads, np.flatnonzero(unusual & (arrivals.sizes == size)), size)
        arrived = np.full(np.count_nonzero(plain), int(now * CLOCK) & 0xFFFFFFFF, np.uint32)
        self.meter.update(arrivals.rows[plain], arrived, heads["timestamp"][plain].astype(np.uint32))

    def _take_size(self, arrivals: Arrivals, heads: NDArray[np.void], which: Rows, size: int) -> None:
        """Take packets of one size, at most one of each row in a round."""
        if not len(which):
            return
        rows, buffers = arrivals.rows[which], arrivals.buffers[which]
        sequence = heads["sequence"][which].astype(np.int64)
        timestamps = heads["timestamp"][which].astype(np.int64)
        ssrc, seconds = heads["ssrc"][which].astype(np.int64), heads["second"][which]
        for index in rtp.rounds(rows, self._scratch, MOST_ROUNDS):
            these = rows[index]
            counted = self.reception.count(these, ssrc[index], sequence[index])
            if counted.restarted.any():
                self._restart(these[counted.restarted])
            deliver = counted.fresh & self._legs.receives[these]
            listened = deliver & self._listens[these]
            if listened.any():
                sound = arrivals.pool[buffers[index[listened]], HEADER_SIZE:size]
                self._place(these[listened], timestamps[index[listened]], sound)
            if self._relay.count:
                numbers = counted.extended, timestamps[index], seconds[index]
                where = arrivals.pool, buffers[index], size
                self._forwarder.forward(these, deliver, *numbers, *where, self._tick)

    def _take_noise(self, arrivals: Arrivals, heads: NDArray[np.void], which: Rows) -> None:
        """Take packets of comfort noise of any size, at most one of each row in a round."""
        rows, buffers = arrivals.rows[which], arrivals.buffers[which]
        sizes = np.minimum(arrivals.sizes[which], HEADER_SIZE + MOST_NOISE)
        sequence = heads["sequence"][which].astype(np.int64)
        timestamps = heads["timestamp"][which].astype(np.int64)
        ssrc, seconds = heads["ssrc"][which].astype(np.int64), heads["second"][which]
        for every in rtp.rounds(rows, self._scratch, MOST_ROUNDS):
            counted = self.reception.count(rows[every], ssrc[every], sequence[every])
            if counted.restarted.any():
                self._restart(rows[every[counted.restarted]])
            deliver = counted.fresh & self._legs.receives[rows[every]]
            index, extended = every[deliver], counted.extended[deliver]
            level = np.where(sizes[index] > HEADER_SIZE, arrivals.pool[buffers[index], HEADER_SIZE], UNHEARD)
            self.comfort.begin(rows[index], timestamps[index], level)
            if self._relay.count:
                newest = extended == self.reception.highest[rows[index]]
                numbers = extended, timestamps[index], seconds[index]
                where = arrivals.pool, buffers[index], sizes[index]
                self._forwarder.forward_noise(rows[index], newest, *numbers, *where, self._tick)
        self._expect(rows[self._legs.coding[rows] == G711])

    def _place(self, rows: Rows, timestamps: Longs, sound: NDArray[np.uint8]) -> None:
        """Put packets of one size, uint8[n, m], into the jitter buffer."""
        frames, rest = divmod(sound.shape[1], FRAME)
        if rest:
            for row, timestamp, payload in zip(rows.tolist(), timestamps.tolist(), sound, strict=True):
                self.jitter.put_one(row, timestamp, payload, SILENCE[self._legs.law[row]])
            return
        for frame in range(frames):
            self.jitter.put(rows, timestamps + frame * FRAME, sound[:, frame * FRAME : (frame + 1) * FRAME])

    def _restart(self, rows: Rows) -> None:
        """Other streams begin on these rows."""
        self.jitter.restart(rows)
        self.voices.restart(rows)
        self._relay.restart(rows)
        for row in rows.tolist():
            self.meter.reset(row)
        self.comfort.end(rows)

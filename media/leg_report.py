"""How a leg fared: what its row counted, in the words of the report that goes into the call record."""

from typing import Final

import numpy as np

from media import quality
from media.latch import Latch
from media.legs import Legs
from media.measures import Measures, one_way
from media.protocol import UNHEARD, LegReport
from media.receiver import CLOCK, Receiver
from media.reports import Correspondence
from media.srtp import SrtpIo
from media.voices import Voices

FRAME_MS: Final = 20.0
BUFFER_DELAY_MS: Final = 60.0
"""What jitter buffer and packet time add on one way, for the E-model, where nothing was decoded."""


class LegReports:
    """Writes the reports of all legs."""

    def __init__(
        self, legs: Legs, receiver: Receiver, voices: Voices, latch: Latch, srtp: SrtpIo, measures: Measures
    ) -> None:
        self._legs = legs
        self._receiver = receiver
        self._voices = voices
        self._latch = latch
        self._srtp = srtp
        self._measures = measures

    def write(self, row: int, correspondence: Correspondence, now: float) -> LegReport:
        """The report of a row that is about to be closed; seconds on the monotonic clock."""
        heard = float(self._legs.last_heard[row])
        if not heard and correspondence.round_trip is None:
            return self._unheard(row)
        losses = self._receiver.reception.losses(row)
        voice = self._voices.get(row)
        late = int(self._receiver.jitter.late[row]) if voice is None else voice.playout.late
        loss_percent = 100 * losses.lost / losses.expected if losses.expected else 0.0
        unheard = 100 * (losses.lost + late) / losses.expected if losses.expected else 0.0
        trip = correspondence.round_trip
        depth = self._receiver.jitter.mean_depth(row)
        waited = None if depth is None else depth * FRAME_MS
        delay = (BUFFER_DELAY_MS if waited is None else waited + FRAME_MS) + (trip or 0.0) * 500
        burst_ratio = quality.burst_ratio(losses.lost, losses.bursts, losses.expected)
        rating, score = quality.rate(min(unheard, 100.0), delay, burst_ratio)
        sounded = self._measures.sounded(row)
        return LegReport(
            packets_sent=int(self._legs.packets_sent[row]),
            packets_received=losses.received,
            lost=losses.lost,
            loss_percent=round(loss_percent, 3),
            jitter_ms=round(float(self._receiver.meter.jitter[row]) * 1000 / CLOCK, 3),
            round_trip_ms=None if trip is None else round(trip * 1000, 3),
            mos=round(score, 3),
            r_factor=round(rating, 2),
            late=late,
            duplicates=int(self._receiver.reception.duplicates[row]),
            strangers=int(self._latch.strangers[row]),
            srtp_errors=int(self._srtp.errors[row]),
            seconds_since_last_packet=round(now - heard, 3) if heard else None,
            burst_ratio=round(burst_ratio, 2) if losses.lost else None,
            buffer_ms=None if waited is None else round(waited, 1),
            one_way=self._one_way(row),
            decoded_seconds=sounded.seconds,
            silence_percent=sounded.silence_percent,
            clipped_percent=sounded.clipped_percent,
            talk_over_percent=sounded.talk_over_percent,
        )

    def _unheard(self, row: int) -> LegReport:
        sent, strangers = int(self._legs.packets_sent[row]), int(self._latch.strangers[row])
        errors = int(self._srtp.errors[row])
        if not sent and not strangers and not errors:
            return UNHEARD
        one_way_ = self._one_way(row)
        return {**UNHEARD, "packets_sent": sent, "strangers": strangers, "srtp_errors": errors, "one_way": one_way_}

    def _one_way(self, row: int) -> str | None:
        sends, receives = bool(self._legs.sends[row]), bool(self._legs.receives[row])
        sent, received = int(self._legs.packets_sent[row]), int(self._receiver.reception.received[row])
        only_silence = bool(self._measures.only_silence(np.array([row]))[0])
        return one_way(sends, receives, sent, received, only_silence=only_silence)

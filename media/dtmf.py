"""DTMF in the voice path: digits as samples, and a detector for many legs at once (ITU-T Q.23, Q.24).

Listening goes in two stages.  The coarse one is cheap and the same for all rows: every half frame (10 ms) is correlated
with the eight frequencies in one matrix product; two neighbouring halves make a window of 20 ms, and by how much the
phase turned between them beyond what the nominal frequency explains tells the real frequency to a few hertz.  Windows
whose power lies in one frequency of each group show a digit.  When three windows in a row show the same, that is 40 ms
from its beginning at the latest, the fine stage fits two sine waves to the middle one and decides by what they leave
over: speech passes the first stage now and then, but not this one.

A digit is over when two windows in a row do not show it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.tone import amplitude

RATE: Final = 8000
FRAME: Final = 160
_HALF: Final = 80

# Q.23 table 1: the frequencies in hertz and the digit at each crossing.
LOW: Final = (697.0, 770.0, 852.0, 941.0)
HIGH: Final = (1209.0, 1336.0, 1477.0, 1633.0)
DIGITS: Final = "123A456B789C*0#D"

_QUIETEST: Final = amplitude(-38.0)
"""Amplitude under which a frequency is not heard."""

# Coarse stage, per window of 20 ms: the share of the power that the two frequencies must have to be looked at, to
# show a digit vaguely and clearly; how much a frequency must stand above the others of its group; the most twist (a
# ratio of powers) and the most deviation from the nominal frequency.  All are wide: leakage between the groups
# disturbs them.
_SUSPECT: Final = 0.25
_VAGUE: Final = 0.4
_CLEAR: Final = 0.7
_ABOVE_GROUP: Final = 2.5
_COARSE_TWIST: Final = 10 ** (12 / 10)
_COARSE_DEVIATION: Final = 0.03
_NEEDED: Final = 5
"""Points of windows in a row that make a digit: 2 for a clear one, 1 for a vague one."""
_MISSES: Final = 2
"""Windows in a row without the digit that end it."""

# Fine stage, with room for measuring errors around Q.24 table A.1 (8 dB and 1.5 % are to be accepted, 3.5 % refused).
_TWIST: Final = 10 ** (9.5 / 20)
"""Most ratio of the amplitudes, either way."""
_DEVIATION: Final = 0.022
"""Most relative error of a frequency."""
_LEFT_OVER: Final = 0.1
"""Most share of the power that the two sine waves may not explain; noise 15 dB below the digit is 0.03."""
_SWELL: Final = 0.6
"""Most relative change of an amplitude over the 20 ms."""

_FREQUENCIES: Final = np.array(LOW + HIGH)
_TURN: Final = np.exp(-2j * np.pi * _FREQUENCIES * _HALF / RATE).astype(np.complex64)[:, None, None]
"""By how much the phase of each frequency turns in half a frame."""
_MOST_DECISIONS: Final = 128
"""Rows of a window that the fine stage may look at, those first that it looked at least; 10 ms later comes the next."""
_MOST_TRIES: Final = 8
"""Windows of one sound that the fine stage looks at before it leaves that sound alone."""
_BLOCK: Final = 32
"""Rows that the fine stage fits at a time."""
_PRODUCT: Final = 192
"""Columns of one matrix product: 16 x 80 x 192 is under the 2**18 at which OpenBLAS wakes its threads."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Floats = NDArray[np.float32]
Phasors = NDArray[np.complex64]
Flags = NDArray[np.bool_]
Digits = NDArray[np.int8]
Exact = NDArray[np.float64]


def _kernel() -> Floats:
    """Matrix that correlates half a frame with the frequencies, the real parts above the imaginary ones: float32[16,
    80].
    """
    waves = np.exp(-2j * np.pi * np.outer(_FREQUENCIES, np.arange(_HALF)) / RATE)
    return np.concatenate([waves.real, waves.imag]).astype(np.float32)


_KERNEL: Final = _kernel()


def make_digit(digit: str, milliseconds: float = 100.0, *, level: float = -7.0, twist: float = 2.0) -> Samples:
    """Samples of a digit at 8 kHz, int16[n].

    Parameters
    ----------
    digit
        One of 0-9, *, #, A-D.
    milliseconds
        How long it sounds; 40 is the shortest that receivers must understand.
    level
        dBm0 of the high frequency.
    twist
        dB by which the low frequency is weaker, as lines lose more of the high one.
    """
    place = DIGITS.find(digit.upper())
    if len(digit) != 1 or place < 0:
        raise ValueError(f"there is no DTMF digit {digit!r}")
    turns = np.arange(round(milliseconds * RATE / 1000)) / RATE
    low = amplitude(level - twist) * np.sin(2 * np.pi * LOW[place // 4] * turns)
    high = amplitude(level) * np.sin(2 * np.pi * HIGH[place % 4] * turns)
    return np.rint(low + high).astype(np.int16)


def make_digits(digits: str, milliseconds: float = 100.0, pause: float = 100.0) -> Samples:
    """Samples of several digits, each followed by a pause: int16[n]."""
    silence = np.zeros(round(pause * RATE / 1000), np.int16)
    pieces = [piece for digit in digits for piece in (make_digit(digit, milliseconds), silence)]
    return np.concatenate(pieces) if pieces else silence[:0]


class DigitDetector:
    """Listens for digits on many rows; each row has its own state."""

    def __init__(self, rows: int) -> None:
        self._pcm = np.zeros((rows, FRAME), np.int16)
        self._half = np.zeros((rows, 16), np.float32)
        self._energy = np.zeros(rows, np.float32)
        self._shown = np.full(rows, -1, np.int8)
        self._points = np.zeros(rows, np.int8)
        self._told = np.full(rows, -1, np.int8)
        self._missed = np.zeros(rows, np.int8)
        self._tries = np.zeros(rows, np.int8)

    def reset(self, row: int) -> None:
        """Another leg has this row now."""
        fresh = DigitDetector(1)
        for name, old in vars(self).items():
            old[row] = getattr(fresh, name)[0]

    def feed(self, pcm: Samples, rows: Rows) -> list[tuple[int, str]]:
        """Listen to one frame of some rows.

        Parameters
        ----------
        pcm : int16[k, 160]
            The frames.
        rows : intp[k]
            Which row each of them belongs to, none twice.

        Returns
        -------
        list of (row, digit)
            Digits that were recognised in this frame, each once however long it lasts.
        """
        halves, energy = self._correlate(pcm, rows)
        digit, clear = _judge(halves, energy)
        found: list[tuple[int, str]] = []
        for window in range(2):
            ready = self._follow(rows, digit[window], clear[window])
            if len(ready):
                found += self._decide(pcm, rows, ready, window)
        self._pcm[rows] = pcm
        return found

    def sounding(self, rows: Rows) -> Flags:
        """Whether a digit that was recognised still sounds, bool[k]."""
        return np.asarray(self._told[rows] >= 0)

    def _correlate(self, pcm: Samples, rows: Rows) -> tuple[Floats, Floats]:
        """Correlation with the frequencies and energy of the half before and of both halves: float32[16, 3, k], [3,
        k].
        """
        count = len(rows)
        sound = np.empty((2, count, _HALF), np.float32)
        sound[0], sound[1] = pcm[:, :_HALF], pcm[:, _HALF:]
        halves = np.empty((16, 3, count), np.float32)
        halves[:, 0] = self._half[rows].T
        _multiply(sound.reshape(-1, _HALF).T, halves[:, 1:].reshape(16, -1))
        energy = np.empty((3, count), np.float32)
        energy[0] = self._energy[rows]
        np.einsum("hkn,hkn->hk", sound, sound, out=energy[1:])
        self._half[rows] = halves[:, 2].T
        self._energy[rows] = energy[2]
        return halves, energy

    def _follow(self, rows: Rows, digit: Digits, clear: Flags) -> Rows:
        """Take one window of each row into account; the places in `rows` where a digit may be told."""
        shown = digit >= 0
        points = np.where(shown & (digit == self._shown[rows]), self._points[rows], 0) + shown + (shown & clear)
        told = self._told[rows]
        missed = np.where(shown & (digit == told), 0, self._missed[rows] + 1)
        told = np.where(missed >= _MISSES, -1, told)
        tries = np.where(shown & (digit == self._shown[rows]), self._tries[rows], 0)
        self._tries[rows] = tries
        self._shown[rows] = digit
        self._points[rows] = np.minimum(points, _NEEDED)
        self._told[rows] = told
        self._missed[rows] = np.minimum(missed, _MISSES)
        ready = np.flatnonzero((points >= _NEEDED) & (digit != told) & (tries < _MOST_TRIES))
        return ready[np.argsort(tries[ready], kind="stable")][:_MOST_DECISIONS]

    def _decide(self, pcm: Samples, rows: Rows, ready: Rows, window: int) -> list[tuple[int, str]]:
        """Look closely at the middle one of the last three windows and tell the digits that it really holds."""
        before = self._pcm[rows[ready]]
        middle = before if window == 0 else np.concatenate([before[:, _HALF:], pcm[ready, :_HALF]], axis=1)
        digit = self._shown[rows[ready]]
        true = is_digit(middle, digit)
        self._tries[rows[ready]] += 1
        sure, digit = rows[ready][true], digit[true]
        self._told[sure] = digit
        self._missed[sure] = 0
        return [(int(row), DIGITS[place]) for row, place in zip(sure, digit, strict=True)]


def _multiply(sound: Floats, out: Floats) -> None:
    """_KERNEL @ sound, float32[80, h] -> float32[16, h], in products too small for the library to start threads for."""
    for start in range(0, sound.shape[1], _PRODUCT):
        block = slice(start, start + _PRODUCT)
        np.matmul(_KERNEL, sound[:, block], out=out[:, block])


def is_digit(pcm: Samples, digit: Digits) -> Flags:
    """Whether 20 ms hold nothing but the two frequencies of a digit.

    Sound int16[j, 160] and places in `DIGITS` int8[j] -> bool[j].  Amplitudes, their change and the exact frequencies
    come from a least squares fit at the nominal frequencies, repeated at the frequencies that it found (Gauss-Newton);
    twice are enough for what is to be accepted.
    """
    true = np.empty(len(pcm), np.bool_)
    for start in range(0, len(pcm), _BLOCK):
        block = slice(start, start + _BLOCK)
        true[block] = _is_digit(pcm[block].astype(np.float32), digit[block])
    return true


def _is_digit(sound: Floats, digit: Digits) -> Flags:
    nominal = _NOMINAL[digit]
    constant, change = _amplitudes(np.einsum("jbt,jt->jb", _FIT_NOMINAL[digit], sound))
    hertz = _corrected(nominal, change, nominal)
    basis = _basis(hertz)
    seen = (basis @ sound[:, :, None])[:, :, 0]
    weight = np.linalg.solve(basis @ basis.transpose(0, 2, 1), seen[:, :, None])[:, :, 0]
    constant, change = _amplitudes(weight)
    hertz = _corrected(hertz, change, nominal)
    strength, energy = np.abs(constant), (sound**2).sum(axis=1)
    weaker, stronger = strength.min(axis=1), strength.max(axis=1)
    steady = (np.abs(change.real) * 2 < _SWELL).all(axis=1)
    near = (np.abs(hertz - nominal) < _DEVIATION * nominal).all(axis=1)
    alone = energy - (weight * seen).sum(axis=1) <= _LEFT_OVER * energy
    return np.asarray(steady & near & alone & (weaker > _QUIETEST) & (weaker * _TWIST > stronger))


def _basis(hertz: Exact) -> Floats:
    """The waves of (c + d t) exp(i w t), t from -1 to 1 over the window, for two frequencies a row.

    float64[j, 2] -> float32[j, 8, 160]: what the real and the imaginary parts of both c and then of both d weigh.
    """
    time = np.linspace(-1, 1, FRAME, endpoint=False, dtype=np.float32) + np.float32(1 / FRAME)
    turn = (hertz * (np.pi * FRAME / RATE)).astype(np.float32)[:, :, None] * time
    basis = np.empty((len(hertz), 8, FRAME), np.float32)
    np.cos(turn, out=basis[:, 0:2])
    np.negative(np.sin(turn), out=basis[:, 2:4])
    np.multiply(basis[:, :4], time, out=basis[:, 4:])
    return basis


def _amplitudes(weight: Floats) -> tuple[Phasors, Phasors]:
    """Weights float32[j, 8] of the basis as c, and as d relative to c, complex64[j, 2] each."""
    constant, linear = _phasors(weight[:, 0:2], weight[:, 2:4]), _phasors(weight[:, 4:6], weight[:, 6:8])
    return constant, linear * constant.conj() / np.maximum(np.abs(constant), 1e-6) ** 2


def _corrected(hertz: Exact, change: Phasors, nominal: Exact) -> Exact:
    """Frequencies by what their phase turned beyond them, not further than 5 % from the nominal ones."""
    return np.clip(hertz + change.imag * (RATE / (np.pi * FRAME)), nominal * 0.95, nominal * 1.05)


def _phasors(real: Floats, imaginary: Floats) -> Phasors:
    return np.asarray(real + 1j * imaginary, np.complex64)


def _judge(halves: Floats, energy: Floats) -> tuple[Digits, Flags]:
    """Which digit each window shows, -1 for none, and whether clearly.

    Correlations float32[16, 3, k] and energies float32[3, k] of three halves -> int8[2, k], bool[2, k] of two windows.
    """
    real, imaginary = halves[:8], halves[8:]
    turned_real = real[:, 1:] * _TURN.real - imaginary[:, 1:] * _TURN.imag
    turned_imaginary = real[:, 1:] * _TURN.imag + imaginary[:, 1:] * _TURN.real
    total_real, total_imaginary = real[:, :2] + turned_real, imaginary[:, :2] + turned_imaginary
    power = (total_real * total_real + total_imaginary * total_imaginary) * np.float32(2 / FRAME)
    available = energy[:2] + energy[1:]
    low, high = power[:4].max(axis=0), power[4:].max(axis=0)
    suspect = (low + high > _SUSPECT * available) & (np.minimum(low, high) > _QUIETEST**2 * FRAME / 16)
    digit = np.full(suspect.shape, -1, np.int8)
    clear = np.zeros(suspect.shape, np.bool_)
    if suspect.any():
        first = _phasors(real[:, :2][:, suspect], imaginary[:, :2][:, suspect])
        second = _phasors(turned_real[:, suspect], turned_imaginary[:, suspect])
        digit[suspect], clear[suspect] = _look_closely(first, second, power[:, suspect], available[suspect])
    return digit, clear


def _look_closely(first: Phasors, second: Phasors, power: Floats, available: Floats) -> tuple[Digits, Flags]:
    """Judge windows whose power lies in two frequencies: [8, j] each and float32[j] -> int8[j], bool[j]."""
    low, low_at, low_ok = _strongest(first[:4], second[:4], power[:4], _FREQUENCIES[:4])
    high, high_at, high_ok = _strongest(first[4:], second[4:], power[4:], _FREQUENCIES[4:])
    share = (low + high) / available
    even = np.minimum(low, high) * _COARSE_TWIST > np.maximum(low, high)
    shown = low_ok & high_ok & even & (share > _VAGUE)
    return np.where(shown, low_at * 4 + high_at, -1).astype(np.int8), share > _CLEAR


def _strongest(first: Phasors, second: Phasors, power: Floats, nominal: Exact) -> tuple[Floats, Rows, Flags]:
    """Strongest frequency of a group: its energy, its place, and whether it is near its nominal value and alone."""
    at, each = power.argmax(axis=0), np.arange(power.shape[1])
    best = power[at, each]
    turned = np.angle(second[at, each] * first[at, each].conj())
    deviation = np.abs(turned) * np.float32(RATE / (2 * np.pi * _HALF))
    alone = (power * _ABOVE_GROUP > best).sum(axis=0) == 1
    near = deviation < _COARSE_DEVIATION * nominal[at]
    return best / np.sinc(np.minimum(deviation, 35) * np.float32(FRAME / RATE)) ** 2, at, near & alone


def _fit_nominal() -> Floats:
    """Least squares weights of 20 ms at the nominal frequencies of each digit: float32[16, 8, 160]."""
    basis = _basis(_NOMINAL)
    return np.asarray(np.linalg.solve(basis @ basis.transpose(0, 2, 1), basis), np.float32)


_NOMINAL: Final = np.array([(low, high) for low in LOW for high in HIGH])
"""Frequencies of each digit, float64[16, 2]."""
_FIT_NOMINAL: Final = _fit_nominal()

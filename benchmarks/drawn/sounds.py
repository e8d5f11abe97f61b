"""Pieces of sound: rooms, crowds, speech, laughs, bangs; and the score that puts them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], Floats]
"""So many samples of a sound, of any loudness."""

RATE = 24_000
"""Samples a second."""

MOUTHS = 20
"""Values a second of how open a mouth is."""


@dataclass(frozen=True)
class Note:
    start: float
    seconds: float
    level: float
    """Loudness in dB below full scale where the piece sounds."""
    make: Maker


class Score:
    """What is heard, and when."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._notes: list[Note] = []

    def add(self, start: float, seconds: float, level: float, make: Maker) -> None:
        self._notes.append(Note(start, seconds, level, make))

    def mixed(self, seconds: float) -> NDArray[np.float32]:
        total = np.zeros(round(seconds * RATE))
        for number, note in enumerate(self._notes):
            begin = max(0, round(note.start * RATE))
            count = min(len(total) - begin, round(note.seconds * RATE))
            if count > 0:
                piece = note.make(np.random.default_rng([self._seed, number]), count)
                total[begin : begin + count] += piece * 10 ** (note.level / 20) / _loudness(piece)
        return np.tanh(total).astype(np.float32)


def coloured(random: np.random.Generator, count: int, fall: float, low: float = 40, high: float = 9000) -> Floats:
    """Noise whose amplitude falls as frequency to the `fall` (0 white, 0.5 pink, 1 brown), between two frequencies."""
    size = 1 << max(8, int(np.ceil(np.log2(count))))
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    shape = np.where((frequencies >= low) & (frequencies <= high), np.maximum(frequencies, 1.0) ** -fall, 0)
    phases = random.normal(size=len(shape)) + 1j * random.normal(size=len(shape))
    return np.asarray(np.fft.irfft(shape * phases, size)[:count], np.float64)


def hiss(random: np.random.Generator, count: int) -> Floats:
    return coloured(random, count, 0.3, 100)


def room(random: np.random.Generator, count: int) -> Floats:
    """A hum of the mains and air that moves."""
    times = np.arange(count) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * part * times + part) / part for part in (1, 2, 3, 6))
    air = coloured(random, count, 0.8)
    return np.asarray(hum / 3 + 2 * air / air.std() / 3, np.float64)


def outdoors(random: np.random.Generator, count: int) -> Floats:
    """Wind and far traffic, rising and falling slowly."""
    return coloured(random, count, 1.0) * (1 + 0.3 * _slow(random, count, 0.15))


def murmur(random: np.random.Generator, count: int) -> Floats:
    """A crowd that waits."""
    return coloured(random, count, 0.6, 150, 3000) * (1 + 0.15 * _slow(random, count, 3.0))


def roar(random: np.random.Generator, count: int) -> Floats:
    """A crowd that cheers: swells within half a second, fades over the last half."""
    share = np.linspace(0, 1, count)
    swell = np.minimum(1, share * count / RATE / 0.5) * np.minimum(1, 2 * (1 - share))
    return np.asarray(coloured(random, count, 0.4, 250, 4500) * (1 + 0.2 * _slow(random, count, 6.0)) * swell)


def rainfall(random: np.random.Generator, count: int) -> Floats:
    patter = coloured(random, count, 0.1, 400)
    drops = np.zeros(count)
    drops[random.integers(0, count, max(1, count // 2000))] = 1
    ring = np.exp(-np.arange(400) / 60) * np.sin(np.arange(400) * 0.9)
    return np.asarray(patter / patter.std() + 3 * np.convolve(drops, ring)[:count])


def applause(random: np.random.Generator, count: int) -> Floats:
    """Hundreds of claps: soon dense, dying away over the last third."""
    share = np.linspace(0, 1, count)
    density = np.minimum(1, share * count / RATE / 0.4) * np.minimum(1, 3 * (1 - share))
    claps = np.where(random.uniform(size=count) < 0.008 * density, random.uniform(0.3, 1.0, count), 0)
    clap = np.exp(-np.arange(500) / 70) * random.normal(size=500)
    return np.convolve(claps, clap)[:count]


def laugh(random: np.random.Generator, count: int) -> Floats:
    """Two or three people: bursts of voice four to five times a second."""
    total = np.zeros(count)
    times = np.arange(count) / RATE
    fall = np.minimum(1, 3 * (1 - np.linspace(0, 1, count)))
    for _ in range(int(random.integers(2, 4))):
        hertz, pitch = random.uniform(4.0, 5.2), random.uniform(160, 330)
        beat = np.maximum(0, np.sin(2 * np.pi * hertz * times + random.uniform(0, 6))) ** 1.5
        total += beat * _voice(times, pitch * (1.1 - 0.2 * np.linspace(0, 1, count)))
    return np.asarray((total + 0.2 * coloured(random, count, 0.2, 800, 5000) * total.std()) * fall)


def shout(random: np.random.Generator, count: int) -> Floats:
    times, share = np.arange(count) / RATE, np.linspace(0, 1, count)
    rise = np.minimum(1, share * 10) * np.minimum(1, 4 * (1 - share))
    pitch = random.uniform(220, 380) * (1 + 0.25 * np.sin(np.pi * share))
    return np.asarray(_voice(times, pitch) * rise)


def bang(random: np.random.Generator, count: int) -> Floats:
    """Something heavy falls: a crack, a thump, and what rattles after it."""
    times = np.arange(count) / RATE
    thump = np.sin(2 * np.pi * 70 * times * np.exp(-times)) * np.exp(-times / 0.18)
    crack = random.normal(size=count) * np.exp(-times / 0.06)
    rattle = random.normal(size=count) * np.exp(-times / 0.45) * (np.sin(2 * np.pi * 13 * times) > 0.3)
    return thump + 0.8 * crack + 0.35 * rattle


def clack(random: np.random.Generator, count: int) -> Floats:
    times = np.arange(count) / RATE
    return (random.normal(size=count) + np.sin(2 * np.pi * 900 * times)) * np.exp(-times / 0.025)


def bark(random: np.random.Generator, count: int) -> Floats:
    """A dog, twice or three times a second."""
    times = np.arange(count) / RATE
    within = (times * random.uniform(2.0, 2.8)) % 1
    burst = np.where(within < 0.4, np.sin(np.pi * within / 0.4), 0)
    return (_voice(times, 300 + 150 * burst) + 0.3 * random.normal(size=count)) * burst


def horn(random: np.random.Generator, count: int) -> Floats:
    times, share = np.arange(count) / RATE, np.linspace(0, 1, count)
    low = random.uniform(300, 400)
    tone = sum(np.sin(2 * np.pi * low * ratio * part * times) / part for ratio in (1, 1.25) for part in (1, 2, 3))
    return np.asarray(tone * np.minimum(1, 30 * share) * np.minimum(1, 20 * (1 - share)))


def music(random: np.random.Generator, count: int) -> Floats:
    """A tune that never stops: four chords and a beat."""
    times = np.arange(count) / RATE
    pace, key = random.uniform(1.6, 2.3), random.uniform(180, 260)
    steps = (np.arange(8) * 5) % 12
    chord = key * 2 ** (steps[(times * pace / 4).astype(int) % 8] / 12)
    turns = 2 * np.pi * np.cumsum(chord) / RATE
    tones = np.sin(turns) + 0.6 * np.sin(1.26 * turns) + 0.5 * np.sin(1.5 * turns)
    beat = np.exp(-((times * pace) % 1) * 9)
    return (
        tones * (0.6 + 0.4 * beat)
        + 1.2 * beat * np.sin(2 * np.pi * 60 * times)
        + 0.2 * beat * random.normal(size=count)
    )


@dataclass(frozen=True)
class Speech:
    """Phrases of syllables between pauses. `mouth` is how open it is, 0-1, `MOUTHS` times a second."""

    mouth: Floats
    pitch: float

    @classmethod
    def over(cls, random: np.random.Generator, seconds: float, silent: tuple[tuple[float, float], ...] = ()) -> Speech:
        """From end to end but for stretches in which somebody else is heard."""
        mouth = np.zeros(round(seconds * MOUTHS) + 1)
        time = random.uniform(0.2, 0.8)
        while time < seconds:
            end = time + random.uniform(1.0, 4.5)
            while time < end:
                long = random.uniform(0.14, 0.3)
                first, last = round(time * MOUTHS), round((time + long) * MOUTHS)
                if not any(start <= time < stop for start, stop in silent):
                    peak = random.uniform(0.4, 1.0)
                    part = mouth[first : last + 1]
                    part[:] = np.maximum(
                        part, peak * np.sin(np.pi * (np.arange(len(part)) + 0.7) / (last - first + 1.4))
                    )
                time += long
            time += random.uniform(0.25, 1.1)
        return cls(mouth, random.uniform(100, 210))

    def make(self, random: np.random.Generator, count: int) -> Floats:
        times = np.arange(count) / RATE
        mouth = np.interp(times, np.arange(len(self.mouth)) / MOUTHS, self.mouth)
        pitch = self.pitch * (1 + 0.12 * _slow(random, count, 1.5))
        breath = coloured(random, count, 0.2, 1500, 7000)
        consonants = np.maximum(0, _slow(random, count, 5.0) - 0.8)
        voiced = _voice(times, pitch) * (1 + 0.3 * _slow(random, count, 4.0))
        return np.asarray(mouth * (voiced + consonants * breath / breath.std()))


def steps_at(times: Floats) -> Maker:
    """Footsteps at these times, counted from where the piece begins."""

    def make(random: np.random.Generator, count: int) -> Floats:
        total = np.zeros(count)
        for time in times:
            begin = round(float(time) * RATE)
            if 0 <= begin < count:
                long = min(count - begin, round(0.1 * RATE))
                fade = np.exp(-np.arange(long) / (0.02 * RATE))
                total[begin : begin + long] += fade * coloured(random, long, 0.7, 80, 3000) * random.uniform(0.6, 1)
        return total

    return make


def _voice(times: Floats, pitch: Floats | float) -> Floats:
    """Overtones as a throat makes them, strongest about 500 and 1500 Hz."""
    turns = 2 * np.pi * np.cumsum(np.broadcast_to(pitch, times.shape)) / RATE
    middle = float(np.mean(pitch))
    total = np.zeros_like(times)
    for part in range(1, 13):
        hertz = part * middle
        weight = np.exp(-(((hertz - 500) / 350) ** 2)) + 0.4 * np.exp(-(((hertz - 1500) / 500) ** 2)) + 0.15 / part
        total += weight * np.sin(part * turns)
    return total


def _slow(random: np.random.Generator, count: int, hertz: float) -> Floats:
    """An aimless curve of about unit spread that turns `hertz` times a second."""
    points = max(4, round(2 * hertz * count / RATE) + 4)
    return np.interp(np.linspace(0, points - 1, count), np.arange(points), random.normal(size=points))


def _loudness(piece: Floats) -> float:
    """Root mean square of the louder half, in pieces of a hundredth of a second: pauses do not count."""
    size = RATE // 100
    power = (piece[: len(piece) // size * size].reshape(-1, size) ** 2).mean(axis=1) if len(piece) >= size else piece**2
    loud = np.sort(power)[len(power) // 2 :]
    return float(np.sqrt(loud.mean())) or 1.0

"""When the heart beats: sinus rhythm and its arrhythmia, fibrillation, ectopic and paced beats."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.simulated.dipole import Array

SHORTEST_RR = 0.32
"""No conducted beat follows another faster than this, s."""
LEAD_IN = 2.0
"""The rhythm starts this long before the recording, so that no beat is missing at its edge, s."""


class RhythmKind(StrEnum):
    """What sets the pace."""

    SINUS = "sinus"
    FIBRILLATION = "atrial fibrillation"
    PACED = "paced"


@dataclass(frozen=True)
class Rhythm:
    """The rhythm of one recording.

    Args:
        kind: what sets the pace.
        rate: mean rate of the conducted beats, per minute.
        respiration: breaths per second.
        respiratory_arrhythmia: standard deviation of RR that breathing causes, s.
        slow_arrhythmia: the same for blood-pressure waves (0.1 Hz), s.
        jitter: standard deviation of RR without a cause, s.
        irregularity: coefficient of variation of RR in fibrillation.
        ectopic_share: share of ventricular ectopic beats.
        ectopic_origin: where they come from, any length (see `ectopic_beat`).
        f_amplitude: of fibrillation waves in V1, mV.
        f_rate: of fibrillation waves, Hz.

    Raises:
        ValueError: the rate lies outside 20 to 180 per minute.

    References:
        McSharry et al., IEEE Trans Biomed Eng 50:289 (2003) for the two-peaked spectrum of RR;
        Stridh & Sörnmo, IEEE Trans Biomed Eng 48:105 (2001) for fibrillation waves.
    """

    kind: RhythmKind = RhythmKind.SINUS
    rate: float = 70.0
    respiration: float = 0.25
    respiratory_arrhythmia: float = 0.02
    slow_arrhythmia: float = 0.01
    jitter: float = 0.004
    irregularity: float = 0.2
    ectopic_share: float = 0.0
    ectopic_origin: tuple[float, float, float] = (0.3, -0.6, -0.6)
    f_amplitude: float = 0.04
    f_rate: float = 6.3

    def __post_init__(self) -> None:
        if not 20 <= self.rate <= 180:
            raise ValueError(f"heart rate {self.rate} per minute; expected 20 to 180")


@dataclass(frozen=True, eq=False)
class BeatTimes:
    """Beats around a recording: shape (beats,) each.

    Args:
        r: R peaks, s from the first sample.
        memory: the RR interval that repolarisation has adapted to, s.
        ectopic: whether the beat starts in a ventricle.
    """

    r: Array
    memory: Array
    ectopic: NDArray[np.bool_]


def beat_times(rhythm: Rhythm, duration: float, rng: np.random.Generator) -> BeatTimes:
    """Draw the beats of a recording.

    Args:
        rhythm: the rhythm.
        duration: of the recording, s.
        rng: random generator.
    """
    mean = 60 / rhythm.rate
    count = int((duration + 2 * LEAD_IN) / max(0.5 * mean, SHORTEST_RR)) + 4
    rr = _intervals(rhythm, mean, count, rng)
    ectopic = rng.random(count) < rhythm.ectopic_share
    ectopic[1:] &= ~ectopic[:-1]
    early = rng.uniform(0.58, 0.75, count)
    if ectopic.any():
        # The ectopic beat comes early; the pause after it lasts until the next regular beat.
        shortened = rr[ectopic] * (1 - early[ectopic])
        rr[ectopic] -= shortened
        later = np.flatnonzero(ectopic) + 1
        inside = later < count
        rr[later[inside]] += shortened[inside]
    r = np.cumsum(rr) - rr[0] - LEAD_IN + rng.uniform(0, mean)
    # Repolarisation follows the rate within some beats, not each interval (QT hysteresis).
    memory = np.empty(count)
    memory[0] = mean
    for beat in range(1, count):
        memory[beat] = 0.75 * memory[beat - 1] + 0.25 * rr[beat]
    seen = r < duration + 1
    return BeatTimes(r[seen], memory[seen], ectopic[seen])


def _intervals(rhythm: Rhythm, mean: float, count: int, rng: np.random.Generator) -> Array:
    if rhythm.kind is RhythmKind.FIBRILLATION:
        # Gamma: skewed to long pauses; the AV node sets the lower bound.
        shape = rhythm.irregularity**-2
        drawn: Array = np.maximum(rng.gamma(shape, mean / shape, count), SHORTEST_RR)
        return drawn
    if rhythm.kind is RhythmKind.PACED:
        return np.full(count, mean)
    clock = mean * np.arange(count)
    phases = rng.uniform(0, 2 * np.pi, 2)
    breathing = np.sin(2 * np.pi * rhythm.respiration * clock + phases[0])
    slow = np.sin(2 * np.pi * 0.1 * clock + phases[1])
    rr = mean + np.sqrt(2) * (
        rhythm.respiratory_arrhythmia * breathing + rhythm.slow_arrhythmia * slow
    )
    rr += rhythm.jitter * rng.standard_normal(count)
    # A wave cut off within a period has a mean of its own; the rate asked for is to be met.
    inside = rr[: max(1, round(count * 0.5))]
    centred: Array = np.maximum(rr + mean - inside.mean(), SHORTEST_RR)
    return centred


F_DIRECTION = np.array([-0.35, 0.35, -0.75])
"""Of fibrillation waves: best seen in V1, next in the inferior leads."""


def fibrillation_waves(rhythm: Rhythm, samples: int, fs: float, rng: np.random.Generator) -> Array:
    """The heart vector of fibrillating atria: a saw-tooth of changing size and rate.

    Returns:
        Shape (3, samples), mV.
    """
    clock = np.arange(samples) / fs
    phases = rng.uniform(0, 2 * np.pi, 6)
    swing = 0.6 * np.sin(2 * np.pi * 0.23 * clock + phases[0])
    # Faster swings keep the waves from looking like flutter.
    swing += 0.7 * np.sin(2 * np.pi * 1.1 * clock + phases[4])
    phase = 2 * np.pi * rhythm.f_rate * clock + phases[1] + swing
    size = 1 + 0.3 * np.sin(2 * np.pi * 0.4 * clock + phases[2])
    size += 0.3 * np.sin(2 * np.pi * 1.7 * clock + phases[5])
    tooth = sum(np.sin(harmonic * phase) / harmonic for harmonic in (1, 2, 3))
    second = np.sin(phase * 1.13 + phases[3])
    vector: Array = (
        rhythm.f_amplitude
        * size
        * (F_DIRECTION[:, None] * tooth + np.array([[0.15], [0.25], [0.1]]) * second)
    )
    return vector


def draw_rhythm(
    rng: np.random.Generator, age: float, paced: bool = False, rate: float | None = None
) -> Rhythm:
    """Draw the rhythm of one recording.

    Args:
        rng: random generator.
        age: years; the old have less sinus arrhythmia and more fibrillation.
        paced: whether a pacemaker drives the ventricles.
        rate: per minute; drawn if None (median 78).
    """
    drawn = float(np.clip(78 * np.exp(rng.normal(0, 0.2)), 42, 150))
    fibrillates = rng.random() < 0.07 * np.exp(0.9 * (age - 65) / 20)
    ectopic = rng.random() < 0.08
    share = float(rng.uniform(0.03, 0.2))
    # Outflow tract, right ventricle, apex, left ventricle.
    origins = ((-0.1, -0.8, -0.5), (-0.7, 0.1, -0.4), (0.4, 0.8, -0.3), (0.8, 0.0, 0.5))
    origin = np.array(origins[rng.integers(4)]) + rng.normal(0, 0.15, 3)
    calm = float(np.exp(-(age - 20) / 35))
    respiration = float(rng.uniform(0.2, 0.36))
    variation = rng.gamma(4, 0.25, 2)
    f_amplitude, f_rate = float(rng.uniform(0.015, 0.07)), float(rng.uniform(5.0, 7.5))
    irregularity = float(rng.uniform(0.14, 0.26))
    rate = drawn if rate is None else rate
    kind = RhythmKind.FIBRILLATION if fibrillates else RhythmKind.SINUS
    if paced:
        kind = RhythmKind.PACED
        rate = float(np.clip(rate, 60, 90))
    elif fibrillates:
        rate = min(1.12 * rate, 150.0)
    mean = 60 / rate
    return Rhythm(
        kind=kind,
        rate=rate,
        respiration=respiration,
        respiratory_arrhythmia=float(mean * (0.006 + 0.06 * calm) * variation[0]),
        slow_arrhythmia=float(mean * (0.006 + 0.02 * calm) * variation[1]),
        jitter=0.004 * mean,
        irregularity=irregularity,
        ectopic_share=share if ectopic else 0.0,
        ectopic_origin=(float(origin[0]), float(origin[1]), float(origin[2])),
        f_amplitude=f_amplitude,
        f_rate=f_rate,
    )

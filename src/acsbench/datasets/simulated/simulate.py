"""From parameters to a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from acsbench.datasets.simulated.beats import conducted_beat, ectopic_beat, lead_field, without_p
from acsbench.datasets.simulated.culprit import Lesion, with_lesion
from acsbench.datasets.simulated.dipole import Array, complete, heart_vector
from acsbench.datasets.simulated.noise import Noise, noise_leads
from acsbench.datasets.simulated.person import Person
from acsbench.datasets.simulated.rhythm import (
    BeatTimes,
    Rhythm,
    RhythmKind,
    beat_times,
    fibrillation_waves,
)
from acsbench.ecg.recording import Recording

BREATHING = 0.03
"""Relative amplitude of the voltages' change with breathing."""


@dataclass(frozen=True)
class EcgParameters:
    """Everything that determines a recording, apart from chance.

    Args:
        ecg_id: identifies the ECG.
        person: whose it is.
        rhythm: their rhythm at the time.
        lesion: the acute lesion they have, if any.
        noise: noise at the electrodes.
        arms_swapped: the electrodes of the right and the left arm are interchanged.
    """

    ecg_id: str = "sim"
    person: Person = field(default_factory=Person)
    rhythm: Rhythm = field(default_factory=Rhythm)
    lesion: Lesion | None = None
    noise: Noise = field(default_factory=Noise)
    arms_swapped: bool = False


def simulate_recording(
    parameters: EcgParameters,
    seed: int | Sequence[int] | np.random.Generator,
    fs: float = 500.0,
    duration: float = 10.0,
) -> Recording:
    """Simulate one ECG.

    Args:
        parameters: what is simulated.
        seed: fixes beat times and noise; equal parameters and seeds give equal bytes.
        fs: sampling rate, Hz, at least 100.
        duration: s.

    Returns:
        Twelve leads that obey Einthoven's and Goldberger's relations.

    Raises:
        ValueError: the rate is too low, or the duration is not positive.
    """
    if not (fs >= 100 and duration > 0):
        raise ValueError(f"{duration} s at {fs} Hz; at least 100 Hz and some time are needed")
    rng = np.random.default_rng(seed)
    samples = round(fs * duration)
    person, rhythm = parameters.person, parameters.rhythm
    times = beat_times(rhythm, duration, rng)
    vector = _ventricles(parameters, times, samples, fs, rng)
    if rhythm.kind is RhythmKind.FIBRILLATION:
        vector += fibrillation_waves(rhythm, samples, fs, rng)
    leads = lead_field(person) @ vector
    leads += noise_leads(parameters.noise, samples, fs, rhythm.respiration, rng)
    if parameters.arms_swapped:
        # I is upside down, and II shows what is III.
        leads[:2] = -leads[0], leads[1] - leads[0]
    return Recording(parameters.ecg_id, complete(leads), fs)


def _ventricles(
    parameters: EcgParameters,
    times: BeatTimes,
    samples: int,
    fs: float,
    rng: np.random.Generator,
) -> Array:
    person, rhythm = parameters.person, parameters.rhythm
    conducted = with_lesion(conducted_beat(person), parameters.lesion)
    if rhythm.kind is not RhythmKind.SINUS:
        conducted = without_p(conducted)
    # QT after Fridericia: it grows with the cube root of RR.
    stretch = np.cbrt(times.memory)
    phase = rng.uniform(0, 2 * np.pi)
    gain = 1 + BREATHING * np.sin(2 * np.pi * rhythm.respiration * times.r + phase)
    plain = ~times.ectopic
    vector = heart_vector(conducted, times.r[plain], stretch[plain], gain[plain], samples, fs)
    if times.ectopic.any():
        early = times.ectopic
        shape = ectopic_beat(person, np.asarray(rhythm.ectopic_origin))
        vector += heart_vector(shape, times.r[early], stretch[early], gain[early], samples, fs)
    return vector

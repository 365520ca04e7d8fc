"""A moving heart dipole and the twelve leads it casts.

A beat is a sum of Gaussians in time, each pointing somewhere in space: McSharry's model of one
lead, carried over to the heart vector by Sameni and colleagues. The vector has the axes of
Frank's vectorcardiogram: x to the left, y to the feet, z to the back.

References:
    McSharry et al., IEEE Trans Biomed Eng 50:289 (2003); Sameni et al., EURASIP J Adv Signal
    Process 2007:043407; Dower, Machado & Osborne, Clin Cardiol 3:87 (1980).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.leads import limb_leads

Array = NDArray[np.float64]

DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
"""Dower's lead field: I, II, V1–V6 from x, y, z; shape (8, 3)."""

BEFORE = 0.45
"""Seconds before R from which a beat is drawn; a P wave and a long PR interval fit in."""
REPOLARISING = -0.03
"""Seconds after R at which repolarisation is first drawn, before anything of it can be seen."""
DEPOLARISED = 0.30
"""Seconds after R after which nothing of the QRS complex is left."""
AFTER = 0.90
"""Seconds after R up to which a beat is drawn."""
ST_ONSET = 0.005
"""Time constant with which the ST segment sets in around J, s."""


@dataclass(frozen=True, eq=False)
class Waves:
    """Gaussian waves of the heart vector.

    Args:
        vector: peak of each wave, shape (waves, 3), mV.
        time: when it peaks, shape (waves,), s.
        rise, fall: standard deviation before and after the peak, shape (waves,), s.
    """

    vector: Array
    time: Array
    rise: Array
    fall: Array

    def __add__(self, other: Waves) -> Waves:
        return Waves(
            np.concatenate([self.vector, other.vector]),
            np.concatenate([self.time, other.time]),
            np.concatenate([self.rise, other.rise]),
            np.concatenate([self.fall, other.fall]),
        )

    def turned(self, matrix: Array) -> Waves:
        """The waves with each vector multiplied by a matrix, shape (3, 3)."""
        return replace(self, vector=self.vector @ matrix.T)

    def slowed(self, factor: float) -> Waves:
        """The waves with all times and widths multiplied."""
        return Waves(self.vector, self.time * factor, self.rise * factor, self.fall * factor)

    def delayed(self, seconds: float) -> Waves:
        """The same waves later."""
        return replace(self, time=self.time + seconds)


def waves(*rows: tuple[float, float, float, float, float, float]) -> Waves:
    """Waves from rows of (x, y, z in mV; time, rise, fall in ms)."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    times = table[:, 3:] / 1000
    return Waves(table[:, :3], times[:, 0], times[:, 1], times[:, 2])


@dataclass(frozen=True, eq=False)
class Beat:
    """The heart vector of one beat.

    Args:
        atrial: P wave, times from R.
        qrs: depolarisation, times from R.
        t: repolarisation at a rate of 60 per minute, times from the onset of QRS; time and
            widths are stretched with the RR interval.
        st: vector during the ST segment, shape (3,), mV.
        onset, j: onset and end of QRS, s from R.
    """

    atrial: Waves
    qrs: Waves
    t: Waves
    st: Array
    onset: float
    j: float

    def turned(self, matrix: Array) -> Beat:
        """The beat seen from elsewhere: each vector multiplied by a matrix, shape (3, 3)."""
        return replace(
            self,
            atrial=self.atrial.turned(matrix),
            qrs=self.qrs.turned(matrix),
            t=self.t.turned(matrix),
            st=matrix @ self.st,
        )


def rotation(x: float, y: float, z: float) -> Array:
    """Rotation matrix about the axis (x, y, z) by its length in radians, shape (3, 3).

    >>> rotation(0.0, 0.0, np.pi / 2).round(6) @ [1, 0, 0]
    array([0., 1., 0.])
    """
    angle = float(np.sqrt(x * x + y * y + z * z))
    if angle == 0:
        return np.eye(3)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) / angle
    # Rodrigues' formula.
    turned: Array = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turned


def heart_vector(
    beat: Beat, times: ArrayLike, stretch: ArrayLike, gain: ArrayLike, samples: int, fs: float
) -> Array:
    """The heart vector of a series of beats of one shape.

    Args:
        beat: their shape.
        times: R peaks, shape (beats,), s from the first sample; they may lie outside.
        stretch: factor on the times of repolarisation, shape (beats,).
        gain: factor on the amplitude, shape (beats,).
        samples: number of samples.
        fs: sampling rate, Hz.

    Returns:
        Shape (3, samples), mV.
    """
    r = np.asarray(times, dtype=np.float64)
    if not len(r):
        return np.zeros((3, samples))
    first = np.ceil((r - BEFORE) * fs).astype(int)
    offsets = np.arange(int((BEFORE + AFTER) * fs))
    clock = (first[:, None] + offsets) / fs - r[:, None]
    early = round((BEFORE + DEPOLARISED) * fs)
    late = round((BEFORE + REPOLARISING) * fs)

    vector = np.zeros((len(r), 3, len(offsets)))
    vector[:, :, :early] = _evaluate(beat.atrial + beat.qrs, clock[:, :early], np.ones(len(r)))
    slow = np.asarray(stretch, dtype=np.float64)
    after_onset = clock[:, late:] - beat.onset
    vector[:, :, late:] += _evaluate(beat.t, after_onset, slow)
    if np.any(beat.st):
        course = _st_course(beat, after_onset, slow)
        vector[:, :, late:] += beat.st[None, :, None] * course[:, None, :]
    vector *= np.asarray(gain, dtype=np.float64)[:, None, None]

    total = np.zeros((3, samples))
    for start, single in zip(first, vector, strict=True):
        low, high = max(start, 0), min(start + len(offsets), samples)
        if low < high:
            total[:, low:high] += single[:, low - start : high - start]
    return total


def _evaluate(shape: Waves, clock: Array, stretch: Array) -> Array:
    """Sum of Gaussians at `clock`, shape (beats, samples); returns (beats, 3, samples)."""
    distance = clock[:, None, :] - shape.time[:, None] * stretch[:, None, None]
    width = np.where(distance < 0, shape.rise[:, None], shape.fall[:, None])
    distance /= width * stretch[:, None, None]
    total: Array = shape.vector.T @ np.exp(-0.5 * distance * distance)
    return total


def _st_course(beat: Beat, after_onset: Array, stretch: Array) -> Array:
    """How much of the ST vector is present: 0 before J, 1 on the segment, 0 after T."""
    peak = int(beat.t.time.argmax())
    # A little ahead of T's peak: the segment is to end with T, not to lengthen the QT interval.
    end = (beat.t.time[peak] - 0.3 * beat.t.rise[peak]) * stretch[:, None]
    # Two time constants ahead of J, so that the J point itself stands at nearly the full shift.
    since_j = after_onset - (beat.j - beat.onset) + 2 * ST_ONSET
    rising = 1 / (1 + np.exp(-np.clip(since_j / ST_ONSET, -40, 40)))
    beyond = np.maximum(after_onset - end, 0) / (1.2 * beat.t.fall[peak] * stretch[:, None])
    course: Array = rising * np.exp(-0.5 * beyond * beyond)
    return course


def twelve_leads(vector: Array, lead_field: Array) -> Array:
    """The twelve leads of a heart vector.

    Args:
        vector: shape (3, samples), mV.
        lead_field: rows I, II, V1–V6, shape (8, 3), such as `DOWER`.

    Returns:
        Shape (12, samples), mV, in the standard order.
    """
    return complete(lead_field @ vector)


def complete(independent: Array) -> Array:
    """Twelve leads from I, II, V1–V6, shape (8, samples) to (12, samples)."""
    return np.concatenate([limb_leads(independent[0], independent[1]), independent[2:]])

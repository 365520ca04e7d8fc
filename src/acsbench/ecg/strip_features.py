"""What the rhythm strips tell about every other lead: the columns of a linear model.

The strips themselves at several delays carry most of a lead: the heart is nearly a dipole, and
three strips span it. What a dipole leaves over repeats with the beat, so that a second group of
columns draws a curve of its own over each heartbeat. The last group is for baseline wander, which
electrodes do not share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DELAYS = (-0.032, -0.016, -0.008, 0.0, 0.008, 0.016, 0.032)
"""Delays at which the strips enter, s."""

BEAT_POINTS = np.concatenate(
    [np.arange(-0.28, -0.07, 0.04), np.arange(-0.06, 0.065, 0.01), np.arange(0.08, 0.53, 0.04)]
)
"""Where the curve over a heartbeat has its points, s from the R-peak at a rate of 60."""

WANDER_WAVES = 9
"""Constant and cosines of up to four cycles over the recording: 0.4 Hz in ten seconds."""

STRIP_COUNT = 3
_OF_DELAYS = slice(0, STRIP_COUNT * len(DELAYS))
_OF_BEAT = slice(_OF_DELAYS.stop, _OF_DELAYS.stop + len(BEAT_POINTS))
_OF_WANDER = slice(_OF_BEAT.stop, _OF_BEAT.stop + STRIP_COUNT)
_OF_WAVES = slice(_OF_WANDER.stop, _OF_WANDER.stop + WANDER_WAVES)
FEATURES = _OF_WAVES.stop

STRIP_II_ITSELF = (
    _OF_DELAYS.start + STRIP_COUNT * DELAYS.index(0.0) + 1,
    _OF_WANDER.start + 1,
)
"""The two columns whose sum is the strip of II: without its wander, and the wander."""

_ST_START = 0.08  # s after the R-peak: from here on the beat stretches with the root of RR
_RR_LIMITS = (0.3, 2.0)  # s
_PHASE_STEP = 0.001  # s
_PHASES = (-0.34, 0.58)  # s, beyond all points
_LEAST_WANDER = 0.0001  # mV


@dataclass(frozen=True, eq=False)
class StripFeatures:
    """The columns in parts, from which they are made when and as far as they are needed.

    Attributes:
        delayed: strips without wander at each delay, shape (delays, 3, samples), mV.
        phases: rows of `_bells()` for the time of each sample since the R-peak before it and
            until that after it, shape (2, samples); beyond the ends stands for the row there.
        amplitude: root mean square of the strips without wander, mV.
        waves: orthonormal slow waves, shape (WANDER_WAVES, samples).
        wander: amplitudes of the waves in each strip, shape (3, WANDER_WAVES).
    """

    delayed: NDArray[np.float32]
    phases: NDArray[np.int64]
    amplitude: np.float32
    waves: NDArray[np.float32]
    wander: NDArray[np.float32]

    def columns(self, step: int = 1) -> NDArray[np.float32]:
        """The columns at every `step`-th sample.

        Returns:
            Shape (FEATURES, samples // step rounded up), mV: the strips at each delay, the points
            of the beat in units of what the strips show, the strips' wander, and slow waves in
            units of that wander.
        """
        waves = self.waves[:, ::step]
        # A sample's values lie together, so that a moment of the beat is copied as a whole.
        by_sample = np.empty((waves.shape[1], FEATURES), dtype=np.float32)
        columns = by_sample.T
        columns[_OF_DELAYS] = self._delayed_strips[:, ::step]
        bells = self.amplitude * _bells()
        since, until = (bells.take(phase[::step], axis=0, mode="clip") for phase in self.phases)
        np.add(since, until, out=by_sample[:, _OF_BEAT])
        columns[_OF_WANDER] = self.wander @ waves
        columns[_OF_WAVES] = self._wave_unit * waves
        return columns

    def predict(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """`weights @ columns()`, without making the columns.

        Args:
            weights: shape (leads, FEATURES).

        Returns:
            Shape (leads, samples), mV.
        """
        leads = weights[:, _OF_DELAYS] @ self._delayed_strips
        of_waves = weights[:, _OF_WANDER] @ self.wander + self._wave_unit * weights[:, _OF_WAVES]
        leads += of_waves @ self.waves
        beat = (self.amplitude * weights[:, _OF_BEAT]) @ _bells().T
        for phase in self.phases:
            leads += beat.take(phase, axis=1, mode="clip")
        return leads

    @property
    def _delayed_strips(self) -> NDArray[np.float32]:
        return self.delayed.reshape(STRIP_COUNT * len(DELAYS), -1)

    @property
    def _wave_unit(self) -> np.float32:
        samples = self.waves.shape[1]
        level = np.sqrt(np.square(self.wander).sum() / (STRIP_COUNT * samples))
        return np.float32(np.sqrt(samples / 2) * (level + _LEAST_WANDER))


def strip_features(
    strips: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> StripFeatures:
    """The parts of the model's columns.

    Args:
        strips: shape (3, samples), mV, without NaN; a strip of zeros tells nothing.
        r_peaks: sample indices in ascending order.
        fs: sampling rate, Hz; the delays are rounded to samples.
    """
    values = np.asarray(strips, dtype=np.float32)
    samples = values.shape[1]
    waves = _slow_waves(samples)
    wander = values @ waves.T
    lags = [round(delay * fs) for delay in DELAYS]
    reach = max(lags)
    padded = np.empty((STRIP_COUNT, samples + 2 * reach), dtype=np.float32)
    steady = np.subtract(values, wander @ waves, out=padded[:, reach : reach + samples])
    padded[:, :reach], padded[:, reach + samples :] = steady[:, :1], steady[:, -1:]
    return StripFeatures(
        delayed=np.stack([padded[:, reach + lag : reach + lag + samples] for lag in lags]),
        phases=_phases(r_peaks, samples, fs),
        amplitude=np.sqrt(np.square(padded).mean()),
        waves=waves,
        wander=wander,
    )


@lru_cache(maxsize=4)
def _slow_waves(samples: int) -> NDArray[np.float32]:
    phase = np.pi * (np.arange(samples) + 0.5) / samples
    waves = np.cos(np.arange(WANDER_WAVES)[:, None] * phase) * np.sqrt(2 / samples)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _phases(r_peaks: NDArray[np.int64], samples: int, fs: float) -> NDArray[np.int64]:
    """Rows of `_bells()` for the time since the last R-peak and until the next."""
    if not len(r_peaks):
        return np.zeros((2, samples), dtype=np.int64)
    # Of the beat before each stretch of time; the first beat has no interval of its own.
    rr = np.ones(len(r_peaks) + 1)
    if len(r_peaks) > 1:
        rr[2:] = (r_peaks[1:] - r_peaks[:-1]) / fs
        rr[:2] = rr[2]
    stretch = np.sqrt(rr.clip(*_RR_LIMITS))
    # Far enough beyond the ends for no point of a beat that was not recorded to reach inside.
    never = samples + round(_PHASES[1] * _RR_LIMITS[1] * fs)
    peaks = np.concatenate([[-never], r_peaks, [samples + never]])
    borders = peaks.clip(0, samples)
    per_sample, first = 1 / (fs * _PHASE_STEP), _PHASES[0] / _PHASE_STEP
    nearest = np.stack([peaks[:-1], peaks[1:], 1 / stretch - 1]).astype(np.float32)
    before, after, excess = nearest.repeat(borders[1:] - borders[:-1], axis=1)
    time = np.arange(samples, dtype=np.float32)
    phases = np.stack([time - before, time - after])
    phases *= np.float32(per_sample)
    phases -= np.float32(first)
    st_start = np.float32(_ST_START / _PHASE_STEP - first)
    phases[0] += np.maximum(phases[0] - st_start, 0) * excess
    return np.rint(phases, out=phases).astype(np.int64)


@lru_cache(maxsize=1)
def _bells() -> NDArray[np.float32]:
    """Raised cosines around the points, as wide as these are apart.

    Returns:
        Shape (moments, points): moments `_PHASE_STEP` apart, from `_PHASES[0]` to `_PHASES[1]`.
    """
    first, last = _PHASES
    time = np.arange(round((last - first) / _PHASE_STEP) + 1)[:, None] * _PHASE_STEP + first
    distance = (time - BEAT_POINTS) / np.gradient(BEAT_POINTS)
    bells = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance, -1, 1))
    return np.ascontiguousarray(bells.astype(np.float32))

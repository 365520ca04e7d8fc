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
FEATURES = STRIP_COUNT * len(DELAYS) + len(BEAT_POINTS) + STRIP_COUNT + WANDER_WAVES

STRIP_II_ITSELF = (
    STRIP_COUNT * DELAYS.index(0.0) + 1,
    STRIP_COUNT * len(DELAYS) + len(BEAT_POINTS) + 1,
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
        delayed: strips without wander at each delay, one view for each, shape (3, samples), mV.
        since, until: where in `_bells()` a sample lies, from the R-peak before and after it.
        amplitude: root mean square of the strips without wander, mV.
        waves: orthonormal slow waves, shape (WANDER_WAVES, samples).
        wander: amplitudes of the waves in each strip, shape (3, WANDER_WAVES).
    """

    delayed: tuple[NDArray[np.float32], ...]
    since: NDArray[np.int64]
    until: NDArray[np.int64]
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
        columns = np.empty((FEATURES, waves.shape[1]), dtype=np.float32)
        delays, points = STRIP_COUNT * len(DELAYS), len(BEAT_POINTS)
        for number, strips in enumerate(self.delayed):
            columns[number * STRIP_COUNT : (number + 1) * STRIP_COUNT] = strips[:, ::step]
        beats = columns[delays : delays + points]
        bells = self.amplitude * _bells()
        np.take(bells, self.since[::step], axis=1, out=beats, mode="clip")
        beats += np.take(bells, self.until[::step], axis=1, mode="clip")
        columns[-STRIP_COUNT - WANDER_WAVES : -WANDER_WAVES] = self.wander @ waves
        columns[-WANDER_WAVES:] = self._wave_unit * waves
        return columns

    def predict(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """`weights @ columns()`, without making the columns.

        Args:
            weights: shape (leads, FEATURES).

        Returns:
            Shape (leads, samples), mV.
        """
        delays, points = STRIP_COUNT * len(DELAYS), len(BEAT_POINTS)
        of_delays, of_beat, of_wander, of_waves = np.split(
            weights, np.cumsum([delays, points, STRIP_COUNT]), axis=1
        )
        leads = (of_wander @ self.wander + self._wave_unit * of_waves) @ self.waves
        for part, strips in zip(
            np.split(of_delays, len(DELAYS), axis=1), self.delayed, strict=True
        ):
            leads += part @ strips
        beat = (self.amplitude * of_beat) @ _bells()
        leads += np.take(beat, self.since, axis=1, mode="clip")
        leads += np.take(beat, self.until, axis=1, mode="clip")
        return leads

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
    padded: NDArray[np.float32] = np.pad(
        values - wander @ waves, ((0, 0), (reach, reach)), mode="edge"
    )
    since, until = _phases(r_peaks, samples, fs)
    return StripFeatures(
        delayed=tuple(padded[:, reach + lag : reach + lag + samples] for lag in lags),
        since=since,
        until=until,
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


def _phases(
    r_peaks: NDArray[np.int64], samples: int, fs: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns of `_bells()` for the time since the last R-peak and until the next."""
    if not len(r_peaks):
        outside = np.zeros(samples, dtype=np.int64)
        return outside, outside
    # Of the beat before each stretch of time; the first beat has no interval of its own.
    rr = np.ones(len(r_peaks) + 1)
    if len(r_peaks) > 1:
        rr[2:] = np.diff(r_peaks) / fs
        rr[:2] = rr[2]
    stretch = np.sqrt(np.clip(rr, *_RR_LIMITS))
    # Far enough beyond the ends for no point of a beat that was not recorded to reach inside.
    never = samples + round(_PHASES[1] * _RR_LIMITS[1] * fs)
    peaks = np.concatenate([[-never], r_peaks, [samples + never]])
    lengths = np.diff(np.clip(peaks, 0, samples))
    time = np.arange(samples)
    since = (time - np.repeat(peaks[:-1], lengths)) / fs
    until = (time - np.repeat(peaks[1:], lengths)) / fs
    stretched = _ST_START + (since - _ST_START) / np.repeat(stretch, lengths)
    return _phase_index(np.where(since > _ST_START, stretched, since)), _phase_index(until)


def _phase_index(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    first, last = _PHASES
    return np.rint((np.clip(seconds, first, last) - first) / _PHASE_STEP).astype(np.int64)


@lru_cache(maxsize=1)
def _bells() -> NDArray[np.float32]:
    """Raised cosines around the points, as wide as these are apart, over time from the R-peak."""
    first, last = _PHASES
    time = np.arange(round((last - first) / _PHASE_STEP) + 1) * _PHASE_STEP + first
    distance = (time - BEAT_POINTS[:, None]) / np.gradient(BEAT_POINTS)[:, None]
    bells = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance, -1, 1))
    return np.ascontiguousarray(bells.astype(np.float32))

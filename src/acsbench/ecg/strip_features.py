"""What the rhythm strips tell about every other lead: the columns of a linear model.

The strips themselves at several delays carry most of a lead: the heart is nearly a dipole, and
three strips span it. What a dipole leaves over repeats with the beat, so that a second group of
columns draws a curve of its own over each heartbeat. The last group is for baseline wander, which
electrodes do not share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.leads import weighted_sums

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
        steady: strips without wander, shape (pages, 3, samples + 2 · reach), mV: beyond both
            ends as far as the delays reach.
        lags: the delays, samples.
        phases: columns of `_bells()` for the time of each sample since the R-peak before it and
            until that after it, shape (pages, 2, samples); beyond the ends stands for the
            column there.
        amplitude: root mean square of the strips without wander, shape (pages,), mV.
        waves: orthonormal slow waves, shape (WANDER_WAVES, samples).
        wander: amplitudes of the waves in each strip, shape (pages, 3, WANDER_WAVES).
    """

    steady: NDArray[np.float32]
    lags: tuple[int, ...]
    phases: NDArray[np.int64]
    amplitude: NDArray[np.float32]
    waves: NDArray[np.float32]
    wander: NDArray[np.float32]

    def columns(self, step: int = 1) -> Iterator[NDArray[np.float32]]:
        """The columns of each page at every `step`-th sample, one page after the other.

        Yields:
            Shape (FEATURES, samples // step rounded up), mV: the strips at each delay, the points
            of the beat in units of what the strips show, the strips' wander, and slow waves in
            units of that wander. What was yielded before is overwritten.
        """
        waves = np.ascontiguousarray(self.waves[:, ::step])
        columns = np.empty((FEATURES, waves.shape[1]), dtype=np.float32)
        strips = columns[_OF_DELAYS].reshape(len(self.lags), STRIP_COUNT, -1)
        for page, unit in enumerate(self._wave_unit):
            for delayed, source in zip(strips, self._delayed(page), strict=True):
                delayed[:] = source[:, ::step]
            since, until = (
                _bells().take(of, 1, mode="clip") for of in self.phases[page, :, ::step]
            )
            since += until
            np.multiply(since, self.amplitude[page], out=columns[_OF_BEAT])
            columns[_OF_WANDER] = weighted_sums(self.wander[page], waves)
            np.multiply(unit, waves, out=columns[_OF_WAVES])
            yield columns

    def predict(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """`weights @ columns()`, without making the columns.

        Args:
            weights: shape (pages, leads, FEATURES).

        Returns:
            Shape (pages, leads, samples), mV.
        """
        of_waves = weights[..., _OF_WANDER.start : _OF_WAVES.stop] @ self._mixing
        of_rows = np.concatenate([weights[..., _OF_DELAYS], of_waves], axis=-1)
        beat = self.amplitude[:, None, None] * weights[..., _OF_BEAT] @ _bells()
        leads = np.empty((*weights.shape[:2], self.waves.shape[1]), dtype=np.float32)
        # Page by page, so that what one takes stays in the processor's cache.
        rows = np.empty((_OF_DELAYS.stop + WANDER_WAVES, leads.shape[2]), dtype=np.float32)
        rows[_OF_DELAYS.stop :] = self.waves
        strips = rows[_OF_DELAYS].reshape(len(self.lags), STRIP_COUNT, -1)
        for page, found in enumerate(leads):
            for delayed, source in zip(strips, self._delayed(page), strict=True):
                delayed[:] = source
            np.matmul(of_rows[page], rows, out=found)
            for phase in self.phases[page]:
                found += beat[page].take(phase, axis=1, mode="clip")
        return leads

    def _delayed(self, page: int) -> Iterator[NDArray[np.float32]]:
        """The strips at each delay, shape (3, samples), mV."""
        samples, reach = self.waves.shape[1], max(self.lags)
        for lag in self.lags:
            yield self.steady[page, :, reach + lag :][:, :samples]

    @property
    def _mixing(self) -> NDArray[np.float32]:
        """From waves to the strips' wander and waves in units of it, (pages, 3 + waves, waves)."""
        units = np.repeat(np.eye(WANDER_WAVES, dtype=np.float32)[None], len(self.wander), axis=0)
        return np.concatenate([self.wander, self._wave_unit * units], axis=1)

    @property
    def _wave_unit(self) -> NDArray[np.float32]:
        """Shape (pages, 1, 1)."""
        samples = self.waves.shape[1]
        squared = np.square(self.wander).sum(axis=(1, 2), keepdims=True)
        level = np.sqrt(squared / (STRIP_COUNT * samples))
        return np.asarray(np.sqrt(np.float32(samples / 2)) * (level + np.float32(_LEAST_WANDER)))


def strip_features(
    strips: NDArray[np.floating], r_peaks: Sequence[NDArray[np.int64]], fs: float
) -> StripFeatures:
    """The parts of the model's columns.

    Args:
        strips: shape (pages, 3, samples), mV, without NaN; a strip of zeros tells nothing.
        r_peaks: of each page, sample indices in ascending order.
        fs: sampling rate, Hz; the delays are rounded to samples.
    """
    values = np.asarray(strips, dtype=np.float32)
    samples = values.shape[2]
    waves = _slow_waves(samples)
    wander = values @ waves.T
    lags = tuple(round(delay * fs) for delay in DELAYS)
    reach = max(lags)
    padded = np.empty((*values.shape[:2], samples + 2 * reach), dtype=np.float32)
    inside = slice(reach, reach + samples)
    np.subtract(values, wander @ waves, out=padded[..., inside])
    padded[..., :reach] = padded[..., inside.start, None]
    padded[..., inside.stop :] = padded[..., inside.stop - 1, None]
    return StripFeatures(
        steady=padded,
        lags=lags,
        phases=_phases(r_peaks, samples, fs),
        amplitude=np.sqrt(np.square(padded).mean(axis=(1, 2))),
        waves=waves,
        wander=wander,
    )


@lru_cache(maxsize=4)
def _slow_waves(samples: int) -> NDArray[np.float32]:
    phase = np.pi * (np.arange(samples) + 0.5) / samples
    waves = np.cos(np.arange(WANDER_WAVES)[:, None] * phase) * np.sqrt(2 / samples)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _phases(r_peaks: Sequence[NDArray[np.int64]], samples: int, fs: float) -> NDArray[np.int64]:
    """Columns of `_bells()` for the time since the last R-peak and until the next."""
    counts = np.array([len(peaks) for peaks in r_peaks])
    # Far enough beyond the ends for no point of a beat that was not recorded to reach inside.
    never = samples + round(_PHASES[1] * _RR_LIMITS[1] * fs)
    peaks = np.full((len(counts), max(counts.max(), 2) + 2), samples + never)
    peaks[:, 0] = -never
    peaks[:, 1:-1][np.arange(peaks.shape[1] - 2) < counts[:, None]] = np.concatenate(r_peaks)
    # Of the beat before each stretch of time; the first beat has no interval of its own.
    rr = np.ones((len(counts), peaks.shape[1] - 1))
    several = counts > 1
    rr[several, 2:] = np.diff(peaks[several, 1:-1]) / fs
    rr[several, :2] = rr[several, 2, None]
    stretch = np.sqrt(rr.clip(*_RR_LIMITS))
    lengths = np.diff(peaks.clip(0, samples))
    per_sample, first = 1 / (fs * _PHASE_STEP), _PHASES[0] / _PHASE_STEP
    nearest = np.stack([peaks[:, :-1], peaks[:, 1:], 1 / stretch - 1]).astype(np.float32)
    of_samples = nearest.reshape(3, -1).repeat(lengths.reshape(-1), axis=1)
    before, after, excess = of_samples.reshape(3, -1, samples)
    time = np.arange(samples, dtype=np.float32)
    phases = np.stack([time - before, time - after], axis=1)
    phases *= np.float32(per_sample)
    phases -= np.float32(first)
    st_start = np.float32(_ST_START / _PHASE_STEP - first)
    phases[:, 0] += np.maximum(phases[:, 0] - st_start, 0) * excess
    return np.rint(phases, out=phases).astype(np.int64)


@lru_cache(maxsize=1)
def _bells() -> NDArray[np.float32]:
    """Raised cosines around the points, as wide as these are apart.

    Returns:
        Shape (points, moments): moments `_PHASE_STEP` apart, from `_PHASES[0]` to `_PHASES[1]`.
    """
    first, last = _PHASES
    time = np.arange(round((last - first) / _PHASE_STEP) + 1) * _PHASE_STEP + first
    distance = (time - BEAT_POINTS[:, None]) / np.gradient(BEAT_POINTS)[:, None]
    bells = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance, -1, 1))
    return np.ascontiguousarray(bells.astype(np.float32))

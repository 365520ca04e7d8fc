from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from acsbench.ecg.delineation import (
    RepresentativeBeat,
    median_over_beats,
    qrs_bounds,
    representative_beat,
    smooth,
    t_peaks,
)

FS = 500.0
LEADS = 4


def triangle(time: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """A deflection with sharp ends, height 1, s."""
    middle, half = (start + end) / 2, (end - start) / 2
    return np.clip(1 - np.abs(time - middle) / half, 0, None)


def recording(
    peaks: NDArray[np.int64], width: float = 0.09, fs: float = FS, seconds: float = 10
) -> NDArray[np.float64]:
    """QRS complexes as triangles that start 45 ms before each R-peak, T waves of either sign."""
    time = np.arange(round(seconds * fs)) / fs - peaks[:, None] / fs
    qrs = triangle(time, -0.045, width - 0.045).sum(axis=0)
    t = np.exp(-0.5 * ((time - 0.3) / 0.03) ** 2).sum(axis=0)
    qrs_heights, t_heights = np.array([1.0, -0.5, 2.0, 0.3]), np.array([0.3, -0.2, 0.5, 0.1])
    return qrs_heights[:, None] * qrs + t_heights[:, None] * t


WIDENING = 0.016  # s by which smoothing and taking slopes spread a sharp end
PEAKS = np.arange(300, 4800, 400)


def beat_of(signal: NDArray[np.float64], peaks: NDArray[np.int64] = PEAKS) -> RepresentativeBeat:
    beat = representative_beat(signal, peaks, FS)
    assert beat is not None
    return beat


def test_the_representative_of_equal_beats_is_one_of_them() -> None:
    signal = recording(PEAKS)
    beat = beat_of(signal)
    np.testing.assert_array_equal(beat.r_peaks, PEAKS)
    expected = signal[:, 700 - beat.r_peak : 700 - beat.r_peak + beat.signal.shape[1]]
    np.testing.assert_allclose(beat.signal, expected, atol=1e-9)


def test_misplaced_peaks_are_aligned() -> None:
    signal = recording(PEAKS)
    off = PEAKS + np.array([0, 7, -9, 20, -30, 0, 0, 3, 0, 0, 5, -5])
    aligned = beat_of(signal, off).r_peaks
    assert np.ptp(aligned - PEAKS) <= 1


def test_ectopic_beats_are_left_out() -> None:
    signal = recording(PEAKS)
    ectopic = np.array([2, 5, 9])
    for peak in PEAKS[ectopic]:
        bump = np.exp(-0.5 * (np.arange(-100, 101) / 40) ** 2)
        signal[:, peak - 100 : peak + 101] = np.array([[-1], [1], [-2], [1.5]]) * bump
    np.testing.assert_array_equal(beat_of(signal).r_peaks, np.delete(PEAKS, ectopic))


def test_half_the_leads_may_be_noise_or_flat() -> None:
    rng = np.random.default_rng(0)
    signal = recording(PEAKS) + rng.normal(0, 0.01, (LEADS, 5000))
    signal[0] = rng.normal(0, 1, 5000)
    signal[1] = 0.0
    beat = beat_of(signal)
    assert len(beat.r_peaks) == len(PEAKS)
    assert np.ptp(beat.r_peaks - PEAKS) <= 2


def test_no_complete_complex_no_beat() -> None:
    signal = recording(PEAKS)
    assert representative_beat(signal, np.empty(0, dtype=np.int64), FS) is None
    assert representative_beat(signal[:, :30], np.array([15]), FS) is None
    assert representative_beat(np.full((LEADS, 5000), np.nan), PEAKS, FS) is None


@pytest.mark.parametrize("width", [0.07, 0.09, 0.12, 0.16])
def test_bounds_of_a_complex_with_sharp_ends(width: float) -> None:
    beat = beat_of(recording(PEAKS, width))
    bounds = qrs_bounds(beat)
    assert bounds is not None
    onset, j_point = bounds
    assert (onset - beat.r_peak) / FS == pytest.approx(-0.045, abs=WIDENING)
    assert (j_point - beat.r_peak) / FS == pytest.approx(width - 0.045, abs=WIDENING)


def test_bounds_do_not_depend_on_scale_sign_or_offset() -> None:
    beat = beat_of(recording(PEAKS))
    other = RepresentativeBeat(-0.01 * beat.signal + 5, beat.fs, beat.r_peak, beat.r_peaks)
    assert qrs_bounds(other) == qrs_bounds(beat)


def test_a_pacing_spike_does_not_hide_the_complex() -> None:
    beat = beat_of(recording(PEAKS))
    paced = beat.signal.copy()
    paced[:, beat.r_peak - 30 : beat.r_peak - 28] += 5.0
    spiked = RepresentativeBeat(paced, beat.fs, beat.r_peak, beat.r_peaks)
    bounds, expected = qrs_bounds(spiked), qrs_bounds(beat)
    assert bounds is not None
    assert expected is not None
    assert bounds[1] == expected[1]


def test_noise_has_no_bounds() -> None:
    rng = np.random.default_rng(0)
    shape = beat_of(recording(PEAKS)).signal.shape
    assert qrs_bounds(RepresentativeBeat(rng.normal(0, 1, shape), FS, 150, PEAKS)) is None
    assert qrs_bounds(RepresentativeBeat(np.full(shape, np.nan), FS, 150, PEAKS)) is None
    assert qrs_bounds(RepresentativeBeat(np.zeros(shape), FS, 150, PEAKS)) is None


def test_t_peaks_of_either_sign_despite_a_shifted_st_segment() -> None:
    beat = beat_of(recording(PEAKS))
    bounds = qrs_bounds(beat)
    assert bounds is not None
    signal = beat.signal.copy()
    signal[:, bounds[1] :] += 0.4
    shifted = RepresentativeBeat(signal, beat.fs, beat.r_peak, beat.r_peaks)
    peaks = t_peaks(shifted, *bounds, rr=0.8)
    np.testing.assert_allclose((peaks - beat.r_peak) / FS, 0.3, atol=0.01)


def test_t_peaks_need_the_whole_window() -> None:
    beat = beat_of(recording(PEAKS))
    bounds = qrs_bounds(beat)
    assert bounds is not None
    signal = beat.signal.copy()
    signal[1, beat.r_peak + 130 :] = np.nan
    peaks = t_peaks(RepresentativeBeat(signal, FS, beat.r_peak, PEAKS), *bounds, rr=0.8)
    assert peaks[1] == -1
    assert (peaks[[0, 2, 3]] > 0).all()


def test_median_over_beats_ignores_what_is_missing() -> None:
    rng = np.random.default_rng(0)
    beats = rng.normal(size=(3, 7, 20))
    beats[rng.random(beats.shape) < 0.3] = np.nan
    np.testing.assert_allclose(median_over_beats(beats), np.nanmedian(beats, axis=1))
    assert np.isnan(median_over_beats(np.full((1, 2, 3), np.nan))).all()


def test_smoothing_keeps_gaps_apart() -> None:
    signal = np.ones((2, 50))
    signal[0, 20:30] = np.nan
    np.testing.assert_array_equal(smooth(signal, FS, 0.02), signal)

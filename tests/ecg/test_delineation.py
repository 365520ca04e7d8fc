from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from acsbench.ecg import Recording, measure
from acsbench.ecg.annotate import mark_each_lead
from acsbench.ecg.beats import (
    RepresentativeBeat,
    beat_kinds,
    median_over_beats,
    representative_beat,
    smooth,
)
from acsbench.ecg.delineation import Fiducials, delineate_beats
from acsbench.ecg.effects import PARTS, beats_of
from acsbench.ecg.p_and_t import t_wave
from acsbench.ecg.qrs import qrs_bounds

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


def with_signal(beat: RepresentativeBeat, signal: NDArray[np.float64]) -> RepresentativeBeat:
    """A beat that shows something else."""
    return RepresentativeBeat(signal, beat.beats, beat.fs, beat.r_peak, beat.r_peaks)


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
    onset, j_point, spike = bounds
    assert spike is None
    assert (onset - beat.r_peak) / FS == pytest.approx(-0.045, abs=WIDENING)
    assert (j_point - beat.r_peak) / FS == pytest.approx(width - 0.045, abs=WIDENING)


def test_bounds_do_not_depend_on_scale_sign_or_offset() -> None:
    beat = beat_of(recording(PEAKS))
    assert qrs_bounds(with_signal(beat, -0.01 * beat.signal + 5)) == qrs_bounds(beat)


def test_a_paced_complex_begins_after_the_spike() -> None:
    beat = beat_of(recording(PEAKS))
    expected = qrs_bounds(beat)
    assert expected is not None
    paced = beat.signal.copy()
    spike = expected.onset - 4
    paced[:, spike : spike + 2] += 2.0
    bounds = qrs_bounds(with_signal(beat, paced))
    assert bounds is not None
    assert bounds.j_point == expected.j_point
    assert bounds.spike == pytest.approx(spike, abs=2)
    assert bounds.onset == pytest.approx(spike + 10, abs=2)


def test_noise_has_no_bounds() -> None:
    rng = np.random.default_rng(0)
    beat = beat_of(recording(PEAKS))
    for signal in (rng.normal(0, 1, beat.signal.shape), np.full(beat.signal.shape, np.nan)):
        assert qrs_bounds(with_signal(beat, signal)) is None
    assert qrs_bounds(with_signal(beat, np.zeros(beat.signal.shape))) is None


def test_t_peaks_of_either_sign_despite_a_shifted_st_segment() -> None:
    beat = beat_of(recording(PEAKS))
    bounds = qrs_bounds(beat)
    assert bounds is not None
    signal = beat.signal.copy()
    signal[:, bounds.j_point :] += 0.4
    wave = t_wave(with_signal(beat, signal), bounds.onset, bounds.j_point, rr=0.8)
    assert wave is not None
    np.testing.assert_allclose((wave.leads[:, 1] - beat.r_peak) / FS, 0.3, atol=0.01)
    # The slopes of a Gaussian are steepest one deviation (30 ms) from its peak.
    assert (wave.common[2] - beat.r_peak) / FS == pytest.approx(0.365, abs=0.015)


def test_a_lead_with_a_gap_in_the_t_wave_has_none() -> None:
    beat = beat_of(recording(PEAKS))
    bounds = qrs_bounds(beat)
    assert bounds is not None
    signal = beat.signal.copy()
    signal[1, beat.r_peak + 130 :] = np.nan
    wave = t_wave(with_signal(beat, signal), bounds.onset, bounds.j_point, rr=0.8)
    assert wave is not None
    assert np.isnan(wave.leads[1]).all()
    assert np.isfinite(wave.leads[[0, 2, 3]]).all()


def p_waves(peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """P waves 160 ms before each R-peak, upright in all leads but one."""
    time = np.arange(5000) / FS - peaks[:, None] / FS
    p = np.exp(-0.5 * ((time + 0.16) / 0.02) ** 2).sum(axis=0)
    return np.array([0.1, -0.1, 0.15, 0.05])[:, None] * p


def complete(marks: Fiducials) -> NDArray[np.float64]:
    return marks.common[1:-1]


def test_the_waves_of_every_beat_are_where_they_were_put() -> None:
    marks = delineate_beats(recording(PEAKS) + p_waves(PEAKS), FS)
    peaks = (complete(marks)[:, :, 1] - PEAKS[1:-1, None]) / FS
    np.testing.assert_allclose(peaks, np.tile([-0.16, 0.0, 0.3], (len(peaks), 1)), atol=0.012)
    assert (np.diff(complete(marks), axis=2) > 0).all()  # onset, peak, end
    in_leads = (marks.leads[1:-1, :, :, 1] - PEAKS[1:-1, None, None]) / FS
    np.testing.assert_allclose(in_leads[:, :, 0], -0.16, atol=0.02)
    np.testing.assert_allclose(in_leads[:, :, 2], 0.3, atol=0.012)


def test_fibrillation_has_no_p_waves() -> None:
    rng = np.random.default_rng(1)
    time = np.arange(5000) / FS
    rate = 6 + 0.5 * np.cumsum(rng.normal(0, 1, 5000)) / 50
    waves = 0.05 * np.sin(2 * np.pi * np.cumsum(rate) / FS) + 0 * time
    peaks = np.cumsum(rng.integers(280, 450, 14))
    peaks = peaks[peaks < 4800]
    marks = delineate_beats(recording(peaks) + waves, FS)
    assert np.isnan(marks.common[:, 0]).all()
    assert np.isfinite(complete(marks)[:, 1]).all()


def test_an_ectopic_beat_is_a_kind_of_its_own() -> None:
    signal = recording(PEAKS) + p_waves(PEAKS)
    ectopic = PEAKS[5]
    bump = np.exp(-0.5 * (np.arange(-100, 101) / 18) ** 2)
    signal[:, ectopic - 100 : ectopic + 101] = np.array([[-1], [1], [-2], [1.5]]) * bump
    kinds = list(beat_kinds(signal, PEAKS, FS))
    assert [len(kind.r_peaks) for kind in kinds] == [len(PEAKS) - 1, 1]
    marks = delineate_beats(signal, FS)
    width = marks.common[:, 1, 2] - marks.common[:, 1, 0]
    assert len(width) == len(PEAKS)
    assert width[5] > 1.3 * np.median(width)


def test_what_lies_outside_the_recording_is_not_marked() -> None:
    peaks = np.array([60, 460, 860, 1260, 1660, 1930])
    marks = delineate_beats((recording(peaks) + p_waves(peaks))[:, :2000], FS)
    known = marks.common[np.isfinite(marks.common)]
    assert known.min() >= 0
    assert known.max() < 2000
    assert np.isnan(marks.common[0, 0, 0])
    assert np.isnan(marks.common[-1, 2, 2])


RATES = [100, 125, 128, 200, 240, 250, 257, 300, 360, 400, 500, 512, 1000]


def assert_agrees_with_measure(signal: NDArray[np.float64], fs: float, leads: list[str]) -> None:
    """Page, explanation and API mark the beat that `measure` reports where `measure` does."""
    ecg = Recording("a", signal, fs, leads)
    table = measure(ecg).iloc[0]
    marks = delineate_beats(signal, fs).common
    onset, j_point = marks[:, 1, 0], marks[:, 1, 2]
    beat = np.nanargmin(np.abs(onset - table["qrs_onset"]))
    assert onset[beat] == pytest.approx(table["qrs_onset"], abs=1)
    assert j_point[beat] == pytest.approx(table["j_point"], abs=1)
    qt = (marks[beat, 2, 2] - onset[beat]) / fs * 1000
    assert qt == pytest.approx(table["qt_interval"], abs=1000 / fs)
    on_page = mark_each_lead(ecg)
    for lead in ecg.leads:
        np.testing.assert_allclose(on_page[lead][:, 1, 0], onset, atol=1)
    parts = beats_of(signal, fs)[1]
    qrs = parts == PARTS.index("QRS")
    inside = np.arange(int(onset[beat]) + 2, int(j_point[beat]) - 1)
    assert qrs[inside].all()
    assert not qrs[int(onset[beat]) - 2]
    assert not qrs[int(j_point[beat]) + 2]


@pytest.mark.parametrize("fs", RATES)
def test_any_rate_agrees_with_measure_to_one_sample(fs: float) -> None:
    peaks = np.arange(0.6, 9.6, 0.8) * fs
    signal = recording(peaks, fs=fs) + np.random.default_rng(0).normal(
        0, 0.004, (4, round(10 * fs))
    )
    assert_agrees_with_measure(signal, fs, ["I", "II", "V1", "V5"])
    onsets = delineate_beats(signal, fs).common[1:-1, 1, 0]
    np.testing.assert_allclose((onsets - peaks[1:-1]) / fs, -0.045, atol=WIDENING + 1 / fs)


def test_the_slow_recording_of_the_cases(cases: Path) -> None:
    record = wfdb.rdrecord(str(cases / "slow-rate" / "r240"))
    assert_agrees_with_measure(record.p_signal.T, record.fs, record.sig_name)


def test_a_gap_beside_a_wave_is_no_edge_of_it() -> None:
    peaks = np.arange(300, 4800, 400)
    signal = recording(peaks) + 3.0
    whole = delineate_beats(signal, FS)
    # The same leads lack the end of every T wave's neighbourhood; a level of 3 mV is no wave.
    broken = signal.copy()
    for peak in peaks:
        broken[:2, peak + 230 : peak + 300] = np.nan
    found = delineate_beats(broken, FS)
    np.testing.assert_allclose(found.common[:, 1], whole.common[:, 1], atol=2)
    np.testing.assert_allclose(found.common[:, 2], whole.common[:, 2], atol=8)


def test_nothing_to_delineate() -> None:
    marks = delineate_beats(np.full((3, 2000), np.nan), FS)
    assert marks.common.shape == (0, 3, 3)
    assert marks.leads.shape == (0, 3, 3, 3)


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

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from numpy.typing import NDArray

from acsbench.ecg import Recording, measure, print_page
from acsbench.ecg.leads import LEADS, limb_leads
from acsbench.ecg.measurements import GLOBAL, LEVELS, PER_LEAD, measure_levels

FS = 500.0
PEAKS = np.arange(300, 5000, 400)
ST = np.linspace(-0.2, 0.3, 12)
T = np.array([0.3, 0.4, 0.1, -0.3, 0.15, 0.2, -0.2, 0.8, 0.7, 0.5, 0.4, 0.3])


def ecg(peaks: NDArray[np.float64] = PEAKS, fs: float = FS, seconds: float = 10.0) -> NDArray:
    """Twelve leads with a QRS of 90 ms and a T wave of `T` on an ST segment of `ST`, mV."""
    time = np.arange(round(seconds * fs)) / fs - peaks[:, None] / fs
    rising = np.clip(1 - np.abs(time) / 0.045, 0, None).sum(axis=0)
    segment = ((time >= 0.045) & (time < 0.42)).sum(axis=0)
    t = np.exp(-0.5 * ((time - 0.28) / 0.03) ** 2).sum(axis=0)
    qrs = np.where(np.arange(12) % 3, 1.0, -0.8)
    return qrs[:, None] * rising + ST[:, None] * segment + (T - ST)[:, None] * t


def test_columns_and_types() -> None:
    table = measure(Recording("a", ecg(), FS))
    basic = [
        "lead",
        "qrs_onset",
        "j_point",
        "j_level",
        "st60",
        "t_amplitude",
        "heart_rate",
    ]
    assert list(table.columns[: len(basic)]) == basic
    assert {*PER_LEAD, *GLOBAL, "st_shape", "t_inverted", "quality"} <= {*table.columns}
    pd.testing.assert_frame_equal(measure_levels(Recording("a", ecg(), FS)), table[basic])
    assert tuple(table["lead"]) == LEADS
    assert table["qrs_onset"].dtype == table["j_point"].dtype == pd.Int64Dtype()
    assert all(pd.api.types.is_float_dtype(table[name]) for name in (*LEVELS, *PER_LEAD, *GLOBAL))


@pytest.mark.parametrize("fs", [100.0, 128.0, 240.0, 257.0, 500.0, 1000.0])
def test_known_levels(fs: float) -> None:
    peaks = PEAKS * fs / FS
    table = measure(Recording("a", ecg(peaks, fs), fs))
    np.testing.assert_allclose(table["st60"], ST, atol=0.01)
    np.testing.assert_allclose(table["t_amplitude"], T, atol=0.05)
    np.testing.assert_allclose(table["heart_rate"], 75, atol=0.5)
    nearest = peaks[np.abs(peaks - 5 * fs).argmin()]
    np.testing.assert_allclose((table["qrs_onset"] - nearest) / fs, -0.045, atol=0.017)
    np.testing.assert_allclose((table["j_point"] - nearest) / fs, 0.045, atol=0.017)


def test_st60_is_as_defined_on_the_signal_as_given() -> None:
    rng = np.random.default_rng(0)
    signal = (ecg() + rng.normal(0, 0.02, (12, 5000))).astype(np.float32).astype(float)
    table = measure(Recording("a", signal, FS))
    onset, j_point = int(table["qrs_onset"][0]), int(table["j_point"][0])
    shifts = PEAKS - PEAKS[np.abs(PEAKS - (onset + j_point) / 2).argmin()]
    shifts = shifts[j_point + shifts + 30 < 5000]
    baseline = np.stack([signal[:, onset + s - 5 : onset + s].mean(axis=1) for s in shifts])
    # Alignment may shift a noisy beat by a sample, hence the tolerance.
    for name, delay in (("j_level", 0), ("st60", 30)):
        level = signal[:, j_point + shifts + delay].T - baseline
        np.testing.assert_allclose(table[name], np.median(level, axis=0), atol=0.025)


def test_an_offset_changes_nothing_and_a_factor_scales() -> None:
    signal = ecg()
    reference = measure_levels(Recording("a", signal, FS))
    offset = measure_levels(Recording("a", signal + np.arange(12)[:, None], FS))
    pd.testing.assert_frame_equal(offset, reference, atol=1e-4)
    scaled = measure_levels(Recording("a", -2 * signal, FS))
    np.testing.assert_allclose(scaled["st60"], -2 * reference["st60"], atol=1e-4)
    np.testing.assert_allclose(scaled["t_amplitude"], -2 * reference["t_amplitude"], atol=1e-4)
    assert scaled["j_point"].equals(reference["j_point"])


def test_few_leads_in_any_order() -> None:
    table = measure(Recording("a", ecg()[[7, 1]], FS, ["V2", "II"]))
    assert list(table["lead"]) == ["V2", "II"]
    np.testing.assert_allclose(table["st60"], ST[[7, 1]], atol=0.01)


def test_missing_and_flat_leads_have_no_levels() -> None:
    signal = ecg()
    signal[2] = np.nan
    signal[5] = 0.7
    table = measure(Recording("a", signal, FS))
    levels = table[["j_level", "st60", "t_amplitude"]]
    assert levels.loc[[2, 5]].isna().all(axis=None)
    assert levels.drop(index=[2, 5]).notna().all(axis=None)
    assert pd.isna(table["j_point"][2])
    assert table["heart_rate"].notna().all()


def test_gaps() -> None:
    signal = ecg()
    signal[4, 2000:3100] = np.nan
    signal[:, 4000:4300] = np.nan
    table = measure(Recording("a", signal, FS))
    np.testing.assert_allclose(table["st60"], ST, atol=0.01)
    assert table["heart_rate"][0] == pytest.approx(75, abs=0.5)


def test_a_printed_page_is_measured_column_by_column() -> None:
    page = print_page(Recording("a", ecg(), FS))[:12]
    table = measure(Recording("a", page, FS))
    np.testing.assert_allclose(table["st60"], ST, atol=0.01)
    np.testing.assert_allclose(table["t_amplitude"], T, atol=0.05)
    for lead in range(12):
        positions = table.loc[lead, ["qrs_onset", "j_point"]].to_numpy(int)
        assert np.isfinite(page[lead, positions]).all()


@pytest.mark.parametrize(
    "signal",
    [np.full((12, 5000), np.nan), np.zeros((12, 5000)), np.zeros((12, 0)), np.zeros((12, 40))],
)
def test_nothing_to_measure(signal: NDArray[np.float64]) -> None:
    table = measure(Recording("a", signal, FS))
    assert len(table) == 12
    assert table.drop(columns=["lead", "quality"]).isna().all(axis=None)
    assert set(table["quality"]) <= {"missing", "no QRS"}


def test_noise_is_not_measured(noise_recording: Recording) -> None:
    table = measure(noise_recording)
    assert table.drop(columns=["lead", "quality"]).isna().all(axis=None)
    assert (table["quality"] == "no QRS").all()


def test_one_beat_has_levels_but_no_rate() -> None:
    table = measure(Recording("a", ecg(np.array([600.0]), seconds=2.5), FS))
    np.testing.assert_allclose(table["st60"], ST, atol=0.01)
    assert table[["heart_rate", "t_amplitude"]].isna().all(axis=None)


def test_the_recording_is_left_as_it_was() -> None:
    signal = ecg()
    signal[0, 10] = np.inf
    recording = Recording("a", signal, FS)
    before = recording.signal.copy()
    measure(recording)
    np.testing.assert_array_equal(recording.signal, before)


def patient(seconds: float = 10.0) -> Recording:
    """Twelve leads with P, q, R, s and T waves of known height, width and axis."""
    time = np.arange(round(seconds * FS)) / FS - PEAKS[:, None] / FS

    def wave(start: float, end: float) -> NDArray:
        half = (end - start) / 2
        shape = 0.5 + 0.5 * np.cos(np.pi * np.clip((time - start - half) / half, -1, 1))
        return shape.sum(axis=0)

    p, q, r, s = wave(-0.2, -0.1), wave(-0.05, -0.03), wave(-0.03, 0.03), wave(0.03, 0.05)
    t = wave(0.20, 0.36)
    lead_i = 0.1 * p - 0.1 * q + 0.9 * r - 0.2 * s + 0.3 * t
    lead_ii = 0.2 * p - 0.1 * q + 1.2 * r - 0.2 * s + 0.15 * t
    chest = [k * r - 0.1 * q - (1.5 - k) * s + 0.3 * t for k in (0.2, 0.4, 0.7, 1.2, 1.3, 1.1)]
    return Recording("a", np.vstack([limb_leads(lead_i, lead_ii), chest]), FS)


def test_waves_intervals_and_axes_of_a_known_heart() -> None:
    table = measure(patient()).set_index("lead")
    two = table.loc["II"]
    assert two["q_amplitude"] == pytest.approx(-0.1, abs=0.02)
    assert two["r_amplitude"] == pytest.approx(1.2, abs=0.03)
    assert two["s_amplitude"] == pytest.approx(-0.2, abs=0.03)
    assert two["r2_amplitude"] == 0
    assert two["p_amplitude"] == pytest.approx(0.2, abs=0.04)
    assert two["r_duration"] == pytest.approx(60, abs=8)
    assert two["q_duration"] == pytest.approx(20, abs=8)
    assert two["t_to_r"] == pytest.approx(0.15 / 1.2, abs=0.02)
    assert two["pr_interval"] == pytest.approx(150, abs=25)
    assert two["qrs_duration"] == pytest.approx(100, abs=20)
    assert two["qt_interval"] == pytest.approx(410, abs=30)
    # Leads I and II of P are as 1 to 2, of T as 2 to 1: 60° and 0°.
    assert two["p_axis"] == pytest.approx(60, abs=4)
    assert two["t_axis"] == pytest.approx(0, abs=6)
    assert two["qrs_t_angle"] == pytest.approx(abs(two["qrs_axis"] - two["t_axis"]))
    assert two["p_share"] == 1
    assert two["paced"] == 0
    assert two["rr_variation"] == pytest.approx(0, abs=0.01)
    assert (table["quality"] == "good").all()
    assert two["qtc_bazett"] == pytest.approx(two["qt_interval"] * (75 / 60) ** 0.5, rel=0.01)


def test_inverted_t_waves_are_named() -> None:
    signal = patient().signal.copy()
    table = measure(Recording("a", -signal, FS)).set_index("lead")
    assert table.loc["V4", "t_inverted"]
    assert not measure(patient()).set_index("lead").loc["V4", "t_inverted"]


def test_the_quality_of_a_lead_is_named() -> None:
    rng = np.random.default_rng(0)
    signal = patient().signal.astype(float)
    signal[3] = np.nan
    signal[4] = 0.2
    signal[8] += rng.normal(0, 0.25, signal.shape[1])
    table = measure(Recording("a", signal, FS)).set_index("lead")
    assert table["quality"][["aVR", "aVL", "V3", "V5"]].tolist() == [
        "missing",
        "flat",
        "noisy",
        "good",
    ]


def test_without_lead_ii_there_is_no_axis() -> None:
    signal = patient().signal
    table = measure(Recording("a", signal[[0, 6, 7]], FS, ["I", "V1", "V2"]))
    assert table[["p_axis", "qrs_axis", "t_axis", "qrs_t_angle"]].isna().all(axis=None)
    assert table["qrs_duration"].notna().all()


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_marks_of_ludb(ludb_dir: Path, step: int) -> None:
    j_errors, st_errors = [], []
    for header in sorted((ludb_dir / "data").glob("*.hea"))[::step]:
        path = str(header.with_suffix(""))
        record = wfdb.rdrecord(path)
        signal = record.p_signal.T
        table = measure(Recording(header.stem, signal, record.fs, record.sig_name))
        for lead, name in enumerate(record.sig_name):
            onset, end = marked_complexes(path, name)
            if len(end):
                j_errors.append(np.abs(end - table["j_point"][lead]).min() / record.fs)
                baseline = [signal[lead, k - 5 : k].mean() for k in onset]
                st60 = np.median(signal[lead, end + 30] - baseline)
                st_errors.append(table["st60"][lead] - st60)
    assert len(st_errors) > 1800 / step
    assert np.isfinite(st_errors).all()
    assert np.median(j_errors) <= 0.008
    assert np.mean(np.abs(st_errors)) <= 0.015


def marked_complexes(path: str, lead: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onsets and ends of the QRS complexes that have both."""
    marks = wfdb.rdann(path, lead)
    symbols = "".join(marks.symbol)
    middle = [k for k in range(1, len(symbols) - 1) if symbols[k - 1 : k + 2] == "(N)"]
    return marks.sample[np.array(middle, dtype=int) - 1], marks.sample[np.array(middle, int) + 1]

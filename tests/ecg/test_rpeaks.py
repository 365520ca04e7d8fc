from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray
from scipy import signal as sps

from acsbench.ecg.rpeaks import QRS_BAND, _band_pass, detect_r_peaks, r_peaks_of_each

FS = 500.0


def heartbeat(
    peaks: NDArray[np.float64], samples: int = 5000, fs: float = FS, r: float = 1.0
) -> NDArray[np.float64]:
    """P, QRS and T as bell curves around R-peaks at sample positions `peaks`, mV."""
    time = (np.arange(samples) - peaks[:, None]) / fs
    waves = ((0.1, -0.16, 0.025), (-0.1 * r, -0.03, 0.008), (r, 0, 0.01), (0.3, 0.28, 0.05))
    return sum(a * np.exp(-0.5 * ((time - t) / s) ** 2) for a, t, s in waves).sum(axis=0)


REGULAR = np.arange(200.0, 5000, 400)


def test_peaks_of_known_beats() -> None:
    assert detect_r_peaks(heartbeat(REGULAR), FS).tolist() == REGULAR.tolist()


def test_one_lead_may_be_one_or_two_dimensional() -> None:
    signal = heartbeat(REGULAR)
    np.testing.assert_array_equal(detect_r_peaks(signal, FS), detect_r_peaks(signal[None], FS))


@pytest.mark.parametrize("fs", [100.0, 250.0, 257.0, 360.0, 1000.0])
def test_any_sampling_rate(fs: float) -> None:
    peaks = np.arange(0.5, 9.8, 0.83) * fs
    found = detect_r_peaks(heartbeat(peaks, round(10 * fs), fs), fs)
    assert len(found) == len(peaks)
    assert np.abs(found - peaks).max() <= 1


@pytest.mark.parametrize("scale", [0.05, 1.0, 1000.0, -1.0])
def test_low_high_and_inverted_voltage(scale: float) -> None:
    found = detect_r_peaks(scale * heartbeat(REGULAR), FS)
    np.testing.assert_array_equal(found, REGULAR)


@pytest.mark.parametrize("rate", [64.0, 125.0, 249.0])
def test_band_is_passed_as_by_scipy_forward_and_backward(rate: float) -> None:
    signal = np.random.default_rng(0).normal(0, 1, (3, 400)) + 5
    sections = sps.butter(2, QRS_BAND, "bandpass", fs=rate, output="sos")
    expected = sps.sosfiltfilt(sections, signal, axis=1, padlen=15)
    np.testing.assert_allclose(_band_pass(signal, rate), expected, rtol=0, atol=1e-9)


def test_irregular_rhythm_with_pauses() -> None:
    rng = np.random.default_rng(1)
    peaks = 100 + np.cumsum(rng.integers(180, 900, 9)).astype(float)
    found = detect_r_peaks(heartbeat(peaks[peaks < 4900]), FS)
    np.testing.assert_allclose(found, peaks[peaks < 4900], atol=1)


@pytest.mark.parametrize("rate", [25, 40, 180])
def test_slow_and_fast_rhythms(rate: float) -> None:
    rng = np.random.default_rng(0)
    peaks = np.arange(200.0, 4900, 60 * FS / rate).round()
    signal = heartbeat(peaks) + rng.normal(0, 0.01, (3, 5000))
    np.testing.assert_allclose(detect_r_peaks(signal, FS), peaks, atol=2)


def test_tall_t_waves_are_not_beats() -> None:
    time = (np.arange(5000) - REGULAR[:, None]) / FS
    tall = np.exp(-0.5 * ((time - 0.28) / 0.05) ** 2).sum(axis=0)
    assert len(detect_r_peaks(heartbeat(REGULAR, r=0.6) + tall, FS)) == len(REGULAR)


def test_pacing_spikes_are_not_peaks() -> None:
    signal = heartbeat(REGULAR)
    for peak in REGULAR.astype(int):
        signal[peak - 25 : peak - 23] += 3.0
    np.testing.assert_allclose(detect_r_peaks(signal, FS), REGULAR, atol=2)


def test_wander_mains_and_noise_in_twelve_leads() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(5000) / FS
    disturbed = heartbeat(REGULAR) * rng.uniform(-1, 1, (12, 1)) + rng.normal(0, 0.05, (12, 5000))
    disturbed += np.sin(2 * np.pi * 0.3 * time + rng.uniform(0, 6, (12, 1)))
    disturbed += 0.1 * np.sin(2 * np.pi * 50 * time)
    np.testing.assert_allclose(detect_r_peaks(disturbed, FS), REGULAR, atol=3)


def test_flat_missing_and_ruined_leads_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    signal = np.tile(heartbeat(REGULAR), (12, 1)) + rng.normal(0, 0.01, (12, 5000))
    signal[:3] = 0.0
    signal[3] = np.nan
    signal[4:7] = rng.normal(0, 1, (3, 5000)).cumsum(axis=1)
    signal[8, 1000:1600] = np.nan
    np.testing.assert_allclose(detect_r_peaks(signal, FS), REGULAR, atol=1)


def test_an_artefact_in_one_lead_is_not_a_beat() -> None:
    rng = np.random.default_rng(0)
    signal = np.tile(heartbeat(REGULAR), (12, 1)) + rng.normal(0, 0.01, (12, 5000))
    signal[5, 2380:2410] += 10.0
    np.testing.assert_allclose(detect_r_peaks(signal, FS), REGULAR, atol=1)


def test_nothing_is_found_where_nothing_was_recorded() -> None:
    signal = np.tile(heartbeat(REGULAR), (2, 1))
    signal[:, 2050:2950] = np.nan
    expected = REGULAR[(REGULAR < 2050) | (REGULAR > 2950)]
    np.testing.assert_array_equal(detect_r_peaks(signal, FS), expected)


def test_two_and_a_half_seconds() -> None:
    signal = heartbeat(REGULAR)[1250:2500]
    expected = REGULAR[(REGULAR > 1250) & (REGULAR < 2500)] - 1250
    np.testing.assert_array_equal(detect_r_peaks(signal, FS), expected)


@pytest.mark.parametrize(
    "signal",
    [
        np.full((12, 5000), np.nan),
        np.zeros((12, 5000)),
        np.full(5000, 3.0),
        np.zeros((12, 0)),
        np.zeros((0, 5000)),
        np.zeros((12, 10)),
    ],
)
def test_nothing_to_find(signal: NDArray[np.float64]) -> None:
    found = detect_r_peaks(signal, FS)
    assert found.dtype == np.int64
    assert found.shape == (0,)


def test_noise_has_no_beats() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert len(detect_r_peaks(rng.normal(0, 0.1, (12, 5000)), FS)) == 0


def test_refuses_what_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="shape"):
        detect_r_peaks(np.zeros((2, 12, 5000)), FS)
    with pytest.raises(ValueError, match="too low"):
        detect_r_peaks(np.zeros((12, 500)), 50.0)


def test_marked_beats_of_ludb(ludb_dir: Path) -> None:
    marked_beats = missed = false = 0
    for header in sorted((ludb_dir / "data").glob("*.hea")):
        path = str(header.with_suffix(""))
        marks = wfdb.rdann(path, "ii")
        marked = marks.sample[np.array(marks.symbol) == "N"]
        record = wfdb.rdrecord(path)
        found = detect_r_peaks(record.p_signal.T, record.fs)
        tolerance = 0.15 * record.fs
        found = found[(found >= marked[0] - tolerance) & (found <= marked[-1] + tolerance)]
        near = np.abs(found[:, None] - marked) <= tolerance
        marked_beats += len(marked)
        missed += int((~near.any(axis=0)).sum())
        # Two detections at one mark are one too many.
        false += len(found) - int(near.any(axis=0).sum())
    assert marked_beats > 1400
    assert 2 * (marked_beats - missed) / (2 * marked_beats - missed + false) >= 0.998


def test_recordings_together_have_the_peaks_of_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    beats = [np.arange(150.0, 5000, 310), REGULAR, np.array([4990.0]), np.array([2500.0, 4000])]
    signals = np.stack([heartbeat(peaks) for peaks in beats])[:, None].repeat(3, axis=1)
    signals = np.concatenate([signals, np.zeros((1, 3, 5000)), signals[:2]])
    signals[:4] += rng.normal(0, 0.01, (4, 3, 5000))
    signals[5, 1, 1000:1400] = signals[6, 0] = np.nan
    together = r_peaks_of_each(signals, np.isfinite(signals), FS)
    assert [len(peaks) for peaks in together] == [len(detect_r_peaks(s, FS)) for s in signals]
    for signal, peaks in zip(signals, together, strict=True):
        np.testing.assert_array_equal(peaks, detect_r_peaks(signal, FS))
    assert len(together[4]) == 0
    np.testing.assert_allclose(together[0], beats[0], atol=1)


def test_peaks_of_one_height_do_not_depend_on_other_recordings() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(5000)
    strips = rng.normal(0, 0.01, (40, 3, 5000)).astype(np.float32)
    for strip in strips:
        first = rng.integers(100, 300)
        strip += np.exp(-0.5 * ((time[:, None] - np.arange(first, 5000, 400)) / 6) ** 2).sum(axis=1)
        # Pairs of pulses too close to be two beats, and so high that both are limited alike.
        for at in rng.integers(300, 4700, 2):
            for pulse in (at, at + rng.integers(40, 70)):
                strip[:, pulse : pulse + 6] += 3
    known = np.ones(strips.shape, dtype=bool)
    together = r_peaks_of_each(strips, known, 500)
    for number, peaks in enumerate(together):
        one = slice(number, number + 1)
        np.testing.assert_array_equal(r_peaks_of_each(strips[one], known[one], 500)[0], peaks)

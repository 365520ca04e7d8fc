from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from scipy import signal as sps

from acsbench.ecg.filters import bandpass, decimate, fir_bandpass, resample


def test_transfer_function_form_is_scipys() -> None:
    values = np.random.default_rng(0).normal(size=(3, 5000))
    b, a = sps.butter(5, [0.5 / 250, 50 / 250], btype="band")
    np.testing.assert_array_equal(
        bandpass(values, 500, form="transfer-function"), sps.filtfilt(b, a, values)
    )


@pytest.mark.parametrize(("low", "high", "order"), [(0.5, 50, 5), (0.2, 25, 4)])
def test_both_forms_agree(low: float, high: float, order: int) -> None:
    values = np.random.default_rng(0).normal(size=(3, 5000))
    forms = [
        bandpass(values, 500, low, high, order, form=form)
        for form in ("sections", "transfer-function")
    ]
    # Not closer: at these low edges the transfer function has lost most of its digits.
    np.testing.assert_allclose(*forms, atol=2e-2)


@pytest.mark.parametrize("shape", [(5000,), (3, 5000), (2, 3, 5000), (1, 34), (4, 49), (4, 151)])
@pytest.mark.parametrize(("low", "high", "order"), [(0.5, 50, 5), (0.2, 25, 4), (0.5, 40, 2)])
def test_sections_are_scipys_whatever_the_length(
    shape: tuple[int, ...], low: float, high: float, order: int
) -> None:
    values = np.random.default_rng(0).normal(1, 1, shape).cumsum(axis=-1) * 0.05
    sections = sps.butter(order, (low, high), "bandpass", fs=500, output="sos")
    padding = 3 * (2 * order + 1)
    expected = sps.sosfiltfilt(sections, values, axis=-1, padlen=padding)
    np.testing.assert_allclose(bandpass(values, 500, low, high, order), expected, atol=1e-8)


def test_single_precision_is_finer_than_what_is_stored() -> None:
    values = np.random.default_rng(0).normal(0, 0.1, (6, 5000)).cumsum(axis=-1) * 0.1
    filtered = bandpass(values.astype(np.float32), 500)
    assert filtered.dtype == np.float32
    np.testing.assert_allclose(filtered, bandpass(values, 500), atol=4e-6)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("samples", [40, 333, 2000])
@pytest.mark.parametrize("work", [lambda x: bandpass(x, 500), lambda x: decimate(x, 5)])
def test_a_signal_is_filtered_alike_whatever_is_filtered_with_it(
    kind: type[np.floating], samples: int, work: Callable[[np.ndarray], np.ndarray]
) -> None:
    values = np.random.default_rng(0).normal(0, 0.1, (101, samples)).astype(kind)
    together = work(values)
    for part in (slice(0, 1), slice(3, 60), slice(47, 49), slice(95, 101)):
        np.testing.assert_array_equal(work(values[part]), together[part])


@pytest.mark.parametrize("samples", [152, 5000])
def test_fir_is_scipys(samples: int) -> None:
    values = np.random.default_rng(0).normal(1, 1, (2, 3, samples)).cumsum(axis=-1) * 0.05
    taps = sps.firwin(151, (0.05, 47), fs=500, pass_zero=False)
    # Ends are continued as far as the filter reaches; SciPy's further padding changes nothing.
    expected = sps.filtfilt(taps, [1.0], values, axis=-1, padlen=151)
    np.testing.assert_allclose(fir_bandpass(values, 500, 0.05, 47, 150), expected, atol=1e-10)
    with pytest.raises(ValueError, match="too few"):
        fir_bandpass(values[..., :150], 500, 0.05, 47, 150)
    with pytest.raises(ValueError, match="does not fit"):
        fir_bandpass(values, 90, 0.05, 47, 150)


def test_decimation_is_scipys_signal_by_signal() -> None:
    values = np.random.default_rng(0).normal(size=(2, 5000)).cumsum(axis=-1)
    thinned = decimate(values, 5)
    assert thinned.shape == (2, 1000)
    for signal, kept in zip(values, thinned, strict=True):
        np.testing.assert_allclose(kept, sps.decimate(signal, 5), atol=1e-10)
    with pytest.raises(ValueError, match="too few to decimate"):
        decimate(values[:, :27], 5)


def test_single_precision_is_kept_and_costs_no_more_than_its_last_digits() -> None:
    values = np.random.default_rng(0).normal(size=(2, 12, 5000)).astype(np.float32)
    for work in (lambda x: decimate(x, 5), lambda x: fir_bandpass(x, 500, 0.05, 47, 150)):
        single, double = work(values), work(values.astype(np.float64))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, atol=5e-6)


def test_band_is_kept_and_the_rest_removed() -> None:
    time = np.arange(20000) / 500
    inside, below, above = (np.sin(2 * np.pi * f * time) for f in (10, 0.05, 120))
    filtered = bandpass(inside + below + above, 500)
    np.testing.assert_allclose(filtered[5000:-5000], inside[5000:-5000], atol=0.01)


def test_what_cannot_be_filtered_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        bandpass(np.zeros(33), 500)
    with pytest.raises(ValueError, match="does not fit"):
        bandpass(np.zeros(500), 90)


@pytest.mark.parametrize("fs", [100, 250, 360, 1000, 977])
def test_resampling_keeps_a_slow_wave(fs: float) -> None:
    time, wanted = np.arange(10 * fs) / fs, np.arange(5000) / 500
    resampled = resample(np.sin(2 * np.pi * 3 * time)[None], fs, 500)
    assert resampled.shape == (1, 5000)
    np.testing.assert_allclose(
        resampled[0, 250:-250], np.sin(2 * np.pi * 3 * wanted)[250:-250], atol=5e-3
    )


@pytest.mark.parametrize(
    ("fs", "fs_new", "first", "end"),
    # Between the last known sample (199) and the gap (200 to 299) nothing is known.
    [(100, 500, 996, 1500), (1000, 500, 100, 150), (500, 250, 100, 150), (250, 500, 399, 600)],
)
def test_gaps_stay_gaps(fs: float, fs_new: float, first: int, end: int) -> None:
    values = np.ones((1, 1000))
    values[0, 200:300] = np.nan
    resampled = resample(values, fs, fs_new)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(resampled[0])), np.arange(first, end))
    np.testing.assert_allclose(np.delete(resampled[0], np.arange(first, end)), 1, atol=1e-3)


WORK: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bandpass": lambda x: bandpass(x, 500),
    "transfer function": lambda x: bandpass(x, 500, form="transfer-function"),
    "single precision": lambda x: bandpass(x.astype(np.float32), 500).astype(np.float64),
    "fir_bandpass": lambda x: fir_bandpass(x, 500, 0.05, 47, 150),
    "decimate": lambda x: decimate(x, 5),
    "resample": lambda x: resample(x, 500, 250),
    "resample up": lambda x: resample(x, 500, 1000),
}
GAPS: dict[str, np.ndarray] = {
    "start": np.arange(300),
    "end": np.arange(4600, 5000),
    "one sample": np.array([1700]),
    "five seconds": np.arange(1000, 3500),
    "every second": np.arange(2000, 2400, 2),
}


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("work", WORK)
def test_a_gap_is_no_step_in_what_is_filtered(work: str, gap: str) -> None:
    """A slow wave on an offset of 5 mV: 0 in its place would ring by more than 0.1 mV."""
    time = np.arange(5000) / 500
    whole = 5 + 0.05 * np.sin(2 * np.pi * 0.9 * time)[None].repeat(2, axis=0)
    broken = whole.copy()
    broken[0, GAPS[gap]] = np.nan
    expected, found = WORK[work](whole), WORK[work](broken)
    np.testing.assert_array_equal(found[1], expected[1])  # the lead beside it
    known = np.isfinite(found[0])
    step = whole.shape[1] / found.shape[1]
    times = np.arange(found.shape[1]) * step
    beside = np.isin(np.floor(times), GAPS[gap]) | np.isin(np.ceil(times), GAPS[gap])
    np.testing.assert_array_equal(~known, beside)
    # A band-pass from 0.5 Hz feels the seconds that are not there, but not the offset.
    np.testing.assert_allclose(found[0, known], expected[0, known], atol=0.05)


@pytest.mark.parametrize("work", WORK)
def test_a_lead_that_is_missing_stays_missing(work: str) -> None:
    values = np.random.default_rng(0).normal(0, 0.1, (2, 5000))
    alone = WORK[work](values[1:])
    values[0] = np.nan
    found = WORK[work](values)
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1:], alone)


@pytest.mark.parametrize("length", [1, 20, 300, 2000])
@pytest.mark.parametrize("start", [0, 700, 2600])
def test_an_ecg_with_a_gap_is_resampled_as_without(length: int, start: int) -> None:
    time = np.arange(5000) / 1000
    beats = sum(
        height * np.exp(-(((time[:, None] - np.arange(0.4, 5, 0.8) - delay) / width) ** 2) / 2)
        for height, delay, width in ((0.12, -0.16, 0.025), (1.0, 0, 0.012), (0.3, 0.28, 0.05))
    ).sum(axis=1)
    whole = np.stack([beats, -0.5 * beats]) - 4.5
    broken = whole.copy()
    broken[0, start : start + length] = np.nan
    expected, found = resample(whole, 1000, 500), resample(broken, 1000, 500)
    missing = np.isnan(found[0])
    assert missing.sum() == len(range(start + start % 2, start + length, 2))
    np.testing.assert_allclose(found[0, ~missing], expected[0, ~missing], atol=0.02)
    np.testing.assert_array_equal(found[1], expected[1])


def test_the_recording_with_a_gap_of_the_cases(cases: Path) -> None:
    broken, whole = (
        wfdb.rdrecord(str(cases / "gap-resampled" / name)).p_signal.T for name in ("r1", "whole")
    )
    found, expected = resample(broken, 1000, 500), resample(whole, 1000, 500)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(broken)[:, ::2])
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], expected[known], atol=0.02)

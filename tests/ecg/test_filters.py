import numpy as np
import pytest
from scipy import signal as sps

from acsbench.ecg.filters import bandpass, resample


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


def test_gaps_stay_gaps() -> None:
    values = np.ones((1, 1000))
    values[0, 200:300] = np.nan
    resampled = resample(values, 100, 500)
    missing = np.flatnonzero(np.isnan(resampled[0]))
    assert abs(missing[0] - 1000) <= 3
    assert abs(missing[-1] - 1500) <= 3

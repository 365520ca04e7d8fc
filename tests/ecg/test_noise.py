"""Noise in a part of a recording: what is called noise, and what rests on the remainder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from acsbench.ecg import Recording, measure
from acsbench.ecg.filters import resample
from acsbench.ecg.noise import noisy_samples
from acsbench.ecg.quality import assess_quality, overview
from acsbench.ecg.rpeaks import detect_r_peaks

Signal = NDArray[np.float64]
RATE = 79.0
FIRST = 0.35  # s
WEIGHTS = np.array([0.7, 1.0, 0.3, -0.85, 0.2, 0.65, -0.5, 0.4, 0.8, 1.2, 1.0, 0.8])


def clean(fs: float = 500, rate: float = RATE) -> Signal:
    """P, QRS and T on twelve leads with a little noise, shape (12, 10 s), mV."""
    time = np.arange(round(10 * fs)) / fs
    beats = np.arange(FIRST, 10, 60 / rate)
    wave = np.zeros_like(time)
    for height, delay, width in ((0.12, -0.16, 0.025), (1.0, 0, 0.012), (0.3, 0.28, 0.05)):
        wave += height * np.exp(-(((time[:, None] - beats - delay) / width) ** 2) / 2).sum(axis=1)
    noise = np.random.default_rng(0).normal(0, 0.005, (12, len(time)))
    return np.outer(WEIGHTS, wave) + noise


def white(size: float) -> Callable[[int, float], Signal]:
    return lambda samples, fs: np.random.default_rng(1).normal(0, size, (12, samples))


def mains(frequency: float) -> Callable[[int, float], Signal]:
    def hum(samples: int, fs: float) -> Signal:
        return np.sin(2 * np.pi * frequency * np.arange(samples) / fs)[None].repeat(12, axis=0)

    return hum


def with_noise(
    signal: Signal,
    fs: float,
    noise: Callable[[int, float], Signal],
    part: tuple[float, float],
    leads: int = 12,
) -> Signal:
    first, end = (round(second * fs) for second in part)
    noisy = signal.copy()
    noisy[:leads, first:end] += noise(end - first, fs)[:leads]
    return noisy


def clean_beats(part: tuple[float, float]) -> Signal:
    """Seconds of the R-peaks that are not in the noise, nor next to it."""
    beats = np.arange(FIRST, 10, 60 / RATE)
    return beats[(beats < part[0] - 0.25) | (beats > part[1] + 0.25)]


PARTS = {"start": (0.0, 3.0), "middle": (3.4, 6.4), "end": (7.0, 10.0), "most": (0.0, 7.0)}


@pytest.mark.parametrize("size", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("part", PARTS)
def test_beats_and_rate_of_the_clean_part(part: str, size: float) -> None:
    signal = with_noise(clean(), 500, white(size), PARTS[part])
    found = detect_r_peaks(signal, 500) / 500
    expected = clean_beats(PARTS[part])
    apart = np.abs(found[:, None] - expected)
    assert (apart.min(axis=0) < 0.01).all()
    inside = (found > PARTS[part][0] - 0.25) & (found < PARTS[part][1] + 0.25)
    assert (apart.min(axis=1) < 0.01)[~inside].all()
    table = measure(Recording("a", signal, 500))
    np.testing.assert_allclose(table["heart_rate"], RATE, atol=1)
    quality = assess_quality([overview(Recording("a", signal, 500))])[0]
    assert len(quality.faults["noisy"]) == 12
    assert "rate" not in quality.faults


@pytest.mark.parametrize("fs", [250, 500, 1000])
@pytest.mark.parametrize("leads", [1, 6, 12])
def test_what_is_measured_says_what_it_rests_on(leads: int, fs: float) -> None:
    signal = with_noise(clean(fs), fs, white(1.0), PARTS["start"], leads)
    table = measure(Recording("a", signal, fs))
    whole = measure(Recording("a", clean(fs), fs))
    np.testing.assert_allclose(table["heart_rate"], RATE, atol=1)
    np.testing.assert_allclose(table["st60"], whole["st60"], atol=0.02)
    np.testing.assert_allclose(table["seconds"], np.where(np.arange(12) < leads, 7, 10), atol=0.4)
    np.testing.assert_allclose(table["rate_seconds"], 7 if leads == 12 else 10, atol=0.4)
    assert (table["beats"][:leads] < whole["beats"][:leads]).all()
    quality = assess_quality([overview(Recording("a", signal, fs))])[0]
    assert len(quality.faults["noisy"]) == leads
    assert quality.score == pytest.approx(1 - 0.3 * leads / 12, abs=0.05)
    np.testing.assert_allclose(list(quality.noisy_seconds.values()), 3, atol=0.4)


@pytest.mark.parametrize("frequency", [50, 60])
def test_beats_are_found_through_mains(frequency: float) -> None:
    signal = with_noise(clean(), 500, mains(frequency), PARTS["middle"], leads=6)
    found = detect_r_peaks(signal, 500) / 500
    np.testing.assert_allclose(found, np.arange(FIRST, 10, 60 / RATE), atol=0.03)
    assert measure(Recording("a", signal, 500))["seconds"][0] == pytest.approx(7, abs=0.4)


@pytest.mark.parametrize("fs", [250.0, 500.0, 1000.0])
@pytest.mark.parametrize("frequency", [50, 60])
def test_mains_all_the_time_are_named(frequency: float, fs: float) -> None:
    signal = clean()
    signal[:6] += 0.5 * np.sin(2 * np.pi * frequency * np.arange(signal.shape[1]) / 500)
    quality = measure(Recording("a", resample(signal, 500, fs), fs))["quality"]
    assert list(quality) == ["noisy"] * 6 + ["good"] * 6


def test_an_electrode_that_comes_off_and_a_saturated_amplifier() -> None:
    pop, saturated = clean(), clean()
    pop[:, 2000:3000] += 6 * np.exp(-np.arange(1000) / 250)
    saturated[:6, 1500:3000] = 5.0
    for signal in (pop, saturated):
        table = measure(Recording("a", signal, 500))
        np.testing.assert_allclose(table["heart_rate"], RATE, atol=1.5)
        np.testing.assert_allclose(
            table["st60"], measure(Recording("a", clean(), 500))["st60"], atol=0.03
        )


@pytest.mark.parametrize("rate", [30, 60, 150, 210])
def test_a_clean_ecg_has_no_noise(rate: float) -> None:
    signal = 3 * clean(rate=rate)[None]
    assert not noisy_samples(signal, np.isfinite(signal), 500).any()


def test_runs_of_wide_complexes_and_pvcs_are_not_noise() -> None:
    signal = clean()
    time = np.arange(5000) / 500
    fast = np.sin(2 * np.pi * 3.2 * time) * ((time > 4) & (time < 7))
    signal += np.outer(2 * WEIGHTS, fast)
    assert not noisy_samples(signal[None], np.isfinite(signal)[None], 500).any()


def test_a_lead_that_is_noisy_all_the_time_is_named_and_kept() -> None:
    signal = clean()
    signal[4] += np.random.default_rng(2).normal(0, 0.5, 5000)
    recording = Recording("a", signal, 500)
    quality = assess_quality([overview(recording)])[0]
    assert quality.faults["noisy"] == ("aVL",)
    assert quality.noisy_seconds == {}
    table = measure(recording)
    assert table["seconds"][4] == 10
    assert table["quality"][4] == "noisy"


def test_no_interval_over_a_gap_counts() -> None:
    signal = clean()
    for first in (1.2, 3.5, 5.8, 8.1):
        signal[:, round(first * 500) : round((first + 0.9) * 500)] = np.nan
    table = measure(Recording("a", signal, 500))
    np.testing.assert_allclose(table["heart_rate"], RATE, atol=1)
    np.testing.assert_allclose(table["rate_seconds"], 10 - 4 * 0.9, atol=0.1)


def test_noise_is_judged_alike_whatever_is_judged_with_it() -> None:
    signals = np.stack(
        [with_noise(clean(), 500, white(size), PARTS["end"], 3) for size in (0.2, 1.0)] + [clean()]
    )
    together = noisy_samples(signals, np.isfinite(signals), 500)
    for signal, noisy in zip(signals, together, strict=True):
        alone = noisy_samples(signal[None], np.isfinite(signal)[None], 500)[0]
        np.testing.assert_array_equal(noisy, alone)


def test_the_noisy_start_of_the_cases(cases: Path) -> None:
    record = wfdb.rdrecord(str(cases / "noisy-start" / "r1"))
    recording = Recording("a", record.p_signal.T, record.fs, record.sig_name)
    table = measure(recording)
    np.testing.assert_allclose(table["heart_rate"], 79, atol=1)
    np.testing.assert_allclose(table["seconds"], 7, atol=0.5)
    quality = assess_quality([overview(recording)])[0]
    assert len(quality.faults["noisy"]) == 12
    assert "rate" not in quality.faults
    found = detect_r_peaks(record.p_signal.T, record.fs)
    after = 1500 + detect_r_peaks(record.p_signal.T[:, 1500:], record.fs)
    np.testing.assert_allclose(found, after, atol=4)

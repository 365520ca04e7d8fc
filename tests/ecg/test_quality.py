"""Faults put into ECGs are found by name; ECGs without them are left in peace."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets import open_dataset
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import STRIPS, PrintedPage, print_page
from acsbench.ecg.quality import Quality, assess_quality, overview
from acsbench.ecg.recording import Recording

Signal = np.ndarray
V2 = LEADS.index("V2")


def quality_of(ecg: Recording | PrintedPage) -> Quality:
    return assess_quality([overview(ecg)])[0]


def clean(seed: int = 0, rate: float = 72, fs: float = 500) -> Signal:
    """P, QRS and T on twelve leads with a little noise, shape (12, 10 s), mV."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(10 * fs)) / fs
    beats = np.arange(0.3, 10, 60 / rate)
    wave = np.zeros_like(time)
    for height, delay, width in ((0.12, -0.16, 0.025), (1.0, 0, 0.012), (0.3, 0.28, 0.05)):
        wave += height * np.exp(-(((time[:, None] - beats - delay) / width) ** 2) / 2).sum(axis=1)
    weights = [0.7, 1.0, 0.3, -0.85, 0.2, 0.65, -0.5, 0.4, 0.8, 1.2, 1.0, 0.8]
    return np.outer(weights, wave) + rng.normal(0, 0.004, (12, len(time)))


def as_page(signal: Signal) -> PrintedPage:
    return PrintedPage("a", print_page(Recording("a", signal, 500), step=0.005), 500)


@pytest.mark.parametrize("rate", [40, 72, 150, 210])
def test_a_clean_ecg_has_no_fault(rate: float) -> None:
    signal = clean(rate=rate)
    for ecg in (Recording("a", signal, 500), as_page(signal)):
        assert quality_of(ecg) == Quality(1.0, {})


@pytest.mark.parametrize("fs", [100, 250, 360, 1000])
def test_any_rate_of_sampling_will_do(fs: float) -> None:
    assert quality_of(Recording("a", clean(fs=fs), fs)) == Quality(1.0, {})


def _missing(lead: Signal) -> Signal:
    return np.where(np.arange(len(lead)) % 5000 < 2600, np.nan, lead) * np.nan


def _flat(lead: Signal) -> Signal:
    return np.where(np.arange(len(lead)) % 1250 < 1100, lead[0], lead)


def _clipped(lead: Signal) -> Signal:
    low, high = lead.min(), lead.max()
    return 3 * np.clip(lead, low, low + 0.5 * (high - low))


def _noisy(lead: Signal) -> Signal:
    return lead + np.random.default_rng(1).normal(0, 0.08, len(lead))


def _mains(lead: Signal) -> Signal:
    return lead + 0.15 * np.sin(2 * np.pi * 50 * np.arange(len(lead)) / 500)


def _wandering(lead: Signal) -> Signal:
    return lead + 4 * np.sin(2 * np.pi * 0.25 * np.arange(len(lead)) / 500)


FAULTS: dict[str, tuple[str, Callable[[Signal], Signal]]] = {
    "missing": ("missing", _missing),
    "flat": ("flat", _flat),
    "clipped": ("clipped", _clipped),
    "muscle": ("noisy", _noisy),
    "mains": ("noisy", _mains),
    "wander": ("noisy", _wandering),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("printed", [False, True])
def test_a_fault_is_found_in_its_lead(fault: str, printed: bool) -> None:
    reason, damage = FAULTS[fault]
    signal = clean()
    signal[V2] = damage(signal[V2])
    found = quality_of(as_page(signal) if printed else Recording("a", signal, 500))
    assert found.faults == {reason: ("V2",)}
    assert found.score == pytest.approx(14 / 15 if printed else 11 / 12)
    assert found.reasons == f"{reason}(V2)"


def test_a_strip_is_a_lead_of_its_own() -> None:
    page = as_page(clean())
    page.raw[12 + STRIPS.index("II")] = np.nan
    found = quality_of(page)
    assert found.reasons == "missing(II strip)"
    assert found.score == pytest.approx(14 / 15)


def test_a_lead_that_a_recording_lacks_is_missing() -> None:
    found = quality_of(Recording("a", clean()[:10], 500, LEADS[:10]))
    assert found.faults == {"missing": ("V5", "V6")}
    assert found.score == pytest.approx(10 / 12)


def test_short_gaps_cost_their_share_and_nothing_else() -> None:
    signal = clean()
    signal[3, 1000:1500] = np.nan
    found = quality_of(Recording("a", signal, 500))
    assert found.faults == {}
    assert found.score == pytest.approx(1 - 0.1 / 12, abs=1e-3)


def exchanged(signal: Signal, kind: str) -> Signal:
    """The limb leads after two electrodes have been exchanged (Einthoven's relations)."""
    one, two, three, avr, avl, avf = signal[:6]
    limb = {
        "RA/LA": [-one, three, two, avl, avr, avf],
        "RA/LL": [-three, -two, -one, avf, avl, avr],
    }[kind]
    return np.concatenate([limb, signal[6:]])


@pytest.mark.parametrize("kind", ["RA/LA", "RA/LL"])
@pytest.mark.parametrize("printed", [False, True])
def test_exchanged_electrodes_are_named(kind: str, printed: bool) -> None:
    signal = exchanged(clean(), kind)
    found = quality_of(as_page(signal) if printed else Recording("a", signal, 500))
    assert found.reasons == f"swapped({kind})"
    assert found.score == 0.5


@pytest.mark.parametrize("rate", [15, 300])
def test_an_implausible_rate(rate: float) -> None:
    found = quality_of(Recording("a", clean(rate=rate), 500))
    assert "rate" in found.faults
    assert found.score <= 0.5


def test_a_mixed_batch_is_judged_one_by_one() -> None:
    ecgs = [
        Recording("a", clean(), 500),
        as_page(exchanged(clean(1), "RA/LA")),
        Recording("b", clean(2, fs=250), 250),
        as_page(clean(3)),
    ]
    together = assess_quality([overview(ecg) for ecg in ecgs])
    assert together == [quality_of(ecg) for ecg in ecgs]
    assert [quality.reasons for quality in together] == ["", "swapped(RA/LA)", "", ""]
    assert assess_quality([]) == []


def test_faults_of_real_ecgs(ptbxl_dir: Path) -> None:
    """Of a hundred PTB-XL records, few have a fault, and nearly all reversals are found."""
    dataset = open_dataset("ptbxl", ptbxl_dir)
    ecg = dataset.tables.ecg[::23][:100]
    recordings = [
        dataset.read(ptbxl_dir / path, ecg_id)
        for path, ecg_id in zip(ecg["path"], ecg["ecg_id"], strict=True)
    ]
    judged = assess_quality([overview(recording) for recording in recordings])
    assert sum(bool(quality.faults) for quality in judged) <= 15
    reversed_ = [
        overview(Recording("a", exchanged(recording.signal, "RA/LA"), 500))
        for recording in recordings
    ]
    found = [quality.faults.get("swapped") for quality in assess_quality(reversed_)]
    assert found.count(("RA/LA",)) >= 85

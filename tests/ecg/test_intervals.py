from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from acsbench.datasets.clinical_file import read_clinical_file
from acsbench.ecg import Recording, measure
from acsbench.ecg.intervals import angle_between, corrected_qt, frontal_axis
from acsbench.ecg.leads import LIMB_FROM_I_AND_II


def test_at_sixty_beats_per_minute_nothing_is_corrected() -> None:
    assert all(ms == pytest.approx(400) for ms in corrected_qt(400, 60).values())


def test_corrections_of_published_formulas() -> None:
    corrected = corrected_qt(360, 90)  # RR of 2/3 s
    assert corrected["bazett"] == pytest.approx(360 / (2 / 3) ** 0.5)
    assert corrected["fridericia"] == pytest.approx(360 / (2 / 3) ** (1 / 3))
    assert corrected["framingham"] == pytest.approx(360 + 154 / 3)
    assert corrected["hodges"] == pytest.approx(360 + 1.75 * 30)


def test_unknown_stays_unknown() -> None:
    assert np.isnan(list(corrected_qt(np.nan, 60).values())).all()
    assert np.isnan(frontal_axis(0.0, 0.0))
    assert np.isnan(angle_between(np.nan, 30))


@pytest.mark.parametrize("degrees", [-150, -90, -30, 0, 45, 60, 120, 179])
def test_the_axis_of_a_known_dipole(degrees: float) -> None:
    angle = np.radians(degrees)
    one, two = np.cos(angle), np.cos(angle - np.radians(60))
    assert frontal_axis(one, two) == pytest.approx(degrees)
    limb = LIMB_FROM_I_AND_II @ [one, two]
    assert limb[2] == pytest.approx(np.cos(angle - np.radians(120)))  # lead III fits as well


@pytest.mark.parametrize(
    ("one", "other", "between"), [(0, 90, 90), (-170, 170, 20), (10, -170, 180), (5, 5, 0)]
)
def test_angles(one: float, other: float, between: float) -> None:
    assert angle_between(one, other) == pytest.approx(between)


def test_qt_has_no_bias_against_the_typical_lead_and_is_shorter_than_a_global_one(
    ludb_dir: Path,
) -> None:
    """Marks of every tenth record of LUDB; `benchmarks/qt.py` has all of them."""
    typical, whole = [], []
    for header in sorted((ludb_dir / "data").glob("*.hea"))[::10]:
        path = str(header.with_suffix(""))
        record = wfdb.rdrecord(path, physical=False)
        table = measure(Recording("a", record.d_signal.T / 1000, record.fs, record.sig_name))
        onset, qt = table["qrs_onset"].iloc[0], table["qt_interval"].iloc[0]
        marked = [_marked_qt(path, lead, float(onset)) for lead in record.sig_name]
        known = np.array([pair for pair in marked if pair is not None])
        if len(known) >= 6 and np.isfinite(qt):
            typical.append(qt - 2 * np.median(known[:, 1] - known[:, 0]))
            onsets, ends = np.sort(known, axis=0).T
            whole.append(qt - 2 * (ends[-3] - onsets[2]))
    assert len(typical) >= 12
    assert abs(np.median(typical)) <= 8
    assert -30 <= np.median(whole) <= -10


def _marked_qt(path: str, lead: str, onset: float) -> tuple[int, int] | None:
    """QRS onset and T end next to an onset, samples at 500 Hz; None where they are not marked."""
    marks = wfdb.rdann(path, lead)
    symbols, samples = np.array(marks.symbol), marks.sample
    for place in np.flatnonzero(symbols[:-2] == "N"):
        if symbols[place - 1] != "(" or abs(samples[place - 1] - onset) > 40:
            continue
        after = [k for k in range(place, min(place + 5, len(symbols) - 1)) if symbols[k] == "t"]
        if after and symbols[after[0] + 1] == ")":
            return int(samples[place - 1]), int(samples[after[0] + 1])
    return None


@pytest.mark.parametrize(
    ("name", "device"), [("129DYPRG.XML", 476), ("3191723_ZZDEMOPTONLY_1-04_orig.xml", 352)]
)
def test_qt_of_the_sierra_files_is_the_devices_mean(
    vectors: Path, name: str, device: float
) -> None:
    path = vectors.parents[1] / "data" / "formats" / "sierra" / name
    qt = measure(read_clinical_file(path, "a"))["qt_interval"].iloc[0]
    assert qt == pytest.approx(device, abs=12)

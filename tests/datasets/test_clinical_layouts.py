"""The layouts in which devices store an ECG, in each format that can hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from acsbench.datasets.clinical_file import read_clinical_file
from acsbench.ecg.leads import LEADS
from acsbench.errors import DataError
from tests.datasets.clinical_writers import (
    Counts,
    aecg_series,
    aecg_set,
    dicom_group,
    muse_waveform,
    write_aecg_series,
    write_dicom_groups,
    write_muse_waveforms,
    write_scp,
)

MICROVOLTS = 2.5
MIDNIGHT = datetime(2020, 3, 1)
Part = tuple[Sequence[str], float, float]
"""Leads, start and length in seconds."""

COLUMNS: list[Part] = [(LEADS[3 * n : 3 * n + 3], 2.5 * n, 2.5) for n in range(4)]
LAYOUTS: dict[str, list[Part]] = {
    "3x4": COLUMNS,
    "3x4 and II": [*COLUMNS, (("II",), 0, 10)],
    "3 strips before 3x4": [(("V1", "II", "V5"), 0, 10), *COLUMNS],
    "6x2": [(LEADS[:6], 0, 5), (LEADS[6:], 5, 5)],
    "6x2, the later first": [(LEADS[6:], 5, 5), (LEADS[:6], 0, 5)],
    "12": [(LEADS, 0, 10)],
}


@pytest.fixture(scope="module")
def whole() -> Counts:
    rng = np.random.default_rng(0)
    counts = rng.integers(-9, 10, (12, 5000)).cumsum(axis=1)
    counts[:, ::400] += rng.integers(-300, 300, (12, 13))
    return counts


def cut(whole: Counts, part: Part, leads: Sequence[str] = LEADS) -> Counts:
    names, start, seconds = part
    rows = [leads.index(name) for name in names]
    return whole[rows, round(start * 500) : round((start + seconds) * 500)]


def expected(whole: Counts, layout: Sequence[Part]) -> NDArray[np.float64]:
    signal = np.full(whole.shape, np.nan)
    for names, start, seconds in layout:
        for name in names:
            part = slice(round(start * 500), round((start + seconds) * 500))
            signal[LEADS.index(name), part] = whole[LEADS.index(name), part] * MICROVOLTS / 1000
    return signal


def write_dicom_layout(path: Path, whole: Counts, layout: Sequence[Part]) -> None:
    groups = [
        dicom_group(cut(whole, part), part[0], microvolts=MICROVOLTS, start=part[1] + 3.2)
        for part in layout
    ]
    median = dicom_group(whole[:, :600], LEADS, originality="DERIVED", label="MEDIAN BEAT")
    write_dicom_groups(path, median, *groups)


def write_muse_layout(path: Path, whole: Counts, layout: Sequence[Part]) -> None:
    rhythm = [
        muse_waveform(cut(whole, part), part[0], microvolts=MICROVOLTS, start=1000 * part[1])
        for part in layout
    ]
    write_muse_waveforms(path, muse_waveform(whole[:, :600], LEADS, kind="Median"), *rhythm)


def aecg_sets(whole: Counts, layout: Sequence[Part], relative: bool = False) -> list[str]:
    return [
        aecg_set(
            cut(whole, part),
            part[0],
            microvolts=MICROVOLTS,
            absolute=(MIDNIGHT + timedelta(seconds=part[1] - 6)).strftime("%Y%m%d%H%M%S.%f-0600"),
            relative=part[1] if relative else None,
        )
        for part in layout
    ]


def write_scp_layout(path: Path, whole: Counts, layout: Sequence[Part]) -> None:
    rows = [row for part in layout for row in cut(whole, part)]
    names = [name for part in layout for name in part[0]]
    starts = [round(part[1] * 500) + 1 for part in layout for _ in part[0]]
    write_scp(path, rows, names, microvolts=MICROVOLTS, starts=starts)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("write", [write_dicom_layout, write_muse_layout, write_scp_layout])
def test_layouts(tmp_path: Path, whole: Counts, write: Callable[..., None], name: str) -> None:
    write(tmp_path / "a", whole, LAYOUTS[name])
    recording = read_clinical_file(tmp_path / "a", "a")
    assert recording.fs == 500
    np.testing.assert_allclose(recording.signal, expected(whole, LAYOUTS[name]), atol=1e-5)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("series", ["one", "many"])
def test_layouts_of_aecg(
    tmp_path: Path, whole: Counts, name: str, relative: bool, series: str
) -> None:
    sets = aecg_sets(whole, LAYOUTS[name], relative)
    beat = aecg_series(
        aecg_set(whole[:, :600], LEADS, relative=0), code="REPRESENTATIVE_BEAT", tag="derivedSeries"
    )
    if series == "one":
        rhythm = [aecg_series(*sets, derived=beat)]
    else:
        rhythm = [aecg_series(one, derived=beat, low="20200122235954") for one in sets]
    first = aecg_series(aecg_set(whole[:, :600], LEADS), code="REPRESENTATIVE_BEAT")
    write_aecg_series(tmp_path / "a.xml", first, *rhythm)
    recording = read_clinical_file(tmp_path / "a.xml", "a")
    np.testing.assert_allclose(recording.signal, expected(whole, LAYOUTS[name]), atol=1e-5)


@pytest.mark.parametrize(("unit", "fs"), [(1000, 500), (1, 500), (500, 500), (250, 250)])
def test_time_offsets_of_muse_are_in_the_unit_that_fits(
    tmp_path: Path, whole: Counts, unit: int, fs: int
) -> None:
    # Each lead has its own offset in one waveform.
    counts = [cut(whole, part) for part in COLUMNS]
    length = 5 * fs // 2
    rows = np.concatenate([part[:, :length] for part in counts])
    offsets = [2.5 * unit * (row // 3) for row in range(12)]
    write_muse_waveforms(
        tmp_path / "a.xml",
        muse_waveform(rows, LEADS, fs=fs, microvolts=MICROVOLTS, offsets=offsets),
    )
    recording = read_clinical_file(tmp_path / "a.xml", "a")
    assert recording.duration == 10
    for row in range(12):
        part = slice(length * (row // 3), length * (row // 3 + 1))
        np.testing.assert_allclose(
            recording.signal[row, part], rows[row] * MICROVOLTS / 1000, atol=1e-5
        )
        assert np.isfinite(recording.signal[row]).sum() == length


def test_time_offsets_of_muse_that_fit_no_unit(tmp_path: Path, whole: Counts) -> None:
    waveforms = [
        muse_waveform(cut(whole, part), part[0], start=37 * n) for n, part in enumerate(COLUMNS)
    ]
    write_muse_waveforms(tmp_path / "a.xml", *waveforms)
    with pytest.raises(DataError, match=r"GE MUSE XML file: .*whether WaveformStartTime and"):
        read_clinical_file(tmp_path / "a.xml", "a")


def test_a_complete_waveform_of_muse_needs_no_time(tmp_path: Path, whole: Counts) -> None:
    waveforms = [
        muse_waveform(whole[:, :4000], LEADS, microvolts=MICROVOLTS, start=60000),
        muse_waveform(whole, LEADS, microvolts=MICROVOLTS, start=0),
        muse_waveform(whole[1:2], ("II",), microvolts=MICROVOLTS, start=37),
    ]
    write_muse_waveforms(tmp_path / "a.xml", *waveforms)
    with pytest.warns(UserWarning, match="further waveform"):
        signal = read_clinical_file(tmp_path / "a.xml", "a").signal
    np.testing.assert_allclose(signal, whole * MICROVOLTS / 1000, atol=1e-5)


@pytest.mark.parametrize("start", [None, 0])
def test_waveforms_of_muse_without_time_offsets(
    tmp_path: Path, whole: Counts, start: float | None
) -> None:
    waveforms = [muse_waveform(cut(whole, part), part[0], start=start) for part in COLUMNS]
    write_muse_waveforms(tmp_path / "a.xml", *waveforms)
    with pytest.raises(DataError, match="does not say when each of them begins"):
        read_clinical_file(tmp_path / "a.xml", "a")


def test_groups_of_dicom_without_time_offsets(tmp_path: Path, whole: Counts) -> None:
    groups = [dicom_group(cut(whole, part), part[0]) for part in COLUMNS]
    write_dicom_groups(tmp_path / "a", *groups)
    with pytest.raises(DataError, match="does not say when each of them begins"):
        read_clinical_file(tmp_path / "a", "a")


@pytest.mark.parametrize("order", [1, -1])
def test_the_longest_original_group_is_the_ecg(tmp_path: Path, whole: Counts, order: int) -> None:
    groups = [
        dicom_group(whole[:, :600], LEADS, originality="DERIVED"),
        dicom_group(whole[:, :600], LEADS, label="Representative beat"),
        dicom_group(whole[:, 600:1600], LEADS),
        dicom_group(whole, LEADS, originality="DERIVED", label="RHYTHM"),
        dicom_group(whole[:, 1600:5000], LEADS, microvolts=MICROVOLTS),
        dicom_group(whole[:1], ("II",), label="RHYTHM STRIP"),
    ]
    write_dicom_groups(tmp_path / "a", *groups[::order])
    with pytest.warns(UserWarning, match="further waveform of an ECG file is not used"):
        signal = read_clinical_file(tmp_path / "a", "a").signal
    np.testing.assert_allclose(signal, whole[:, 1600:5000] * MICROVOLTS / 1000, atol=1e-5)


@pytest.mark.parametrize(
    "write",
    [
        lambda path, counts: write_dicom_groups(
            path, dicom_group(counts, LEADS, label="MEDIAN BEAT", originality="DERIVED")
        ),
        lambda path, counts: write_muse_waveforms(
            path, muse_waveform(counts, LEADS, kind="Median")
        ),
        lambda path, counts: write_aecg_series(
            path, aecg_series(aecg_set(counts, LEADS), code="REPRESENTATIVE_BEAT")
        ),
    ],
)
def test_a_file_of_averaged_beats_is_refused(
    tmp_path: Path, whole: Counts, write: Callable[..., None]
) -> None:
    write(tmp_path / "a", whole[:, :600])
    with pytest.raises(DataError, match="no recorded waveform, only averaged beats"):
        read_clinical_file(tmp_path / "a", "a")


@pytest.mark.parametrize(
    ("file", "answer"),
    [
        ("muse-xml-gb2312/r2.xml", "muse-xml-gb2312/expected_short.npz"),
        ("dicom-median-beat-first/r1.dcm", "dicom-median-beat-first/expected.npz"),
        ("dicom-median-beat-first/r2.dcm", "dicom-median-beat-first/expected.npz"),
        ("minus-avr/r3.xml", "minus-avr/expected_half.npz"),
    ],
)
def test_cases(cases: Path, file: str, answer: str, recwarn: pytest.WarningsRecorder) -> None:
    recording = read_clinical_file(cases / file, "a")
    with np.load(cases / answer) as arrays:
        right = arrays["microvolts"] / 1000
    assert recording.fs == 500
    # The answer's limb leads are rounded to whole microvolts.
    np.testing.assert_allclose(recording.signal, right, atol=0.0006)
    assert not recwarn.list

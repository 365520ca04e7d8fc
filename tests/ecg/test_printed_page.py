from pathlib import Path

import numpy as np
import pytest

from acsbench.ecg import Recording, measure
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import STRIPS, PrintedPage, print_page, recording_from_print


def test_completeness(noise_recording: Recording) -> None:
    page = print_page(noise_recording)
    assert PrintedPage("a", page, 500).completeness == 1
    page[5] = np.nan
    page[13, :300] = np.nan
    assert PrintedPage("a", page, 500).completeness == pytest.approx(1 - 1550 / 30000)


def test_a_lead_beyond_its_quarter_makes_up_for_nothing(noise_recording: Recording) -> None:
    page = print_page(noise_recording)
    page[0, 1250:1260] = 0
    page[3, 1250:1260] = np.nan
    assert PrintedPage("a", page, 500).completeness == pytest.approx(1 - 10 / 30000)


def test_strips_take_the_place_of_their_leads(noise_recording: Recording) -> None:
    raw = print_page(noise_recording)
    raw[14] = np.nan
    recording = recording_from_print(PrintedPage("a", raw, 500))
    assert (recording.leads, recording.duration) == (LEADS, 10)
    samples = dict(zip(LEADS, np.isfinite(recording.signal).sum(axis=1), strict=True))
    assert [samples[lead] for lead in STRIPS] == [5000, 5000, 1250]
    assert samples["aVR"] == 1250


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="15, samples"):
        PrintedPage("a", np.zeros((12, 5000)), 500)


def test_what_is_measured_on_prints_is_near_what_the_whole_ecg_gives(vectors: Path) -> None:
    differences = []
    for file in sorted(vectors.glob("print-*.npz")):
        with np.load(file) as vector:
            printed = measure(recording_from_print(PrintedPage("a", vector["raw"], 500)))
            whole = measure(Recording("a", vector["truth"], 500))
            missing = np.isnan(vector["raw"][:12]).all(axis=1) & ~np.isin(LEADS, STRIPS)
        assert printed["heart_rate"][0] == pytest.approx(whole["heart_rate"][0], abs=1)
        np.testing.assert_array_equal(printed["st60"].isna(), missing)
        differences.append(printed[["st60", "t_amplitude"]] - whole[["st60", "t_amplitude"]])
    st60, t_amplitude = np.abs(np.concatenate(differences)).T
    assert np.nanmedian(st60) < 0.01
    assert np.nanmax(st60) < 0.06
    assert np.nanmedian(t_amplitude) < 0.02
    assert np.nanmax(t_amplitude) < 0.12

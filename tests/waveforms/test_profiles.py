from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets.nightingale import open_nightingale
from acsbench.ecg.filters import bandpass
from acsbench.ecg.printed import DIGITISATION_STEP, PrintedPage, print_page
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError
from acsbench.waveforms.process import Source, measured_signs, process
from acsbench.waveforms.profiles import STUDY_BAND, get_profile, standardise, study_rows
from acsbench.waveforms.store import open_store
from tests.datasets.nightingale.builder import MISSING_LEAD, nightingale_folder


def test_a_page_gives_the_rows_of_the_recording_it_was_printed_from(
    noise_recording: Recording,
) -> None:
    page = PrintedPage("a", print_page(noise_recording, step=DIGITISATION_STEP), 500)
    assert standardise(page) is page
    np.testing.assert_array_equal(study_rows(page), study_rows(noise_recording))


def test_rows_equal_the_studys(vectors: Path) -> None:
    with np.load(vectors / "print-01511-gaps.npz") as vector:
        page = PrintedPage("a", vector["raw"], 500)
        expected = bandpass(vector["three_rows"], 500, **STUDY_BAND)
    np.testing.assert_allclose(study_rows(page), expected, atol=1e-9)


@pytest.mark.parametrize(("samples", "fs"), [(4999, 500), (6000, 500), (5000, 250)])
def test_another_page_is_refused(samples: int, fs: float) -> None:
    with pytest.raises(DataError, match="5000 at 500 Hz are needed"):
        standardise(PrintedPage("a", np.zeros((15, samples)), fs))


def test_signs_of_a_page(vectors: Path) -> None:
    with np.load(vectors / "print-17237-missing-lead.npz") as vector:
        signs = measured_signs(PrintedPage("a", vector["raw"], 500))
        whole = measured_signs(Recording("a", vector["truth"], 500))
    assert signs.keys() == whole.keys()
    assert [name for name, value in signs.items() if np.isnan(value)] == [
        "st60_V2",
        "t_amplitude_V2",
    ]
    assert signs["heart_rate"] == pytest.approx(whole["heart_rate"], abs=1)


def test_pages_go_into_a_store(tmp_path: Path) -> None:
    dataset = open_nightingale(nightingale_folder(tmp_path))
    ecg = dataset.tables.ecg[:24]
    sources = [
        Source(ecg_id, dataset.root / path, "ecg-metadata.csv", int(row), "ecg_id")
        for ecg_id, path, row in zip(ecg["ecg_id"], ecg["path"], ecg["source_row"], strict=True)
    ]
    process(sources, dataset.read, tmp_path / "store", get_profile("study-rows"), input_hash="x")
    store = open_store(tmp_path / "store")
    page = dataset.read(sources[3].path, sources[3].ecg_id)
    np.testing.assert_allclose(store.read(np.array([3]))[0], study_rows(page), atol=0.51e-3)
    assert store.index["quality"].min() == pytest.approx(1 - 1250 / 30000)
    assert store.index["quality"].idxmin() == MISSING_LEAD - 2

from pathlib import Path

import numpy as np
import pytest

from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import print_page, rows_from_print, rows_of_each
from acsbench.ecg.recording import Recording


def test_rows_equal_the_studys(vectors: Path) -> None:
    files = sorted(vectors.glob("print-*.npz"))
    assert len(files) == 9
    for file in files:
        with np.load(file) as vector:
            rows = rows_from_print(vector["raw"])
            np.testing.assert_allclose(rows, vector["three_rows"], rtol=0, atol=1e-9)


def test_a_cut_page_equals_the_studys(vectors: Path) -> None:
    with np.load(vectors / "print-00199.npz") as vector:
        page = print_page(Recording("a", vector["truth"], 500, LEADS), step=0.005)
        np.testing.assert_allclose(page, vector["raw"], rtol=0, atol=1e-9)


def test_page_shows_each_lead_in_its_quarter(noise_recording: Recording) -> None:
    page = print_page(noise_recording)
    shown = np.isfinite(page)
    for number in range(12):
        np.testing.assert_array_equal(
            np.flatnonzero(shown[number]) // 1250, np.full(1250, number // 3)
        )
    assert shown[12:].all()
    np.testing.assert_array_equal(page[12:], noise_recording.select(["V1", "II", "V5"]))


def test_mode_is_the_smallest_of_the_most_frequent() -> None:
    page = np.full((15, 8), np.nan)
    page[0, :5] = [3.0, 1.0, 1.0, 2.0, 2.0]
    rows = rows_from_print(page)
    np.testing.assert_array_equal(rows[0], [2, 0, 0, 1, 1, 0, 0, 0])
    assert not rows[1:].any()


def test_modes_beside_the_grid_are_counted_value_by_value() -> None:
    """Values of one grid point that differ, and a range too large for a grid."""
    page = np.full((12, 5000), np.nan)
    page[0, :6] = [0.101, 0.1, 0.1, 0.101, 0.101, 0.3]
    page[3, 10:15] = [-5e6, 7e6, 7e6, 0.0, 1.0]
    rows = rows_from_print(page)
    np.testing.assert_allclose(rows[0, :6], [0, -0.001, -0.001, 0, 0, 0.199], atol=1e-12)
    np.testing.assert_allclose(rows[0, 10:15], np.array([-12e6, 0, 0, -7e6, 1 - 7e6]))
    page[3] = np.nan
    np.testing.assert_allclose(rows_from_print(page)[0, :6], rows[0, :6])


def test_overlapping_borders_add() -> None:
    page = np.full((12, 6), np.nan)
    page[0, :4] = [0, 0, 0, 1]
    page[3, 3:] = [2, 0, 0]
    np.testing.assert_array_equal(rows_from_print(page)[0], [0, 0, 0, 3, 0, 0])


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="15, samples"):
        rows_from_print(np.zeros((3, 5000)))
    with pytest.raises(ValueError, match="V6"):
        print_page(Recording("a", np.zeros((11, 5000)), 500, LEADS[:11]))


@pytest.mark.parametrize("samples", [5000, 4998])
def test_a_gap_changes_nothing_but_itself(noise_recording: Recording, samples: int) -> None:
    """A print that is whole and one with a gap go different ways to the same rows."""
    page = print_page(noise_recording, step=0.005)[:, :samples]
    whole = rows_from_print(page)
    page[4, 2000] = np.nan
    torn = rows_from_print(page)
    assert torn[1, 2000] == 0
    torn[1, 2000] = whole[1, 2000]
    np.testing.assert_allclose(torn, whole, atol=1e-12)


def test_pages_together_have_the_rows_of_each_by_itself(vectors: Path) -> None:
    pages = [np.load(file)["raw"] for file in sorted(vectors.glob("print-*.npz"))]
    pages[2] = pages[2] + 1e-4 * np.arange(5000)  # off the grid
    for page, rows in zip(pages, rows_of_each(pages), strict=True):
        np.testing.assert_array_equal(rows, rows_from_print(page))

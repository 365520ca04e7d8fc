from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from numpy.typing import NDArray

from acsbench.ecg import Recording, print_page, twelve_leads_from_print
from acsbench.ecg.filters import bandpass
from acsbench.ecg.leads import LEADS, limb_leads
from acsbench.ecg.printed import STRIPS
from acsbench.ecg.twelve_leads import reconstruct_twelve_leads

Array = NDArray[np.float64]
FS = 500
PREDICTED = [number for number, lead in enumerate(LEADS) if lead not in STRIPS]
STRIP_LEADS = [LEADS.index(lead) for lead in STRIPS]


def printed(truth: Array, fs: float = FS) -> Array:
    return print_page(Recording("a", truth, fs), step=0.005)


def hidden_rmse(truth: Array, found: Array, page: Array) -> Array:
    """Over the samples that were not printed, shape (12,); NaN for leads with strips."""
    hidden = np.isnan(page[:12])
    hidden[STRIP_LEADS] = False
    squared = np.where(hidden, np.square(truth - found), 0).sum(axis=1)
    return np.sqrt(squared[PREDICTED] / hidden[PREDICTED].sum(axis=1))


def sketch(page: Array) -> Array:
    """Ridge regression of each lead on the strips at nine delays, on its own quarter."""
    strips = np.pad(page[12:], ((0, 0), (8, 8)), mode="edge")
    design = np.vstack([strips[:, 8 + lag : 8 + lag + 5000] for lag in range(-8, 9, 2)])
    leads = page[:12].copy()
    for lead in leads:
        known = np.isfinite(lead)
        gram = design[:, known] @ design[:, known].T
        gram += 1e-3 * np.trace(gram) / 27 * np.eye(27)
        weights = np.linalg.solve(gram, design[:, known] @ lead[known])
        lead[~known] = weights @ design[:, ~known]
    return leads


@pytest.fixture(scope="module")
def held_out(ptbxl_dir: Path) -> list[Array]:
    """Real ECGs of patients whom the priors have not seen, without wander."""
    return read(ptbxl_dir, lambda table: table.index % 24 == 0)


def read(folder: Path, chosen) -> list[Array]:
    table = pd.read_csv(folder / "ptbxl_database.csv")
    table = table[table["strat_fold"] >= 5].reset_index(drop=True)
    files = table.loc[chosen(table), "filename_hr"]
    records = [wfdb.rdrecord(str(folder / file)).p_signal.T for file in files]
    return [bandpass(record, FS) for record in records]


@pytest.fixture(scope="module")
def truth(vectors: Path) -> Array:
    with np.load(vectors / "print-06309.npz") as vector:
        return bandpass(vector["truth"], FS)


def test_median_beat_equals_the_studys(vectors: Path) -> None:
    files = sorted(vectors.glob("print-*.npz"))
    assert len(files) == 9
    for file in files:
        with np.load(file) as vector:
            found = twelve_leads_from_print(
                vector["raw"], method="median-beat", r_peaks=vector["r_peaks"]
            )
            np.testing.assert_allclose(found, vector["twelve_leads"], rtol=0, atol=1e-6)


def test_regression_keeps_what_was_printed_and_obeys_einthoven(vectors: Path) -> None:
    for file in sorted(vectors.glob("print-*.npz")):
        with np.load(file) as vector:
            page = vector["raw"]
        before = page.copy()
        found = twelve_leads_from_print(page)
        np.testing.assert_array_equal(page, before)
        assert found.shape == (12, 5000)
        assert np.isfinite(found).all()
        known = np.isfinite(page)
        np.testing.assert_array_equal(found[known[:12]], page[:12][known[:12]])
        np.testing.assert_array_equal(found[STRIP_LEADS][known[12:]], page[12:][known[12:]])
        # Where no limb lead but II was printed, all come from I and II alone.
        unprinted = ~known[[0, 2, 3, 4, 5]].any(axis=0)
        assert unprinted.sum() > 2400
        expected = limb_leads(found[0], found[1])
        np.testing.assert_allclose(found[:6, unprinted], expected[:, unprinted], atol=1e-12)
        # Elsewhere the printed ones differ by what they were rounded by.
        np.testing.assert_allclose(found[:6], expected, atol=0.011)


def test_regression_is_nearer_the_truth_than_the_sketch_and_the_median_beat(
    held_out: list[Array],
) -> None:
    assert len(held_out) > 40
    errors, correlations = {}, []
    for truth in held_out:
        page = printed(truth)
        found = twelve_leads_from_print(page)
        correlations.append(
            np.mean(
                [
                    np.corrcoef(truth[k, hidden], found[k, hidden])[0, 1]
                    for k in PREDICTED
                    if (hidden := np.isnan(page[k])).any()
                ]
            )
        )
        for name, leads in (
            ("regression", found),
            ("sketch", sketch(page)),
            ("median-beat", twelve_leads_from_print(page, "median-beat")),
        ):
            errors.setdefault(name, []).append(hidden_rmse(truth, leads, page).mean())
    median = {name: np.median(values) for name, values in errors.items()}
    assert np.median(correlations) > 0.975
    assert median["regression"] < 0.026
    assert median["regression"] < 0.8 * median["sketch"]
    assert median["sketch"] < median["median-beat"]
    better = np.array(errors["regression"]) < np.array(errors["sketch"])
    assert better.mean() > 0.9


@pytest.mark.parametrize("code", ["PACE", "PVC", "AFIB", "CLBBB"])
def test_irregular_and_wide_beats(ptbxl_dir: Path, code: str) -> None:
    def chosen(table: pd.DataFrame) -> pd.Series:
        found = table["scp_codes"].str.contains(f"'{code}'")
        return found & (found.cumsum() <= 8)

    records = read(ptbxl_dir, chosen)
    assert len(records) >= 5
    errors = []
    for truth in records:
        page = printed(truth)
        errors.append(
            [
                hidden_rmse(truth, method(page), page).mean()
                for method in (twelve_leads_from_print, sketch)
            ]
        )
    ours, others = np.median(errors, axis=0)
    assert ours < 0.9 * others


def test_lead_i_is_known_as_long_as_any_two_limb_leads_are(truth: Array) -> None:
    page = printed(truth)
    page[0] = np.nan
    found = twelve_leads_from_print(page)
    np.testing.assert_allclose(found[0, :2500], truth[0, :2500], atol=0.011)
    np.testing.assert_allclose(found[4, :1250], truth[4, :1250], atol=0.011)


def test_expected_error_is_of_the_size_of_the_error(held_out: list[Array]) -> None:
    expected, actual = [], []
    for truth in held_out[::2]:
        page = printed(truth)
        found = reconstruct_twelve_leads(page)
        np.testing.assert_array_equal(found.signal, twelve_leads_from_print(page))
        assert not found.error[STRIP_LEADS].any()
        expected.append(found.error[PREDICTED])
        actual.append(hidden_rmse(truth, found.signal, page))
    ratio = np.ravel(actual) / np.ravel(expected)
    assert 0.6 < np.median(ratio) < 1.4
    assert np.corrcoef(np.log(np.ravel(actual)), np.log(np.ravel(expected)))[0, 1] > 0.4


@pytest.mark.parametrize("lost", [[12], [13], [14], [12, 14], [13, 14]])
def test_a_lost_strip_is_predicted_from_its_own_quarter(truth: Array, lost: list[int]) -> None:
    whole = printed(truth)
    page = whole.copy()
    page[lost] = np.nan
    found, best = reconstruct_twelve_leads(page), reconstruct_twelve_leads(whole)
    assert np.isfinite(found.signal).all()
    known = np.isfinite(page[:12])
    np.testing.assert_array_equal(found.signal[known], page[:12][known])
    leads = [STRIP_LEADS[row - 12] for row in lost]
    assert (found.error[leads] > 0.003).all()
    error = np.sqrt(np.square(found.signal - truth).mean(axis=1))
    assert (error[leads] < 0.6 * truth[leads].std(axis=1)).all()
    assert error.mean() > np.sqrt(np.square(best.signal - truth).mean(axis=1)).mean()


def test_without_any_strip_nothing_is_made_up(truth: Array) -> None:
    page = printed(truth)
    page[12:] = np.nan
    found = reconstruct_twelve_leads(page)
    assert np.isnan(found.error).all()
    known = np.isfinite(page[:12])
    np.testing.assert_array_equal(found.signal[known], page[:12][known])
    np.testing.assert_allclose(found.signal[:6, :2500], truth[:6, :2500], atol=0.011)
    assert not found.signal[6:][~known[6:]].any()
    assert not twelve_leads_from_print(np.full((15, 5000), np.nan)).any()


def test_gaps_are_closed(truth: Array) -> None:
    page = printed(truth)
    page[13, 2000:2010] = np.nan  # two limb leads are printed there, which tell II
    page[12, 400:410] = np.nan  # bridged
    page[14, 3000:3400] = np.nan  # predicted from the other strips
    page[7, 3000:3012] = np.nan
    found = reconstruct_twelve_leads(page)
    assert np.isfinite(found.signal).all()
    np.testing.assert_allclose(found.signal[1, 2000:2010], truth[1, 2000:2010], atol=0.011)
    assert np.abs(found.signal[6, 400:410] - truth[6, 400:410]).max() < 0.1
    assert np.abs(found.signal[7, 3000:3012] - truth[7, 3000:3012]).max() < 0.1
    lost = found.signal[10, 3000:3400] - truth[10, 3000:3400]
    assert np.sqrt(np.square(lost).mean()) < 0.5 * truth[10].std()


def test_a_lead_that_was_not_printed_has_the_error_of_an_average_patient(truth: Array) -> None:
    page = printed(truth)
    best = reconstruct_twelve_leads(page)
    page[7] = np.nan
    found = reconstruct_twelve_leads(page)
    assert found.error[7] > 2 * best.error[7]
    assert np.corrcoef(found.signal[7], truth[7])[0, 1] > 0.7
    others = [lead for lead in range(12) if lead != 7]
    np.testing.assert_array_equal(found.signal[others], best.signal[others])


@pytest.mark.parametrize(("fs", "samples"), [(250, 2500), (1000, 10000), (360, 3599)])
def test_other_rates(truth: Array, fs: float, samples: int) -> None:
    time = np.arange(samples) / fs
    resampled = np.array([np.interp(time, np.arange(5000) / FS, lead) for lead in truth])
    page = printed(resampled, fs)
    found = twelve_leads_from_print(page, fs=fs)
    assert found.shape == (12, samples)
    error = hidden_rmse(resampled, found, page).mean()
    page = printed(truth)
    reference = hidden_rmse(truth, twelve_leads_from_print(page), page).mean()
    assert error < 1.25 * reference


def test_flat_and_silent_pages() -> None:
    flat = np.zeros((15, 5000))
    for method in ("regression", "median-beat"):
        assert not twelve_leads_from_print(flat, method).any()
    rng = np.random.default_rng(1)
    noise = print_page(Recording("a", rng.normal(0, 0.02, (12, 5000)), FS))
    assert np.isfinite(twelve_leads_from_print(noise)).all()
    assert np.isfinite(twelve_leads_from_print(noise, r_peaks=[])).all()
    assert np.isfinite(twelve_leads_from_print(noise, r_peaks=[2500])).all()


def test_one_flat_lead_stays_flat_where_it_was_printed(truth: Array) -> None:
    page = printed(truth)
    page[8, 2500:3750] = 0
    found = twelve_leads_from_print(page)
    assert np.abs(found[8]).max() < 0.5 * np.abs(truth[8]).max()


def test_same_page_same_leads(truth: Array) -> None:
    page = printed(truth)
    first = twelve_leads_from_print(page)
    infinite = page.copy()
    infinite[np.isnan(page)] = np.inf
    np.testing.assert_array_equal(twelve_leads_from_print(page), first)
    np.testing.assert_array_equal(twelve_leads_from_print(infinite), first)


def test_what_is_no_page_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"shape \(15, samples\), not \(12, 5000\)"):
        twelve_leads_from_print(np.zeros((12, 5000)))
    with pytest.raises(ValueError, match="2 s are needed"):
        twelve_leads_from_print(np.zeros((15, 900)))
    with pytest.raises(ValueError, match="2 s are needed"):
        reconstruct_twelve_leads(np.zeros((15, 5000)), fs=0)
    with pytest.raises(ValueError, match="regression and median-beat"):
        twelve_leads_from_print(np.zeros((15, 5000)), method="average")  # type: ignore[arg-type]


def test_limb_leads_that_contradict_einthoven_are_predicted_one_by_one(truth: Array) -> None:
    scaled = truth * np.array([1.6, 1, 0.7, 1.2, 2, 0.8] + [1.0] * 6)[:, None]
    page = printed(scaled)
    found = reconstruct_twelve_leads(page)
    known = np.isfinite(page[:12])
    np.testing.assert_array_equal(found.signal[known], page[:12][known])
    error = np.sqrt(np.square(found.signal - scaled).mean(axis=1))
    assert (error[:6] < 0.35 * scaled[:6].std(axis=1)).all()
    assert (found.error[[0, 2, 3, 4, 5]] > 0).all()
    assert np.isfinite(found.error).all()


def test_pages_together_are_as_each_by_itself(vectors: Path) -> None:
    pages = [np.load(file)["raw"] for file in sorted(vectors.glob("print-*.npz"))]
    broken = pages[0].copy()
    broken[12], broken[14, 3000:3400], broken[:2] = np.nan, np.nan, 1.3 * broken[:2]
    silent = pages[1].copy()
    silent[12:] = np.nan
    pages = np.stack([*pages, broken, silent])
    together = reconstruct_twelve_leads(pages)
    assert together.signal.shape == (len(pages), 12, 5000)
    for page, signal, error in zip(pages, together.signal, together.error, strict=True):
        alone = reconstruct_twelve_leads(page)
        np.testing.assert_array_equal(signal, alone.signal)
        np.testing.assert_array_equal(error, alone.error)
    single = twelve_leads_from_print(pages.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, together.signal, atol=1e-3)
    beats = twelve_leads_from_print(pages, "median-beat")
    np.testing.assert_array_equal(beats[3], twelve_leads_from_print(pages[3], "median-beat"))
    with pytest.raises(ValueError, match="one page only"):
        twelve_leads_from_print(pages, r_peaks=[100])

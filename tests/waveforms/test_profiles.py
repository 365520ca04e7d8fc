from pathlib import Path

import numpy as np
import pytest
from scipy import signal as sps

from acsbench.ecg import twelve_leads_from_print
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, PrintedPage, print_page
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError, DataError
from acsbench.waveforms.profiles import HUBERT_BAND, PROFILES, STUDY_BAND, get_profile
from acsbench.waveforms.shard import to_integers
from acsbench.waveforms.standard import StandardEcgs, standardise

REFERENCE = Path(__file__).with_name("prepared_elsewhere.npz")


def prepared(name: str, *ecgs: Recording | PrintedPage) -> np.ndarray:
    return get_profile(name).prepare(StandardEcgs([standardise(ecg) for ecg in ecgs]))


@pytest.mark.parametrize("name", PROFILES)
def test_shape_and_what_is_recorded(name: str, noise_recording: Recording) -> None:
    profile = get_profile(name)
    values = prepared(name, noise_recording, noise_recording)
    assert values.shape == (2, len(profile.rows), profile.samples)
    np.testing.assert_array_equal(values[0], values[1])
    # Nothing is clipped on the way to integers, and rounding is finer than a step.
    stored = to_integers(values, profile.scale) * profile.scale
    np.testing.assert_allclose(stored, values, atol=0.51 * profile.scale)
    assert {"from_recording", "from_print"} <= profile.parameters.keys()
    assert profile.description


def test_a_page_gives_the_rows_of_the_recording_it_was_printed_from(
    noise_recording: Recording,
) -> None:
    page = PrintedPage("a", print_page(noise_recording, step=DIGITISATION_STEP), 500)
    for name in ("study-rows", "study-leads"):
        np.testing.assert_array_equal(prepared(name, page), prepared(name, noise_recording))


@pytest.mark.parametrize("name", ["print-01511-gaps", "print-17237-missing-lead", "print-10800"])
def test_study_rows_equal_the_studys(vectors: Path, name: str) -> None:
    with np.load(vectors / f"{name}.npz") as vector:
        rows = prepared("study-rows", PrintedPage("a", vector["raw"], 500))[0]
        sections = sps.butter(5, (0.5, 50), "bandpass", fs=500, output="sos")
        expected = sps.sosfiltfilt(sections, vector["three_rows"], axis=-1, padlen=33)
    np.testing.assert_allclose(rows, expected, atol=2e-5)  # single precision
    assert PROFILES["study-rows"].parameters["bandpass"] == STUDY_BAND


@pytest.mark.parametrize("name", PROFILES)
def test_prints_of_the_study_give_the_same_alone_and_among_others(vectors: Path, name: str) -> None:
    raws = [np.load(path)["raw"] for path in sorted(vectors.glob("print-*.npz"))]
    pages = [PrintedPage("a", raw, 500) for raw in raws]
    for page, values in zip(pages, prepared(name, *pages), strict=True):
        np.testing.assert_array_equal(values, prepared(name, page)[0])


@pytest.mark.parametrize("name", PROFILES)
def test_an_ecg_gives_the_same_alone_and_among_others(name: str) -> None:
    pages = simulated_pages()
    ecgs = [page for number in range(5) for page in (*pages, halved(pages[0], 1 + number))]
    for ecg, values in zip(ecgs, prepared(name, *ecgs), strict=True):
        np.testing.assert_array_equal(values, prepared(name, ecg)[0])


@pytest.mark.parametrize("name", PROFILES)
def test_another_processor_gives_nearly_the_same(name: str) -> None:
    with np.load(REFERENCE) as reference:
        elsewhere = reference[name] * get_profile(name).scale
    here = prepared(name, *simulated_pages())[..., ::7]
    # As docs/reference/waveforms.md promises: 2 µV, or 0.002 of a signal from -1 to 1.
    np.testing.assert_allclose(here, elsewhere, rtol=0, atol=0.002)
    assert np.abs(elsewhere).max() > 0.3


def simulated_pages() -> list[PrintedPage]:
    """The prints in the reference, which `benchmarks/blas_kernels.py --reference` wrote."""
    with np.load(REFERENCE) as reference:
        steps = reference["steps"].astype(np.float64)
    steps[steps == -32768] = np.nan
    return [PrintedPage("a", page * DIGITISATION_STEP, 500) for page in steps]


def halved(page: PrintedPage, part: int) -> PrintedPage:
    """A page that shows less, so that not all pages look alike."""
    raw = page.raw * 0.5
    raw[3 : 3 + part] = np.nan
    return PrintedPage("b", raw, 500)


def test_study_leads_are_the_studys_method_unfiltered(vectors: Path) -> None:
    with np.load(vectors / "print-00199.npz") as vector:
        page = PrintedPage("a", vector["raw"], 500)
        expected = twelve_leads_from_print(vector["raw"], method="median-beat")
    np.testing.assert_allclose(prepared("study-leads", page)[0], expected, atol=1e-6)


def test_leads_of_a_recording_are_as_measured(noise_recording: Recording) -> None:
    np.testing.assert_array_equal(prepared("leads", noise_recording)[0], noise_recording.signal)


def test_leads_of_a_page_are_its_own_where_it_shows_them(vectors: Path) -> None:
    with np.load(vectors / "print-00199.npz") as vector:
        raw = vector["raw"]
    leads = prepared("leads", PrintedPage("a", raw, 500))[0]
    assert np.isfinite(leads).all()
    inside = np.isfinite(raw[:12])
    inside &= np.roll(inside, 40, axis=1) & np.roll(inside, -40, axis=1)  # borders are blended
    # Within a step of the digitisation: V1, II and V5 are taken from their strips.
    np.testing.assert_allclose(leads[inside], raw[:12][inside], atol=DIGITISATION_STEP)


def test_a_missing_lead_and_a_gap_stay_unknown(noise_recording: Recording) -> None:
    signal = noise_recording.signal[:11].copy()
    signal[2, 1000:1500] = np.nan
    ecg = Recording("a", signal, 500, LEADS[:11])
    leads = prepared("leads", ecg)[0]
    assert np.isnan(leads[11]).all()
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(leads[2])), np.arange(1000, 1500))
    hubert = prepared("hubert", ecg)[0]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(hubert[2])), np.arange(200, 300))
    # Of the three rows, a missing sample counts as 0, as in the study.
    assert np.isfinite(prepared("study-rows", ecg)).all()


def test_hubert_is_filtered_scaled_and_thinned_lead_by_lead(noise_recording: Recording) -> None:
    """Against SciPy's own filters, one lead at a time, as HuBERT-ECG's code calls them."""
    taps = sps.firwin(151, (0.05, 47.0), fs=500, pass_zero=False)
    assert HUBERT_BAND["order"] == 150
    for lead, values in zip(
        noise_recording.signal, prepared("hubert", noise_recording)[0], strict=True
    ):
        filtered = sps.filtfilt(taps, [1.0], lead.astype(np.float64))
        low, high = filtered.min(), filtered.max()
        expected = sps.decimate(2 * (filtered - low) / (high - low + 1e-8) - 1, 5)
        # Single precision; a twentieth of the step of what is stored.
        np.testing.assert_allclose(values, expected, atol=3e-6)


def test_a_profile_can_be_resampled(noise_recording: Recording) -> None:
    profile = get_profile("study-rows@250")
    assert (profile.samples, profile.fs) == (2500, 250)
    assert profile.parameters["resampled_hz"] == 250
    time = np.arange(5000) / 500
    slow = Recording("a", np.tile(np.sin(2 * np.pi * 5 * time), (12, 1)), 500)
    values = prepared("leads@250", slow)[0, 0]
    np.testing.assert_allclose(
        values[100:-100], np.sin(2 * np.pi * 5 * time[::2])[100:-100], atol=5e-3
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("study-row", "did you mean 'study-rows'"),
        ("leads@", "rate must be from 100 to 500"),
        ("leads@1000", "rate must be from 100 to 500"),
        ("hubert@99", "rate must be from 100 to 100"),
    ],
)
def test_a_wrong_profile_is_told_in_words(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        get_profile(name)


@pytest.mark.parametrize(("samples", "fs"), [(4999, 500), (6000, 500), (5000, 250)])
def test_another_page_is_refused(samples: int, fs: float) -> None:
    with pytest.raises(DataError, match="5000 at 500 Hz are needed"):
        standardise(PrintedPage("a", np.zeros((15, samples)), fs))


@pytest.mark.parametrize(
    ("signal", "fs", "words"),
    [
        (np.ones((12, 4000)), 500, "lasts 8.00 s"),
        (np.ones((12, 900)), 90, "rate of 90 Hz"),
        (40 * np.eye(12, 5000), 500, "beyond 30 mV"),
        (-40 * np.eye(12, 5000), 500, "beyond 30 mV"),
        (np.ones((12, 5000)), 500, "only flat leads"),
        (np.full((12, 5000), np.nan), 500, "only flat leads"),
    ],
)
def test_what_is_no_ecg_is_refused(signal: np.ndarray, fs: float, words: str) -> None:
    with pytest.raises(DataError, match=words):
        standardise(Recording("a", signal, fs))


def test_leads_come_in_the_standard_order_at_500_hz() -> None:
    time = np.arange(2500) / 250
    signal = np.stack([np.sin(2 * np.pi * time), np.cos(2 * np.pi * time)])
    ecg = standardise(Recording("a", signal, 250, ["V1", "I"]))
    assert isinstance(ecg, Recording)
    assert (ecg.leads, ecg.signal.shape, ecg.fs) == (LEADS, (12, 5000), 500)
    assert np.isnan(ecg.signal[1:6]).all()
    np.testing.assert_allclose(ecg.signal[6, 500:-500:2], signal[0, 250:-250], atol=1e-2)

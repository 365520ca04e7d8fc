import numpy as np
import pytest

from acsbench.ecg.effect_page import effect_page, signed
from acsbench.ecg.effects import (
    PARTS,
    averaged_over_beats,
    beats_of,
    effects_by_part,
    is_printed,
    leads_from_rows,
)
from acsbench.ecg.leads import LEADS
from acsbench.evaluation.topics.examples import printed_page

ROWS = ("I+aVR+V1+V4", "II+aVL+V2+V5", "III+aVF+V3+V6")
FS = 500.0
R_PEAKS = np.arange(300, 5000, 400)
SIZES = np.array([1.0, -0.6, 0.8])


@pytest.fixture
def rows() -> np.ndarray:
    """Three rows of regular beats: P 80 ms wide, QRS 20 ms, T 100 ms (standard deviations / 2)."""
    time = np.arange(5000)
    beat = np.zeros(5000)
    for peak in R_PEAKS:
        for shift, height, width in ((-80, 0.15, 12), (0, 1.0, 5), (130, 0.3, 22)):
            beat += height * np.exp(-0.5 * ((time - peak - shift) / width) ** 2)
    noise = np.random.default_rng(0).normal(0, 0.003, (3, 5000))
    return SIZES[:, None] * beat + noise


def test_rows_become_the_leads_of_a_printed_page(rows: np.ndarray) -> None:
    np.testing.assert_array_equal(leads_from_rows(rows, ROWS), printed_page(rows))
    twelve = np.arange(24.0).reshape(12, 2)
    np.testing.assert_array_equal(leads_from_rows(twelve[::-1], LEADS[::-1]), twelve)
    assert is_printed(ROWS)
    assert not is_printed(LEADS)
    with pytest.raises(ValueError, match="neither a lead"):
        leads_from_rows(rows, ("I", "II", "dance"))


def test_every_sample_belongs_to_the_wave_that_it_lies_in(rows: np.ndarray) -> None:
    r_peaks, part = beats_of(rows, FS)
    assert np.abs(r_peaks - R_PEAKS).max() <= 2
    for shift, name in ((-80, "P–Q"), (0, "QRS"), (130, "ST–T"), (250, "between")):
        places = R_PEAKS[1:-1] + shift
        assert {PARTS[number] for number in part[places]} == {name}


def test_silence_has_no_beats() -> None:
    r_peaks, part = beats_of(np.zeros((3, 5000)), FS)
    assert not len(r_peaks)
    assert set(part) == {PARTS.index("between")}


def test_what_one_beat_shows_is_shared_by_all_beats_of_its_lead() -> None:
    effects = np.zeros((12, 5000))
    effects[3:6] = np.nan
    effects[1, R_PEAKS[4] + 50] = 6.0
    averaged = averaged_over_beats(effects, R_PEAKS, FS)
    assert np.isnan(averaged[3:6]).all()
    assert not averaged[0].any()
    # All beats but the last reach 50 samples behind their R-peak; each gets its part of the 6.
    for peak in R_PEAKS:
        around = averaged[1, peak + 20 : peak + 80]
        assert around.sum() == pytest.approx(6.0 / len(R_PEAKS), rel=0.01)
        assert around.argmax() == 30


def test_a_lead_is_averaged_within_its_own_quarter() -> None:
    page = leads_from_rows(np.zeros((3, 5000)), ROWS)
    page[0, R_PEAKS[1] + 10] = 1.0
    averaged = averaged_over_beats(page, R_PEAKS, FS)
    inside = R_PEAKS[R_PEAKS < 1250]
    assert np.nansum(averaged[0]) == pytest.approx(1.0, rel=0.01)
    assert np.isnan(averaged[0, 1250:]).all()
    peaks = averaged[0, inside + 10]
    np.testing.assert_allclose(peaks, peaks[0], rtol=1e-6)
    assert not np.nansum(averaged[1:])


def test_without_an_r_peak_nothing_is_averaged() -> None:
    effects = np.random.default_rng(1).normal(size=(12, 500))
    averaged = averaged_over_beats(effects, np.array([], dtype=np.int64), FS)
    assert np.isfinite(averaged).all()
    assert np.corrcoef(averaged[0], effects[0])[0, 1] > 0.1


def test_sums_by_part_add_up_to_everything(rows: np.ndarray) -> None:
    _, part = beats_of(rows, FS)
    effects = leads_from_rows(np.random.default_rng(2).normal(size=(3, 5000)), ROWS)
    table = effects_by_part(effects, part)
    assert list(table.index) == list(LEADS)
    assert list(table.columns) == list(PARTS)
    assert table.to_numpy().sum() == pytest.approx(np.nansum(effects))
    qrs = np.nansum(effects[2, part == PARTS.index("QRS")])
    assert table.loc["III", "QRS"] == pytest.approx(qrs)


@pytest.mark.parametrize("printed", [True, False])
def test_a_band_of_colour_lies_where_the_effect_is(rows: np.ndarray, printed: bool) -> None:
    signal = leads_from_rows(rows, ROWS) if printed else np.tile(rows, (4, 1))
    effects = np.where(np.isfinite(signal), 0.0, np.nan)
    effects[LEADS.index("V2"), 2500:3750] = -1.0
    effects[LEADS.index("III"), 300:310] = 1.0
    _, part = beats_of(rows, FS)
    table = effects_by_part(effects, part)
    figure = effect_page(signal, effects, table, FS, printed=printed, title="a page")
    bands = {
        str(band.get_gid()): band
        for band in figure.axes[0].collections
        if str(band.get_gid()).startswith("effects-")
    }
    drawn = {gid: len(band.get_segments()) for gid, band in bands.items()}
    assert {gid.split("-")[2] for gid, count in drawn.items() if count} == {"V2", "III"}
    (blue,) = {tuple(c[:3]) for gid, b in bands.items() if "V2" in gid for c in b.get_colors()}
    (orange,) = {tuple(c[:3]) for gid, b in bands.items() if "III" in gid for c in b.get_colors()}
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert "as the model gets it" in words
    assert "as recorded" not in words
    assert signed(table.loc["III"].sum()) in words
    assert signed(-1.234) == "−1.23"
    assert signed(-0.004) == "+0.00"
    assert signed(float("nan")) == "–"


def words_and_bands(figure) -> tuple[str, int]:
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    bands = [c for c in figure.axes[0].collections if str(c.get_gid()).startswith("effects-")]
    cells = [p for p in figure.axes[1].patches if p.get_facecolor()[3] > 0.01]
    return words, sum(len(band.get_segments()) for band in bands) + len(cells)


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-7])
def test_a_map_without_influence_is_not_coloured(rows: np.ndarray, size: float) -> None:
    """Not even where rounding leaves a largest effect to divide by."""
    signal = leads_from_rows(rows, ROWS)
    effects = np.where(np.isfinite(signal), size, np.nan)
    effects[1, 300:310] *= -2
    table = effects_by_part(effects, beats_of(rows, FS)[1])
    words, coloured = words_and_bands(effect_page(signal, effects, table, FS, printed=True))
    assert coloured == 0
    assert "No influence found" in words
    assert "Orange raised" not in words
    assert "Colour of the traces" not in words


def test_an_even_map_has_an_influence_and_is_coloured(rows: np.ndarray) -> None:
    signal = leads_from_rows(rows, ROWS)
    effects = np.where(np.isfinite(signal), 0.001, np.nan)
    table = effects_by_part(effects, beats_of(rows, FS)[1])
    words, coloured = words_and_bands(effect_page(signal, effects, table, FS, printed=True))
    assert coloured > 100
    assert "No influence" not in words


def test_effects_that_are_not_numbers_are_not_drawn(rows: np.ndarray) -> None:
    signal = leads_from_rows(rows, ROWS)
    effects = np.full_like(signal, np.nan)
    effects[2, 100:200] = 1.0
    table = effects_by_part(effects, beats_of(rows, FS)[1])
    words, coloured = words_and_bands(effect_page(signal, effects, table, FS, printed=True))
    assert "effects are not numbers" in words
    assert "Orange raised" not in words
    assert coloured == 0


def test_the_page_says_how_the_signal_was_prepared(rows: np.ndarray) -> None:
    signal = leads_from_rows(rows, ROWS)
    effects = np.where(np.isfinite(signal), 0.0, np.nan)
    table = effects_by_part(effects, beats_of(rows, FS)[1])
    processing = "filter: 0.5–50 Hz, prepared as study-rows"
    figure = effect_page(
        signal, effects, table, FS, printed=True, processing=processing, unit="unit"
    )
    words, _ = words_and_bands(figure)
    assert processing in words
    assert "filter: none" not in words
    assert "10 mm/unit" in words
    assert "mm/mV" not in words


def test_colours_are_measured_by_the_strongest_effect_of_all_leads(rows: np.ndarray) -> None:
    signal = leads_from_rows(rows, ROWS)
    effects = np.where(np.isfinite(signal), 0.0, np.nan)
    for lead, effect in (("V3", 0.02), ("V4", -0.005)):
        there = np.flatnonzero(np.isfinite(signal[LEADS.index(lead)]))
        effects[LEADS.index(lead), there] = effect
    table = effects_by_part(effects, beats_of(rows, FS)[1])
    figure = effect_page(signal, effects, table, FS, printed=True)
    deepest = {
        str(band.get_gid()).split("-")[2]: np.asarray(band.get_colors())[:, 3].max()
        for band in figure.axes[0].collections
        if str(band.get_gid()).startswith("effects-") and band.get_segments()
    }
    assert deepest["V4"] == pytest.approx(deepest["V3"] / 4)
    # Five samples in 10 ms.
    legend = {text.get_text() for text in figure.axes[1].texts}
    assert {"−0.10", "0", "+0.10"} <= legend


def test_effects_of_nothing_are_drawn_as_nothing(rows: np.ndarray) -> None:
    signal = leads_from_rows(rows, ROWS)
    effects = np.where(np.isfinite(signal), 0.0, np.nan)
    table = effects_by_part(effects, beats_of(rows, FS)[1])
    figure = effect_page(signal, effects, table, FS, printed=True)
    gids = [str(band.get_gid()) for band in figure.axes[0].collections]
    assert not [gid for gid in gids if gid.startswith("effects-")]

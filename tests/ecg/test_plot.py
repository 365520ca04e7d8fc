from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from acsbench.ecg.leads import LEADS
from acsbench.ecg.paper import GRID_BOTTOM, GRID_TOP, INK, MUTED, PAPER, TRACE_LEFT
from acsbench.ecg.plot import plot_page, plot_printed, save_page
from acsbench.ecg.printed import print_page
from acsbench.ecg.recording import Recording

MM_PER_INCH = 25.4


def recording(
    seconds: float = 10.0, fs: float = 500.0, leads: tuple[str, ...] = LEADS, gain: float = 1.0
) -> Recording:
    """A beat a second: a QRS complex of 1 mV at 0.5 s, growing from lead to lead, and a T wave."""
    time = np.arange(round(seconds * fs)) / fs % 1.0
    beat = np.exp(-(((time - 0.5) / 0.012) ** 2)) + 0.25 * np.exp(-(((time - 0.75) / 0.05) ** 2))
    sizes = gain * (0.6 + 0.05 * np.arange(len(leads)))
    return Recording("made-up", sizes[:, None] * beat, fs, leads)


def line(figure: Figure, gid: str) -> Line2D:
    lines = {artist.get_gid(): artist for artist in figure.axes[0].lines}
    return lines[gid]


def data(figure: Figure, gid: str) -> NDArray[np.float64]:
    """Points of a line in mm, shape (points, 2)."""
    return np.column_stack(line(figure, gid).get_data()).astype(float)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def svg_line(path: Path, gid: str) -> NDArray[np.float64]:
    """Points of a line in a file in mm of paper, shape (points, 2), y upwards."""
    root = ElementTree.parse(path).getroot()
    scale = float(root.attrib["width"].removesuffix("pt")) / float(
        root.attrib["viewBox"].split()[2]
    )
    group = next(node for node in root.iter() if node.attrib.get("id") == gid)
    commands = "".join(node.attrib["d"] for node in group if node.tag.endswith("path"))
    numbers = np.array(re.findall(r"-?\d+(?:\.\d+)?", commands), dtype=float).reshape(-1, 2)
    points = numbers * scale / 72 * MM_PER_INCH
    points[:, 1] = PAPER[1] - points[:, 1]
    return points


def test_a_data_millimetre_is_a_paper_millimetre() -> None:
    figure = plot_page(recording())
    assert figure.get_size_inches() * MM_PER_INCH == pytest.approx(PAPER)
    axes = figure.axes[0]
    origin, one = axes.transData.transform([(0, 0), (1, 1)])
    assert (one - origin) / figure.dpi * MM_PER_INCH == pytest.approx([1, 1])
    assert origin == pytest.approx([0, 0])


def test_a_second_is_25_mm_and_a_millivolt_10_mm() -> None:
    ecg = recording()
    points = data(plot_page(ecg), "trace-14-II")
    assert len(points) == 5000
    assert points[0, 0] == TRACE_LEFT
    assert np.diff(points[:, 0]) == pytest.approx(25 / ecg.fs)
    expected = 10 * np.ptp(ecg.select(["II"]))
    assert np.ptp(points[:, 1]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("gain", [5, 10, 20])
def test_every_row_begins_with_a_calibration_pulse(gain: float) -> None:
    figure = plot_page(recording(), gain=gain)
    for row in range(1, 7):
        pulse = data(figure, f"calibration-{row}")
        high = pulse[pulse[:, 1] == pulse[:, 1].max()]
        assert np.ptp(pulse[:, 1]) == pytest.approx(gain)
        assert np.ptp(high[:, 0]) == pytest.approx(0.2 * 25)
        assert pulse[:, 0].max() < TRACE_LEFT
    with pytest.raises(KeyError):
        data(figure, "calibration-7")
    assert any(f"25 mm/s · {gain:g} mm/mV" in text for text in texts(figure))


def test_svg_and_png_are_to_scale(tmp_path: Path) -> None:
    ecg = recording()
    figure = plot_page(ecg)
    save_page(figure, tmp_path / "page.svg")
    save_page(figure, tmp_path / "page.png")

    root = ElementTree.parse(tmp_path / "page.svg").getroot()
    for side, name in zip(PAPER, ("width", "height"), strict=True):
        points = float(root.attrib[name].removesuffix("pt"))
        assert points / 72 * MM_PER_INCH == pytest.approx(side, abs=1e-4)
    for gid in ("calibration-1", "calibration-6"):
        assert np.ptp(svg_line(tmp_path / "page.svg", gid), axis=0) == pytest.approx(
            np.ptp(data(figure, gid), axis=0), abs=0.002
        )

    image = matplotlib.image.imread(tmp_path / "page.png")
    assert image.shape[:2] == (2480, 3507)  # 300 dots per inch, whole dots
    assert b"pHYs" in (tmp_path / "page.png").read_bytes()[:200]
    pulse = data(figure, "calibration-1")
    dots = 300 / MM_PER_INCH
    middle = round((PAPER[1] - pulse[:, 1].mean()) * dots)
    dark = np.flatnonzero(image[middle, : round(TRACE_LEFT * dots), :3].max(axis=1) < 0.5)
    edges = np.array([dark[dark < dark.mean()].mean(), dark[dark > dark.mean()].mean()])
    assert np.diff(edges) / dots == pytest.approx(5, abs=0.1)


def distance(points: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each point lies from a line of many pieces, mm."""
    start, step = line[:-1], np.diff(line, axis=0)
    squared = np.maximum((step**2).sum(axis=1), 1e-12)
    along = ((points[:, None] - start) * step).sum(axis=2) / squared
    nearest = start + np.clip(along, 0, 1)[:, :, None] * step
    away: NDArray[np.float64] = np.linalg.norm(nearest - points[:, None], axis=2).min(axis=1)
    return away


def test_the_file_keeps_every_sample_to_a_hundredth_of_a_millimetre(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, (12, 5000))
    figure = plot_page(Recording("x", recording().signal + noise, 500))
    save_page(figure, tmp_path / "page.svg")
    for gid in ("trace-1-I", "trace-12-V6"):
        drawn, given = svg_line(tmp_path / "page.svg", gid), data(figure, gid)
        away = distance(given, drawn)
        assert np.quantile(away, 0.99) < 0.01
        assert away.max() < 0.02
        assert drawn[:, 1].max() == pytest.approx(given[:, 1].max(), abs=0.01)
        assert drawn[:, 1].min() == pytest.approx(given[:, 1].min(), abs=0.01)


def test_leads_stand_in_their_columns() -> None:
    figure = plot_page(recording(), strips=("II",))
    levels: dict[int, list[float]] = {}
    for number, lead in enumerate(LEADS):
        points = data(figure, f"trace-{number + 1}-{lead}")
        left = TRACE_LEFT + number // 3 * 62.5
        assert points[0, 0] == pytest.approx(left)
        assert points[-1, 0] == pytest.approx(left + 62.5, abs=0.1)
        levels.setdefault(number % 3, []).append(float(np.median(points[:, 1])))
    for level in levels.values():
        assert level == pytest.approx(np.repeat(level[0], 4), abs=1e-6)
    assert levels[0] > levels[1] > levels[2]
    assert sorted(texts(figure)[:13]) == sorted([*LEADS, "II"])


def test_a_mark_separates_neighbouring_leads() -> None:
    figure = plot_page(recording())
    marks = next(
        artist
        for artist in figure.axes[0].collections
        if artist.get_gid() == "lead-separators" and isinstance(artist, LineCollection)
    )
    places = {round(float(x), 6) for segment in marks.get_segments() for x in segment[:, 0]}
    assert places == {TRACE_LEFT + 62.5 * column for column in (1, 2, 3)}


def test_paper_has_fine_and_bold_lines() -> None:
    grids = {
        artist.get_gid(): artist
        for artist in plot_page(recording()).axes[0].collections
        if isinstance(artist, LineCollection)
    }
    for gid, step in (("grid-1mm", 1), ("grid-5mm", 5)):
        upright = [s for s in grids[gid].get_segments() if s[0, 0] == s[1, 0]]
        places = sorted(float(s[0, 0]) for s in upright)
        assert min(np.diff(places)) == step
    widths = [np.max(grids[gid].get_linewidth()) for gid in ("grid-1mm", "grid-5mm")]
    assert widths[0] < widths[1]


def test_an_offset_moves_no_baseline_and_wander_stays() -> None:
    ecg = recording()
    wander = np.linspace(0, 0.5, 5000)
    moved = Recording("x", ecg.signal + np.arange(12)[:, None], ecg.fs)
    assert data(plot_page(moved), "trace-1-I") == pytest.approx(
        data(plot_page(ecg), "trace-1-I"), abs=1e-5
    )
    drifting = data(plot_page(Recording("x", ecg.signal + wander, ecg.fs)), "trace-14-II")
    assert drifting[-1, 1] - drifting[0, 1] == pytest.approx(5, abs=0.01)


def test_a_gap_breaks_the_line(tmp_path: Path) -> None:
    signal = recording().signal.copy()
    signal[1, 100:150] = np.nan
    signal[1, 160] = np.inf
    figure = plot_page(Recording("x", signal, 500))
    for gid in ("trace-2-II", "trace-14-II"):
        heights = data(figure, gid)[:, 1]
        assert np.isnan(heights[100:150]).all()
        assert np.isfinite(heights).sum() == len(heights) - 51
    save_page(figure, tmp_path / "page.svg")
    group = re.search(r'<g id="trace-2-II">.*?</g>', (tmp_path / "page.svg").read_text(), re.S)
    assert group is not None
    assert group.group().count("M ") == 3


def test_a_gap_survives_the_filter() -> None:
    signal = recording().signal.copy()
    signal[1, 100:150] = np.nan
    heights = data(plot_page(Recording("x", signal, 500), filter_band=(0.5, 40)), "trace-14-II")
    assert (np.flatnonzero(np.isnan(heights[:, 1])) == np.arange(100, 150)).all()


@pytest.mark.parametrize("as_nan", [True, False])
def test_a_missing_lead_is_named_in_grey(as_nan: bool) -> None:
    if as_nan:
        signal = recording().signal.copy()
        signal[LEADS.index("V2")] = np.nan
        ecg = Recording("x", signal, 500)
    else:
        ecg = recording(leads=tuple(lead for lead in LEADS if lead != "V2"))
    figure = plot_page(ecg, strips=("V2",))
    labels = [text for text in figure.axes[0].texts if text.get_text() == "V2"]
    assert [text.get_color() for text in labels] == [MUTED, MUTED]
    assert texts(figure).count("not recorded") == 2
    assert not any("V2" in str(artist.get_gid()) for artist in figure.axes[0].lines)


def test_other_rates_keep_their_samples() -> None:
    figure = plot_page(recording(fs=257.5))
    points = data(figure, "trace-14-II")
    assert np.diff(points[:, 0]) == pytest.approx(25 / 257.5)
    assert "257.5 Hz" in texts(figure)


def test_a_long_recording_begins_where_asked() -> None:
    ecg = recording(seconds=38.4, fs=1000)
    ramp = Recording("x", np.tile(np.arange(38_400) / 38_400, (12, 1)), 1000)
    figure = plot_page(ramp, start=12.5)
    points = data(figure, "trace-14-II")
    assert len(points) == 10_000
    assert points[:, 1] - np.median(points[:, 1]) == pytest.approx(
        10 * (ramp.signal[1, 12_500:22_500] - np.median(ramp.signal[1, 12_500:22_500])), abs=1e-4
    )
    assert "12.5–22.5 s of 38.4 s" in texts(figure)[-1]
    assert "0–10 s of 38.4 s" in texts(plot_page(ecg))[-1]


def test_a_short_recording_fills_every_column() -> None:
    figure = plot_page(recording(seconds=4.2))
    for number, lead in enumerate(LEADS):
        points = data(figure, f"trace-{number + 1}-{lead}")
        assert points[0, 0] == pytest.approx(TRACE_LEFT + number // 3 * 62.5)
        assert len(points) == 1250
    assert len(data(figure, "trace-14-II")) == 2100
    assert "only 4.2 s: every column shows 0–2.5 s" in texts(figure)[-1]
    assert "only" not in texts(plot_page(recording(seconds=9.998)))[-1]


@pytest.mark.parametrize("start", [-1, 10, 9.9999, 11])
def test_a_start_outside_the_recording_is_refused(start: float) -> None:
    with pytest.raises(ValueError, match=r"cannot start at .* s of a recording of 10 s"):
        plot_page(recording(), start=start)


def test_rows_are_even_until_complexes_would_meet() -> None:
    def levels(figure: Figure) -> NDArray[np.float64]:
        return np.array([data(figure, f"calibration-{row}")[0, 1] for row in range(1, 7)])

    assert np.diff(levels(plot_page(recording()))) == pytest.approx(-30)
    signal = recording().signal.copy()
    signal[LEADS.index("III")] *= -4  # meets the V1 strip below
    uneven = levels(plot_page(Recording("x", signal, 500)))
    assert uneven[2] - uneven[3] > 30
    assert np.diff(uneven).max() <= -15 + 1


@pytest.mark.parametrize("size", [1.0, 5.0, 30.0])
def test_tall_complexes_are_neither_clipped_nor_shrunk(size: float) -> None:
    ecg = recording(gain=size)
    figure = plot_page(ecg)
    for number, lead in enumerate(LEADS):
        gid = f"trace-{number + 1}-{lead}"
        column = slice(number // 3 * 1250, number // 3 * 1250 + 1250)
        assert np.ptp(data(figure, gid)[:, 1]) == pytest.approx(
            10 * np.ptp(ecg.select([lead])[0, column]), rel=1e-5
        )
        assert not line(figure, gid).get_clip_on()
        assert GRID_BOTTOM < np.median(data(figure, gid)[:, 1]) < GRID_TOP
    assert "10 mm/mV" in texts(figure)[-1]
    assert ("runs off the paper: I" in texts(figure)[-1]) == (size == 30)


def test_names_keep_clear_of_traces() -> None:
    ecg = recording(gain=1.5)
    figure = plot_page(Recording("x", np.roll(ecg.signal, -180, axis=1), 500))
    figure.canvas.draw()
    to_mm = figure.axes[0].transData.inverted()
    curves = [data(figure, str(a.get_gid())) for a in figure.axes[0].lines]
    for text in figure.axes[0].texts[:15]:
        box = text.get_tightbbox()
        assert box is not None
        (left, bottom), (right, top) = to_mm.transform(box.get_points())
        for curve in curves:
            near = curve[(curve[:, 0] > left) & (curve[:, 0] < right), 1]
            assert not ((near > bottom) & (near < top)).any()


def test_the_filter_leaves_the_first_complex_alone() -> None:
    # The recording begins on an R peak; the filter must not bend the ST segment that follows.
    ecg = Recording("x", np.roll(recording().signal, -250, axis=1), 500)
    plain = data(plot_page(ecg), "trace-14-II")[:, 1]
    smooth = data(plot_page(ecg, filter_band=(0.5, 40)), "trace-14-II")[:, 1]
    assert abs(smooth - plain)[40:100].max() < 1  # 0.1 mV
    assert "filter: 0.5–40 Hz" in texts(plot_page(ecg, filter_band=(0.5, 40)))[-1]
    assert "filter: none (as recorded)" in texts(plot_page(ecg))[-1]


def test_a_filter_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        plot_page(recording(fs=100), filter_band=(0.05, 150))


def test_header_holds_what_is_given() -> None:
    figure = plot_page(recording(), title="A $title$ & <more>\n", note="note_1^2", heart_rate=71.6)
    assert {"A $title$ & <more>", "note_1^2", "72 bpm · 500 Hz"} <= set(texts(figure))
    bare = texts(plot_page(recording()))
    assert "500 Hz" in bare
    assert not any("made-up" in text or "bpm" in text for text in bare)


def test_a_long_title_stays_on_the_paper() -> None:
    figure = plot_page(recording(), title="word " * 80, note="word " * 80, simulated=True)
    figure.canvas.draw()
    for text in figure.axes[0].texts:
        box = text.get_tightbbox()
        assert box is not None
        assert box.x0 > 0
        assert box.x1 < figure.bbox.width


def test_a_simulated_page_says_so() -> None:
    assert not any("SIMULATED" in text for text in texts(plot_page(recording())))
    found = [text for text in texts(plot_page(recording(), simulated=True)) if "SIMULATED" in text]
    assert found == ["SIMULATED – not a patient’s ECG", "SIMULATED"]


def test_svg_is_searchable_and_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.SVG"):
        save_page(plot_page(recording(), title="Find me", simulated=True), tmp_path / name)
    content = (tmp_path / "a.svg").read_bytes()
    assert content == (tmp_path / "b.SVG").read_bytes()
    found = {node.text for node in ElementTree.fromstring(content).iter() if node.text}
    assert {*LEADS, "Find me"} <= found
    assert b"<image" not in content
    assert b"<dc:date>" not in content
    assert len(content) < 500_000


def test_png_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_page(plot_page(recording()), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_users_style_neither_matters_nor_changes(tmp_path: Path) -> None:
    save_page(plot_page(recording(), title="x"), tmp_path / "a.svg")
    style = {
        "savefig.bbox": "tight",
        "lines.marker": "o",
        "font.size": 30,
        "font.family": ["monospace"],
        "figure.constrained_layout.use": True,
        "svg.fonttype": "path",
        "path.simplify": False,
    }
    with mpl.rc_context(style):  # type: ignore[arg-type]
        before = dict(mpl.rcParams)
        save_page(plot_page(recording(), title="x"), tmp_path / "b.svg")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", ["page.pdf", "page", "page.svg.gz"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"must end in \.svg or \.png"):
        save_page(plot_page(recording()), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_unknown_strip_and_impossible_gain_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown strip 'V7'"):
        plot_page(recording(), strips=("V7",))
    with pytest.raises(ValueError, match="gain"):
        plot_page(recording(), gain=0)


@pytest.mark.parametrize("strips", [(), ("ii",), ("V1", "II", "V5", "aVF")])
def test_any_number_of_strips(strips: tuple[str, ...]) -> None:
    figure = plot_page(recording(), strips=strips)
    assert len(figure.axes[0].lines) == 12 + len(strips) + 3 + len(strips)


def test_a_printed_page_looks_like_the_recording_it_was_cut_from() -> None:
    ecg = recording()
    whole, printed = plot_page(ecg), plot_printed(print_page(ecg))
    assert texts(whole) == texts(printed)
    for artist in whole.axes[0].lines:
        gid = str(artist.get_gid())
        assert data(printed, gid) == pytest.approx(data(whole, gid), abs=1e-4)


def test_a_printed_page_may_have_gaps_jitter_and_missing_leads() -> None:
    raw = print_page(recording())
    raw[LEADS.index("aVL")] = np.nan
    raw[0, 1250:1257] = raw[0, 1249]
    raw[3, 1250:1255] = np.nan
    raw[13, 700:720] = np.nan
    figure = plot_printed(raw)
    assert texts(figure).count("not recorded") == 1
    assert len(data(figure, "trace-1-I")) == 1257
    assert data(figure, "trace-4-aVR")[0, 0] == pytest.approx(TRACE_LEFT + 62.5 + 5 / 20)
    assert np.isnan(data(figure, "trace-14-II")[700:720, 1]).all()
    assert line(figure, "trace-1-I").get_color() == INK


def test_twelve_rows_are_a_page_without_strips() -> None:
    figure = plot_printed(print_page(recording())[:12])
    assert len(figure.axes[0].lines) == 12 + 3


@pytest.mark.parametrize(
    ("raw", "fs", "message"),
    [
        (np.zeros((3, 5000)), 500, r"shape \(15, samples\)"),
        (np.full((15, 5000), np.nan), 250, "lasts 10 s, not 20 s"),
        (np.zeros((15, 5000)), 500, "more than its quarter"),
        (np.full((15, 5000), np.nan), 0, "sampling rate"),
    ],
)
def test_what_is_no_printed_page_is_refused(
    raw: NDArray[np.float64], fs: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plot_printed(raw, fs=fs)


def test_an_empty_page_can_be_drawn() -> None:
    figure = plot_printed(np.full((15, 5000), np.nan))
    assert texts(figure).count("not recorded") == 15

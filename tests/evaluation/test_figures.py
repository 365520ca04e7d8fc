import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from sklearn.metrics import roc_curve

from acsbench.evaluation.figures.frame import PALETTE, Marks, in_two_lines, model_styles, short
from acsbench.evaluation.figures.lines import Line, Scales, lines_figure
from acsbench.evaluation.figures.roc import Curve, roc_figure, roc_points
from acsbench.pictures import figure_bytes
from acsbench.statistics import auroc


@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_points_are_those_of_scikit_learn(decimals):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    scores = np.round(rng.random(500) + 0.3 * labels, decimals)
    x, y = roc_points(labels, scores)
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    # x + y grows along the curve: the corners alone give back every point.
    np.testing.assert_allclose(np.interp(false + true, x + y, y), true, atol=1e-12)
    assert len(x) < len(false)
    assert np.isin(x, false).all()
    assert np.trapezoid(y, x) == pytest.approx(auroc(labels, scores).value)


def test_thinning_cannot_be_seen():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 100_000)
    scores = rng.standard_normal(100_000) + labels
    x, y = roc_points(labels, scores)
    full_x, full_y = roc_points(labels, scores, most=10**9)
    assert len(x) <= 5001 < len(full_x)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    # Along the diagonal the two curves are functions, and differ by less than a line's width.
    along, full = x + y, full_x + full_y
    assert np.abs(np.interp(full, along, y) - full_y).max() < 1e-3


def curves(names, dot=(0.1, 0.6)):
    labels = np.repeat([0, 1], 60)
    scores = np.random.default_rng(0).standard_normal(120) + labels
    points = roc_points(labels, scores)
    styles = model_styles(names)
    return [Curve(n, styles[n], *points, auroc(labels, scores), dot) for n in names]


def text_of(figure):
    axes = figure.axes[0]
    legend = axes.get_legend()
    texts = [*figure.texts, *legend.get_texts(), legend.get_title(), axes.xaxis.label]
    return "\n".join(text.get_text() for text in texts)


def test_figure_says_what_it_shows():
    marks = Marks("task: 120 test ECGs", "A reading.")
    words = text_of(roc_figure(curves(["one", "two"]), marks, {"ST elevation": (0.1, 0.2)}))
    for part in ("one", "two", "AUROC (95 % interval)", "A reading.", "task: 120 test ECGs"):
        assert part in words
    assert "ST elevation (reading)" in words
    assert "SIMULATED" not in words
    assert "SIMULATED" in text_of(roc_figure(curves(["one"]), Marks("t", simulated=True)))


def test_a_long_title_is_wrapped_and_not_cut():
    words = "acs: AUROC had all been tested, 638 test ECGs, of which each was read by two people"
    long, brief = (roc_figure(curves(["one"]), Marks(title)) for title in (words, "t"))
    title = long.texts[0]
    assert title.get_text().split() == words.split()
    assert title.get_text().count("\n") == 1
    long.draw_without_rendering()
    box = title.get_window_extent()
    assert box.x1 <= long.bbox.x1
    assert box.y0 >= long.axes[0].get_window_extent().y1
    assert long.get_figheight() > brief.get_figheight()


def test_colours_can_be_told_apart():
    styles = list(model_styles([f"m{i}" for i in range(40)]).values())
    first = styles[: len(PALETTE)]
    assert [colour for colour, _ in first] == list(dict.fromkeys(PALETTE))
    assert {str(dashes) for _, dashes in first[:8]}.isdisjoint(str(d) for _, d in first[8:])
    assert len({(colour, str(dashes)) for colour, dashes in styles}) == 40
    points = np.array([to_rgb(colour) for colour in PALETTE])
    apart = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(len(points), 1)]
    assert apart.min() > 0.2


def test_a_name_is_read_whole_where_there_is_room():
    name = "HuBERT-ECG (reduced, random weights)-mean-of-3"
    (legend,) = roc_figure(curves([name]), Marks("t")).axes[0].get_legend().get_texts()[:1]
    assert legend.get_text().startswith(f"{name}\u2003")
    rates = Line([0, 1], [0, 1], model_styles([name])[name])
    (axes,) = lines_figure({name: rates}, Marks("t"), Scales("x", "y")).axes
    assert axes.get_legend().get_texts()[0].get_text() == name
    assert in_two_lines("HuBERT-ECG (reduced, random weights)").split() == name[:36].split()
    assert in_two_lines("resnet18_1d-" * 9) == short("resnet18_1d-" * 9, 24)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "names",
    [["_private", "cost in $ and $", "a<b>&c"], ["resnet18_1d-" * 9], [f"m{i}" for i in range(16)]],
)
def test_any_name_can_be_drawn(names):
    figure = roc_figure(curves(names), Marks("t" * 200, "word " * 80, simulated=True))
    figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    assert len(legend.get_texts()) == len(names) + 1
    box = legend.get_window_extent()
    notes = [text for text in figure.texts if text.get_text().startswith("word")]
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= notes[0].get_window_extent().y1
    for text in [*figure.texts, *legend.get_texts()]:
        assert text.get_window_extent().y0 >= 0
        assert text.get_window_extent().x1 <= figure.bbox.x1
    title, mark = figure.texts[:2]
    assert title.get_window_extent().x1 < mark.get_window_extent().x0
    assert figure_bytes(figure, "svg", "t")


def test_files_are_the_same_every_time(tmp_path):
    for suffix in ("svg", "png"):
        written = []
        for _ in range(2):
            written.append(figure_bytes(roc_figure(curves(["a"]), Marks("t")), suffix, "t"))
        assert written[0] == written[1]
        (tmp_path / f"roc.{suffix}").write_bytes(written[0])
    with Image.open(tmp_path / "roc.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.info["Title"] == "t"

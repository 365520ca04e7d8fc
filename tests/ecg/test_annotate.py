from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from acsbench.ecg import Recording
from acsbench.ecg.annotate import COLUMN_WIDTH, annotated_page
from acsbench.ecg.leads import LEADS
from acsbench.ecg.paper import PAPER, SPEED, TRACE_LEFT
from acsbench.ecg.plot import page_bytes

FS = 500.0
PEAKS = np.arange(300, 4900, 400)


def recording(seconds: float = 10.0, st: float = 0.0) -> Recording:
    """Twelve leads with QRS complexes 90 ms wide and T waves 300 ms later."""
    time = np.arange(round(seconds * FS)) / FS - PEAKS[:, None] / FS
    qrs = np.clip(1 - np.abs(time) / 0.045, 0, None).sum(axis=0)
    segment = ((time >= 0.045) & (time < 0.3)).sum(axis=0)
    t = np.exp(-0.5 * ((time - 0.3) / 0.03) ** 2).sum(axis=0)
    return Recording("a", np.tile(qrs + 0.3 * t + st * segment, (12, 1)), FS, LEADS)


def green_dots(figure) -> np.ndarray:
    """Places of the peaks of QRS complexes in lead I, mm."""
    axes = figure.axes[0]
    trace = next(line for line in axes.lines if str(line.get_gid()) == "trace-1-I")
    heights = trace.get_ydata()
    dots = [
        line.get_xdata()
        for line in axes.lines
        if line.get_marker() == "." and line.get_color() == "#1d7a3d"
    ]
    assert np.nanmax(heights) > 0
    return np.asarray(dots[0], dtype=float)


@pytest.mark.parametrize("start", [0.0, 0.4])
def test_marks_lie_on_the_beats(start: float) -> None:
    figure = annotated_page(recording(), start=start)
    shown = PEAKS[(start * FS <= PEAKS) & ((start + 2.5) * FS > PEAKS)]
    np.testing.assert_allclose(
        green_dots(figure), TRACE_LEFT + SPEED * (shown / FS - start), atol=0.2
    )


def test_a_short_recording_is_marked_in_every_column() -> None:
    figure = annotated_page(recording(seconds=3.0))
    axes = figure.axes[0]
    dots = np.concatenate(
        [line.get_xdata() for line in axes.lines if line.get_color() == "#1d7a3d"]
    )
    for column in range(4):
        expected = TRACE_LEFT + SPEED * (2.5 * column + PEAKS[0] / FS)
        assert np.abs(dots - expected).min() < 0.2


def test_the_page_stays_true_to_scale() -> None:
    figure = annotated_page(recording())
    width, height = 25.4 * figure.get_size_inches()
    assert width == pytest.approx(PAPER[0] + COLUMN_WIDTH)
    page = figure.axes[0].get_position()
    assert page.width * width == pytest.approx(PAPER[0])
    assert page.height * height == pytest.approx(PAPER[1])
    assert any(isinstance(c, LineCollection) for c in figure.axes[0].collections)


def test_findings_stand_beside_the_page() -> None:
    text = page_bytes(annotated_page(recording(st=0.3)), "a.svg").decode()
    assert "Criteria met" in text
    assert "ST elevation in" in text
    assert "ST elevation in" not in page_bytes(annotated_page(recording()), "a.svg").decode()


def test_nothing_recorded_is_drawn_without_marks() -> None:
    figure = annotated_page(Recording("a", np.full((12, 5000), np.nan), FS))
    assert "None." in page_bytes(figure, "a.svg").decode()

"""The clinical page with what moved a prediction in colour, and its sums in a column beside it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from acsbench.ecg.annotate import COLUMN_WIDTH
from acsbench.ecg.effects import LEAST_INFLUENCE, has_influence
from acsbench.ecg.leads import LEADS
from acsbench.ecg.paper import MM_PER_POINT, MUTED, PAPER, SPEED, TEXT, TRACE_LEFT
from acsbench.ecg.plot import plot_page, plot_printed
from acsbench.ecg.recording import Recording

RAISES, LOWERS = "#d95f02", "#1f78b4"
"""Colour of what raised the prediction, and of what lowered it; neither is that of the paper."""
COLOURS_MEAN = (
    "Change of the logit. Orange raised the prediction, blue lowered it.",
    "It shows what the model used, not what is wrong with the heart.",
)
NO_INFLUENCE = (
    f"No influence found: all samples together move the logit by less than {LEAST_INFLUENCE:g}.",
    "Nothing is coloured.",
)
FAILED = ("The effects are not numbers: nothing can be explained, and nothing is coloured.",)
"""What stands below the sums."""
AS_THE_MODEL_GETS_IT = "as the model gets it"
"""What the page says of the signal unless `processing` says how it was prepared."""
_BAND = 2.6  # mm, width of the coloured band below a trace
_FAINTEST = 0.05  # of the full colour; what is fainter is not drawn
_CELL = (17.0, 6.2)  # mm
_LEFT, _TABLE_TOP = 6.0, 158.0
_BAR_BOTTOM = 48.0
_PER = 0.01  # s, for which the legend tells effects


def effect_page(
    signal: NDArray[np.float64],
    effects: NDArray[np.float64],
    by_part: pd.DataFrame,
    fs: float,
    *,
    printed: bool,
    remarks: Sequence[str] = (),
    **options: Any,
) -> Figure:
    """Draw an ECG with the effects of its samples.

    Args:
        signal: what a model saw, shape (12, samples), mV, NaN where a lead was not.
        effects: how far each sample raised (positive) or lowered the prediction; as `signal`.
        by_part: effects summed, one row per lead, one column per part of the beat.
        fs: sampling rate, Hz.
        printed: whether each lead is there for its quarter of the page alone.
        remarks: lines at the head of the column beside the page.
        options: of `acsbench.ecg.plot.plot_printed`, such as `title`, or how the signal was
            prepared as `processing`.

    Returns:
        A figure of 407 × 210 mm: the page true to scale, each trace on a band that is orange
        where it raised the prediction and blue where it lowered it, the strongest effect of all
        leads in full colour, and the sums and a legend to the right. Where there is no influence,
        or effects are not numbers, the page says so and nothing is coloured.
    """
    # What was stored for a model is not what was recorded.
    options = {"processing": AS_THE_MODEL_GETS_IT, **options}
    if printed:
        figure = plot_printed(signal, fs=fs, **options)
    else:
        figure = plot_page(Recording("", signal, fs, LEADS), strips=(), **options)
    page = figure.axes[0]
    failed = not np.isfinite(effects[np.isfinite(signal)]).all()
    coloured = not failed and has_influence(effects)
    full = float(np.nanmax(np.abs(effects))) if coloured else 0.0
    if coloured:
        _colour_traces(page, effects / full, fs)
    width = PAPER[0] + COLUMN_WIDTH
    figure.set_size_inches(width / 25.4, PAPER[1] / 25.4)
    page.set_position((0, 0, PAPER[0] / width, 1))
    beside = figure.add_axes(
        (PAPER[0] / width, 0, COLUMN_WIDTH / width, 1), xlim=(0, COLUMN_WIDTH), ylim=(0, PAPER[1])
    )
    beside.set_axis_off()
    _write_remarks(beside, remarks)
    foot = _draw_sums(beside, by_part * np.nan if failed else by_part)
    # Effects that differ from beat to beat may vanish in their mean, and not in their sums.
    nothing = not (coloured or has_influence(by_part.to_numpy(dtype=float)))
    _write_foot(beside, foot, FAILED if failed else NO_INFLUENCE if nothing else COLOURS_MEAN)
    if coloured:
        _draw_legend(beside, full * fs * _PER)
    return figure


def _colour_traces(page: Axes, shares: NDArray[np.float64], fs: float) -> None:
    """Lay the bands, of effects as shares of the strongest, from −1 to 1."""
    for line in list(page.lines):
        gid = str(line.get_gid())
        if not gid.startswith("trace-"):
            continue
        lead = LEADS.index(gid.split("-")[2])
        x, y = (np.asarray(data, dtype=float) for data in line.get_data())
        sample = np.clip(np.rint((x - TRACE_LEFT) / SPEED * fs).astype(int), 0, shares.shape[1] - 1)
        points = np.column_stack([x, y])
        segments = np.stack([points[:-1], points[1:]], axis=1)
        share = shares[lead, sample[:-1]]
        drawn = np.isfinite(segments).all(axis=(1, 2)) & (np.abs(share) > _FAINTEST)
        page.add_collection(
            LineCollection(
                list(segments[drawn]),
                colors=_colours(share[drawn]),
                linewidths=_BAND / MM_PER_POINT,
                capstyle="butt",
                zorder=3,
                clip_on=False,
                gid=f"effects-{gid.removeprefix('trace-')}",
            ),
            autolim=False,
        )


def _colours(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From −1 to 1: from blue over nothing to orange, shape (n, 4)."""
    colours = np.empty((len(share), 4))
    colours[:, :3] = np.where(share[:, None] > 0, to_rgb(RAISES), to_rgb(LOWERS))
    colours[:, 3] = 0.85 * np.abs(share)
    return colours


def _write_remarks(axes: Axes, remarks: Sequence[str]) -> None:
    axes.text(_LEFT, 196, "What moved the prediction", size=10, weight="bold", color=TEXT)
    for number, remark in enumerate(remarks):
        axes.text(_LEFT, 190 - 4.4 * number, remark, size=8, color=TEXT)


def signed(value: float) -> str:
    """A number with its sign, the minus as long as the plus; 0 has no minus, NaN is a dash."""
    if not isfinite(value):
        return "–"
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def _draw_sums(axes: Axes, by_part: pd.DataFrame) -> float:
    """A cell for each lead and part, and their totals, in the colours of the page.

    Returns:
        The height below the last row, mm.
    """
    width, height = _CELL
    table = by_part.assign(all=by_part.sum(axis=1))
    table.loc["all"] = table.sum(axis=0)
    largest = float(by_part.abs().to_numpy().max())
    left = _LEFT + 12
    for column, name in enumerate(table.columns):
        place = left + (column + 0.5) * width
        axes.text(place, _TABLE_TOP + 2, name, size=8, color=TEXT, ha="center", weight="bold")
    for row, (lead, values) in enumerate(table.iterrows()):
        bottom = _TABLE_TOP - (row + 1) * height
        axes.text(_LEFT, bottom + 2, str(lead), size=8, color=TEXT, weight="bold")
        for column, value in enumerate(values.to_numpy()):
            inner = lead != "all" and column < len(by_part.columns)
            if inner and largest >= LEAST_INFLUENCE:
                colour = _colours(np.array([value / largest]))[0]
                box = (left + column * width + 0.3, bottom + 0.3)
                axes.add_patch(
                    Rectangle(box, width - 0.6, height - 0.6, facecolor=colour, edgecolor="none")
                )
            axes.text(
                left + (column + 0.5) * width,
                bottom + 2,
                "0" if abs(value) < LEAST_INFLUENCE else signed(value),
                size=8,
                color=TEXT if abs(value) >= LEAST_INFLUENCE else MUTED,
                ha="center",
                weight="normal" if inner else "bold",
            )
    return _TABLE_TOP - (len(table) + 1) * height


def _write_foot(axes: Axes, height: float, lines: Sequence[str]) -> None:
    """What the colours mean, or why there are none."""
    for number, line in enumerate(lines):
        axes.text(_LEFT, height - 4.2 * number, line, size=7, color=MUTED)


def _draw_legend(axes: Axes, strongest: float) -> None:
    """What the colours of the traces mean: effects per 10 ms, up to the strongest of the page."""
    width = _CELL[0] * 3
    shares = np.linspace(-1, 1, 101)
    place = (_LEFT, _LEFT + width, _BAR_BOTTOM, _BAR_BOTTOM + 3)
    axes.imshow(_colours(shares)[None], extent=place, aspect="auto", interpolation="nearest")
    for share, side in ((-1, "left"), (0, "center"), (1, "right")):
        told = signed(share * strongest) if share else "0"
        left = _LEFT + (share + 1) / 2 * width
        axes.text(left, _BAR_BOTTOM - 4, told, size=7, color=MUTED, ha=side)
    title = f"Colour of the traces: change of the logit in {1000 * _PER:.0f} ms, mean over beats"
    axes.text(_LEFT, _BAR_BOTTOM + 5, title, size=7, color=MUTED)

"""The receiver operating characteristic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from acsbench.evaluation.figures.frame import (
    COLUMN,
    GREY,
    Layout,
    Marks,
    Style,
    framed,
    key_line,
    legend_below,
    legend_height,
    short,
)
from acsbench.pictures import PRINT_STYLE
from acsbench.statistics import Estimate

MOST_POINTS = 5000
MARKERS = ("^", "v", "s", "D", "P", "X")
"""Of the signs, in order."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One model's curve.

    Args:
        name: the model.
        style: its colour and line style everywhere.
        false_positives, sensitivities: corners of the curve, shares, shape (k,).
        auroc: printed beside the name.
        operating_point: false-positive share and sensitivity at the threshold, if it is to be
            marked.
    """

    name: str
    style: Style
    false_positives: NDArray[np.float64]
    sensitivities: NDArray[np.float64]
    auroc: Estimate
    operating_point: tuple[float, float] | None = None


def roc_points(
    labels: ArrayLike, scores: ArrayLike, most: int = MOST_POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of the curve: shares of false positives and of true positives, ascending.

    Points on a straight line between their neighbours are left out, which changes nothing. If
    more than `most` corners remain, they are thinned evenly along the curve, which moves it by
    2 / `most` at most: less than the width of the line.

    Args:
        labels: 0/1, both occur, shape (n,).
        scores: finite, shape (n,).
        most: number of points from which the curve is thinned.

    Examples:
        >>> roc_points([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.9])
        (array([0. , 0. , 0.5, 0.5, 1. ]), array([0. , 0.5, 0.5, 1. , 1. ]))
    """
    events = np.asarray(labels) == 1
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    ordered, is_event = values[order], events[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    found = np.r_[0, np.cumsum(is_event)[ends]]
    false = np.r_[0, np.cumsum(~is_event)[ends]]
    # Counts are whole numbers: the cross product is 0 exactly where there is no corner.
    before, after = np.diff(false)[:-1], np.diff(false)[1:]
    turn = before * np.diff(found)[1:] - after * np.diff(found)[:-1]
    corner = np.r_[True, turn != 0, True]
    x, y = false[corner] / false[-1], found[corner] / found[-1]
    if len(x) > most:
        along = np.searchsorted(x + y, np.linspace(0, 2, most))
        kept = np.unique(np.r_[along.clip(max=len(x) - 1), len(x) - 1])
        x, y = x[kept], y[kept]
    return x, y


def roc_figure(
    curves: Sequence[Curve],
    marks: Marks,
    signs: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw receiver operating characteristic curves.

    Args:
        curves: one for each model, in the order of the legend.
        marks: title, note, and the level named in the legend.
        signs: false-positive share and sensitivity of signs that are there or not.

    Returns:
        A figure of 120 mm width.
    """
    points = signs or {}
    entries = len(curves) + len(points) + any(curve.operating_point for curve in curves)
    # Where the legend would reach into the curves it stands below them.
    beside = entries <= 6 and max(len(curve.name) for curve in curves) <= 24
    columns = 2 if max(len(curve.name) for curve in curves) <= 16 else 1
    below = 0.52 + (0 if beside else legend_height(entries, columns) + 0.165)
    layout = Layout(COLUMN, (3.9, 3.9), below=below)
    figure, (axes,) = framed(layout, marks)
    with mpl.rc_context(PRINT_STYLE):
        axes.set(
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            xlabel="1 − specificity (share of non-events called)",
            ylabel="Sensitivity (share of events called)",
            aspect="equal",
            xticks=np.arange(0, 1.01, 0.2),
            yticks=np.arange(0, 1.01, 0.2),
        )
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, dashes=(2, 3), zorder=1)
        # The first curve is the one that readers look for: it lies on top.
        for depth, curve in enumerate(reversed(curves)):
            _draw(axes, curve, 2 + depth)
        for marker, point in zip(MARKERS, points.values(), strict=False):
            axes.plot(*point, zorder=90, clip_on=False, **_sign(marker))
        _legend(axes, curves, list(points), marks.level, 0 if beside else columns)
    return figure


def _sign(marker: str) -> dict[str, Any]:
    return {
        "marker": marker,
        "markersize": 5,
        "linestyle": "none",
        "color": "black",
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
    }


def _draw(axes: Axes, curve: Curve, depth: int) -> None:
    colour, dashes = curve.style
    axes.plot(
        curve.false_positives,
        curve.sensitivities,
        color=colour,
        linestyle=dashes,
        linewidth=1.3,
        solid_joinstyle="round",
        zorder=depth,
    )
    if curve.operating_point is not None:
        axes.plot(
            *curve.operating_point,
            marker="o",
            markersize=4.5,
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.7,
            zorder=50 + depth,
            clip_on=False,
        )


def _legend(
    axes: Axes, curves: Sequence[Curve], signs: Sequence[str], level: float, columns: int
) -> None:
    """The legend below the axes, or without columns in the empty corner."""
    handles = [key_line(curve.style) for curve in curves]
    texts = [f"{short(curve.name)}\u2003{curve.auroc}" for curve in curves]
    if any(curve.operating_point for curve in curves):
        handles.append(Line2D([], [], color=GREY, marker="o", linestyle="none", markersize=4))
        texts.append("at validation threshold")
    for marker, name in zip(MARKERS, signs, strict=False):
        handles.append(Line2D([], [], **_sign(marker)))
        texts.append(f"{name} (reading)")
    if columns == 0:
        legend = axes.legend(
            handles,
            texts,
            loc="lower right",
            fontsize=7.5,
            alignment="left",
            handlelength=1.8,
            frameon=True,
            facecolor="white",
            framealpha=0.9,
            edgecolor="none",
        )
    else:
        legend = legend_below(axes, handles, texts, columns)
    legend.set_title(f"AUROC ({100 * level:g} % interval)", prop=FontProperties(size=7.5))
    legend.set_zorder(100)

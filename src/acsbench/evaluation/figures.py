"""The receiver operating characteristic, drawn for print."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from acsbench import __version__
from acsbench.statistics import Estimate

PNG_DPI = 300
MOST_POINTS = 5000
# Okabe & Ito, Color Universal Design (2008); its yellow cannot be read on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))
_GREY = "#767676"

_RC: dict[Any, Any] = {
    # Whatever style the user has set, the figure keeps its fonts, its size and its bytes.
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 8,
    "path.simplify": False,
    "path.sketch": None,
    "path.effects": [],
    "savefig.bbox": "standard",
    "savefig.transparent": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "acsbench",
    "text.parse_math": False,  # a model may have a dollar sign in its name
    "text.usetex": False,
}


@dataclass(frozen=True, eq=False)
class Curve:
    """One model's curve.

    Args:
        name: the model.
        colour: its colour everywhere.
        dashes: its line style; solid unless there are more models than colours.
        false_positives, sensitivities: corners of the curve, shares, shape (k,).
        auroc: printed beside the name.
        operating_point: false-positive share and sensitivity at the threshold, if it is to be
            marked.
    """

    name: str
    colour: str
    dashes: Any
    false_positives: NDArray[np.float64]
    sensitivities: NDArray[np.float64]
    auroc: Estimate
    operating_point: tuple[float, float] | None = None


def model_colours(names: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """Colour and line style of each model, the same on every figure and table of a report."""
    styles = ((colour, dashes) for dashes in cycle(_DASHES) for colour in PALETTE)
    return dict(zip(names, islice(styles, len(names)), strict=True))


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
    *,
    title: str,
    note: str = "",
    simulated: bool = False,
    level: float = 0.95,
) -> Figure:
    """Draw receiver operating characteristic curves.

    Args:
        curves: one for each model, in the order of the legend.
        title: one line above the axes, such as task and number of ECGs.
        note: a small line below, such as what the labels are.
        simulated: mark the figure as no patient's.
        level: confidence level, named in the legend.

    Returns:
        A figure of 120 mm width.
    """
    lines = textwrap.wrap(note, 78)
    # Where the legend would reach into the curves it stands below them.
    beside = len(curves) <= 6 and max(len(curve.name) for curve in curves) <= 24
    legend_height = 0.0 if beside else 0.165 * (len(curves) + 2) + 0.1
    below = 0.52 + legend_height + 0.125 * len(lines)
    width, square, above, left = 4.72, 3.9, 0.34, 0.56
    height = above + square + below
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width, height), facecolor="white")
        axes = figure.add_axes(
            (left / width, below / height, square / width, square / height),
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            xlabel="1 − specificity (share of non-events called)",
            ylabel="Sensitivity (share of events called)",
            aspect="equal",
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xticks(np.arange(0, 1.01, 0.2))
        axes.set_yticks(np.arange(0, 1.01, 0.2))
        axes.tick_params(length=3, width=0.6)
        for side in ("left", "bottom"):
            axes.spines[side].set_linewidth(0.6)
        axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.6, dashes=(2, 3), zorder=1)
        # The first curve is the one that readers look for: it lies on top.
        for depth, curve in enumerate(reversed(curves)):
            _draw(axes, curve, 2 + depth)
        _legend(axes, curves, level, beside=beside, down=0.47 / square)
        heading: dict[str, Any] = {"y": 1 - 0.16 / height, "va": "center", "fontsize": 8.5}
        figure.text(left / width, s=title, **heading)
        if simulated:
            figure.text(
                (left + square) / width, s="SIMULATED", ha="right", weight="bold", **heading
            )
        for number, line in enumerate(lines):
            figure.text(
                left / width,
                (0.125 * (len(lines) - number) - 0.02) / height,
                line,
                color="#444444",
                fontsize=6.5,
                va="center",
            )
    return figure


def save_figure(figure: Figure, path: Path, title: str) -> None:
    """Write a figure as SVG or as PNG of 300 dpi, by the ending of the name; same bytes each time.

    Args:
        figure: what to write.
        path: ends in `.svg` or `.png`.
        title: kept in the file's metadata, with the version.
    """
    kind = path.suffix.lower()[1:]
    author = {"svg": {"Creator": f"acsbench {__version__}", "Date": None}}
    metadata = author.get(kind, {"Software": f"acsbench {__version__}"}) | {"Title": title}
    buffer = BytesIO()
    with mpl.rc_context(_RC):
        figure.savefig(buffer, format=kind, dpi=PNG_DPI, facecolor="white", metadata=metadata)
    content = buffer.getvalue()
    if kind == "svg":
        # Three decimals of a point are less than half a micrometre.
        content = re.sub(rb"-?\d+\.\d{4,}", lambda number: b"%.3f" % float(number.group()), content)
    path.write_bytes(content)


def _draw(axes: Any, curve: Curve, depth: int) -> None:
    axes.plot(
        curve.false_positives,
        curve.sensitivities,
        color=curve.colour,
        linestyle=curve.dashes,
        linewidth=1.3,
        solid_joinstyle="round",
        zorder=depth,
    )
    if curve.operating_point is not None:
        axes.plot(
            *curve.operating_point,
            marker="o",
            markersize=4.5,
            color=curve.colour,
            markeredgecolor="white",
            markeredgewidth=0.7,
            zorder=50 + depth,
            clip_on=False,
        )


def _legend(axes: Any, curves: Sequence[Curve], level: float, *, beside: bool, down: float) -> None:
    """The legend in the empty corner, or `down` (in heights of the axes) below the axes."""
    handles = [
        Line2D([], [], color=curve.colour, linestyle=curve.dashes, linewidth=1.6)
        for curve in curves
    ]
    texts = [f"{_short(curve.name)}\u2003{curve.auroc}" for curve in curves]
    if any(curve.operating_point for curve in curves):
        handles.append(Line2D([], [], color=_GREY, marker="o", linestyle="none", markersize=4))
        texts.append("threshold chosen on validation")
    place: dict[str, Any] = {"loc": "lower right", "borderpad": 0.6}
    if not beside:
        place = {"loc": "upper left", "bbox_to_anchor": (0, -down), "borderpad": 0.0}
        place["borderaxespad"] = 0.0
    legend = axes.legend(
        handles,
        texts,
        title=f"AUROC ({100 * level:g} % interval)",
        fontsize=7.5,
        title_fontsize=7.5,
        alignment="left",
        handlelength=1.8,
        frameon=True,
        facecolor="white",
        framealpha=0.9,
        edgecolor="none",
        **place,
    )
    legend.set_zorder(100)


def _short(name: str, most: int = 36) -> str:
    """A long name without its middle: runs of one model differ at the end."""
    half = most // 2
    return name if len(name) <= most else f"{name[: half - 1]}…{name[-half:]}"


def curve_of(
    name: str,
    style: tuple[str, Any],
    labels: ArrayLike,
    probabilities: ArrayLike,
    estimates: Mapping[str, Estimate],
) -> Curve:
    """The curve of a model, with its operating point marked."""
    x, y = roc_points(labels, probabilities)
    point = (
        1 - estimates["realised_specificity"].value,
        estimates["sensitivity_at_90_specificity"].value,
    )
    return Curve(name, *style, x, y, estimates["auroc"], point)

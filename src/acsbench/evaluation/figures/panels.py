"""Figures with a small panel for each model: calibration, and intervals by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from acsbench.evaluation.figures.frame import (
    GREY,
    PAGE,
    Layout,
    Marks,
    Style,
    framed,
    in_two_lines,
)
from acsbench.pictures import PRINT_STYLE
from acsbench.statistics import Estimate

MOST_ACROSS = 4


@dataclass(frozen=True, eq=False)
class CalibrationPanel:
    """One model's calibration.

    Args:
        name: the model.
        style: its colour and line style.
        predicted, observed, low, high: the curve and its band, shape (k,).
        points: predicted risk and observed rate of groups of ECGs.
        words: lines of text in the corner.
    """

    name: str
    style: Style
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    points: Sequence[tuple[float, Estimate]] = ()
    words: str = ""


def calibration_figure(panels: Sequence[CalibrationPanel], marks: Marks) -> Figure:
    """Observed event rate against predicted risk, a panel for each model.

    Returns:
        A figure of 174 mm width.
    """
    across = min(len(panels), MOST_ACROSS)
    side = (PAGE - 0.56 - 0.1 - 0.25 * (across - 1)) / across
    side = min(side, 2.9)
    layout = Layout(
        PAGE, (side, side), -(-len(panels) // across), across, gap=(0.25, 0.36), above=0.56
    )
    figure, axes = framed(layout, marks, len(panels))
    with mpl.rc_context(PRINT_STYLE):
        for number, (panel, place) in enumerate(zip(panels, axes, strict=True)):
            _draw_calibration(place, panel)
            if number % across:
                place.set_yticklabels([])
            else:
                place.set_ylabel("Observed event rate")
            if number >= len(panels) - across:
                place.set_xlabel("Predicted risk")
            else:
                place.set_xticklabels([])
    return figure


def _draw_calibration(axes: Axes, panel: CalibrationPanel) -> None:
    colour, _ = panel.style
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, dashes=(2, 3), zorder=1)
    axes.fill_between(panel.predicted, panel.low, panel.high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(panel.predicted, panel.observed, color=colour, linewidth=1.3, zorder=3)
    for predicted, rate in panel.points:
        axes.plot([predicted] * 2, [rate.low, rate.high], color=colour, linewidth=0.7, zorder=2)
        axes.plot(predicted, rate.value, marker="o", markersize=2.6, color=colour, zorder=4)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.set_title(in_two_lines(panel.name), fontsize=7.5, loc="left", pad=3)
    axes.text(0.97, 0.04, panel.words, fontsize=6, ha="right", va="bottom", linespacing=1.35)


@dataclass(frozen=True, eq=False)
class Row:
    """A line of a figure by groups.

    Args:
        name: the group; a heading if it has no estimates.
        estimates: by model; those that may not be shown are missing.
    """

    name: str
    estimates: Mapping[str, Estimate]


def groups_figure(
    rows: Sequence[Row],
    overall: Mapping[str, Estimate],
    styles: Mapping[str, Style],
    marks: Marks,
    label: str,
) -> Figure:
    """Estimates with their intervals by group, a panel for each model.

    Args:
        rows: from top to bottom.
        overall: each model over all groups, drawn as a line; the panels, in order.
        styles: colours of the models.
        marks: title and note.
        label: of the horizontal axis.

    Returns:
        A figure of 174 mm width.
    """
    across = min(len(overall), MOST_ACROSS)
    left, gap = 1.55, 0.22
    wide = (PAGE - left - 0.1 - gap * (across - 1)) / across
    layout = Layout(
        PAGE,
        (wide, 0.13 * (len(rows) + 1)),
        -(-len(overall) // across),
        across,
        left,
        (gap, 0.34),
        above=0.56,
    )
    figure, axes = framed(layout, marks, len(overall))
    limits = _limits([e for row in rows for e in row.estimates.values()])
    with mpl.rc_context(PRINT_STYLE):
        for number, (name, place) in enumerate(zip(overall, axes, strict=True)):
            colour, _ = styles[name]
            place.axvline(overall[name].value, color=GREY, linewidth=0.6, dashes=(2, 3))
            for height, row in enumerate(rows):
                if (estimate := row.estimates.get(name)) is not None:
                    _draw_interval(place, estimate, height, colour)
            place.set(xlim=limits, ylim=(len(rows) - 0.4, -0.8), yticks=[])
            place.locator_params(axis="x", nbins=3)
            place.spines["left"].set_visible(False)
            place.set_title(in_two_lines(name), fontsize=7.5, loc="left", pad=3)
            if number >= len(overall) - across:
                place.set_xlabel(label)
            else:
                place.set_xticklabels([])
            if number % across == 0:
                _name_rows(place, rows, left / wide)
    return figure


def _draw_interval(axes: Axes, estimate: Estimate, height: float, colour: str) -> None:
    axes.plot([estimate.low, estimate.high], [height] * 2, color=colour, linewidth=1)
    axes.plot(estimate.value, height, marker="o", markersize=3, color=colour)


def _name_rows(axes: Axes, rows: Sequence[Row], width: float) -> None:
    for height, row in enumerate(rows):
        heading = not row.estimates
        axes.text(
            0.04 - width + (0 if heading else 0.05),
            height,
            row.name,
            transform=axes.get_yaxis_transform(),
            fontsize=7,
            weight="bold" if heading else "normal",
            va="center",
        )


def _limits(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """From the lowest to the highest limit, in tenths."""
    low = min(e.low for e in estimates)
    high = max(e.high for e in estimates)
    left, right = float(np.floor(10 * low) / 10), float(np.ceil(10 * high) / 10)
    # Models that rank nothing have an area of 0.5 everywhere, without an interval.
    return (left, right) if left < right else (left - 0.1, right + 0.1)

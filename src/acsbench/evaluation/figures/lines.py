"""Figures of one panel with a line for each model: event rates, net benefit, tilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

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
from acsbench.evaluation.figures.roc import MARKERS
from acsbench.pictures import PRINT_STYLE


@dataclass(frozen=True, eq=False)
class Line:
    """A line with its band, if it has one; arrays of shape (k,)."""

    x: ArrayLike
    y: ArrayLike
    style: Style
    band: tuple[ArrayLike, ArrayLike] | None = None


@dataclass(frozen=True)
class Scales:
    """Labels, limits and ticks of the axes; what is not given is chosen from the data."""

    x: str
    y: str
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    x_ticks: Sequence[float] | None = None
    log_x: bool = False


def lines_figure(
    lines: Mapping[str, Line],
    marks: Marks,
    scales: Scales,
    *,
    points: Mapping[str, tuple[float, float]] | None = None,
    level: tuple[str, float] | None = None,
) -> Figure:
    """Draw a line for each model, and what they are measured against.

    Args:
        lines: by the words of the legend; the first lies on top.
        marks: title and note.
        scales: of the axes.
        points: signs, in black.
        level: name and height of a horizontal reference.

    Returns:
        A figure of 120 mm width.
    """
    signs = points or {}
    columns = 2 if max(map(len, [*lines, *signs])) <= 32 else 1
    entries = len(lines) + len(signs) + (level is not None)
    layout = Layout(COLUMN, (3.9, 2.9), below=0.52 + legend_height(entries, columns))
    figure, (axes,) = framed(layout, marks)
    with mpl.rc_context(PRINT_STYLE):
        for depth, line in enumerate(reversed(list(lines.values()))):
            _draw(axes, line, 2 + depth)
        handles = [key_line(line.style) for line in lines.values()]
        texts = [short(name) for name in lines]
        if level is not None:
            name, height = level
            axes.axhline(height, color=GREY, linewidth=0.6, dashes=(2, 3), zorder=1)
            handles.append(Line2D([], [], color=GREY, linewidth=0.8, dashes=(2, 3)))
            texts.append(name)
        for marker, (name, point) in zip(MARKERS, signs.items(), strict=False):
            sign = Line2D([], [], color="black", marker=marker, linestyle="none", markersize=5)
            axes.plot(*point, marker=marker, color="black", markersize=5, zorder=90)
            handles.append(sign)
            texts.append(name)
        _scale(axes, scales)
        legend_below(axes, handles, texts, columns)
    return figure


def _draw(axes: Axes, line: Line, depth: int) -> None:
    colour, dashes = line.style
    axes.plot(line.x, line.y, color=colour, linestyle=dashes, linewidth=1.3, zorder=depth)
    if line.band is not None:
        axes.fill_between(line.x, *line.band, color=colour, alpha=0.15, linewidth=0, zorder=1)


def _scale(axes: Axes, scales: Scales) -> None:
    axes.set(xlabel=scales.x, ylabel=scales.y)
    if scales.log_x:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if scales.x_ticks is not None:
        axes.set_xticks(scales.x_ticks)
    if scales.x_limits is not None:
        axes.set_xlim(*scales.x_limits)
    if scales.y_limits is not None:
        axes.set_ylim(*scales.y_limits)

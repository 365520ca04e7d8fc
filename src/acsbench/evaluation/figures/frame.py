"""What all figures share: colours, margins, the title on top and the note below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from acsbench.pictures import PRINT_STYLE

# Okabe & Ito, Color Universal Design (2008); its yellow cannot be read on white, and Tol's wine
# stands in for it. The second eight keep apart from those in hue or lightness.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#882255",
    "#332288",
    "#999933",
    "#8C510A",
    "#AA4499",
    "#117733",
    "#EE6677",
    "#66789A",
    "#66A61E",
)
GREY, SOFT = "#767676", "#444444"
COLUMN, PAGE = 4.72, 6.85
"""Widths in inches: 120 mm, and 174 mm as two columns of a journal."""

_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))
_LINE, _TITLE_LINE = 0.125, 0.15
_CHARACTERS = 16.6
"""Of a note, per inch."""
_TITLE_CHARACTERS = 14.0
_TO_A_DASH = 8
"""Models that share a line style: the second eight differ in colour and in style."""

Style = tuple[str, Any]
"""Colour and line style of a model."""


@dataclass(frozen=True)
class Marks:
    """What stands on every figure of a report.

    Args:
        title: above, in one line or two, such as task and number of ECGs.
        note: a small paragraph below, such as what the labels are.
        simulated: no patient was involved.
        level: confidence level of whatever limits are drawn.
    """

    title: str
    note: str = ""
    simulated: bool = False
    level: float = 0.95


@dataclass(frozen=True)
class Layout:
    """Where the panels of a figure stand; lengths in inches.

    Args:
        width: of the whole figure.
        panel: width and height of each panel's axes.
        rows, columns: of panels.
        left: from the figure's edge to the first panel.
        gap: between panels, across and down.
        above: over the panels, where the title stands.
        below: under the panels, above the note.
    """

    width: float
    panel: tuple[float, float]
    rows: int = 1
    columns: int = 1
    left: float = 0.56
    gap: tuple[float, float] = (0.3, 0.5)
    above: float = 0.34
    below: float = 0.52


def model_styles(names: Sequence[str]) -> dict[str, Style]:
    """Colour and line style of each model, the same on every figure and table of a report."""
    return {
        name: (PALETTE[i % len(PALETTE)], _DASHES[i // _TO_A_DASH % len(_DASHES)])
        for i, name in enumerate(names)
    }


def framed(layout: Layout, marks: Marks, panels: int | None = None) -> tuple[Figure, list[Axes]]:
    """A figure with title, note and empty panels, to be drawn on in `PRINT_STYLE`.

    Args:
        layout: its lengths.
        marks: what stands on it.
        panels: how many of the places have a panel; all unless given.

    Returns:
        The figure, and the panels row by row.
    """
    lines = textwrap.wrap(marks.note, int(layout.width * _CHARACTERS))
    wide, tall = layout.panel
    across, down = layout.gap
    note = _LINE * len(lines)
    width = layout.width
    margin = min(layout.left, 0.56)
    right = layout.left + layout.columns * wide + (layout.columns - 1) * across
    room = int((right - margin - 0.9 * marks.simulated) * _TITLE_CHARACTERS)
    title = textwrap.wrap(marks.title, room, max_lines=2, placeholder="…")
    above = layout.above + _TITLE_LINE * (len(title) - 1)
    panels_height = layout.rows * tall + (layout.rows - 1) * down
    height = above + panels_height + layout.below + note
    with mpl.rc_context(PRINT_STYLE):
        figure = Figure(figsize=(width, height), facecolor="white")
        axes = []
        for number in range(layout.rows * layout.columns if panels is None else panels):
            row, column = divmod(number, layout.columns)
            x = layout.left + column * (wide + across)
            y = height - above - tall - row * (tall + down)
            panel = figure.add_axes((x / width, y / height, wide / width, tall / height))
            panel.spines[["top", "right"]].set_visible(False)
            panel.spines[["left", "bottom"]].set_linewidth(0.6)
            panel.tick_params(length=3, width=0.6)
            axes.append(panel)
        heading: dict[str, Any] = {"y": 1 - 0.09 / height, "va": "top", "fontsize": 8.5}
        figure.text(margin / width, s="\n".join(title), **heading)
        if marks.simulated:
            figure.text(right / width, s="SIMULATED", ha="right", weight="bold", **heading)
        for number, line in enumerate(lines):
            y = _LINE * (len(lines) - number) - 0.02
            figure.text(margin / width, y / height, line, color=SOFT, fontsize=6.5, va="center")
    return figure, axes


def key_line(style: Style) -> Line2D:
    """A model's line in a legend."""
    colour, dashes = style
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=1.6)


def legend_below(axes: Axes, handles: Sequence[Any], texts: Sequence[str], columns: int) -> Legend:
    """A legend under a panel and its label; names in it are `short` ones."""
    height = axes.get_window_extent().height / axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    return axes.legend(
        handles,
        list(texts),
        loc="upper left",
        bbox_to_anchor=(-0.09, -0.47 / height),
        borderaxespad=0,
        borderpad=0,
        ncols=columns,
        columnspacing=1.2,
        fontsize=7.5,
        handlelength=1.8,
        frameon=False,
        alignment="left",
    )


def legend_height(entries: int, columns: int) -> float:
    """Inches that a legend of `legend_below` takes."""
    return 0.165 * -(-entries // columns) + 0.1


def short(name: str, most: int = 48) -> str:
    """A long name without its middle: runs of one model differ at the end."""
    half = most // 2
    return name if len(name) <= most else f"{name[: half - 1]}…{name[-half:]}"


def in_two_lines(name: str, most: int = 24) -> str:
    """A name in one line or two, or short where that is not enough."""
    lines = textwrap.wrap(name, most)
    return "\n".join(lines) if len(lines) <= 2 else short(name, most)

"""The flow of a cohort as a diagram in the manner of CONSORT, drawn for print.

Boxes follow one another from top to bottom; who is left out stands to the right of the arrow;
branches stand side by side. Lengths are in inches from the upper left corner.

References:
    Moher et al., The CONSORT statement, Lancet 357:1191 (2001), figure 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from acsbench.cohort.flow import Box, ShownFlow
from acsbench.cohort.steps import UNITS
from acsbench.disclosure import NOT_SHOWN
from acsbench.pictures import PRINT_STYLE

WIDTH = 6.85
"""174 mm, two columns of a journal."""

_INK, _SOFT = "#1a1a1a", "#5a5a5a"
_TEXT, _SMALL, _TITLE = 7.5, 6.5, 8.5  # points
_LEFT, _RIGHT = 0.04, WIDTH - 0.04
_LINE = 0.135  # height of a line of text
_PAD = 0.085
_GAP = 0.26  # between boxes, where an arrow is seen
_AIR = 0.09  # above and below a box beside an arrow
_GUTTER = 0.22  # between branches
_SIDE_SHIFT = 0.22  # from an arrow to the box beside it


@dataclass(frozen=True)
class _Column:
    """Where boxes stand: left edge and width of the boxes, and of those beside the arrows."""

    left: float
    width: float
    side_left: float
    side_width: float
    arrow: float


def flow_figure(flow: ShownFlow, *, title: str, note: str = "", simulated: bool = False) -> Figure:
    """Draw the flow of a cohort.

    Args:
        flow: boxes and their counts, as text.
        title: one line above.
        note: a small line below.
        simulated: mark the figure as no patient's.

    Returns:
        A figure of 174 mm width, as high as it has to be.
    """
    trunk, branches = _trunk_column(), _branch_columns(len(flow.branches))
    with mpl.rc_context({**PRINT_STYLE, "font.size": _TEXT}):
        top = 0.34
        bottom = top + _height(flow.trunk, trunk)
        ends = [
            bottom + 2 * _GAP + _height(boxes, column)
            for boxes, column in zip(flow.branches, branches, strict=True)
        ]
        notes = _wrapped(note, _RIGHT - _LEFT, _SMALL)
        height = max([bottom, *ends]) + (0.12 if notes else 0.03) + _LINE * len(notes)
        figure = Figure(figsize=(WIDTH, height), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, 0))
        axes.axis("off")
        heading: dict[str, Any] = {"fontsize": _TITLE, "va": "center", "color": _INK}
        axes.text(_LEFT, 0.13, title, **heading)
        if simulated:
            axes.text(_RIGHT, 0.13, "SIMULATED", ha="right", weight="bold", **heading)
        _draw_boxes(axes, flow.trunk, trunk, top)
        if branches:
            _draw_fork(axes, trunk.arrow, bottom, [column.arrow for column in branches])
        for boxes, column in zip(flow.branches, branches, strict=True):
            _draw_boxes(axes, boxes, column, bottom + 2 * _GAP)
        if flow.in_both:
            unit = "patient is" if flow.in_both == "1" else "patients are"
            words = f"{flow.in_both} {unit} in both groups"
            y = bottom + 1.5 * _GAP
            axes.text(WIDTH / 2, y, words, ha="center", va="center", fontsize=_SMALL, color=_SOFT)
        for number, line in enumerate(notes):
            y = height - _LINE * (len(notes) - number - 0.5)
            axes.text(_LEFT, y, line, fontsize=_SMALL, va="center", color=_SOFT)
    return figure


def _trunk_column() -> _Column:
    width = 3.3
    side = WIDTH / 2 + _SIDE_SHIFT
    return _Column((WIDTH - width) / 2, width, side, _RIGHT - side, WIDTH / 2)


def _branch_columns(count: int) -> list[_Column]:
    columns = []
    for number in range(count):
        width = (_RIGHT - _LEFT - (count - 1) * _GUTTER) / count
        left = _LEFT + number * (width + _GUTTER)
        side = left + width / 2 + _SIDE_SHIFT
        columns.append(_Column(left, width, side, left + width - side, left + width / 2))
    return columns


def _wrapped(text: str, width: float, size: float = _TEXT) -> list[str]:
    """Lines of a text that are no wider than `width` inches."""
    font, lines = FontProperties(size=size), list[str]()
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        points = text_to_path.get_text_width_height_descent(longer, font, ismath=False)[0]
        # On a screen, letters are set a little wider than on paper.
        if lines and 1.03 * points / 72 <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def counted(counts: Mapping[str, str]) -> str:
    """Counts as a box has them.

    >>> counted({"patients": "1,758", "visits": "1,952", "ecgs": "3,925"})
    'n = 1,758 patients (1,952 visits, 3,925 ECGs)'
    >>> counted({"patients": "<11", "ecgs": "not shown"})
    'n < 11 patients (ECGs not shown)'
    """
    if set(counts.values()) == {NOT_SHOWN}:
        return f"n {NOT_SHOWN}"
    first, *rest = (_with_unit(text, UNITS[unit]) for unit, text in counts.items())
    relation = "n = " if first[0].isdigit() else "n " if first[0] == "<" else ""
    start = f"{relation}{first}".replace("<", "< ")
    return f"{start} ({', '.join(rest)})" if rest else start


def _with_unit(text: str, unit: str) -> str:
    if text == NOT_SHOWN:
        return f"{unit}s {text}"
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"


def _count_lines(counts: Mapping[str, str], width: float) -> list[str]:
    """One line if it fits, else the brackets in one of their own."""
    text = counted(counts)
    lines = _wrapped(text, width)
    if len(lines) == 1 or " (" not in text:
        return lines
    first, _, rest = text.partition(" (")
    return _wrapped(first, width) + _wrapped(f"({rest}", width)


def _box_height(lines: Sequence[str]) -> float:
    return len(lines) * _LINE + 2 * _PAD


def _main_lines(box: Box, column: _Column) -> list[str]:
    width = column.width - 2 * _PAD
    return _wrapped(box.title, width) + _count_lines(box.counts, width)


def _side_lines(box: Box, column: _Column) -> list[str]:
    """Who was left out; nothing where that is nobody."""
    if box.left_out is None or set(box.left_out.values()) == {"0"}:
        return []
    width = column.side_width - 2 * _PAD
    return ["Left out", *_count_lines(box.left_out, width)]


def _step_gap(box: Box, column: _Column) -> float:
    """From the box before to this one."""
    lines = _side_lines(box, column)
    return _box_height(lines) + 2 * _AIR if lines else _GAP


def _height(boxes: Sequence[Box], column: _Column) -> float:
    gaps = sum(_step_gap(box, column) for box in boxes[1:])
    return gaps + sum(_box_height(_main_lines(box, column)) for box in boxes)


def _draw_boxes(axes: Axes, boxes: Sequence[Box], column: _Column, top: float) -> float:
    """Draw boxes below one another; returns where the last one ends."""
    y = top
    for number, box in enumerate(boxes):
        if number:
            gap = _step_gap(box, column)
            _draw_arrow(axes, (column.arrow, y), (column.arrow, y + gap))
            lines = _side_lines(box, column)
            if lines:
                middle = y + gap / 2
                _draw_arrow(axes, (column.arrow, middle), (column.side_left, middle))
                top_of_side = middle - _box_height(lines) / 2
                _draw_box(axes, lines, column.side_left, column.side_width, top_of_side)
            y += gap
        lines = _main_lines(box, column)
        _draw_box(axes, lines, column.left, column.width, y)
        y += _box_height(lines)
    return y


def _draw_box(axes: Axes, lines: Sequence[str], left: float, width: float, top: float) -> None:
    height = _box_height(lines)
    box = Rectangle((left, top), width, height, facecolor="white", edgecolor=_INK, linewidth=0.7)
    axes.add_patch(box)
    for number, line in enumerate(lines):
        y = top + _PAD + (number + 0.5) * _LINE
        axes.text(left + _PAD, y, line, va="center_baseline", color=_INK)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style: dict[str, Any] = {"arrowstyle": "-|>,head_length=0.32,head_width=0.15"}
    style |= {"shrinkA": 0, "shrinkB": 0, "linewidth": 0.7, "color": _INK, "joinstyle": "miter"}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


def _draw_fork(axes: Axes, start: float, top: float, ends: Sequence[float]) -> None:
    """From the last box of the trunk to the first of each branch."""
    middle = top + _GAP
    line: dict[str, Any] = {"color": _INK, "linewidth": 0.7, "solid_capstyle": "butt"}
    axes.plot([start, start], [top, middle], **line)
    axes.plot([min(*ends, start), max(*ends, start)], [middle, middle], **line)
    for end in ends:
        _draw_arrow(axes, (end, middle), (end, top + 2 * _GAP))

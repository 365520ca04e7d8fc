"""What a clinical ECG page is drawn with: millimetre paper, traces, labels, captions.

Everything is measured in millimetres of a landscape A4 sheet, from its lower left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

PAPER = (297.0, 210.0)
"""Landscape A4, mm."""
SPEED = 25.0
"""Paper speed, mm/s."""
GAIN = 10.0
"""Standard gain, mm/mV."""
SECONDS = 10.0
"""What one page shows."""
MM_PER_POINT = 25.4 / 72

GRID_LEFT, GRID_BOTTOM, GRID_WIDTH, GRID_HEIGHT = 13.5, 11.0, 270.0, 180.0
GRID_RIGHT, GRID_TOP = GRID_LEFT + GRID_WIDTH, GRID_BOTTOM + GRID_HEIGHT
TRACE_LEFT = GRID_LEFT + 15.0
PULSE_SECONDS = 0.2
PULSE_LEFT = GRID_LEFT + 5.0

INK, TEXT, MUTED, ALERT, WATERMARK = "#101317", "#22262b", "#75797e", "#a8201a", "#35506b"
FINE, BOLD = "#f7d2d1", "#eba3a1"
TRACE_MM = 0.28
SEPARATOR_MM = 3.0
LABEL_SIZE = 9.0

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, mm."""


@dataclass(frozen=True)
class Trace:
    """One lead at its place on the page.

    Args:
        name: the lead.
        row: counted from the top.
        left: where its place begins, s from the left end of the row.
        seconds: where each sample stands, s from the left end of the row, shape (samples,).
        values: mV, NaN where nothing was recorded, shape (samples,).
    """

    name: str
    row: int
    left: float
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]

    @property
    def recorded(self) -> bool:
        """Whether any sample was recorded."""
        return bool(np.isfinite(self.values).any())

    def x(self) -> NDArray[np.float64]:
        """Place of each sample on the sheet, mm."""
        return TRACE_LEFT + SPEED * self.seconds

    def height(self, gain: float) -> NDArray[np.float64]:
        """Height of each sample over the baseline, the median, mm."""
        return gain * (self.values - np.nanmedian(self.values)) if self.recorded else self.values


def draw_paper(axes: Axes) -> None:
    """Millimetre paper: fine lines every 1 mm, bold ones every 5 mm."""
    for step, colour, width, gid in ((1, FINE, 0.1, "grid-1mm"), (5, BOLD, 0.18, "grid-5mm")):
        across = [at for at in range(0, int(GRID_WIDTH) + 1, step) if step == 5 or at % 5]
        up = [at for at in range(0, int(GRID_HEIGHT) + 1, step) if step == 5 or at % 5]
        segments = [[(GRID_LEFT + at, GRID_BOTTOM), (GRID_LEFT + at, GRID_TOP)] for at in across]
        segments += [[(GRID_LEFT, GRID_BOTTOM + at), (GRID_RIGHT, GRID_BOTTOM + at)] for at in up]
        grid = LineCollection(
            segments,
            colors=colour,
            linewidths=width / MM_PER_POINT,
            capstyle="projecting",
            zorder=1 + step / 10,
            clip_on=False,
        )
        grid.set_gid(gid)
        axes.add_collection(grid, autolim=False)


def baselines(traces: Sequence[Trace], gain: float) -> list[float]:
    """Where each row's baseline lies, mm, from the top row down.

    Rows are evenly spaced unless neighbours would meet at the same time; then those move apart
    at the cost of the others, whose distance never falls below half of the even one.
    """
    rows = 1 + max(trace.row for trace in traces)
    bins = round(SECONDS / 0.1)
    above, below = np.zeros((rows, bins)), np.zeros((rows, bins))
    for trace in traces:
        height = trace.height(gain)
        known = np.isfinite(height)
        at = np.clip((trace.seconds[known] / 0.1).astype(int), 0, bins - 1)
        np.maximum.at(above[trace.row], at, np.minimum(height[known], GRID_HEIGHT / 4))
        np.maximum.at(below[trace.row], at, np.minimum(-height[known], GRID_HEIGHT / 4))
    clearance = 2.0
    needed = np.concatenate(
        [
            [above[0].max() + clearance],
            (below[:-1] + above[1:]).max(axis=1) + clearance,
            [below[-1].max() + clearance],
        ]
    )
    share = np.ones(rows + 1)
    share[[0, -1]] = 0.5
    even = GRID_HEIGHT / rows * share
    gaps = _spread(needed, even)
    heights = GRID_TOP - np.cumsum(gaps)[:-1]
    # On a line of the paper, so that amplitudes can be read off.
    return [float(GRID_BOTTOM + np.round(height - GRID_BOTTOM)) for height in heights]


def _spread(needed: NDArray[np.float64], even: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances that add up to those of `even`, each as large as needed where that is possible."""
    total = even.sum()
    floor = even / 2
    needed = np.maximum(needed, floor)
    if needed.sum() >= total:
        # Rows may overlap each other; they should not cross the header and the footer.
        floor[[0, -1]] = np.minimum(needed[[0, -1]], total / 4)
        excess = needed - floor
        return np.asarray(floor + excess * (total - floor.sum()) / excess.sum())
    low, high = 0.5, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if np.maximum(needed, middle * even).sum() > total:
            high = middle
        else:
            low = middle
    return np.maximum(needed, high * even)


def draw_traces(axes: Axes, traces: Sequence[Trace], gain: float) -> list[str]:
    """Draw all rows with calibration pulses, separators and lead names.

    Returns:
        The leads whose traces run off the sheet.
    """
    zero = baselines(traces, gain)
    ink: dict[str, Any] = {
        "color": INK,
        "linewidth": TRACE_MM / MM_PER_POINT,
        "solid_joinstyle": "round",
        "solid_capstyle": "round",
        "clip_on": False,
        "zorder": 4,
    }
    for row, level in enumerate(zero):
        left, right = PULSE_LEFT, PULSE_LEFT + PULSE_SECONDS * SPEED
        axes.plot(
            [left - 2, left, left, right, right, right + 2],
            [level, level, level + gain, level + gain, level, level],
            gid=f"calibration-{row + 1}",
            **ink,
        )
    lines: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    beyond: list[str] = []
    for number, trace in enumerate(traces):
        if trace.recorded:
            x, y = trace.x(), zero[trace.row] + trace.height(gain)
            axes.plot(x, y, gid=f"trace-{number + 1}-{trace.name}", **ink)
            lines.append((x, y))
            if (np.nanmin(y) < 0 or np.nanmax(y) > PAPER[1]) and trace.name not in beyond:
                beyond.append(trace.name)
    taken = _segments(lines)
    _draw_separators(axes, traces, zero, taken)
    for trace in traces:
        _draw_label(axes, trace, zero[trace.row], taken)
    return beyond


def _draw_separators(
    axes: Axes, traces: Sequence[Trace], zero: Sequence[float], taken: NDArray[np.float64]
) -> None:
    """Small marks where one lead ends and the next begins, clear of the baseline.

    One above and one below, where no trace is: a mark that touched a complex would lengthen it.
    """
    segments = []
    for trace in traces:
        if trace.left > 0:
            x, level = TRACE_LEFT + SPEED * trace.left, zero[trace.row]
            for places in ((5.5, 9.5, 13.5), (-8.5, -12.5, -16.5)):
                marks = [(level + at, level + at + SEPARATOR_MM) for at in places]
                free = [mark for mark in marks if not _crossings((x, mark[0], x, mark[1]), taken)]
                segments += [[(x, low), (x, high)] for low, high in free[:1]]
    separators = LineCollection(
        segments, colors=INK, linewidths=0.25 / MM_PER_POINT, zorder=3, clip_on=False
    )
    separators.set_gid("lead-separators")
    axes.add_collection(separators, autolim=False)


def _segments(
    lines: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """All pieces of all lines as left, bottom, right, top, shape (4, pieces)."""
    pieces = [
        np.stack([x[:-1], np.minimum(y[:-1], y[1:]), x[1:], np.maximum(y[:-1], y[1:])])
        for x, y in lines
    ]
    joined = np.concatenate([np.empty((4, 0)), *pieces], axis=1)
    return joined[:, np.isfinite(joined).all(axis=0)]


def _draw_label(axes: Axes, trace: Trace, level: float, taken: NDArray[np.float64]) -> None:
    """The lead's name above the beginning of its trace, where no trace crosses it."""
    left = TRACE_LEFT + SPEED * trace.left + 1.2
    style: dict[str, Any] = {"va": "baseline", "zorder": 6}
    name, height = text_width(trace.name, LABEL_SIZE, bold=True), 2.4
    remark = "" if trace.recorded else "not recorded"
    width = name + (1.5 + text_width(remark, 7) if remark else 0)
    # The usual place, then further into the lead, then above its complexes, last below it.
    places = [(right, up) for right in (0, 3, 6, 9, 12) for up in (6, 7, 8, 5, 9)]
    places += [(0, up) for up in (10, 11, 12, 13, 14, -8, -9, -10, -11, -12)]
    crossings = []
    for right, up in places:
        box = (left + right, level + up, left + right + width, level + up + height)
        crossings.append(_crossings(box, taken))
        if crossings[-1] == 0:
            break
    right, up = places[int(np.argmin(crossings))]
    left, level = left + right, level + up
    colour = MUTED if remark else TEXT
    axes.text(left, level, trace.name, size=LABEL_SIZE, weight="bold", color=colour, **style)
    if remark:
        axes.text(left + name + 1.5, level, remark, size=7, color=colour, **style)


def _crossings(box: Box, taken: NDArray[np.float64], margin: float = 0.8) -> int:
    """How many pieces of traces touch a box."""
    left, bottom, right, top = taken
    return int(
        (
            (right > box[0] - margin)
            & (left < box[2] + margin)
            & (top > box[1] - margin)
            & (bottom < box[3] + margin)
        ).sum()
    )


def draw_captions(
    axes: Axes,
    *,
    title: str,
    note: str,
    facts: Sequence[str],
    footer: Sequence[str],
    simulated: bool,
) -> None:
    """Header and footer, and the marks of a simulated page."""
    upper, lower = GRID_TOP + 9.2, GRID_TOP + 3.2
    free = GRID_WIDTH
    style: dict[str, Any] = {"color": TEXT, "va": "baseline", "zorder": 6}
    if simulated:
        badge = "SIMULATED – not a patient’s ECG"
        width = text_width(badge, 9, bold=True) + 5
        plate = FancyBboxPatch(
            (GRID_RIGHT - width, upper - 1.9),
            width,
            6.0,
            boxstyle="round,pad=0,rounding_size=1.2",
            facecolor=ALERT,
            edgecolor="none",
            zorder=5,
        )
        axes.add_patch(plate)
        axes.text(
            GRID_RIGHT - width / 2,
            upper,
            badge,
            **{**style, "color": "white"},
            size=9,
            weight="bold",
            ha="center",
        )
        axes.text(
            TRACE_LEFT + SPEED * SECONDS / 2,
            GRID_BOTTOM + GRID_HEIGHT / 2,
            "SIMULATED",
            size=110,
            weight="bold",
            color=WATERMARK,
            alpha=0.07,
            ha="center",
            va="center",
            rotation=18,
            zorder=2,
            gid="watermark",
        )
        free -= width + 5
    title, note = one_line(title), one_line(note)
    right = " · ".join(facts)
    if title:
        size = fitting_size(title, 12, free, bold=True)
        axes.text(GRID_LEFT, upper, title, size=size, weight="bold", **style)
    if note:
        size = fitting_size(note, 8, GRID_WIDTH - text_width(right, 9) - 8)
        axes.text(GRID_LEFT, lower, note, size=size, **style)
    axes.text(GRID_RIGHT, lower, right, size=9, ha="right", **style)
    line = " · ".join(footer)
    size = fitting_size(line, 8, GRID_WIDTH)
    axes.text(GRID_LEFT, GRID_BOTTOM - 5.5, line, size=size, **style)


def one_line(text: str) -> str:
    """Text without line breaks and without characters that no file can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How far a text of so many points reaches from where it begins, mm."""
    if not text:
        return 0.0
    properties = FontProperties(family="sans-serif", weight="bold" if bold else "normal")
    outline = np.asarray(TextPath((0, 0), text, size=size, prop=properties).vertices)
    return float(outline[:, 0].max(initial=0.0) * MM_PER_POINT)


def fitting_size(text: str, size: float, width: float, bold: bool = False) -> float:
    """The largest size up to the one given at which a text is no wider than so many mm."""
    return min(size, size * width / max(text_width(text, size, bold), 1e-9))

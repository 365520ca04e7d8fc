"""The clinical page with its fiducials marked, and the findings in a column beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from acsbench.ecg.criteria import CRITERIA, Finding, Sex, assess
from acsbench.ecg.delineation import delineate_beats
from acsbench.ecg.measured_values import simultaneous
from acsbench.ecg.measurements import measure
from acsbench.ecg.paper import MM_PER_POINT, MUTED, PAPER, SPEED, TEXT, TRACE_LEFT
from acsbench.ecg.plot import plot_page
from acsbench.ecg.printed import COLUMNS, ROWS
from acsbench.ecg.recording import Recording

COLUMN_WIDTH = 110.0
"""What is added to the right of the page, mm."""
WAVE_COLOURS = ("#1b6ca8", "#1d7a3d", "#7b3fa0")
"""P wave, QRS complex, T wave."""
_TICK = 2.2  # mm above and below the trace
_SEQUENTIAL_SECONDS = 9.5
_LINE, _TOP, _LEFT = 4.2, 196.0, 6.0  # mm
_CHARACTERS = 62


def annotated_page(
    recording: Recording, *, age: float | None = None, sex: Sex | None = None, **options: Any
) -> Figure:
    """Draw a recording with what is measured on it.

    Args:
        recording: any of the twelve leads.
        age: years, if known: limits of ST elevation depend on it.
        sex: if known.
        options: of `acsbench.ecg.plot.plot_page`.

    Returns:
        A figure of 407 × 210 mm: the page true to scale, on each lead the onset and end of P
        (blue), QRS (green) and T (violet) as ticks and their peaks as dots, and to the right the
        measurements and the criteria that are met.

    Raises:
        ValueError: as from `plot_page` and `measure`.
    """
    table = measure(recording)
    rate = float(table["heart_rate"].iloc[0])
    figure = plot_page(recording, **{"heart_rate": rate, **options})
    page = figure.axes[0]
    _mark_waves(page, recording, float(options.get("start", 0.0)))
    width = PAPER[0] + COLUMN_WIDTH
    figure.set_size_inches(width / 25.4, PAPER[1] / 25.4)
    page.set_position((0, 0, PAPER[0] / width, 1))
    beside = figure.add_axes(
        (PAPER[0] / width, 0, COLUMN_WIDTH / width, 1), xlim=(0, COLUMN_WIDTH), ylim=(0, PAPER[1])
    )
    beside.set_axis_off()
    _write_findings(
        beside,
        table,
        assess(table, age, sex),
        recording.duration,
        page_is_filtered=bool(options.get("filter_band")),
    )
    return figure


def _mark_waves(page: Axes, recording: Recording, start: float) -> None:
    fiducials = mark_each_lead(recording)
    sequential = recording.duration - start >= _SEQUENTIAL_SECONDS
    ticks: list[list[tuple[float, float]]] = []
    colours: list[str] = []
    for line in page.lines:
        gid = str(line.get_gid())
        if not gid.startswith("trace-"):
            continue
        _, number, lead = gid.split("-")
        x, y = (np.asarray(data, dtype=float) for data in line.get_data())
        column = (int(number) - 1) // ROWS
        shown_from = start
        if not sequential and column < COLUMNS:
            shown_from = start - column * 10.0 / COLUMNS
        marks = (fiducials[lead] / recording.fs - shown_from) * SPEED + TRACE_LEFT
        for wave, colour in enumerate(WAVE_COLOURS):
            for place, height in _on_trace(marks[:, wave, [0, 2]].ravel(), x, y):
                ticks.append([(place, height - _TICK), (place, height + _TICK)])
                colours.append(colour)
            dots = np.array(list(_on_trace(marks[:, wave, 1], x, y))).reshape(-1, 2)
            page.plot(*dots.T, ".", color=colour, markersize=3.5, zorder=5, clip_on=False)
    page.add_collection(
        LineCollection(
            ticks, colors=colours, linewidths=0.25 / MM_PER_POINT, zorder=5, clip_on=False
        ),
        autolim=False,
    )


def mark_each_lead(recording: Recording) -> dict[str, NDArray[np.float64]]:
    """Onset, peak and end of each lead's waves, shape (beats, 3 waves, 3 points), in samples.

    Leads are taken together where they were recorded at the same time, as by `measure`.
    """
    found = {lead: np.empty((0, 3, 3)) for lead in recording.leads}
    for rows in simultaneous(np.isfinite(recording.signal)):
        leads = delineate_beats(recording.signal[rows], recording.fs).leads
        for place, row in enumerate(rows):
            found[recording.leads[row]] = leads[:, place]
    return found


def _on_trace(
    places: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> Iterator[tuple[float, float]]:
    """Where marks meet a trace, mm; those outside it are left out."""
    for place in places[np.isfinite(places)]:
        if x[0] <= place <= x[-1]:
            height = y[min(int(np.searchsorted(x, place)), len(y) - 1)]
            if np.isfinite(height):
                yield float(place), float(height)


def _write_findings(
    axes: Axes,
    table: pd.DataFrame,
    findings: Sequence[Finding],
    seconds: float,
    *,
    page_is_filtered: bool,
) -> None:
    """The column of text, from the top down; measured is the signal as recorded."""
    height = _TOP

    def write(text: str, size: float = 8, **style: Any) -> None:
        nonlocal height
        axes.text(_LEFT, height, text, size=size, va="baseline", **{"color": TEXT, **style})
        height -= _LINE * size / 8

    write("Measured", 10, weight="bold")
    for line in _intervals(table, seconds):
        write(line)
    height -= _LINE / 2
    write("lead       J   ST60      T      Q      R      S  quality", 7, family="monospace")
    for line in _lead_lines(table):
        write(line, 7, family="monospace")
    as_recorded = "measured as recorded, before the filter of the page; " * page_is_filtered
    write(f"mV; {as_recorded}– not measured", 7, color=MUTED)
    height -= _LINE / 2
    write("Criteria met", 10, weight="bold")
    met = [found.sentence for found in findings if found.present]
    for sentence in met or ["None."]:
        for number, line in enumerate(textwrap.wrap(sentence, _CHARACTERS)):
            write(("• " if number == 0 else "   ") + line)
    unknown = [CRITERIA[found.criterion].title for found in findings if found.present is None]
    for line in textwrap.wrap(f"Not judged: {', '.join(unknown)}.", _CHARACTERS + 8):
        if unknown:
            write(line, 7, color=MUTED)
    height -= _LINE / 2
    write("Rules applied to measurements, not a diagnosis.", 7, color=MUTED)


def _intervals(table: pd.DataFrame, seconds: float) -> list[str]:
    whole = table.iloc[0]

    def number(column: str) -> str:
        return "–" if pd.isna(whole[column]) else f"{whole[column]:.0f}"

    # Whether the rate rests on less than the recording.
    part = whole["rate_seconds"] < seconds - 0.5
    searched = f" in {whole['rate_seconds']:.1f} s" if part else ""
    return [
        f"Rate {number('heart_rate')} /min{searched}   PR {number('pr_interval')}   "
        f"QRS {number('qrs_duration')}   QT {number('qt_interval')} ms",
        f"QTc Bazett {number('qtc_bazett')}   Fridericia {number('qtc_fridericia')}   "
        f"Framingham {number('qtc_framingham')}   Hodges {number('qtc_hodges')} ms",
        f"Axes P {number('p_axis')}°   QRS {number('qrs_axis')}°   T {number('t_axis')}°   "
        f"QRS–T angle {number('qrs_t_angle')}°",
    ]


def _lead_lines(table: pd.DataFrame) -> list[str]:
    columns = ("j_level", "st60", "t_amplitude", "q_amplitude", "r_amplitude", "s_amplitude")
    return [
        f"{row['lead']:4s}"
        + "".join("      –" if pd.isna(row[name]) else f"{row[name]:7.2f}" for name in columns)
        + f"  {row['quality']}"
        for _, row in table.iterrows()
    ]

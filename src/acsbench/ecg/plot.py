"""The clinical twelve-lead page: 25 mm/s and 10 mm/mV on millimetre paper, to scale.

A page is a landscape A4 sheet whose only axes are measured in millimetres from its lower left
corner, so that one unit of data is one millimetre of paper in SVG and in PNG.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.filters import bandpass
from acsbench.ecg.gaps import fill_gaps
from acsbench.ecg.leads import LEADS, canonical_lead
from acsbench.ecg.paper import (
    GAIN,
    PAPER,
    SECONDS,
    SPEED,
    Trace,
    draw_captions,
    draw_paper,
    draw_traces,
)
from acsbench.ecg.printed import ROWS, STRIPS
from acsbench.ecg.recording import Recording

PNG_DPI = 300
AS_RECORDED = "filter: none (as recorded)"
"""What the page says of a signal to which nothing was done."""

_COLUMNS = len(LEADS) // ROWS
_SEQUENTIAL_SECONDS = 9.5
"""From this length on the fourth column still holds 2 s, and the columns follow one another."""

_STYLE: dict[Any, Any] = {
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    # Points that lie on a line to a hundredth of a millimetre, a microvolt, are left out.
    "path.simplify_threshold": 0.02,
    "svg.fonttype": "none",
    "svg.hashsalt": "acsbench",
    "text.parse_math": False,
}


@contextmanager
def _page_style() -> Iterator[None]:
    """Whatever style the user has set, the page keeps its scale, its fonts and its bytes."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def plot_page(
    recording: Recording,
    *,
    title: str = "",
    note: str | None = None,
    strips: Sequence[str] = STRIPS,
    start: float = 0.0,
    heart_rate: float | None = None,
    filter_band: tuple[float, float] | None = None,
    processing: str = AS_RECORDED,
    unit: str = "mV",
    gain: float = GAIN,
    simulated: bool = False,
) -> Figure:
    """Draw ten seconds of a recording as the clinical 3 × 4 page with rhythm strips.

    Samples are drawn at their own sampling rate. For display only, each trace is shifted by the
    median of what it shows; wander and offsets within it stay. The four columns follow one
    another in time, as the strips below do; where fewer than 9.5 s are left, every column shows
    the same first 2.5 s instead, and the footer says so. Rows move apart where tall complexes
    would meet, and overlap where the page has no room; the gain never changes by itself.

    Args:
        recording: any of the twelve leads; a lead that is missing, or NaN throughout, is
            named in grey as not recorded.
        title: stands at the head of the page; the ECG's id appears only if put here.
        note: a second, smaller line below the title.
        strips: leads of the rhythm strips, from top to bottom; may be empty.
        start: where in the recording the page begins, s.
        heart_rate: printed in the header if given, beats/min.
        filter_band: band of a zero-phase display filter, Hz, such as (0.5, 40); by default
            the signal is drawn as given.
        processing: what was done to the signal before it is drawn; the footer says it.
        unit: of the signal, as the footer gives the gain.
        gain: mm/mV; 5 for very tall complexes. Footer and calibration pulse follow it.
        simulated: mark the page as no patient's ECG.

    Returns:
        A figure of 297 × 210 mm; its only axes are in millimetres.

    Raises:
        ValueError: a strip is none of the twelve leads, `start` is outside the recording, or
            the filter or the gain is impossible.

    References:
        Kligfield et al., Recommendations for the standardization and interpretation of the
        electrocardiogram, part I, Circulation 115:1306 (2007).
    """
    first = round(start * recording.fs)
    samples = min(round(SECONDS * recording.fs), recording.signal.shape[1] - first)
    if start < 0 or samples < 1:
        raise ValueError(
            f"the page cannot start at {start:g} s of a recording of {recording.duration:g} s"
        )
    seconds = np.arange(samples) / recording.fs
    length = samples / recording.fs
    sequential = length >= _SEQUENTIAL_SECONDS
    shown = {
        lead: _display(signal, recording.fs, filter_band)[first : first + samples]
        for lead, signal in zip(recording.leads, recording.signal, strict=True)
    }

    def cut(lead: str, row: int, left: float, begin: float, end: float) -> Trace:
        """The lead from `begin` to `end`, s, at the place `left`."""
        inside = np.flatnonzero((seconds >= begin - 1e-9) & (seconds < end - 1e-9))
        values = shown[lead][inside] if lead in shown else np.full(len(inside), np.nan)
        return Trace(lead, row, left, seconds[inside] - begin + left, values)

    width = SECONDS / _COLUMNS
    traces = []
    for number, lead in enumerate(LEADS):
        left = number // ROWS * width
        begin = left if sequential else 0.0
        traces.append(cut(lead, number % ROWS, left, begin, begin + width))
    for number, name in enumerate(strips):
        strip = canonical_lead(name)
        if strip is None:
            raise ValueError(f"unknown strip {name!r}; known are {', '.join(LEADS)}")
        traces.append(cut(strip, ROWS + number, 0.0, 0.0, SECONDS))

    remarks = []
    if start > 0 or recording.duration - length > 0.05:
        remarks.append(f"{start:g}–{start + length:.4g} s of {recording.duration:.4g} s")
    if not sequential:
        end = start + min(width, length)
        remarks.append(f"only {length:.3g} s: every column shows {start:g}–{end:.4g} s")
    return _draw(
        traces,
        title=title,
        note=note,
        fs=recording.fs,
        heart_rate=heart_rate,
        footer=_footer(gain, unit, filter_band, processing),
        gain=gain,
        remarks=remarks,
        simulated=simulated,
    )


def plot_printed(
    raw: ArrayLike,
    *,
    fs: float = 500.0,
    title: str = "",
    note: str | None = None,
    heart_rate: float | None = None,
    filter_band: tuple[float, float] | None = None,
    processing: str = AS_RECORDED,
    unit: str = "mV",
    gain: float = GAIN,
    simulated: bool = False,
) -> Figure:
    """Draw a page that already is a printed page; see `acsbench.ecg.printed`.

    Borders that are off by a few samples are drawn as they are. A display filter sees only the
    2.5 s of each lead.

    Args:
        raw: shape (15, samples), or (12, samples) without strips, mV, NaN where a lead is not
            printed.
        fs: sampling rate, Hz.
        title, note, heart_rate, filter_band, processing, unit, gain, simulated: as for
            `plot_page`.

    Returns:
        A figure of 297 × 210 mm; its only axes are in millimetres.

    Raises:
        ValueError: the array is no printed page, or the filter or the gain is impossible.
    """
    page = np.asarray(raw, dtype=np.float64)
    if page.ndim != 2 or page.shape[0] not in (len(LEADS), len(LEADS) + len(STRIPS)):
        raise ValueError(f"a printed page has shape (15, samples), not {page.shape}")
    if not (np.isfinite(fs) and fs > 0):
        raise ValueError(f"sampling rate {fs} Hz; expected a positive number")
    duration = page.shape[1] / fs
    if duration > SECONDS + 0.05:
        raise ValueError(f"a printed page lasts {SECONDS:g} s, not {duration:g} s; is fs right?")
    seconds = np.arange(page.shape[1]) / fs
    width = duration / _COLUMNS
    traces = []
    for number, name in enumerate((*LEADS, *STRIPS)[: len(page)]):
        is_strip = number >= len(LEADS)
        row = number - len(LEADS) + ROWS if is_strip else number % ROWS
        left = 0.0 if is_strip else number // ROWS * width
        inside = np.flatnonzero(np.isfinite(page[number]))
        printed = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0)
        if not is_strip and len(seconds[printed]) / fs > 1.5 * width:
            raise ValueError(
                f"lead {name} is printed over more than its quarter; "
                "draw a whole recording with plot_page"
            )
        values = _display(page[number, printed], fs, filter_band)
        traces.append(Trace(name, row, left, seconds[printed], values))
    return _draw(
        traces,
        title=title,
        note=note,
        fs=fs,
        heart_rate=heart_rate,
        footer=_footer(gain, unit, filter_band, processing),
        gain=gain,
        remarks=[],
        simulated=simulated,
    )


def save_page(figure: Figure, path: Path | str) -> None:
    """Write a page to a file, to scale: 297 × 210 mm; see `page_bytes`."""
    Path(path).write_bytes(page_bytes(figure, path))


def page_bytes(figure: Figure, path: Path | str) -> bytes:
    """A page as the content of a file, to scale: 297 × 210 mm.

    SVG keeps text as text, so that it can be searched; the same page gives the same bytes.
    PNG has 300 dots per inch.

    Args:
        figure: what `plot_page` or `plot_printed` returned.
        path: the file's name, which ends in `.svg` or `.png`; nothing is written.

    Raises:
        ValueError: the name ends otherwise.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    metadata: dict[str, str | None]
    if suffix == ".svg":
        metadata = {"Date": None, "Creator": "acsbench"}
    elif suffix == ".png":
        metadata = {"Software": "acsbench"}
    else:
        raise ValueError(
            f"cannot write a page as {path.name!r}: the file's name must end in .svg or .png"
        )
    buffer = BytesIO()
    with _page_style():
        figure.savefig(buffer, format=suffix[1:], dpi=PNG_DPI, facecolor="white", metadata=metadata)
    content = buffer.getvalue()
    if suffix == ".svg":
        # Three decimals of a point are less than half a micrometre, in two thirds of the bytes.
        content = re.sub(rb' d="[^"]*"', lambda data: _round_numbers(data.group()), content)
    return content


def _round_numbers(path_data: bytes) -> bytes:
    return re.sub(rb"-?\d+\.\d{4,}", lambda number: b"%.3f" % float(number.group()), path_data)


def _display(
    lead: NDArray[np.floating], fs: float, band: tuple[float, float] | None
) -> NDArray[np.float64]:
    """One lead as it is to be drawn, filtered across its gaps, which stay gaps."""
    values = np.where(np.isfinite(lead), lead, np.nan).astype(np.float64)
    known = np.isfinite(values)
    if band is None or not known.any():
        return values
    # Mirrored ends, long enough for the lower edge to settle: a recording that begins within
    # a QRS complex would otherwise show ST changes that nobody has.
    ends = round(fs * min(2 / band[0], 60.0)) if band[0] > 0 else 0
    padded = np.pad(fill_gaps(values, known), ends, mode="reflect")
    # Second order: steep edges would ring after each QRS complex.
    filtered = bandpass(padded, fs, *band, order=2)[ends : ends + len(values)]
    return np.where(known, filtered, np.nan)


def _footer(gain: float, unit: str, band: tuple[float, float] | None, processing: str) -> list[str]:
    """Speed, gain, and every filter that the signal went through."""
    facts = [f"{SPEED:g} mm/s", f"{gain:g} mm/{unit}"]
    if band is None:
        return [*facts, processing]
    display = f"filter: {band[0]:g}–{band[1]:g} Hz"
    return [*facts, display] if processing == AS_RECORDED else [*facts, processing, display]


def _draw(
    traces: Sequence[Trace],
    *,
    title: str,
    note: str | None,
    fs: float,
    heart_rate: float | None,
    footer: Sequence[str],
    gain: float,
    remarks: Sequence[str],
    simulated: bool,
) -> Figure:
    """The whole page from its traces."""
    if not (np.isfinite(gain) and gain > 0):
        raise ValueError(f"a gain of {gain} mm/mV; expected a positive number")
    rate = "" if heart_rate is None or not np.isfinite(heart_rate) else f"{heart_rate:.0f} bpm"
    with _page_style():
        figure = Figure(figsize=(PAPER[0] / 25.4, PAPER[1] / 25.4), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, PAPER[0]), ylim=(0, PAPER[1]))
        axes.set_axis_off()
        draw_paper(axes)
        beyond = draw_traces(axes, traces, gain)
        if beyond:
            remarks = [*remarks, f"runs off the paper: {', '.join(beyond)}"]
        draw_captions(
            axes,
            title=title,
            note=note or "",
            facts=[fact for fact in (rate, f"{fs:g} Hz") if fact],
            footer=[*footer, *remarks],
            simulated=simulated,
        )
    return figure

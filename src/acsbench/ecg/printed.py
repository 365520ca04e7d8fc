"""The 3 × 4 page with three rhythm strips, as an array, and the three rows of the study.

The printed page is an array of shape (15, samples). Rows 0–11 are the twelve leads in the
standard order; each holds one quarter of the time and is NaN elsewhere: I, II, III the first,
aVR, aVL, aVF the second, V1–V3 the third, V4–V6 the fourth. Rows 12–14 are rhythm strips of
V1, II and V5 over the whole time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording

STRIPS = ("V1", "II", "V5")
ROWS = 3
COLUMNS = 4
DIGITISATION_STEP = 0.005
"""The grid that digitised prints lie on, mV."""
_MOST_POINTS = 4_000
"""Points of the grid, 20 mV apart at most: beyond, counting takes more memory than sorting."""


@dataclass(frozen=True, eq=False)
class PrintedPage:
    """One ECG as it was printed, and nothing beyond the print.

    Args:
        ecg_id: identifies the ECG.
        raw: shape (15, samples), mV, NaN where nothing is printed; see the module.
        fs: sampling rate, Hz.

    Raises:
        ValueError: the array has another shape.
    """

    ecg_id: str
    raw: NDArray[np.floating]
    fs: float

    def __post_init__(self) -> None:
        if self.raw.ndim != 2 or self.raw.shape[0] != len(LEADS) + len(STRIPS):
            raise ValueError(f"a printed page has shape (15, samples), not {self.raw.shape}")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.raw.shape[1] / self.fs

    @property
    def completeness(self) -> float:
        """Share of what a page should hold that is there: a quarter per lead, and the strips."""
        samples = self.raw.shape[1]
        # A lead may reach some samples into its neighbour's quarter; that makes up for no gap.
        expected = np.repeat([samples // COLUMNS, samples], [len(LEADS), len(STRIPS)])
        found = np.minimum(np.isfinite(self.raw).sum(axis=1), expected)
        return float(found.sum() / expected.sum())


def print_page(recording: Recording, step: float | None = None) -> NDArray[np.float64]:
    """Cut a twelve-lead ECG into the printed 3 × 4 page with rhythm strips.

    Args:
        recording: all twelve leads, simultaneous.
        step: round amplitudes to multiples of this many mV, as digitising a print does.

    Returns:
        Shape (15, samples), mV, NaN where a lead is not printed.

    Raises:
        ValueError: a lead is missing.
    """
    signal = recording.select(LEADS).astype(np.float64)
    if step is not None:
        signal = np.round(np.round(signal / step) * step, 9)
    samples = signal.shape[1]
    borders = np.arange(COLUMNS + 1) * samples // COLUMNS
    page = np.full((len(LEADS) + len(STRIPS), samples), np.nan)
    for lead in range(len(LEADS)):
        quarter = slice(borders[lead // ROWS], borders[lead // ROWS + 1])
        page[lead, quarter] = signal[lead, quarter]
    page[len(LEADS) :] = signal[[LEADS.index(lead) for lead in STRIPS]]
    return page


def rows_from_print(raw: ArrayLike) -> NDArray[np.float64]:
    """Three rows of the printed page, each four leads one after the other.

    Row r is the sum of leads r, r+3, r+6 and r+9, each less its own mode; a missing sample or
    lead counts as 0, and overlapping borders add. Equal to the study's input before filtering.

    Args:
        raw: printed page, shape (15, samples) or (12, samples), mV with NaN.

    Returns:
        Shape (3, samples), mV, not filtered.

    Raises:
        ValueError: the array has another shape.
    """
    page = np.asarray(raw, dtype=np.float64)
    if page.ndim != 2 or page.shape[0] not in (len(LEADS), len(LEADS) + len(STRIPS)):
        raise ValueError(f"a printed page has shape (15, samples), not {page.shape}")
    return rows_of_each([page])[0]


def rows_of_each(pages: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Three rows of several pages.

    Args:
        pages: as for `rows_from_print`, of one length.

    Returns:
        Shape (pages, 3, samples), mV, not filtered.
    """
    # One by one: what a page takes stays in the processor's cache.
    return np.stack([_rows(page[: len(LEADS)]) for page in pages])


def _rows(leads: NDArray[np.floating]) -> NDArray[np.float64]:
    """Three rows of one page, (3, samples), from its twelve leads."""
    quarters = _own_quarters(leads)
    if quarters is None:
        return _rows_of_any(leads)
    sizes = np.full(len(LEADS), quarters.shape[2])
    quarters -= _modes(quarters.reshape(-1), sizes).reshape(COLUMNS, ROWS, 1)
    return quarters.swapaxes(0, 1).reshape(ROWS, -1)


def _rows_of_any(leads: NDArray[np.floating]) -> NDArray[np.float64]:
    """Three rows of one page, (3, samples), whatever its twelve leads show."""
    samples = leads.shape[1]
    printed = np.ascontiguousarray(leads).reshape(-1)
    found = np.flatnonzero(np.isfinite(printed))
    values = printed[found]
    sizes = np.diff(np.searchsorted(found, np.arange(len(LEADS) + 1) * samples))
    values = values - np.repeat(_modes(values, sizes), sizes)
    # Leads of one row are ROWS apart; overlapping ones add.
    found -= np.repeat(np.arange(len(LEADS)) // ROWS * ROWS * samples, sizes)
    rows = np.bincount(found, values, ROWS * samples)
    return np.asarray(rows, dtype=np.float64).reshape(ROWS, samples)


def _own_quarters(leads: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Each lead's quarter, shape (4, 3, samples / 4), if it holds that and nothing else.

    Most prints do, and their rows take a fraction of the time.
    """
    samples = leads.shape[1]
    if samples % COLUMNS:
        return None
    parts = leads.reshape(COLUMNS, ROWS, COLUMNS, -1)
    columns = np.arange(COLUMNS)
    quarters = parts[columns, :, columns].astype(np.float64, copy=False)
    whole = np.isfinite(quarters).all() and np.count_nonzero(np.isfinite(leads)) == quarters.size
    return quarters if whole else None


def recording_from_print(page: PrintedPage) -> Recording:
    """The twelve leads as far as they were printed, for measuring.

    A lead is NaN outside its quarter; V1, II and V5 are their rhythm strips, which hold more
    beats, unless the strip is missing.

    Returns:
        Twelve leads in the standard order, as long as the page.
    """
    leads = page.raw[: len(LEADS)].copy()
    for name, strip in zip(STRIPS, page.raw[len(LEADS) :], strict=True):
        if np.isfinite(strip).any():
            leads[LEADS.index(name)] = strip
    return Recording(page.ecg_id, leads, page.fs, LEADS)


def _modes(values: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The most frequent value of each lead, the smallest of several; 0 for a lead without one.

    What is digitised lies on a grid, and counting what falls on its points is many times faster
    than sorting. It is exact as long as all that falls on a point is one and the same value.

    Args:
        values: of all leads, one lead after the other.
        sizes: how many of them each lead has.
    """
    lowest, highest = values.min(initial=0.0), values.max(initial=0.0)
    per_mv = 1 / DIGITISATION_STEP
    if (highest - lowest) * per_mv > _MOST_POINTS:
        return _modes_by_sorting(values, sizes)
    first = int(np.rint(lowest * per_mv))
    points = int(np.rint(highest * per_mv)) - first + 1
    place = np.rint(values * per_mv).astype(np.int64) - first
    on_grid = np.zeros(points)
    on_grid[place] = values
    if not np.array_equal(on_grid[place], values):
        return _modes_by_sorting(values, sizes)
    place += np.repeat(np.arange(len(sizes)) * points, sizes)
    counts = np.bincount(place, minlength=len(sizes) * points).reshape(len(sizes), points)
    return np.where(sizes > 0, on_grid[counts.argmax(axis=1)], 0.0)


def _modes_by_sorting(values: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    modes = np.zeros(len(sizes))
    for number, lead in enumerate(np.split(values, np.cumsum(sizes)[:-1])):
        found, counts = np.unique(lead, return_counts=True)
        if len(found):
            modes[number] = found[counts.argmax()]
    return modes

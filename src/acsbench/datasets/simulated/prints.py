"""From a recording to its digitised print: the grid, lost leads, gaps, shifted borders.

Rates of the faults are chosen: most pages are sound, and every fault is found in a hundred pages.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin

from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, ROWS, STRIPS
from acsbench.ecg.recording import Recording

MISSING_LEAD_SHARE = 0.015
"""Pages without one of the twelve leads."""
SHIFTED_SHARE = 0.10
LARGEST_SHIFT = 6
"""Pages whose leads begin and end some samples early or late, and how many at most."""
GAPS_SHARE = 0.05
MOST_GAPS = 4
LONGEST_GAP = 12
"""Pages with gaps, how many at most, and how many samples each."""
GAP_IN_STRIP = 0.7
"""Of gaps: those in a rhythm strip."""

STRIP_FS = 100.0
STRIP_SHAPE = (len(STRIPS), 1000)
"""Of the smoothed strips: V1, II, V5 at 100 Hz."""
_SMOOTHING_TAPS = 25

Page = NDArray[np.float32]


def digitised_page(recording: Recording, rng: np.random.Generator) -> tuple[Page, Page]:
    """Print a recording and digitise it, with the faults of both.

    Args:
        recording: all twelve leads, 10 s at 500 Hz.
        rng: random generator for the faults.

    Returns:
        The page as `print_page` cuts it, shape (15, 5000), mV, NaN where nothing is printed; and
        the strips, smoothed to 100 Hz, without gaps, shape (3, 1000), mV.
    """
    signal = recording.select(LEADS)
    # Whole steps first: the division of a whole number is the float nearest to the grid.
    grid = np.rint(signal * np.float32(1 / DIGITISATION_STEP)) / np.float32(1 / DIGITISATION_STEP)
    strips = grid[[LEADS.index(lead) for lead in STRIPS]]
    samples = signal.shape[1]
    borders = np.arange(5) * samples // 4
    begin = np.repeat(borders[:-1], ROWS)
    end = np.repeat(borders[1:], ROWS)
    if rng.random() < SHIFTED_SHARE:
        begin, end = (
            np.clip(edge + rng.integers(-LARGEST_SHIFT, LARGEST_SHIFT + 1, len(edge)), 0, samples)
            for edge in (begin, end)
        )
    page = np.full((len(LEADS) + len(STRIPS), samples), np.nan, dtype=np.float32)
    for lead, (first, last) in enumerate(zip(begin.tolist(), end.tolist(), strict=True)):
        page[lead, first:last] = grid[lead, first:last]
    page[len(LEADS) :] = strips
    if rng.random() < MISSING_LEAD_SHARE:
        page[rng.integers(len(LEADS))] = np.nan
    if rng.random() < GAPS_SHARE:
        _tear(page, begin, end, rng)
    return page, smoothed(strips)


def _tear(
    page: Page, begin: NDArray[np.int64], end: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Short gaps in strips and leads, in place."""
    for _ in range(rng.integers(1, MOST_GAPS + 1)):
        length = int(rng.integers(2, LONGEST_GAP + 1))
        if rng.random() < GAP_IN_STRIP:
            row, low, high = int(rng.integers(len(LEADS), len(page))), 0, page.shape[1]
        else:
            row = int(rng.integers(len(LEADS)))
            low, high = int(begin[row]), int(end[row])
        first = int(rng.integers(low, high - length))
        page[row, first : first + length] = np.nan


def smoothed(strips: Page) -> Page:
    """Strips at 500 Hz low-passed and thinned to 100 Hz, shape (3, 5000) to (3, 1000)."""
    step = round(500.0 / STRIP_FS)
    half = _SMOOTHING_TAPS // 2
    padded = np.pad(strips, ((0, 0), (half, half)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHING_TAPS, axis=1)
    kept: Page = windows[:, ::step] @ _TAPS
    return kept


_TAPS = firwin(_SMOOTHING_TAPS, 40.0, fs=500.0).astype(np.float32)

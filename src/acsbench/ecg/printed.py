"""The 3 × 4 page with three rhythm strips, as an array, and the three rows of the study.

The printed page is an array of shape (15, samples). Rows 0–11 are the twelve leads in the
standard order; each holds one quarter of the time and is NaN elsewhere: I, II, III the first,
aVR, aVL, aVF the second, V1–V3 the third, V4–V6 the fourth. Rows 12–14 are rhythm strips of
V1, II and V5 over the whole time.
"""

from __future__ import annotations

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
    raw: NDArray[np.float64]
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
    leads = page[: len(LEADS)]
    centred = np.nan_to_num(leads - _modes(leads)[:, None], nan=0.0)
    return centred.reshape(COLUMNS, ROWS, -1).sum(axis=0)


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


def _modes(leads: NDArray[np.float64]) -> NDArray[np.float64]:
    """The most frequent value of each row, the smallest of several; 0 for a row of NaN."""
    modes = np.zeros(len(leads))
    for number, lead in enumerate(leads):
        values, counts = np.unique(lead[np.isfinite(lead)], return_counts=True)
        if len(values):
            modes[number] = values[counts.argmax()]
    return modes

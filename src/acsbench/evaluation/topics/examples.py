"""Pages of ECGs with and without the event and signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.leads import LEADS
from acsbench.ecg.plot import plot_printed
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import Picture, Section
from acsbench.evaluation.signs import any_of


@dataclass(frozen=True)
class Waveforms:
    """Where pages of ECGs come from.

    Args:
        read: from ids of ECGs to the three rows of their printed pages, shape (n, 3, samples),
            mV, 500 Hz.
        processing: what was done to them, in words that a page and its caption repeat.
    """

    read: Callable[[Sequence[str]], NDArray[np.float32]]
    processing: str


FS = 500.0
ROWS = 3


def examples(analysis: Analysis, waveforms: Waveforms) -> Section | None:
    """An ECG with and one without the event, each with and without a sign.

    Of each kind, the one is shown whose risk, as the model with the highest AUROC predicts it,
    is the median of its kind. None if the dataset has no signs.
    """
    if not analysis.all_signs:
        return None
    best = analysis.order[0]
    risks = analysis.rows(best)[1]
    ids = analysis.cohort.split(analysis.cohort.evaluated)["ecg_id"].to_numpy()
    signed = any_of(analysis.all_signs)
    pictures = []
    for event, sign in product((True, False), repeat=2):
        kind = np.flatnonzero((analysis.labels == event) & (signed == sign))
        if len(kind) == 0:
            continue
        chosen = kind[np.argsort(risks[kind], kind="stable")[len(kind) // 2]]
        words = f"{'event' if event else 'no event'}, {'signs' if sign else 'no sign'} (reading)"
        seen = [name for name, flags in analysis.all_signs.items() if flags[chosen]]
        figure = plot_printed(
            printed_page(waveforms.read([ids[chosen]])[0]),
            fs=FS,
            processing=waveforms.processing,
            title=f"{analysis.cohort.task_name}: {words}",
            note=f"Predicted risk ({best}): {risks[chosen]:.2f}"
            + (f". Read: {', '.join(seen)}" if seen else ""),
            simulated=analysis.cohort.simulated,
        )
        name = f"example-{'event' if event else 'no-event'}-{'signs' if sign else 'no-sign'}"
        pictures.append(
            Picture(
                name,
                f"An ECG with {words}, without rhythm strips; {waveforms.processing}. Of its "
                f"kind it has the median risk by {best}.",
                figure,
            )
        )
    return Section("Examples", ["Drawn at 25 mm/s and 10 mm/mV."], pictures)


def printed_page(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Three rows of four leads each as a page of twelve leads.

    Args:
        rows: shape (3, samples).

    Returns:
        Shape (12, samples), NaN outside each lead's quarter.
    """
    page = np.full((len(LEADS), rows.shape[1]), np.nan)
    quarters = len(LEADS) // ROWS
    borders = np.linspace(0, rows.shape[1], quarters + 1).astype(int)
    for lead in range(len(LEADS)):
        quarter, row = divmod(lead, ROWS)
        part = slice(borders[quarter], borders[quarter + 1])
        page[lead, part] = rows[row, part]
    return page

"""Leads I and II at each moment, from whichever limb leads were printed then."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.leads import LEADS, LIMB_FROM_I_AND_II, LIMB_LEADS, weighted_sums
from acsbench.ecg.printed import STRIPS
from acsbench.ecg.recorded import alike

_LIMB_ROWS = [*range(len(LIMB_LEADS)), len(LEADS) + STRIPS.index("II")]
"""Rows of a page that hold limb leads: the six of them, and the strip of II."""
_RELATIONS = np.vstack([LIMB_FROM_I_AND_II, LIMB_FROM_I_AND_II[1]])
"""These rows as combinations of I and II, shape (7, 2)."""

# Printed records of PTB-XL reach 0.015 and 0.001 mV; those of LUDB, scaled by the gains in its
# headers (one per lead), start at 0.037 and 0.004 mV.
_LARGEST_RESIDUAL = 0.025  # of what the limb leads show
_LEAST_RESIDUAL = 0.003  # mV
_THINNED = 5


def leads_i_and_ii(pages: NDArray[np.floating], printed: NDArray[np.bool_]) -> NDArray[np.floating]:
    """I and II by least squares over the limb leads of each moment.

    Any two limb leads determine both, so that on a printed page lead I is known as long as aVR,
    aVL and aVF are.

    Args:
        pages: shape (pages, 15, samples), mV.
        printed: which samples count, same shape.

    Returns:
        Shape (pages, 2, samples), mV; NaN where the leads printed do not determine it.
    """
    both = np.full((len(pages), 2, pages.shape[2]), np.nan, dtype=pages.dtype)
    limb = printed[:, _LIMB_ROWS]
    for same in alike(limb):
        shown = limb[same[0]]
        changes = (shown[:, 1:] != shown[:, :-1]).any(axis=0)
        borders = [0, *(np.flatnonzero(changes) + 1).tolist(), pages.shape[2]]
        for start, end in pairwise(borders):
            if shown[:, start].any():  # a product with nothing would be 0
                rows, solved, solver = _solver(shown[:, start].tobytes())
                part = pages[same[:, None], rows, start:end]
                solution = weighted_sums(solver.astype(pages.dtype), part)
                both[same[:, None], solved, start:end] = solution
    return both


def contradict_einthoven(
    pages: NDArray[np.floating], printed: NDArray[np.bool_], both: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Whether simultaneous limb leads do not fit together: swapped, or each with its own gain.

    Args:
        pages, printed: as for `leads_i_and_ii`.
        both: what that returned.

    Returns:
        Shape (pages,).
    """
    # A gain or a swap shows in some of the samples as in all.
    some = both[..., ::_THINNED]
    fitted = printed[:, _LIMB_ROWS, ::_THINNED] & np.isfinite(some).all(axis=1, keepdims=True)
    samples = np.maximum(np.count_nonzero(fitted, axis=(1, 2)), 1)
    values = np.where(fitted, pages[:, _LIMB_ROWS, ::_THINNED], 0)
    expected = weighted_sums(_RELATIONS.astype(pages.dtype), some)
    error = np.where(fitted, expected - values, 0)
    mean = _totals(values) / samples
    variance = _totals(np.square(values)) / samples - np.square(mean)
    largest = np.maximum(_LARGEST_RESIDUAL**2 * variance, _LEAST_RESIDUAL**2)
    return np.asarray(_totals(np.square(error)) / samples > largest)


def _totals(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Sums over rows and samples of each page, in an order that no other page changes.

    Args:
        values: shape (pages, rows, samples).
    """
    # NumPy's order depends on how the array lies in memory, and that on the number of pages.
    of_rows = np.ascontiguousarray(values).sum(axis=2)
    return np.asarray(sum(of_rows.T[1:], start=of_rows[:, 0]))


@lru_cache(maxsize=128)
def _solver(printed: bytes) -> tuple[list[int], list[int], NDArray[np.float64]]:
    """What the rows of the page that were printed tell of I and II.

    Args:
        printed: of each limb lead, whether it was; the bytes of an array of that kind, which
            unlike the array itself can be looked up.

    Returns:
        The rows; which of I (0) and II (1) they determine; and the matrix from the ones to the
        others.
    """
    found = np.flatnonzero(np.frombuffer(printed, dtype=np.bool_))
    rows = [_LIMB_ROWS[row] for row in found]
    if np.linalg.matrix_rank(_RELATIONS[found]) == 2:
        return rows, [0, 1], np.linalg.pinv(_RELATIONS[found])
    # One lead, perhaps twice: I or II themselves, or a mixture that tells neither.
    solved = [source for source in range(2) if (_RELATIONS[found, 1 - source] == 0).all()]
    return rows, solved, np.full((len(solved), len(found)), 1 / len(found))

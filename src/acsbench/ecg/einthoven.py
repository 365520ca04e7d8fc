"""Leads I and II at each moment, from whichever limb leads were recorded then."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.leads import LIMB_FROM_I_AND_II

_ROWS = np.vstack([LIMB_FROM_I_AND_II, LIMB_FROM_I_AND_II[1]])
"""Six limb leads and the strip of II as combinations of I and II, shape (7, 2)."""

# Printed records of PTB-XL reach 0.015 and 0.001 mV; those of LUDB, scaled by the gains in its
# headers (one per lead), start at 0.037 and 0.004 mV.
_LARGEST_RESIDUAL = 0.025  # of what the limb leads show
_LEAST_RESIDUAL = 0.003  # mV
_THINNED = 5


def leads_i_and_ii(limb: NDArray[np.float64], strip: NDArray[np.float64]) -> NDArray[np.float64]:
    """I and II by least squares over the limb leads of each moment.

    Any two limb leads determine both, so that on a printed page lead I is known as long as aVR,
    aVL and aVF are.

    Args:
        limb: I, II, III, aVR, aVL, aVF, shape (6, samples), mV, NaN where nothing was recorded.
        strip: rhythm strip of II, shape (samples,), mV with NaN.

    Returns:
        Shape (2, samples), mV; NaN where the leads recorded do not determine it.
    """
    leads = [*limb, strip]
    recorded = np.vstack([np.isfinite(limb), np.isfinite(strip)])
    both = np.full((2, len(strip)), np.nan)
    changes = (recorded[:, 1:] != recorded[:, :-1]).any(axis=0)
    borders = [0, *(np.flatnonzero(changes) + 1).tolist(), len(strip)]
    for start, end in pairwise(borders):
        if recorded[:, start].any():  # a product with nothing would be 0
            rows, solver = _solver(recorded[:, start].tobytes())
            both[:, start:end] = solver @ np.stack([leads[row][start:end] for row in rows])
    return both


def contradicts_einthoven(
    limb: NDArray[np.float64], strip: NDArray[np.float64], both: NDArray[np.float64]
) -> bool:
    """Whether simultaneous limb leads do not fit together: swapped, or each with its own gain.

    Args:
        limb, strip: as for `leads_i_and_ii`.
        both: what that returned.
    """
    # A gain or a swap shows in some of the samples as in all.
    values = np.vstack([limb[:, ::_THINNED], strip[::_THINNED]])
    error = _ROWS @ both[:, ::_THINNED] - values
    fitted = np.isfinite(error)
    if not fitted.any():
        return False
    residual = float(np.sqrt(np.square(error[fitted]).mean()))
    return residual > max(_LARGEST_RESIDUAL * float(values[fitted].std()), _LEAST_RESIDUAL)


@lru_cache(maxsize=128)
def _solver(recorded: bytes) -> tuple[list[int], NDArray[np.float64]]:
    """The rows recorded, and the matrix from them to I and II; NaN if undetermined.

    Args:
        recorded: of each row, whether it was; the bytes of an array of that kind, which unlike
            the array itself can be looked up.
    """
    rows = np.flatnonzero(np.frombuffer(recorded, dtype=np.bool_))
    solver = np.full((2, len(rows)), np.nan)
    if np.linalg.matrix_rank(_ROWS[rows]) == 2:
        solver = np.linalg.pinv(_ROWS[rows])
    else:
        # One lead, perhaps twice: I or II themselves, or a mixture that tells neither.
        for source in range(2):
            if (_ROWS[rows, 1 - source] == 0).all():
                solver[source] = 1 / len(rows)
    return rows.tolist(), solver

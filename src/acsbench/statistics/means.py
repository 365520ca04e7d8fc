"""Means over rows, with limits that know which rows share a patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acsbench.statistics.checks import Rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import variance_of_mean, wald


def mean(
    values: NDArray[np.float64], rows: Rows, level: float, bounds: tuple[float, float]
) -> Estimate:
    """Mean of the values with Wald limits; the bounds if all rows belong to one patient.

    Args:
        values: one for each row, shape (n,).
        rows: the rows.
        level: confidence level.
        bounds: at which the limits are cut.
    """
    value = float(values.mean())
    variance = variance_of_mean(values, rows.groups, rows.n_groups)
    low, high = wald(value, variance, level, bounds)
    method = "Wald" if rows.groups is None else "cluster-robust Wald"
    if np.isinf(variance):
        method = "no interval: the variance cannot be estimated"
    return rows.estimate(value, low, high, level, method)

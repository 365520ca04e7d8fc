"""Statistics with their intervals, on NumPy and SciPy alone.

Every function takes 0/1 labels and, where rows are not independent, `groups`: the patient of
each row. Every number comes back as an `Estimate`.
"""

from acsbench.statistics.auroc import auroc
from acsbench.statistics.average_precision import average_precision
from acsbench.statistics.calibration import brier
from acsbench.statistics.compare import Comparison, compare_auroc
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.resample import bootstrap
from acsbench.statistics.thresholds import (
    negative_predictive_value,
    positive_predictive_value,
    sensitivity,
    specificity,
    threshold_at_specificity,
)

__all__ = [
    "Comparison",
    "Estimate",
    "auroc",
    "average_precision",
    "bootstrap",
    "brier",
    "compare_auroc",
    "negative_predictive_value",
    "positive_predictive_value",
    "sensitivity",
    "specificity",
    "threshold_at_specificity",
]

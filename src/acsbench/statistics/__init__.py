"""Statistics with their intervals, on NumPy and SciPy alone.

Every function takes 0/1 labels and, where rows are not independent, `groups`: the patient of
each row. Every number that a sample decides comes back as an `Estimate`.
"""

from acsbench.statistics.auroc import auroc
from acsbench.statistics.average_precision import average_precision
from acsbench.statistics.calibration import (
    CalibrationBin,
    CalibrationCurve,
    CalibrationTest,
    calibration_bins,
    calibration_curve,
    calibration_intercept,
    calibration_slope,
    calibration_test,
)
from acsbench.statistics.calibration_error import (
    expected_calibration_error,
    integrated_calibration_index,
)
from acsbench.statistics.capacity import event_rate_by_percentile, yield_at_capacity
from acsbench.statistics.classification import (
    RuleOut,
    accuracy,
    f1,
    negative_predictive_value,
    positive_predictive_value,
    rule_out,
    sensitivity,
    share_called,
    share_ruled_out,
    specificity,
)
from acsbench.statistics.compare import Comparison, compare_auroc
from acsbench.statistics.decision import compare_net_benefit, decision_curve, net_benefit
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.hypotheses import MarginTest, equivalence, holm, non_inferiority
from acsbench.statistics.ratios import (
    negative_likelihood_ratio,
    number_needed_to_test,
    positive_likelihood_ratio,
)
from acsbench.statistics.recalibration import (
    IsotonicScaling,
    PlattScaling,
    fit_isotonic,
    fit_platt,
    post_test_probability,
    shift_prevalence,
)
from acsbench.statistics.resample import bootstrap, bootstrap_auroc
from acsbench.statistics.scoring import BrierDecomposition, brier, brier_decomposition, log_loss
from acsbench.statistics.selection import (
    auroc_if_all_tested,
    effective_sample_size,
    fit_propensity,
    inverse_probability_weights,
    standardised_differences,
)
from acsbench.statistics.shares import event_rate
from acsbench.statistics.subgroups import auroc_gap, calibration_gap, sensitivity_gap
from acsbench.statistics.thresholds import (
    optimistic_threshold,
    share_elsewhere,
    threshold_at_capacity,
    threshold_at_sensitivity,
    threshold_at_specificity,
    youden_threshold,
)

__all__ = [
    "BrierDecomposition",
    "CalibrationBin",
    "CalibrationCurve",
    "CalibrationTest",
    "Comparison",
    "Estimate",
    "IsotonicScaling",
    "MarginTest",
    "PlattScaling",
    "RuleOut",
    "accuracy",
    "auroc",
    "auroc_gap",
    "auroc_if_all_tested",
    "average_precision",
    "bootstrap",
    "bootstrap_auroc",
    "brier",
    "brier_decomposition",
    "calibration_bins",
    "calibration_curve",
    "calibration_gap",
    "calibration_intercept",
    "calibration_slope",
    "calibration_test",
    "compare_auroc",
    "compare_net_benefit",
    "decision_curve",
    "effective_sample_size",
    "equivalence",
    "event_rate",
    "event_rate_by_percentile",
    "expected_calibration_error",
    "f1",
    "fit_isotonic",
    "fit_platt",
    "fit_propensity",
    "holm",
    "integrated_calibration_index",
    "inverse_probability_weights",
    "log_loss",
    "negative_likelihood_ratio",
    "negative_predictive_value",
    "net_benefit",
    "non_inferiority",
    "number_needed_to_test",
    "optimistic_threshold",
    "positive_likelihood_ratio",
    "positive_predictive_value",
    "post_test_probability",
    "rule_out",
    "sensitivity",
    "sensitivity_gap",
    "share_called",
    "share_elsewhere",
    "share_ruled_out",
    "shift_prevalence",
    "specificity",
    "standardised_differences",
    "threshold_at_capacity",
    "threshold_at_sensitivity",
    "threshold_at_specificity",
    "yield_at_capacity",
    "youden_threshold",
]

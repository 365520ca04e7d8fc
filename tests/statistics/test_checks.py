import numpy as np
import pandas as pd
import pytest

from acsbench import statistics
from acsbench.statistics.checks import checked_groups, checked_rows

FUNCTIONS = [
    statistics.auroc,
    statistics.average_precision,
    statistics.brier,
    lambda labels, scores, groups=None: statistics.sensitivity(labels, scores, 0.5, groups),
    lambda labels, scores, groups=None: statistics.compare_auroc(labels, scores, scores, groups),
    lambda labels, scores, groups=None: statistics.compare_auroc(
        labels, [0.5] * len(labels), scores, groups
    ),
    statistics.log_loss,
    statistics.brier_decomposition,
    statistics.calibration_slope,
    statistics.calibration_intercept,
    statistics.calibration_bins,
    statistics.calibration_curve,
    statistics.expected_calibration_error,
    statistics.integrated_calibration_index,
    statistics.bootstrap_auroc,
    lambda labels, scores, groups=None: statistics.f1(labels, scores, 0.5, groups),
    lambda labels, scores, groups=None: statistics.decision_curve(labels, scores, [0.5], groups),
    lambda labels, scores, groups=None: statistics.yield_at_capacity(labels, scores, [0.5], groups),
    lambda labels, scores, groups=None: statistics.event_rate_by_percentile(
        labels, scores, [50], groups
    ),
    lambda labels, scores, groups=None: statistics.auroc_gap(
        labels, scores, [0, 1] * (len(labels) // 2), groups
    ),
]
CHOICES = [
    lambda labels, scores: statistics.threshold_at_specificity(labels, scores, 0.9),
    lambda labels, scores: statistics.threshold_at_sensitivity(labels, scores, 0.9),
    statistics.youden_threshold,
    statistics.optimistic_threshold,
    statistics.fit_platt,
    statistics.fit_isotonic,
    lambda labels, scores: statistics.net_benefit(labels, scores, [0.5]),
]
GOOD = [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("function", [*FUNCTIONS, *CHOICES])
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1, 2, 1], GOOD[1], "labels must be 0 or 1; 1 of 4 are not"),
        ([0, 1, np.nan, 1], GOOD[1], "1 of 4 labels are NaN"),
        (["no", "yes", "no", "yes"], GOOD[1], "labels are not all numbers"),
        ([], [], "there are no rows"),
        ([[0, 1], [0, 1]], GOOD[1], "shape"),
        (GOOD[0], [0.1, 0.2, 0.3], "4 labels and 3"),
        (GOOD[0], [0.1, np.nan, 0.3, np.inf], "2 of 4 .* are NaN or infinite"),
        (GOOD[0], ["a", "b", "c", "d"], "not all numbers"),
    ],
)
def test_bad_rows_are_refused_in_words(function, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        function(labels, scores)


@pytest.mark.parametrize("function", [*FUNCTIONS, *CHOICES])
def test_masked_rows_are_refused(function):
    """`np.asarray` would drop the mask, and what it hides would count."""
    labels, scores = (np.ma.masked_array(values, [0, 0, 0, 1]) for values in GOOD)
    with pytest.raises(ValueError, match="1 of 4 labels are masked; leave those rows out"):
        function(labels, GOOD[1])
    with pytest.raises(ValueError, match=r"1 of 4 .* are masked"):
        function(GOOD[0], scores)


def test_a_mask_that_hides_nothing_is_accepted():
    whole = np.ma.masked_array(GOOD[1], mask=False)
    assert statistics.auroc(GOOD[0], whole) == statistics.auroc(*GOOD)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2, 3], "one patient id for each of 4 rows"),
        ([1, 2, 3, np.nan], "the patient id of 1 rows is missing"),
        (np.ma.masked_array([1, 2, 3, 4], [0, 0, 1, 0]), "1 of 4 patient ids are masked"),
        (pd.Series(["a", None, "b", pd.NA], dtype=object), "patient id of 2 rows"),
        (pd.Series(["a", None, "b", pd.NA], dtype="string"), "patient id of 2 rows"),
    ],
)
def test_bad_groups_are_refused_in_words(function, groups, message):
    with pytest.raises(ValueError, match=message):
        function(*GOOD, groups)


@pytest.mark.parametrize("function", [statistics.auroc, statistics.average_precision, FUNCTIONS[4]])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused(function, label):
    with pytest.raises(ValueError, match=f"no row has the label {1 - label}"):
        function([label] * 4, GOOD[1])


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
@pytest.mark.parametrize("function", [*FUNCTIONS[:3], statistics.compare_auroc])
def test_levels_are_shares(function, level):
    arguments = [GOOD[1]] if function is statistics.compare_auroc else []
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        function(*GOOD, *arguments, level=level)


def test_tables_are_accepted():
    table = pd.DataFrame(
        {"label": [False, True, True], "score": [1, 2, 3], "patient": ["a", "b", "a"]}
    )
    rows = checked_rows(table["label"], table["score"], table["patient"])
    assert rows.events.tolist() == [False, True, True]
    assert rows.scores.dtype == np.float64
    assert rows.n_groups == 2
    assert checked_groups(table["patient"], 3).tolist() == [0, 1, 0]

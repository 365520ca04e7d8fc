"""The test of the calibration curve: against statsmodels, and how often it rejects."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import f

from acsbench.statistics import (
    calibration_intercept,
    calibration_slope,
    calibration_test,
)
from acsbench.statistics.calibration import SplineOfLogit


def patients_of(seed, patients=200, bend=0.0):
    """Risks of patients with one to three ECGs, and labels; `bend` lifts both ends."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    spread = 0.7 * rng.standard_normal(patients)[groups] + 0.7 * rng.standard_normal(len(groups))
    log_odds = spread - 0.8
    # An ECG of a patient resembles the patient's others, also in what happens.
    luck = rng.random(patients)[groups]
    fresh = rng.random(len(groups)) < 0.3
    luck[fresh] = rng.random(fresh.sum())
    true = expit(log_odds + bend * (spread**2 - 0.98))
    return (luck < true).astype(int), expit(log_odds), groups


@pytest.mark.parametrize("clustered", [True, False])
def test_it_is_the_wald_test_of_statsmodels(clustered):
    labels, risks, groups = patients_of(5)
    found = calibration_test(labels, risks, groups if clustered else None)
    # Without an offset: the curve's coefficients against those of the diagonal, 0, 1, 0, 0.
    design = SplineOfLogit(risks)(risks)
    kind = {"cov_type": "HC0"}
    if clustered:
        kind = {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": False}}
    fit = sm.GLM(labels, design, sm.families.Binomial()).fit(tol=1e-14, **kind)
    wald = fit.wald_test((np.eye(4), [0, 1, 0, 0]), use_f=False, scalar=True)
    n = len(set(groups)) if clustered else len(labels)
    statistic = float(wald.statistic) / 4 * (n - 1) / n
    assert found.columns == 4
    assert found.n_independent == n
    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    assert found.p == pytest.approx(f.sf(statistic, 4, n - 4), rel=1e-6)


def test_true_probabilities_are_rejected_as_often_as_agreed():
    """At 5 % of 400 samples: between 2.5 and 8 %, which chance leaves one time in 500."""
    rejected = [calibration_test(*patients_of(seed)).p < 0.05 for seed in range(400)]
    assert 0.025 < np.mean(rejected) < 0.08


def test_a_bend_is_found_that_intercept_and_slope_do_not_show():
    """Both ends too low: a U over the diagonal, with intercept 0 and slope 1 in large samples."""
    samples = [patients_of(seed, patients=600, bend=0.35) for seed in range(40)]
    found = [calibration_test(*sample).p < 0.05 for sample in samples]
    assert np.mean(found) > 0.8
    labels, risks, groups = patients_of(2, patients=20_000, bend=0.2)
    assert abs(calibration_slope(labels, risks, groups).value - 1) < 0.15
    assert abs(calibration_intercept(labels, risks, groups).value) < 0.1
    assert calibration_test(labels, risks, groups).p < 1e-6


def test_few_values_and_few_patients():
    labels = np.tile([0, 0, 1, 0, 1, 1], 10)
    constant = calibration_test(labels, np.full(60, 0.5))
    assert constant.columns == 1
    assert constant.p == pytest.approx(1.0)
    assert calibration_test(labels, np.full(60, 0.1)).p < 0.001
    two = calibration_test(labels, np.tile([0.2, 0.2, 0.8, 0.8, 0.8, 0.2], 10))
    assert two.columns == 2
    # Three patients leave no degree of freedom for four coefficients.
    risks = expit(np.linspace(-2, 2, 60))
    few = calibration_test(labels, risks, np.repeat([1, 2, 3], 20))
    assert np.isnan(few.p)
    with pytest.raises(ValueError, match="told apart"):
        calibration_test((logit(risks) > 0).astype(int), risks)

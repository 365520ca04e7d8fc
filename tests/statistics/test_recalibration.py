import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from acsbench.statistics import (
    auroc,
    brier,
    calibration_intercept,
    calibration_slope,
    fit_isotonic,
    fit_platt,
    negative_likelihood_ratio,
    negative_predictive_value,
    positive_likelihood_ratio,
    positive_predictive_value,
    post_test_probability,
    shift_prevalence,
)


def sample(seed, n=400):
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-0.5, 1, n)
    labels = (rng.random(n) < expit(log_odds)).astype(int)
    return labels, np.round(expit(2 * log_odds + 1), 3).clip(0.001, 0.999)


def test_platt_is_that_of_scikit_learn():
    labels, probabilities = sample(0)
    reference = _SigmoidCalibration().fit(logit(probabilities), labels)
    ours = fit_platt(labels, probabilities)
    assert ours(probabilities) == pytest.approx(reference.predict(logit(probabilities)), abs=1e-4)
    # Theirs stops early; a fit to the last digit is that of statsmodels on Platt's targets.
    events = labels.sum()
    targets = np.where(labels, (events + 1) / (events + 2), 1 / (len(labels) - events + 2))
    design = sm.add_constant(logit(probabilities))
    exact = sm.GLM(targets, design, sm.families.Binomial()).fit(tol=1e-14)
    assert (ours.intercept, ours.slope) == pytest.approx(tuple(exact.params), abs=1e-9)


def test_platt_recalibrates_new_rows():
    recalibrate = fit_platt(*sample(1, n=3000))
    labels, probabilities = sample(2, n=3000)
    recalibrated = recalibrate(probabilities)
    assert calibration_slope(labels, probabilities).high < 0.7
    assert calibration_slope(labels, recalibrated).value == pytest.approx(1, abs=0.15)
    assert calibration_intercept(labels, recalibrated).value == pytest.approx(0, abs=0.15)
    assert brier(labels, recalibrated).value < brier(labels, probabilities).value
    assert auroc(labels, recalibrated).value == auroc(labels, probabilities).value


def test_platt_of_separated_rows_is_finite():
    recalibrated = fit_platt([0] * 10 + [1] * 10, np.linspace(0.1, 0.9, 20))([0.1, 0.9])
    assert 0 < recalibrated[0] < 0.1
    assert 0.9 < recalibrated[1] < 1
    with pytest.raises(ValueError, match="nothing can be recalibrated"):
        fit_platt([0, 1], [0.5, 0.5])


def test_isotonic_is_that_of_scikit_learn():
    labels, probabilities = sample(3)
    reference = IsotonicRegression(out_of_bounds="clip").fit(probabilities, labels)
    at = np.linspace(0, 1, 501)
    assert fit_isotonic(labels, probabilities)(at) == pytest.approx(
        reference.predict(at), abs=1e-12
    )


def test_shifting_prevalence_is_bayes():
    """Thinning the events of a calibrated population leaves it calibrated after the shift."""
    rng = np.random.default_rng(4)
    risk = rng.beta(2, 3, 50_000)
    labels = rng.random(50_000) < risk
    kept = ~labels | (rng.random(50_000) < 0.05)
    prevalence, target = labels.mean(), labels[kept].mean()
    shifted = shift_prevalence(risk[kept], prevalence, target)
    assert shifted.mean() == pytest.approx(target, abs=0.004)
    assert calibration_slope(labels[kept], shifted).value == pytest.approx(1, abs=0.07)
    assert shift_prevalence(shifted, target, prevalence) == pytest.approx(risk[kept])
    assert shift_prevalence([0, 1], 0.4, 0.02).tolist() == [0, 1]


def test_post_test_probabilities_at_the_present_prevalence_are_predictive_values():
    labels, probabilities = sample(5)
    prevalence = labels.mean()
    up = post_test_probability(positive_likelihood_ratio(labels, probabilities, 0.6), prevalence)
    down = post_test_probability(negative_likelihood_ratio(labels, probabilities, 0.6), prevalence)
    assert up.value == pytest.approx(positive_predictive_value(labels, probabilities, 0.6).value)
    assert down.value == pytest.approx(
        1 - negative_predictive_value(labels, probabilities, 0.6).value
    )
    assert 0 < up.low < up.value < up.high < 1


def test_post_test_probability_of_an_infinite_ratio():
    ratio = positive_likelihood_ratio([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9], 0.5)
    risk = post_test_probability(ratio, 0.1)
    assert (risk.value, risk.high) == (1, 1)
    assert 0 < risk.low < 1


@pytest.mark.parametrize("prevalence", [0, 1, 2])
def test_prevalences_are_shares(prevalence):
    with pytest.raises(ValueError, match="prevalence"):
        shift_prevalence([0.5], prevalence, 0.5)
    with pytest.raises(ValueError, match="target"):
        shift_prevalence([0.5], 0.5, prevalence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        shift_prevalence([1.5], 0.5, 0.5)

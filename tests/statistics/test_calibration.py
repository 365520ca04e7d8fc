import numpy as np
import patsy
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import norm

from acsbench.statistics import (
    bootstrap,
    calibration_bins,
    calibration_curve,
    calibration_intercept,
    calibration_slope,
    event_rate,
    expected_calibration_error,
    integrated_calibration_index,
)
from acsbench.statistics.calibration import SplineOfLogit


def sample(seed, patients=200):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
    log_odds = rng.normal(-0.4, 1.0, patients)[groups] + rng.normal(0, 0.5, len(groups))
    labels = (rng.random(len(groups)) < expit(log_odds)).astype(int)
    return labels, expit(1.6 * log_odds + 0.5), groups


def limits(value, variance, factor):
    reach = norm.ppf(0.975) * np.sqrt(variance * factor)
    return value - reach, value + reach


CLUSTERED = {"use_correction": False}


@pytest.mark.parametrize("seed", range(3))
def test_slope_is_that_of_statsmodels(seed):
    labels, probabilities, groups = sample(seed)
    design = sm.add_constant(logit(probabilities))
    clustered = calibration_slope(labels, probabilities, groups)
    fit = sm.Logit(labels, design).fit(
        disp=0, tol=1e-14, cov_type="cluster", cov_kwds={"groups": groups, **CLUSTERED}
    )
    assert clustered.value == pytest.approx(fit.params[1], abs=1e-9)
    assert (clustered.low, clustered.high) == pytest.approx(
        limits(fit.params[1], fit.cov_params()[1, 1], 200 / 199), abs=1e-8
    )
    plain = calibration_slope(labels, probabilities)
    fit = sm.Logit(labels, design).fit(disp=0, tol=1e-14, cov_type="HC0")
    n = len(labels)
    assert (plain.low, plain.high) == pytest.approx(
        limits(fit.params[1], fit.cov_params()[1, 1], n / (n - 1)), abs=1e-8
    )


@pytest.mark.parametrize("seed", range(3))
def test_intercept_is_that_of_statsmodels(seed):
    labels, probabilities, groups = sample(seed)
    model = sm.GLM(
        labels, np.ones(len(labels)), sm.families.Binomial(), offset=logit(probabilities)
    )
    fit = model.fit(tol=1e-14, cov_type="cluster", cov_kwds={"groups": groups, **CLUSTERED})
    estimate = calibration_intercept(labels, probabilities, groups)
    assert estimate.value == pytest.approx(fit.params[0], abs=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx(
        limits(fit.params[0], fit.cov_params()[0, 0], 200 / 199), abs=1e-8
    )


def test_curve_is_a_natural_spline():
    """The same curve from another basis of natural splines with the same knots."""
    labels, probabilities, groups = sample(3)
    at = np.array([0.1, 0.3, 0.5, 0.8])
    curve = calibration_curve(labels, probabilities, groups, at=at)
    knots = SplineOfLogit(probabilities).knots
    assert len(knots) == 4
    formula = "cr(x, knots=inner, lower_bound=low, upper_bound=high) - 1"
    known = {"inner": knots[1:-1], "low": knots[0], "high": knots[-1]}
    # The other basis is bounded by the outer knots: fit and compare between them.
    inside = (logit(probabilities) >= knots[0]) & (logit(probabilities) <= knots[-1])
    labels, probabilities, groups = labels[inside], probabilities[inside], groups[inside]
    ours = SplineOfLogit(probabilities)
    ours.knots = knots
    basis = np.asarray(patsy.dmatrix(formula, {**known, "x": logit(probabilities)}))
    fit = sm.GLM(labels, basis, sm.families.Binomial()).fit(tol=1e-14)
    mine = sm.GLM(labels, ours(probabilities), sm.families.Binomial()).fit(tol=1e-14)
    assert fit.fittedvalues == pytest.approx(mine.fittedvalues, abs=1e-7)
    assert (curve.low < curve.observed).all()
    assert (curve.observed < curve.high).all()


def test_curve_and_band_are_those_of_statsmodels():
    labels, probabilities, groups = sample(4)
    at = np.array([0.05, 0.3, 0.5, 0.95])
    curve = calibration_curve(labels, probabilities, groups, at=at, level=0.9)
    spline = SplineOfLogit(probabilities)
    fit = sm.GLM(labels, spline(probabilities), sm.families.Binomial()).fit(
        tol=1e-14, cov_type="cluster", cov_kwds={"groups": groups, **CLUSTERED}
    )
    basis = spline(at)
    error = np.sqrt(np.diag(basis @ fit.cov_params() @ basis.T) * 200 / 199)
    assert curve.observed == pytest.approx(expit(basis @ fit.params), abs=1e-8)
    assert curve.high == pytest.approx(expit(basis @ fit.params + norm.ppf(0.95) * error), abs=1e-7)


def test_spline_is_straight_beyond_the_outer_knots():
    spline = SplineOfLogit(expit(np.linspace(-2, 2, 101)))
    beyond = spline(expit(np.array([3.0, 4.0, 5.0, -3.0, -4.0, -5.0])))
    assert beyond[0] + beyond[2] == pytest.approx(2 * beyond[1])
    assert beyond[3] + beyond[5] == pytest.approx(2 * beyond[4])


def test_curve_of_a_sign_is_its_two_event_rates():
    labels = np.array([0, 0, 0, 1, 0, 1, 1, 1, 0, 1])
    sign = np.array([0.2] * 4 + [0.6] * 6)
    curve = calibration_curve(labels, sign, at=[0.2, 0.6])
    assert curve.observed == pytest.approx([1 / 4, 4 / 6])
    constant = calibration_curve(labels, [0.4] * 10)
    assert constant.observed == pytest.approx(np.full(101, 0.5))


def test_true_risks_are_calibrated():
    rng = np.random.default_rng(11)
    risk = rng.beta(2, 3, 20_000)
    labels = rng.random(20_000) < risk
    assert calibration_slope(labels, risk).value == pytest.approx(1, abs=0.05)
    assert calibration_intercept(labels, risk).value == pytest.approx(0, abs=0.05)
    assert integrated_calibration_index(labels, risk, resamples=20).value < 0.01
    assert expected_calibration_error(labels, risk, resamples=20).value < 0.02
    curve = calibration_curve(labels, risk)
    assert curve.observed == pytest.approx(curve.predicted, abs=0.03)


def test_separated_and_constant():
    slope = calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.7])
    assert (slope.value, slope.low, slope.high) == (np.inf, -np.inf, np.inf)
    assert calibration_slope([1, 1, 0, 0], [0.1, 0.2, 0.6, 0.7]).value == -np.inf
    # Apart but for one tie at the border: the coefficients still run away.
    assert calibration_slope([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.7]).value == np.inf
    with pytest.raises(ValueError, match="no calibration slope"):
        calibration_slope([0, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match="told apart"):
        calibration_curve([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.7])
    assert calibration_intercept([0, 1, 1, 1], [0.5] * 4).value == pytest.approx(np.log(3))


def test_far_off_probabilities_are_fitted():
    """A first Newton step from here would leap by a million."""
    for labels in ([1, 1, 1, 0], [0, 0, 0, 1]):
        for probability in (1e-6, 1 - 1e-6):
            intercept = calibration_intercept(labels, [probability] * 4)
            expected = logit(np.mean(labels)) - logit(probability)
            assert intercept.value == pytest.approx(expected, abs=1e-6)
    odds = np.array([0.5, 0.8, 1.2, 2.0, 0.7, 1.5]) ** 0.01
    labels, probabilities = [0, 1, 0, 1, 0, 1], odds / (1 + odds)
    fit = sm.Logit(labels, sm.add_constant(logit(probabilities))).fit(disp=0, tol=1e-14)
    assert calibration_slope(labels, probabilities).value == pytest.approx(fit.params[1], rel=1e-9)


def test_certain_probabilities_are_taken_as_nearly_certain():
    labels = [0, 1, 0, 1, 1, 0]
    certain = calibration_slope(labels, [0, 1, 1, 0.5, 0.7, 0.5])
    nearly = calibration_slope(labels, [1e-6, 1 - 1e-6, 1 - 1e-6, 0.5, 0.7, 0.5])
    assert certain.value == nearly.value


def test_one_patient_leaves_no_interval():
    slope = calibration_slope([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.9], ["a"] * 4)
    assert (slope.low, slope.high) == (-np.inf, np.inf)
    curve = calibration_curve([0, 1, 0, 1], [0.5] * 4, ["a"] * 4)
    assert (curve.low.max(), curve.high.min()) == (0, 1)


def test_bins_are_of_equal_size_and_keep_ties_together():
    labels = np.array([0, 1, 0, 1, 1, 0, 1, 1])
    probabilities = np.array([0.8, 0.1, 0.1, 0.1, 0.3, 0.2, 0.9, 0.8])
    bins = calibration_bins(labels, probabilities, groups=[0, 1, 1, 2, 3, 3, 4, 0], bins=4)
    assert [each.predicted for each in bins] == pytest.approx([0.1, 0.2, 1.9 / 3, 0.9])
    assert [each.observed.value for each in bins] == pytest.approx([2 / 3, 0, 2 / 3, 1])
    alone = event_rate([1, 0, 1], [1, 1, 2])
    assert (bins[0].observed.low, bins[0].observed.high) == (alone.low, alone.high)
    even = calibration_bins(np.tile([0, 1], 50), np.linspace(0, 1, 100), bins=7)
    assert len(even) == 7
    with pytest.raises(ValueError, match="0 bins"):
        calibration_bins(labels, probabilities, bins=0)


def test_ece_is_the_sum_over_bins():
    labels, probabilities, groups = (column[:400] for column in sample(6))
    estimate = expected_calibration_error(labels, probabilities, groups, bins=8, resamples=200)
    excess = (labels - probabilities)[np.argsort(probabilities)].reshape(8, 50)
    assert estimate.value == pytest.approx(np.abs(excess.mean(axis=1)).mean())
    assert 0 < estimate.low < estimate.value < estimate.high


def test_ici_and_its_error_are_those_of_refitting():
    labels, probabilities, groups = sample(7, patients=100)
    design = SplineOfLogit(probabilities)(probabilities)

    def index(weights):
        used = weights > 0
        fit = sm.GLM(
            labels[used], design[used], sm.families.Binomial(), freq_weights=weights[used]
        ).fit()
        distance = np.abs(fit.predict(design) - probabilities)
        return np.average(distance, weights=weights)

    draws = []

    def recorded(weights):
        draws.append(index(weights))
        return draws[-1]

    refitted = bootstrap(recorded, labels, groups, resamples=150)
    estimate = integrated_calibration_index(labels, probabilities, groups, resamples=150)
    assert estimate.value == pytest.approx(refitted.value, abs=1e-7)
    error = (estimate.high - estimate.value) / norm.ppf(0.975)
    assert error == pytest.approx(np.std(draws[:150], ddof=1), rel=0.02)

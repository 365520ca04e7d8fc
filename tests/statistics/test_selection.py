import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from acsbench.statistics import (
    auroc,
    auroc_if_all_tested,
    effective_sample_size,
    event_rate,
    fit_platt,
    fit_propensity,
    inverse_probability_weights,
    standardised_differences,
)


def population(seed, n=4000):
    """Everybody's labels; testing depends on age and sex, and the label on age."""
    rng = np.random.default_rng(seed)
    age, sex = rng.normal(60, 12, n), rng.integers(0, 2, n)
    labels = (rng.random(n) < expit((age - 65) / 12)).astype(int)
    scores = labels + 0.04 * (age - 60) + rng.standard_normal(n)
    selected = rng.random(n) < expit(-0.7 + (age - 60) / 10 + 0.5 * sex)
    return np.c_[age, sex], labels, scores, selected


def test_propensities_are_those_of_statsmodels():
    covariates, _, _, selected = population(0)
    fit = sm.Logit(selected.astype(int), sm.add_constant(covariates)).fit(disp=0, tol=1e-14)
    assert fit_propensity(selected, covariates) == pytest.approx(fit.predict(), abs=1e-9)


def test_weights_make_the_selected_stand_for_everybody():
    covariates, labels, scores, selected = population(1)
    propensities = fit_propensity(selected, covariates)
    weights = inverse_probability_weights(selected, propensities, truncate=1)
    assert len(weights) == selected.sum()
    assert weights.mean() == pytest.approx(1, abs=0.05)
    before = np.abs(standardised_differences(covariates, selected))
    after = np.abs(standardised_differences(covariates, selected, weights))
    assert before[0] > 0.4
    assert after.max() < 0.06
    everybody = event_rate(labels).value
    assert abs(event_rate(labels[selected]).value - everybody) > 0.1
    weighted = event_rate(labels[selected], weights=weights)
    assert weighted.low < everybody < weighted.high
    area = auroc(labels[selected], scores[selected], weights=weights)
    assert area.low < auroc(labels, scores).value < area.high
    assert area.high - area.low > (
        auroc(labels[selected], scores[selected]).high
        - auroc(labels[selected], scores[selected]).low
    )


def test_weights_are_inverse_probabilities():
    selected, propensities = [1, 0, 1, 1], [0.5, 0.1, 0.2, 0.8]
    raw = inverse_probability_weights(selected, propensities, stabilised=False, truncate=1)
    assert raw == pytest.approx([2, 5, 1.25])
    stabilised = inverse_probability_weights(selected, propensities, truncate=1)
    assert stabilised == pytest.approx(raw * 0.75)
    cut = inverse_probability_weights(selected, propensities, stabilised=False, truncate=0.5)
    assert cut == pytest.approx([2, 2, 1.25])
    assert effective_sample_size([3.0] * 7) == pytest.approx(7)


def test_weighted_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    labels, weights = rng.integers(0, 2, 300), rng.exponential(1, 300)
    for scores in (rng.random(300), rng.integers(0, 5, 300)):
        expected = roc_auc_score(labels, scores, sample_weight=weights)
        assert auroc(labels, scores, weights=weights).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("clustered", [True, False])
def test_equal_weights_change_nothing(clustered):
    rng = np.random.default_rng(3)
    labels, scores = rng.integers(0, 2, 80), rng.integers(0, 20, 80)
    groups = rng.integers(0, 30, 80) if clustered else None
    plain = auroc(labels, scores, groups)
    weighted = auroc(labels, scores, groups, weights=np.full(80, 0.1))
    assert (weighted.value, weighted.low, weighted.high) == pytest.approx(
        (plain.value, plain.low, plain.high)
    )


def test_whole_weights_stand_for_copies_within_the_patient():
    rng = np.random.default_rng(4)
    labels, scores, groups = rng.integers(0, 2, 80), rng.random(80), rng.integers(0, 30, 80)
    weights = rng.integers(1, 4, 80)
    weighted = auroc(labels, scores, groups, weights=weights)
    copies = auroc(*(np.repeat(column, weights) for column in (labels, scores, groups)))
    assert (weighted.value, weighted.low, weighted.high) == pytest.approx(
        (copies.value, copies.low, copies.high)
    )


@pytest.mark.slow
def test_weighted_intervals_cover():
    """With known propensities; the truth is the area among everybody."""
    rng = np.random.default_rng(5)
    big = np.random.default_rng(6)
    severity, labels = big.standard_normal(400_000), big.integers(0, 2, 400_000)
    scores = labels * (1 + 0.5 * severity) + big.standard_normal(400_000)
    truth = auroc(labels, scores).value
    hits = 0
    for _ in range(500):
        patients = rng.integers(0, 400_000 // 2, 300)
        rows = np.r_[2 * patients, 2 * patients + 1]
        groups = np.tile(np.arange(300), 2)
        propensities = expit(severity[rows[:300]])[groups]
        kept = (rng.random(300) < propensities[:300])[groups]
        estimate = auroc(
            labels[rows][kept], scores[rows][kept], groups[kept], weights=1 / propensities[kept]
        )
        hits += estimate.low <= truth <= estimate.high
    assert 0.92 < hits / 500 < 0.98


def with_untested(seed):
    _, labels, scores, selected = population(seed)
    risks = fit_platt(labels[selected], expit(scores[selected]))(expit(scores[~selected]))
    return labels, scores, selected, risks


def test_untested_rows_are_events_with_their_risk():
    labels, scores, selected, risks = with_untested(7)
    tested, untested = labels[selected], (~selected).sum()
    expected = roc_auc_score(
        np.r_[tested, np.ones(untested), np.zeros(untested)],
        np.r_[scores[selected], scores[~selected], scores[~selected]],
        sample_weight=np.r_[np.ones(len(tested)), risks, 1 - risks],
    )
    estimate = auroc_if_all_tested(tested, scores[selected], scores[~selected], risks)
    assert estimate.value == pytest.approx(expected, abs=1e-12)
    assert (estimate.n, estimate.events) == (len(labels), tested.sum())
    assert estimate.groups is None


def test_assumptions_move_the_area_as_they_should():
    labels, scores, selected, risks = with_untested(8)
    arguments = labels[selected], scores[selected], scores[~selected], risks
    by_slope = [auroc_if_all_tested(*arguments, slope=slope).value for slope in (0, 0.5, 1, 1.5)]
    assert (np.diff(by_slope) > 0).all()
    # Few events where scores are low favour the model, many disfavour it.
    by_odds = [auroc_if_all_tested(*arguments, odds_ratio=odds).value for odds in (0.2, 1, 5)]
    assert by_odds[0] > by_odds[1] > by_odds[2]
    shifted = expit(logit(risks) + np.log(5))
    assert by_odds[2] == pytest.approx(auroc_if_all_tested(*arguments[:3], shifted).value, abs=1e-9)


def test_nearly_impossible_events_leave_only_non_events():
    labels, scores = [0, 1, 0, 1], [0.4, 0.6, 0.7, 0.9]
    estimate = auroc_if_all_tested(labels, scores, [0.1, 0.5], [0.2, 0.2], odds_ratio=1e-9)
    assert estimate.value == pytest.approx(auroc([*labels, 0, 0], [*scores, 0.1, 0.5]).value)


def test_patients_may_be_tested_and_untested():
    labels, scores = [0, 1, 0, 1], [0.4, 0.6, 0.7, 0.9]
    estimate = auroc_if_all_tested(
        labels, scores, [0.1, 0.5], [0.2, 0.3], ["a", "b", "c", "d"], ["a", "e"]
    )
    assert estimate.groups == 5
    with pytest.raises(ValueError, match="or neither"):
        auroc_if_all_tested(labels, scores, [0.1], [0.2], groups=["a", "b", "c", "d"])


def test_bad_selection():
    with pytest.raises(ValueError, match="does not vary"):
        fit_propensity([0, 1, 0], [[1], [1], [1]])
    with pytest.raises(ValueError, match="does not vary"):
        standardised_differences([[1], [1]], [0, 1])
    with pytest.raises(ValueError, match="repeats others"):
        fit_propensity([0, 1, 0, 1], [[1, 2], [2, 4], [3, 6], [5, 10]])
    with pytest.raises(ValueError, match="told apart"):
        fit_propensity([0, 0, 1, 1], [[1], [2], [3], [4]])
    with pytest.raises(ValueError, match="give 3 rows"):
        fit_propensity([0, 1, 0], [1, 2, 3])
    with pytest.raises(ValueError, match="NaN or infinite"):
        fit_propensity([0, 1, 0], [[1], [np.nan], [3]])
    with pytest.raises(ValueError, match="above 0"):
        inverse_probability_weights([0, 1], [0.0, 0.5])
    with pytest.raises(ValueError, match="quantile 0"):
        inverse_probability_weights([0, 1], [0.2, 0.5], truncate=0)
    with pytest.raises(ValueError, match="no weights"):
        effective_sample_size([])
    with pytest.raises(ValueError, match="odds ratio"):
        auroc_if_all_tested([0, 1], [0, 1], [0.5], [0.5], odds_ratio=0)
    with pytest.raises(ValueError, match="risks of the untested"):
        auroc_if_all_tested([0, 1], [0, 1], [0.5], [1.5])
    with pytest.raises(ValueError, match="1 scores and 2 risks"):
        auroc_if_all_tested([0, 1], [0, 1], [0.5], [0.5, 0.5])

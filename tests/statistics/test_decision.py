from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import norm

from acsbench.statistics import compare_net_benefit, decision_curve, net_benefit

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("model", ["probability", "sign", "all"])
def test_net_benefit_is_that_of_dcurves(model):
    """Simulated rows; net benefits as computed by dcurves 1.1.7, which needs an older pandas:

    dca(rows, outcome="label", modelnames=["probability", "sign"], thresholds=thresholds)
    """
    rows = pd.read_csv(DATA / "dcurves-rows.csv").assign(all=1)
    expected = pd.read_csv(DATA / "dcurves-net-benefit.csv")
    ours = net_benefit(rows["label"], rows[model], expected["threshold"])
    assert ours == pytest.approx(expected[model].to_numpy(), abs=1e-9)


def sample(seed, patients=150):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    risk = rng.beta(1.5, 3, patients)[groups]
    labels = (rng.random(len(groups)) < risk).astype(int)
    return labels, risk, np.round(rng.beta(1.5, 3, len(groups)), 2), groups


THRESHOLDS = [0.05, 0.2, 0.4, 0.7]


def test_curve_is_net_benefit_with_the_variance_of_a_mean():
    labels, risk, _, groups = sample(0)
    curve = decision_curve(labels, risk, THRESHOLDS, groups)
    assert [point.value for point in curve] == pytest.approx(
        net_benefit(labels, risk, THRESHOLDS), abs=1e-12
    )
    for point, threshold in zip(curve, THRESHOLDS, strict=True):
        gain = np.where(labels, 1, -threshold / (1 - threshold)) * (risk >= threshold)
        fit = sm.OLS(gain, np.ones(len(gain))).fit(
            cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
        )
        reach = norm.ppf(0.975) * fit.bse[0] * np.sqrt(150 / 149)
        assert (point.low, point.high) == pytest.approx(
            (point.value - reach, point.value + reach), abs=1e-9
        )


def test_comparison_is_the_paired_difference():
    labels, risk, noise, groups = sample(1)
    comparisons = compare_net_benefit(labels, risk, noise, THRESHOLDS, groups)
    a, b = (decision_curve(labels, model, THRESHOLDS, groups) for model in (risk, noise))
    for comparison, first, second in zip(comparisons, a, b, strict=True):
        assert comparison.difference.value == pytest.approx(first.value - second.value)
        assert comparison.p == pytest.approx(2 * norm.sf(abs(comparison.z)))
    assert comparisons[1].p < 0.01


def test_comparison_with_oneself_and_with_nobody():
    labels, risk, _, groups = sample(2)
    same = compare_net_benefit(labels, risk, risk, [0.3], groups)[0]
    assert (same.difference.value, same.z, same.p) == (0, 0, 1)
    nobody = compare_net_benefit(labels, risk, np.zeros(len(risk)), [0.3], groups)[0]
    alone = decision_curve(labels, risk, [0.3], groups)[0]
    assert (nobody.difference.low, nobody.difference.high) == pytest.approx((alone.low, alone.high))


def test_one_patient_leaves_no_interval():
    point = decision_curve([0, 1], [0.2, 0.9], [0.5], ["a", "a"])[0]
    assert (point.low, point.high) == (-1, 1)
    comparison = compare_net_benefit([0, 1], [0.2, 0.9], [0.2, 0.1], [0.5], ["a", "a"])[0]
    assert np.isnan(comparison.p)
    assert (comparison.difference.low, comparison.difference.high) == (-2, 2)


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 20])
def test_thresholds_are_risks(threshold):
    with pytest.raises(ValueError, match="risks between 0 and 1"):
        net_benefit([0, 1], [0.2, 0.9], [threshold])
    with pytest.raises(ValueError, match="risks between 0 and 1"):
        decision_curve([0, 1], [0.2, 0.9], [threshold])


def test_a_risk_at_the_threshold_is_acted_on():
    labels, risks = [0, 1, 1, 0], [0.3, 0.5, 0.3, 0.1]
    assert net_benefit(labels, risks, [0.3])[0] == pytest.approx((2 - 0.3 / 0.7) / 4)
    assert decision_curve(labels, risks, [0.3])[0].value == pytest.approx((2 - 0.3 / 0.7) / 4)

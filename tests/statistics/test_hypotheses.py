import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from acsbench.statistics import (
    Comparison,
    Estimate,
    compare_auroc,
    equivalence,
    holm,
    non_inferiority,
)


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(12) ** 3, 2)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_counts_tests_without_result():
    adjusted = holm([0.01, np.nan, 0.02])
    assert adjusted[[0, 2]] == pytest.approx([0.03, 0.04])
    assert np.isnan(adjusted[1])
    assert holm([]).shape == (0,)
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.1, 1.2])


def comparison(value, error):
    reach = norm.ppf(0.975) * error
    difference = Estimate(value, value - reach, value + reach, 0.95, "Wald", 100, 40, 50)
    return Comparison(difference, value / error, 2 * norm.sf(abs(value / error)), error)


@pytest.mark.parametrize("value", [-0.04, -0.01, 0.0, 0.02])
@pytest.mark.parametrize("error", [0.01, 0.02, 0.05])
def test_met_exactly_where_the_interval_lies_within(value, error):
    test = non_inferiority(comparison(value, error), margin=0.05)
    assert test.met == (test.difference.low > -0.05)
    assert test.difference.level == 0.95
    assert test.p == pytest.approx(norm.cdf(-(value + 0.05) / error))
    both = equivalence(comparison(value, error), margin=0.05)
    assert both.met == (both.difference.low > -0.05 and both.difference.high < 0.05)
    assert both.difference.level == pytest.approx(0.90)


def test_equivalence_is_two_one_sided_tests():
    rng = np.random.default_rng(1)
    x = rng.normal(0.1, 1, 4000)
    error = x.std(ddof=1) / np.sqrt(4000)
    p, *_ = ttost_paired(x, np.zeros(4000), -0.15, 0.15)
    # Theirs is Student's with 3,999 degrees of freedom.
    assert equivalence(comparison(x.mean(), error), 0.15).p == pytest.approx(p, abs=1e-4)


def test_identical_models_are_equivalent():
    labels, scores = [0, 1, 0, 1, 1], [0.1, 0.5, 0.6, 0.3, 0.8]
    same = compare_auroc(labels, scores, scores)
    assert same.standard_error == 0
    assert non_inferiority(same, 0.01).met
    assert equivalence(same, 0.01).p == 0


def test_no_claim_without_a_standard_error():
    unknown = compare_auroc([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [0.5] * 4)
    test = non_inferiority(unknown, 0.1)
    assert np.isnan(test.p)
    assert not test.met


def test_bad_margins():
    for margin in (0, -0.1, np.inf, np.nan):
        with pytest.raises(ValueError, match="margin"):
            non_inferiority(comparison(0, 0.1), margin)
    with pytest.raises(ValueError, match="alpha"):
        equivalence(comparison(0, 0.1), 0.1, alpha=0.5)

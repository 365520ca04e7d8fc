import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from acsbench.statistics import auroc, compare_auroc

# Albumin, total protein, K-G score, survival of 43 patients with ovarian cancer: the example of
# DeLong et al. (1988) as printed in the SAS/STAT User's Guide, "Comparing Receiver Operating
# Characteristic Curves", which gives the areas and contrasts below.
OVARIAN = np.fromstring(
    """3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0
    1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1
    4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1
    3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1
    3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1
    3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1
    3.6 6.6 5 1""",
    sep=" ",
).reshape(-1, 4)
SURVIVED = OVARIAN[:, 3]
ALBUMIN, PROTEIN, KG = OVARIAN[:, 0], OVARIAN[:, 1], 10 - OVARIAN[:, 2]


@pytest.mark.parametrize(
    ("scores", "area", "low", "high"),
    [
        (ALBUMIN, 0.7366, 0.5549, 0.9182),
        (KG, 0.7258, 0.5243, 0.9273),
        (PROTEIN, 0.6478, 0.4518, 0.8439),
    ],
)
def test_areas_of_the_published_example(scores, area, low, high):
    estimate = auroc(SURVIVED, scores)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (area, low, high), abs=5e-5
    )


@pytest.mark.parametrize(
    ("scores", "difference", "low", "high", "chi2", "p"),
    [
        (ALBUMIN, 0.0108, -0.1761, 0.1976, 0.0127, 0.9102),
        (PROTEIN, -0.0780, -0.2830, 0.1271, 0.5554, 0.4561),
    ],
)
def test_contrasts_of_the_published_example(scores, difference, low, high, chi2, p):
    comparison = compare_auroc(SURVIVED, scores, KG)
    estimate = comparison.difference
    assert (estimate.value, estimate.low, estimate.high, comparison.z**2, comparison.p) == (
        pytest.approx((difference, low, high, chi2, p), abs=5.1e-5)
    )


def covariance(labels, scores, groups):
    """Obuchowski's covariance matrix of several areas, entry by entry."""
    events, others = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    count = len(scores)
    v10 = np.zeros((count, len(labels)))
    v01 = np.zeros((count, len(labels)))
    for k, score in enumerate(scores):
        for i in events:
            for j in others:
                won = (score[i] > score[j]) + 0.5 * (score[i] == score[j])
                v10[k, i] += won / len(others)
                v01[k, j] += won / len(events)
    areas = v10[:, events].mean(axis=1)
    m, n = len(events), len(others)
    with_event, with_other = set(groups[events]), set(groups[others])
    total = np.zeros((count, count))
    s10, s01, s11 = total.copy(), total.copy(), total.copy()
    for patient in set(groups):
        mine = groups == patient
        a = v10[:, mine & (labels == 1)].sum(axis=1) - (mine & (labels == 1)).sum() * areas
        b = v01[:, mine & (labels == 0)].sum(axis=1) - (mine & (labels == 0)).sum() * areas
        s10 += np.outer(a, a)
        s01 += np.outer(b, b)
        s11 += np.outer(a, b)
    i10, i01, i = len(with_event), len(with_other), len(set(groups))
    total = i10 / (i10 - 1) * s10 / m**2 + i01 / (i01 - 1) * s01 / n**2
    return areas, total + i / (i - 1) * (s11 + s11.T) / (m * n)


@pytest.mark.parametrize("clustered", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_is_the_double_loop(seed, clustered):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(20), rng.integers(1, 5, 20))
    labels = rng.integers(0, 2, len(groups))
    common = rng.standard_normal(20)[groups] + labels
    a = np.round(common + rng.standard_normal(len(groups)), 1)
    b = np.round(common + 2 * rng.standard_normal(len(groups)), 1)
    comparison = compare_auroc(labels, a, b, groups if clustered else None)
    areas, matrix = covariance(labels, (a, b), groups if clustered else np.arange(len(groups)))
    error = np.sqrt(matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1])
    difference = areas[0] - areas[1]
    assert comparison.difference.value == pytest.approx(difference, abs=1e-12)
    assert comparison.z == pytest.approx(difference / error)
    assert comparison.p == pytest.approx(2 * norm.sf(abs(difference / error)))
    assert comparison.difference.low == pytest.approx(difference - norm.ppf(0.975) * error)
    assert comparison.difference.high == pytest.approx(difference + norm.ppf(0.975) * error)


rows = st.lists(
    st.tuples(st.booleans(), st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 5)),
    min_size=2,
    max_size=30,
).filter(lambda rows: len({row[0] for row in rows}) == 2)


@given(rows, st.booleans())
@settings(max_examples=150, deadline=None)
def test_properties(sample, clustered):
    labels, a, b, ids = (np.array(column) for column in zip(*sample, strict=True))
    groups = ids if clustered else None
    comparison = compare_auroc(labels, a, b, groups)
    estimate = comparison.difference
    areas = auroc(labels, a, groups), auroc(labels, b, groups)
    assert estimate.value == pytest.approx(areas[0].value - areas[1].value)
    assert -1 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1
    swapped = compare_auroc(labels, b, a, groups)
    assert swapped.difference.value == pytest.approx(-estimate.value)
    assert swapped.difference.low == pytest.approx(-estimate.high, abs=1e-7)
    assert np.isnan(comparison.p) or 0 <= comparison.p <= 1
    assert compare_auroc(labels, a, np.exp(a / 3.0), groups).p == 1


def test_identical_scores():
    comparison = compare_auroc([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.9], [1, 4, 5, 9])
    assert (comparison.difference.value, comparison.z, comparison.p) == (0, 0, 1)


def test_no_test_where_the_variance_says_nothing():
    labels = [0] * 20 + [1] * 20
    comparison = compare_auroc(labels, range(40), [0.5] * 40)
    assert comparison.difference.value == 0.5
    assert np.isnan(comparison.z)
    assert np.isnan(comparison.p)
    # A perfect model, bounded away from certainty, against one that is a coin toss by definition.
    assert 0.2 < comparison.difference.low < 0.5 == comparison.difference.high
    single = compare_auroc([0, 0, 0, 1], [1, 2, 3, 2], [3, 2, 1, 0])
    assert (single.difference.low, single.difference.high) == (-1, 1)
    assert np.isnan(single.p)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="3 scores of the second model"):
        compare_auroc([0, 1], [0.1, 0.2], [0.1, 0.2, 0.3])

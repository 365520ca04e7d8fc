import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from acsbench.statistics import auroc


def brute_force(labels, scores, groups):
    """Area and Obuchowski's variance, sum by sum as printed; DeLong's if every group is a row."""
    rows = list(zip(labels, scores, groups, strict=True))
    events = [(s, g) for y, s, g in rows if y == 1]
    others = [(s, g) for y, s, g in rows if y == 0]

    def kernel(x, y):
        return 1.0 if x > y else 0.5 if x == y else 0.0

    area = sum(kernel(x, y) for x, _ in events for y, _ in others) / (len(events) * len(others))
    patients = sorted(set(groups))
    v10, v01, m, n = {}, {}, {}, {}
    for patient in patients:
        mine = [x for x, g in events if g == patient]
        mine_not = [y for y, g in others if g == patient]
        m[patient], n[patient] = len(mine), len(mine_not)
        v10[patient] = sum(sum(kernel(x, y) for y, _ in others) / len(others) for x in mine)
        v01[patient] = sum(sum(kernel(x, y) for x, _ in events) / len(events) for y in mine_not)
    i10 = sum(count > 0 for count in m.values())
    i01 = sum(count > 0 for count in n.values())
    i = len(patients)
    big_m, big_n = len(events), len(others)
    s10 = i10 / ((i10 - 1) * big_m) * sum((v10[p] - m[p] * area) ** 2 for p in patients)
    s01 = i01 / ((i01 - 1) * big_n) * sum((v01[p] - n[p] * area) ** 2 for p in patients)
    s11 = i / (i - 1) * sum((v10[p] - m[p] * area) * (v01[p] - n[p] * area) for p in patients)
    return area, s10 / big_m + s01 / big_n + 2 * s11 / (big_m * big_n)


def limits(area, variance, level=0.95):
    reach = norm.ppf(0.5 + level / 2) * np.sqrt(variance)
    return max(0, area - reach), min(1, area + reach)


def clustered_sample(rng, patients=25, ties=True):
    size = rng.integers(1, 5, patients)
    groups = np.repeat(np.arange(patients), size)
    labels = (rng.random(len(groups)) < rng.random(patients)[groups]).astype(int)
    labels[:2], labels[-2:] = [0, 1], [1, 0]
    scores = labels + rng.standard_normal(patients)[groups] + rng.standard_normal(len(groups))
    return labels, np.round(scores, 1) if ties else scores, groups


def test_hanley_and_mcneil():
    """CT ratings of Hanley & McNeil, Radiology 143:29 (1982); limits as printed by Stata roctab."""
    labels = np.repeat([0, 1], [58, 51])
    ratings = np.r_[
        np.repeat(range(1, 6), [33, 6, 6, 11, 2]), np.repeat(range(1, 6), [3, 2, 2, 11, 33])
    ]
    estimate = auroc(labels, ratings)
    assert estimate.value == pytest.approx(0.8932, abs=5e-5)
    assert estimate.low == pytest.approx(0.83295, abs=5e-6)
    assert estimate.high == pytest.approx(0.95339, abs=5e-6)
    assert (estimate.n, estimate.events, estimate.groups) == (109, 51, None)


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_delong_is_the_double_loop(seed, ties):
    labels, scores, _ = clustered_sample(np.random.default_rng(seed), ties=ties)
    estimate = auroc(labels, scores, level=0.9)
    area, variance = brute_force(labels, scores, range(len(labels)))
    assert estimate.value == pytest.approx(area, abs=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx(limits(area, variance, 0.9), abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_clustered_is_the_double_loop(seed):
    labels, scores, groups = clustered_sample(np.random.default_rng(seed))
    estimate = auroc(labels, scores, groups)
    area, variance = brute_force(labels, scores, groups)
    assert estimate.value == pytest.approx(area, abs=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx(limits(area, variance), abs=1e-12)
    assert estimate.groups == 25


def test_value_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 500), rng.integers(0, 50, 500) / 50
    assert auroc(labels, scores).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_one_row_per_patient_is_delong():
    labels, scores, _ = clustered_sample(np.random.default_rng(3))
    plain = auroc(labels, scores)
    singletons = auroc(labels, scores, groups=[f"p{i}" for i in range(len(labels))])
    assert (singletons.low, singletons.high) == pytest.approx((plain.low, plain.high), abs=1e-12)
    assert singletons.groups == len(labels)


def test_patients_widen_the_interval_of_a_positively_correlated_score():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(100), 3)
    labels = (rng.random(100) < 0.4).astype(int)[groups]
    scores = labels + rng.standard_normal(100)[groups] + 0.3 * rng.standard_normal(300)
    plain, clustered = auroc(labels, scores), auroc(labels, scores, groups)
    assert clustered.high - clustered.low > 1.4 * (plain.high - plain.low)


def test_kinds_of_ids_do_not_matter():
    labels, scores, groups = clustered_sample(np.random.default_rng(5))
    expected = auroc(labels, scores, groups)
    for ids in (
        groups.astype(float) * 7,
        groups.astype(str),
        np.array([f"pat{g}" for g in groups], dtype=object),
        [f"pat{g}".encode() for g in groups],
    ):
        assert auroc(labels, scores, ids).low == pytest.approx(expected.low, abs=1e-14)


samples = st.lists(
    st.tuples(st.booleans(), st.integers(-6, 6), st.integers(0, 5)), min_size=2, max_size=40
).filter(lambda rows: len({label for label, _, _ in rows}) == 2)


@given(samples, st.booleans())
@settings(max_examples=150, deadline=None)
def test_properties(rows, clustered):
    labels, scores, ids = (np.array(column) for column in zip(*rows, strict=True))
    groups = ids if clustered else None
    estimate = auroc(labels, scores, groups)

    def same(other, value=estimate.value, low=estimate.low, high=estimate.high):
        assert (other.value, other.low, other.high) == pytest.approx((value, low, high), abs=1e-7)

    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    same(auroc(labels, np.exp(scores / 3.0), groups))
    order = np.random.default_rng(0).permutation(len(labels))
    same(auroc(labels[order], scores[order], None if groups is None else groups[order]))
    mirrored = (1 - estimate.value, 1 - estimate.high, 1 - estimate.low)
    same(auroc(~labels, scores, groups), *mirrored)
    same(auroc(labels, -scores, groups), *mirrored)
    if clustered:
        # The same row twice within its patient is no new information.
        same(auroc(np.tile(labels, 2), np.tile(scores, 2), np.tile(ids, 2)))


def test_perfect_separation_is_not_certainty():
    labels = [0] * 30 + [1] * 20
    estimate = auroc(labels, range(50))
    assert (estimate.value, estimate.high) == (1, 1)
    # Twenty pairs ranked right in twenty trials: Clopper–Pearson.
    assert estimate.low == pytest.approx(0.8316, abs=1e-4)
    assert "perfect separation" in estimate.method
    turned = auroc(labels, range(50, 0, -1))
    assert (turned.value, turned.low) == (0, 0)
    assert turned.high == pytest.approx(1 - 0.8316, abs=1e-4)
    # Ten patients with events and ten others make no more than ten independent pairs.
    clustered = auroc(
        labels, range(50), groups=[i // 3 for i in range(30)] + [10 + i // 2 for i in range(20)]
    )
    assert clustered.low == pytest.approx(0.025 ** (1 / 10))


def most_pairs(events, others):
    """Most pairs of an event and a non-event of different patients, no patient in two pairs."""
    if not events or not others:
        return 0
    first, *rest = sorted(events)
    without = most_pairs(set(rest), others)
    return max(
        [without] + [1 + most_pairs(set(rest) - {o}, others - {first, o}) for o in others - {first}]
    )


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=12))
@settings(max_examples=200, deadline=None)
def test_perfect_separation_rests_on_as_many_pairs_as_share_no_patient(rows):
    labels, groups = (np.array(column) for column in zip(*rows, strict=True))
    events, others = set(groups[labels].tolist()), set(groups[~labels].tolist())
    assume(len(events) > 1 and len(others) > 1)
    estimate = auroc(labels, labels.astype(float), groups)
    assert estimate.low == pytest.approx(0.025 ** (1 / most_pairs(events, others)), rel=1e-9)
    assert estimate.high == 1


def test_five_patients_with_both_make_two_pairs():
    estimate = auroc([0] * 5 + [1] * 5, range(10), groups=[*range(5), *range(5)])
    assert estimate.low == pytest.approx(0.025 ** (1 / 2))


whole_weights = st.lists(
    st.tuples(st.booleans(), st.integers(-4, 4), st.integers(0, 5), st.integers(1, 4)),
    min_size=4,
    max_size=20,
).filter(lambda rows: len({label for label, *_ in rows}) == 2)


@given(whole_weights)
@settings(max_examples=100, deadline=None)
def test_a_weight_counts_a_row_so_many_times(rows):
    labels, scores, groups, weights = (np.array(column) for column in zip(*rows, strict=True))
    weighted = auroc(labels, scores, groups, weights=weights)
    repeated = auroc(*(np.repeat(each, weights) for each in (labels, scores, groups)))
    expected = (repeated.value, repeated.low, repeated.high)
    assert (weighted.value, weighted.low, weighted.high) == pytest.approx(expected, abs=1e-9)
    scaled = auroc(labels, scores, groups, weights=weights / 7)
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx(expected, abs=1e-9)


def test_the_estimate_says_how_it_was_made():
    labels, scores, groups = clustered_sample(np.random.default_rng(0))
    weights = np.ones(len(labels))
    for arguments, method in (
        ({}, "DeLong, Wald"),
        ({"groups": groups}, "clustered DeLong (Obuchowski), Wald"),
        ({"weights": weights}, "DeLong, Wald, weighted"),
        (
            {"groups": groups, "weights": weights},
            "clustered DeLong (Obuchowski), Wald, weighted",
        ),
    ):
        estimate = auroc(labels, scores, level=0.9, **arguments)
        assert (estimate.method, estimate.level) == (method, 0.9)
    perfect = auroc([0, 0, 1, 1], [1, 2, 3, 4], level=0.8)
    assert perfect.method == "exact binomial bound, perfect separation"
    assert perfect.low == pytest.approx(0.1 ** (1 / 2))
    alone = auroc([0, 0, 1], [1, 2, 3])
    assert alone.method == "no interval: the variance cannot be estimated"


def test_nothing_is_known_from_one_patient():
    for groups in (None, [1, 2, 3, 4, 4], [1, 1, 1, 1, 1]):
        labels = [0, 0, 0, 0, 1] if groups is None else [0, 0, 0, 1, 1]
        estimate = auroc(labels, [0.1, 0.9, 0.3, 0.4, 0.5], groups)
        assert (estimate.low, estimate.high) == (0, 1)
        assert "cannot be estimated" in estimate.method


def test_patients_that_cancel_out():
    estimate = auroc([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], groups=[1, 1, 2, 2])
    assert (estimate.value, estimate.low, estimate.high) == (0.75, 0, 1)


def test_constant_scores():
    estimate = auroc([0, 1, 0, 1, 1], [0.3] * 5)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)


@pytest.mark.slow
def test_clustered_intervals_cover():
    """With correlated scores the clustered interval keeps its 95 %, the plain one does not."""
    rng = np.random.default_rng(20)
    truth = norm.cdf(1 / np.sqrt(2))
    hits = {"clustered": 0, "plain": 0}
    for _ in range(800):
        groups = np.repeat(np.arange(250), rng.integers(1, 5, 250))
        labels = (rng.random(250) < 0.4).astype(int)[groups]
        patient, own = rng.standard_normal(250)[groups], rng.standard_normal(len(groups))
        scores = labels + np.sqrt(0.6) * patient + np.sqrt(0.4) * own
        for name, ids in (("clustered", groups), ("plain", None)):
            estimate = auroc(labels, scores, ids)
            hits[name] += estimate.low <= truth <= estimate.high
    assert hits["clustered"] / 800 > 0.93
    assert hits["plain"] / 800 < 0.88

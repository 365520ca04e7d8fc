"""Properties that statistics of the ranking must have, whatever the sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acsbench.statistics import (
    auroc,
    auroc_gap,
    auroc_if_all_tested,
    average_precision,
    bootstrap_auroc,
    compare_auroc,
    event_rate_by_percentile,
    fit_isotonic,
    yield_at_capacity,
)
from tests.statistics.samples import FEW, holds, mirrored, same, samples

FEWER_DRAWS = {"resamples": 25}
RANKING = {
    "auroc": auroc,
    "bootstrap": lambda *rows: bootstrap_auroc(*rows, **FEWER_DRAWS),
    "average precision": lambda *rows: average_precision(*rows, **FEWER_DRAWS),
    "yield": lambda labels, scores, groups=None: yield_at_capacity(
        labels, scores, [0.3], groups, **FEWER_DRAWS
    )[0],
    "event rate": lambda labels, scores, groups=None: event_rate_by_percentile(
        labels, scores, [70], groups
    )[0],
}
every_ranking = pytest.mark.parametrize("statistic", RANKING.values(), ids=RANKING.keys())


@every_ranking
@given(samples())
@FEW
def test_monotone_transforms_change_nothing(statistic, sample):
    transformed = np.exp(3 * sample.scores) - 7
    same(
        statistic(sample.labels, sample.scores, sample.patients),
        statistic(sample.labels, transformed, sample.patients),
    )


@pytest.mark.parametrize("name", ["auroc", "event rate"])
@given(samples(), st.randoms(use_true_random=False))
@FEW
def test_order_of_rows_does_not_matter(name, sample, random):
    order = list(range(len(sample.labels)))
    random.shuffle(order)
    shuffled = sample.taken(order)
    same(
        RANKING[name](sample.labels, sample.scores, sample.patients),
        RANKING[name](shuffled.labels, shuffled.scores, shuffled.patients),
    )


@pytest.mark.parametrize("name", ["bootstrap", "average precision", "yield"])
@given(samples(), st.randoms(use_true_random=False))
@FEW
def test_value_of_resampled_statistics_does_not_depend_on_order(name, sample, random):
    order = list(range(len(sample.labels)))
    random.shuffle(order)
    shuffled = sample.taken(order)
    value = RANKING[name](sample.labels, sample.scores, sample.patients).value
    assert RANKING[name](
        shuffled.labels, shuffled.scores, shuffled.patients
    ).value == pytest.approx(value)


@pytest.mark.parametrize("name", ["auroc", "bootstrap", "average precision", "yield"])
@given(samples())
@FEW
def test_rows_twice_within_their_patient_are_no_news(name, sample):
    statistic = RANKING[name]
    twice = sample.taken(np.repeat(np.arange(len(sample.labels)), 2))
    same(
        statistic(sample.labels, sample.scores, sample.patients),
        statistic(twice.labels, twice.scores, twice.patients),
        tolerance=1e-7,
    )


@every_ranking
@given(samples())
@FEW
def test_names_of_patients_do_not_matter(statistic, sample):
    # First seen, first numbered: draws depend on the number, not on the name.
    seen = list(dict.fromkeys(sample.patients.tolist()))
    names = np.array([f"patient {99 - seen.index(patient)}" for patient in sample.patients])
    numbers = np.array([seen.index(patient) for patient in sample.patients])
    same(
        statistic(sample.labels, sample.scores, numbers),
        statistic(sample.labels, sample.scores, names),
    )


@every_ranking
@given(samples())
@FEW
def test_values_lie_in_their_intervals(statistic, sample):
    estimate = statistic(sample.labels, sample.scores, sample.patients)
    if "percentile" not in estimate.method:  # which need not hold the value of a small sample
        holds(estimate)
    assert 0 <= estimate.low <= estimate.high <= 1


@pytest.mark.parametrize("clustered", [True, False])
@given(samples())
@FEW
def test_flipped_labels_mirror_the_area(clustered, sample):
    groups = sample.patients if clustered else None
    area = auroc(sample.labels, sample.scores, groups)
    mirrored(area, auroc(1 - sample.labels, sample.scores, groups))
    mirrored(area, auroc(sample.labels, -sample.scores, groups))
    same(area, auroc(1 - sample.labels, -sample.scores, groups))


@given(samples())
@FEW
def test_a_patient_for_every_row_is_no_patients_at_all(sample):
    rows = np.arange(len(sample.labels))
    same(auroc(sample.labels, sample.scores), auroc(sample.labels, sample.scores, rows))


@given(samples())
@FEW
def test_all_patients_twice_narrow_the_interval(sample):
    whole = auroc(sample.labels, sample.scores, sample.patients)
    twice = auroc(
        np.tile(sample.labels, 2),
        np.tile(sample.scores, 2),
        np.r_[sample.patients, sample.patients + 100],
    )
    assert twice.value == pytest.approx(whole.value)
    assert twice.high - twice.low <= whole.high - whole.low + 1e-9


@given(samples(), st.sampled_from([(0.5, 0.8), (0.8, 0.95), (0.95, 0.999)]))
@FEW
def test_higher_levels_are_wider(sample, levels):
    narrow, wide = (auroc(sample.labels, sample.scores, sample.patients, each) for each in levels)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(samples(), st.floats(0.01, 100))
@FEW
def test_scale_of_weights_does_not_matter(sample, scale):
    weights = 0.5 + sample.others
    same(
        auroc(sample.labels, sample.scores, sample.patients, weights=weights),
        auroc(sample.labels, sample.scores, sample.patients, weights=scale * weights),
        tolerance=1e-6,
    )


@given(samples())
@FEW
def test_isotonic_recalibration_never_lowers_the_area(sample):
    recalibrated = fit_isotonic(sample.labels, sample.scores)(sample.scores)
    before, after = auroc(sample.labels, sample.scores), auroc(sample.labels, recalibrated)
    assert after.value >= before.value - 1e-12
    assert after.value >= 0.5


@given(samples())
@FEW
def test_scores_of_nothing_have_the_area_of_a_coin_and_the_precision_of_the_prevalence(sample):
    nothing = np.zeros(len(sample.labels))
    assert auroc(sample.labels, nothing, sample.patients).value == 0.5
    precision = average_precision(sample.labels, nothing, sample.patients, **FEWER_DRAWS)
    assert precision.value == pytest.approx(sample.labels.mean())
    found = yield_at_capacity(sample.labels, nothing, [0.1, 0.6], **FEWER_DRAWS)
    assert [each.value for each in found] == pytest.approx([0.1, 0.6])


@given(samples(), st.lists(st.floats(0, 1), min_size=2, max_size=6))
@FEW
def test_yield_grows_with_capacity(sample, shares):
    everything = [0.0, *sorted(shares), 1.0]
    found = yield_at_capacity(sample.labels, sample.scores, everything, **FEWER_DRAWS)
    assert (found[0].high, found[-1].low) == (0, 1)
    assert (np.diff([each.value for each in found]) >= -1e-12).all()


@given(samples())
@FEW
def test_swapping_models_turns_the_comparison_over(sample):
    labels, a, b, patients = sample
    forth, back = compare_auroc(labels, a, b, patients), compare_auroc(labels, b, a, patients)
    mirrored(forth.difference, back.difference, about=0.0)
    assert (back.z, back.p) == pytest.approx((-forth.z, forth.p), nan_ok=True)


@given(samples())
@FEW
def test_difference_is_that_of_the_areas(sample):
    labels, a, b, patients = sample
    difference = compare_auroc(labels, a, b, patients).difference
    areas = auroc(labels, a, patients), auroc(labels, b, patients)
    assert difference.value == pytest.approx(areas[0].value - areas[1].value)
    holds(difference, -1, 1)


@given(samples())
@FEW
def test_a_model_ties_with_any_monotone_transform_of_itself(sample):
    labels, a, _, patients = sample
    comparison = compare_auroc(labels, a, a**3 + 2, patients)
    assert (comparison.difference.value, comparison.p, comparison.standard_error) == (0, 1, 0)


@given(samples())
@FEW
def test_gap_between_equal_sides_is_nothing(sample):
    labels, scores, _, patients = sample
    member = np.repeat([0, 1], len(labels))
    copies = (np.tile(labels, 2), np.tile(scores, 2))
    gap = auroc_gap(*copies, member, np.r_[patients, patients + 100])
    assert gap.difference.value == 0
    holds(gap.difference, -1, 1)
    # The same patients on both sides leave less to luck, or nothing at all to test with (NaN).
    together = auroc_gap(*copies, member, np.tile(patients, 2))
    assert not together.standard_error >= gap.standard_error


@given(samples(), st.floats(0.1, 10))
@FEW
def test_area_if_all_were_tested_is_an_area(sample, odds_ratio):
    labels, scores, risks, _ = sample
    estimate = auroc_if_all_tested(labels, scores, scores, risks, odds_ratio=odds_ratio)
    holds(estimate)
    assert (estimate.n, estimate.events) == (2 * len(labels), labels.sum())
    constant = auroc_if_all_tested(labels, np.zeros(len(labels)), np.zeros(3), [0.1, 0.2, 0.3])
    assert constant.value == 0.5

import numpy as np
import pytest

from acsbench.evaluation.cohort import Sample
from acsbench.evaluation.metrics import MARGIN, METRICS, compare_models, model_metrics
from acsbench.statistics import auroc, compare_auroc, sensitivity, specificity


def parts(study, model):
    return [study.cohort.sample(split, model.probabilities) for split in ("test", "valid")]


def ranked(study, *strengths):
    """Test ECGs of some models, from the highest AUROC."""
    models = [study.model(f"m{i}", s, seed=i) for i, s in enumerate(strengths)]
    tests = {m.name: parts(study, m)[0] for m in models}
    area = {n: auroc(t.labels, t.probabilities).value for n, t in tests.items()}
    return {name: tests[name] for name in sorted(tests, key=lambda n: -area[n])}


def test_every_metric_is_clustered(study):
    test, valid = parts(study, study.model("a", 1.5))
    metrics = model_metrics(test, valid, resamples=100)
    assert tuple(metrics.estimates) == tuple(METRICS)
    for estimate in metrics.estimates.values():
        assert estimate.groups == len(set(test.patients))
        assert estimate.n == len(test.labels)
        assert estimate.low < estimate.value < estimate.high


def test_threshold_comes_from_validation(study):
    test, valid = parts(study, study.model("a", 1.5))
    metrics = model_metrics(test, valid, resamples=100)
    threshold = metrics.threshold
    assert specificity(valid.labels, valid.probabilities, threshold).value >= 0.9
    assert threshold in valid.probabilities
    rows = (test.labels, test.probabilities, threshold, test.patients)
    assert metrics.estimates["sensitivity_at_90_specificity"] == sensitivity(*rows)
    assert metrics.estimates["realised_specificity"] == specificity(*rows)
    # Other test scores leave the threshold alone.
    moved = Sample(test.labels, test.patients, test.probabilities / 2)
    assert model_metrics(moved, valid, resamples=100).threshold == threshold


def test_without_validation_there_is_no_threshold(study):
    test, _ = parts(study, study.model("a", 1.5))
    metrics = model_metrics(test, resamples=100)
    assert metrics.threshold is None
    assert list(metrics.estimates) == ["auroc", "auprc", "brier"]


def test_comparisons_hold_together(study):
    tests = ranked(study, 0.5, 2.0, 1.9)
    pairs = compare_models(tests)
    first, second, third = tests
    assert [(pair.first, pair.second) for pair in pairs] == [
        (first, second),
        (first, third),
        (second, third),
    ]
    single = [
        compare_auroc(
            tests[pair.first].labels,
            tests[pair.first].probabilities,
            tests[pair.second].probabilities,
            tests[pair.first].patients,
        )
        for pair in pairs
    ]
    assert [pair.comparison for pair in pairs] == single
    # Holm by hand: the smallest p value times 3, the next times 2, never falling.
    order = np.argsort([comparison.p for comparison in single])
    adjusted, least = [0.0] * 3, 0.0
    for factor, number in zip((3, 2, 1), order, strict=True):
        least = max(least, min(1.0, factor * single[number].p))
        adjusted[number] = least
    assert [pair.p for pair in pairs] == pytest.approx(adjusted)
    assert [pair.differs for pair in pairs] == [p < 0.05 for p in adjusted]


def test_equal_models_of_many_ecgs_are_equivalent(make):
    made = make(patients=6000)
    sample = parts(made, made.model("a", 1.5))[0]
    noise = np.random.default_rng(0).normal(0, 0.01, len(sample.labels))
    other = Sample(sample.labels, sample.patients, sample.probabilities + noise)
    (pair,) = compare_models({"a": sample, "b": other})
    assert abs(pair.comparison.difference.value) < MARGIN / 3
    assert pair.reading == "equivalent"


def test_few_ecgs_rank_no_models(study):
    pairs = compare_models(ranked(study, 0.2, 3.0))
    assert pairs[0].differs
    assert pairs[0].comparison.difference.n < 1000
    assert pairs[0].reading == "few ECGs"


def test_no_p_value_where_there_is_no_test(study):
    sample = parts(study, study.model("a", 1))[0]
    tests = {
        name: Sample(sample.labels, sample.patients, scores)
        for name, scores in (("perfect", sample.labels), ("constant", sample.labels * 0))
    }
    (pair,) = compare_models(tests)
    assert np.isnan(pair.p)
    assert pair.differs


def test_one_model_has_nobody_to_compare_with(study):
    assert compare_models(ranked(study, 0.5)) == []


@pytest.mark.slow
def test_no_ranking_by_chance():
    """Among five models of equal strength, hardly ever is one called better than another."""
    rng = np.random.default_rng(0)
    claims = 0
    for _ in range(300):
        patients = np.repeat(np.arange(120), 2).astype(object)
        labels = np.repeat(rng.random(120) < 0.4, 2).astype(int)
        effect = np.repeat(rng.standard_normal(120), 2)
        tests = {
            f"m{i}": Sample(labels, patients, labels + effect + rng.standard_normal(240))
            for i in range(5)
        }
        claims += any(pair.differs for pair in compare_models(tests))
    assert claims / 300 < 0.08

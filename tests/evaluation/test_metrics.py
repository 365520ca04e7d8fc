import numpy as np
import pytest

from acsbench.evaluation.cohort import Sample
from acsbench.evaluation.metrics import METRICS, compare_models, model_metrics, too_few
from acsbench.statistics import auroc, compare_auroc, sensitivity, specificity


def samples(study, *strengths):
    models = [study.model(f"m{i}", s, seed=i) for i, s in enumerate(strengths)]
    return {m.name: study.cohort.sample("test", m.test) for m in models}, models


def test_every_metric_is_clustered(study):
    model = study.model("a", 1.5)
    valid = study.cohort.sample("valid", model.valid)
    test = study.cohort.sample("test", model.test)
    metrics = model_metrics(valid, test, resamples=100)
    assert tuple(metrics.estimates) == tuple(METRICS)
    for estimate in metrics.estimates.values():
        assert estimate.groups == len(set(test.patients))
        assert estimate.n == len(test.labels)
        assert estimate.low < estimate.value < estimate.high


def test_threshold_comes_from_validation(study):
    model = study.model("a", 1.5)
    valid = study.cohort.sample("valid", model.valid)
    test = study.cohort.sample("test", model.test)
    metrics = model_metrics(valid, test, resamples=100)
    threshold = metrics.threshold
    assert specificity(valid.labels, valid.probabilities, threshold).value >= 0.9
    assert threshold in valid.probabilities
    rows = (test.labels, test.probabilities, threshold, test.patients)
    assert metrics.estimates["sensitivity_at_90_specificity"] == sensitivity(*rows)
    assert metrics.estimates["realised_specificity"] == specificity(*rows)
    # Other test scores leave the threshold alone.
    moved = Sample(test.labels, test.patients, test.probabilities / 2)
    assert model_metrics(valid, moved, resamples=100).threshold == threshold


def test_comparisons_hold_together(study):
    tests, _ = samples(study, 0.5, 2.0, 1.9)
    pairs = compare_models(tests)
    best = max(tests, key=lambda n: auroc(tests[n].labels, tests[n].probabilities).value)
    assert [(pair.first, pair.second) for pair in pairs] == [
        (best, name) for name in tests if name != best
    ]
    for pair in pairs:
        a, b = tests[pair.first], tests[pair.second]
        single = compare_auroc(a.labels, a.probabilities, b.probabilities, a.patients)
        assert pair.comparison.difference.value == single.difference.value >= 0
        assert pair.comparison.difference.level == pytest.approx(1 - 0.05 / 3)
        assert pair.comparison.difference.low < single.difference.low
        assert pair.p == pytest.approx(min(1, 3 * single.p))
        assert pair.differs == (pair.comparison.difference.low > 0)


def test_two_models_need_no_correction(study):
    tests, _ = samples(study, 0.5, 2.0)
    (pair,) = compare_models(tests)
    assert pair.comparison.difference.level == pytest.approx(0.95)
    assert pair.p == pair.comparison.p
    assert pair.differs


def test_no_p_value_where_there_is_no_test(study):
    sample = study.cohort.sample("test", study.model("a", 1).test)
    tests = {
        name: Sample(sample.labels, sample.patients, scores)
        for name, scores in (("perfect", sample.labels), ("constant", sample.labels * 0))
    }
    (pair,) = compare_models(tests)
    assert np.isnan(pair.p)
    assert pair.differs


def test_one_model_has_nobody_to_compare_with(study):
    tests, _ = samples(study, 0.5)
    assert compare_models(tests) == []


def test_too_few_counts_patients():
    def sample(with_event, without, repeats=5):
        labels = np.repeat([1, 0], [with_event * repeats, without * repeats])
        patients = np.repeat(np.arange(with_event + without), repeats).astype(object)
        return Sample(labels, patients, np.linspace(0, 1, len(labels)))

    assert too_few(sample(10, 40))
    assert too_few(sample(40, 10))
    assert not too_few(sample(11, 11))
    assert not too_few(sample(3, 40), show_small_cells=True)


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

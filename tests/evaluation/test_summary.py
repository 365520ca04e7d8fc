import pytest

import acsbench.evaluation.summary as summary_module
from acsbench.evaluation.metrics import compare_models, model_metrics
from acsbench.evaluation.summary import SIMULATED, TOO_FEW, summarise


@pytest.fixture(autouse=True)
def few_ecgs_are_enough(monkeypatch):
    monkeypatch.setattr(summary_module, "RANKING_ECGS", 10)


def summary(study, simulated=False, **strengths):
    tests, metrics = {}, {}
    for i, (name, strength) in enumerate(strengths.items()):
        model = study.model(name, strength, seed=i)
        tests[name] = study.cohort.sample("test", model.test)
        valid = study.cohort.sample("valid", model.valid)
        metrics[name] = model_metrics(valid, tests[name], resamples=50)
    pairs = compare_models(tests)
    sentences = summarise(metrics, pairs, tests[name], simulated=simulated)
    return " ".join(sentences), pairs


def test_a_clear_lead_is_named(study):
    text, _ = summary(study, weak=0.2, strong=3.0)
    assert "strong had the highest AUROC of 2 models" in text
    assert "larger than chance explains" in text
    assert "over weak" in text
    assert "do not tell" not in text
    assert "(95 % interval " in text


def test_no_ranking_without_evidence(study):
    text, pairs = summary(study, one=1.5, other=1.5)
    assert not pairs[0].differs
    assert "larger than chance" not in text
    assert "do not tell whether" in text


def test_few_ecgs_rank_no_models(study, monkeypatch):
    monkeypatch.setattr(summary_module, "RANKING_ECGS", 1000)
    text, pairs = summary(study, weak=0.2, strong=3.0)
    assert pairs[0].differs
    assert not pairs[0].ranks
    assert "highest" not in text
    assert "larger than chance" not in text
    assert "fewer than 1,000 ECGs, from which no ranking of models is claimed" in text


def test_some_of_each(study):
    text, pairs = summary(study, weak=0.2, one=2.0, other=2.0, third=2.0)
    assert [pair.differs for pair in pairs].count(True) == 1
    assert "over weak" in text
    assert "intervals of the difference in AUROC" in text
    assert " include 0" in text


def test_one_model(study):
    text, _ = summary(study, alone=2.0)
    assert "alone reached an AUROC of" in text
    assert "highest" not in text
    assert "a specificity of 90 % on the validation ECGs" in text


def test_a_coin_toss_is_called_so(study):
    text, _ = summary(study, useless=0.0)
    assert "coin toss" in text


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_comes_first(study, simulated):
    text, _ = summary(study, simulated, alone=2.0)
    assert text.startswith(SIMULATED) == simulated


def test_too_few(study):
    sample = study.cohort.sample("test", study.model("a", 1).test)
    assert summarise({}, [], sample, simulated=False) == [TOO_FEW]

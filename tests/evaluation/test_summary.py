import pytest

from acsbench.evaluation import metrics as metrics_module
from acsbench.evaluation import summary as summary_module
from acsbench.evaluation.analysis import Analysis, Settings
from acsbench.evaluation.summary import SIMULATED, summarise
from acsbench.evaluation.topics import TOPICS

FAST = Settings(resamples=30)


@pytest.fixture(autouse=True)
def few_ecgs_are_enough(monkeypatch):
    monkeypatch.setattr(metrics_module, "RANKING_ECGS", 10)
    monkeypatch.setattr(summary_module, "RANKING_ECGS", 10)


def analysis(made, **strengths):
    models = [made.model(name, s, seed=i) for i, (name, s) in enumerate(strengths.items())]
    return Analysis(made.cohort, models, FAST)


def summary(made, **strengths):
    return " ".join(summarise(analysis(made, **strengths)))


def test_a_clear_lead_is_named(study):
    text = summary(study, weak=0.2, strong=3.0)
    assert "strong had the highest AUROC of 2 models" in text
    assert "larger than chance explains" in text
    assert "over weak" in text
    assert "do not tell" not in text
    assert "(95 % interval " in text


def test_no_ranking_without_evidence(study):
    text = summary(study, one=1.5, other=1.5)
    assert "larger than chance" not in text
    assert "do not tell whether" in text


def test_few_ecgs_rank_no_models(study, monkeypatch):
    monkeypatch.setattr(metrics_module, "RANKING_ECGS", 1000)
    monkeypatch.setattr(summary_module, "RANKING_ECGS", 1000)
    text = summary(study, weak=0.2, strong=3.0)
    assert "highest" not in text
    assert "larger than chance" not in text
    assert "fewer than 1,000 ECGs, from which no ranking of models is claimed" in text
    assert "The AUROC of strong is higher by " in text
    assert ") than that of weak" in text


def test_one_model(study):
    text = summary(study, alone=2.0)
    assert "alone reached an AUROC of" in text
    assert "highest" not in text
    assert "a specificity of 90 % on the validation ECGs" in text


def test_a_coin_toss_is_called_so(study):
    assert "coin toss" in summary(study, useless=0.0)


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_comes_first(make, simulated):
    text = summary(make(simulated=simulated), alone=2.0)
    assert text.startswith(SIMULATED) == simulated


def test_too_few(make):
    few = make(patients=300, prevalence=0.05)
    (sentence,) = summarise(analysis(few, a=1.0))
    assert "Fewer than 11 patients of the test split have the event" in sentence


def test_finished_sections_are_quoted(twin_analysis):
    sections = [s for topic in TOPICS if (s := topic(twin_analysis)) is not None]
    text = " ".join(summarise(twin_analysis, sections))
    assert "show none of the signs" in text
    assert "calibration intercept" in text
    assert "gaps between groups" in text or "Gaps to the rest" in text


def test_of_many_models_the_next_best_are_named_and_the_others_summed_up(study, monkeypatch):
    monkeypatch.setattr(metrics_module, "RANKING_ECGS", 1000)
    monkeypatch.setattr(summary_module, "RANKING_ECGS", 1000)
    strengths = {"best": 4.0, "second": 2.5, "third": 1.5, "fourth": 0.9, "fifth": 0.5, "last": 0.0}
    many = analysis(study, **strengths)
    text = " ".join(summarise(many))
    fifth, last = (many.areas[name].value for name in ("fifth", "last"))
    assert many.order == list(strengths)
    assert f" and 2 others {last:.3f} to {fifth:.3f}: of an ECG" in text
    best = many.areas["best"].value
    assert f" and by {best - fifth:.3f} to {best - last:.3f} than those of 2 others." in text
    assert "last" not in text


def test_one_model_left_over_is_named_like_the_others(study):
    text = summary(study, best=4.0, second=2.5, third=1.5, fourth=0.9, fifth=0.1)
    assert "over fifth" in text
    assert "others" not in text

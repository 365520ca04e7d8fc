from dataclasses import replace

import pytest

from acsbench.evaluation import metrics as metrics_module
from acsbench.evaluation import summary as summary_module
from acsbench.evaluation.analysis import Analysis, Settings
from acsbench.evaluation.summary import SIMULATED, summarise
from acsbench.evaluation.topics import TOPICS
from acsbench.evaluation.topics.beside_signs import beside_signs

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
    assert "Fewer than 1,000 ECGs rank no models: what the AUROC of strong is above" in text
    assert ") for weak." in text


def test_one_model(study):
    text = summary(study, alone=2.0)
    assert "alone reached an AUROC of" in text
    assert "highest" not in text
    assert "a specificity of at least 90 % on the validation ECGs" in text


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
    assert f" and {best - fifth:.3f} to {best - last:.3f} for 2 others." in text
    assert "last" not in text


def test_one_model_left_over_is_named_like_the_others(study):
    text = summary(study, best=4.0, second=2.5, third=1.5, fourth=0.9, fifth=0.1)
    assert "over fifth" in text
    assert "others" not in text


def test_the_wrong_way_round_is_called_so(study):
    text = summary(study, backwards=-2.0)
    assert "ranks the wrong way round" in text
    assert "wrong way" not in summary(study, right=2.0)
    assert "wrong way" not in summary(study, useless=0.0)


def test_few_events_are_warned_of(make, study):
    few = make(patients=170, prevalence=0.25)
    events = int(few.cohort.split("test")["label"].sum())
    assert 11 <= events < 30
    text = summary(few, a=1.0)
    assert f"Only {events} of these ECGs have the event. Fewer than 30 say nothing about" in text
    assert "Only" not in summary(study, a=1.0)


def test_a_label_that_is_a_reading_is_no_proof_of_what_readers_miss(twin_analysis):
    read = replace(twin_analysis.cohort, label_is_reading=True)
    analysis = Analysis(read, twin_analysis.models, twin_analysis.settings)
    section = beside_signs(analysis)
    text = " ".join([*summarise(analysis, [section]), *section.paragraphs])
    assert "signs that a cardiologist reads" not in text
    assert "passed by" not in text
    assert "have none of the statements on ST and T" in text
    usual = beside_signs(twin_analysis)
    assert "passed by" in " ".join(usual.paragraphs)
    assert "signs that a cardiologist reads" in " ".join(summarise(twin_analysis, [usual]))


def test_every_sentence_names_its_model(twin_analysis):
    sections = [s for topic in TOPICS if (s := topic(twin_analysis)) is not None]
    assert "The probabilities of good are" in " ".join(summarise(twin_analysis, sections))


def test_numbered_runs_are_explained(study):
    models = [
        replace(study.model(f"net ({i})", 1.0, i), notes={"model": "net", "run": f"net-t-{i}"})
        for i in (1, 2)
    ]
    text = " ".join(summarise(Analysis(study.cohort, models, FAST)))
    assert text.endswith(
        "Several runs of one model are numbered: net (1) is net-t-1 and net (2) is net-t-2."
    )

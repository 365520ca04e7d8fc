"""Sentences of a report against the numbers beside them."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from acsbench.evaluation import EvaluationCohort, ModelPredictions, Settings, evaluate
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.checklist import checklist
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics import TOPICS, population
from acsbench.evaluation.topics.calibration import calibration
from acsbench.evaluation.topics.decisions import decisions
from acsbench.evaluation.topics.operating_points import operating_points

HIDDEN = Settings(resamples=20)
SHOWN = Settings(resamples=20, show_small_cells=True)
KINDS = ("perfect", "constant", "tiny", "coarse", "certain")


def patients(size=120, **other):
    rows = [
        (f"{split}{i:03d}", f"p-{split}{i // 2:03d}", int(i // 2 % 3 == 0), split)
        for split in ("train", "valid", "test")
        for i in range(size)
    ]
    table = pd.DataFrame(rows, columns=["ecg_id", "patient_id", "label", "split"])
    settings = {"simulated": False} | other
    return EvaluationCohort(table, "t", 1, "hash", "Heads.", "ecg", "dice", **settings)


def model(cohort, kind):
    rng = np.random.default_rng(1)
    labels = cohort.table["label"].to_numpy()
    n = len(labels)
    risks = {
        "perfect": np.where(labels == 1, 0.9 + 0.05 * rng.random(n), 0.1 * rng.random(n)),
        "constant": np.full(n, 0.3),
        "tiny": 1e-9 * (1 + rng.random(n)),
        "coarse": np.where(rng.random(n) < 0.3 + 0.3 * labels, 0.5, 0.25),
        "certain": labels.astype(float),
        "good": 1 / (1 + np.exp(-(labels - 0.9 + rng.standard_normal(n)))),
    }[kind]
    return ModelPredictions(kind, pd.Series(risks, index=pd.Index(cohort.table["ecg_id"])))


def analysis_of(*kinds, cohort=None, settings=HIDDEN):
    cohort = patients() if cohort is None else cohort
    return Analysis(cohort, [model(cohort, kind) for kind in kinds], settings)


def sections_of(analysis):
    return [population(analysis), *(s for topic in TOPICS if (s := topic(analysis)) is not None)]


def summary(analysis):
    return " ".join(summarise(analysis, sections_of(analysis)))


def methods(analysis):
    return " ".join(text for section in sections_of(analysis) for text in section.methods)


HIDES = re.compile(r"not shown|hidden|1 to 10 patients")


@pytest.mark.parametrize("simulated", [False, True])
def test_methods_say_what_the_report_does_with_small_counts(simulated):
    cohort = patients(simulated=simulated)
    hidden = methods(analysis_of("good", cohort=cohort))
    assert "from 1 to 10" in hidden
    assert HIDES.search(hidden)
    shown = methods(analysis_of("good", cohort=cohort, settings=SHOWN))
    assert not HIDES.search(shown)
    assert "from 1 to 10, are shown" in shown
    assert ("no patient was involved" in shown) == simulated
    assert ("as was asked for" in shown) != simulated


def test_a_page_with_small_counts_warns_unless_nobody_was_involved(tmp_path):
    warning = "Small cells are shown."
    for name, simulated, settings, warned in (
        ("asked", False, SHOWN, True),
        ("simulated", True, SHOWN, False),
        ("hidden", False, HIDDEN, False),
    ):
        cohort = patients(simulated=simulated)
        found = evaluate(cohort, [model(cohort, "coarse")], tmp_path / name, settings)
        page = found.report.read_text()
        assert (warning in page) == warned
        assert ("give them away, are not shown" in page) == (settings is HIDDEN)


def test_a_bent_curve_is_not_called_right(study):
    """Intercept and slope are right, and both ends too low."""
    cohort = study.cohort
    rng = np.random.default_rng(2)
    table = cohort.table
    places = rng.standard_normal(len(table))
    true = 1 / (1 + np.exp(-(places - 0.6 + 0.9 * (places**2 - 1))))
    bent = replace(cohort, table=table.assign(label=(rng.random(len(table)) < true).astype(int)))
    risks = pd.Series(1 / (1 + np.exp(-(places - 0.6))), index=pd.Index(table["ecg_id"]))
    analysis = Analysis(bent, [ModelPredictions("bent", risks)], SHOWN)
    sections = [calibration(analysis)]
    (table_,) = [t for t in sections[0].tables if t.name == "calibration"]
    row = table_.rows[0]
    assert row["slope"].low <= 1 <= row["slope"].high
    assert row["intercept"].low <= 0 <= row["intercept"].high
    assert row["curve_p"] < 0.01
    text = " ".join(summarise(analysis, sections))
    assert "not shown to be wrong" not in text
    assert "wrong by their curve" in text
    assert "p < 0.001" in text or "p = 0.0" in text


def test_the_note_on_intervals_that_reach_zero_is_true():
    (table,) = [t for t in calibration(analysis_of("good")).tables if t.name == "calibration"]
    reached = [row[key].low == 0 for row in table.rows for key in ("ici", "ece") if key in row]
    assert any(reached)
    assert "cannot reach" not in table.note
    assert "cut at 0" in table.note
    assert "ICI and ECE are 0" not in table.caption


@pytest.mark.parametrize("kind", KINDS)
def test_odd_predictions_have_true_sentences(kind):
    analysis = analysis_of(kind)
    sections = sections_of(analysis)
    text = " ".join(summarise(analysis, sections))
    row = next(
        row
        for section in sections
        for table in section.tables
        if table.name == "calibration"
        for row in table.rows
    )
    assert "cannot be tested" in text
    assert "inf" not in text
    wrong = not row["intercept"].low <= 0 <= row["intercept"].high
    assert ("not shown to be wrong on the whole" in text) != wrong
    tied = kind in ("constant", "coarse")
    assert ("a tie counting as half" in text) == tied
    words = " ".join(p for s in (decisions(analysis), calibration(analysis)) for p in s.paragraphs)
    recalibrated = any(r["variant"] == "Platt" for r in _rows(sections, "calibration"))
    assert ("are recalibrated by Platt" in words) == recalibrated
    assert ("rests on" in words) == recalibrated
    answers = {r["item"]: str(r["answer"]) for r in checklist(analysis, sections).tables[0].rows}
    assert ("Platt" in answers["12f"]) == recalibrated
    captions = " ".join(t.caption for s in sections for t in s.tables)
    assert "other models" not in captions


def _rows(sections, name):
    return [r for s in sections for t in s.tables if t.name == name for r in t.rows]


def test_ties_make_no_sentence_false():
    """With two values a rule calls fewer than it may, and PPV is not the sensitivity."""
    section = operating_points(analysis_of("coarse"))
    text = " ".join(t.caption + t.note for t in section.tables)
    assert "a specificity of at least 90" in text
    assert "or fewer where risks tie" in text
    assert "PPV equals sensitivity, unless risks tie" in text


def test_models_of_unknown_origin_are_not_said_to_be_of_the_same_source():
    cohort = patients()
    analysis = analysis_of("good", cohort=cohort)
    answers = {r["item"]: str(r["answer"]) for r in checklist(analysis).tables[0].rows}
    assert "same source" not in answers["5a"]
    assert "None but the patients" not in answers["16"]
    run = replace(analysis.models[0], notes={"run": "good-1"})
    known = {
        r["item"]: str(r["answer"])
        for r in checklist(Analysis(cohort, [run], HIDDEN)).tables[0].rows
    }
    assert "same source" in known["5a"]
    assert "None but the patients" in known["16"]
    assert "adjusted by Holm" not in known["12e"]


def test_without_validation_ecgs_none_are_said_to_be_used():
    cohort = patients()
    found = model(cohort, "good")
    only = found.probabilities[found.probabilities.index.str.startswith("test")]
    analysis = Analysis(cohort, [ModelPredictions("good", only)], HIDDEN)
    answers = {r["item"]: str(r["answer"]) for r in checklist(analysis).tables[0].rows}
    assert "use the validation ECGs" not in answers["12a"]
    assert "sentence above the tables" not in methods(analysis)


def test_two_equal_areas_share_the_lead():
    cohort = patients(2100)
    twin = replace(model(cohort, "good"), name="twin")
    analysis = Analysis(cohort, [model(cohort, "good"), twin], HIDDEN)
    text = summarise(analysis)[0]
    assert "good and twin reached the highest AUROC" in text
    assert "good had the highest" not in text


def test_the_curve_of_few_patients_is_not_tested():
    """With 20 patients who have the event, true probabilities would be called wrong too often."""
    cohort = patients(120)
    analysis = analysis_of("good", cohort=cohort, settings=SHOWN)
    sections = [calibration(analysis)]
    assert all("curve_p" not in row for row in _rows(sections, "calibration"))
    text = " ".join(summarise(analysis, sections))
    assert "wrong by their curve" not in text
    assert "fewer than 30 patients have the event, or lack it" in text
    many = analysis_of("good", cohort=patients(600))
    assert "curve_p" in _rows([calibration(many)], "calibration")[0]


@pytest.mark.parametrize("low", [0.0, 0.0001, 0.02])
def test_risks_that_are_all_right_are_not_called_too_high(low):
    cohort = patients(400)
    labels = cohort.table["label"].to_numpy()
    risks = pd.Series(np.where(labels == 1, 1 - low / 2, low), pd.Index(cohort.table["ecg_id"]))
    analysis = Analysis(cohort, [ModelPredictions("right", risks)], HIDDEN)
    text = " ".join(summarise(analysis, [calibration(analysis)]))
    assert "not shown to be wrong on the whole" in text
    assert "no curve can be fitted" in text


@pytest.mark.parametrize("kind", ["constant", "coarse", "certain"])
def test_the_warning_of_few_validation_patients_allows_for_ties(kind):
    """All 80 without the event lie below the threshold: more than 90 %, and no less elsewhere."""
    analysis = analysis_of(kind, cohort=patients(240))
    text = " ".join(operating_points(analysis).paragraphs)
    assert re.search(r"specificity may be \d+\u00a0% to \d+\u00a0%, or more where risks tie", text)
    assert re.search(r"it may call \d+\u00a0% to \d+\u00a0%, or fewer where risks tie", text)


def test_one_patient_is_one_patient():
    text = " ".join(
        operating_points(analysis_of("good", cohort=patients(4), settings=SHOWN)).paragraphs
    )
    assert "1 validation patient with" in text
    assert "1 validation patients" not in text

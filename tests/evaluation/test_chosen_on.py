"""A threshold that few patients chose is said to be uncertain, wherever it is used."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from acsbench.evaluation import EvaluationCohort, ModelPredictions, Settings
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.chosen_on import ChosenOn
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics.calibration import calibration
from acsbench.evaluation.topics.decisions import decisions
from acsbench.evaluation.topics.discrimination import discrimination
from acsbench.evaluation.topics.operating_points import operating_points
from acsbench.statistics import share_elsewhere, threshold_at_specificity

SHOWN = Settings(resamples=20, show_small_cells=True)
HIDDEN = Settings(resamples=20)


def analysis_of(with_event, without_event, settings=HIDDEN):
    """Thirty patients on each side in test and training, and so many in validation."""
    sizes = {"train": (30, 30), "valid": (with_event, without_event), "test": (30, 30)}
    rows = [
        (f"{split}{label}-{i}", f"p-{split}{label}-{i}", label, split)
        for split, numbers in sizes.items()
        for label, number in zip((1, 0), numbers, strict=True)
        for i in range(number)
    ]
    table = pd.DataFrame(rows, columns=["ecg_id", "patient_id", "label", "split"])
    rng = np.random.default_rng(3)
    risks = 1 / (1 + np.exp(-(rng.standard_normal(len(table)) + table["label"].to_numpy())))
    model = ModelPredictions("m", pd.Series(risks, index=pd.Index(table["ecg_id"], dtype=object)))
    cohort = EvaluationCohort(table, "t", 1, "hash", "Heads.", "ecg", "dice", simulated=False)
    return Analysis(cohort, [model], settings)


def test_limits_are_those_that_such_a_threshold_reaches():
    """Of thresholds chosen on 40 patients, 95 % reach a specificity between the limits."""
    low, high = share_elsewhere(0.9, 40)
    exact = binomtest(36, 40).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    rng = np.random.default_rng(0)
    # Of uniform scores without the event, the threshold itself is the specificity elsewhere.
    reached = []
    for _ in range(2000):
        scores = rng.random(41)
        labels = np.r_[np.zeros(40), 1]
        reached.append(min(threshold_at_specificity(labels, scores, 0.9), 1.0))
    inside = np.mean([(low <= r) & (r <= high) for r in reached])
    assert inside > 0.94


def test_limits_at_the_ends():
    assert share_elsewhere(0.9, 0) == (0.0, 1.0)
    assert share_elsewhere(1.0, 20)[1] == 1.0
    assert share_elsewhere(0.0, 20)[0] == 0.0
    with pytest.raises(ValueError, match="-1 scores"):
        share_elsewhere(0.9, -1)


def test_a_handful_is_named_everywhere():
    analysis = analysis_of(12, 14)
    words = "chosen on 14 validation patients without the event: in other patients the specificity"
    thresholds = operating_points(analysis)
    assert any(words in paragraph for paragraph in thresholds.paragraphs)
    assert any("sensitivity of at least 99" in paragraph for paragraph in thresholds.paragraphs)
    notes = {table.name: table.note for table in thresholds.tables}
    assert words in notes["at-common-threshold-rates"]
    assert words in notes["ppv-by-prevalence"]
    assert "chosen on 12 validation patients with the event" in notes["rule-out"]
    assert words in discrimination(analysis).tables[0].note
    assert any(words in sentence for sentence in summarise(analysis))
    recalibrated = "rests on 12 with the event and 14 without the event among the validation"
    assert any(recalibrated in paragraph for paragraph in calibration(analysis).paragraphs)
    assert any(recalibrated in paragraph for paragraph in decisions(analysis).paragraphs)


def test_many_patients_need_no_warning():
    analysis = analysis_of(400, 400)
    assert list(operating_points(analysis).paragraphs) == []
    assert list(calibration(analysis).paragraphs) == []
    assert "chosen on" not in " ".join(summarise(analysis))


@pytest.mark.parametrize(("with_event", "without_event"), [(5, 40), (40, 5), (3, 3)])
def test_small_counts_are_not_told(with_event, without_event):
    hidden = analysis_of(with_event, without_event)
    section = operating_points(hidden)
    text = " ".join([*section.paragraphs, *(t.note for t in section.tables), *summarise(hidden)])
    text += " ".join([*calibration(hidden).paragraphs, *decisions(hidden).paragraphs])
    assert "validation patients" in text
    for number in {with_event, without_event, with_event + without_event}:
        assert f" {number} validation" not in text
        assert f" {number} with" not in text
    # Nor limits from which the number would follow.
    assert "may be" not in text
    assert "fewer than 11" in text
    shown = operating_points(analysis_of(with_event, without_event, SHOWN))
    assert any(f" {without_event} validation patients" in words for words in shown.paragraphs)


def test_without_validation_nothing_is_chosen():
    analysis = analysis_of(30, 30)
    only_test = [
        ModelPredictions(m.name, m.probabilities[m.probabilities.index.str.startswith("test")])
        for m in analysis.models
    ]
    assert Analysis(analysis.cohort, only_test, HIDDEN).chosen_on is None


def test_the_share_called():
    few = ChosenOn(10, 20, told=True, level=0.95)
    assert "of other patients it may call 8" in few.capacity_warning(0.2)
    assert ChosenOn(500, 500, told=True, level=0.95).capacity_warning(0.2) == ""

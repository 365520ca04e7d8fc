"""The topics on the twin: numbers worked out again, and what may not be seen."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from acsbench.evaluation import ModelPredictions
from acsbench.evaluation.analysis import Analysis, Settings
from acsbench.evaluation.checklist import TO_COMPLETE, checklist
from acsbench.evaluation.groups import groupings_of
from acsbench.evaluation.section import (
    Count,
    PValue,
    Section,
    Share,
    Table,
    Threshold,
    counted,
    text_of,
)
from acsbench.evaluation.selection import design_of, fit_selection
from acsbench.evaluation.signs import any_of, read_signs
from acsbench.evaluation.topics.beside_signs import beside_signs
from acsbench.evaluation.topics.discrimination import LOGISTIC, discrimination, signs_regression
from acsbench.evaluation.topics.examples import Waveforms, examples, printed_page
from acsbench.evaluation.topics.selection import selection
from acsbench.evaluation.topics.subgroups import TESTED_PATIENTS, subgroups
from acsbench.statistics import Estimate


def table_of(section, name):
    return next(table for table in section.tables if table.name == name)


def row_of(section, name, **where):
    rows = table_of(section, name).rows
    return next(row for row in rows if all(row[k] == v for k, v in where.items()))


def test_signs_and_their_regression(twin_analysis):
    section = discrimination(twin_analysis)
    labels = twin_analysis.labels
    for sign, seen in twin_analysis.signs.items():
        area = row_of(section, "discrimination", model=f"{sign} (reading)")["auroc"].value
        assert area == pytest.approx(roc_auc_score(labels, seen))
        assert 0.4 < area < 0.6
    cohort = twin_analysis.cohort
    train = np.column_stack(list(read_signs(cohort.covariates_of("train")).values()))
    test = np.column_stack(list(read_signs(cohort.covariates_of("test")).values()))
    fit = LogisticRegression(C=np.inf, max_iter=1000).fit(train, cohort.split("train")["label"])
    expected = roc_auc_score(labels, fit.decision_function(test))
    found = row_of(section, "discrimination", model=LOGISTIC)["auroc"].value
    assert found == pytest.approx(expected, abs=1e-3)
    assert twin_analysis.order == ["good", "fair", "poor"]


def test_a_model_that_is_the_regression_on_the_signs_stands_once(twin_analysis):
    cohort = twin_analysis.cohort
    risks = pd.Series(signs_regression(twin_analysis), cohort.split("test")["ecg_id"])
    shrunken = (0.2 + 0.5 * risks).round(9)  # other risks, in the same order
    models = [*twin_analysis.models, ModelPredictions("flags", shrunken)]
    table = table_of(
        discrimination(Analysis(cohort, models, twin_analysis.settings)), "discrimination"
    )
    names = [row["model"] for row in table.rows]
    assert "flags" in names
    assert LOGISTIC not in names
    assert f"{LOGISTIC} ranks the ECGs as flags does" in table.note


def test_yield_counts_by_hand(twin_analysis):
    section = beside_signs(twin_analysis)
    row = row_of(section, "testing-yield", model="good")
    labels, scores = twin_analysis.rows("good")
    valid = twin_analysis.validation["good"]
    share = valid.labels.mean()
    threshold = np.sort(valid.probabilities)[::-1][int(share * len(valid.labels)) - 1]
    called = scores >= threshold
    unsigned = ~any_of(twin_analysis.signs)
    assert row["ppv"].value == pytest.approx(labels[called].mean(), abs=1e-9)
    assert row["called_without_sign"].value == pytest.approx(unsigned[called].mean())
    found = called & (labels == 1)
    assert row["found_without_sign"].value == pytest.approx(unsigned[found].mean())


def test_subgroups_by_hand(twin_analysis):
    section = subgroups(twin_analysis)
    labels, scores = twin_analysis.rows("good")
    female = (twin_analysis.covariates["sex"] == "female").to_numpy()
    row = row_of(section, "subgroups", model="good", by="Sex", group="female")
    assert row["auroc"].value == pytest.approx(roc_auc_score(labels[female], scores[female]))
    assert (row["n"], row["events"]) == (female.sum(), labels[female].sum())
    assert float(row["predicted"]) == pytest.approx(scores[female].mean())
    gaps = [r for r in table_of(section, "subgroup-gaps").rows if r["model"] == "good"]
    sex = next(r for r in gaps if r["by"] == "Sex" and r["what"] == "AUROC")
    male = roc_auc_score(labels[~female], scores[~female])
    assert sex["gap"].value == pytest.approx(row["auroc"].value - male)
    assert all(r["p_adjusted"] >= r["p"] for r in gaps if r["p"] == r["p"])


def test_gaps_of_few_patients_are_shown_and_not_tested(twin_analysis):
    patients, labels = twin_analysis.patients, twin_analysis.labels
    gaps = table_of(subgroups(twin_analysis), "subgroup-gaps")
    tested = {}
    for grouping in groupings_of(twin_analysis.covariates):
        known = np.logical_or.reduce(list(grouping.members.values()))
        for group, member in grouping.members.items():
            tested[grouping.name, group] = (
                min(
                    len(set(patients[side & (labels == label)]))
                    for side in (member, known & ~member)
                    for label in (0, 1)
                )
                >= TESTED_PATIENTS
            )
    outcomes = {tested[row["by"], row["group"]] for row in gaps.rows}
    assert outcomes == {True, False}
    for row in gaps.rows:
        assert isinstance(row["gap"], Estimate)
        if not tested[row["by"], row["group"]]:
            assert str(row["p"]) == str(row["p_adjusted"]) == "–"
        else:
            assert row["p"] <= row["p_adjusted"]
    assert f"fewer than {TESTED_PATIENTS} patients" in gaps.note


def test_supposed_risks_have_no_interval(twin_analysis):
    rows = table_of(selection(twin_analysis), "selection-sensitivity").rows
    assert all(isinstance(row["odds_ratio_1"], Share) for row in rows)
    as_supposed = {row["slope"]: row["odds_ratio_1"] for row in rows if row["model"] == "good"}
    assert as_supposed["1"] > as_supposed["0.5"] > as_supposed["0"]


def test_small_groups_are_hidden_unless_asked_for(twin_analysis):
    hidden = Analysis(twin_analysis.cohort, twin_analysis.models, Settings(resamples=20))
    table = table_of(subgroups(hidden), "subgroups")
    assert "Groups of few patients are not shown" in table.note
    assert "few patients" not in table_of(subgroups(twin_analysis), "subgroups").note
    rows = table.rows
    kept = [row for row in rows if isinstance(row["n"], Count)]
    assert 0 < len(kept) < len(rows)
    for row in rows:
        if row not in kept:
            assert set(row) == {"model", "by", "group", "n", "events"}
    for row in kept:
        assert row["events"] >= 11
        assert row["n"] - row["events"] >= 11


def test_weights_balance_what_was_measured(twin_analysis):
    fitted = fit_selection(twin_analysis)
    assert len(fitted.weights) == len(twin_analysis.labels)
    assert np.abs(fitted.after).max() < np.abs(fitted.before).max() / 2
    assert fitted.effective < len(twin_analysis.labels)
    names = [table.name for table in selection(twin_analysis).tables]
    assert names[:2] == ["selection-weighted", "selection-balance"]
    assert "outcome-elsewhere" in names


def test_covariates_have_no_gaps_and_no_repetition(twin_analysis):
    design = design_of(twin_analysis.cohort.covariates)
    assert np.isfinite(design.to_numpy()).all()
    assert np.linalg.matrix_rank(design - design.mean()) == design.shape[1]
    assert "Troponin of the day, log, unknown" in design


def test_without_others_there_is_no_selection(study):
    analysis = Analysis(study.cohort, [study.model("a", 1.0)])
    assert fit_selection(analysis) is None
    assert selection(analysis) is None
    assert subgroups(analysis) is None


def test_groups_of_one_label_each_make_no_section(make):
    made = make(patients=90)
    label = made.cohort.table.set_index("ecg_id")["label"]
    sex = pd.DataFrame({"sex": np.where(label == 1, "female", "male")}, index=label.index)
    cohort = replace(made.cohort, covariates=sex)
    analysis = Analysis(cohort, [made.model("a", 1.0)], Settings(show_small_cells=True))
    assert subgroups(analysis) is None
    assert beside_signs(analysis) is None


def test_every_item_of_the_checklist_has_an_answer(twin_analysis):
    rows = checklist(twin_analysis).tables[0].rows
    assert len(rows) == 52
    assert len({row["item"] for row in rows}) == 52
    answers = {row["item"]: row["answer"] for row in rows}
    assert answers["17"] == answers["13"] == TO_COMPLETE
    assert "Acute coronary syndrome" in answers["8a"]
    assert not any("{" in answer for answer in answers.values())


@pytest.mark.parametrize("kept", ["everything", "no groups", "nothing"])
def test_answers_refer_only_to_sections_that_are_there(twin_analysis, kept):
    titles = ["Who was evaluated", "Discrimination", "Thresholds", "Calibration", "Decisions"]
    titles = {"everything": [*titles, "Subgroups", "Selection"], "nothing": titles[:1]}.get(
        kept, titles
    )
    analysis = twin_analysis
    if kept == "nothing":
        few = np.isin(analysis.cohort.table["split"], ["train", "valid"]) | (
            analysis.cohort.table["label"].eq(0)
            | analysis.cohort.table["label"].eq(1).cumsum().lt(5)
        )
        cohort = replace(analysis.cohort, table=analysis.cohort.table[few])
        analysis = Analysis(cohort, analysis.models)
        assert analysis.too_few
    rows = checklist(analysis, [Section(title) for title in titles]).tables[0].rows
    text = " ".join(str(row["answer"]) for row in rows)
    named = re.findall(r"[Ss]ee ([A-Z][^.;)]*)", text)
    places = {place for words in named for place in re.split(r", | and ", words)}
    places = {place for place in places if place[0].isupper()}
    assert places - {"Methods", "Provenance"} <= set(titles)
    assert ("Selection" in places) == ("Selection" in titles)
    assert ("Calibration" in places) == ("Calibration" in titles)


def test_a_caption_names_the_groupings_that_there_are(study):
    table = study.cohort.table
    patient = study.cohort.patient_numbers(table["patient_id"])
    sex = pd.DataFrame(
        {"sex": np.where(patient % 2, "male", "female")}, index=pd.Index(table["ecg_id"])
    )
    cohort = replace(study.cohort, covariates=sex)
    analysis = Analysis(cohort, [study.model("a", 1.0)], Settings(resamples=20))
    assert table_of(subgroups(analysis), "auroc-by-sex-and-race").caption == "AUROC by sex."


def test_sensitivity_in_groups_is_hidden_where_a_small_cell_follows(twin_analysis):
    """With the sensitivity of all and of one of two groups, that of the other is known."""
    analysis = Analysis(twin_analysis.cohort, twin_analysis.models, Settings(resamples=20))
    section = subgroups(analysis)
    gaps = {
        (r["model"], r["by"])
        for r in table_of(section, "subgroup-gaps").rows
        if r["what"] == "Sensitivity"
    }
    events, told = analysis.labels == 1, {True: 0, False: 0}
    for grouping in groupings_of(analysis.covariates):
        for name in analysis.order:
            rows = [
                r
                for r in table_of(section, "subgroups").rows
                if (r["model"], r["by"]) == (name, grouping.name) and "sensitivity" in r
            ]
            called = analysis.rows(name)[1] >= analysis.metrics[name].threshold
            shown = [grouping.members[str(row["group"])] for row in rows]
            parts = [*shown, ~np.logical_or.reduce([events & False, *shown])]
            cells = [
                len(set(analysis.patients[events & part & side]))
                for part in parts
                for side in (called, ~called)
            ]
            safe = not any(0 < cell < 11 for cell in cells)
            assert {isinstance(row["sensitivity"], Estimate) for row in rows} <= {safe}
            assert safe or (name, grouping.name) not in gaps
            told[safe] += len(rows)
    assert min(told.values()) > 0


def test_examples_are_pages_of_the_four_kinds(twin_analysis):
    asked = []

    def waveforms(ids):
        asked.extend(ids)
        return np.random.default_rng(0).normal(0, 0.1, (len(ids), 3, 5000)).astype(np.float32)

    processing = "filter: 1–30 Hz, prepared as something else"
    pictures = examples(twin_analysis, Waveforms(waveforms, processing)).pictures
    for picture in pictures:
        # Caption and page say the same of what was done to the signal, and it is what was done.
        assert processing in picture.caption
        assert processing in " ".join(t.get_text() for t in picture.figure.axes[0].texts)
        assert "filter: none" not in " ".join(t.get_text() for t in picture.figure.axes[0].texts)
    assert [picture.name for picture in pictures] == [
        "example-event-signs",
        "example-event-no-sign",
        "example-no-event-signs",
        "example-no-event-no-sign",
    ]
    labels = twin_analysis.cohort.split("test").set_index("ecg_id")["label"]
    assert labels.loc[asked].tolist() == [1, 1, 0, 0]
    words = [
        text.get_text()
        for text in pictures[0].figure.findobj(match=type(pictures[0].figure.axes[0].title))
    ]
    assert any("simulated" in word.lower() for word in words)
    assert not any(ecg_id in word for ecg_id in asked for word in words)


def test_a_page_of_three_rows():
    rows = np.arange(15000, dtype=np.float32).reshape(3, 5000)
    page = printed_page(rows)
    assert (page[0, :1250] == rows[0, :1250]).all()
    assert (page[4, 1250:2500] == rows[1, 1250:2500]).all()
    assert (page[11, 3750:] == rows[2, 3750:]).all()
    assert np.isfinite(page).sum() == rows.size


def test_cells_as_text_and_as_numbers():
    estimate = Estimate(-0.5, -0.75, 0.25, 0.95, "Wald", 100, 40, 50)
    rows = [
        {"model": "a", "x": estimate, "p": PValue(0.0312), "n": Count(1234), "t": Threshold(0.5)},
        {"model": "b", "x": None, "p": PValue(float("nan")), "n": counted(3), "t": Share(-0.1234)},
    ]
    columns = {"model": "Model", "x": "X", "p": "p", "n": "n", "t": "t"}
    table = Table("name", "caption", columns, 1, rows)
    assert [text_of(rows[0][name]) for name in "xpnt"] == [
        *("−0.500 (−0.750 to 0.250)", "0.031", "1,234", "0.500")
    ]
    assert [text_of(rows[1][name]) for name in "xpnt"] == ["–", "–", "<11", "−0.123"]
    long = table.long_form().set_index(["model", "metric"])
    assert long.loc[("a", "x"), ["value", "low", "high"]].tolist() == [-0.5, -0.75, 0.25]
    assert long.loc[("a", "n"), "value"] == 1234
    assert np.isnan(long.loc[("b", "n"), "value"])
    assert long.loc[("b", "n"), "shown"] == "<11"

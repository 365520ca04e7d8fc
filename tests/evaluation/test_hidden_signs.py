"""Hiding the sign of few patients never changes what is said of any sign."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from acsbench.evaluation import Settings
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.signs import any_of
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics.beside_signs import beside_signs
from acsbench.evaluation.topics.decisions import ANY_SIGN, decisions


@pytest.fixture(scope="module")
def study(make):
    """So many patients that the calls of a model leave no small cell."""
    return make(patients=1200)


COLUMNS = {
    "ST elevation": "has_st_eleva",
    "ST depression": "has_depress",
    "T inversion": "has_twave_inver",
    "T abnormality": "has_twave_abnormal",
}


def analysed(study, shares, **settings):
    """Signs of patients, each as frequent as given."""
    ids = study.cohort.table["ecg_id"]
    patient = study.cohort.patient_numbers(study.cohort.table["patient_id"])
    rng = np.random.default_rng(0)
    seen = {
        COLUMNS[sign]: (rng.random(patient.max() + 1) < share)[patient]
        for sign, share in shares.items()
    }
    cohort = replace(study.cohort, covariates=pd.DataFrame(seen, index=pd.Index(ids)))
    return Analysis(cohort, [study.model("a", 2.0)], Settings(resamples=20, **settings))


def yield_of(analysis):
    (table,) = [t for t in beside_signs(analysis).tables if t.name == "testing-yield"]
    return table, {row["model"]: row for row in table.rows}


TWO_AND_A_RARE_ONE = {"ST elevation": 0.3, "T inversion": 0.3, "T abnormality": 0.04}
ONE_AND_A_RARE_ONE = {"T inversion": 0.3, "T abnormality": 0.04}


def test_any_sign_counts_hidden_ones(study):
    hidden = analysed(study, TWO_AND_A_RARE_ONE)
    whole = analysed(study, TWO_AND_A_RARE_ONE, show_small_cells=True)
    assert list(hidden.signs) == ["ST elevation", "T inversion"]
    table, rows = yield_of(hidden)
    _, all_rows = yield_of(whole)
    assert "T abnormality (reading)" in all_rows
    assert "T abnormality (reading)" not in rows
    assert "count in any sign all the same" in table.note
    for key in ("called_without_sign", "found_without_sign"):
        assert rows["a"][key] == all_rows["a"][key]
    assert rows["Any sign (reading)"] == all_rows["Any sign (reading)"]
    signed = any_of(whole.signs)
    assert signed.sum() > any_of(hidden.signs).sum()
    sentences = [
        next(s for s in summarise(analysis, [beside_signs(analysis)]) if "none of the signs" in s)
        for analysis in (hidden, whole)
    ]
    assert sentences[0] == sentences[1]


def test_decision_curve_of_any_sign_counts_hidden_ones(study):
    curves = [
        [
            row["net_benefit"]
            for row in decisions(analysed(study, TWO_AND_A_RARE_ONE, **shown)).tables[0].rows
            if row["strategy"] == ANY_SIGN
        ]
        for shown in ({}, {"show_small_cells": True})
    ]
    assert curves[0] == curves[1] != []


def test_any_sign_is_hidden_where_it_gives_a_hidden_sign_away(study):
    analysis = analysed(study, ONE_AND_A_RARE_ONE)
    assert list(analysis.signs) == ["T inversion"]
    assert analysis.any_sign() is None
    table, rows = yield_of(analysis)
    assert "would give them away" in table.note
    assert list(rows) == ["a", "T inversion (reading)"]
    assert not {"called_without_sign", "found_without_sign"} & ({*table.columns} | {*rows["a"]})
    assert "show no sign" not in table.caption
    assert not any("signs" in s for s in summarise(analysis, [beside_signs(analysis)]))
    strategies = {row["strategy"] for row in decisions(analysis).tables[0].rows}
    assert ANY_SIGN not in strategies
    assert "T inversion (reading)" in strategies


def test_a_diagram_of_kinds_counts_hidden_signs_or_is_left_out(study):
    def names(shares, **settings):
        section = beside_signs(analysed(study, shares, **settings))
        return [picture.name for picture in section.pictures]

    assert names(TWO_AND_A_RARE_ONE, show_small_cells=True) == ["venn"]
    # ECGs with a T change, less those with T inversion, are those with the hidden sign alone.
    assert names(TWO_AND_A_RARE_ONE) == []


@pytest.mark.parametrize("share", [0.0, 0.04])
def test_a_rare_sign_alone_says_nothing(study, share):
    assert beside_signs(analysed(study, {"T inversion": share})) is None


def test_each_model_has_its_own_rule(study):
    analysis = analysed(study, {"ST elevation": 0.3, "T inversion": 0.3})
    model = study.model("test only", 1.5)
    test = study.cohort.split("test")["ecg_id"]
    both = [*analysis.models, replace(model, probabilities=model.probabilities.loc[list(test)])]
    together = Analysis(analysis.cohort, both, analysis.settings)
    table, rows = yield_of(together)
    assert rows["a"] == yield_of(analysis)[1]["a"]
    assert (rows["a"]["rule"], rows["test only"]["rule"]) == ("from validation", "optimistic")
    assert "Threshold optimistic: " in table.caption

    def sentence(models):
        alone = Analysis(analysis.cohort, models, analysis.settings)
        text = " ".join(summarise(alone, [beside_signs(alone)]))
        return text[: text.index("none of the signs")].rpartition("Of the events")[2]

    assert "optimistic" in sentence(both[1:])
    assert "optimistic" not in sentence(both[:1])
    assert "validation ECGs" in sentence(both[:1])

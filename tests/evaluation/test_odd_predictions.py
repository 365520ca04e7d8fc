"""Every topic copes with predictions of which some statistics do not exist."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from acsbench.evaluation import ModelPredictions, Settings
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import Estimate, text_of
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics import TOPICS
from acsbench.evaluation.topics.calibration import calibration

ODD = {
    "constant": lambda y, r, test: np.full(len(y), 0.3),
    "constant on validation": lambda y, r, test: np.where(test, r, 0.3),
    "constant on test": lambda y, r, test: np.where(test, 0.3, r),
    "perfect": lambda y, r, test: 0.1 + 0.8 * y + 0.05 * r,
    "perfect on validation": lambda y, r, test: np.where(test, r, 0.1 + 0.8 * y + 0.05 * r),
    "perfect, 0 and 1": lambda y, r, test: y,
    "reversed": lambda y, r, test: 0.9 - 0.8 * y + 0.05 * r,
    "nobody called": lambda y, r, test: np.where(test, 0.01 * r, 0.5 + 0.5 * r),
    "everybody called": lambda y, r, test: np.where(test, 0.9 + 0.1 * r, 0.5 * r),
    "0 and 1 at random": lambda y, r, test: np.round(r),
    "all but 0": lambda y, r, test: 1e-12 * r,
    "all but 0 on test": lambda y, r, test: np.where(test, 1e-12 * r, r),
}


def analysed(study, probabilities_of, **settings):
    table = study.cohort.table
    rng = np.random.default_rng(0)
    label, test = table["label"].to_numpy(float), (table["split"] == "test").to_numpy()
    patient = study.cohort.patient_numbers(table["patient_id"])
    index = pd.Index(table["ecg_id"])
    covariates = pd.DataFrame(
        {
            "sex": np.where(patient % 7 == 0, "male", "female"),
            # Nobody with a block has the event: a side without one of the labels.
            "has_bbb": (label == 0) & (patient % 3 == 0),
            "has_st_eleva": patient % 5 == 0,
        },
        index=index,
    )
    probabilities = pd.Series(probabilities_of(label, rng.random(len(table)), test), index=index)
    model = ModelPredictions("odd", probabilities[(table["split"] != "train").to_numpy()])
    cohort = replace(study.cohort, covariates=covariates)
    return Analysis(cohort, [model], Settings(resamples=20, **settings))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_no_topic_fails(study, name):
    analysis = analysed(study, ODD[name], show_small_cells=True)
    sections = [section for topic in TOPICS if (section := topic(analysis)) is not None]
    assert len(sections) == 7
    assert summarise(analysis, sections)
    cells = [
        text_of(value)
        for section in sections
        for table in section.tables
        for row in table.rows
        for value in row.values()
    ]
    assert not any("nan" in cell for cell in cells)


def test_an_infinite_loss_is_a_dash_with_a_note(study):
    (table, _) = calibration(analysed(study, ODD["0 and 1 at random"])).tables
    assert {text_of(row["log_loss"]) for row in table.rows if row["variant"] == "as predicted"} == {
        "–"
    }
    assert "No log loss is given where a risk of exactly 0 or 1 was wrong" in table.note
    numbers = [value for row in table.rows for value in row.values()]
    assert not any("∞" in text_of(v) for v in numbers if isinstance(v, Estimate))

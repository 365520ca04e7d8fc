import pandas as pd

from acsbench.cohort.build import Step
from acsbench.cohort.counts import flow_steps, split_counts
from acsbench.evaluation.cohort import EvaluationCohort


def cohort(counts, flow=()):
    """A cohort of one ECG per patient with the events and non-events given for each split."""
    rows = [
        (f"{split}{label}{i}", f"p{split}{label}{i}", label, split)
        for split, numbers in counts.items()
        for label, number in zip((1, 0), numbers, strict=True)
        for i in range(number)
    ]
    table = pd.DataFrame(rows, columns=["ecg_id", "patient_id", "label", "split"])
    return EvaluationCohort(table, "t", 1, "hash", "note", "ecg", "d", False, flow)


LARGE = {"train": (100, 200), "valid": (30, 40), "test": (50, 60)}


def test_counts(study):
    counts = split_counts(study.cohort.table)
    test = study.cohort.split("test")
    assert counts.loc["test"].to_dict() == {
        "ECGs": str(len(test)),
        "patients": str(test["patient_id"].nunique()),
        "events": str(test["label"].sum()),
        "patients with an event": str(test.loc[test["label"] == 1, "patient_id"].nunique()),
        "prevalence": f"{test['label'].mean():.3f}",
    }
    assert list(counts.index) == ["training", "validation", "test", "all"]


def test_a_small_cell_cannot_be_worked_out():
    counts = split_counts(cohort(LARGE | {"test": (5, 60)}).table)
    events = counts["events"].to_dict()
    assert events == {"training": "not shown", "validation": "30", "test": "<11", "all": "135"}
    assert counts.loc["test", "prevalence"] == "–"
    assert counts.loc["training", "prevalence"] == "–"
    shown = split_counts(cohort(LARGE | {"test": (5, 60)}).table, show_small_cells=True)
    assert shown.loc["test", "events"] == "5"


def test_few_non_events_are_as_telling_as_few_events():
    events = split_counts(cohort(LARGE | {"valid": (30, 4)}).table)["events"].to_dict()
    assert events["validation"] == "not shown"
    assert events["training"] == "not shown"
    assert events["test"] == "50"


def test_a_split_of_few_patients():
    counts = split_counts(cohort(LARGE | {"valid": (4, 4)}).table)
    assert counts.loc["validation", "ECGs"] == "<11"
    assert counts.loc["training", "ECGs"] == "not shown"
    assert counts.loc["all", "ECGs"] == "418"


def test_no_training_split_is_nobody():
    counts = split_counts(cohort(LARGE | {"train": (0, 0)}).table)
    assert counts.loc["training", "ECGs"] == "0"
    assert counts.loc["training", "prevalence"] == "–"


def steps(flow, **options):
    return [
        (step.name, step.ecgs, step.patients, step.left_out)
        for step in flow_steps([Step(*step) for step in flow], cohort(LARGE).table, **options)
    ]


def test_flow():
    assert steps([("read", 1000, 700), ("population", 1000, 700), ("known", 480, 480)]) == [
        ("read", "1,000", "700", ""),
        ("population", "1,000", "700", "0"),
        ("known", "480", "480", "520"),
    ]
    assert steps([]) == []


def test_flow_tells_small_steps_with_their_neighbours():
    assert steps([("read", 1000, 700), ("adult", 997, 698), ("known", 480, 480)]) == [
        ("read, adult", "997", "698", ""),
        ("known", "480", "480", "517"),
    ]
    assert steps([("read", 1000, 700), ("known", 482, 481), ("usable", 480, 480)]) == [
        ("read", "1,000", "700", ""),
        ("known, usable", "480", "480", "520"),
    ]
    assert steps([("read", 484, 482), ("known", 482, 481), ("usable", 480, 480)]) == [
        ("read, known, usable", "480", "480", "")
    ]
    assert len(steps([("read", 482, 481), ("known", 480, 480)], show_small_cells=True)) == 2


def test_flow_ends_with_who_was_evaluated():
    assert steps([("read", 600, 590)])[-1] == ("in a split", "480", "480", "120")

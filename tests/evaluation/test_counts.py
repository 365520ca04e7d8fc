import numpy as np
import pandas as pd

from acsbench.cohort.build import Step
from acsbench.cohort.counts import flow_steps, part_counts, split_counts
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


def test_two_small_cells_do_not_follow_from_a_known_sum():
    few = {"train": (19, 200), "valid": (3, 40), "test": (5, 60)}
    assert split_counts(cohort(few).table)["events"].to_dict() == {
        "training": "not shown",
        "validation": "<11",
        "test": "<11",
        "all": "27",
    }


def test_whoever_sees_the_counts_can_take_a_small_one_for_anything_from_1_to_10():
    """Against all tables that would look the same, one by one."""
    sizes = np.array([60, 30, 35])
    possible = np.stack(np.meshgrid(*(np.arange(n + 1) for n in sizes)), -1).reshape(-1, 3)
    rng = np.random.default_rng(0)
    hidden = 0
    for _ in range(25):
        events = np.array([rng.choice([3, 8, 10, 25, n - 25, n - 4]) for n in sizes])
        numbers = dict(zip(LARGE, zip(events, sizes - events, strict=True), strict=True))
        shown = split_counts(cohort(numbers).table)
        texts = shown["events"].to_list()
        assert shown["ECGs"].to_list() == ["60", "30", "35", "125"]
        alike = np.ones(len(possible), dtype=bool)
        for text, found in zip(texts, [*possible.T, possible.sum(axis=1)], strict=True):
            if text == "<11":
                alike &= (found >= 1) & (found <= 10)
            elif text != "not shown":
                alike &= found == int(text)
        for split, size in enumerate(sizes):
            for count, found in (
                (events[split], possible[alike, split]),
                (size - events[split], size - possible[alike, split]),
            ):
                if 1 <= count <= 10:
                    hidden += 1
                    assert found.min() <= 1, (events, texts)
                    assert found.max() >= 10, (events, texts)
    assert hidden > 25


def test_parts_of_a_total_that_may_be_known():
    assert part_counts({"a": 30, "b": 40}) == {"a": "30", "b": "40", "all": "70"}
    assert part_counts({"a": 2, "b": 40}) == {"a": "<11", "b": "not shown", "all": "42"}
    assert part_counts({"a": 2, "b": 1}) == {"a": "<11", "b": "<11", "all": "<11"}
    # Two of at most 10 that are 20 together would both be 10.
    assert part_counts({"a": 10, "b": 10}) == {"a": "not shown", "b": "not shown", "all": "20"}
    assert part_counts({"a": 2}, show_small_cells=True) == {"a": "2", "all": "2"}


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
    together = " (told together, as one leaves out 1 to 10)"
    assert steps([("read", 1000, 700), ("adult", 997, 698), ("known", 480, 480)]) == [
        ("read", "1,000", "700", ""),
        (f"adult; known{together}", "480", "480", "520"),
    ]
    assert steps([("read", 1000, 700), ("known", 482, 481), ("usable", 480, 480)]) == [
        ("read", "1,000", "700", ""),
        (f"known; usable{together}", "480", "480", "520"),
    ]
    assert steps([("read", 484, 482), ("known", 482, 481), ("usable", 480, 480)]) == [
        (f"read; known; usable{together}", "480", "480", "")
    ]
    # Each takes few from the one before, and all of them take enough to tell the first.
    assert steps([("read", 499, 496), ("adult", 492, 490), ("known", 485, 484)])[0][:2] == (
        "read",
        "499",
    )
    assert len(steps([("read", 482, 481), ("known", 480, 480)], show_small_cells=True)) == 2


def test_flow_ends_with_who_was_evaluated():
    assert steps([("read", 600, 590)])[-1] == ("in a split", "480", "480", "120")

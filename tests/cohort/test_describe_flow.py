"""The flow: counts by hand, small steps, and the diagram."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from acsbench.cohort.build import Step
from acsbench.cohort.flow import Flow, flow_of_splits, flow_of_tasks, shown_flow
from acsbench.cohort.flow_figure import counted, flow_figure
from acsbench.cohort.table_one import table_one
from acsbench.cohort.task import Task, load_task
from acsbench.disclosure import is_small
from acsbench.errors import ConfigurationError
from acsbench.pictures import figure_bytes


def task(**fields) -> Task:
    defaults = {"name": "t", "version": 1, "population": "all", "label": "y", "unit": "ecg"}
    return Task(**(defaults | {"description": "made up"} | fields))


def people(scale: int = 1) -> pd.DataFrame:
    """Ten ECGs `scale` times: one without a visit, two excluded, three tested, four untested.

    One of the tested has no label; the first of the untested is of a tested patient.
    """
    n = np.arange(10 * scale)
    kind = n // scale
    patient = np.where(kind == 6, 3 * scale + n % scale, n)
    visit = pd.Series(n.astype(str), dtype="str").where(kind > 0)
    flags = {
        "exclude_modeling": (kind == 1) | (kind == 2),
        "cath_010_day": (kind >= 3) & (kind <= 5),
        "stent_or_cabg_010_day": kind == 4,
        "macetrop_pos_or_death_030": kind == 7,
    }
    table = pd.DataFrame(
        {"ecg_id": n.astype(str), "patient_id": patient.astype(str), "encounter_id": visit}
        | {name: pd.array(flag, dtype="boolean") for name, flag in flags.items()}
    )
    table.loc[kind == 0, list(flags)] = pd.NA
    table.loc[kind == 5, "stent_or_cabg_010_day"] = pd.NA
    return table


TASKS = [load_task("acs"), load_task("mace")]


def drawn_from(table: pd.DataFrame, tasks, **options):
    flow, masks = flow_of_tasks(table, tasks, "made up")
    return shown_flow(flow, table_one(table, masks, (), **options), **options)


def test_flow_of_the_study() -> None:
    flow, masks = flow_of_tasks(people(), TASKS, "made up")
    assert [(s.patients, s.visits, s.ecgs) for s in flow.trunk] == [
        (9, 9, 10),
        (8, 9, 9),
        (6, 7, 7),
    ]
    assert {
        name: [(s.patients, s.ecgs) for s in steps] for name, steps in flow.branches.items()
    } == {
        "Tested": [(3, 3), (2, 2)],
        "Untested": [(4, 4), (4, 4)],
    }
    assert flow.in_both == 1
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {
        "Total": 7,
        "Tested": 3,
        "Untested": 4,
    }


def test_flow_is_shown_with_who_was_left_out() -> None:
    shown = drawn_from(people(100), TASKS)
    assert [box.counts["ecgs"] for box in shown.trunk] == ["1,000", "900", "700"]
    assert [box.left_out and box.left_out["patients"] for box in shown.trunk] == [
        None,
        "100",
        "200",
    ]
    tested, untested = shown.branches
    assert tested[0].title == "Tested: catheterised within 10 days"
    assert tested[1].left_out == {"patients": "100", "visits": "100", "ecgs": "100"}
    assert untested[1].left_out == {"patients": "0", "visits": "0", "ecgs": "0"}
    assert shown.in_both == "100"


def test_small_numbers_are_not_in_the_flow() -> None:
    small = drawn_from(people(), TASKS)
    texts = [text for box in (*small.trunk, *small.branches[0]) for text in box.counts.values()]
    assert not [text for text in texts if text.isdigit() and 0 < int(text) < 11]
    assert small.in_both == ""
    shown = drawn_from(people(), TASKS, show_small_cells=True)
    assert shown.in_both == "1"
    assert shown.branches[0][1].counts == {"patients": "2", "visits": "2", "ecgs": "2"}


def test_a_branch_does_not_tell_a_small_difference() -> None:
    table = people(100)
    table.loc[503:599, "stent_or_cabg_010_day"] = False
    tested, _ = drawn_from(table, TASKS).branches
    assert tested[0].counts["ecgs"] == "300"
    assert set(tested[1].counts.values()) == {"not shown"}
    assert tested[1].left_out is None


def test_one_task_is_told_by_its_label() -> None:
    flow, masks = flow_of_tasks(people(), TASKS[:1], "made up")
    assert [step.ecgs for step in flow.trunk] == [10, 9, 7, 3, 2]
    assert not flow.branches
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {
        "Total": 2,
        "Event": 1,
        "No event": 1,
    }


def test_tasks_of_one_population_have_a_total_only() -> None:
    table = people().assign(y=1, z=0)
    flow, masks = flow_of_tasks(table, [task(), task(name="u", label="z")], "made up")
    assert list(masks) == ["Total"]
    assert len(flow.trunk) == 1
    flow, masks = flow_of_tasks(table, [], "made up")
    assert list(masks) == ["Total"]


def test_steps_of_one_task_alone_are_in_its_branch() -> None:
    table = people().assign(y=1)
    both = [{"name": "with a visit", "keep": "encounter_id.notna()"}]
    fit = {"name": "not excluded", "keep": "not exclude_modeling"}
    one = task(steps=[*both, fit], population="cath_010_day")
    other = task(name="u", steps=both, population="not cath_010_day")
    flow, masks = flow_of_tasks(table, [one, other], "made up")
    assert [step.ecgs for step in flow.trunk] == [10, 9]
    assert [steps[0].ecgs for steps in flow.branches.values()] == [3, 6]
    assert int(masks["Total"].sum()) == 9


def test_a_label_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="needs the label 'yy'"):
        flow_of_tasks(people(), [task(label="yy")], "made up")


def test_flow_of_splits() -> None:
    table = people(20)
    table["split"] = np.where(np.arange(200) < 100, "train", "test")
    steps = [
        Step("read", 500, 400),
        Step("population of t", 230, 220),
        Step("label known", 230, 220),
    ]
    flow, masks = flow_of_splits(steps, table, task())
    assert [step.name for step in flow.trunk] == [
        "All ECGs that were read",
        "Everyone, for task t",
        "Label known",
        "In a split",
    ]
    assert list(masks) == ["Total", "Training", "Test"]
    assert [steps[0].ecgs for steps in flow.branches.values()] == [100, 100]


lost = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5)


@settings(max_examples=200, deadline=None)
@given(lost, st.integers(0, 40))
def test_steps_do_not_tell_small_differences(lost, further) -> None:
    # The last step has a row per ECG, and so no more patients than ECGs.
    counts = np.cumsum([(60 + further, 60), *lost], axis=0)[::-1].tolist()
    steps = tuple(Step(str(i), *n) for i, n in enumerate(counts))
    n = np.arange(steps[-1].ecgs)
    table = pd.DataFrame(
        {"ecg_id": n.astype(str), "patient_id": (n % steps[-1].patients).astype(str)}
    )
    printed = table_one(table, {"Total": n >= 0}, ())
    shown = shown_flow(Flow(steps, {}), printed).trunk
    for unit in ("ecgs", "patients"):
        counts = [int(box.counts[unit]) for box in shown if box.counts[unit][0].isdigit()]
        assert not any(is_small(a - b) for a, b in pairwise(counts))
        assert len(counts) == len(shown)
    assert "; ".join(box.title for box in shown) == "; ".join(step.name for step in steps)


def test_a_step_that_few_left_is_told_with_the_next() -> None:
    steps = (Step("a", 100, 90), Step("b", 97, 89), Step("c", 50, 50))
    n = np.arange(50)
    table = pd.DataFrame({"ecg_id": n.astype(str), "patient_id": n.astype(str)})
    printed = table_one(table, {"Total": n >= 0}, ())
    boxes = shown_flow(Flow(steps, {}), printed).trunk
    assert [(box.title, box.counts["ecgs"]) for box in boxes] == [("a", "100"), ("b; c", "50")]
    assert boxes[1].left_out == {"patients": "40", "ecgs": "50"}
    everything = shown_flow(Flow(steps, {}), printed, show_small_cells=True).trunk
    assert len(everything) == 3


def texts_of(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("scale", [1, 100])
def test_figure_says_what_the_flow_says(scale) -> None:
    shown = drawn_from(people(scale), TASKS)
    figure = flow_figure(shown, title="A title", note="A note.", simulated=True)
    words = " ".join(texts_of(figure))
    for box in (*shown.trunk, *shown.branches[0], *shown.branches[1]):
        assert box.title in words
        assert counted(box.counts) in words
    assert "A title" in words
    assert "A note." in words
    assert "SIMULATED" in words
    assert "SIMULATED" not in texts_of(flow_figure(shown, title="A title"))


def long_flow():
    flow, masks = flow_of_tasks(people(100), TASKS, "made up")
    shown = shown_flow(flow, table_one(people(100), masks, ()))
    longer = "A population whose name is so long that it cannot stand in one line of its box"
    boxes = [type(box)(longer, box.counts, box.left_out) for box in shown.trunk]
    return type(shown)(tuple(boxes), (*shown.branches, shown.branches[0]), shown.in_both)


def test_boxes_keep_apart_and_hold_their_text() -> None:
    figure = flow_figure(long_flow(), title="A title", note="word " * 60)
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [patch.get_window_extent() for patch in axes.patches if isinstance(patch, Rectangle)]
    page = figure.bbox
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
        assert page.x0 <= box.x0 <= box.x1 <= page.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1
    for text in axes.texts:
        extent = text.get_window_extent()
        if not text.get_text():
            continue
        assert page.x0 <= extent.x0 <= extent.x1 <= page.x1
        inside = [box for box in boxes if box.overlaps(extent)]
        assert len(inside) <= 1
        for box in inside:
            assert box.x0 < extent.x0 < extent.x1 < box.x1
            assert box.y0 < extent.y0 < extent.y1 < box.y1


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_figure_gives_the_same_bytes(kind) -> None:
    first, second = (figure_bytes(flow_figure(long_flow(), title="t"), kind, "t") for _ in range(2))
    assert first == second
    assert first.startswith(b"<?xml" if kind == "svg" else b"\x89PNG")

"""Shares of a report tell no small cell: with the totals, 1 of 16 is as good as 0.062."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from acsbench.disclosure import NOT_SHOWN, SMALLEST_CELL
from acsbench.evaluation import EvaluationCohort, ModelPredictions, Settings, evaluate
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.small_cells import coarse_share, in_steps, leaves_small_cell, shown_cuts
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics import TOPICS
from acsbench.evaluation.topics.operating_points import RULES
from acsbench.statistics import Estimate

HIDDEN = Settings(resamples=20)
SHOWN = Settings(resamples=20, show_small_cells=True)
SHARES = {"sensitivity", "specificity", "ppv", "npv", "accuracy", "called", "ruled_out"}
SHARES |= {"sensitivity_at_90_specificity", "realised_specificity", "f1", "lr_positive"}
SHARES |= {"lr_negative", "number_needed_to_test", "event_rate", "net_benefit", "gain"}
SHARES |= {f"top_{percent}_percent" for percent in (1, 5, 10, 20)}


def hospital(events_called, others_called, events=16, others=27, patients_of=lambda i: i):
    """A small hospital: as many validation as test ECGs, and so many of each called."""
    rows = []
    for split in ("train", "valid", "test"):
        for label, size, called in ((1, events, events_called), (0, others, others_called)):
            for i in range(size):
                is_called = i < called if split == "test" else label == 1
                patient = f"{split}{label}-{patients_of(i)}"
                rows.append((f"{split}{label}-{i:03d}", patient, label, split, is_called))
    table = pd.DataFrame(rows, columns=["ecg_id", "patient_id", "label", "split", "called"])
    rng = np.random.default_rng(0)
    # Any threshold from validation calls those of the test ECGs that are meant to be called.
    lowest = np.where(table["split"] == "test", 0.8 * table["called"], 0.3 + 0.3 * table["label"])
    risks = pd.Series(lowest + 0.2 * rng.random(len(table)), index=pd.Index(table["ecg_id"]))
    model = ModelPredictions("m", risks)
    cohort = EvaluationCohort(table, "t", 1, "hash", "Heads.", "ecg", "dice", simulated=False)
    return cohort, model


def sections_of(cohort, models, settings=HIDDEN):
    analysis = Analysis(cohort, models, settings)
    return analysis, [s for topic in TOPICS if (s := topic(analysis)) is not None]


def tables_of(sections):
    return {table.name: table for section in sections for table in section.tables}


@pytest.fixture(scope="module")
def small_report(tmp_path_factory):
    cohort, model = hospital(events_called=1, others_called=5)
    return evaluate(cohort, [model], tmp_path_factory.mktemp("small") / "out", HIDDEN)


def test_one_of_sixteen_is_not_told(small_report):
    """A share whose count is small stands in no file, under whatever name."""
    told = []
    for path in (small_report.path / "tables").glob("*.csv"):
        table = pd.read_csv(path)
        if "metric" in table:
            if "strategy" in table:
                table = table[table["strategy"] == "m"]
            told.append(table[table["metric"].isin(SHARES)].dropna(subset=["value"]))
    values = pd.concat(told)["value"].to_numpy()
    small = [k / n for n in (16, 6, 27, 43) for k in (*range(1, 11), *range(n - 10, n)) if k > 0]
    # All are events or none is: what everybody knows of the whole sample stays.
    known = {0.0, 1.0, 16 / 43, 27 / 43}
    assert len(values)
    assert not any(np.isclose(v, s) for v in values for s in small if s not in known)
    row = small_report.table("discrimination").set_index(["model", "metric"]).loc["m"]
    assert row.loc["sensitivity_at_90_specificity", "shown"] == "<0.688"
    assert pd.isna(row.loc["sensitivity_at_90_specificity", "value"])
    assert row.loc["auroc", "value"] > 0


def test_the_summary_and_the_json_tell_no_more_than_the_tables(small_report):
    content = json.loads((small_report.path / "evaluation.json").read_text())
    assert content["models"]["m"]["sensitivity_at_90_specificity"] == {
        "value": None,
        "shown": "<0.688",
    }
    assert isinstance(small_report.estimates["m"]["auroc"], Estimate)
    assert small_report.estimates["m"]["sensitivity_at_90_specificity"] == "<0.688"
    text = " ".join(small_report.summary)
    assert "the sensitivity in the test ECGs is <0.688" in text
    assert "6 %" not in text


def test_a_share_of_large_cells_is_told_as_it_is():
    cohort, model = hospital(events_called=49, others_called=30, events=64, others=236)
    analysis, _ = sections_of(cohort, [model])
    assert analysis.shown_metrics["m"] == dict(analysis.metrics["m"].estimates)


@pytest.mark.parametrize(
    ("events_called", "others_called", "shown"),
    [
        (49, 30, set(SHARES) - {"event_rate", "net_benefit", "gain"}),
        (60, 30, {"specificity"}),
        (5, 30, {"specificity"}),
        (30, 5, {"sensitivity"}),
        (60, 5, set()),
        (64, 30, {"sensitivity", "specificity", "ppv", "accuracy", "called"}),
    ],
)
def test_what_tells_a_small_cell_hides_what_it_follows_from(events_called, others_called, shown):
    cohort, model = hospital(events_called, others_called, events=64, others=236)
    _, sections = sections_of(cohort, [model])
    row = next(
        row
        for row in tables_of(sections)["thresholds"].rows
        if row["rule"] == "specificity 90\u00a0%"
    )
    estimates = {name for name, value in row.items() if isinstance(value, Estimate)}
    assert shown & set(row) <= estimates
    if len(shown) <= 1:
        assert estimates == shown


def test_rule_out_bounds_the_missed_and_tells_the_spared_unless_they_follow():
    """60 of 64 events are kept, by a threshold of its own or by that of other rules too."""
    cohort, model = hospital(events_called=60, others_called=100, events=64, others=236)
    _, sections = sections_of(cohort, [model])
    (row,) = tables_of(sections)["rule-out"].rows
    assert (row["sensitivity"], row["ruled_out"], row["npv"]) == (">0.828", NOT_SHOWN, NOT_SHOWN)
    # One validation event of low risk moves the threshold of rule-out alone.
    risks = model.probabilities.copy()
    risks["valid1-000"] = 0.25
    in_test = risks.index.str.startswith("test")
    risks[in_test] = 0.4 * risks[in_test] + 0.15
    _, sections = sections_of(cohort, [ModelPredictions("m", risks)])
    (row,) = tables_of(sections)["rule-out"].rows
    assert row["sensitivity"] == ">0.828"
    assert row["ruled_out"].value == pytest.approx(140 / 300)
    assert row["npv"] == ">0.921"


def cells_between(labels, scores, patients, thresholds):
    """Patients with and without the event between thresholds, counted one by one."""
    bands = np.searchsorted(np.unique(thresholds), scores, side="right")
    frame = pd.DataFrame({"band": bands, "label": labels, "patient": patients})
    return frame.groupby(["band", "label"])["patient"].nunique()


@pytest.mark.parametrize("seed", range(8))
def test_no_small_cell_lies_between_two_points_of_a_curve(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(0, 250, 600)
    labels = (rng.random(600) < 0.2).astype(np.int64)
    scores = (labels + 2 * rng.standard_normal(600)).round(1)
    tried = rng.permutation(np.unique(scores))
    kept = tried[shown_cuts(labels, scores, patients, tried)]
    assert 2 <= len(kept) < len(tried)
    assert cells_between(labels, scores, patients, kept).min() >= SMALLEST_CELL
    steps = in_steps(labels, scores, patients)
    assert cells_between(labels, steps, patients, np.unique(steps)).min() >= SMALLEST_CELL
    assert (np.diff(steps[np.argsort(scores)]) >= 0).all()
    # None that was left out could be told as well.
    for threshold in set(tried) - set(kept):
        assert cells_between(labels, scores, patients, [*kept, threshold]).min() < SMALLEST_CELL


def test_the_first_cut_is_kept_and_equal_ones_with_it():
    labels, scores = np.repeat([0, 1], 50), np.arange(100.0)
    shown = shown_cuts(labels, scores, np.arange(100), [50, 49.5, 0, 100, 55, 1000])
    assert shown.tolist() == [True, True, True, True, False, True]


def test_patients_are_counted_and_not_ecgs():
    """Thirty ECGs of five patients are a small cell."""
    rows, called = np.ones(60, dtype=bool), np.arange(60) < 30
    assert leaves_small_cell(rows, [called], np.r_[np.arange(30) % 5, 100 + np.arange(30)])
    assert not leaves_small_cell(rows, [called], np.arange(60))
    assert coarse_share(called, rows) == NOT_SHOWN


def test_nobody_is_no_small_cell():
    assert not leaves_small_cell(np.ones(20, dtype=bool), [np.zeros(20, dtype=bool)], np.arange(20))


@pytest.mark.parametrize("size", [12, 16, 64, 999, 2000, 12345])
@pytest.mark.parametrize("inside", [1, 10])
def test_a_bound_never_excludes_the_share(size, inside):
    among, hits = np.ones(size, dtype=bool), np.arange(size) < inside
    assert inside / size < float(coarse_share(hits, among)[1:])
    other = coarse_share(~hits, among)
    assert other[0] == "<" or 1 - inside / size > float(other[1:])


def test_figures_draw_what_the_tables_tell(make):
    made = make(patients=900)
    analysis, sections = sections_of(made.cohort, [made.model("a", 1.0)])
    pictures = {p.name: p.figure for section in sections for p in section.pictures}
    tables = tables_of(sections)
    percentiles = [row["percentile"] for row in tables["event-rate-by-percentile"].rows]
    (line, *_) = pictures["event-rate-by-percentile"].axes[0].lines
    assert [f"{x:g}" for x in line.get_xdata()] == percentiles
    assert len(percentiles) < 99
    thresholds = {row["threshold"] for row in tables["net-benefit"].rows if row["strategy"] == "a"}
    drawn = [line.get_xdata() for line in pictures["decision-curve"].axes[0].lines]
    assert any({f"{x:.2f}" for x in xs} == thresholds for xs in drawn)
    events = int(analysis.labels.sum())
    found = [
        line.get_ydata() for line in pictures["roc"].axes[0].lines if len(line.get_ydata()) > 2
    ]
    for y in found:
        steps = np.round(np.diff(y) * events)
        assert ((steps == 0) | (steps >= SMALLEST_CELL)).all()


def test_on_demand_everything_is_told():
    cohort, model = hospital(events_called=1, others_called=5)
    analysis, sections = sections_of(cohort, [model], SHOWN)
    metrics = analysis.metrics["m"].estimates
    assert analysis.shown_metrics["m"] == dict(metrics)
    assert metrics["sensitivity_at_90_specificity"].value == pytest.approx(1 / 16)
    values = [
        v for table in tables_of(sections).values() for row in table.rows for v in row.values()
    ]
    assert NOT_SHOWN not in values
    assert "found 6 % of the events" in " ".join(summarise(analysis, sections))


def test_groups_of_ecgs_are_hidden_with_what_they_follow_from():
    """Ten groups of four ECGs each have no points; with many patients they have."""

    def points(cohort, model, settings):
        _, sections = sections_of(cohort, [model], settings)
        (figure,) = (p.figure for s in sections for p in s.pictures if p.name == "calibration")
        return sum(line.get_marker() == "o" for line in figure.axes[0].lines)

    few = hospital(events_called=1, others_called=5)
    assert points(*few, HIDDEN) == 0
    assert points(*few, SHOWN) == 10
    many = hospital(events_called=200, others_called=100, events=400, others=400)
    assert 0 < points(*many, HIDDEN) <= 10


def test_fifths_and_the_unsigned_tell_no_small_cell(twin_analysis):
    (other,) = twin_analysis.cohort.elsewhere
    rare = np.arange(len(other.table)) % 8 == 0
    other = replace(other, table=other.table.assign(label=rare.astype(int)))
    cohort = replace(twin_analysis.cohort, elsewhere=[other])
    analysis, sections = sections_of(cohort, twin_analysis.models)
    tables = tables_of(sections)
    fifths = [
        value
        for row in tables["outcome-elsewhere"].rows
        for key, value in row.items()
        if key.startswith("fifth")
    ]
    told = [value for value in fifths if isinstance(value, Estimate)]
    assert 0 < len(told) < len(fifths)
    assert min(min(rate.events, rate.n - rate.events) for rate in told) >= SMALLEST_CELL
    signed = analysis.any_sign()
    for row in tables["testing-yield"].rows:
        if row["model"] in analysis.order:
            called = analysis.rows(row["model"])[1] >= RULES[-1].choose(
                analysis.validation[row["model"]]
            )
            cells = (
                pd.Series(analysis.patients).groupby([analysis.labels, called, signed]).nunique()
            )
            safe = not cells.between(1, 10).any()
            assert isinstance(row["called_without_sign"], Estimate) == safe
            assert isinstance(row["found_without_sign"], Estimate) == safe

"""Who was evaluated: the unit of analysis, and counts at each level."""

from __future__ import annotations

import pandas as pd

from acsbench.cohort.counts import COUNTS, flow_steps, split_counts
from acsbench.disclosure import NOT_SHOWN, is_small
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import Section, Share, Table, Value, counted, number_in

HIDDEN_SMALL_CELLS = (
    "Counts of ECGs or patients from 1 to 10, and counts that would give them away, are not "
    "shown; a step of the flow that took so few is told together with the next. No number is "
    "shown of a group in which fewer than 11 patients have the event or lack it. With the totals "
    "a share tells its count: one that 1 to 10 patients have, or lack, is given as a bound or not "
    "at all, and so is whatever it would follow from at the same threshold. Curves are straight "
    "between points that are so far apart that no such number lies between them. Numbers of two "
    "models, or at two thresholds that different rules chose, are not protected against each "
    "other."
)
LEVELS = {"ECGs": "ecg_id", "visits": "encounter_id", "patients": "patient_id"}


def population(analysis: Analysis) -> Section:
    """Counts of the splits, of each level, and of the flow."""
    tables = [_splits(analysis), _levels(analysis)]
    if analysis.cohort.flow:
        tables.append(_flow(analysis))
    rate = float(analysis.labels.mean())
    return Section(
        "Who was evaluated",
        [
            f"One prediction is about one {'ECG' if analysis.cohort.unit == 'ecg' else 'visit'}; "
            "ECGs are what is counted, and a patient with several ECGs counts as often. Every "
            "interval takes patients, not ECGs, as independent.",
            *([_prevalence(rate)] if not analysis.too_few else []),
        ],
        tables,
        methods=[
            _shown_small_cells(analysis.cohort.simulated)
            if analysis.settings.show_small_cells
            else HIDDEN_SMALL_CELLS
        ],
    )


def _shown_small_cells(simulated: bool) -> str:
    """That nothing is hidden, and why."""
    why = "since no patient was involved" if simulated else "as was asked for"
    return (
        f"Small counts, from 1 to 10, are shown, {why}, and so are the numbers that rest on them. "
        "A number is missing only where it cannot be computed, as where all ECGs of a group have "
        "the event, or all lack it."
    )


def _prevalence(rate: float) -> str:
    return (
        f"The event rate among the evaluated ECGs is {rate:.3f}. Predictive values, accuracy, "
        "AUPRC, net benefit and calibration hold for people chosen as these were: where the "
        "event is rarer, as among all who come to an emergency department, they are others."
    )


def _splits(analysis: Analysis) -> Table:
    shown = split_counts(analysis.cohort.table, analysis.settings.show_small_cells)
    return Table(
        "splits",
        "ECGs and patients of each split. No patient is in two splits.",
        {"split": "Split", **{c: c[0].upper() + c[1:] for c in COUNTS}, "prevalence": "Prevalence"},
        1,
        [
            {"split": str(name)} | {str(key): number_in(str(text)) for key, text in row.items()}
            for name, row in shown.iterrows()
        ],
    )


def _levels(analysis: Analysis) -> Table:
    """Units of each level among the evaluated ECGs."""
    table = analysis.cohort.split(analysis.cohort.evaluated)
    if "encounter_id" in analysis.covariates:
        table = table.assign(encounter_id=analysis.covariates["encounter_id"])
    rows = [
        _level(table, name, key, analysis.settings.show_small_cells)
        for name, key in LEVELS.items()
        if key in table
    ]
    return Table(
        "levels",
        f"The {analysis.split_name} ECGs by what they belong to.",
        {"unit": "Level", "n": "Number", "events": "With an event", "ecgs": "ECGs of each, mean"},
        1,
        rows,
    )


def _level(table: pd.DataFrame, name: str, key: str, show_small_cells: bool) -> dict[str, Value]:
    total = int(table[key].nunique())
    events = int(table.loc[table["label"] == 1, key].nunique())
    shown = counted(events, show_small_cells)
    if is_small(total - events) and not show_small_cells:
        shown = NOT_SHOWN
    return {
        "unit": name,
        "n": counted(total, show_small_cells),
        "events": shown,
        "ecgs": Share(table[key].notna().sum() / total) if total else None,
    }


def _flow(analysis: Analysis) -> Table:
    cohort = analysis.cohort
    steps = flow_steps(cohort.flow, cohort.table, analysis.settings.show_small_cells)
    return Table(
        "flow",
        "How many ECGs and patients were left after each step.",
        {
            "step": "Step",
            "ecgs": "ECGs left",
            "patients": "Patients left",
            "left_out": "ECGs left out",
        },
        1,
        [
            {
                "step": step.name,
                "ecgs": number_in(step.ecgs),
                "patients": number_in(step.patients),
                "left_out": number_in(step.left_out),
            }
            for step in steps
        ],
    )

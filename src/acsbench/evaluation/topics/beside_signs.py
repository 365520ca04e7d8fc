"""What models see that no reader called a sign: testing yield, and overlap as a Venn diagram."""

from __future__ import annotations

from collections.abc import Mapping

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import Picture, Section, Table, Value
from acsbench.evaluation.signs import ST_CHANGE, T_CHANGE, Flags, any_of
from acsbench.evaluation.topics.operating_points import RULES
from acsbench.evaluation.topics.overlap import overlap
from acsbench.statistics import (
    event_rate,
    optimistic_threshold,
    positive_predictive_value,
    sensitivity,
    share_called,
)


def beside_signs(analysis: Analysis) -> Section | None:
    """Yield of testing, and who is called by model, ST and T changes; None without signs."""
    if not analysis.signs:
        return None
    calls, rule = _calls(analysis)
    parts: list[Table | Picture] = [_yield(analysis, calls, rule)]
    if any(n in analysis.signs for n in ST_CHANGE) and any(n in analysis.signs for n in T_CHANGE):
        parts += overlap(analysis, calls[analysis.order[0]], rule)
    return Section(
        "Beside the signs",
        [
            "Signs are what a cardiologist read in the ECG, each there or not. Of whoever a model "
            "calls, those without any sign are the ones that a reader would have passed by."
        ],
        parts,
        methods=[
            "Testing yield: shares have Wilson limits for the effective number of ECGs. Regions of "
            "the Venn diagram are hidden where they, with or without the event, hold 1 to 10 "
            "patients, or where they would give such a number away."
        ],
    )


def _calls(analysis: Analysis) -> tuple[dict[str, Flags], str]:
    """Whom each model calls, and by which rule, in words."""
    honest = len(analysis.validation) == len(analysis.order)
    calls = {}
    for name in analysis.order:
        rows = analysis.rows(name)
        threshold = (
            RULES[-1].choose(analysis.validation[name]) if honest else optimistic_threshold(*rows)
        )
        calls[name] = rows[1] >= threshold
    if honest:
        return calls, "as many validation ECGs are called as had the event"
    return calls, "as many ECGs are called as had the event (optimistic)"


def _yield(analysis: Analysis, calls: Mapping[str, Flags], rule: str) -> Table:
    level, unsigned = analysis.settings.level, ~any_of(analysis.signs)
    rows: list[dict[str, Value]] = []
    for name, called in calls.items():
        found = called & (analysis.labels == 1)
        row = _called_row(analysis, name, called)
        for key, among in (("called_without_sign", called), ("found_without_sign", found)):
            if among.any():
                row[key] = event_rate(unsigned[among].astype(int), analysis.patients[among], level)
        rows.append(row)
    rows += [_called_row(analysis, f"{s} (reading)", seen) for s, seen in analysis.signs.items()]
    anything = any_of(analysis.signs)
    if analysis.may_show(anything) and analysis.may_show(~anything):
        rows.append(_called_row(analysis, "Any sign (reading)", anything))
    return Table(
        "testing-yield",
        f"Testing yield where {rule}: share of the called who have the event (PPV), share of the "
        "events that are found (sensitivity), and how many of the called, and of the found, "
        "show no sign.",
        {
            "model": "Model",
            "called": "Called",
            "ppv": "PPV",
            "sensitivity": "Sensitivity",
            "called_without_sign": "Called without any sign",
            "found_without_sign": "Found without any sign",
        },
        1,
        rows,
    )


def _called_row(analysis: Analysis, name: str, called: Flags) -> dict[str, Value]:
    rows = (
        analysis.labels,
        called.astype(float),
        0.5,
        analysis.patients,
        analysis.settings.level,
    )
    row: dict[str, Value] = {
        "model": name,
        "called": share_called(*rows),
        "sensitivity": sensitivity(*rows),
    }
    return row | ({"ppv": positive_predictive_value(*rows)} if called.any() else {})

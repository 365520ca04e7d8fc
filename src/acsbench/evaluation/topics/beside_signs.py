"""What models see that no reader called a sign: testing yield, and overlap as a Venn diagram."""

from __future__ import annotations

from collections.abc import Mapping

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import NOT_SHOWN, Section, Table, Value
from acsbench.evaluation.signs import Flags
from acsbench.evaluation.small_cells import leaves_small_cell
from acsbench.evaluation.topics.operating_points import RULES
from acsbench.evaluation.topics.overlap import overlap
from acsbench.statistics import (
    event_rate,
    optimistic_threshold,
    positive_predictive_value,
    sensitivity,
    share_called,
)

FROM_VALIDATION = "from validation"
OPTIMISTIC = "optimistic"
RULE_WORDS = {
    FROM_VALIDATION: "as many validation ECGs are called as had the event, or fewer at ties",
    OPTIMISTIC: "as many ECGs are called as had the event, or fewer at ties (optimistic: the "
    "number is taken from the labels of the very ECGs that are judged)",
}
"""How many ECGs a model calls, by what the table calls the rule."""


def beside_signs(analysis: Analysis) -> Section | None:
    """Yield of testing, and who is called by model, ST and T changes; None without signs."""
    if not analysis.signs and analysis.any_sign() is None:
        return None
    calls = {name: _called(analysis, name) for name in analysis.order}
    best_called, best_rule = calls[analysis.order[0]]
    return Section(
        "Beside the signs",
        [
            "Signs are what a cardiologist read in the ECG, each there or not. "
            + (
                "The label is a reading of the same ECG: those whom a model calls without any sign "
                "have none of the statements on ST and T, and may have others."
                if analysis.cohort.label_is_reading
                else "Of whoever a model calls, those without any sign are the ones that a reader "
                "would have passed by."
            )
        ],
        [_yield(analysis, calls), *overlap(analysis, best_called, RULE_WORDS[best_rule])],
        methods=[
            "Testing yield: shares have Wilson limits for the effective number of ECGs."
            + (
                ""
                if analysis.settings.show_small_cells
                else " Regions of the Venn diagram are hidden where they, with or without the "
                "event, hold 1 to 10 patients, or where they would give such a number away."
            )
        ],
    )


def _called(analysis: Analysis, name: str) -> tuple[Flags, str]:
    """Whom a model calls, and by which rule."""
    rows, valid = analysis.rows(name), analysis.validation.get(name)
    if valid is None:
        return rows[1] >= optimistic_threshold(*rows), OPTIMISTIC
    return rows[1] >= RULES[-1].choose(valid), FROM_VALIDATION


def _yield(analysis: Analysis, calls: Mapping[str, tuple[Flags, str]]) -> Table:
    level, signed = analysis.settings.level, analysis.any_sign()
    rows: list[dict[str, Value]] = []
    for name, (called, rule) in calls.items():
        found = called & (analysis.labels == 1)
        row = _called_row(analysis, name, called) | {"rule": rule}
        for key, among in (("called_without_sign", called), ("found_without_sign", found)):
            if signed is not None and among.any():
                unsigned = (~signed[among]).astype(int)
                row[key] = event_rate(unsigned, analysis.patients[among], level)
                if not _may_show_unsigned(analysis, called, signed):
                    row[key] = NOT_SHOWN
        rows.append(row)
    rows += [_called_row(analysis, f"{s} (reading)", seen) for s, seen in analysis.signs.items()]
    if signed is not None:
        rows.append(_called_row(analysis, "Any sign (reading)", signed))
    columns = {
        "model": "Model",
        "rule": "Threshold",
        "called": "Called",
        "ppv": "PPV",
        "sensitivity": "Sensitivity",
    }
    unsigned_words = ""
    if signed is not None:
        unsigned_words = ", and how many of the called, and of the found, show no sign"
        columns["called_without_sign"] = "Called without any sign"
        columns["found_without_sign"] = "Found without any sign"
    rules = sorted({rule for _, rule in calls.values()})
    return Table(
        "testing-yield",
        "Testing yield: share of the called who have the event (PPV), share of the events that "
        f"are found (sensitivity){unsigned_words}. "
        + " ".join(f"Threshold {rule}: {RULE_WORDS[rule]}." for rule in rules),
        columns,
        2,
        rows,
        _hidden_words(analysis),
    )


def _may_show_unsigned(analysis: Analysis, called: Flags, signed: Flags) -> bool:
    """Whether no small cell follows from how many of the called, or of the found, show no sign."""
    if analysis.settings.show_small_cells:
        return True
    return not any(
        leaves_small_cell(analysis.labels == label, [called, signed], analysis.patients)
        for label in (0, 1)
    )


def _hidden_words(analysis: Analysis) -> str:
    """Which signs have no row, and what that means for any sign."""
    hidden = [name for name in analysis.all_signs if name not in analysis.signs]
    if not hidden:
        return ""
    words = "Signs that few patients have, or lack, have no row of their own"
    if analysis.any_sign() is None:
        return f"{words}, and nothing is said of any sign, which would give them away."
    return f"{words}; they count in any sign all the same."


def _called_row(analysis: Analysis, name: str, called: Flags) -> dict[str, Value]:
    rows = (
        analysis.labels,
        called.astype(float),
        0.5,
        analysis.patients,
        analysis.settings.level,
    )
    found = {"called": share_called(*rows), "sensitivity": sensitivity(*rows)}
    if called.any():
        found["ppv"] = positive_predictive_value(*rows)
    return {"model": name, **analysis.shown_of_call(called, found)}

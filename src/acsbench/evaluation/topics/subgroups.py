"""Whether a model does as well for everybody: numbers by group, and gaps with tests."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from acsbench.disclosure import shown_groups
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.figures.panels import Row, groups_figure
from acsbench.evaluation.groups import Grouping, groupings_of
from acsbench.evaluation.metrics import SPECIFICITY
from acsbench.evaluation.section import (
    NOT_SHOWN,
    Count,
    Picture,
    PValue,
    Section,
    Share,
    Table,
    Value,
    listed,
)
from acsbench.evaluation.signs import Flags
from acsbench.evaluation.small_cells import leaves_small_cell
from acsbench.statistics import (
    Comparison,
    Estimate,
    auroc,
    auroc_gap,
    calibration_gap,
    event_rate,
    holm,
    sensitivity,
    sensitivity_gap,
)

STUDY_GROUPINGS = ("Sex", "Race")
TESTED_PATIENTS = 30
"""A gap is tested if as many patients on each side have the event, and as many lack it."""

GAPS = {"auroc": "AUROC", "calibration": "Observed − predicted", "sensitivity": "Sensitivity"}


def subgroups(analysis: Analysis) -> Section | None:
    """Every model by group, and gaps between groups; None if no group can be told of."""
    groupings = groupings_of(analysis.covariates)
    shown = {g.name: _shown(analysis, g) for g in groupings}
    areas = {
        (g.name, group, name): auroc(*_within(analysis, name, g.members[group]))
        for g in groupings
        for group in shown[g.name]
        if analysis.may_show(g.members[group])
        for name in analysis.order
    }
    if not areas:
        return None
    parts: list[Table | Picture] = [
        _figure(analysis, groupings, areas),
        _table(analysis, groupings, areas),
    ]
    if any(g.name in STUDY_GROUPINGS for g in groupings):
        parts.append(_study_table(analysis, groupings, areas))
    parts.append(_gaps_table(analysis, groupings, shown))
    return Section(
        "Subgroups",
        [],
        parts,
        methods=[
            "Subgroups: each group is compared with all ECGs of known value outside it; patients "
            "may have ECGs in both, which the variance takes into account. Limits and p values are "
            "those of Student’s t, with degrees of freedom from the patients’ shares in the "
            f"variance (Satterthwaite 1946). Where fewer than {TESTED_PATIENTS} patients of a side "
            "have, or lack, the event, the gap is shown and not tested. Of each model, p values "
            "are adjusted for all gaps that are tested (Holm). These gaps were not the aim of the "
            "design, and most groups are too small to find a moderate one. Sensitivity is that at "
            "the common threshold. Income is known of the home’s block, not of the patient."
        ],
        references=[
            "Satterthwaite FE. An approximate distribution of estimates of variance components. "
            "Biometrics Bull 1946;2:110–114."
        ],
    )


def _shown(analysis: Analysis, grouping: Grouping) -> list[str]:
    """The groups of which numbers may be shown, in order."""
    allowed = shown_groups(grouping.members, analysis.labels, analysis.patients)
    if analysis.settings.show_small_cells:
        allowed = set(grouping.members)
    return [group for group in grouping.members if group in allowed]


def _within(
    analysis: Analysis, name: str, member: Flags
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    labels, probabilities = analysis.rows(name)
    return labels[member], probabilities[member], analysis.patients[member], analysis.settings.level


def _figure(
    analysis: Analysis, groupings: list[Grouping], areas: dict[tuple[str, str, str], Estimate]
) -> Picture:
    rows = []
    for grouping in groupings:
        groups = [
            group
            for group in grouping.members
            if (grouping.name, group, analysis.order[0]) in areas
        ]
        if groups:
            rows.append(Row(grouping.name, {}))
        rows += [
            Row(group, {name: areas[grouping.name, group, name] for name in analysis.order})
            for group in groups
        ]
    return Picture(
        "subgroups",
        "AUROC by group, with intervals. The dotted line is the model’s AUROC over all ECGs.",
        groups_figure(
            rows, analysis.areas, analysis.styles, analysis.marks("AUROC by group"), "AUROC"
        ),
    )


def _table(
    analysis: Analysis, groupings: list[Grouping], areas: dict[tuple[str, str, str], Estimate]
) -> Table:
    rows: list[dict[str, Value]] = []
    for name in analysis.order:
        for grouping in groupings:
            sensitivity_is_shown = _may_show_sensitivity(analysis, name, grouping)
            for group, member in grouping.members.items():
                row: dict[str, Value] = {"model": name, "by": grouping.name, "group": group}
                if (grouping.name, group, name) in areas:
                    row |= _numbers(analysis, name, member)
                    row["auroc"] = areas[grouping.name, group, name]
                    if not sensitivity_is_shown:
                        row["sensitivity"] = NOT_SHOWN
                else:
                    row |= {"n": NOT_SHOWN, "events": NOT_SHOWN}
                rows.append(row)
    best = analysis.order[0]
    columns = {
        "model": "Model",
        "by": "By",
        "group": "Group",
        "n": "ECGs",
        "events": "Events",
        "auroc": "AUROC",
        "predicted": "Mean predicted",
        "observed": "Observed",
    }
    if analysis.validation:
        columns["sensitivity"] = "Sensitivity"
    return Table(
        "subgroups",
        f"{best} by group{analysis.others_in_file}.",
        columns,
        3,
        rows,
        _note(analysis),
        shown=[row for row in rows if row["model"] == best],
        off_page=("model",),
    )


def _may_show_sensitivity(analysis: Analysis, name: str, grouping: Grouping) -> bool:
    """Whether no small cell follows from a model's sensitivity in the groups and in all.

    The groups whose numbers are hidden, and the ECGs of unknown value, are what the others leave.
    """
    threshold = analysis.metrics[name].threshold
    if threshold is None or analysis.settings.show_small_cells:
        return True
    shown = [grouping.members[group] for group in _shown(analysis, grouping)]
    rest = ~np.logical_or.reduce([np.zeros(len(analysis.labels), dtype=bool), *shown])
    called = analysis.rows(name)[1] >= threshold
    return not any(
        leaves_small_cell(part & (analysis.labels == 1), [called], analysis.patients)
        for part in (*shown, rest)
    )


def _note(analysis: Analysis) -> str:
    left_out = (
        "Groups whose ECGs all have the event, or all lack it, have no numbers."
        if analysis.settings.show_small_cells
        else "Groups of few patients are not shown, nor others that would give them away."
    )
    if not analysis.validation:
        return left_out
    specificity = f"at least {100 * SPECIFICITY:g}\u00a0% specificity on validation"
    few_found = (
        "" if analysis.settings.show_small_cells else ", not shown where few are found or missed"
    )
    few_chose = analysis.threshold_note(SPECIFICITY)
    return f"Sensitivity at the common threshold ({specificity}){few_found}.{few_chose} {left_out}"


def _numbers(analysis: Analysis, name: str, member: Flags) -> dict[str, Value]:
    labels, probabilities, patients, level = _within(analysis, name, member)
    numbers: dict[str, Value] = {
        "n": Count(len(labels)),
        "events": Count(labels.sum()),
        "predicted": Share(probabilities.mean()),
        "observed": event_rate(labels, patients, level),
    }
    threshold = analysis.metrics[name].threshold
    if threshold is not None:
        numbers["sensitivity"] = sensitivity(labels, probabilities, threshold, patients, level)
    return numbers


def _study_table(
    analysis: Analysis, groupings: list[Grouping], areas: dict[tuple[str, str, str], Estimate]
) -> Table:
    groups = [
        (grouping.name, group)
        for grouping in groupings
        if grouping.name in STUDY_GROUPINGS
        for group in grouping.members
    ]
    rows: list[dict[str, Value]] = [
        {"model": name} | {group: areas.get((by, group, name)) for by, group in groups}
        for name in analysis.order
    ]
    return Table(
        "auroc-by-sex-and-race",
        f"AUROC by {listed(dict.fromkeys(by.lower() for by, _ in groups))}.",
        {"model": "Model"} | {group: group[0].upper() + group[1:] for _, group in groups},
        1,
        rows,
    )


def _gaps_table(
    analysis: Analysis, groupings: list[Grouping], shown: dict[str, list[str]]
) -> Table:
    rows: list[dict[str, Value]] = []
    for name in analysis.order:
        found = [
            (grouping.name, group, key, gap, gap.p if tested else np.nan)
            for grouping in groupings
            for group, member, known in _against_rest(analysis, grouping, shown[grouping.name])
            for tested in [_enough_to_test(analysis, member, known & ~member)]
            for key, gap in _gaps(analysis, name, member, known).items()
            if key != "sensitivity" or _may_show_sensitivity(analysis, name, grouping)
        ]
        adjusted = holm(np.array([p for *_, p in found]))
        rows += [
            {
                "model": name,
                "by": by,
                "group": group,
                "what": GAPS[key],
                "gap": gap.difference,
                "p": PValue(p),
                "p_adjusted": PValue(p_adjusted),
            }
            for (by, group, key, gap, p), p_adjusted in zip(found, adjusted, strict=True)
        ]
    best = analysis.order[0]
    return Table(
        "subgroup-gaps",
        f"Gaps of {best}: each group less the rest, where a single test gives p < 0.05; all gaps "
        "of all models are in the CSV file.",
        {
            "model": "Model",
            "by": "By",
            "group": "Group",
            "what": "Gap in",
            "gap": "Group − rest",
            "p": "p, single",
            "p_adjusted": "p, Holm",
        },
        4,
        rows,
        f"Not tested, and without p: gaps where fewer than {TESTED_PATIENTS} patients of a side "
        "have, or lack, the event.",
        shown=[
            r for r in rows if r["model"] == best and isinstance(r["p"], PValue) and r["p"] < 0.05
        ],
        off_page=("model",),
    )


def _against_rest(
    analysis: Analysis, grouping: Grouping, shown: list[str]
) -> Iterator[tuple[str, Flags, Flags]]:
    """Each group with the ECGs of known value; of two groups only the first."""
    known = np.logical_or.reduce(list(grouping.members.values()))
    for group in shown[:1] if len(grouping.members) == 2 else shown:
        member = grouping.members[group]
        if analysis.may_show(member) and analysis.may_show(known & ~member):
            yield group, member, known


def _enough_to_test(analysis: Analysis, *sides: Flags) -> bool:
    """Whether enough patients of each side have the event, and enough lack it."""
    return all(
        len(set(analysis.patients[side & (analysis.labels == label)])) >= TESTED_PATIENTS
        for side in sides
        for label in (0, 1)
    )


def _gaps(analysis: Analysis, name: str, member: Flags, known: Flags) -> dict[str, Comparison]:
    labels, probabilities, patients, level = _within(analysis, name, known)
    inside, rows = member[known], (labels, probabilities)
    gaps = {
        "auroc": auroc_gap(*rows, inside, patients, level),
        "calibration": calibration_gap(*rows, inside, patients, level),
    }
    threshold = analysis.metrics[name].threshold
    if threshold is not None:
        gaps["sensitivity"] = sensitivity_gap(*rows, threshold, inside, patients, level)
    return gaps

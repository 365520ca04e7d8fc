"""Only the tested have the label: what weights can mend, and what nobody can know."""

from __future__ import annotations

import numpy as np
import pandas as pd

from acsbench.cohort.counts import SPLIT_NAMES
from acsbench.disclosure import shown_groups, too_few_patients
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.cohort import Elsewhere
from acsbench.evaluation.figures.lines import Line, Scales, lines_figure
from acsbench.evaluation.metrics import SPECIFICITY
from acsbench.evaluation.section import NOT_SHOWN, Count, Picture, Section, Share, Table, Value
from acsbench.evaluation.selection import TRUNCATION, Selection, fit_selection
from acsbench.evaluation.topics.calibration import platt_of
from acsbench.statistics import (
    auroc,
    auroc_if_all_tested,
    event_rate,
    positive_predictive_value,
    sensitivity,
)

ODDS_RATIOS = (1 / 8, 1 / 4, 1 / 2, 1, 2)
SLOPES = (1.0, 0.5, 0.0)
DRAWN_SLOPE = 0.5
FIFTHS = 5
BALANCED = 0.1
"""Standard deviations between the selected and everybody that count as none."""


def selection(analysis: Analysis) -> Section | None:
    """Weighted numbers, sensitivity to unmeasured selection, and outcomes of the others.

    None if the dataset holds no ECGs besides those of the task.
    """
    fitted = fit_selection(analysis)
    parts: list[Table | Picture] = []
    paragraphs = []
    if fitted is not None:
        paragraphs.append(
            f"{fitted.selected:,} of {fitted.candidates:,} ECGs have the label: who was not "
            "tested has none, and was not chosen at random. Below, the evaluated ECGs are weighted "
            "to make what was measured as frequent as among everybody. They then say as much "
            f"as {fitted.effective:,.0f} ECGs of equal weight.{_unbalanced(fitted)} What doctors "
            "saw and nobody recorded is not corrected by weights."
        )
        parts += [_weighted(analysis, fitted), _balance(fitted)]
    for other in analysis.cohort.elsewhere:
        predicted = {m.name for m in analysis.models if m.covers(other.table["ecg_id"])}
        names = [name for name in analysis.order if name in predicted]
        if not names:
            paragraphs.append(
                f"No probabilities of the ECGs of {other.name} were given, so nothing is said of "
                "how those without the label fared."
            )
        elif _too_few(analysis, other):
            paragraphs.append(
                f"Too few patients had an event of {other.name} to say how those without the "
                "label fared."
            )
        else:
            parts += [*_tilted(analysis, other, names), *_outcomes(analysis, other, names)]
    if not parts:
        return None
    return Section(
        "Selection",
        paragraphs,
        parts,
        methods=[
            "Selection: the probability of having the label is a logistic regression on the "
            "covariates of the table; weights are its inverse (stabilised; cut at the quantile "
            f"{TRUNCATION:g}) and taken as given (Cole & Hernán 2008). Sensitivity analysis: each "
            "ECG without the label counts as an event with its recalibrated risk, whose odds "
            "are multiplied by a factor that nobody knows, and as a non-event with the rest; the "
            "slope says how much of what the model knows about the tested holds among the others "
            "(Robins 2000). It has no intervals: the supposed risks are no data.",
        ],
        references=[
            "Cole SR, Hernán MA. Constructing inverse probability weights for marginal structural "
            "models. Am J Epidemiol 2008;168:656–664.",
            "Robins JM, Rotnitzky A, Scharfstein DO. Sensitivity analysis for selection bias and "
            "unmeasured confounding in missing data and causal inference models. Statistical "
            "Models in Epidemiology 2000:1–94.",
        ],
    )


def _unbalanced(fitted: Selection) -> str:
    """A sentence of what the weights leave apart, if anything."""
    apart = dict(zip(fitted.names, map(abs, fitted.after), strict=True))
    far = [name for name, distance in apart.items() if distance > BALANCED]
    if not far:
        return ""
    name = max(apart, key=lambda name: apart[name])
    return (
        f" For {len(far)} of {len(apart)} covariates the weights do not reach that: {name} is "
        f"still {apart[name]:.2f} standard deviations away, more than the usual limit of "
        f"{BALANCED:g}."
    )


def _too_few(analysis: Analysis, other: Elsewhere) -> bool:
    return not analysis.settings.show_small_cells and too_few_patients(
        other.table["label"], other.table["patient_id"]
    )


def _weighted(analysis: Analysis, fitted: Selection) -> Table:
    rows: list[dict[str, Value]] = []
    level, weights = analysis.settings.level, fitted.weights
    for name in analysis.order:
        values = (*analysis.rows(name), analysis.patients, level)
        row: dict[str, Value] = {
            "model": name,
            "auroc": analysis.areas[name],
            "auroc_weighted": auroc(*values, weights=weights),
        }
        threshold = analysis.metrics[name].threshold
        if threshold is not None:
            at = (*analysis.rows(name), threshold, analysis.patients, level)
            called = analysis.rows(name)[1] >= threshold
            found = {"sensitivity_weighted": sensitivity(*at, weights=weights)}
            if called.any():
                found["ppv_weighted"] = positive_predictive_value(*at, weights=weights)
            row |= analysis.shown_of_call(called, found)
        rows.append(row)
    rate = event_rate(analysis.labels, analysis.patients, level)
    weighted = event_rate(analysis.labels, analysis.patients, level, weights=weights)
    columns = {
        "model": "Model",
        "auroc": "AUROC",
        "auroc_weighted": "AUROC, weighted",
    }
    if analysis.validation:
        columns["sensitivity_weighted"] = "Sensitivity, weighted"
        columns["ppv_weighted"] = "PPV, weighted"
    return Table(
        "selection-weighted",
        "Models on the evaluated ECGs as they are, and weighted towards everybody.",
        columns,
        1,
        rows,
        f"Event rate {rate}, weighted {weighted}."
        + (
            f" Sensitivity and PPV at the common threshold.{analysis.threshold_note(SPECIFICITY)}"
            if analysis.validation
            else ""
        ),
    )


def _balance(fitted: Selection) -> Table:
    rows: list[dict[str, Value]] = [
        {"covariate": name, "before": Share(before), "after": Share(after)}
        for name, before, after in zip(fitted.names, fitted.before, fitted.after, strict=True)
    ]
    return Table(
        "selection-balance",
        "How far those with the label are from everybody, in standard deviations; "
        f"{BALANCED:g} is a usual limit.",
        {"covariate": "Covariate", "before": "As they are", "after": "Weighted"},
        1,
        rows,
    )


def _tilted(analysis: Analysis, other: Elsewhere, names: list[str]) -> list[Table | Picture]:
    """AUROC had everybody been tested, over what nobody knows; needs a recalibration."""
    rows: list[dict[str, Value]] = []
    lines = {}
    for name in names:
        valid = analysis.validation.get(name)
        platt = None if valid is None else platt_of(valid)
        if platt is None:
            continue
        scores = _probabilities(analysis, name, other)
        risks = platt(scores)
        for slope in SLOPES:
            areas = [
                auroc_if_all_tested(
                    *analysis.rows(name),
                    scores,
                    risks,
                    analysis.patients,
                    analysis.cohort.patient_numbers(other.table["patient_id"]),
                    analysis.settings.level,
                    odds_ratio=ratio,
                    slope=slope,
                )
                for ratio in ODDS_RATIOS
            ]
            row: dict[str, Value] = {"model": name, "slope": f"{slope:g}"}
            # No intervals: supposed risks are no data, and would make them far too narrow.
            row |= {
                f"odds_ratio_{r:g}": Share(a.value) for r, a in zip(ODDS_RATIOS, areas, strict=True)
            }
            rows.append(row)
            if slope == DRAWN_SLOPE:
                lines[name] = Line(ODDS_RATIOS, [a.value for a in areas], analysis.styles[name])
    if not rows:
        return []
    best = names[0]
    return [
        Table(
            "selection-sensitivity",
            f"AUROC of {best} among everybody, had those without the label been tested: how much "
            "rarer or more frequent the event is among them than among tested patients of the "
            "same risk, and by how much of the model’s knowledge holds there. Values under "
            "suppositions, without intervals."
            + (" Of other models see the CSV file." if len(names) > 1 else ""),
            {"model": "Model", "slope": "Knowledge that holds"}
            | {f"odds_ratio_{r:g}": f"Odds × {r:g}" for r in ODDS_RATIOS},
            2,
            rows,
            shown=[row for row in rows if row["model"] == best],
            off_page=("model",),
        ),
        Picture(
            "selection-sensitivity",
            "AUROC among everybody, if half of what the model knows about the tested holds among "
            "the others.",
            lines_figure(
                lines,
                analysis.marks(
                    "AUROC had all been tested", ecgs=len(analysis.labels) + len(other.table)
                ),
                Scales(
                    "Odds of the event among the others, times those of the tested",
                    "AUROC among everybody",
                    log_x=True,
                ),
            ),
        ),
    ]


def _outcomes(analysis: Analysis, other: Elsewhere, names: list[str]) -> list[Table | Picture]:
    """The other task's events by fifths of the risk that the models predict for this one."""
    labels = other.table["label"].to_numpy(dtype=np.int64)
    patients = analysis.cohort.patient_numbers(other.table["patient_id"])
    level = analysis.settings.level
    rows: list[dict[str, Value]] = []
    lines = {}
    for name in names:
        scores = _probabilities(analysis, name, other)
        row: dict[str, Value] = {"model": name, "auroc": auroc(labels, scores, patients, level)}
        # Ranks spread ties over neighbouring fifths in the order of the table.
        fifth = pd.Series(scores).rank(method="first").sub(1).mul(FIFTHS).floordiv(len(scores))
        members = {f"fifth_{n + 1}": (fifth == n).to_numpy() for n in range(FIFTHS)}
        shown = set(members)
        if not analysis.settings.show_small_cells:
            shown = shown_groups(members, labels, patients)
        rates = {
            number: event_rate(labels[member], patients[member], level)
            for number, (key, member) in enumerate(members.items(), start=1)
            if key in shown
        }
        row |= dict.fromkeys(members, NOT_SHOWN)
        row |= {f"fifth_{number}": rate for number, rate in rates.items()}
        rows.append(row)
        low, high = [r.low for r in rates.values()], [r.high for r in rates.values()]
        lines[name] = Line(
            list(rates),
            [rate.value for rate in rates.values()],
            analysis.styles[name],
            (low, high) if name == names[0] else None,
        )
    size = Count(len(labels))
    best = lines[names[0]].band
    heights = np.concatenate([*(line.y for line in lines.values()), *(best or ())])
    highest = float(heights.max(initial=labels.mean()))
    caption = (
        f"Event rate of task {other.name} in {size} ECGs that {analysis.cohort.task_name} leaves "
        f"out, by fifths of the risk that the models predict for {analysis.cohort.task_name}."
    )
    return [
        Picture(
            "outcome-elsewhere",
            f"{caption} The band is the interval of {names[0]}.",
            lines_figure(
                lines,
                analysis.marks(f"events of {other.name} by risk", other.label_note, len(labels)),
                Scales(
                    "Fifth of predicted risk",
                    f"Event rate of {other.name}",
                    y_limits=(0.0, 1.05 * highest),
                    x_ticks=range(1, FIFTHS + 1),
                ),
                level=(f"all {size} ECGs", float(labels.mean())),
            ),
        ),
        Table(
            "outcome-elsewhere",
            caption,
            {"model": "Model", "auroc": f"AUROC for {other.name}"}
            | {
                f"fifth_{n}": f"Fifth {n}" + {1: ", lowest", FIFTHS: ", highest"}.get(n, "")
                for n in range(1, FIFTHS + 1)
            },
            1,
            rows,
            f"Events: {other.label_note} Only ECGs of the {SPLIT_NAMES[analysis.cohort.evaluated]} "
            "split, whose patients no model was trained on. A model pre-trained on this "
            "outcome is no witness of missed disease.",
        ),
    ]


def _probabilities(analysis: Analysis, name: str, other: Elsewhere) -> np.ndarray:
    model = next(model for model in analysis.models if model.name == name)
    return model.probabilities.loc[list(other.table["ecg_id"])].to_numpy(dtype=np.float64)

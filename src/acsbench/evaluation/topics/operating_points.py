"""From risks to decisions: what models do at thresholds, and whom they rule out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.chosen_on import ChosenOn
from acsbench.evaluation.cohort import Sample
from acsbench.evaluation.metrics import SPECIFICITY
from acsbench.evaluation.section import Section, Table, Threshold, Value
from acsbench.evaluation.small_cells import coarse_share, leaves_small_cell
from acsbench.statistics import (
    Estimate,
    accuracy,
    f1,
    negative_likelihood_ratio,
    negative_predictive_value,
    number_needed_to_test,
    optimistic_threshold,
    positive_likelihood_ratio,
    positive_predictive_value,
    post_test_probability,
    rule_out,
    sensitivity,
    share_called,
    specificity,
    threshold_at_capacity,
    threshold_at_sensitivity,
    threshold_at_specificity,
    youden_threshold,
)

SENSITIVITY, RULE_OUT_SENSITIVITY, CAPACITY = 0.90, 0.99, 0.20
PREVALENCES = (0.02, 0.05, 0.10, 0.20)


@dataclass(frozen=True)
class Rule:
    """How a threshold is chosen on validation ECGs, and what a report calls it."""

    title: str
    choose: Callable[[Sample], float]


COMMON = Rule(
    f"specificity {100 * SPECIFICITY:g}\u00a0%",
    lambda valid: threshold_at_specificity(valid.labels, valid.probabilities, SPECIFICITY),
)
RULES = (
    COMMON,
    Rule(
        f"sensitivity {100 * SENSITIVITY:g}\u00a0%",
        lambda valid: threshold_at_sensitivity(valid.labels, valid.probabilities, SENSITIVITY),
    ),
    Rule("Youden", lambda valid: youden_threshold(valid.labels, valid.probabilities)),
    Rule(
        f"top {100 * CAPACITY:g}\u00a0% called",
        lambda valid: threshold_at_capacity(valid.probabilities, CAPACITY),
    ),
    Rule(
        "as many called as events",
        lambda valid: threshold_at_capacity(valid.probabilities, float(valid.labels.mean())),
    ),
)
STATISTICS: Mapping[str, tuple[str, Callable[..., Estimate]]] = {
    "sensitivity": ("Sensitivity", sensitivity),
    "specificity": ("Specificity", specificity),
    "ppv": ("PPV", positive_predictive_value),
    "npv": ("NPV", negative_predictive_value),
    "accuracy": ("Accuracy", accuracy),
    "f1": ("F1", f1),
    "lr_positive": ("LR+", positive_likelihood_ratio),
    "lr_negative": ("LR−", negative_likelihood_ratio),
    "number_needed_to_test": ("NNT", number_needed_to_test),
    "called": ("Called", share_called),
}


_RATES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")


def operating_points(analysis: Analysis) -> Section:
    """Thresholds chosen on validation, the study's own rule beside them, and rule-out."""
    parts = [_study_table(analysis)]
    paragraphs = []
    basis = analysis.chosen_on
    if basis is not None:
        paragraphs += _warnings(basis)
        parts = [*_common_tables(analysis), _rules_table(analysis), *parts]
        parts += [_rule_out_table(analysis), _prevalence_table(analysis)]
    else:
        paragraphs.append(
            "No probabilities of validation ECGs were given, so no threshold could be chosen "
            "apart from the evaluated ECGs. What follows is the study’s rule, which flatters."
        )
    return Section(
        "Thresholds",
        paragraphs,
        parts,
        methods=[
            "At a threshold: shares have Wilson limits (1927) for the effective number of ECGs "
            "(Rao & Scott 1992); ratios have limits of the delta method over patients. The "
            "uncertainty of the threshold itself is not part of them"
            + (
                "; where it is large, a sentence above the tables says so, with Clopper and "
                "Pearson’s limits for as many validation patients as chose it if their number may "
                "be told. "
                if analysis.validation
                else ". "
            )
            + "LR: likelihood ratio. NNT: "
            "number needed to test, called per event found."
        ],
    )


def _warnings(basis: ChosenOn) -> list[str]:
    """What few validation patients leave open of each rule."""
    found = [
        basis.specificity_warning(SPECIFICITY),
        basis.sensitivity_warning(SENSITIVITY),
        basis.sensitivity_warning(RULE_OUT_SENSITIVITY),
        basis.capacity_warning(CAPACITY),
    ]
    return [words for words in found if words]


def at_threshold(analysis: Analysis, name: str, threshold: float) -> dict[str, Value]:
    """All statistics of a model at a threshold; those that nobody's call defines are missing."""
    labels, scores = analysis.rows(name)
    called = scores >= threshold
    undefined = set()
    if not called.any():
        undefined |= {"ppv", "f1", "lr_positive", "number_needed_to_test"}
    if called.all():
        undefined |= {"npv", "lr_negative"}
    rows = (labels, scores, threshold, analysis.patients, analysis.settings.level)
    found = {
        key: statistic(*rows) for key, (_, statistic) in STATISTICS.items() if key not in undefined
    }
    return {"threshold": Threshold(threshold), **analysis.shown_of_call(called, found)}


def _headings(*names: str) -> dict[str, str]:
    return {"threshold": "Threshold"} | {name: STATISTICS[name][0] for name in names}


def _common_tables(analysis: Analysis) -> list[Table]:
    rows: list[dict[str, Value]] = [
        {"model": name, **at_threshold(analysis, name, COMMON.choose(valid))}
        for name, valid in _validated(analysis).items()
    ]
    caption = (
        f"At the threshold that gave a specificity of at least {100 * SPECIFICITY:g}\u00a0% on "
        "the validation ECGs: "
    )
    note = analysis.threshold_note(SPECIFICITY).strip()
    return [
        Table(f"at-common-threshold-{name}", caption + words, columns, 1, rows, note)
        for name, words, columns in (
            ("rates", "rates.", {"model": "Model", **_headings(*_RATES)}),
            (
                "ratios",
                "ratios, and the share of ECGs called.",
                {"model": "Model"} | {k: h for k, (h, _) in STATISTICS.items() if k not in _RATES},
            ),
        )
    ]


def _rules_table(analysis: Analysis) -> Table:
    rows: list[dict[str, Value]] = [
        {"model": name, "rule": rule.title, **at_threshold(analysis, name, rule.choose(valid))}
        for name, valid in _validated(analysis).items()
        for rule in RULES
    ]
    best = analysis.order[0]
    return Table(
        "thresholds",
        f"{best} at thresholds that different rules chose on the validation ECGs"
        f"{analysis.others_in_file}.",
        {"model": "Model", "rule": "Rule on validation", **_headings(*STATISTICS)},
        2,
        rows,
        shown=[row for row in rows if row["model"] == best],
        off_page=("model", "f1", "lr_positive", "lr_negative", "number_needed_to_test"),
    )


def _study_table(analysis: Analysis) -> Table:
    """The study's table of accuracy and PPV, and the same with an honest threshold beside it."""
    rows: list[dict[str, Value]] = []
    for name in analysis.order:
        at = at_threshold(analysis, name, optimistic_threshold(*analysis.rows(name)))
        row: dict[str, Value] = {"model": name, "accuracy": at["accuracy"], "ppv": at.get("ppv")}
        if name in analysis.validation:
            honest = at_threshold(analysis, name, RULES[-1].choose(analysis.validation[name]))
            row |= {"accuracy_validated": honest["accuracy"], "ppv_validated": honest.get("ppv")}
        rows.append(row)
    for sign, seen in analysis.signs.items():
        flag = (
            analysis.labels,
            seen.astype(float),
            0.5,
            analysis.patients,
            analysis.settings.level,
        )
        rows.append(
            {
                "model": f"{sign} (reading)",
                "accuracy": accuracy(*flag),
                "ppv": positive_predictive_value(*flag),
            }
        )
    columns = {"model": "Model", "accuracy": "Accuracy, optimistic", "ppv": "PPV, optimistic"}
    if analysis.validation:
        columns |= {
            "accuracy_validated": "Accuracy, threshold from validation",
            "ppv_validated": "PPV, threshold from validation",
        }
    return Table(
        "accuracy-and-ppv",
        "Accuracy and PPV by the study’s rule: as many ECGs called as there are events, or fewer "
        "where risks tie. Optimistic: the number was taken from the labels of the very ECGs that "
        "are judged.",
        columns,
        1,
        rows,
        "By that rule PPV equals sensitivity, unless risks tie."
        + (" A sign calls whom it calls, by any rule." if analysis.signs else ""),
    )


def _rule_out_table(analysis: Analysis) -> Table:
    basis = analysis.chosen_on
    rows: list[dict[str, Value]] = []
    for name, valid in _validated(analysis).items():
        threshold = threshold_at_sensitivity(
            valid.labels, valid.probabilities, RULE_OUT_SENSITIVITY
        )
        rows.append(
            {
                "model": name,
                "threshold": Threshold(threshold),
                **_ruled_out(analysis, name, threshold),
            }
        )
    return Table(
        "rule-out",
        "Rule-out: ECGs below the threshold that kept a sensitivity of at least "
        f"{100 * RULE_OUT_SENSITIVITY:g}\u00a0% on the validation ECGs.",
        {
            "model": "Model",
            "threshold": "Threshold",
            "ruled_out": "Share ruled out",
            "npv": "NPV",
            "sensitivity": "Sensitivity reached",
        },
        1,
        rows,
        "" if basis is None else basis.sensitivity_warning(RULE_OUT_SENSITIVITY),
    )


def _ruled_out(analysis: Analysis, name: str, threshold: float) -> dict[str, Value]:
    """Whom a threshold rules out, as far as it may be shown.

    That few events are missed, as they should be, need not hide how many ECGs are ruled out:
    this table does not tell the specificity, from which the missed would follow.
    """
    labels, scores = analysis.rows(name)
    called = scores >= threshold
    out = rule_out(labels, scores, threshold, analysis.patients, analysis.settings.level)
    found: dict[str, Estimate | str] = {
        "ruled_out": out.ruled_out,
        "sensitivity": out.sensitivity,
    }
    if out.negative_predictive_value is not None:
        found["npv"] = out.negative_predictive_value
    shown = analysis.shown_of_call(called, found)
    few_missed = isinstance(shown["sensitivity"], str)
    everyone = np.ones(len(labels), dtype=bool)
    told_elsewhere = any(
        np.array_equal(called, scores >= rule.choose(analysis.validation[name])) for rule in RULES
    )
    if (
        few_missed
        and not told_elsewhere
        and not leaves_small_cell(everyone, [called], analysis.patients)
    ):
        shown["ruled_out"] = out.ruled_out
        shown["npv"] = coarse_share(labels == 0, ~called)
    return {"npv": None, **shown}


def _prevalence_table(analysis: Analysis) -> Table:
    rows: list[dict[str, Value]] = []
    for name, valid in _validated(analysis).items():
        at = at_threshold(analysis, name, COMMON.choose(valid))
        ratio = at.get("lr_positive")
        if isinstance(ratio, str):
            rows.append({"model": name, **{f"ppv_at_{p:g}": ratio for p in PREVALENCES}})
        if isinstance(ratio, Estimate) and np.isfinite(ratio.value):
            rows.append(
                {"model": name}
                | {f"ppv_at_{p:g}": post_test_probability(ratio, p) for p in PREVALENCES}
            )
    return Table(
        "ppv-by-prevalence",
        "PPV at the common threshold where the event is rarer than here, if sensitivity and "
        "specificity stay the same. They need not: those who were tested are sicker.",
        {"model": "Model"}
        | {f"ppv_at_{p:g}": f"Event rate {100 * p:g}\u00a0%" for p in PREVALENCES},
        1,
        rows,
        analysis.threshold_note(SPECIFICITY).strip(),
    )


def _validated(analysis: Analysis) -> dict[str, Sample]:
    """Validation ECGs of each model that predicts them, from the highest AUROC."""
    return {n: analysis.validation[n] for n in analysis.order if n in analysis.validation}

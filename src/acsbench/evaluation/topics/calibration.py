"""Whether predicted risks are true, as predicted and after recalibration on validation."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from acsbench.disclosure import shown_groups
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.cohort import Sample
from acsbench.evaluation.figures.panels import CalibrationPanel, calibration_figure
from acsbench.evaluation.section import Picture, PValue, Section, Table, Value, listed, text_of
from acsbench.statistics import (
    PlattScaling,
    brier,
    brier_decomposition,
    calibration_bins,
    calibration_curve,
    calibration_intercept,
    calibration_slope,
    calibration_test,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    integrated_calibration_index,
    log_loss,
)
from acsbench.statistics.calibration import equal_bins

Floats = NDArray[np.float64]
Rows = dict[tuple[str, str], dict[str, Value]]
"""Numbers by model and variant."""

AS_PREDICTED, PLATT, ISOTONIC = "as predicted", "Platt", "isotonic"
BINS = 10
FEWEST_PATIENTS = 30
"""With the event, and without it: the curve of fewer is not tested. True probabilities would be
rejected too often, in 10 to 25 % of samples with 5 to 15 patients
(`benchmarks/calibration_test.py`).
"""
FEWEST_VALUES = 10
"""Probabilities with fewer different values have no curve; their groups are in the table."""


def calibration(analysis: Analysis) -> Section:
    """Calibration plots and numbers, and the same after recalibration."""
    variants = {name: recalibrated(analysis, name) for name in analysis.order}
    rows = {
        (name, variant): _numbers(analysis, probabilities, variant)
        for name, of_model in variants.items()
        for variant, probabilities in of_model.items()
    }
    parts: list[Table | Picture] = [_figure(analysis, variants, rows, AS_PREDICTED)]
    paragraphs = []
    if any(variant == PLATT for _, variant in rows):
        parts.append(_figure(analysis, variants, rows, PLATT))
    if not analysis.validation:
        paragraphs.append(
            "No probabilities of validation ECGs were given, so nothing is recalibrated."
        )
    lacking = [name for name in analysis.validation if PLATT not in variants[name]]
    if lacking:
        paragraphs.append(
            f"The probabilities of {listed(lacking)} do not vary on the validation ECGs, or tell "
            "events and others apart there, and are not recalibrated."
        )
    basis = analysis.chosen_on if any(variant == PLATT for _, variant in rows) else None
    if basis is not None and (warning := basis.recalibration_warning()):
        paragraphs.append(warning)
    parts += [_table(rows), _decomposition(analysis)]
    return Section(
        "Calibration",
        paragraphs,
        parts,
        methods=[
            "Calibration: intercept (calibration in the large) and slope of a logistic "
            "regression of the event on the logit of the predicted risk, with sandwich limits "
            "over patients; curves by restricted cubic splines of that logit, with a pointwise "
            f"band; points are {BINS} groups of equally many ECGs, or fewer where risks tie. p of "
            "the curve: joint Wald test, with the same variance and an F distribution, that the "
            "curve’s regression has intercept 0, slope 1 and no bend; it is made where at least "
            f"{FEWEST_PATIENTS} patients have the event and as many lack it. ICI: mean distance "
            "between predicted risk and curve (Austin & Steyerberg 2019). ECE: the same over the "
            "groups. "
            "Recalibration by Platt’s scaling (1999) and by isotonic regression, fitted on the "
            "validation ECGs. Brier score = reliability − resolution + uncertainty, with isotonic "
            "regression in place of groups (Dimitriadis 2021).",
        ],
        references=[
            "Austin PC, Steyerberg EW. The Integrated Calibration Index (ICI) and related metrics "
            "for quantifying the calibration of logistic regression models. Stat Med "
            "2019;38:4051–4065.",
            "Dimitriadis T, Gneiting T, Jordan AI. Stable reliability diagrams for probabilistic "
            "classifiers. Proc Natl Acad Sci 2021;118:e2016191118.",
            "Platt JC. Probabilistic outputs for support vector machines and comparisons to "
            "regularized likelihood methods. Advances in Large Margin Classifiers 1999:61–74.",
        ],
    )


def recalibrated(analysis: Analysis, name: str) -> dict[str, Floats]:
    """A model's probabilities as predicted and, with validation ECGs, recalibrated on them."""
    probabilities = analysis.rows(name)[1]
    variants = {AS_PREDICTED: probabilities}
    valid = analysis.validation.get(name)
    platt = None if valid is None else platt_of(valid)
    if valid is not None and platt is not None:
        variants[PLATT] = platt(probabilities)
        variants[ISOTONIC] = fit_isotonic(valid.labels, valid.probabilities)(probabilities)
    return variants


def platt_of(valid: Sample) -> PlattScaling | None:
    """Platt's scaling fitted on validation ECGs; None if their logits do not vary."""
    try:
        return fit_platt(valid.labels, valid.probabilities)
    except ValueError:
        return None


def _figure(
    analysis: Analysis, variants: dict[str, dict[str, Floats]], rows: Rows, variant: str
) -> Picture:
    panels = [
        _panel(analysis, name, of_model[variant], rows[name, variant])
        for name, of_model in variants.items()
        if variant in of_model
    ]
    words = "" if variant == AS_PREDICTED else ", recalibrated by Platt’s scaling"
    return Picture(
        "calibration" if variant == AS_PREDICTED else "calibration-recalibrated",
        f"Calibration{words}: observed event rate against predicted risk, with the interval as "
        f"a band, and up to {BINS} groups of about equally many ECGs as points"
        + ("" if analysis.settings.show_small_cells else ", without those of few patients")
        + ". On the dotted line predictions are true."
        + _without_curve([name for name, v in variants.items() if variant in v], rows, variant),
        calibration_figure(panels, analysis.marks(f"calibration{words}")),
    )


def _without_curve(names: list[str], rows: Rows, variant: str) -> str:
    """Which models have no curve, if any."""
    without = [name for name in names if "ici" not in rows[name, variant]]
    if not without:
        return ""
    return f" No curve can be fitted to the risks of {listed(without)}."


def _panel(
    analysis: Analysis, name: str, probabilities: Floats, row: dict[str, Value]
) -> CalibrationPanel:
    rows = (analysis.labels, probabilities, analysis.patients, analysis.settings.level)
    empty = np.array([])
    curve = (empty, empty, empty, empty)
    if "ici" in row:
        found = calibration_curve(*rows)
        curve = (found.predicted, found.observed, found.low, found.high)
    words = [
        f"{title} {text_of(row[key]).partition(' ')[0]}"
        for key, title in (("intercept", "intercept"), ("slope", "slope"), ("ici", "ICI"))
        if key in row
    ]
    return CalibrationPanel(
        name,
        analysis.styles[name],
        *curve,
        points=[
            (group.predicted, group.observed)
            for group, is_shown in zip(
                calibration_bins(*rows, bins=BINS),
                _shown_bins(analysis, probabilities),
                strict=True,
            )
            if is_shown
        ],
        words="\n".join(words),
    )


def _shown_bins(analysis: Analysis, probabilities: Floats) -> list[bool]:
    """Which groups of ECGs may be drawn, in order."""
    bin_of = equal_bins(probabilities, BINS)
    members = {str(number): bin_of == number for number in range(int(bin_of.max()) + 1)}
    if analysis.settings.show_small_cells:
        return [True] * len(members)
    shown = shown_groups(members, analysis.labels, analysis.patients)
    return [number in shown for number in members]


def _numbers(analysis: Analysis, probabilities: Floats, variant: str) -> dict[str, Value]:
    rows = (analysis.labels, probabilities, analysis.patients, analysis.settings.level)
    resampling = analysis.settings.resampling
    loss = log_loss(*rows)
    numbers: dict[str, Value] = {
        "intercept": calibration_intercept(*rows),
        "brier": brier(*rows),
        "log_loss": loss if np.isfinite(loss.value) else None,
        "ece": expected_calibration_error(*rows, bins=BINS, **resampling),
    }
    # Isotonic risks are steps that may reach 0 and 1: no logit to draw a line or a curve through.
    if variant != ISOTONIC and has_curve(probabilities):
        # Logits may not vary although risks do, next to 0. Where risks hardly overlap there is no
        # curve to fit, and nothing to measure it by.
        with suppress(ValueError):
            numbers["slope"] = calibration_slope(*rows)
            if tests_curve(analysis):
                numbers["curve_p"] = PValue(calibration_test(*rows[:3]).p)
            numbers["ici"] = integrated_calibration_index(*rows, **resampling)
    return numbers


def tests_curve(analysis: Analysis) -> bool:
    """Whether enough patients have the event, and enough lack it, to test a curve."""
    cells = [len(set(analysis.patients[analysis.labels == label])) for label in (0, 1)]
    return min(cells) >= FEWEST_PATIENTS


def has_curve(probabilities: Floats) -> bool:
    """Whether probabilities differ enough for a slope and a curve."""
    return len(np.unique(probabilities)) >= FEWEST_VALUES


def _table(rows: Rows) -> Table:
    recalibrated_too = any(variant != AS_PREDICTED for _, variant in rows)
    return Table(
        "calibration",
        "Calibration as predicted"
        + (" and after recalibration on the validation ECGs" if recalibrated_too else "")
        + ". Of true probabilities the intercept is 0 and the slope 1, but for chance; p is that "
        "of a test that the whole curve lies on the diagonal.",
        {
            "model": "Model",
            "variant": "Variant",
            "intercept": "Intercept",
            "slope": "Slope",
            "curve_p": "p, curve",
            "ici": "ICI",
            "ece": "ECE",
            "brier": "Brier score",
            "log_loss": "Log loss",
        },
        2,
        [{"model": name, "variant": variant} | row for (name, variant), row in rows.items()],
        "No log loss is given where a risk of exactly 0 or 1 was wrong, which makes it infinite; "
        "for the intercept such a "
        "risk counts as 0.000001 away from it. ICI and ECE are distances: chance alone puts them "
        "above 0, also of true probabilities, and the more so the fewer the ECGs. Their intervals "
        "are cut at 0, and tell how exact the distance is, not whether there is one: see p.",
    )


def _decomposition(analysis: Analysis) -> Table:
    table: list[dict[str, Value]] = []
    for name in analysis.order:
        rows = (*analysis.rows(name), analysis.patients, analysis.settings.level)
        table.append(
            {"model": name, **vars(brier_decomposition(*rows, **analysis.settings.resampling))}
        )
    return Table(
        "brier-decomposition",
        "Brier score = reliability − resolution + uncertainty. Reliability is what wrong "
        "probabilities cost, resolution what telling ECGs apart gains, uncertainty the score of "
        "the event rate.",
        {
            "model": "Model",
            "brier": "Brier score",
            "reliability": "Reliability",
            "resolution": "Resolution",
            "uncertainty": "Uncertainty",
        },
        1,
        table,
    )

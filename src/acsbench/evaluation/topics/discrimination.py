"""Who is ranked above whom: ROC curves, the AUC table, and the models against each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.figures.roc import Curve, roc_figure, roc_points
from acsbench.evaluation.metrics import AT_THRESHOLD, MARGIN, METRICS, RANKING_ECGS, SPECIFICITY
from acsbench.evaluation.section import Picture, PValue, Section, Share, Table, Threshold, Value
from acsbench.evaluation.signs import Flags, read_signs
from acsbench.statistics import Estimate, auroc, average_precision, brier
from acsbench.statistics.logistic import SeparationError, fit_logistic

READING = " (reading)"
LOGISTIC = "Logistic regression on the signs"


def discrimination(analysis: Analysis) -> Section:
    """AUROC and its companions of models and signs, and paired comparisons of the models."""
    parts: list[Table | Picture] = [_auc_table(analysis), _roc(analysis)]
    if len(analysis.order) > 1:
        parts.append(_pairs_table(analysis))
    constant = [name for name in analysis.order if np.ptp(analysis.rows(name)[1]) == 0]
    return Section(
        "Discrimination",
        [
            f"{name} gives every ECG the same probability: it ranks nothing, its AUROC is 0.5 by "
            "definition."
            for name in constant
        ],
        parts,
        methods=[
            "AUROC: Wald limits with the variance of DeLong (1988), extended to several ECGs of "
            "a patient by Obuchowski (1997)."
            + (_methods_of_pairs(analysis) if len(analysis.order) > 1 else ""),
            "AUPRC (average precision): limits on the logit scale (Boyd 2013) with the standard "
            f"error of {analysis.settings.resamples:,} bootstrap samples of patients (Field & "
            "Welsh 2007). Brier score (1950): Wald limits with a variance over patients.",
        ],
        references=[
            "Boyd K, Eng KH, Page CD. Area under the precision-recall curve: point estimates and "
            "confidence intervals. ECML PKDD 2013.",
            "Brier GW. Verification of forecasts expressed in terms of probability. Mon Weather "
            "Rev 1950;78:1–3.",
            "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more "
            "correlated receiver operating characteristic curves: a nonparametric approach. "
            "Biometrics 1988;44:837–845.",
            "Field CA, Welsh AH. Bootstrapping clustered data. J R Stat Soc B 2007;69:369–390.",
            "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat "
            "1979;6:65–70.",
            "Obuchowski NA. Nonparametric analysis of clustered ROC curve data. Biometrics "
            "1997;53:567–578.",
            "Schuirmann DJ. A comparison of the two one-sided tests procedure and the power "
            "approach for assessing the equivalence of average bioavailability. J Pharmacokinet "
            "Biopharm 1987;15:657–680.",
        ],
    )


def _methods_of_pairs(analysis: Analysis) -> str:
    return (
        " The same variance is used for the paired difference of two models. Every two models are "
        "compared, and p values are adjusted for all pairs (Holm 1979), since which model is best "
        "is seen on the same ECGs; intervals of differences are not. Equivalence within "
        f"±{MARGIN:g} is tested by two one-sided tests (Schuirmann 1987), adjusted in the same "
        "way. A model is called better only where its adjusted p value is below "
        f"{1 - analysis.settings.level:.2g} and there are at least {RANKING_ECGS:,} ECGs."
    )


def _auc_table(analysis: Analysis) -> Table:
    rows: list[dict[str, Value]] = []
    for name, shown in analysis.shown_metrics.items():
        row: dict[str, Value] = {"model": name, **shown}
        if (threshold := analysis.metrics[name].threshold) is not None:
            row["threshold"] = Threshold(threshold)
        rows.append(row)
    level, groups = analysis.settings.level, analysis.patients
    resampling = analysis.settings.resampling
    for sign, seen in analysis.signs.items():
        scores = (analysis.labels, seen.astype(float))
        rows.append(
            {
                "model": f"{sign}{READING}",
                "auroc": auroc(*scores, groups, level),
                "auprc": average_precision(*scores, groups, level, **resampling),
            }
        )
    risks = signs_regression(analysis)
    twins = [] if risks is None else ranked_alike(analysis, risks)
    if risks is not None and not twins:
        scores = (analysis.labels, risks)
        rows.append(
            {
                "model": LOGISTIC,
                "auroc": auroc(*scores, groups, level),
                "auprc": average_precision(*scores, groups, level, **resampling),
                "brier": brier(*scores, groups, level),
            }
        )
    prevalence = float(analysis.labels.mean())
    rows.append(
        {
            "model": "No skill",
            "auroc": Share(0.5),
            "auprc": Share(prevalence),
            "brier": Share(prevalence * (1 - prevalence)),
        }
    )
    split = analysis.split_name
    note = (
        f"No skill: a model that gives every ECG the prevalence of the event, {prevalence:.3f} in "
        f"the {split} ECGs, which is also its AUPRC. A lower Brier score is better. "
    )
    columns = {"model": "Model", **METRICS, "threshold": "Threshold"}
    if analysis.validation:
        note += (
            f"Threshold: the smallest probability that left at least {100 * SPECIFICITY:g}\u00a0% "
            "of the validation ECGs without the event below it; an ECG is called if it reaches "
            "the threshold." + analysis.threshold_note(SPECIFICITY)
        )
    else:
        columns = {"model": "Model", **dict(list(METRICS.items())[:3])}
        note += (
            "No probabilities of validation ECGs were given, so no threshold is chosen: one "
            "chosen on the evaluated ECGs themselves would flatter the model."
        )
    if analysis.signs:
        note += " Signs are what a cardiologist read; one is there or not."
    if twins:
        note += f" {LOGISTIC} ranks the ECGs as {twins[0]} does, and has no row of its own."
    return Table(
        "discrimination",
        f"Models and signs on the {split} ECGs, with {100 * level:g}\u00a0% intervals that keep "
        "each patient’s ECGs together.",
        columns,
        1,
        rows,
        note,
    )


def _roc(analysis: Analysis) -> Picture:
    curves = []
    for name in analysis.order:
        shown = analysis.shown_metrics[name]
        found, spared = (shown.get(key) for key in AT_THRESHOLD)
        point = None
        if isinstance(found, Estimate) and isinstance(spared, Estimate):
            point = (1 - spared.value, found.value)
        x, y = roc_points(analysis.labels, analysis.in_steps(analysis.rows(name)[1]))
        curves.append(Curve(name, analysis.styles[name], x, y, analysis.areas[name], point))
    events = analysis.labels == 1
    signs = {
        sign: (float(seen[~events].mean()), float(seen[events].mean()))
        for sign, seen in analysis.signs.items()
    }
    dots = ""
    if any(curve.operating_point for curve in curves):
        dots = " Dots mark the thresholds of the table above."
    return Picture(
        "roc",
        f"Receiver operating characteristic on the {analysis.split_name} ECGs.{dots} The dotted "
        f"line is a coin toss.{analysis.thinned}",
        roc_figure(curves, analysis.marks("ROC"), signs),
    )


def _pairs_table(analysis: Analysis) -> Table:
    rows: list[dict[str, Value]] = [
        {
            "model_a": pair.first,
            "model_b": pair.second,
            "auroc_difference": pair.comparison.difference,
            "p": PValue(pair.comparison.p),
            "p_adjusted": PValue(pair.p),
            "p_equivalent": PValue(pair.p_equivalent),
            "reading": pair.reading,
        }
        for pair in analysis.pairs
    ]
    best = analysis.order[0]
    return Table(
        "comparisons",
        "The model with the highest AUROC against each other one, on the same ECGs; every two "
        "models are in the CSV file. But for the single one, p values hold for all pairs together.",
        {
            "model_a": "Model",
            "model_b": "Against",
            "auroc_difference": "Difference in AUROC",
            "p": "p, single",
            "p_adjusted": "p, Holm",
            "p_equivalent": f"p, equivalent within ±{MARGIN:g}",
            "reading": "Reading",
        },
        2,
        rows,
        shown=[row for row in rows if row["model_a"] == best],
        off_page=("model_a",),
    )


def signs_regression(analysis: Analysis) -> NDArray[np.float64] | None:
    """Risks from a logistic regression on the signs, fitted without penalty on the training ECGs.

    None if there are no signs or no training ECGs to fit on, or they tell all events apart.
    """
    rows = analysis.cohort.split("train")
    seen = read_signs(analysis.cohort.covariates_of("train"))
    if not seen or rows["label"].nunique() < 2:
        return None
    varying = [name for name, flags in seen.items() if 0 < flags.sum() < len(flags)]
    evaluated = read_signs(analysis.covariates)
    try:
        fit = fit_logistic(_design(seen, varying), rows["label"].to_numpy(dtype=float))
    except (SeparationError, ValueError):
        return None
    linear = _design(evaluated, varying) @ fit.coefficients
    return np.asarray(1 / (1 + np.exp(-linear)))


def ranked_alike(analysis: Analysis, risks: NDArray[np.float64]) -> list[str]:
    """Models that rank all evaluated ECGs as these risks do, ties included."""
    # Predictions come from files of nine digits.
    ranks = rankdata(risks.round(8))
    return [
        name
        for name in analysis.order
        if np.array_equal(rankdata(analysis.rows(name)[1].round(8)), ranks)
    ]


def _design(signs: dict[str, Flags], names: list[str]) -> NDArray[np.float64]:
    ones = np.ones(len(next(iter(signs.values()))))
    return np.column_stack([ones, *(signs[name] for name in names)]).astype(np.float64)

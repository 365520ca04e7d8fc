"""Whether acting on a model does more good than harm: decision curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.figures.frame import GREY
from acsbench.evaluation.figures.lines import Line, Scales, lines_figure
from acsbench.evaluation.section import NOT_SHOWN, Picture, PValue, Section, Table, Value, listed
from acsbench.evaluation.topics.calibration import AS_PREDICTED, PLATT, recalibrated
from acsbench.statistics import Estimate, compare_net_benefit, decision_curve, holm

TREAT_ALL, TREAT_NONE, ANY_SIGN = "Treat all", "Treat none", "Any sign (reading)"
THRESHOLDS = np.arange(1, 81) / 100
TABLED = (0.05, 0.10, 0.20, 0.30, 0.50)

Curve = dict[float, Estimate]
"""Net benefit by threshold."""


def decisions(analysis: Analysis) -> Section:
    """Net benefit against treating all, none, and those with signs."""
    strategies = _strategies(analysis)
    curves = {name: _curve(analysis, risks) for name, risks in strategies.items()}
    as_predicted = [n for n in analysis.order if PLATT not in recalibrated(analysis, n)]
    done = len(as_predicted) < len(analysis.order)
    basis = analysis.chosen_on if done else None
    warning = "" if basis is None else basis.recalibration_warning()
    few_words = f" {warning}" if warning else ""
    if done and as_predicted:
        few_words += f" Those of {listed(as_predicted)} could not be, and are taken as predicted."
    recalibrated_words = (
        "Probabilities are recalibrated by Platt’s scaling on the validation ECGs first: net "
        "benefit compares a risk with a threshold and punishes one that is not true." + few_words
        if done
        else "Probabilities are taken as predicted: there are no validation ECGs on which they "
        "vary, to recalibrate on."
    )
    return Section(
        "Decisions",
        [
            "Net benefit counts an event found as 1 and weighs each false alarm with the odds of "
            "the threshold: at a threshold of 10\u00a0%, nine false alarms cancel one event. "
            + recalibrated_words
        ],
        [_figure(analysis, curves), _table(curves), _gains(analysis, strategies, curves)],
        methods=[
            "Net benefit (Vickers & Elkin 2006): Wald limits with a variance over patients; "
            "differences are paired, and p values adjusted for all models and thresholds of "
            "the table (Holm)."
        ],
        references=[
            "Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating "
            "prediction models. Med Decis Making 2006;26:565–574."
        ],
    )


def _strategies(analysis: Analysis) -> dict[str, NDArray[np.float64]]:
    """Risks by which each strategy would act: those of models, and 0 or 1 of the others."""
    strategies = {}
    for name in analysis.order:
        variants = recalibrated(analysis, name)
        strategies[name] = variants.get(PLATT, variants[AS_PREDICTED])
    size = len(analysis.labels)
    strategies[TREAT_ALL], strategies[TREAT_NONE] = np.ones(size), np.zeros(size)
    signed = analysis.any_sign()
    if signed is not None:
        strategies[ANY_SIGN] = signed.astype(np.float64)
    return strategies | {
        f"{name} (reading)": seen.astype(np.float64) for name, seen in analysis.signs.items()
    }


def _curve(analysis: Analysis, risks: NDArray[np.float64]) -> Curve:
    """Net benefit at the thresholds that may be told of, those of the table before others."""
    ordered = [*TABLED, *(t for t in THRESHOLDS if t not in TABLED)]
    kept = np.sort(np.array(ordered)[analysis.shown_cuts(risks, ordered)])
    found = decision_curve(analysis.labels, risks, kept, analysis.patients, analysis.settings.level)
    return dict(zip(kept.tolist(), found, strict=True))


def _figure(analysis: Analysis, curves: dict[str, Curve]) -> Picture:
    styles = analysis.styles | {
        TREAT_ALL: (GREY, "-"),
        TREAT_NONE: (GREY, (0, (1, 1.5))),
        ANY_SIGN: (GREY, (0, (5, 2))),
    }
    best = analysis.order[0]
    lines = {
        name: Line(
            list(curve),
            [e.value for e in curve.values()],
            styles[name],
            ([e.low for e in curve.values()], [e.high for e in curve.values()])
            if name == best
            else None,
        )
        for name, curve in curves.items()
        if name in styles
    }
    prevalence = float(analysis.labels.mean())
    return Picture(
        "decision-curve",
        "Net benefit by the risk from which one would act, against treating all or none"
        + (", or whoever shows a sign" if ANY_SIGN in curves else "")
        + f". The band is the interval of {best}.{analysis.thinned}",
        lines_figure(
            lines,
            analysis.marks("decision curve"),
            Scales(
                "Risk from which one would act",
                "Net benefit per ECG",
                (0, float(THRESHOLDS[-1])),
                (-0.1 * prevalence - 0.02, 1.08 * prevalence),
            ),
        ),
    )


def _table(curves: dict[str, Curve]) -> Table:
    rows: list[dict[str, Value]] = [
        {"strategy": name, "threshold": f"{threshold:.2f}", "net_benefit": estimate}
        for name, curve in curves.items()
        for threshold, estimate in curve.items()
    ]
    return Table(
        "net-benefit",
        "Net benefit of every strategy by threshold.",
        {"strategy": "Strategy", "threshold": "Threshold", "net_benefit": "Net benefit"},
        2,
        rows,
        shown=(),
    )


def _gains(
    analysis: Analysis,
    strategies: dict[str, NDArray[np.float64]],
    curves: dict[str, Curve],
) -> Table:
    """Models against the best of the simple strategies at some thresholds."""
    rivals = [name for name in (TREAT_ALL, TREAT_NONE, ANY_SIGN) if name in strategies]
    found = []
    for name in analysis.order:
        for threshold in TABLED:
            at = [threshold]
            args = (analysis.patients, analysis.settings.level)
            by_rival = {
                rival: compare_net_benefit(
                    analysis.labels, strategies[name], strategies[rival], at, *args
                )[0]
                for rival in rivals
            }
            best = min(by_rival, key=lambda rival: by_rival[rival].difference.value)
            found.append((name, threshold, best, by_rival[best]))
    adjusted = holm(np.array([comparison.p for *_, comparison in found]))
    rows: list[dict[str, Value]] = [
        {
            "model": name,
            "threshold": f"{threshold:g}",
            "rival": rival.lower() if rival != ANY_SIGN else "any sign",
            "gain": comparison.difference if threshold in curves[name] else NOT_SHOWN,
            "p_adjusted": PValue(p) if threshold in curves[name] else NOT_SHOWN,
        }
        for (name, threshold, rival, comparison), p in zip(found, adjusted, strict=True)
    ]
    best_model = analysis.order[0]
    return Table(
        "net-benefit-gain",
        f"Net benefit of {best_model} less that of whichever does best without a model at the "
        f"threshold{analysis.others_in_file}.",
        {
            "model": "Model",
            "threshold": "Threshold",
            "rival": "Best without a model",
            "gain": "Difference in net benefit",
            "p_adjusted": "p, Holm",
        },
        3,
        rows,
        shown=[row for row in rows if row["model"] == best_model],
        off_page=("model",),
    )

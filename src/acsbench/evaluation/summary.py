"""The results in plain words, with no claim that the intervals do not bear out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from acsbench.evaluation.cohort import Sample
from acsbench.evaluation.metrics import (
    RANKING_ECGS,
    SPECIFICITY,
    ModelMetrics,
    Pair,
    model_order,
)

SIMULATED = (
    "The ECGs are simulated: these numbers show that the software works and say nothing about "
    "patients."
)
TOO_FEW = (
    "Fewer than 11 patients of the test split have the event, or lack it. That is too few to say "
    "anything about a model, and so few that they might be recognised; no metric is shown."
)


def summarise(
    metrics: Mapping[str, ModelMetrics],
    pairs: Sequence[Pair],
    sample: Sample,
    *,
    simulated: bool,
    level: float = 0.95,
) -> list[str]:
    """A few sentences, each a paragraph.

    Args:
        metrics: by model; none if too few patients have, or lack, the event.
        pairs: the model with the highest AUROC against each other.
        sample: the test ECGs.
        simulated: no patient was involved.
        level: confidence level.
    """
    sentences = [SIMULATED] if simulated else []
    if not metrics:
        return [*sentences, TOO_FEW]
    best = model_order(metrics)[0]
    return [
        *sentences,
        _discrimination(best, metrics, sample, level),
        *_ranking(best, pairs),
        _at_threshold(best, metrics[best]),
    ]


def _discrimination(
    best: str, metrics: Mapping[str, ModelMetrics], sample: Sample, level: float
) -> str:
    area = metrics[best].estimates["auroc"]
    value, _, limits = str(area).partition(" (")
    number = f"{value} ({100 * level:g} % interval {limits}"
    ecgs = f"{len(sample.labels):,} test ECGs of {len(set(sample.patients)):,} patients"
    if len(metrics) == 1:
        text = f"On {ecgs}, {best} reached an AUROC of {number}"
    elif len(sample.labels) >= RANKING_ECGS:
        text = f"On {ecgs}, {best} had the highest AUROC of {len(metrics)} models, {number}"
    else:
        others = _listed(
            f"{name} {metrics[name].estimates['auroc']}" for name in model_order(metrics)[1:]
        )
        text = f"On {ecgs}, {best} reached an AUROC of {number}, {others}"
    text += (
        f": of an ECG with the event and one without, it gives the right one the higher "
        f"probability {100 * area.value:.0f} times in 100."
    )
    if area.low <= 0.5 <= area.high:
        text += " The interval includes 0.5, a coin toss: that it knows anything is not shown."
    return text


def _ranking(best: str, pairs: Sequence[Pair]) -> list[str]:
    if pairs and pairs[0].comparison.difference.n < RANKING_ECGS:
        leads = _listed(f"{pair.comparison.difference} over {pair.second}" for pair in pairs)
        return [
            f"The AUROC of {best} differs by {leads}. These are fewer than {RANKING_ECGS:,} ECGs, "
            "from which no ranking of models is claimed."
        ]
    behind = [pair for pair in pairs if pair.differs]
    undecided = [pair for pair in pairs if not pair.differs]
    sentences = []
    if behind:
        leads = _listed(f"{pair.comparison.difference} over {pair.second}" for pair in behind)
        sentences.append(f"Its lead in AUROC is larger than chance explains: {leads}.")
    if undecided:
        others = _listed(pair.second for pair in undecided)
        leads = _listed(str(pair.comparison.difference) for pair in undecided)
        plural = len(undecided) > 1
        sentences.append(
            f"These ECGs do not tell whether {best} is better than {others}: the "
            f"{'intervals' if plural else 'interval'} of the difference in AUROC, {leads}, "
            f"{'include' if plural else 'includes'} 0."
        )
    return sentences


def _at_threshold(best: str, model: ModelMetrics) -> str:
    found = model.estimates["sensitivity_at_90_specificity"]
    spared = model.estimates["realised_specificity"]
    return (
        f"At the threshold that gave {best} a specificity of {100 * SPECIFICITY:.0f} % on the "
        f"validation ECGs, it found {100 * found.value:.0f} % of the events in the test ECGs "
        f"({100 * found.low:.0f} to {100 * found.high:.0f} %), at a specificity of "
        f"{100 * spared.value:.0f} % ({100 * spared.low:.0f} to {100 * spared.high:.0f} %)."
    )


def _listed(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last

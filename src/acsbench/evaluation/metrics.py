"""The numbers of a report: each model's metrics, and the differences between models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from acsbench.disclosure import is_small
from acsbench.evaluation.cohort import Sample
from acsbench.statistics import (
    Comparison,
    Estimate,
    auroc,
    average_precision,
    brier,
    compare_auroc,
    sensitivity,
    specificity,
    threshold_at_specificity,
)
from acsbench.statistics.resample import RESAMPLES

SPECIFICITY = 0.90
METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "sensitivity_at_90_specificity": "Sensitivity at 90\u00a0% specificity",
    "realised_specificity": "Specificity reached",
}
"""Names of the metrics, and what a report calls them."""


@dataclass(frozen=True)
class ModelMetrics:
    """One model on the test ECGs.

    Args:
        estimates: by the names in `METRICS`.
        threshold: probability from which an ECG is called, chosen on the validation ECGs.
    """

    estimates: Mapping[str, Estimate]
    threshold: float


RANKING_ECGS = 1000
"""Fewer ECGs than these rank no models, whatever the interval of a difference."""


@dataclass(frozen=True)
class Pair:
    """Two models on the same ECGs; `comparison` is the first less the second.

    `p` is that of `comparison` times the number of pairs, and at most 1.
    """

    first: str
    second: str
    comparison: Comparison
    p: float

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        return self.comparison.difference.low > 0 or self.comparison.difference.high < 0

    @property
    def ranks(self) -> bool:
        """Whether the difference may be told as a ranking: it is sure, and not from few ECGs."""
        return self.differs and self.comparison.difference.n >= RANKING_ECGS


def model_metrics(
    valid: Sample,
    test: Sample,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ModelMetrics:
    """Metrics on the test ECGs, with the threshold chosen on the validation ECGs.

    Intervals keep each patient's ECGs together.

    Args:
        valid, test: labels, patients and probabilities.
        level: confidence level.
        resamples: bootstrap draws for the AUPRC.
        seed: of the bootstrap.
    """
    threshold = threshold_at_specificity(valid.labels, valid.probabilities, SPECIFICITY)
    rows = (test.labels, test.probabilities)
    groups = test.patients
    return ModelMetrics(
        {
            "auroc": auroc(*rows, groups, level),
            "auprc": average_precision(*rows, groups, level, resamples=resamples, seed=seed),
            "brier": brier(*rows, groups, level),
            "sensitivity_at_90_specificity": sensitivity(*rows, threshold, groups, level),
            "realised_specificity": specificity(*rows, threshold, groups, level),
        },
        threshold,
    )


def compare_models(tests: Mapping[str, Sample], level: float = 0.95) -> list[Pair]:
    """The model with the highest AUROC against each other one.

    Which model is best was seen on the same ECGs, so every pair of models is in effect
    compared. Limits and p values therefore hold for all pairs together (Bonferroni), and the
    intervals have a level of 1 − (1 − level) / number of pairs.

    Args:
        tests: the test ECGs with the probabilities of each model, by name.
        level: confidence level for all pairs together.

    Returns:
        One pair for each model but the best, which comes first in each.
    """
    if len(tests) < 2:
        return []
    areas = {name: auroc(t.labels, t.probabilities).value for name, t in tests.items()}
    best = max(areas, key=lambda name: areas[name])
    pairs = len(list(combinations(tests, 2)))
    found = []
    for name, sample in tests.items():
        if name == best:
            continue
        comparison = compare_auroc(
            sample.labels,
            tests[best].probabilities,
            sample.probabilities,
            sample.patients,
            level=1 - (1 - level) / pairs,
        )
        found.append(Pair(best, name, comparison, float(np.minimum(1.0, comparison.p * pairs))))
    return found


def too_few(sample: Sample, show_small_cells: bool = False) -> bool:
    """Whether so few patients have, or lack, the label that no metric may be shown.

    A number that rests on fewer than eleven patients points to them, and says next to nothing.
    """
    return not show_small_cells and any(map(is_small, sample.patients_by_label()))


def model_order(metrics: Mapping[str, ModelMetrics]) -> Sequence[str]:
    """Names from the highest AUROC to the lowest; a tie keeps the order given."""
    return sorted(metrics, key=lambda name: -metrics[name].estimates["auroc"].value)

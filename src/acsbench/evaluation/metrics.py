"""The numbers that a report leads with: each model's metrics, and the differences in AUROC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from acsbench.evaluation.cohort import Sample
from acsbench.statistics import (
    Comparison,
    Estimate,
    auroc,
    average_precision,
    brier,
    compare_auroc,
    equivalence,
    holm,
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
    "sensitivity_at_90_specificity": "Sensitivity at the threshold for 90\u00a0% specificity in "
    "validation",
    "realised_specificity": "Specificity reached",
}
"""Names of the metrics, and what a report calls them."""

AT_THRESHOLD = ("sensitivity_at_90_specificity", "realised_specificity")
"""Those of the metrics that rest on a threshold chosen on the validation ECGs."""

RANKING_ECGS = 1000
"""Fewer ECGs than these rank no models, whatever the interval of a difference."""

MARGIN = 0.03
"""Two AUROCs that differ by less are taken as the same for any purpose."""


@dataclass(frozen=True)
class ModelMetrics:
    """One model on the evaluated ECGs.

    Args:
        estimates: by the names in `METRICS`; those at a threshold are missing without one.
        threshold: probability from which an ECG is called, chosen on the validation ECGs.
    """

    estimates: Mapping[str, Estimate]
    threshold: float | None


@dataclass(frozen=True)
class Pair:
    """Two models on the same ECGs; `comparison` is the first less the second.

    Args:
        first, second: the models, the first with the higher AUROC.
        comparison: difference, z and p.
        p: that of `comparison`, adjusted for the number of pairs (Holm).
        p_equivalent: of the two one-sided tests that the difference lies within `MARGIN`,
            adjusted in the same way.
    """

    first: str
    second: str
    comparison: Comparison
    p: float
    p_equivalent: float

    @property
    def level(self) -> float:
        """Confidence level of the difference."""
        return self.comparison.difference.level

    @property
    def differs(self) -> bool:
        """Whether the difference is more than chance explains, of all pairs together."""
        difference = self.comparison.difference
        # Without a variance there is no test, as of a perfect ranking against none.
        untested = self.p != self.p
        return self.p < 1 - self.level or (untested and (difference.low > 0 or difference.high < 0))

    @property
    def ranks(self) -> bool:
        """Whether the difference may be told as a ranking: it is sure, and not from few ECGs."""
        return self.differs and self.comparison.difference.n >= RANKING_ECGS

    @property
    def reading(self) -> Literal["higher", "equivalent", "undecided", "few ECGs"]:
        """What the tests allow to say of the first model."""
        if self.differs:
            return "higher" if self.ranks else "few ECGs"
        return "equivalent" if self.p_equivalent < 1 - self.level else "undecided"


def model_metrics(
    test: Sample,
    valid: Sample | None = None,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ModelMetrics:
    """Metrics on the evaluated ECGs, with the threshold chosen on the validation ECGs.

    Intervals keep each patient's ECGs together.

    Args:
        test: the evaluated ECGs: labels, patients and probabilities.
        valid: those of the validation split; without them there is no threshold.
        level: confidence level.
        resamples: bootstrap draws for the AUPRC.
        seed: of the bootstrap.
    """
    rows = (test.labels, test.probabilities)
    groups = test.patients
    estimates = {
        "auroc": auroc(*rows, groups, level),
        "auprc": average_precision(*rows, groups, level, resamples=resamples, seed=seed),
        "brier": brier(*rows, groups, level),
    }
    if valid is None:
        return ModelMetrics(estimates, None)
    threshold = threshold_at_specificity(valid.labels, valid.probabilities, SPECIFICITY)
    estimates["sensitivity_at_90_specificity"] = sensitivity(*rows, threshold, groups, level)
    estimates["realised_specificity"] = specificity(*rows, threshold, groups, level)
    return ModelMetrics(estimates, threshold)


def compare_models(tests: Mapping[str, Sample], level: float = 0.95) -> list[Pair]:
    """Every two models, with p values that hold for all pairs together (Holm).

    Which model is best is seen on the same ECGs, so every pair is in effect compared, also
    where only those of the best are of interest.

    Args:
        tests: the evaluated ECGs with the probabilities of each model, from the highest AUROC.
        level: confidence level of each difference.
    """
    found = [
        (
            first,
            second,
            compare_auroc(a.labels, a.probabilities, b.probabilities, a.patients, level),
        )
        for (first, a), (second, b) in combinations(tests.items(), 2)
    ]
    adjusted = holm(np.array([comparison.p for _, _, comparison in found]))
    equivalent = holm(np.array([equivalence(c, MARGIN, 1 - level).p for _, _, c in found]))
    return [
        Pair(first, second, comparison, float(p), float(q))
        for (first, second, comparison), p, q in zip(found, adjusted, equivalent, strict=True)
    ]

"""Models on the classical signs: each measured criterion alone, any of them, all of them."""

from __future__ import annotations

import numpy as np

from acsbench.ecg.criteria import CRITERIA, EVIDENCE_OF_ANY, evidence_column
from acsbench.models.registry import SIGNS, register_model
from acsbench.models.tabular import DEMOGRAPHICS, LogisticModel
from acsbench.models.trees import BoostedTrees

EVIDENCE = tuple(evidence_column(name) for name in CRITERIA)
"""Columns of the table of signs: evidence for each criterion."""


def _of_one_sign(column: str) -> LogisticModel:
    """A model on one sign: the evidence ranks the ECGs, the regression only calibrates."""
    return LogisticModel((column,), np.inf)


def _register(criterion: str) -> None:
    @register_model(
        f"signs-{criterion}",
        kind="tabular",
        input=SIGNS,
        summary=f"{CRITERIA[criterion].title}, measured, as the only sign",
        paper=CRITERIA[criterion].source,
    )
    def build() -> LogisticModel:
        return _of_one_sign(evidence_column(criterion))


for _criterion in CRITERIA:
    _register(_criterion)


@register_model(
    "signs-any",
    kind="tabular",
    input=SIGNS,
    summary="the strongest measured sign of ischaemia",
    paper="Thygesen et al., Fourth universal definition of MI, Circulation 138:e618 (2018)",
)
def signs_any() -> LogisticModel:
    """The largest evidence for any criterion in `acsbench.ecg.criteria.ISCHAEMIA`."""
    return _of_one_sign(EVIDENCE_OF_ANY)


@register_model(
    "signs-logistic",
    kind="tabular",
    input=SIGNS,
    summary="logistic regression on the evidence for all measured criteria, age and sex",
    paper="Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 4.4",
)
def signs_logistic(strength: float = 0.03) -> LogisticModel:
    """Ridge logistic regression; see `LogisticModel`."""
    return LogisticModel((*EVIDENCE, *DEMOGRAPHICS), strength)


@register_model(
    "signs-boosted",
    kind="tabular",
    input=SIGNS,
    summary="gradient-boosted trees on the evidence for all measured criteria, age and sex",
    paper="Friedman, Ann Stat 29:1189 (2001)",
)
def signs_boosted(trees: int = 200, learning_rate: float = 0.05) -> BoostedTrees:
    """Boosted trees; see `BoostedTrees`."""
    return BoostedTrees((*EVIDENCE, *DEMOGRAPHICS), trees=trees, learning_rate=learning_rate)

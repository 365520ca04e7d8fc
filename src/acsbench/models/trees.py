"""Gradient-boosted trees over a table of measured signs, age and sex.

scikit-learn fits them. They are saved as plain arrays, which need no unpickling and do not depend
on the version of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from acsbench.errors import ConfigurationError
from acsbench.models.registry import SIGNS, register_model
from acsbench.models.tabular import DEMOGRAPHICS, ST_AND_T, State, columns_of

ROWS_AT_ONCE = 4096


@register_model(
    "boosted-trees",
    kind="tabular",
    input=SIGNS,
    summary="gradient-boosted trees on ST level and T amplitude of each lead, rate, age and sex",
    paper="Friedman, Ann Stat 29:1189 (2001)",
)
@dataclass
class BoostedTrees:
    """Boosted regression trees on the log-odds; each split sends missing values to one side.

    The defaults were chosen by cross-validation over patients of PTB-XL's folds 1-6.

    Args:
        features: columns of the table.
        trees: number of trees.
        learning_rate: factor of each tree.
        leaves: maximum number of leaves per tree.
        smallest_leaf: minimum number of training ECGs per leaf.
        penalty: ridge penalty on the leaves.
        share_of_features: share of the features that each split considers, at random.
    """

    features: Sequence[str] = (*ST_AND_T, "heart_rate", *DEMOGRAPHICS)
    trees: int = 200
    learning_rate: float = 0.05
    leaves: int = 8
    smallest_leaf: int = 20
    penalty: float = 10.0
    share_of_features: float = 0.3
    _state: State = field(default_factory=dict, init=False, repr=False)

    def fit(self, table: pd.DataFrame, labels: NDArray[np.int_], seed: int) -> None:
        """Fit to a table with the columns `features`, NaN where unknown.

        Raises:
            ConfigurationError: a column is missing.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        classifier = HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.smallest_leaf,
            l2_regularization=self.penalty,
            max_features=self.share_of_features,
            early_stopping=False,
            random_state=seed,
        )
        values = columns_of(table, self.features)
        # scikit-learn refuses a column of NaN; a constant column is never split.
        values = np.where(np.isnan(values).all(axis=0), 0.0, values)
        classifier.fit(values, labels)
        self._state = _arrays(classifier)

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities, shape (rows,)."""
        if not self._state:
            raise ConfigurationError("the model is not fitted")
        values = columns_of(table, self.features)
        parts = [
            _log_odds(values[start : start + ROWS_AT_ONCE], self._state)
            for start in range(0, len(values), ROWS_AT_ONCE)
        ]
        return np.asarray(expit(np.concatenate(parts)), dtype=np.float64)

    def state(self) -> State:
        """Nodes of all trees; see `_arrays`."""
        return dict(self._state)

    def load_state(self, state: State) -> None:
        """Restore a model from `state`."""
        self._state = dict(state)


def _arrays(classifier: object) -> State:
    """The trees of a fitted classifier, one after the other.

    Returns:
        `root` (trees,): first node of each tree. By node: the `feature` to compare with the
        `threshold`; the node to the `left`, if the value is at most the threshold, or `right`;
        `missing_left`, whether missing values go left; `value` of a leaf, 0 of other nodes. A
        leaf points to itself. `baseline` (1,): log-odds before the first tree.
    """
    # scikit-learn has no public access to its trees. A test compares all predictions with its own.
    trees = [stage[0].nodes for stage in classifier._predictors]  # type: ignore[attr-defined]
    sizes = [len(nodes) for nodes in trees]
    root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    nodes = np.concatenate(trees)
    offset = np.repeat(root, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    itself = np.arange(len(nodes))
    return {
        "root": root,
        "feature": np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "left": np.where(leaf, itself, nodes["left"] + offset),
        "right": np.where(leaf, itself, nodes["right"] + offset),
        "missing_left": nodes["missing_go_to_left"].astype(bool),
        "value": np.where(leaf, nodes["value"], 0.0),
        "baseline": np.ravel(classifier._baseline_prediction),  # type: ignore[attr-defined]
    }


def _log_odds(values: NDArray[np.float64], trees: State) -> NDArray[np.float64]:
    """Log-odds of each row; all rows descend all trees together, level by level."""
    node = np.tile(trees["root"], (len(values), 1))
    row = np.arange(len(values))[:, None]
    while True:
        value = values[row, trees["feature"][node]]
        left = np.where(
            np.isnan(value), trees["missing_left"][node], value <= trees["threshold"][node]
        )
        below = np.where(left, trees["left"][node], trees["right"][node])
        if np.array_equal(below, node):
            return trees["baseline"][0] + trees["value"][node].sum(axis=1)
        node = below

"""Gradient-boosted trees over a table of measured signs, age and sex.

scikit-learn fits them; what is kept are plain arrays, so that no file has to be unpickled.
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


@dataclass
class BoostedTrees:
    """Boosted regression trees on the log-odds; a missing value has a side of its own.

    Args:
        features: columns it takes.
        trees: number of trees.
        learning_rate: share of each tree that is added.
        leaves: leaves of a tree, at most.
        smallest_leaf: training ECGs in a leaf, at least.
        penalty: ridge penalty on the leaves.
        share_of_features: drawn at random for each split.
    """

    features: tuple[str, ...]
    trees: int
    learning_rate: float
    leaves: int
    smallest_leaf: int
    penalty: float
    share_of_features: float
    _state: State = field(default_factory=dict, repr=False)

    def fit(self, table: pd.DataFrame, labels: NDArray[np.int_], seed: int) -> None:
        """Fit to a table with the columns `features`; NaN where unknown.

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
        # scikit-learn refuses a feature that is never known; as a constant it splits nothing.
        values = np.where(np.isnan(values).all(axis=0), 0.0, values)
        classifier.fit(values, labels)
        self._state = _arrays(classifier)

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities, shape (rows,)."""
        if not self._state:
            raise ConfigurationError("the model was neither fitted nor loaded")
        values = columns_of(table, self.features)
        parts = [
            _log_odds(values[start : start + ROWS_AT_ONCE], self._state)
            for start in range(0, len(values), ROWS_AT_ONCE)
        ]
        return np.asarray(expit(np.concatenate(parts)), dtype=np.float64)

    def state(self) -> State:
        """The nodes of all trees, one array per property of a node; see `_arrays`."""
        return dict(self._state)

    def load_state(self, state: State) -> None:
        """Take over what `state` gave."""
        self._state = dict(state)


def _arrays(classifier: object) -> State:
    """The trees of a fitted classifier, laid end to end.

    Returns:
        `root` (trees,): where each tree begins. By node: `feature` to compare with
        `threshold`; `left` where it is at most that, else `right`, as positions in these
        arrays; `missing_left` where a missing value goes; `value` of a leaf, 0 of others. A
        leaf leads to itself. `baseline` (1,): log-odds before the first tree.
    """
    # scikit-learn has no public way to its trees; a test compares every prediction with its own.
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
    """Log-odds of each row: all rows go down all trees together, a level at a time."""
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


@register_model(
    "boosted-trees",
    kind="tabular",
    input=SIGNS,
    summary="gradient-boosted trees on ST level and T amplitude of each lead, rate, age and sex",
    paper="Friedman, Ann Stat 29:1189 (2001)",
)
def boosted_trees(
    features: Sequence[str] = (*ST_AND_T, "heart_rate", *DEMOGRAPHICS),
    trees: int = 200,
    learning_rate: float = 0.05,
    leaves: int = 8,
    smallest_leaf: int = 20,
    penalty: float = 10.0,
    share_of_features: float = 0.3,
) -> BoostedTrees:
    """Boosted trees; see `BoostedTrees` for the options.

    The defaults were chosen by cross-validation over patients of PTB-XL's folds 1-6.
    """
    return BoostedTrees(
        tuple(features),
        trees=trees,
        learning_rate=learning_rate,
        leaves=leaves,
        smallest_leaf=smallest_leaf,
        penalty=penalty,
        share_of_features=share_of_features,
    )

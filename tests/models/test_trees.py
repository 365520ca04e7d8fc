import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from acsbench.models import create_model
from acsbench.models.trees import ROWS_AT_ONCE


def table(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers with ties, infinities and missing values; infinite ones count as missing."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(rows, 5)), 1)
    labels = (values[:, 0] * values[:, 1] + rng.normal(0, 0.3, rows) > 0).astype(int)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[rng.random(values.shape) < 0.02] = np.inf
    return pd.DataFrame(values, columns=list("abcde")), labels


@pytest.mark.parametrize("leaves", [2, 8, 31])
def test_every_prediction_is_that_of_scikit_learn(leaves: int) -> None:
    train, labels = table(1000, seed=0)
    model = create_model("boosted-trees", features=list("abcde"), trees=50, leaves=leaves)
    model.fit(train, labels, seed=3)
    reference = HistGradientBoostingClassifier(
        max_iter=50,
        learning_rate=model.learning_rate,
        max_leaf_nodes=leaves,
        min_samples_leaf=model.smallest_leaf,
        l2_regularization=model.penalty,
        max_features=model.share_of_features,
        early_stopping=False,
        random_state=3,
    ).fit(train.replace(np.inf, np.nan).to_numpy(), labels)
    unseen, _ = table(ROWS_AT_ONCE + 100, seed=1)
    expected = expit(reference.decision_function(unseen.replace(np.inf, np.nan).to_numpy()))
    np.testing.assert_allclose(model.predict(unseen), expected, rtol=1e-12)


def test_trees_learn_what_no_line_separates() -> None:
    train, labels = table(2000, seed=0)
    unseen, truth = table(1000, seed=1)
    model = create_model("boosted-trees", features=list("abcde"))
    model.fit(train, labels, seed=0)
    risk = model.predict(unseen)
    assert risk[truth == 1].mean() > risk[truth == 0].mean() + 0.2


def test_one_label_only_trees_of_one_leaf() -> None:
    train, labels = table(30, seed=0)
    model = create_model("boosted-trees", features=list("abcde"), smallest_leaf=20)
    model.fit(train, labels, seed=0)
    np.testing.assert_allclose(model.predict(train), labels.mean())

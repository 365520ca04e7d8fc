import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from acsbench.models import create_model
from acsbench.models.tabular import STUDY_READINGS


def test_it_is_the_maximum_likelihood_without_penalty() -> None:
    rng = np.random.default_rng(0)
    flags = (rng.random((2000, 4)) < [0.1, 0.05, 0.15, 0.3]).astype(float)
    odds = flags @ [0.8, 1.5, 0.3, -0.2] - 0.7
    labels = (rng.random(2000) < 1 / (1 + np.exp(-odds))).astype(int)
    table = pd.DataFrame(flags, columns=list(STUDY_READINGS))

    def negative_log_likelihood(weights: np.ndarray) -> float:
        logits = flags @ weights[1:] + weights[0]
        return float(np.logaddexp(0, logits).sum() - logits @ labels)

    best = minimize(negative_log_likelihood, np.zeros(5), method="BFGS", options={"gtol": 1e-8}).x
    expected = 1 / (1 + np.exp(-(flags @ best[1:] + best[0])))
    model = create_model("flags-logistic")
    model.fit(table, labels, seed=0)
    np.testing.assert_allclose(model.predict(table), expected, atol=2e-4)
    assert model.predict(table).mean() == pytest.approx(labels.mean(), abs=1e-4)

import numpy as np
import pandas as pd
import pytest

from acsbench.leaderboard.holdout import holdout_of
from acsbench.leaderboard.rank import compare_with, ranks
from acsbench.statistics import compare_auroc, holm


@pytest.fixture(scope="module")
def simulated():
    rng = np.random.default_rng(0)
    labels = (rng.random(600) < 0.4).astype(float)
    labels[::7] = np.nan
    table = pd.DataFrame(
        {
            "ecg_id": [f"ecg{k}" for k in range(600)],
            "patient_id": rng.integers(0, 300, 600),
            "acs": labels,
        }
    )
    known = np.nan_to_num(labels)
    models = {
        "best": known + rng.normal(0, 1, 600),
        "bad": 0.1 * known + rng.normal(0, 1, 600),
    }
    models["close"] = models["best"] + rng.normal(0, 0.05, 600)
    models["same"] = models["best"].copy()
    return holdout_of(table), models


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([], []), ([0.8], [1]), ([0.8, 0.9, 0.8, 0.7], [2, 1, 2, 4]), ([0.8] * 3, [1, 1, 1])],
)
def test_equal_scores_share_the_better_rank(scores, expected):
    assert ranks(scores) == expected


def test_differences_are_paired_clustered_and_adjusted(simulated):
    holdout, models = simulated
    rows = ~np.isnan(holdout.labels["acs"])
    others = {name: scores for name, scores in models.items() if name != "best"}
    found = compare_with(holdout, "acs", rows, models["best"], others)
    labels, patients = holdout.labels["acs"][rows], holdout.patients[rows]
    expected = {
        name: compare_auroc(labels, scores[rows], models["best"][rows], patients)
        for name, scores in others.items()
    }
    adjusted = holm([each.p for each in expected.values()])
    for (name, comparison), p in zip(expected.items(), adjusted, strict=True):
        assert found[name].difference == comparison.difference
        assert (found[name].p, found[name].p_adjusted) == (comparison.p, pytest.approx(p))
    assert [name for name in found if found[name].differs] == ["bad"]
    assert found["same"].p == 1


def test_without_a_variance_the_limits_decide(simulated):
    holdout, _ = simulated
    rows = ~np.isnan(holdout.labels["acs"])
    perfect = np.nan_to_num(holdout.labels["acs"])
    found = compare_with(holdout, "acs", rows, perfect, {"reversed": 1 - perfect})
    assert found["reversed"].p is None
    assert found["reversed"].differs


def test_nobody_to_compare(simulated):
    holdout, models = simulated
    assert compare_with(holdout, "acs", np.ones(600, bool), models["best"], {}) == {}

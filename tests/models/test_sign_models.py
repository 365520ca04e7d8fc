from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from acsbench.ecg.criteria import CRITERIA
from acsbench.models.registry import create_model, list_models, model_info
from acsbench.models.sign_models import EVIDENCE


def table(rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    """Evidence of which that for ST elevation tells the label."""
    rng = np.random.default_rng(0)
    values = pd.DataFrame(
        rng.normal(size=(rows, len(EVIDENCE) + 3)),
        columns=[*EVIDENCE, "evidence_any", "age", "female"],
    )
    labels = (values["evidence_st_elevation"] + rng.normal(0, 0.3, rows) > 0.5).astype(int)
    return values, labels.to_numpy()


def test_every_criterion_is_a_model() -> None:

    assert {f"signs-{name}" for name in CRITERIA} <= set(list_models())
    assert model_info("signs-st-elevation").paper == CRITERIA["st-elevation"].source


def test_a_single_sign_ranks_as_its_evidence() -> None:
    values, labels = table()
    model = create_model("signs-st-elevation")
    model.fit(values, labels, seed=0)
    order = model.predict(values).argsort()
    assert (np.diff(values["evidence_st_elevation"].to_numpy()[order]) >= 0).all()


@pytest.mark.parametrize("name", ["signs-logistic", "signs-boosted"])
def test_models_of_all_signs_find_the_one_that_tells(name: str) -> None:
    values, labels = table()
    model = create_model(name)
    model.fit(values, labels, seed=0)
    probability = model.predict(values)
    assert probability[labels == 1].mean() > probability[labels == 0].mean() + 0.3

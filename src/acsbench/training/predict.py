"""Probabilities from a trained model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file as load_tensors
from torch import nn

from acsbench.errors import ConfigurationError, DataError
from acsbench.models.registry import SIGNS, create_model, model_info
from acsbench.models.tabular import DEMOGRAPHICS, TabularModel
from acsbench.training.data import StoredWaveforms
from acsbench.training.run import WEIGHTS, Run
from acsbench.waveforms.prepare import Prepared
from acsbench.waveforms.process import MEASURED

EVERY_SPLIT = "all"


class Predictor(Protocol):
    """A trained model of any kind."""

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> pd.Series:
        """Probability of each ECG of a task's table, indexed by `ecg_id`."""


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """A trained network.

    Args:
        network: from waveforms to one logit.
        profile: preparation profile of its waveforms.
        event_weight: weight that events had in training; it is taken out of the odds again.
    """

    network: nn.Module
    profile: str
    event_weight: float

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> pd.Series:
        """Probability of each ECG of a task's table, indexed by `ecg_id`."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = self.network.to(device).eval()
        batches = StoredWaveforms(prepared.store(self.profile), table[["ecg_id"]]).in_order()
        with torch.inference_mode():
            logits = [network(waveforms.to(device))[:, 0].float().cpu() for waveforms, _ in batches]
        odds = torch.cat(logits).double() - float(np.log(self.event_weight))
        return _series(table, torch.sigmoid(odds).numpy())


@dataclass(frozen=True, eq=False)
class TabularPredictor:
    """A fitted tabular model."""

    model: TabularModel

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> pd.Series:
        """Probability of each ECG of a task's table, indexed by `ecg_id`."""
        return _series(table, self.model.predict(sign_table(prepared, table)))


def sign_table(prepared: Prepared, table: pd.DataFrame) -> pd.DataFrame:
    """Measured signs, age (years) and sex (female 1, male 0) of a task's ECGs, in its order."""
    signs = prepared.signs().loc[list(table["ecg_id"])].reset_index(drop=True)
    unknown = pd.Series(np.nan, index=table.index)
    age = table.get("age", unknown).to_numpy(dtype=float)
    sex = table.get("sex", unknown).map({"female": 1.0, "male": 0.0}).to_numpy(dtype=float)
    return signs.assign(**dict(zip(DEMOGRAPHICS, (age, sex), strict=True)))


def processing_of(model: str, prepared: Prepared) -> dict[str, Any]:
    """The preparation that a model gets from a prepared folder."""
    info = model_info(model)
    if info.input == SIGNS:
        return {"profile": SIGNS, "measured": list(MEASURED)}
    return prepared.store(info.input).processing


def load_predictor(run: Run) -> Predictor:
    """The trained model of a run.

    Raises:
        DataError: the weights are missing or do not fit the configuration.
    """
    path = run.path / WEIGHTS
    model = create_model(run.model, **run.config["training"]["options"])
    fix = "Train the model again"
    try:
        if model_info(run.model).kind == "tabular":
            model.load_state(load_arrays(path))
            return TabularPredictor(model)
        model.load_state_dict(load_tensors(path))
    except (OSError, SafetensorError) as error:
        raise DataError("the weights cannot be read", file=path, fix=fix) from error
    except RuntimeError as error:
        raise DataError("the weights do not fit the configuration", file=path, fix=fix) from error
    return NetworkPredictor(model, run.config["processing"]["profile"], run.config["event_weight"])


def predict(run: Run, prepared: Prepared, split: str, task: str | None = None) -> pd.Series:
    """Predict the ECGs of a split, or all of them.

    Args:
        run: the trained model.
        prepared: where the ECGs are.
        split: `train`, `valid`, `test` or `all`; a holdout is always predicted whole.
        task: whose ECGs; the only one of the folder unless given.

    Returns:
        Probabilities, indexed by `ecg_id`, in the table's order.

    Raises:
        ConfigurationError: the waveforms were prepared in another way than those that the
            model was trained on, they are split in another way, or the split holds no ECG.
    """
    found = processing_of(run.model, prepared)
    if found != run.config["processing"]:
        raise ConfigurationError(
            f"the model was trained on waveforms prepared as {run.config['processing']}; "
            f"{prepared.path} holds {found}"
        )
    if model_info(run.model).kind == "network":
        prepared.store(found["profile"]).verify()
    digests = prepared.manifest()["digests"]
    if prepared.meta["input_hash"] == run.config["data"]["input_hash"]:
        for step in run.config["lineage"]:
            if digests.get(step["task"], step["split"]) != step["split"]:
                raise ConfigurationError(
                    f"the model was trained on another split of these ECGs than {prepared.path} "
                    "holds: it would be tested on patients it has seen"
                )
    if prepared.tasks:
        table = prepared.table(prepared.task(task))
    else:  # a holdout has waveforms and no task
        table, split = prepared.ecgs(), EVERY_SPLIT
    if split != EVERY_SPLIT:
        table = table[table["split"] == split].reset_index(drop=True)
    if table.empty:
        raise ConfigurationError(f"the split {split!r} holds no ECG")
    return load_predictor(run).probabilities(prepared, table)


def _series(table: pd.DataFrame, probabilities: NDArray[np.float64]) -> pd.Series:
    return pd.Series(
        probabilities, index=pd.Index(table["ecg_id"], name="ecg_id"), name="probability"
    )

"""Trained models of every kind, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file as load_tensors
from scipy.special import expit
from torch import Tensor, nn

from acsbench.disclosure import shown_count
from acsbench.errors import ROWS_NAMED, ConfigurationError, DataError
from acsbench.models.covariates import WithCovariates
from acsbench.models.registry import READINGS, SIGNS, create_model, model_info
from acsbench.models.tabular import STUDY_READINGS, TabularModel
from acsbench.training.data import StoredWaveforms
from acsbench.training.features import covariates_of, feature_table
from acsbench.training.run import CODE, WEIGHTS, Run
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.signs_table import CONTENT

Probabilities = NDArray[np.float64]


class Predictor(Protocol):
    """A trained model of any kind."""

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> Probabilities:
        """Probability of each ECG of a table with `ecg_id`, in its order.

        NaN where the model's output is not finite; see `check_finite`.
        """


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """A trained network.

    Args:
        network: from waveforms (and covariates) to one logit.
        run_config: configuration of its run.
    """

    network: nn.Module
    run_config: dict[str, Any]

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> Probabilities:
        """Probability of each ECG of a table with `ecg_id`, in its order."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = self.network.to(device).eval()
        with torch.inference_mode():
            logits = [
                one_logit(network(*(part.to(device) for part in batch.inputs()))).double().cpu()
                for batch in stored_waveforms(prepared, table, self.run_config).in_order()
            ]
        return probabilities_of(torch.cat(logits).numpy(), self.run_config["event_weight"])


@dataclass(frozen=True, eq=False)
class TabularPredictor:
    """A fitted tabular model.

    Args:
        model: the model.
        kind: its input.
    """

    model: TabularModel
    kind: str

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> Probabilities:
        """Probability of each ECG of a table with `ecg_id`, in its order."""
        risks = self.model.predict(feature_table(self.kind, prepared, table))
        return finite_or_nan(risks)


def one_logit(output: Tensor) -> Tensor:
    """The logits of a network's output, shape (batch,).

    Raises:
        ConfigurationError: the output is not (batch, 1), or no floating-point numbers.
    """
    if output.ndim != 2 or output.shape[1] != 1 or not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        raise ConfigurationError(
            f"the network's output has the shape {tuple(output.shape)} and the type {kind}; give "
            "one logit for each ECG, shape (batch, 1), as floating-point numbers"
        )
    return output[:, 0]


def finite_or_nan(outputs: ArrayLike) -> NDArray[np.float64]:
    """Outputs in double precision, NaN where one is infinite."""
    values = np.asarray(outputs, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def probabilities_of(logits: NDArray[np.floating], event_weight: float) -> Probabilities:
    """Probabilities from a network's logits, of whatever kind the network is.

    In double precision, since single precision makes 1 of every logit above 17.

    Args:
        logits: shape (n,).
        event_weight: how much more an event weighed in training than it is frequent; it is taken
            out of the odds again.

    Returns:
        Shape (n,), NaN where a logit is NaN or infinite.
    """
    return np.asarray(expit(finite_or_nan(logits) - np.log(event_weight)), dtype=np.float64)


def check_finite(probabilities: Probabilities, prepared: Prepared, table: pd.DataFrame) -> None:
    """Make sure that a model has a probability for each ECG.

    Args:
        probabilities: one per row of the table, shape (n,).
        prepared: where the ECGs are.
        table: one row per ECG, with `ecg_id`.

    Raises:
        DataError: an output is NaN or infinite.
    """
    wrong = np.isnan(probabilities)
    if wrong.any():
        count, total = (
            shown_count(number, prepared.simulated) for number in (int(wrong.sum()), len(wrong))
        )
        ids = table["ecg_id"].to_numpy()[wrong]
        raise DataError(
            f"the model's output is NaN or infinite for {count} of {total} ECGs",
            file=prepared.path,
            private=", ".join(map(str, ids[:ROWS_NAMED])),
            fix="They have no predictions. Look at these ECGs, or train the model again, with a "
            "lower learning_rate if it is a network",
        )


def covariate_names(run_config: dict[str, Any]) -> list[Any]:
    """What a run's network is told beside the waveforms."""
    return list(run_config["training"].get("covariates", []))


def stored_waveforms(
    prepared: Prepared, table: pd.DataFrame, run_config: dict[str, Any]
) -> StoredWaveforms:
    """What a run's network takes of some ECGs."""
    covariates = covariates_of(prepared, table, covariate_names(run_config))
    store = prepared.store(run_config["processing"]["profile"])
    return StoredWaveforms(store, table[["ecg_id"]], covariates)


def input_of(model: str, options: Mapping[str, Any]) -> str:
    """Profile of the waveforms that a network takes, or kind of a tabular model's table."""
    # HuBERT-ECG can take the study's preparation in place of its authors'.
    return str(options.get("input", model_info(model).input))


def processing_of(model: str, options: Mapping[str, Any], prepared: Prepared) -> dict[str, Any]:
    """The preparation that a model of certain options gets from a prepared folder."""
    taken = input_of(model, options)
    if taken == SIGNS:
        return {"profile": SIGNS, "measured": list(CONTENT)}
    if taken == READINGS:
        return {"profile": READINGS, "columns": list(STUDY_READINGS)}
    return prepared.store(taken).processing


def fresh_network(run_config: dict[str, Any]) -> nn.Module:
    """The network of a run's configuration, with fresh weights."""
    network: nn.Module = create_model(run_config["model"], **run_config["training"]["options"])
    covariates = covariate_names(run_config)
    return WithCovariates(network, len(covariates)) if covariates else network


def load_network(run: Run) -> nn.Module:
    """The trained network of a run.

    Raises:
        DataError: the weights are missing or do not fit the model.
    """
    network = fresh_network(run.config)
    path = run.path / WEIGHTS
    fix = "Train the model again"
    try:
        network.load_state_dict(load_tensors(path))
    except (OSError, SafetensorError) as error:
        raise DataError("the weights cannot be read", file=path, fix=fix) from error
    except RuntimeError as error:
        if has_changed(run):
            fix = "Its code has changed since it was trained: train it again, or put back the code"
        raise DataError("the weights do not fit the model", file=path, fix=fix) from error
    return network


def has_changed(run: Run) -> bool:
    """Whether a model that is not our own is another now than when the run was trained.

    An ONNX file holds the model as it was.
    """
    return run.path.suffix != ".onnx" and run.config.get(CODE) != model_info(run.model).code


def load_predictor(run: Run) -> Predictor:
    """The trained model of a run, or of an ONNX file that was made of one.

    Raises:
        DataError: the weights are missing or do not fit the model.
    """
    if run.path.suffix == ".onnx":
        from acsbench.training.onnx import OnnxPredictor

        return OnnxPredictor(run.path, run.config)
    if model_info(run.model).kind == "network":
        return NetworkPredictor(load_network(run), run.config)
    path = run.path / WEIGHTS
    model: TabularModel = create_model(run.model, **run.config["training"]["options"])
    try:
        model.load_state(load_arrays(path))
    except (OSError, SafetensorError) as error:
        raise DataError(
            "the weights cannot be read", file=path, fix="Train the model again"
        ) from error
    return TabularPredictor(model, model_info(run.model).input)

"""Trained models of every kind, ready to predict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
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
from acsbench.runs import CODE, WEIGHTS, Run, open_run
from acsbench.training.data import StoredWaveforms
from acsbench.training.features import covariates_of, feature_table
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.signs_table import CONTENT

Inputs = StoredWaveforms | pd.DataFrame
"""Inputs of a model for some ECGs, opened: waveforms of a network, features of other models."""
Probabilities = NDArray[np.float64]

ONNX = ".onnx"
ONNX_CONFIG = "acsbench"
"""Key of the run's configuration in the metadata of an ONNX file, as JSON."""
ONNX_INPUTS = ("waveforms", "covariates")
ONNX_PROBABILITY, ONNX_LOGIT = "probability", "logit"


class Predictor(Protocol):
    """A trained model of any kind."""

    def probabilities(self, inputs: Any) -> Probabilities:
        """Probability of each ECG, shape (n,); NaN where the output is not finite.

        Args:
            inputs: from `inputs_of`, or a part of them.
        """


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """A trained network with one logit; `event_weight` as in `probabilities_of`."""

    network: nn.Module
    event_weight: float

    def probabilities(self, inputs: StoredWaveforms) -> Probabilities:
        """Probability of each ECG, shape (n,)."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = self.network.to(device).eval()
        with torch.inference_mode():
            logits = [
                one_logit(network(*(part.to(device) for part in batch.inputs()))).double().cpu()
                for batch in inputs.in_order()
            ]
        return probabilities_of(torch.cat(logits).numpy(), self.event_weight)


@dataclass(frozen=True, eq=False)
class TabularPredictor:
    """A fitted tabular model."""

    model: TabularModel

    def probabilities(self, inputs: pd.DataFrame) -> Probabilities:
        """Probability of each ECG, shape (n,)."""
        return finite_or_nan(self.model.predict(inputs))


@dataclass(frozen=True, eq=False)
class OnnxPredictor:
    """A trained network in an ONNX file; `session` is an `onnxruntime.InferenceSession`."""

    session: Any
    event_weight: float

    def probabilities(self, inputs: StoredWaveforms) -> Probabilities:
        """Probability of each ECG, shape (n,)."""
        # Files of earlier versions only hold the probability, in single precision.
        has_logit = ONNX_LOGIT in {output.name for output in self.session.get_outputs()}
        wanted = ONNX_LOGIT if has_logit else ONNX_PROBABILITY
        parts = []
        for batch in inputs.in_order():
            arrays = (part.numpy() for part in batch.inputs())
            parts.append(
                self.session.run([wanted], dict(zip(ONNX_INPUTS, arrays, strict=False)))[0]
            )
        outputs = finite_or_nan(np.concatenate(parts))
        return probabilities_of(outputs, self.event_weight) if has_logit else outputs


def open_trained(path: Path) -> Run:
    """Open a finished run, or an ONNX file that was exported from one.

    Raises:
        DataError: the path is neither, or the file cannot be read.
        ConfigurationError: the path is an ONNX file and onnxruntime is not installed.
    """
    if path.suffix != ONNX:
        return open_run(path)
    properties = _session(path).get_modelmeta().custom_metadata_map
    try:
        return Run(path, json.loads(properties[ONNX_CONFIG]))
    except (KeyError, ValueError) as error:
        raise DataError(
            "the ONNX file does not contain the configuration of a run",
            file=path,
            fix="Make it with acsbench models export",
        ) from error


def load_predictor(run: Run) -> Predictor:
    """The trained model of a run or of an ONNX file.

    Raises:
        DataError: the weights are missing or do not fit the model.
    """
    if run.path.suffix == ONNX:
        return OnnxPredictor(_session(run.path), run.config["event_weight"])
    if model_info(run.model).kind == "network":
        return NetworkPredictor(load_network(run), run.config["event_weight"])
    path = run.path / WEIGHTS
    model: TabularModel = create_model(run.model, **run.config["training"]["options"])
    try:
        model.load_state(load_arrays(path))
    except (OSError, SafetensorError) as error:
        raise DataError(
            "the weights cannot be read", file=path, fix="Train the model again"
        ) from error
    return TabularPredictor(model)


def inputs_of(run_config: Mapping[str, Any], prepared: Prepared, table: pd.DataFrame) -> Inputs:
    """Open what the model of a run takes for the ECGs of a table with `ecg_id`, in its order."""
    info = model_info(run_config["model"])
    if info.kind == "tabular":
        return feature_table(info.input, prepared, table)
    return stored_waveforms(prepared, table, run_config)


def stored_waveforms(
    prepared: Prepared, table: pd.DataFrame, run_config: Mapping[str, Any]
) -> StoredWaveforms:
    """Waveforms and covariates that the network of a run takes for some ECGs."""
    covariates = covariates_of(prepared, table, covariate_names(run_config))
    store = prepared.store(run_config["processing"]["profile"])
    return StoredWaveforms(store, table[["ecg_id"]], covariates)


def one_logit(output: Tensor) -> Tensor:
    """The logits in the output of a network, shape (batch,).

    Raises:
        ConfigurationError: the output is not (batch, 1), or not floating-point.
    """
    if output.ndim != 2 or output.shape[1] != 1 or not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        raise ConfigurationError(
            f"the output of the network has shape {tuple(output.shape)} and type {kind}; return "
            "one floating-point logit for each ECG, shape (batch, 1)"
        )
    return output[:, 0]


def finite_or_nan(outputs: ArrayLike) -> NDArray[np.float64]:
    """Outputs in double precision, with NaN in place of infinity."""
    values = np.asarray(outputs, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def probabilities_of(logits: NDArray[np.floating], event_weight: float) -> Probabilities:
    """Probabilities from the logits of a network.

    Double precision is needed: in single precision every logit above 17 gives 1.

    Args:
        logits: shape (n,).
        event_weight: weight of an event relative to a control during training; the odds are
            divided by it.

    Returns:
        Shape (n,), NaN where a logit is NaN or infinite.
    """
    return np.asarray(expit(finite_or_nan(logits) - np.log(event_weight)), dtype=np.float64)


def check_finite(probabilities: Probabilities, prepared: Prepared, table: pd.DataFrame) -> None:
    """Check that the model gave a probability for each ECG of a table.

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
            fix="They have no predictions. Check these ECGs, or train the model again; for a "
            "network, lower learning_rate",
        )


def covariate_names(run_config: Mapping[str, Any]) -> list[Any]:
    """Covariates that the network of a run takes beside the waveforms."""
    return list(run_config["training"].get("covariates", []))


def input_of(model: str, options: Mapping[str, Any]) -> str:
    """Profile of the waveforms that a network takes, or kind of a tabular model's table."""
    # The input of HuBERT-ECG is an option: its authors' preparation, or the study's.
    return str(options.get("input", model_info(model).input))


def processing_of(model: str, options: Mapping[str, Any], prepared: Prepared) -> dict[str, Any]:
    """How a prepared folder prepares the input of a model with some options."""
    taken = input_of(model, options)
    if taken == SIGNS:
        return {"profile": SIGNS, "measured": list(CONTENT)}
    if taken == READINGS:
        return {"profile": READINGS, "columns": list(STUDY_READINGS)}
    return prepared.store(taken).processing


def fresh_network(run_config: Mapping[str, Any]) -> nn.Module:
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
            fix = "Its code has changed since: train the model again, or restore the code"
        raise DataError("the weights do not fit the model", file=path, fix=fix) from error
    return network


def has_changed(run: Run) -> bool:
    """Whether the code of a user's model has changed since the run was trained.

    An ONNX file contains the network itself, so that no code matters.
    """
    return run.path.suffix != ONNX and run.config.get(CODE) != model_info(run.model).code


def _session(path: Path) -> Any:
    require_onnx("onnxruntime")
    import onnxruntime

    if not path.is_file():
        raise DataError("the file does not exist", file=path, fix="Check the path")
    try:
        return onnxruntime.InferenceSession(path, providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime has no base class for its errors
        raise DataError(
            "the ONNX file cannot be read", file=path, fix="Make it with acsbench models export"
        ) from error


def require_onnx(*packages: str) -> None:
    """Check that the packages for ONNX files are installed.

    Raises:
        ConfigurationError: a package is missing.
    """
    for package in packages:
        if find_spec(package) is None:
            raise ConfigurationError(
                f"{package} is not installed. Run: pip install 'acsbench[onnx]'"
            )

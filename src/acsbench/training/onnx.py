"""Trained networks as ONNX files, which run without PyTorch and without acsbench."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import written_whole
from acsbench.models.registry import model_info
from acsbench.models.s4_matrices import without_fourier_transforms
from acsbench.training.predictors import (
    Probabilities,
    covariate_names,
    finite_or_nan,
    load_network,
    probabilities_of,
    stored_waveforms,
)
from acsbench.training.run import Run
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.profiles import PROFILES

METADATA = "acsbench"
"""Key of the run's configuration in the file, as JSON."""
INPUTS = ("waveforms", "covariates")
PROBABILITY, LOGIT = "probability", "logit"
"""Outputs: what predictions hold, and what the network said."""


class _Outputs(nn.Module):
    """A network's logit and the probability that predictions hold, in double precision."""

    def __init__(self, network: nn.Module, event_weight: float):
        super().__init__()
        self.network = network
        self.correction = log(event_weight)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(*inputs)[:, 0].double()
        odds = logits - self.correction
        # onnxruntime's own sigmoid is 0 of every number below -37, even in double precision.
        return torch.exp(odds.clamp(max=0)) / (1 + torch.exp(-odds.abs())), logits


def export_onnx(run: Run, path: Path) -> None:
    """Write a run's network as an ONNX file.

    Inputs are `waveforms` (batch, rows, samples) prepared as the run's configuration says,
    which the file holds, and `covariates` (batch, n), NaN where unknown, if the network takes
    any. Outputs, in double precision, are `probability` (batch,) and `logit` (batch,), from which
    the weight that events had in training is not taken out.

    Args:
        run: of a network.
        path: the file to write.

    Raises:
        ConfigurationError: the run is not of a network, or ONNX is not installed.
    """
    if model_info(run.model).kind != "network":
        raise ConfigurationError(f"{run.model} is no network; only networks become ONNX files")
    _require("onnx", "onnxscript")
    profile = PROFILES[run.config["processing"]["profile"]]
    inputs = [torch.zeros(2, len(profile.rows), profile.samples)]
    covariates = covariate_names(run.config)
    if covariates:
        inputs.append(torch.zeros(2, len(covariates)))
    names = INPUTS[: len(inputs)]
    network = without_fourier_transforms(load_network(run), *inputs)
    module = _Outputs(network, run.config["event_weight"]).eval()
    batch = torch.export.Dim("batch")
    with _quiet_exporter(), torch.no_grad():
        program: Any = torch.onnx.export(
            module,
            tuple(inputs),
            input_names=list(names),
            output_names=[PROBABILITY, LOGIT],
            dynamic_shapes=(({0: batch},) * len(inputs),),
            dynamo=True,
            verbose=False,
        )
    program.model.metadata_props[METADATA] = json.dumps(run.config)
    with written_whole(path) as temporary:
        program.save(str(temporary), external_data=False)


def open_onnx(path: Path) -> Run:
    """The configuration of the run that an ONNX file was made of.

    Raises:
        ConfigurationError: onnxruntime is not installed.
        DataError: the file cannot be read, or acsbench did not write it.
    """
    fix = "Make it with acsbench models export"
    properties = _session(path).get_modelmeta().custom_metadata_map
    try:
        return Run(path, json.loads(properties[METADATA]))
    except (KeyError, ValueError) as error:
        raise DataError("the ONNX file does not say how it was made", file=path, fix=fix) from error


@dataclass(frozen=True, eq=False)
class OnnxPredictor:
    """A trained network in an ONNX file.

    Args:
        path: the file.
        run_config: configuration of the run that it was made of.
    """

    path: Path
    run_config: dict[str, Any]

    def probabilities(self, prepared: Prepared, table: pd.DataFrame) -> Probabilities:
        """Probability of each ECG of a table with `ecg_id`, in its order."""
        session = _session(self.path)
        # Files of earlier versions have the probability alone, in single precision.
        has_logit = LOGIT in {output.name for output in session.get_outputs()}
        wanted = LOGIT if has_logit else PROBABILITY
        parts = []
        for batch in stored_waveforms(prepared, table, self.run_config).in_order():
            arrays = (part.numpy() for part in batch.inputs())
            parts.append(session.run([wanted], dict(zip(INPUTS, arrays, strict=False)))[0])
        outputs = finite_or_nan(np.concatenate(parts))
        return probabilities_of(outputs, self.run_config["event_weight"]) if has_logit else outputs


def _session(path: Path) -> Any:
    _require("onnxruntime")
    import onnxruntime

    if not path.is_file():
        raise DataError("there is no such file", file=path, fix="Mind the spelling of the path")
    try:
        return onnxruntime.InferenceSession(path, providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime has no base class for its errors
        raise DataError(
            "the ONNX file cannot be read", file=path, fix="Make it with acsbench models export"
        ) from error


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide what PyTorch's exporter says about itself; an error is raised all the same."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _require(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            raise ConfigurationError(
                f"{package} is not installed. Run: pip install 'acsbench[onnx]'"
            )

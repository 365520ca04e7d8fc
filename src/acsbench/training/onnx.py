"""Export of trained networks as ONNX files, which run without PyTorch and without acsbench."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import log
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError
from acsbench.files import written_whole
from acsbench.models.registry import model_info
from acsbench.models.s4_matrices import without_fourier_transforms
from acsbench.runs import Run
from acsbench.training.predictors import (
    ONNX_CONFIG,
    ONNX_INPUTS,
    ONNX_LOGIT,
    ONNX_PROBABILITY,
    covariate_names,
    load_network,
    require_onnx,
)
from acsbench.waveforms.profiles import PROFILES


class _Outputs(nn.Module):
    """Probability and logit of a network, in double precision."""

    def __init__(self, network: nn.Module, event_weight: float):
        super().__init__()
        self.network = network
        self.correction = log(event_weight)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(*inputs)[:, 0].double()
        odds = logits - self.correction
        # The sigmoid of onnxruntime returns 0 below -37, even in double precision.
        return torch.exp(odds.clamp(max=0)) / (1 + torch.exp(-odds.abs())), logits


def export_onnx(run: Run, path: Path) -> None:
    """Write the network of a run as an ONNX file.

    The inputs are `waveforms` (batch, rows, samples), prepared as the run's configuration in the
    file's metadata says, and `covariates` (batch, n), NaN where unknown, if the network takes
    any. The outputs are `probability` (batch,) and `logit` (batch,), in double precision; the
    logit still contains the weight that events had in training.

    Raises:
        ConfigurationError: the model is not a network, or ONNX is not installed.
    """
    if model_info(run.model).kind != "network":
        raise ConfigurationError(f"{run.model} is not a network; only networks can be exported")
    require_onnx("onnx", "onnxscript")
    profile = PROFILES[run.config["processing"]["profile"]]
    inputs = [torch.zeros(2, len(profile.rows), profile.samples)]
    covariates = covariate_names(run.config)
    if covariates:
        inputs.append(torch.zeros(2, len(covariates)))
    network = without_fourier_transforms(load_network(run), *inputs)
    module = _Outputs(network, run.config["event_weight"]).eval()
    batch = torch.export.Dim("batch")
    with _quiet_exporter(), torch.no_grad():
        program: Any = torch.onnx.export(
            module,
            tuple(inputs),
            input_names=list(ONNX_INPUTS[: len(inputs)]),
            output_names=[ONNX_PROBABILITY, ONNX_LOGIT],
            dynamic_shapes=(({0: batch},) * len(inputs),),
            dynamo=True,
            verbose=False,
        )
    program.model.metadata_props[ONNX_CONFIG] = json.dumps(run.config)
    with written_whole(path) as temporary:
        program.save(str(temporary), external_data=False)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide the log messages and warnings of PyTorch's exporter."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

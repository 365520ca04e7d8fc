"""Checks before a pre-training continues from an earlier one."""

from __future__ import annotations

from pathlib import Path

import torch

from acsbench.disclosure import shown_count
from acsbench.errors import ConfigurationError
from acsbench.models.hubert import HubertEcg
from acsbench.models.registry import create_model
from acsbench.runs import Run
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import Material, pretraining_patients
from acsbench.training.pretraining.encoder import frames_of
from acsbench.training.pretraining.folder import open_pretrained
from acsbench.training.pretraining.lineage import check_known, pretrained_patients
from acsbench.waveforms.prepared import Prepared


def check_earlier(
    earlier: Path, prepared: Prepared, material: Material, config: PretrainingConfig
) -> None:
    """Check that a pre-training may continue from an earlier one.

    Args:
        earlier: folder of the earlier pre-training.
        prepared: prepared folder of the new one.
        material: data of the new one.
        config: settings of the new one.

    Raises:
        ConfigurationError: the networks do not match, or the earlier training used patients who
            are evaluated now.
        DataError: the folder is not a finished pre-training.
    """
    run = open_pretrained(earlier)
    _check_network(run, config)
    _check_patients(run, prepared, material)


def _check_network(run: Run, config: PretrainingConfig) -> None:
    with torch.device("meta"):
        network: HubertEcg = create_model(config.model, **config.options)
        before: HubertEcg = create_model(run.model, **run.config["training"]["options"])
    layers = before.hubert.config.num_hidden_layers
    if config.layer is None or not 1 <= config.layer <= layers:
        raise ConfigurationError(
            f"--layer is {config.layer}, but the earlier network has layers 1 to {layers}; choose "
            "one of them"
        )
    if frames_of(network) != frames_of(before):
        raise ConfigurationError(
            "the frames of the earlier network have other positions; choose the same "
            "front_kernels and front_strides"
        )
    shapes = [
        {name: value.shape for name, value in each.hubert.state_dict().items()}
        for each in (network, before)
    ]
    if config.keep_weights and shapes[0] != shapes[1]:
        raise ConfigurationError(
            f"the encoder in {run.path} has another size than the network; choose the same --size "
            "and options, or fresh weights with --set keep_weights=false"
        )


def _check_patients(run: Run, prepared: Prepared, material: Material) -> None:
    lineage = run.config["lineage"]
    check_known(prepared, lineage)
    allowed = pretraining_patients(prepared, prepared.tasks)
    judged = pretrained_patients(prepared, lineage) - allowed
    if judged:
        raise ConfigurationError(
            f"{shown_count(len(judged))} training patients of the earlier pre-training are "
            f"excluded in {prepared.path} by the split of a task; repeat the earlier pre-training "
            "on that folder"
        )
    if run.config["patients"] != material.digest:
        settings = run.config["training"]
        raise ConfigurationError(
            "validation patients may be training patients of the earlier pre-training; use its "
            f"ECGs and tasks, --seed {settings['seed']} and valid_share={settings['valid_share']}"
        )

"""What must hold before a pre-training goes on from an earlier one."""

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
    """Make sure that a pre-training may go on from an earlier one.

    Args:
        earlier: folder of the earlier one.
        prepared: what the new one is trained on.
        material: whom it is trained on, and who only validates.
        config: of the new one.

    Raises:
        ConfigurationError: the networks do not fit together, or patients who are judged now were
            trained on earlier.
        DataError: the folder holds no finished pre-training.
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
            f"the earlier network has layers 1 to {layers}, not {config.layer}; choose one of "
            "them with --layer"
        )
    if frames_of(network) != frames_of(before):
        raise ConfigurationError(
            "the earlier network's frames lie elsewhere, so its latents are no descriptors of "
            "these; choose the same front_kernels and front_strides"
        )
    shapes = [
        {name: value.shape for name, value in each.hubert.state_dict().items()}
        for each in (network, before)
    ]
    if config.keep_weights and shapes[0] != shapes[1]:
        raise ConfigurationError(
            f"the encoder in {run.path} has other sizes than the network; choose the same --size "
            "and options, or start afresh with --set keep_weights=false"
        )


def _check_patients(run: Run, prepared: Prepared, material: Material) -> None:
    lineage = run.config["lineage"]
    check_known(prepared, lineage)
    allowed = pretraining_patients(prepared, prepared.tasks)
    judged = pretrained_patients(prepared, lineage) - allowed
    if judged:
        raise ConfigurationError(
            f"{shown_count(len(judged))} patients whom the earlier pre-training was trained on are "
            f"set aside in {prepared.path}, by the split of some task; repeat the earlier one on "
            "that folder"
        )
    if run.config["patients"] != material.digest:
        settings = run.config["training"]
        raise ConfigurationError(
            "patients who only validate now may have been trained on earlier; keep the earlier "
            f"pre-training's ECGs and tasks, --seed {settings['seed']} and valid_share="
            f"{settings['valid_share']}"
        )

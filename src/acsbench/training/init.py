"""Starting a training from the weights of a run, without leaking its patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from acsbench.cohort.task import Task
from acsbench.disclosure import shown_count
from acsbench.errors import ConfigurationError
from acsbench.models.registry import create_model, model_info
from acsbench.runs import Run, open_run
from acsbench.training.config import TrainingConfig
from acsbench.training.pretraining.folder import RECORD, is_pretrained, open_pretrained
from acsbench.training.pretraining.lineage import check_known, pretrained_patients
from acsbench.waveforms.prepared import Prepared

ENCODER = "hubert."
"""Prefix of the encoder's tensors, the only ones that a pre-training contains."""


def open_start(path: Path) -> Run:
    """Open a finished run or pre-training, to start from its weights.

    Raises:
        DataError: the folder is neither.
    """
    return open_pretrained(path) if (path / RECORD).is_file() else open_run(path)


def check_init(
    init: Run,
    prepared: Prepared,
    model: str,
    config: TrainingConfig,
    task: Task,
    allow_leak: bool = False,
) -> None:
    """Check that a training may start from the weights of a run.

    Args:
        init: the run or pre-training to start from.
        prepared: folder with the ECGs of the new training and of `init`.
        model, config, task: model, settings and task of the new training.
        allow_leak: accept training patients of `init` in the evaluation, as in the study's split.

    Raises:
        ConfigurationError: the models differ, the patients of `init` are unknown, its training
            patients are in the validation or test split of the new task, or its validation
            patients are in the test split.
    """
    if model_info(model).kind != "network":
        raise ConfigurationError(f"{model} is not a network; it cannot start from a run")
    options = init.config["training"]["options"]
    part = ENCODER if is_pretrained(init.path) else ""
    tensors = [_tensors(model, each, part) for each in (options, config.options)]
    if init.model != model or tensors[0] != tensors[1]:
        raise ConfigurationError(
            f"the run to start from is {init.model} with options {options}, but the new model is "
            f"{model} with options {config.options}"
        )
    lineage = init.config["lineage"]
    check_known(prepared, lineage)
    shared = pretrained_patients(prepared, lineage) & _patients(prepared, task, ("valid", "test"))
    for step in lineage:
        if "pretraining" in step:
            continue
        earlier = prepared.task(step["task"])
        for seen, held_out in (("train", ("valid", "test")), ("valid", ("test",))):
            shared |= _patients(prepared, earlier, (seen,)) & _patients(prepared, task, held_out)
    if shared and not allow_leak:
        raise ConfigurationError(
            f"{shown_count(len(shared))} training or validation patients of the run to start from "
            f"are in the validation or test split of {task.name}; split both tasks together"
        )


def _tensors(model: str, options: Mapping[str, Any], part: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors in a part of a network."""
    with torch.device("meta"):
        state = create_model(model, **options).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    return {name: shape for name, shape in shapes.items() if name.startswith(part)}


def _patients(prepared: Prepared, task: Task, splits: tuple[str, ...]) -> set[str]:
    table = prepared.table(task)
    return set(table.loc[table["split"].isin(splits), "patient_id"])

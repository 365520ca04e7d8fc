"""Starting a training from another run's weights, without leaking its patients."""

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
"""Begin of the names of an encoder's tensors, which are all that a pre-training gives."""


def open_start(path: Path) -> Run:
    """What a training may start from: a finished run, or a finished pre-training.

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
    """Make sure that a run may be continued on a task.

    Args:
        init: the run or the pre-training to start from.
        prepared: where the new task's ECGs are, and those that `init` was trained on.
        model, config, task: of the new training.
        allow_leak: let patients of the run's training be evaluated, as the study's split does.

    Raises:
        ConfigurationError: the run is of another model, its patients are unknown here, some of
            those it was trained on are in the new task's validation or test split, or some of
            those that chose its epoch in the new task's test split.
    """
    if model_info(model).kind != "network":
        raise ConfigurationError(f"{model} is fitted in one go; it cannot start from a run")
    options = init.config["training"]["options"]
    part = ENCODER if is_pretrained(init.path) else ""
    tensors = [_tensors(model, each, part) for each in (options, config.options)]
    if init.model != model or tensors[0] != tensors[1]:
        raise ConfigurationError(
            f"the run to start from is {init.model} with the options {options}; "
            f"wanted is {model} with {config.options}"
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
            f"{shown_count(len(shared))} patients whom the run to start from was trained or chosen "
            f"on are in the validation or test split of {task.name}; split the patients of both "
            "tasks together"
        )


def _tensors(model: str, options: Mapping[str, Any], part: str) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a part of a network; options that change none may differ."""
    with torch.device("meta"):
        state = create_model(model, **options).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    return {name: shape for name, shape in shapes.items() if name.startswith(part)}


def _patients(prepared: Prepared, task: Task, splits: tuple[str, ...]) -> set[str]:
    table = prepared.table(task)
    return set(table.loc[table["split"].isin(splits), "patient_id"])

"""Starting a training from another run's weights, without leaking its patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from acsbench.cohort.task import Task
from acsbench.disclosure import shown_count
from acsbench.errors import ConfigurationError
from acsbench.models.registry import create_model, model_info
from acsbench.training.config import TrainingConfig
from acsbench.training.run import Run
from acsbench.waveforms.prepare import Prepared


def check_init(
    init: Run, prepared: Prepared, model: str, config: TrainingConfig, task: Task
) -> None:
    """Make sure that a run may be continued on a task.

    Args:
        init: the run to start from.
        prepared: where the new task's ECGs are, and those that `init` was trained on.
        model, config, task: of the new training.

    Raises:
        ConfigurationError: the run is of another model, its patients are unknown here, some of
            those it was trained on are in the new task's validation or test split, or some of
            those that chose its epoch in the new task's test split.
    """
    if model_info(model).kind != "network":
        raise ConfigurationError(f"{model} is fitted in one go; it cannot start from a run")
    options = init.config["training"]["options"]
    if init.model != model or _tensors(model, options) != _tensors(model, config.options):
        raise ConfigurationError(
            f"the run to start from is {init.model} with the options {options}; "
            f"wanted is {model} with {config.options}"
        )
    shared: set[str] = set()
    for step in init.config["lineage"]:
        if prepared.manifest()["digests"].get(step["task"]) != step["split"]:
            raise ConfigurationError(
                f"the run to start from was trained for {step['task']} on patients that "
                f"{prepared.path} does not know, so nobody can tell whether they are in its "
                "validation or test split; prepare both tasks together"
            )
        earlier = prepared.task(step["task"])
        for seen, held_out in (("train", ("valid", "test")), ("valid", ("test",))):
            shared |= _patients(prepared, earlier, (seen,)) & _patients(prepared, task, held_out)
    if shared:
        raise ConfigurationError(
            f"{shown_count(len(shared))} patients whom the run to start from was trained or chosen "
            f"on are in the validation or test split of {task.name}; split the patients of both "
            "tasks together"
        )


def _tensors(model: str, options: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a network; options that change none may differ."""
    with torch.device("meta"):
        state = create_model(model, **options).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _patients(prepared: Prepared, task: Task, splits: tuple[str, ...]) -> set[str]:
    table = prepared.table(task)
    return set(table.loc[table["split"].isin(splits), "patient_id"])

"""Whom a pre-training was trained on, iteration by iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acsbench.errors import ConfigurationError
from acsbench.training.pretraining.crops import pretraining_patients
from acsbench.waveforms.prepared import Prepared

Step = Mapping[str, Any]
"""Of a lineage: the `task` trained for, the digest of its `split`, and, of a pre-training, whose
splits were respected and whose labels were not looked at, the number of its `pretraining`."""


def next_iteration(prepared: Prepared, lineage: Sequence[Step]) -> list[Step]:
    """A lineage with one more pre-training, on the patients whom all tasks of a folder leave."""
    number = 1 + max((step["pretraining"] for step in lineage), default=0)
    digests = prepared.manifest().digests
    steps = [
        {"task": task, "split": digests[task], "pretraining": number} for task in prepared.tasks
    ]
    return [*lineage, *steps]


def pretrained_patients(prepared: Prepared, lineage: Sequence[Step]) -> set[str]:
    """Patients whom any pre-training of a lineage was trained on.

    Each iteration is judged alone: one with fewer tasks had fewer patients to leave out.
    """
    tasks: dict[int, list[str]] = {}
    for step in lineage:
        if "pretraining" in step:
            tasks.setdefault(step["pretraining"], []).append(step["task"])
    return set().union(*(pretraining_patients(prepared, names) for names in tasks.values()))


def check_known(prepared: Prepared, lineage: Sequence[Step]) -> None:
    """Make sure that a folder knows whom a lineage was trained on.

    Raises:
        ConfigurationError: it lacks a task, or splits it in another way.
    """
    digests = prepared.manifest().digests
    for step in lineage:
        if digests.get(step["task"]) != step["split"]:
            raise ConfigurationError(
                f"the run to start from was trained for {step['task']} on patients that "
                f"{prepared.path} does not know, so nobody can tell whether they are in its "
                "validation or test split; prepare both tasks together"
            )

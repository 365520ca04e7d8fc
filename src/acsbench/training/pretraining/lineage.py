"""Training patients of a pre-training, iteration by iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acsbench.errors import ConfigurationError
from acsbench.training.pretraining.crops import pretraining_patients
from acsbench.waveforms.prepared import Prepared

Step = Mapping[str, Any]
"""Step of a lineage: the `task`, the digest of its `split`, and, for a pre-training that excluded
the validation and test patients of this task, the number of its iteration, `pretraining`."""


def next_iteration(prepared: Prepared, lineage: Sequence[Step]) -> list[Step]:
    """A lineage with one more pre-training on a prepared folder."""
    number = 1 + max((step["pretraining"] for step in lineage), default=0)
    digests = prepared.manifest().digests
    steps = [
        {"task": task, "split": digests[task], "pretraining": number} for task in prepared.tasks
    ]
    return [*lineage, *steps]


def pretrained_patients(prepared: Prepared, lineage: Sequence[Step]) -> set[str]:
    """Training patients of all pre-trainings in a lineage.

    Iterations count separately: one with fewer tasks excluded fewer patients.
    """
    tasks: dict[int, list[str]] = {}
    for step in lineage:
        if "pretraining" in step:
            tasks.setdefault(step["pretraining"], []).append(step["task"])
    return set().union(*(pretraining_patients(prepared, names) for names in tasks.values()))


def check_known(prepared: Prepared, lineage: Sequence[Step]) -> None:
    """Check that a folder contains the training patients of a lineage.

    Raises:
        ConfigurationError: it lacks a task, or splits it differently.
    """
    digests = prepared.manifest().digests
    for step in lineage:
        if digests.get(step["task"]) != step["split"]:
            raise ConfigurationError(
                f"the run to start from was trained for {step['task']}, whose split is not in "
                f"{prepared.path}: its training patients may be in the validation or test split. "
                "Prepare both tasks together"
            )

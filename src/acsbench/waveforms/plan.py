"""What a preparation consists of, and whether a folder can take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from acsbench.cohort.build import UNLABELLED
from acsbench.cohort.split import Folds
from acsbench.cohort.task import Task, load_task
from acsbench.datasets import Dataset
from acsbench.errors import ConfigurationError
from acsbench.waveforms.prepared import PREPARED, WAVEFORMS, open_prepared
from acsbench.waveforms.profiles import get_profile
from acsbench.waveforms.quality import QualityChoice

SplitMethod = Literal["patients", "folds", "study"]


@dataclass(frozen=True)
class Plan:
    """A preparation.

    Args:
        tasks: empty for ECGs to predict.
        profiles, signs: what is made of the recordings, including earlier calls for the folder.
        split, seed, folds: how patients are split; `seed` is None unless they are at random.
        quality: which ECGs are excluded for their quality.
        input_hash: hash of the dataset.
    """

    tasks: tuple[Task, ...]
    profiles: tuple[str, ...]
    signs: bool
    split: SplitMethod
    seed: int | None
    folds: Folds
    quality: QualityChoice
    input_hash: str

    def fixed(self) -> dict[str, Any]:
        """What a second call for the same folder must repeat, for `prepared.json`."""
        return {
            "input_hash": self.input_hash,
            "tasks": {task.name: task.digest for task in self.tasks},
            "split": self.split,
            "seed": self.seed,
            "folds": {name: list(numbers) for name, numbers in self.folds.items()},
            "quality": asdict(self.quality) | {"reasons": sorted(self.quality.reasons)},
        }


def make_plan(
    dataset: Dataset,
    out: Path,
    *,
    tasks: Sequence[str],
    profiles: Sequence[str],
    signs: bool,
    split: SplitMethod,
    seed: int,
    folds: Folds | None,
    quality: QualityChoice,
) -> Plan:
    """Check the arguments of `prepare`, and add what `out` already holds.

    Raises:
        ConfigurationError: the tasks or profiles cannot be used, or `out` holds another
            preparation.
    """
    loaded = _load_tasks(dataset, tasks)
    plan = Plan(
        tasks=loaded,
        profiles=(),
        signs=signs,
        split=split,
        seed=seed if split == "patients" else None,
        folds=folds or {},
        quality=quality,
        input_hash=dataset.input_hash(),
    )
    earlier = _earlier(out, plan.fixed())
    names = dict.fromkeys([*earlier["profiles"], *profiles])
    if not names:
        raise ConfigurationError("name at least one profile")
    canonical = tuple(get_profile(name).name for name in names)
    return replace(plan, profiles=canonical, signs=signs or earlier["signs"])


def _load_tasks(dataset: Dataset, tasks: Sequence[str]) -> tuple[Task, ...]:
    names = list(tasks or dataset.tasks)
    if names and not dataset.labelled:
        raise ConfigurationError("ECGs without labels have no task: remove --task")
    if not names and dataset.labelled:
        raise ConfigurationError(
            f"{dataset.name} has no default task: choose one with --task. {UNLABELLED}"
        )
    loaded = tuple(load_task(name) for name in names)
    if len({task.name for task in loaded}) < len(loaded):
        raise ConfigurationError("two tasks have the same name: rename one of them")
    return loaded


def _earlier(out: Path, fixed: dict[str, Any]) -> dict[str, Any]:
    """The content of `prepared.json` of an earlier call; nothing else is overwritten.

    Raises:
        ConfigurationError: the folder holds another preparation, or something else.
    """
    nothing: dict[str, Any] = {"profiles": [], "signs": False}
    if not out.exists():
        return nothing
    if not out.is_dir():
        raise ConfigurationError(f"{out} is a file: choose a folder")
    if (out / PREPARED).is_file():
        earlier = open_prepared(out).meta
        changed = [name for name in fixed if earlier["plan"].get(name) != fixed[name]]
        if changed:
            raise ConfigurationError(
                f"{out} holds another preparation ({', '.join(changed)} differ), and runs may "
                "depend on it: remove it, or choose another --out"
            )
        return earlier
    if any(out.iterdir()) and not (out / WAVEFORMS).is_dir():
        raise ConfigurationError(f"{out} holds something else: choose a new folder")
    return nothing

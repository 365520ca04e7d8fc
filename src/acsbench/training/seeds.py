"""Runs that only differ in their seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from acsbench.errors import ConfigurationError
from acsbench.runs import REPORTED, Run

SEED = "seed"
_LONGEST = 24
"""Longer values of settings are shortened in messages."""


def check_seed_alone(runs: Sequence[Run]) -> None:
    """Check that runs only differ in their seed, so that their mean describes one model.

    Raises:
        ConfigurationError: another setting differs, or two runs have the same seed.
    """
    settings = [dict(_settings(run.config)) for run in runs]
    names = dict.fromkeys(name for each in settings for name in each if name != SEED)
    differing = [name for name in names if len({str(each.get(name)) for each in settings}) > 1]
    if differing:
        raise ConfigurationError(
            f"runs to average may only differ in their seed, but these differ in "
            f"{', '.join(differing)}: {_with_settings(runs, settings, differing)}. "
            "Choose runs that only differ in their seed"
        )
    if len({each[SEED] for each in settings}) < len(runs):
        raise ConfigurationError(
            "runs to average must have different seeds: "
            f"{_with_settings(runs, settings, [SEED])}. Choose one run per seed"
        )


def aurocs(runs: Sequence[Run]) -> dict[str, list[float]]:
    """AUROC of each run by split, for splits in which every run has one."""
    estimates = [run.metrics["estimates"] for run in runs]
    splits = [split for split in estimates[0] if all(split in each for each in estimates)]
    return {split: [each[split]["auroc"]["value"] for each in estimates] for split in splits}


def table_of_seeds(runs: Sequence[Run]) -> str:
    """AUROC of each seed, as CSV `seed,split,auroc,run`."""
    lines = ["seed,split,auroc,run"]
    for split, values in aurocs(runs).items():
        for run, value in zip(runs, values, strict=True):
            lines.append(f"{run.config['training']['seed']},{split},{value:.6f},{run.path.name}")
    return "\n".join(lines) + "\n"


def summary_of_seeds(runs: Sequence[Run]) -> list[str]:
    """Mean, standard deviation and range of the AUROC over seeds, one line per split.

    They show the variation due to training. The interval of each run shows the variation due to
    the sample of patients.
    """
    if len(runs) < 2:
        return []
    return [
        f"{REPORTED[split]} AUROC of {len(runs)} seeds: mean {fmean(values):.3f}, "
        f"SD {stdev(values):.3f}, {min(values):.3f} to {max(values):.3f}"
        for split, values in aurocs(runs).items()
    ]


def _settings(config: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that decides the result of a run, with the names of --set."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _settings(value, "" if name == "training" else f"{place}{name}.")
        elif name == "init":
            # Each seed may have its own pre-training.
            yield name, value is not None
        else:
            yield f"{place}{name}", value


def _with_settings(
    runs: Sequence[Run], settings: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> str:
    """Names of the runs, each with some of its settings."""
    described = []
    for run, each in zip(runs, settings, strict=True):
        values = (f"{name} {_in_short(each.get(name))}" for name in names)
        described.append(f"{run.path.name} ({', '.join(values)})")
    return ", ".join(described)


def _in_short(value: Any) -> str:
    """Value of a setting; digests and tables are shortened."""
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:8]}…"

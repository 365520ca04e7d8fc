"""Runs that differ in their seed alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from acsbench.errors import ConfigurationError
from acsbench.runs import METRICS, REPORTED, Run

SEED = "seed"
_LONGEST = 24
"""Characters of a setting that is told whole."""


def check_seed_alone(runs: Sequence[Run]) -> None:
    """Make sure that runs differ in nothing but their seed, so that their mean is of one model.

    Raises:
        ConfigurationError: something else differs, or a seed comes twice.
    """
    settings = [dict(_settings(run.config)) for run in runs]
    names = dict.fromkeys(name for each in settings for name in each if name != SEED)
    differing = [name for name in names if len({str(each.get(name)) for each in settings}) > 1]
    if differing:
        raise ConfigurationError(
            f"a mean is taken of runs that differ in their seed alone, not in "
            f"{', '.join(differing)}: {_listed(runs, settings, differing)}. "
            "Name those that belong together"
        )
    if len({each[SEED] for each in settings}) < len(runs):
        raise ConfigurationError(
            "a mean is taken of runs of different seeds, each once: "
            f"{_listed(runs, settings, [SEED])}. Name one of each"
        )


def aurocs(runs: Sequence[Run]) -> dict[str, list[float]]:
    """AUROC of each run by split, of the splits for which every run tells one."""
    told = [
        json.loads((run.path / METRICS).read_text(encoding="utf-8"))["estimates"] for run in runs
    ]
    splits = [split for split in told[0] if all(split in each for each in told)]
    return {split: [each[split]["auroc"]["value"] for each in told] for split in splits}


def table_of_seeds(runs: Sequence[Run]) -> str:
    """AUROC of each seed, as CSV `seed,split,auroc,run`."""
    lines = ["seed,split,auroc,run"]
    for split, values in aurocs(runs).items():
        for run, value in zip(runs, values, strict=True):
            lines.append(f"{run.config['training']['seed']},{split},{value:.6f},{run.path.name}")
    return "\n".join(lines) + "\n"


def summary_of_seeds(runs: Sequence[Run]) -> list[str]:
    """Mean, standard deviation and range of the AUROC over seeds, a line for each split.

    The spread tells how much of a result is chance in training; it says nothing about the
    patients who happened to be in the split, which the interval of each run tells.
    """
    if len(runs) < 2:
        return []
    return [
        f"{REPORTED[split]} AUROC of {len(runs)} seeds: mean {fmean(values):.3f}, "
        f"SD {stdev(values):.3f}, {min(values):.3f} to {max(values):.3f}"
        for split, values in aurocs(runs).items()
    ]


def _settings(config: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """What decides a run's result, one by one, under the names that --set gives them."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _settings(value, "" if name == "training" else f"{place}{name}.")
        elif name == "init":
            # Each seed may have a pre-training of its own.
            yield name, value is not None
        else:
            yield f"{place}{name}", value


def _listed(
    runs: Sequence[Run], settings: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> str:
    """Each run with some of its settings."""
    listed = []
    for run, each in zip(runs, settings, strict=True):
        values = (f"{name} {_in_short(each.get(name))}" for name in names)
        listed.append(f"{run.path.name} ({', '.join(values)})")
    return ", ".join(listed)


def _in_short(value: Any) -> str:
    """A setting's value; digests and tables are cut."""
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:8]}…"

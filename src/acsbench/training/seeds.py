"""Runs that differ in their seed alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean, stdev

from acsbench.training.run import METRICS, REPORTED, Run


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

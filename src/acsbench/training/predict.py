"""Probabilities from one or several trained models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.errors import ConfigurationError
from acsbench.files import digest_of, sha256, written_whole
from acsbench.models.registry import model_info
from acsbench.runs import WEIGHTS, Run
from acsbench.training.features import check_covariates
from acsbench.training.predictors import (
    Inputs,
    Predictor,
    Probabilities,
    check_finite,
    covariate_names,
    inputs_of,
    load_predictor,
    processing_of,
)
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.process import Progress

EVERY_SPLIT = "all"
PART = 2048
"""ECGs that are predicted together: a kill loses one part at most."""


def predict(
    run: Run,
    prepared: Prepared,
    split: str,
    task: str | None = None,
    *,
    parts: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> pd.Series:
    """Predict the ECGs of a split.

    Args:
        run: the trained model.
        prepared: folder with the ECGs.
        split: `train`, `valid`, `test` or `all`; a holdout is always predicted whole.
        task: name of the task; optional if the folder has one task.
        parts: folder for finished parts, from which a killed prediction resumes.
        progress: called with the number of ECGs done and the total.

    Returns:
        Probabilities, indexed by `ecg_id`, in the order of the task's table.

    Raises:
        ConfigurationError: the ECGs were prepared or split in another way than those of the
            training, or the split is empty.
        DataError: the model's output for an ECG is NaN or infinite.
    """
    check_fit(run, prepared)
    if prepared.tasks:
        table = prepared.table(prepared.task(task))
    else:  # a holdout has waveforms but no task
        table, split = prepared.ecgs(), EVERY_SPLIT
    if split != EVERY_SPLIT:
        table = table[table["split"] == split].reset_index(drop=True)
    if table.empty:
        raise ConfigurationError(f"the split {split!r} contains no ECG")
    folder = None if parts is None else parts / _digest(run, prepared, table)
    inputs = inputs_of(run.config, prepared, table)
    probabilities = _in_parts(load_predictor(run), inputs, folder, progress)
    check_finite(probabilities, prepared, table)
    index = pd.Index(table["ecg_id"], name="ecg_id")
    return pd.Series(probabilities, index=index, name="probability")


def check_fit(run: Run, prepared: Prepared) -> None:
    """Check that a model may predict the ECGs of a prepared folder.

    Raises:
        ConfigurationError: the ECGs were prepared or split in another way than those of the
            training, or a covariate of the network is missing for every ECG.
        DataError: a waveform store has changed.
    """
    found = processing_of(run.model, run.config["training"]["options"], prepared)
    if found != run.config["processing"]:
        raise ConfigurationError(
            f"the model was trained on waveforms prepared as {run.config['processing']}; "
            f"{prepared.path} contains {found}"
        )
    check_covariates(prepared, covariate_names(run.config))
    if model_info(run.model).kind == "network":
        prepared.store(found["profile"]).verify()
    digests = prepared.manifest().digests
    if prepared.meta["input_hash"] == run.config["data"]["input_hash"]:
        for step in run.config["lineage"]:
            if digests.get(step["task"], step["split"]) != step["split"]:
                raise ConfigurationError(
                    f"{prepared.path} splits these ECGs differently from the training of the "
                    "model: test patients may have been training patients"
                )


def mean_and_spread(predictions: Sequence[pd.Series]) -> tuple[pd.Series, pd.Series]:
    """Mean and standard deviation of the predictions of several models.

    Args:
        predictions: probabilities of the same ECGs in the same order, indexed by `ecg_id`.

    Returns:
        Mean, and standard deviation of a sample (0 for a single model).
    """
    together = pd.concat(predictions, axis=1, join="inner")
    if not all(len(each) == len(together) for each in predictions):
        raise ConfigurationError("the models did not predict the same ECGs")
    spread = together.std(axis=1, ddof=min(1, len(predictions) - 1))
    return together.mean(axis=1).rename("probability"), spread.rename("sd")


def check_same_task(runs: Sequence[Run]) -> None:
    """Check that the models predict the same task, so that their mean is meaningful.

    Raises:
        ConfigurationError: they were trained for several tasks.
    """
    tasks = {run.config["task"].get("digest"): run.config["task"]["name"] for run in runs}
    if len(tasks) > 1:
        raise ConfigurationError(
            f"the runs were trained for several tasks ({', '.join(sorted(tasks.values()))}); "
            "predict one task at a time"
        )


def _digest(run: Run, prepared: Prepared, table: pd.DataFrame) -> str:
    """Name of the folder for parts: everything that decides the predictions."""
    weights = run.path if run.path.is_file() else run.path / WEIGHTS
    content = {
        "weights": sha256(weights) if weights.is_file() else None,
        "config": run.config,
        "input_hash": prepared.meta["input_hash"],
        "ecg_ids": list(table["ecg_id"]),
    }
    return digest_of(content)[:16]


def _in_parts(
    predictor: Predictor, inputs: Inputs, folder: Path | None, progress: Progress
) -> Probabilities:
    """Predict part by part; finished parts are read from the folder."""
    parts = []
    for start in range(0, len(inputs), PART):
        rows = slice(start, start + PART)
        file = None if folder is None else folder / f"{start:08d}.npy"
        if file is not None and file.is_file():
            parts.append(np.load(file, allow_pickle=False))
        else:
            some = inputs.iloc[rows] if isinstance(inputs, pd.DataFrame) else inputs.part(rows)
            parts.append(predictor.probabilities(some))
            if file is not None and np.isfinite(parts[-1]).all():
                with written_whole(file) as path, path.open("wb") as stream:
                    np.save(stream, parts[-1])
        progress(min(start + PART, len(inputs)), len(inputs))
    return np.concatenate(parts)

"""Probabilities from one trained model or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.errors import ConfigurationError
from acsbench.files import digest_of, sha256, written_whole
from acsbench.models.registry import model_info
from acsbench.training.features import check_covariates
from acsbench.training.predictors import (
    Predictor,
    Probabilities,
    check_finite,
    covariate_names,
    load_predictor,
    processing_of,
)
from acsbench.training.run import WEIGHTS, Run
from acsbench.waveforms.prepared import Prepared

EVERY_SPLIT = "all"
PART = 2048
"""ECGs that a kill can cost."""

Progress = Callable[[int, int], None]


def predict(
    run: Run,
    prepared: Prepared,
    split: str,
    task: str | None = None,
    *,
    parts: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> pd.Series:
    """Predict the ECGs of a split, or all of them.

    Args:
        run: the trained model.
        prepared: where the ECGs are.
        split: `train`, `valid`, `test` or `all`; a holdout is always predicted whole.
        task: whose ECGs; the only one of the folder unless given.
        parts: folder where a killed prediction leaves what it had done, to be gone on with.
        progress: told the number of ECGs done, and of all.

    Returns:
        Probabilities, indexed by `ecg_id`, in the table's order.

    Raises:
        ConfigurationError: the waveforms were prepared in another way than those that the
            model was trained on, they are split in another way, or the split holds no ECG.
        DataError: the model's output for an ECG is NaN or infinite.
    """
    check_fit(run, prepared)
    if prepared.tasks:
        table = prepared.table(prepared.task(task))
    else:  # a holdout has waveforms and no task
        table, split = prepared.ecgs(), EVERY_SPLIT
    if split != EVERY_SPLIT:
        table = table[table["split"] == split].reset_index(drop=True)
    if table.empty:
        raise ConfigurationError(f"the split {split!r} holds no ECG")
    folder = None if parts is None else parts / _digest(run, prepared, table)
    probabilities = _in_parts(load_predictor(run), prepared, table, folder, progress)
    check_finite(probabilities, prepared, table)
    return pd.Series(
        probabilities,
        index=pd.Index(table["ecg_id"], name="ecg_id"),
        name="probability",
    )


def check_fit(run: Run, prepared: Prepared) -> None:
    """Make sure that a model may predict ECGs of a prepared folder.

    Raises:
        ConfigurationError: the waveforms were prepared in another way than those that the
            model was trained on, they are split in another way, or a covariate that the network
            takes is missing of every ECG.
        DataError: a waveform store has changed.
    """
    found = processing_of(run.model, run.config["training"]["options"], prepared)
    if found != run.config["processing"]:
        raise ConfigurationError(
            f"the model was trained on waveforms prepared as {run.config['processing']}; "
            f"{prepared.path} holds {found}"
        )
    check_covariates(prepared, covariate_names(run.config))
    if model_info(run.model).kind == "network":
        prepared.store(found["profile"]).verify()
    digests = prepared.manifest().digests
    if prepared.meta["input_hash"] == run.config["data"]["input_hash"]:
        for step in run.config["lineage"]:
            if digests.get(step["task"], step["split"]) != step["split"]:
                raise ConfigurationError(
                    f"the model was trained on another split of these ECGs than {prepared.path} "
                    "holds: it would be tested on patients it has seen"
                )


def mean_and_spread(predictions: Sequence[pd.Series]) -> tuple[pd.Series, pd.Series]:
    """What several models say together, and how far they are apart.

    Args:
        predictions: probabilities of the same ECGs in the same order, indexed by `ecg_id`.

    Returns:
        Mean and standard deviation (of a sample; 0 of a single model) over the models.
    """
    together = pd.concat(predictions, axis=1, join="inner")
    if not all(len(each) == len(together) for each in predictions):
        raise ConfigurationError("the models did not predict the same ECGs")
    spread = together.std(axis=1, ddof=min(1, len(predictions) - 1))
    return together.mean(axis=1).rename("probability"), spread.rename("sd")


def check_same_task(runs: Sequence[Run]) -> None:
    """Make sure that models predict the same, so that their mean says something.

    Raises:
        ConfigurationError: they were trained for several tasks.
    """
    tasks = {run.config["task"].get("digest"): run.config["task"]["name"] for run in runs}
    if len(tasks) > 1:
        raise ConfigurationError(
            f"the runs were trained for several tasks ({', '.join(sorted(tasks.values()))}); "
            "predict each task with its own"
        )


def _digest(run: Run, prepared: Prepared, table: pd.DataFrame) -> str:
    """What decides the predictions, as a name."""
    weights = run.path if run.path.is_file() else run.path / WEIGHTS
    content = {
        "weights": sha256(weights) if weights.is_file() else None,
        "config": run.config,
        "input_hash": prepared.meta["input_hash"],
        "ecg_ids": list(table["ecg_id"]),
    }
    return digest_of(content)[:16]


def _in_parts(
    predictor: Predictor,
    prepared: Prepared,
    table: pd.DataFrame,
    folder: Path | None,
    progress: Progress,
) -> Probabilities:
    """Predict a table part by part; parts that are in the folder are taken from there."""
    parts = []
    for start in range(0, len(table), PART):
        ecgs = table.iloc[start : start + PART]
        file = None if folder is None else folder / f"{start:08d}.npy"
        if file is not None and file.is_file():
            parts.append(np.load(file, allow_pickle=False))
        else:
            parts.append(predictor.probabilities(prepared, ecgs))
            if file is not None and np.isfinite(parts[-1]).all():
                with written_whole(file) as path, path.open("wb") as stream:
                    np.save(stream, parts[-1])
        progress(start + len(ecgs), len(table))
    return np.concatenate(parts)

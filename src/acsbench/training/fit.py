"""Training a model on a prepared task, into a Run folder."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    WeightAveraging,
)
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file as save_tensors
from torch import Tensor

from acsbench import __version__
from acsbench.disclosure import too_few_patients
from acsbench.errors import ConfigurationError
from acsbench.files import sha256
from acsbench.models.registry import create_model, model_info
from acsbench.statistics.auroc import auroc
from acsbench.statistics.estimate import Estimate
from acsbench.training.callbacks import History, Report, TimeBudget
from acsbench.training.card import model_card
from acsbench.training.config import TrainingConfig
from acsbench.training.data import WaveformData
from acsbench.training.init import check_init
from acsbench.training.module import BinaryClassifier
from acsbench.training.predict import (
    NetworkPredictor,
    Predictor,
    TabularPredictor,
    processing_of,
    sign_table,
)
from acsbench.training.run import HISTORY, WEIGHTS, Run, RunWriter, find_run, open_run
from acsbench.waveforms.prepare import Prepared, splits_of

REPORTED = {"valid": "validation", "test": "test"}
NETWORK_PREFIX = "network."


def train(
    prepared: Prepared,
    model: str,
    config: TrainingConfig,
    runs: Path,
    *,
    task: str | None = None,
    init: Run | None = None,
    report: Report = lambda _: None,
    progress_bar: bool = False,
) -> Run:
    """Train a model, or take the finished run of the same configuration.

    The epoch of the best validation AUROC is kept; the test split is predicted once, at the end.

    Args:
        prepared: tables and waveforms.
        model: its name.
        config: settings.
        runs: folder of the Run folders.
        task: the only one of the prepared folder unless given.
        init: a run of the same network whose weights to start from, such as one pre-trained on
            another task of the same prepared folder.
        report: told a line about each step.
        progress_bar: draw one for each epoch.
    """
    run_config = _run_config(prepared, model, config, task, init)
    finished = find_run(runs, run_config)
    if finished is not None:
        report(f"{model}: trained before, see {finished.path}")
        return finished
    splits = splits_of(prepared.table(prepared.task(task)))
    with RunWriter(runs, run_config) as writer:
        if model_info(model).kind == "network":
            predictor, notes = _fit_network(
                prepared, splits, run_config, config, writer.path, init, report, progress_bar
            )
        else:
            predictor, notes = _fit_tabular(prepared, splits, run_config, config, writer.path)
        metrics: dict[str, Estimate] = {}
        for split in REPORTED:
            if splits[split].empty:  # the study's own split has no test part
                continue
            probabilities = predictor.probabilities(prepared, splits[split])
            writer.write_predictions(split, probabilities)
            part = splits[split]
            if too_few_patients(part["label"], part["patient_id"]) and not prepared.simulated:
                report(f"{model}: too few {REPORTED[split]} patients to show a figure")
                continue
            metrics[split] = auroc(
                splits[split]["label"], probabilities, groups=splits[split]["patient_id"]
            )
        writer.write_card(model_card(run_config, metrics, notes))
        writer.write_metrics(metrics, notes)
    figures = (f"{REPORTED[split]} AUROC {metrics[split]}" for split in metrics)
    report(f"{model}: {', '.join(figures)}")
    return open_run(writer.final)


def _run_config(
    prepared: Prepared, model: str, config: TrainingConfig, task: str | None, init: Run | None
) -> dict[str, Any]:
    """All that decides the result."""
    chosen = prepared.task(task)
    if init is not None:
        check_init(init, prepared, model, config, chosen)
    table = prepared.table(chosen)
    labels = table.loc[table["split"] == "train", "label"]
    weigh = config.imbalance == "weights" and model_info(model).kind == "network"
    return {
        "version": __version__,
        "model": model,
        "task": {**chosen.model_dump(), "digest": chosen.digest},
        "data": {
            "dataset": prepared.meta["dataset"],
            "simulated": prepared.simulated,
            "input_hash": prepared.meta["input_hash"],
        },
        "processing": processing_of(model, prepared),
        "event_weight": float((labels == 0).sum() / (labels == 1).sum()) if weigh else 1.0,
        "init": None if init is None else sha256(init.path / WEIGHTS),
        "lineage": [
            *([] if init is None else init.config["lineage"]),
            {"task": chosen.name, "split": prepared.manifest()["digests"][chosen.name]},
        ],
        "training": config.model_dump(),
    }


def _fit_tabular(
    prepared: Prepared,
    splits: dict[str, pd.DataFrame],
    run_config: dict[str, Any],
    config: TrainingConfig,
    folder: Path,
) -> tuple[Predictor, dict[str, Any]]:
    model = create_model(run_config["model"], **config.options)
    train_table = splits["train"]
    model.fit(
        sign_table(prepared, train_table), train_table["label"].to_numpy(dtype=int), config.seed
    )
    state = {name: np.ascontiguousarray(value) for name, value in model.state().items()}
    save_arrays(state, folder / WEIGHTS)
    return TabularPredictor(model), {"class imbalance": "none: events and controls weigh the same"}


def _fit_network(
    prepared: Prepared,
    splits: dict[str, pd.DataFrame],
    run_config: dict[str, Any],
    config: TrainingConfig,
    folder: Path,
    init: Run | None,
    report: Report,
    progress_bar: bool,
) -> tuple[Predictor, dict[str, Any]]:
    L.seed_everything(config.seed, workers=True, verbose=False)
    network = create_model(run_config["model"], **config.options)
    if init is not None:
        network.load_state_dict(load_tensors(init.path / WEIGHTS))
    weight = run_config["event_weight"]
    profile = run_config["processing"]["profile"]
    module = BinaryClassifier(network, config, weight)
    store = prepared.store(profile)
    store.verify()
    data = WaveformData(store, splits["train"], splits["valid"], config.batch_size)
    history = History(folder / HISTORY, report)
    budget = None if config.max_minutes is None else TimeBudget(config.max_minutes)
    checkpoints = Path(tempfile.mkdtemp(prefix=".checkpoints-", dir=folder))
    best = ModelCheckpoint(checkpoints, monitor="valid_auroc", mode="max", save_top_k=1)
    with _quiet_lightning():
        trainer = L.Trainer(
            max_epochs=config.epochs,
            accelerator="auto",
            devices=1,
            precision=config.precision,
            logger=False,
            callbacks=_callbacks(config, history, budget, best),
            default_root_dir=folder,
            enable_progress_bar=progress_bar,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(module, datamodule=data)
    if not best.best_model_path:
        raise ConfigurationError(
            "no epoch gave a finite validation AUROC: the training diverged; lower learning_rate"
        )
    if budget is not None and budget.exhausted:
        report(f"stopped by the time budget after {len(history.rows)} epochs")
    state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
    network.load_state_dict(
        {
            name.removeprefix(NETWORK_PREFIX): value
            for name, value in state.items()
            if name.startswith(NETWORK_PREFIX)
        }
    )
    shutil.rmtree(checkpoints)
    save_tensors({k: v.contiguous() for k, v in network.state_dict().items()}, folder / WEIGHTS)
    best_epoch = max(history.rows, key=lambda row: row["valid_auroc"])["epoch"]
    notes = {
        "class imbalance": (
            f"events weigh {weight:.2f} in the loss; the weight is taken out of the predicted odds"
            if weight != 1
            else "none: events and controls weigh the same"
        ),
        "epochs trained": len(history.rows),
        "epoch kept": best_epoch,
        "stopped by the time budget": bool(budget and budget.exhausted),
        "parameters": sum(p.numel() for p in network.parameters()),
    }
    return NetworkPredictor(network, profile, weight), notes


def _averaging(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential averaging that begins as a plain mean, so that few steps forget the start."""

    def average(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        keep = min(decay, float(steps) / (float(steps) + 1))
        return averaged * keep + current * (1 - keep)

    return average


def _callbacks(
    config: TrainingConfig, history: History, budget: TimeBudget | None, best: ModelCheckpoint
) -> list[Callback]:
    callbacks: list[Callback] = [
        WeightAveraging(avg_fn=_averaging(config.average_decay)),
        history,
        EarlyStopping("valid_auroc", mode="max", patience=config.patience),
        best,
    ]
    return callbacks if budget is None else [*callbacks, budget]


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Hide Lightning's advice on hardware and on worker processes of the loader.

    The store is memory-mapped: worker processes would only copy what is there already.
    """
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning.*")
            warnings.filterwarnings("ignore", module="torch.*", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)

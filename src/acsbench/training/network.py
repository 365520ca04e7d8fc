"""Fitting a network with Lightning, on one device or many."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from safetensors.torch import load_file as load_tensors
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from acsbench.errors import ConfigurationError
from acsbench.files import write_text
from acsbench.models.covariates import WithCovariates
from acsbench.models.hubert import HubertEcg
from acsbench.runs import DIVERGED, HISTORY, WEIGHTS, Run
from acsbench.training.callbacks import EpochEnd, Report
from acsbench.training.config import TrainingConfig
from acsbench.training.data import BatchData, StoredWaveforms
from acsbench.training.features import check_covariates, covariates_of
from acsbench.training.history import diverged_epoch, history_csv, kept_epoch, reason_to_stop
from acsbench.training.module import BinaryClassifier, Diverged, against_divergence
from acsbench.training.order import BatchOrder
from acsbench.training.predictors import fresh_network
from acsbench.training.pretraining.encoder import take_encoder
from acsbench.training.pretraining.folder import is_pretrained
from acsbench.training.trainer import Hardware, fit, make_trainer, syncs_batch_norm
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.store import WaveformStore

NETWORK_PREFIX = "network."
BUDGET_ENDED = "stopped by the time budget"
"""Note, yes or no: whether the training continues with more time."""


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A training that is ready to begin or to resume; use `network_fit`."""

    module: BinaryClassifier
    data: BatchData
    trainer: L.Trainer
    epoch_end: EpochEnd
    weight: float
    notes: dict[str, str]

    @property
    def leads(self) -> bool:
        """Whether this process writes the files; the other processes of a training only help."""
        return bool(self.trainer.is_global_zero)

    def run(self) -> dict[str, str]:
        """Train; afterwards the folder contains the best weights.

        A training that diverges ends, and the best epoch before is kept.

        Returns:
            Notes on what happened.

        Raises:
            ConfigurationError: the training diverged in its first epoch.
        """
        module = self.module
        state = self.epoch_end.restore(self.trainer, module)
        if state is not None:
            module.averaged = state.averaged
        earlier = len(module.history)
        for name, note in self.notes.items():
            self._report(f"{name}: {note}")
        diverged = None
        if reason_to_stop(module.history, module.config) is None:
            began = time.monotonic()
            try:
                fit(self.trainer, module, self.data)
            except Diverged as end:
                diverged = end
                epochs = sum(epoch["seconds"] for epoch in module.history[earlier:])
                seconds = round(max(0.0, time.monotonic() - began - epochs), 1)
                module.history.append(diverged_epoch(end.epoch, end.step, end.loss, seconds))
        return self._notes(diverged)

    def _notes(self, diverged: Diverged | None) -> dict[str, str]:
        history, config = self.module.history, self.module.config
        kept = kept_epoch(history, config.keep)
        advice = against_divergence(config.learning_rate, config.precision)
        if kept is None:
            raise ConfigurationError(f"training diverged {diverged}, in its first epoch. {advice}")
        if diverged is not None:
            self._report(f"training diverged {diverged}; epoch {kept['epoch']} is kept. {advice}")
            if self.leads:
                table = history_csv(history, self.epoch_end.may_show)
                write_text(self.epoch_end.folder / HISTORY, table)
        over = reason_to_stop(history, config) == "budget"
        if over:
            epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
            self._report(f"stopped by the time budget after {epochs}; more time continues it")
        return {
            "class imbalance": _imbalance(config, self.weight),
            "epochs trained": str(len(history) - (diverged is not None)),
            "epoch kept": str(kept["epoch"]),
            BUDGET_ENDED: "yes" if over else "no",
            **({} if diverged is None else {DIVERGED: str(diverged)}),
            "parameters": f"{sum(p.numel() for p in self.module.network.parameters()):,}",
            "processes": str(self.trainer.world_size),
            **self.notes,
        }

    def _report(self, line: str) -> None:
        if self.leads:
            self.epoch_end.report(line)


def network_fit(
    prepared: Prepared,
    splits: dict[str, pd.DataFrame],
    run_config: dict[str, Any],
    config: TrainingConfig,
    folder: Path,
    *,
    init: Run | None,
    hardware: Hardware,
    report: Report,
) -> NetworkFit:
    """Set up the training of a network.

    Args:
        prepared: folder with the waveforms.
        splits: the task's table by split.
        run_config: configuration of the run.
        config: training settings.
        folder: folder of the run, with the state if the training was interrupted.
        init: run whose weights the network starts from.
        hardware: devices to train on.
        report: called with a line about each epoch.

    Raises:
        ConfigurationError: a covariate is missing, or the batches cannot be shared among the
            processes.
    """
    check_covariates(prepared, config.covariates, splits["train"])
    store = prepared.store(run_config["processing"]["profile"])
    store.verify()
    train, valid = (
        StoredWaveforms(
            store, splits[split], covariates_of(prepared, splits[split], config.covariates)
        )
        for split in ("train", "valid")
    )
    epoch_end = EpochEnd(folder, report, prepared.may_show(splits["valid"]))
    trainer = make_trainer(hardware, epoch_end, config)
    balanced = config.imbalance == "balanced-sampler"
    order = BatchOrder(train.labels, config.batch_size, config.seed, balanced)
    steps = config.steps_per_epoch or ceil(order.batches_per_pass() / config.accumulate)
    L.seed_everything(config.seed, verbose=False)
    network = fresh_network(run_config)
    if not any(p.requires_grad for p in network.parameters()):
        raise ConfigurationError(
            f"{run_config['model']} has no trainable weight: give it parameters with requires_grad"
        )
    if init is not None:
        start_from(network, init)
    notes = _precision(trainer, config) | _batch_norm(network, trainer, config.batch_size)
    if len(valid) < trainer.world_size:
        raise ConfigurationError(
            f"{trainer.world_size} processes are more than there are validation ECGs; use fewer "
            "--devices"
        )
    if isinstance(network, WithCovariates):
        network.standardise_by(torch.from_numpy(train.covariates))
    weight = run_config["event_weight"]
    module = BinaryClassifier(
        network,
        config,
        loss_weight=weight if config.imbalance == "weights" else 1.0,
        steps_per_epoch=steps,
        fs=store.meta["fs"],
        leads_per_row=_leads_per_row(store),
        event_weight=weight,
    )
    data = BatchData(train, valid, order, steps * config.accumulate)
    return NetworkFit(module, data, trainer, epoch_end, weight, notes)


def start_from(network: nn.Module, init: Run) -> None:
    """Take the weights of a run, except those of its covariates: each task learns its own.

    A pre-training only has an encoder; the head keeps its fresh weights.

    Raises:
        ConfigurationError: a weight is NaN or infinite.
        DataError: the weights cannot be read.
    """
    inner = network.network if isinstance(network, WithCovariates) else network
    if is_pretrained(init.path):
        assert isinstance(inner, HubertEcg)
        take_encoder(inner, init.path)
    else:
        weights = load_tensors(init.path / WEIGHTS)
        if init.config["training"].get("covariates"):
            weights = {
                name.removeprefix(NETWORK_PREFIX): value
                for name, value in weights.items()
                if name.startswith(NETWORK_PREFIX)
            }
        inner.load_state_dict(weights)
    if not all(bool(torch.isfinite(p).all()) for p in inner.parameters()):
        raise ConfigurationError(
            f"weights in {init.path} are NaN or infinite. Start from another run, or from fresh "
            "weights"
        )


def _leads_per_row(store: WaveformStore) -> int:
    """Leads that follow each other in a row of a store; rows are named as in `I+aVR+V1+V4`."""
    return max(row.count("+") + 1 for row in store.meta["leads"])


def _precision(trainer: L.Trainer, config: TrainingConfig) -> dict[str, str]:
    """A note if Lightning replaces a precision that the device does not support."""
    used = str(trainer.precision)
    if used == config.precision:
        return {}
    return {"precision": f"{used}; this device does not support {config.precision}"}


def _batch_norm(network: nn.Module, trainer: L.Trainer, batch_size: int) -> dict[str, str]:
    """A note on the ECGs over which batch norm averages, if there are several processes.

    Raises:
        ConfigurationError: each process gets one ECG per batch, which batch norm cannot use.
    """
    processes = trainer.world_size
    each = batch_size // processes
    if processes == 1 or not any(isinstance(layer, _BatchNorm) for layer in network.modules()):
        return {}
    if syncs_batch_norm(processes):
        return {"batch norm": f"over the {batch_size} ECGs of all processes"}
    if each == 1:
        raise ConfigurationError(
            f"batch norm needs several ECGs in each process; set batch_size to {2 * processes} or "
            f"more for {processes} processes"
        )
    return {"batch norm": f"over the {each} ECGs of each process"}


def _imbalance(config: TrainingConfig, weight: float) -> str:
    if config.imbalance == "weights":
        how = f"events have weight {weight:.2f} in the loss"
    elif config.imbalance == "balanced-sampler":
        how = f"events are sampled {weight:.2f} times as often as they occur"
    else:
        return "none: events and controls have equal weight"
    return f"{how}; predicted odds are divided by this weight"

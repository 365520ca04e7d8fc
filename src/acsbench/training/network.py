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
from acsbench.models.registry import create_model
from acsbench.training.callbacks import EpochEnd, Report
from acsbench.training.config import TrainingConfig
from acsbench.training.data import StoredWaveforms, WaveformData
from acsbench.training.features import check_covariates, covariates_of
from acsbench.training.history import diverged_epoch, history_csv, kept_epoch, reason_to_stop
from acsbench.training.module import BinaryClassifier, Diverged, against_divergence
from acsbench.training.order import BatchOrder
from acsbench.training.pretraining.encoder import take_encoder
from acsbench.training.pretraining.folder import is_pretrained
from acsbench.training.run import DIVERGED, HISTORY, WEIGHTS, Run
from acsbench.training.state import load_state
from acsbench.training.trainer import Hardware, fit, make_trainer, syncs_batch_norm
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.store import WaveformStore

NETWORK_PREFIX = "network."
BUDGET_ENDED = "stopped by the time budget"
"""The note, yes or no, whether more time would take a training further."""


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """A training that is ready to begin, or to go on; use `network_fit`."""

    module: BinaryClassifier
    data: WaveformData
    trainer: L.Trainer
    epoch_end: EpochEnd
    weight: float
    notes: dict[str, str]

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes; the others of a training help it."""
        return bool(self.trainer.is_global_zero)

    def run(self) -> dict[str, str]:
        """Train; the best weights are in the folder then.

        A training that diverges ends there, and the best epoch before is kept.

        Returns:
            Notes on what happened.

        Raises:
            ConfigurationError: the training diverged in its first epoch.
        """
        module, trainer = self.module, self.trainer
        state = self.epoch_end.state = load_state(self.epoch_end.folder)
        if state is not None:
            module.network.load_state_dict(state.network)
            module.averaged = state.averaged
            module.history = state.history
            # Lightning counts the epochs of this process alone.
            progress: Any = trainer.fit_loop.epoch_progress.current
            progress.processed = len(state.history)
            self._tell(f"goes on after epoch {len(state.history)}")
        known = list(module.history)
        for name, note in self.notes.items():
            self._tell(f"{name}: {note}")
        diverged = None
        if reason_to_stop(module.history, module.config) is None:
            began = time.monotonic()
            try:
                fit(trainer, module, self.data)
            except Diverged as end:
                diverged = end
                epochs = sum(epoch["seconds"] for epoch in module.history[len(known) :])
                seconds = round(max(0.0, time.monotonic() - began - epochs), 1)
                module.history.append(diverged_epoch(end.epoch, end.step, end.loss, seconds))
        return self._notes(diverged)

    def _notes(self, diverged: Diverged | None) -> dict[str, str]:
        history, config = self.module.history, self.module.config
        kept = kept_epoch(history, config.keep)
        if kept is None:
            raise ConfigurationError(
                f"training diverged {diverged}, before there was an epoch to keep: "
                f"{against_divergence(config.learning_rate, config.precision)}"
            )
        if diverged is not None:
            self._tell(
                f"training diverged {diverged}; epoch {kept['epoch']} is kept. For a training that "
                f"goes on, {against_divergence(config.learning_rate, config.precision)}"
            )
            if self.leads:
                write_text(
                    self.epoch_end.folder / HISTORY, history_csv(history, self.epoch_end.may_show)
                )
        over = reason_to_stop(history, config) == "budget"
        if over:
            epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
            self._tell(f"stopped by the time budget after {epochs}; with more time it goes on")
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

    def _tell(self, line: str) -> None:
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
    """Make a network's training ready.

    Args:
        prepared: where the waveforms are.
        splits: the task's table, split by split.
        run_config: the run's configuration.
        config: settings.
        folder: where the run's files go, and where a killed training left its state.
        init: a run to take the network's weights from.
        hardware: what to train on.
        report: told a line about each epoch.

    Raises:
        ConfigurationError: the data lack a covariate, batches cannot be shared out equally, or
            the strategy shares out the network itself.
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
    trainer = make_trainer(
        hardware,
        epoch_end,
        folder,
        epochs=config.epochs,
        batch_size=config.batch_size,
        accumulate=config.accumulate,
        precision=config.precision,
    )
    balanced = config.imbalance == "balanced-sampler"
    order = BatchOrder(train.labels, config.batch_size, config.seed, balanced)
    steps = config.steps_per_epoch or ceil(order.batches_per_pass() / config.accumulate)
    L.seed_everything(config.seed, verbose=False)
    network = new_network(run_config["model"], config)
    if not any(p.requires_grad for p in network.parameters()):
        raise ConfigurationError(
            f"{run_config['model']} has no weight that can be trained: give it parameters with "
            "requires_grad"
        )
    if init is not None:
        start_from(network, init)
    notes = _precision(trainer, config) | _batch_norm(network, trainer, config.batch_size)
    if len(valid) < trainer.world_size:
        raise ConfigurationError(
            f"{trainer.world_size} processes are more than there are validation ECGs; train on "
            "fewer --devices"
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
    data = WaveformData(train, valid, order, steps * config.accumulate)
    return NetworkFit(module, data, trainer, epoch_end, weight, notes)


def new_network(model: str, config: TrainingConfig) -> nn.Module:
    """A network with fresh weights, told covariates if so configured."""
    network: nn.Module = create_model(model, **config.options)
    return WithCovariates(network, len(config.covariates)) if config.covariates else network


def start_from(network: nn.Module, init: Run) -> None:
    """Take over a run's weights, but not how it weighs covariates: another task weighs anew.

    Of a pre-training there is an encoder to take over; the head stays as it is.

    Raises:
        ConfigurationError: a weight is NaN or infinite.
        DataError: the weights cannot be read.
    """
    inner = network.network if isinstance(network, WithCovariates) else network
    if is_pretrained(init.path):
        assert isinstance(inner, HubertEcg)
        take_encoder(inner, init.path)
    else:
        _take_weights(inner, init)
    if not all(bool(torch.isfinite(p).all()) for p in inner.parameters()):
        raise ConfigurationError(
            f"weights in {init.path} are NaN or infinite: no training can start from them. Name "
            "another run, or start without one"
        )


def _take_weights(network: nn.Module, init: Run) -> None:
    weights = load_tensors(init.path / WEIGHTS)
    if init.config["training"].get("covariates"):
        weights = {
            name.removeprefix(NETWORK_PREFIX): value
            for name, value in weights.items()
            if name.startswith(NETWORK_PREFIX)
        }
    network.load_state_dict(weights)


def _leads_per_row(store: WaveformStore) -> int:
    """Leads that follow each other in a row of a store, named as in `I+aVR+V1+V4`."""
    return max(row.count("+") + 1 for row in store.meta["leads"])


def _precision(trainer: L.Trainer, config: TrainingConfig) -> dict[str, str]:
    """A note if the device cannot do what was asked for, and Lightning does something else."""
    done = str(trainer.precision)
    if done == config.precision:
        return {}
    return {"precision": f"{done} in place of {config.precision}, which this device does not have"}


def _batch_norm(network: nn.Module, trainer: L.Trainer, batch_size: int) -> dict[str, str]:
    """A note over which ECGs batch norm takes its statistics, where there are several processes.

    Raises:
        ConfigurationError: a process has one ECG at a time, and so nothing to take them over.
    """
    processes = trainer.world_size
    each = batch_size // processes
    if processes == 1 or not any(isinstance(layer, _BatchNorm) for layer in network.modules()):
        return {}
    if syncs_batch_norm(processes):
        return {"batch norm": f"over the {batch_size} ECGs of all processes"}
    if each == 1:
        raise ConfigurationError(
            f"batch norm needs several ECGs in each process, and a batch of {batch_size} shared "
            f"out among {processes} processes gives each one: set batch_size to "
            f"{2 * processes} or more"
        )
    return {"batch norm": f"over the {each} ECGs of each process"}


def _imbalance(config: TrainingConfig, weight: float) -> str:
    if config.imbalance == "weights":
        how = f"events weigh {weight:.2f} in the loss"
    elif config.imbalance == "balanced-sampler":
        how = f"events are drawn {weight:.2f} times as often as they are found"
    else:
        return "none: events and controls weigh the same"
    return f"{how}; the weight is taken out of the predicted odds"

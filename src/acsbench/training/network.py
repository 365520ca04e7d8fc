"""Fitting a network with Lightning, on one device or many."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from safetensors.torch import load_file as load_tensors
from torch import nn

from acsbench.errors import ConfigurationError
from acsbench.models.covariates import WithCovariates
from acsbench.models.hubert import HubertEcg
from acsbench.models.registry import create_model
from acsbench.training.callbacks import EpochEnd, Report
from acsbench.training.config import TrainingConfig
from acsbench.training.data import StoredWaveforms, WaveformData
from acsbench.training.features import covariates_of
from acsbench.training.history import kept_epoch, reason_to_stop
from acsbench.training.module import BinaryClassifier
from acsbench.training.order import BatchOrder
from acsbench.training.pretraining.encoder import take_encoder
from acsbench.training.pretraining.folder import is_pretrained
from acsbench.training.run import WEIGHTS, Run
from acsbench.training.state import load_state
from acsbench.training.trainer import Hardware, fit, make_trainer
from acsbench.waveforms.prepare import Prepared
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

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes; the others of a training help it."""
        return bool(self.trainer.is_global_zero)

    def run(self) -> dict[str, str]:
        """Train; the best weights are in the folder then.

        Returns:
            Notes on what happened.

        Raises:
            ConfigurationError: the training diverged.
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
        if reason_to_stop(module.history, module.config) is None:
            fit(trainer, module, self.data)
        return self._notes()

    def _notes(self) -> dict[str, str]:
        history, config = self.module.history, self.module.config
        kept = kept_epoch(history, config.keep)
        if kept is None:
            raise ConfigurationError(
                "no epoch gave a finite validation AUROC: the training diverged; lower "
                "learning_rate"
            )
        over = reason_to_stop(history, config) == "budget"
        if over:
            epochs = "1 epoch" if len(history) == 1 else f"{len(history)} epochs"
            self._tell(f"stopped by the time budget after {epochs}; with more time it goes on")
        return {
            "class imbalance": _imbalance(config, self.weight),
            "epochs trained": str(len(history)),
            "epoch kept": str(kept["epoch"]),
            BUDGET_ENDED: "yes" if over else "no",
            "parameters": f"{sum(p.numel() for p in self.module.network.parameters()):,}",
            "processes": str(self.trainer.world_size),
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
        ConfigurationError: batches cannot be shared out equally, or the strategy shares out
            the network itself.
    """
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
    if init is not None:
        start_from(network, init)
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
    )
    data = WaveformData(train, valid, order, steps * config.accumulate)
    return NetworkFit(module, data, trainer, epoch_end, weight)


def new_network(model: str, config: TrainingConfig) -> nn.Module:
    """A network with fresh weights, told covariates if so configured."""
    network: nn.Module = create_model(model, **config.options)
    return WithCovariates(network, len(config.covariates)) if config.covariates else network


def start_from(network: nn.Module, init: Run) -> None:
    """Take over a run's weights, but not how it weighs covariates: another task weighs anew.

    Of a pre-training there is an encoder to take over; the head stays as it is.
    """
    inner = network.network if isinstance(network, WithCovariates) else network
    if is_pretrained(init.path):
        assert isinstance(inner, HubertEcg)
        take_encoder(inner, init.path)
        return
    weights = load_tensors(init.path / WEIGHTS)
    if init.config["training"].get("covariates"):
        weights = {
            name.removeprefix(NETWORK_PREFIX): value
            for name, value in weights.items()
            if name.startswith(NETWORK_PREFIX)
        }
    inner.load_state_dict(weights)


def _leads_per_row(store: WaveformStore) -> int:
    """Leads that follow each other in a row of a store, named as in `I+aVR+V1+V4`."""
    return max(row.count("+") + 1 for row in store.meta["leads"])


def _imbalance(config: TrainingConfig, weight: float) -> str:
    if config.imbalance == "weights":
        how = f"events weigh {weight:.2f} in the loss"
    elif config.imbalance == "balanced-sampler":
        how = f"events are drawn {weight:.2f} times as often as they are found"
    else:
        return "none: events and controls weigh the same"
    return f"{how}; the weight is taken out of the predicted odds"

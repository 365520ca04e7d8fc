"""What one training step does, against plain PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import lightning as L
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.models.covariates import WithCovariates
from acsbench.runs import WEIGHTS, open_run
from acsbench.training.config import TrainingConfig
from acsbench.training.data import Batch, StoredWaveforms
from acsbench.training.features import covariates_of
from acsbench.training.fit import train
from acsbench.training.module import BinaryClassifier
from acsbench.training.order import BatchOrder, step_seed
from acsbench.training.predict import predict
from acsbench.waveforms.prepared import Prepared, splits_of
from tests.training.test_training import TINY

OPTIONS = {"width": 4, "hidden": 8, "block_dropout": 0.2}


def module_of(config: TrainingConfig, network: nn.Module) -> BinaryClassifier:
    return BinaryClassifier(network, config, 1.0, steps_per_epoch=3, fs=500.0, leads_per_row=4)


def by_hand(prepared: Prepared, config: TrainingConfig) -> dict[str, torch.Tensor]:
    """One epoch of training as one would write it down, with averaged weights."""
    train_table = splits_of(prepared.table(prepared.task()))["train"]
    ecgs = StoredWaveforms(
        prepared.store("study-rows"), train_table, covariates_of(prepared, train_table, [])
    )
    events = ecgs.labels.sum()
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor((len(ecgs) - events) / events))
    L.seed_everything(config.seed, verbose=False)
    network = create_model("resnet18_1d", **config.options).train()
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=0.01)
    order = BatchOrder(ecgs.labels, config.batch_size, config.seed)
    averaged: dict[str, torch.Tensor] = {}
    for number, rows in enumerate(order.batches(0, order.batches_per_pass())):
        L.seed_everything(step_seed(config.seed, number, 0), verbose=False)
        waveforms, _, labels = ecgs[rows]
        optimizer.param_groups[0]["lr"] = config.learning_rate * min(1.0, (number + 1) / 3)
        optimizer.zero_grad()
        loss(network(waveforms)[:, 0], labels).backward()
        optimizer.step()
        keep = min(config.average_decay, number / (number + 1))
        for name, value in network.state_dict().items():
            before = averaged.get(name, value)
            if value.is_floating_point():
                averaged[name] = keep * before + (1 - keep) * value
            else:
                averaged[name] = value.clone()
    return averaged


def test_an_epoch_is_what_one_would_write_by_hand(prepared: Prepared, runs: Path) -> None:
    config = TrainingConfig(epochs=1, batch_size=16, warmup_steps=3, augment=False, options=OPTIONS)
    expected = by_hand(prepared, config)
    kept = load_file(train(prepared, "resnet18_1d", config, runs).path / WEIGHTS)
    for name, value in expected.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_accumulated_batches_make_one_step(prepared: Prepared, tmp_path: Path) -> None:
    # Without batch norm and dropout, two batches of 8 are one of 16.
    options = {"width": 8, "depth": 1, "state": 4, "dropout": 0}
    config = TINY.model_copy(update={"augment": False, "options": options})
    halves = config.model_copy(update={"batch_size": 8, "accumulate": 2})
    weights = [
        load_file(train(prepared, "s4", each, tmp_path / str(number)).path / WEIGHTS)
        for number, each in enumerate((config, halves))
    ]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_steps_per_epoch_are_counted(prepared: Prepared, runs: Path) -> None:
    config = TINY.model_copy(update={"steps_per_epoch": 2, "epochs": 3})
    run = train(prepared, "resnet18_1d", config, runs)
    lines = (run.path / "history.csv").read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in lines] == [["1", "2"], ["2", "4"], ["3", "6"]]


def test_the_study_s_settings_train(prepared: Prepared, runs: Path) -> None:
    from acsbench.training.shipped import settings_of, training_config

    config = training_config(
        settings_of("resnet18_1d", "study"), {"epochs": 1, "options": TINY.options}
    )
    run = train(prepared, "resnet18_1d", config, runs)
    assert run.config["event_weight"] > 1
    assert (
        "are sampled"
        in json.loads((run.path / "metrics.json").read_text())["training"]["class imbalance"]
    )


def test_a_network_told_age_and_sex(prepared: Prepared, runs: Path) -> None:
    config = TINY.model_copy(update={"covariates": ("age", "sex")})
    run = train(prepared, "resnet18_1d", config, runs)
    weights = load_file(run.path / WEIGHTS)
    train_table = splits_of(prepared.table(prepared.task()))["train"]
    told = torch.from_numpy(covariates_of(prepared, train_table, ["age", "sex"]))
    torch.testing.assert_close(weights["mean"], told.nanmean(dim=0))
    again = predict(open_run(run.path), prepared, "test")
    torch.testing.assert_close(
        torch.tensor(again.to_numpy()), torch.tensor(run.predictions("test").to_numpy())
    )
    # Fine-tuning takes the network over, and weighs the covariates anew.
    still = config.model_copy(
        update={"epochs": 1, "learning_rate": 1e-12, "weight_decay": 0.0, "covariates": ("age",)}
    )
    tuned = load_file(train(prepared, "resnet18_1d", still, runs, init=run).path / WEIGHTS)
    assert tuned["combine.weight"].shape == (1, 3)
    name = "network.head.0.weight"
    torch.testing.assert_close(tuned[name], weights[name], rtol=0, atol=1e-6)


def test_covariates_are_for_networks(prepared: Prepared, runs: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not use the setting 'covariates'"):
        train(prepared, "logistic", TrainingConfig(covariates=("age",)), runs)


class Echo(nn.Module):
    """A network whose logit is the ECG's first sample."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0, :1]


def test_batches_are_ranked_together_whatever_their_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(TrainingConfig(), Echo())
    logged: dict[str, object] = {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value}))
    # All logits of the second batch could be probabilities; those of the third are nearly certain.
    for logits in ([-0.1, 0.3], [0.05, 0.4], [-40.0, 41.0]):
        waveforms = torch.tensor(logits)[:, None, None]
        module.validation_step(Batch(waveforms, torch.zeros(2, 0), torch.tensor([0.0, 1.0])), 0)
    module.on_validation_epoch_end()
    assert logged["valid_auroc"] == 1
    assert len(module.valid_logits.compute()) == 0  # the next epoch begins anew


class Layered(nn.Module):
    """A network that knows its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = nn.Linear(12, 4), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.high(self.low(x.flatten(1)))

    def parameter_groups(self, learning_rate: float, decay: float) -> list[dict[str, object]]:
        return [
            {"params": list(self.high.parameters()), "lr": learning_rate},
            {"params": list(self.low.parameters()), "lr": learning_rate * decay},
        ]


def test_lower_layers_learn_more_slowly() -> None:
    config = TrainingConfig(learning_rate=0.1, layer_decay=0.5)
    for network, rates in (
        (Layered(), [0.1, 0.05]),
        (WithCovariates(Layered(), 1), [0.1, 0.05, 0.1]),
    ):
        groups = module_of(config, network).configure_optimizers().param_groups
        assert [group["base_lr"] for group in groups] == rates
        count = sum(len(group["params"]) for group in groups)
        assert count == len(list(network.parameters()))
    with pytest.raises(ConfigurationError, match="needs a network with parameter_groups"):
        module_of(config, nn.Linear(3, 1)).configure_optimizers()


def test_frozen_parameters_are_left_to_themselves() -> None:
    network = Layered()
    network.low.requires_grad_(False)
    (group,) = module_of(TrainingConfig(), network).configure_optimizers().param_groups
    assert len(group["params"]) == 2


def test_constants_survive_averaging_to_the_last_bit() -> None:
    network = nn.BatchNorm1d(3)
    network.register_buffer("constant", torch.rand(100))
    module = module_of(TrainingConfig(), network)
    before = network.constant.clone()
    for step in range(100):
        module._average(step)
    assert torch.equal(module.averaged["constant"], before)
    assert "num_batches_tracked" in module.averaged


def test_a_batch_tells_what_its_network_takes() -> None:
    waveforms, labels = torch.zeros(2, 3, 5), torch.zeros(2)
    assert len(Batch(waveforms, torch.zeros(2, 0), labels).inputs()) == 1
    assert len(Batch(waveforms, torch.zeros(2, 3), labels).inputs()) == 2

"""Networks and settings that a device or a file format has no room for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.runs import WEIGHTS, open_run
from acsbench.training import network
from acsbench.training.callbacks import EpochEnd
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import predict
from acsbench.training.predictors import load_network
from acsbench.training.shipped import training_config
from acsbench.training.trainer import Hardware, make_trainer
from acsbench.waveforms.prepared import Prepared
from tests.contract.test_models import SMALL
from tests.training.networks import Normed, Plain, Tied, registered
from tests.training.test_divergence import QUICK

HALF = QUICK.model_copy(update={"epochs": 1, "steps_per_epoch": 1, "batch_size": 2})


def test_layers_may_share_their_weights(prepared: Prepared, runs: Path) -> None:
    with registered("tied", Tied):
        run = train(prepared, "tied", QUICK, runs)
        weights = load_file(run.path / WEIGHTS)
        torch.testing.assert_close(weights["one.weight"], weights["two.weight"], rtol=0, atol=0)
        loaded = load_network(open_run(run.path))
        assert loaded.one.weight is loaded.two.weight
        again = predict(open_run(run.path), prepared, "test")
        assert (again == run.predictions("test")).all()
        further = QUICK.model_copy(update={"seed": 1})
        assert train(prepared, "tied", further, runs, init=run, allow_leak=True).path.is_dir()


@pytest.mark.parametrize("build", [Normed, lambda: create_model("resnet6", **SMALL["resnet6"])])
def test_batch_norm_of_one_ecg_in_each_process(build: Callable[[], nn.Module]) -> None:
    class Trainer:
        world_size = 2
        precision = "32-true"

    with pytest.raises(ConfigurationError, match="in each process; set batch_size to 4 or more"):
        network._batch_norm(build(), Trainer(), 2)
    assert network._batch_norm(build(), Trainer(), 8) == {
        "batch norm": "over the 4 ECGs of each process"
    }
    assert network._batch_norm(Plain(), Trainer(), 2) == {}


def test_batches_of_one_ecg_are_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match="batch_size: Input should be greater than or equ"):
        training_config({"batch_size": 1})


class Alone(Normed):
    """It takes one ECG of the batch alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        return torch.cat([super(Alone, self).forward(each[None]) for each in x])


def test_batch_norm_within_a_network_of_one_ecg(prepared: Prepared, runs: Path) -> None:
    with registered("alone", Alone), pytest.raises(ConfigurationError, match="one value per chann"):
        train(prepared, "alone", QUICK, runs)
    assert list(runs.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU has half precision")
def test_half_precision_that_the_device_lacks_is_recorded(prepared: Prepared, runs: Path) -> None:
    lines: list[str] = []
    config = HALF.model_copy(update={"precision": "16-mixed"})
    with registered("plain", Plain):
        run = train(prepared, "plain", config, runs, report=lines.append)
    note = "bf16-mixed; this device does not support 16-mixed"
    assert run.notes["precision"] == note
    assert f"precision: {note}" in lines
    assert note in (run.path / "MODEL_CARD.md").read_text()
    with registered("plain", Plain):
        full = train(prepared, "plain", HALF, runs)
    assert "precision" not in full.notes


@pytest.mark.parametrize("model", ["resnet6", "s4", "ecgomi"])
def test_our_networks_train_in_half_precision(prepared: Prepared, runs: Path, model: str) -> None:
    config = HALF.model_copy(update={"precision": "bf16-mixed", "options": SMALL[model]})
    assert train(prepared, model, config, runs).path.is_dir()


class NoHalf(Plain):
    """A layer of it is not computed in half precision."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.head(self.pool(x).flatten(1))
        if y.dtype != torch.float32:
            raise RuntimeError("\"cholesky_cpu\" not implemented for 'BFloat16'")
        return y


def test_a_layer_without_half_precision(prepared: Prepared, runs: Path) -> None:
    config = HALF.model_copy(update={"precision": "bf16-mixed"})
    with (
        registered("no-half", NoHalf),
        pytest.raises(ConfigurationError, match="in bf16-mixed: set precision=32-true"),
    ):
        train(prepared, "no-half", config, runs)
    assert list(runs.iterdir()) == []


def test_a_trainer_knows_its_precision(tmp_path: Path) -> None:
    config = TrainingConfig(precision="bf16-mixed")
    trainer = make_trainer(Hardware(), EpochEnd(tmp_path, print), config)
    assert network._precision(trainer, config) == {}

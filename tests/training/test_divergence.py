"""Outputs that are NaN or infinite end a training, and are never written down."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from acsbench.errors import ConfigurationError, DataError
from acsbench.runs import WEIGHTS, Run
from acsbench.statistics import auroc
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import predict
from acsbench.training.predictors import stored_waveforms
from acsbench.waveforms.prepared import Prepared, splits_of
from tests.training.networks import FailsLater, Plain, registered
from tests.training.test_training import TINY

QUICK = TrainingConfig(epochs=4, steps_per_epoch=3, batch_size=8, augment=False)
NAN, INF = math.nan, math.inf


def finished(prepared: Prepared, run: Run) -> None:
    """Every figure of a run is that of its own finite predictions."""
    metrics = json.loads((run.path / "metrics.json").read_text())["estimates"]
    for split in ("valid", "test"):
        part = splits_of(prepared.table(prepared.task()))[split]
        probabilities = run.predictions(split)
        assert np.isfinite(probabilities).all()
        value = auroc(part["label"], probabilities, groups=part["patient_id"]).value
        assert metrics[split]["auroc"]["value"] == value
    for tensor in load_file(run.path / WEIGHTS).values():
        assert torch.isfinite(tensor).all()


@pytest.mark.parametrize(
    ("fault", "epoch", "step", "what"),
    [
        ({"value": NAN, "batch": 5}, 2, 5, "the training loss"),
        ({"value": INF, "batch": 8}, 3, 8, "the training loss"),
        ({"value": NAN, "validation": 3}, 3, 9, "the output for a validation ECG"),
        ({"value": -INF, "validation": 2}, 2, 6, "the output for a validation ECG"),
    ],
)
@pytest.mark.parametrize("keep", ["best", "last"])
def test_an_earlier_epoch_is_kept(
    prepared: Prepared,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict,
    epoch: int,
    step: int,
    what: str,
    keep: str,
) -> None:
    config = QUICK.model_copy(update={"keep": keep})
    lines: list[str] = []
    with registered("fails", lambda: FailsLater(**fault)):
        # Loaded afresh, the network would count its validations anew.
        made = iter([FailsLater(**fault)])
        monkeypatch.setattr(
            "acsbench.training.predictors.create_model", lambda *_, **__: next(made, Healed())
        )
        run = train(prepared, "fails", config, runs, report=lines.append)
        place = f"at epoch {epoch}, step {step}: {what} is NaN or infinite"
        (told,) = [line for line in lines if "diverged" in line]
        assert told.startswith(f"training diverged {place}; epoch ")
        assert told.endswith("lower learning_rate (now 0.001)")
        history = pd.read_csv(run.path / "history.csv")
        assert list(history["epoch"]) == list(range(1, epoch + 1))
        assert history["step"].iloc[-1] == step
        assert np.isnan(history["valid_auroc"]).tolist() == [False] * (epoch - 1) + [True]
        assert run.notes["diverged"] == place
        before = history.iloc[:-1]
        best = before.loc[before["valid_auroc"].idxmax(), "epoch"]
        assert run.notes["epoch kept"] == str(best if keep == "best" else epoch - 1)
        assert run.notes["epochs trained"] == str(epoch - 1)
        finished(prepared, run)

        lines.clear()
        again = train(prepared, "fails", config, runs, report=lines.append)
        assert again.path == run.path
        assert lines[0].startswith("fails: already trained")
        assert place in lines[1]
        assert "lower learning_rate" in lines[1]


class Healed(FailsLater):
    """The same network without its fault."""

    def __init__(self) -> None:
        super().__init__(0.0)


@pytest.mark.parametrize("fault", [{"value": NAN, "batch": 1}, {"value": INF, "validation": 1}])
def test_with_nothing_to_keep_there_is_no_run(prepared: Prepared, runs: Path, fault: dict) -> None:
    with registered("fails", lambda: FailsLater(**fault)):
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"diverged at epoch 1, step \d: .*lower"):
                train(prepared, "fails", QUICK, runs)
            assert list(runs.iterdir()) == []


def test_a_learning_rate_beyond_reason(prepared: Prepared, runs: Path) -> None:
    config = TINY.model_copy(update={"learning_rate": 1e30, "precision": "bf16-mixed"})
    with pytest.raises(ConfigurationError, match=r"now 1e\+30\), or set precision=32-true"):
        train(prepared, "resnet6", config, runs)
    assert list(runs.iterdir()) == []


def test_the_network_of_the_reported_case(prepared: Prepared, runs: Path, cases: Path) -> None:
    words = ["train", "late", "--data", prepared.path, "--runs", runs, "--set", "batch_size=16"]
    words += ["--set", "epochs=3"]
    command = [sys.executable, cases / "nan-training" / "late_nan.py", *words]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    assert "training diverged at epoch 2, step 10" in done.stdout
    assert "epoch 1 is kept" in done.stdout
    (run,) = runs.iterdir()
    assert np.isfinite(pd.read_csv(run / "predictions-test.csv")["probability"]).all()


class OneFails(Plain):
    """In eval mode, the output for the ECG with the highest value is not finite."""

    highest = INF

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wrong = (x.amax((1, 2)) >= self.highest) & torch.tensor(not self.training)
        return torch.where(wrong[:, None], INF, super().forward(x))


def test_one_test_ecg_costs_no_training(
    prepared: Prepared, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = splits_of(prepared.table(prepared.task()))
    config = {"training": {}, "processing": {"profile": "study-rows"}}
    highest = {
        split: max(
            float(batch.waveforms.max())
            for batch in stored_waveforms(prepared, part, config).in_order()
        )
        for split, part in splits.items()
    }
    # Whichever of the two is higher serves as the test split.
    if highest["valid"] >= highest["test"]:
        swapped = splits | {"valid": splits["test"], "test": splits["valid"]}
        highest["test"] = highest["valid"]
        monkeypatch.setattr("acsbench.training.fit.splits_of", lambda _: swapped)
    monkeypatch.setattr(OneFails, "highest", highest["test"])
    lines: list[str] = []
    with registered("fails", OneFails):
        run = train(prepared, "fails", QUICK, runs, report=lines.append)
        found = [line for line in lines if "no predictions of test: " in line]
        assert len(found) == 1
        assert "NaN or infinite for 1 of " in found[0]
        assert run.has_predictions("valid")
        assert not run.has_predictions("test")
        assert set(json.loads((run.path / "metrics.json").read_text())["estimates"]) == {"valid"}
        lines.clear()
        assert train(prepared, "fails", QUICK, runs, report=lines.append).path == run.path
        assert found[0] in lines
        monkeypatch.setattr("acsbench.training.predict.PART", 10)
        wrong = sum(
            int((batch.waveforms.amax((1, 2)) >= OneFails.highest).sum())
            for part in splits.values()
            for batch in stored_waveforms(prepared, part, config).in_order()
        )
        # All ECGs are counted, not those of a part.
        count = sum(map(len, splits.values()))
        with pytest.raises(DataError, match=f"NaN or infinite for {wrong} of {count} ECGs"):
            predict(run, prepared, "all", parts=tmp_path / "parts")


def test_validation_ecgs_of_one_class_choose_the_epoch_by_their_loss(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = splits_of(prepared.table(prepared.task()))
    controls = splits["valid"][splits["valid"]["label"] == 0].reset_index(drop=True)
    monkeypatch.setattr("acsbench.training.fit.splits_of", lambda _: splits | {"valid": controls})
    lines: list[str] = []
    with registered("plain", Plain):
        run = train(prepared, "plain", QUICK, runs, report=lines.append)
    history = pd.read_csv(run.path / "history.csv")
    assert history["valid_auroc"].isna().all()
    assert run.notes["epoch kept"] == str(history.loc[history["valid_loss"].idxmin(), "epoch"])
    assert any("(no AUROC: one class only)" in line for line in lines)
    assert "plain: no validation AUROC: the ECGs are of one class" in lines
    assert set(json.loads((run.path / "metrics.json").read_text())["estimates"]) == {"test"}


class OtherOutput(Plain):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        if kind == "two":
            self.head = torch.nn.Linear(12, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = super().forward(x)
        return {"flat": y[:, 0], "two": y, "flags": y > 0}[self.kind]


@pytest.mark.parametrize(
    ("kind", "found"),
    [("flat", r"\(8,\) and type float32"), ("two", r"\(8, 2\)"), ("flags", "type bool")],
)
def test_a_network_gives_one_logit(prepared: Prepared, runs: Path, kind: str, found: str) -> None:
    message = found + r".*one floating-point logit for each ECG"
    with (
        registered("other", lambda: OtherOutput(kind)),
        pytest.raises(ConfigurationError, match=message),
    ):
        train(prepared, "other", QUICK, runs)
    assert list(runs.iterdir()) == []


class Frozen(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


def test_a_network_has_something_to_train(prepared: Prepared, runs: Path) -> None:
    message = "frozen has no trainable weight"
    with registered("frozen", Frozen), pytest.raises(ConfigurationError, match=message):
        train(prepared, "frozen", QUICK, runs)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_predictions_that_are_not_finite_are_refused(
    prepared: Prepared, runs: Path, tmp_path: Path, value: float
) -> None:
    with registered("plain", Plain):
        run = train(prepared, "plain", QUICK.model_copy(update={"epochs": 1}), runs)
        weights = load_file(run.path / WEIGHTS)
        weights["head.bias"][:] = value
        save_file(weights, run.path / WEIGHTS)
        count = len(run.predictions("test"))
        parts = tmp_path / "parts"
        with pytest.raises(DataError, match=f"NaN or infinite for {count} of {count} ECGs") as info:
            predict(run, prepared, "test", parts=parts)
        assert "sim-" not in info.value.message()
        assert "sim-" in info.value.message(show_ids=True)
        assert not list(tmp_path.rglob("*.npy"))
        with pytest.raises(ConfigurationError, match="Start from another run"):
            train(
                prepared, "plain", QUICK.model_copy(update={"seed": 1}), runs, init=run,
                allow_leak=True,
            )  # fmt: skip

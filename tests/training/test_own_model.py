"""A model in a user's file: edited, it is another model."""

from __future__ import annotations

from pathlib import Path

import pytest

from acsbench.errors import DataError
from acsbench.models import list_models, registry
from acsbench.runs import CODE
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import predict
from acsbench.waveforms.prepared import Prepared
from tests.cli.test_cli import run as acsbench
from tests.models.test_registry import MODEL, registered
from tests.training.test_resume import interrupted

NAME = "one-layer"
EDITED = MODEL.replace("nn.Linear(3 * steps, 1)", "nn.Linear(3 * steps, 2), nn.Linear(2, 1)")
QUICK = TrainingConfig(epochs=2, augment=False)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    list_models()
    monkeypatch.setattr(registry, "_MODELS", dict(registry._MODELS))


def test_an_edited_model_is_trained_anew(prepared: Prepared, runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    first_info = registered(file, MODEL)
    first = train(prepared, NAME, QUICK, runs)
    assert first.config[CODE] == first_info.code
    assert "Licence of the code: not stated." in (first.path / "MODEL_CARD.md").read_text()
    lines: list[str] = []
    registered(file, MODEL)
    assert train(prepared, NAME, QUICK, runs, report=lines.append).path == first.path
    assert lines == [f"{NAME}: already trained, see {first.path}"]

    lines.clear()
    registered(file, EDITED)
    second = train(prepared, NAME, QUICK, runs, report=lines.append)
    assert lines[0] == f"{NAME}: its code has changed since {first.path}: this is a new run"
    assert second.path != first.path
    assert len(predict(second, prepared, "test")) == len(second.predictions("test"))
    with pytest.raises(DataError, match="train the model again, or restore the code"):
        predict(first, prepared, "test")


def test_a_prediction_with_other_code_is_told(
    prepared: Prepared, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(tmp_path / "mine.py", MODEL)
    run = train(prepared, NAME, QUICK, runs)
    words = ("predict", run.path, "--data", prepared.path, "--out", tmp_path / "a.csv")
    assert acsbench(*words) == 0
    assert "has changed" not in capsys.readouterr().out
    registered(tmp_path / "mine.py", MODEL.replace("Max", "Avg"))
    assert acsbench(*words) == 0
    assert f"its code has changed since {run.path} was trained" in capsys.readouterr().out


def test_a_killed_training_does_not_go_on_in_an_edited_model(
    prepared: Prepared, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(tmp_path / "mine.py", MODEL)
    folder = interrupted(prepared, runs, QUICK, monkeypatch, NAME)
    registered(tmp_path / "mine.py", EDITED)
    lines: list[str] = []
    run = train(prepared, NAME, QUICK, runs, report=lines.append)
    assert not [line for line in lines if line.startswith("resumes")]
    assert set(runs.iterdir()) == {folder, run.path}


def test_our_own_models_keep_no_digest(prepared: Prepared, runs: Path) -> None:
    assert CODE not in train(prepared, "logistic", TrainingConfig(), runs).config

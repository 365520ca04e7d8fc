"""A training that its time budget ended goes on when it gets more time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from acsbench.runs import HISTORY, STATE, WEIGHTS
from acsbench.training import callbacks
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.history import history_csv, read_history, time_to_expect
from acsbench.waveforms.prepared import Prepared
from tests.training.test_schedule import epochs
from tests.training.test_training import TINY

SHORT = 1e-3


def lasting(minutes: float | None) -> TrainingConfig:
    return TINY.model_copy(update={"epochs": 3, "max_minutes": minutes, "schedule": "cosine"})


def test_more_time_takes_a_training_where_it_would_have_come_at_once(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    short = train(prepared, "resnet18_1d", lasting(SHORT), runs, report=lines.append)
    assert "stopped by the time budget after 1 epoch; more time continues it" in lines
    assert (short.path / STATE).is_file()
    weights = (short.path / WEIGHTS).read_bytes()
    for minutes in (SHORT, SHORT / 2):
        again = train(prepared, "resnet18_1d", lasting(minutes), runs, report=lines.append)
        assert again.path == short.path
        assert "already trained" in lines[-1]

    lines.clear()
    long = train(prepared, "resnet18_1d", lasting(None), runs, report=lines.append)
    assert "resumes after epoch 1" in lines
    whole = train(prepared, "resnet18_1d", lasting(None), tmp_path / "whole")
    histories = [pd.read_csv(run.path / HISTORY).drop(columns="seconds") for run in (long, whole)]
    pd.testing.assert_frame_equal(*histories, check_exact=True)
    for name in (WEIGHTS, "predictions-test.csv"):
        assert (long.path / name).read_bytes() == (whole.path / name).read_bytes()
    # The shorter one stays as it was, but for what the longer one took over.
    assert {short.path, long.path} == set(runs.iterdir())
    assert (short.path / WEIGHTS).read_bytes() == weights
    assert not any((run.path / STATE).exists() for run in (short, long, whole))
    # Whoever asks for less has it already.
    assert train(prepared, "resnet18_1d", lasting(SHORT), runs).path == long.path


def test_without_its_state_a_training_begins_anew(prepared: Prepared, runs: Path) -> None:
    short = train(prepared, "resnet18_1d", lasting(SHORT), runs)
    (short.path / STATE).unlink()
    lines: list[str] = []
    long = train(prepared, "resnet18_1d", lasting(None), runs, report=lines.append)
    assert not [line for line in lines if line.startswith("resumes")]
    assert pd.read_csv(long.path / HISTORY)["epoch"].tolist() == [1, 2, 3]


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    history = epochs(0.6, 0.65, 0.7)
    (tmp_path / HISTORY).write_text(history_csv(history))
    assert read_history(tmp_path / HISTORY) == history


@pytest.mark.parametrize(
    ("minutes", "before", "told"),
    [
        (None, 0, "at most 30 epochs, 60 min"),
        (None, 10, "at most 30 epochs, 40 min"),
        (10, 0, "about 5 of 30 epochs fit into 10 min"),
        (10, 2, "about 6 of 30 epochs fit into 10 min"),
        (0.5, 0, "about 1 of 30 epochs fit into 0.5 min"),
        (600, 0, "about 30 of 30 epochs fit into 600 min"),
    ],
)
def test_how_long_a_training_will_take(minutes: float | None, before: int, told: str) -> None:
    history = epochs(*[0.6] * before, seconds=60)
    config = TrainingConfig(epochs=30, max_minutes=minutes)
    assert time_to_expect(120.0, history, config) == f"an epoch takes about 120 s; {told}"


def test_the_time_of_a_long_epoch_is_told_once(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    train(prepared, "resnet18_1d", TINY, runs / "short", report=lines.append)
    assert not [line for line in lines if line.startswith("an epoch takes")]
    monkeypatch.setattr(callbacks, "ESTIMATE_AFTER", 0.0)
    train(prepared, "resnet18_1d", TINY, runs / "long", report=lines.append)
    assert len([line for line in lines if line.startswith("an epoch takes")]) == 1

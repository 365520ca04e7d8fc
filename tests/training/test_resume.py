"""A killed training goes on and ends as it would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from acsbench.errors import ConfigurationError, DataError
from acsbench.runs import LOCK, STATE, WEIGHTS
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.module import BinaryClassifier
from acsbench.training.state import load_state, save_state
from acsbench.waveforms.prepared import Prepared, splits_of
from tests.training.test_training import TINY

# Everything that draws random numbers or keeps a state between steps.
EVENTFUL = TINY.model_copy(
    update={
        "epochs": 3,
        "accumulate": 2,
        "schedule": "plateau",
        "imbalance": "balanced-sampler",
        "covariates": ("age", "sex"),
        "options": {"width": 4, "hidden": 8, "block_dropout": 0.3},
    }
)
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.module import BinaryClassifier
from acsbench.waveforms.prepared import open_prepared

prepared, runs, config, *batches = sys.argv[1:]
begin = BinaryClassifier.on_train_batch_start
for batch in map(int, batches):
    def killing(module, data, number):
        per_epoch = module.steps_per_epoch * module.config.accumulate
        if len(module.history) * per_epoch + number == batch:
            os.kill(os.getpid(), signal.SIGKILL)
        begin(module, data, number)
    child = os.fork()
    if not child:
        BinaryClassifier.on_train_batch_start = killing
        config = TrainingConfig.model_validate_json(config)
        train(open_prepared(Path(prepared)), "resnet18_1d", config, Path(runs))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
"""


def test_a_training_killed_at_random_steps_ends_as_one_that_was_not(
    prepared: Prepared, tmp_path: Path
) -> None:
    whole = train(prepared, "resnet18_1d", EVENTFUL, tmp_path / "whole")
    history = pd.read_csv(whole.path / "history.csv")
    per_epoch = int(history["step"].iloc[0]) * EVENTFUL.accumulate
    seed = np.random.SeedSequence().entropy
    rng = np.random.default_rng(seed)
    # In the first epoch nothing is saved yet; later, an epoch begun is repeated.
    batches = sorted(rng.integers([0, per_epoch, per_epoch], [per_epoch, *2 * [3 * per_epoch]]))
    runs = tmp_path / "killed"
    words = [prepared.path, runs, EVENTFUL.model_dump_json(), *batches]
    subprocess.run([sys.executable, "-c", KILLED_AT, *map(str, words)], check=True)
    (unfinished,) = runs.iterdir()
    assert unfinished.name.startswith(".resnet18_1d-simulated-acs-0-")

    lines: list[str] = []
    resumed = train(prepared, "resnet18_1d", EVENTFUL, runs, report=lines.append)
    assert lines[0].startswith("resumes after epoch"), (seed, batches)
    again = pd.read_csv(resumed.path / "history.csv")
    pd.testing.assert_frame_equal(
        again.drop(columns="seconds"), history.drop(columns="seconds"), check_exact=True
    )
    for name in (WEIGHTS, "predictions-valid.csv", "predictions-test.csv"):
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), (name, seed)
    assert list(runs.iterdir()) == [resumed.path]
    assert not {STATE, LOCK} & {path.name for path in resumed.path.iterdir()}


def interrupted(
    prepared: Prepared,
    runs: Path,
    config: TrainingConfig,
    monkeypatch: pytest.MonkeyPatch,
    model: str = "resnet18_1d",
) -> Path:
    """A training that Ctrl-C ended in its second epoch."""

    def interrupt(module: BinaryClassifier) -> None:
        if module.history:
            os.kill(os.getpid(), signal.SIGINT)
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(BinaryClassifier, "on_train_epoch_start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(prepared, model, config, runs)
    (folder,) = runs.iterdir()
    return folder


def test_an_interrupted_training_stays_for_its_own_configuration_only(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted(prepared, runs, TINY, monkeypatch)
    other = train(prepared, "resnet18_1d", TINY.model_copy(update={"seed": 1}), runs)
    assert set(runs.iterdir()) == {folder, other.path}
    lines: list[str] = []
    run = train(prepared, "resnet18_1d", TINY, runs, report=lines.append)
    assert lines[0] == "resumes after epoch 1"
    assert set(runs.iterdir()) == {run.path, other.path}


def test_the_time_of_the_interrupted_part_counts(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TINY.model_copy(update={"epochs": 50, "max_minutes": 1.0})
    folder = interrupted(prepared, runs, config, monkeypatch)
    state = load_state(folder)
    assert state is not None
    state.history[0]["seconds"] = 31.0
    save_state(state, folder)
    run = train(prepared, "resnet18_1d", config, runs)
    assert len(pd.read_csv(run.path / "history.csv")) == 1


def test_a_second_process_at_the_same_training_is_refused(prepared: Prepared, runs: Path) -> None:
    from acsbench.runs import RunWriter
    from acsbench.training.fit import _run_config

    task = prepared.task()
    splits = splits_of(prepared.table(task))
    config = _run_config(prepared, "resnet18_1d", TINY, task, splits, None, False)
    folder = RunWriter(runs, config).path
    folder.mkdir(parents=True)
    with FileLock(folder / LOCK), pytest.raises(ConfigurationError, match="another process"):
        train(prepared, "resnet18_1d", TINY, runs)
    assert folder.is_dir()


def test_a_damaged_state_is_told(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted(prepared, runs, TINY, monkeypatch)
    (folder / STATE).write_bytes(b"nonsense")
    with pytest.raises(DataError, match="unfinished training cannot be read"):
        train(prepared, "resnet18_1d", TINY, runs)

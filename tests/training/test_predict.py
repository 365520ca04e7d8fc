from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError
from acsbench.runs import Run
from acsbench.training import predict as module
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import mean_and_spread, predict
from acsbench.training.predictors import NetworkPredictor
from acsbench.waveforms.prepare import Prepared
from tests.cli.test_cli import run as acsbench
from tests.training.test_training import TINY


@pytest.fixture(scope="module")
def seeds(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    runs = tmp_path_factory.mktemp("seeds")
    return [
        train(prepared, "resnet18_1d", TINY.model_copy(update={"epochs": 1, "seed": seed}), runs)
        for seed in (0, 1, 2)
    ]


@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_killed_prediction_goes_on(
    prepared: Prepared,
    seeds: list[Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_after: int,
) -> None:
    monkeypatch.setattr(module, "PART", 40)
    whole = predict(seeds[0], prepared, "all", parts=tmp_path / "whole")
    left = killed_after
    probabilities = NetworkPredictor.probabilities

    def killing(*words: object) -> np.ndarray:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return probabilities(*words)

    monkeypatch.setattr(NetworkPredictor, "probabilities", killing)
    with pytest.raises(KeyboardInterrupt):
        predict(seeds[0], prepared, "all", parts=tmp_path / "killed")
    left = 4 - killed_after  # what is done is not done again
    seen: list[tuple[int, int]] = []
    resumed = predict(
        seeds[0],
        prepared,
        "all",
        parts=tmp_path / "killed",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (150, 150)
    pd.testing.assert_series_equal(resumed, whole, check_exact=True)


def test_parts_of_another_run_are_not_taken(
    prepared: Prepared, seeds: list[Run], tmp_path: Path
) -> None:
    one, two = (predict(run, prepared, "test", parts=tmp_path) for run in seeds[:2])
    assert not np.allclose(one, two)
    pd.testing.assert_series_equal(two, seeds[1].predictions("test"), rtol=1e-6)


def test_several_runs_give_their_mean_and_spread(
    prepared: Prepared, seeds: list[Run], tmp_path: Path
) -> None:
    out = tmp_path / "together.csv"
    paths = [run.path for run in seeds]
    assert acsbench("predict", *paths, "--data", prepared.path, "--out", out) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "together.csv",
        "together-spread.csv",
    }
    alone = np.array([run.predictions("test") for run in seeds])
    together = pd.read_csv(out, dtype={"ecg_id": str})
    assert together["ecg_id"].tolist() == seeds[0].predictions("test").index.tolist()
    np.testing.assert_allclose(together["probability"], alone.mean(axis=0), rtol=1e-6)
    spread = pd.read_csv(tmp_path / "together-spread.csv")
    assert list(spread.columns) == ["ecg_id", "sd"]
    np.testing.assert_allclose(spread["sd"], alone.std(axis=0, ddof=1), rtol=1e-5)


def test_one_run_has_no_spread(seeds: list[Run]) -> None:
    one = seeds[0].predictions("test")
    mean, spread = mean_and_spread([one])
    pd.testing.assert_series_equal(mean, one)
    assert (spread == 0).all()
    with pytest.raises(ConfigurationError, match="same ECGs"):
        mean_and_spread([one, one.iloc[1:]])


def test_runs_for_several_tasks_are_not_averaged(
    prepared: Prepared, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(prepared, "logistic", TrainingConfig(), runs)
    other = runs / "other"
    other.mkdir()
    for file in run.path.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    text = (other / "config.yaml").read_text()
    digest = run.config["task"]["digest"]
    (other / "config.yaml").write_text(text.replace(digest, "0" * len(digest)))
    words = ("predict", run.path, other, "--data", prepared.path, "--out", tmp_path / "o.csv")
    assert acsbench(*words) == 2
    assert "several tasks" in capsys.readouterr().err

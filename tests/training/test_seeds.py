import json
from pathlib import Path

import pytest

from acsbench.cli.train import parse_seeds
from acsbench.errors import ConfigurationError
from acsbench.runs import METRICS, Run
from acsbench.training.seeds import check_seed_alone, summary_of_seeds, table_of_seeds
from acsbench.waveforms.prepared import Prepared
from tests.cli.test_cli import run as acsbench


def run(folder: Path, seed: int, **aurocs: float) -> Run:
    path = folder / f"run-{seed}"
    path.mkdir()
    estimates = {split: {"auroc": {"value": value}} for split, value in aurocs.items()}
    (path / METRICS).write_text(json.dumps({"estimates": estimates}))
    return Run(path, {"training": {"seed": seed}})


def test_mean_and_spread_of_several_seeds(tmp_path: Path) -> None:
    runs = [
        run(tmp_path, seed, valid=0.8, test=test) for seed, test in ((0, 0.7), (1, 0.8), (5, 0.9))
    ]
    assert summary_of_seeds(runs) == [
        "validation AUROC of 3 seeds: mean 0.800, SD 0.000, 0.800 to 0.800",
        "test AUROC of 3 seeds: mean 0.800, SD 0.100, 0.700 to 0.900",
    ]
    assert table_of_seeds(runs).splitlines()[-1] == "5,test,0.900000,run-5"


def test_a_split_that_is_not_shown_is_not_summarised(tmp_path: Path) -> None:
    runs = [run(tmp_path, 0, valid=0.8, test=0.7), run(tmp_path, 1, valid=0.9)]
    assert len(summary_of_seeds(runs)) == 1
    assert summary_of_seeds(runs[:1]) == []


def configured(name: str, seed: int = 0, init: str | None = None, **settings: object) -> Run:
    training = {"epochs": 4, "options": {"width": 8}, "max_minutes": None, "seed": seed}
    return Run(Path("runs") / name, {"training": training | settings, "init": init})


def test_runs_that_differ_in_their_seed_alone_have_a_mean() -> None:
    check_seed_alone([configured("a")])
    check_seed_alone([configured("a"), configured("b", seed=1), configured("c", seed=2)])
    # A recipe pre-trains each seed by itself.
    check_seed_alone([configured("a", init="123"), configured("b", seed=1, init="456")])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (configured("b", seed=1, epochs=1), r"differ in epochs: a \(epochs 4\), b \(epochs 1\)\."),
        (configured("b", seed=1, options={"width": 9}), r"a \(options.width 8\), b \(options.wid"),
        (configured("b", seed=1, max_minutes=10.0), r"a \(max_minutes none\), b \(max_minutes 10"),
        (configured("b", seed=1, init="123"), r"differ in init"),
        (Run(Path("b"), {**configured("b", seed=1).config, "code": "f" * 64}), r"\(code ffffffff…"),
        (configured("b", seed=0), r"different seeds: a \(seed 0\), b \(seed 0\)"),
    ],
)
def test_other_runs_have_none(other: Run, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        check_seed_alone([configured("a"), other])


@pytest.mark.parametrize("words", ["2-0", "a", "0,0", "1-2-3", "", "-1"])
def test_seeds_that_are_none(words: str) -> None:
    with pytest.raises(ConfigurationError, match="--seeds"):
        parse_seeds(words)


def test_several_seeds_in_one_command(
    prepared: Prepared, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", "logistic", "--data", prepared.path, "--runs", runs)
    assert acsbench(*words, "--seed", 1) == 0
    capsys.readouterr()
    assert acsbench(*words, "--seeds", "0-2") == 0
    said = capsys.readouterr().out
    assert said.count("already trained") == 1
    assert "test AUROC of 3 seeds: mean" in said
    names = sorted(path.name.rpartition("-")[0] for path in runs.iterdir())
    assert names == [f"logistic-simulated-acs-{seed}" for seed in (0, 1, 2)]
    assert acsbench(*words, "--seeds", "0-2", "--seed", 1) == 2
    assert acsbench(*words, "--settings", "study") == 2
    assert "is not a network" in capsys.readouterr().err

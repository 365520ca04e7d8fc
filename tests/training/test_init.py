"""Starting from another run's weights, without leaking its patients."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError
from acsbench.runs import Run
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.datasets.builders import wfdb_folder
from tests.training.test_training import TINY

# So small that the weights stay where they were.
STILL = TINY.model_copy(update={"epochs": 1, "learning_rate": 1e-12, "weight_decay": 0.0})
OLDER = "name: older\nversion: 1\npopulation: age > 55\nlabel: acs\nunit: ecg\ndescription: x\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-tasks")
    wfdb_folder(folder / "ecgs", 240)
    (folder / "older.yaml").write_text(OLDER)
    return folder


def two_tasks(folder: Path, split: str) -> Prepared:
    return prepare(
        open_dataset("wfdb_folder", folder / "ecgs"),
        folder / split,
        tasks=["simulated-acs", str(folder / "older.yaml")],
        split=split,
    )


@pytest.fixture(scope="module")
def together(folder: Path) -> Prepared:
    return two_tasks(folder, "patients")


@pytest.fixture(scope="module")
def first(together: Prepared, folder: Path) -> Run:
    return train(together, "resnet18_1d", TINY, folder / "runs", task="simulated-acs")


def test_training_starts_from_the_weights(together: Prepared, first: Run, runs: Path) -> None:
    second = train(together, "resnet18_1d", STILL, runs, task="older", init=first)
    before, after = (load_file(run.path / "model.safetensors") for run in (first, second))
    for name, parameter in before.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(after[name], parameter, rtol=0, atol=1e-6)
    assert [step["task"] for step in second.config["lineage"]] == ["simulated-acs", "older"]
    assert second.config["init"] != first.config["init"]


def test_a_run_with_other_weights_at_its_start_is_another_run(
    together: Prepared, first: Run, runs: Path
) -> None:
    with_init = train(together, "resnet18_1d", STILL, runs, task="older", init=first)
    without = train(together, "resnet18_1d", STILL, runs, task="older")
    assert with_init.path != without.path


def test_patients_of_the_earlier_training_in_the_new_validation_are_refused(
    folder: Path, runs: Path
) -> None:
    leaking = two_tasks(folder, "study")
    assert int(leaking.manifest().crossing) > 10
    first = train(leaking, "resnet18_1d", STILL, runs, task="simulated-acs")
    words = r"\d+ training or validation patients .* validation or test"
    with pytest.raises(ConfigurationError, match=words) as error:
        train(leaking, "resnet18_1d", STILL, runs, task="older", init=first)
    assert "sim-" not in str(error.value)
    as_the_study = train(
        leaking, "resnet18_1d", STILL, runs, task="older", init=first, allow_leak=True
    )
    assert len(as_the_study.config["lineage"]) == 2


def test_a_run_of_patients_nobody_knows_here_is_refused(
    together: Prepared, prepared: Prepared, runs: Path
) -> None:
    stranger = train(prepared, "resnet18_1d", STILL, runs)
    with pytest.raises(ConfigurationError, match="whose split is not in"):
        train(together, "resnet18_1d", STILL, runs, task="older", init=stranger)


def test_a_run_of_another_model_is_refused(together: Prepared, first: Run, runs: Path) -> None:
    wider = STILL.model_copy(update={"options": {"width": 8}})
    with pytest.raises(ConfigurationError, match="new model is resnet18_1d with"):
        train(together, "resnet18_1d", wider, runs, task="older", init=first)
    with pytest.raises(ConfigurationError, match="cannot start from a run"):
        train(together, "logistic", TrainingConfig(), runs, task="older", init=first)


def test_a_split_without_a_test_part_is_trained_and_validated(folder: Path, runs: Path) -> None:
    run = train(two_tasks(folder, "study"), "logistic", TrainingConfig(), runs, task="older")
    assert not (run.path / "predictions-test.csv").exists()
    assert (run.path / "predictions-valid.csv").exists()

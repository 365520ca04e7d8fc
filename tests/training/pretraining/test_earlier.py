"""A pre-training that cannot go on from the one named is refused before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from acsbench.errors import AcsBenchError, ConfigurationError, DataError
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import gather
from acsbench.training.pretraining.pretrain import pretrain
from acsbench.waveforms.prepared import Prepared
from tests.training.pretraining.conftest import QUICK, two_tasks

SECOND = QUICK.model_copy(update={"layer": 1})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def refused(
    prepared: Prepared, config: PretrainingConfig, out: Path, earlier: Path
) -> AcsBenchError:
    with pytest.raises(AcsBenchError) as error:
        pretrain(prepared, config, out, earlier=earlier)
    assert not out.exists()
    return error.value


def test_an_unfinished_one(first: Path, prepared: Prepared, tmp_path: Path, out: Path) -> None:
    shutil.copy(first / "pretraining.yaml", tmp_path)
    error = refused(prepared, SECOND, out, tmp_path)
    assert isinstance(error, DataError)
    assert "not a finished pre-training" in str(error)


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"layer": 3}, {}, "is 3, but the earlier network has layers 1 to 2"),
        ({}, {"front_strides": [4, 2, 2, 2, 1]}, "front_kernels and front_strides"),
        ({"keep_weights": False}, {"front_strides": [4, 2, 2, 2, 1]}, "have other positions"),
        ({}, {"feed_forward": 32}, "keep_weights=false"),
    ],
)
def test_one_whose_network_does_not_fit(
    first: Path,
    prepared: Prepared,
    out: Path,
    changes: dict[str, Any],
    options: dict[str, Any],
    words: str,
) -> None:
    config = SECOND.model_copy(update=changes | {"options": QUICK.options | options})
    error = refused(prepared, config, out, first)
    assert isinstance(error, ConfigurationError)
    assert words in str(error)


def test_other_sizes_are_no_obstacle_to_fresh_weights(
    first: Path, prepared: Prepared, out: Path
) -> None:
    options = QUICK.options | {"feed_forward": 32}
    fresh = {"keep_weights": False, "options": options, "epochs": 1, "steps_per_epoch": 1}
    run = pretrain(prepared, SECOND.model_copy(update=fresh), out, earlier=first)
    assert [step["pretraining"] for step in run.config["lineage"]] == [1, 1, 2, 2]
    assert not (out / "codes.npy").exists()


@pytest.mark.parametrize("change", [{"seed": 1}, {"valid_share": 0.3}])
def test_one_that_held_other_patients_back(
    first: Path, prepared: Prepared, out: Path, change: dict[str, Any]
) -> None:
    config = SECOND.model_copy(update=change)
    earlier, now = (gather(prepared, each) for each in (QUICK, config))
    trained = set(earlier.patients_of(earlier.training))
    assert trained & set(now.patients_of(now.validating))
    error = refused(prepared, config, out, first)
    assert "--seed 0 and valid_share=0.2" in str(error)
    assert "sim-" not in str(error)


def test_the_record_tells_no_patient(first: Path, prepared: Prepared) -> None:
    record = yaml.safe_load((first / "pretraining.yaml").read_text())
    material = gather(prepared, QUICK)
    assert record["patients"] == material.digest
    assert not set(material.patients) & set((first / "pretraining.yaml").read_text().split())


def test_one_trained_on_patients_who_are_set_aside_now(
    first: Path, prepared: Prepared, tmp_path: Path, out: Path
) -> None:
    of_one_task = tmp_path / "of-one-task"
    shutil.copytree(first, of_one_task)
    record = yaml.safe_load((first / "pretraining.yaml").read_text())
    record["lineage"] = [step for step in record["lineage"] if step["task"] == "older"]
    (of_one_task / "pretraining.yaml").write_text(yaml.safe_dump(record))
    # Splits of whole patients agree between tasks, so somebody is moved to the test part.
    table = prepared.table(prepared.task("simulated-acs"))
    older = prepared.table(prepared.task("older"))
    moved = older.loc[older["split"] == "train", "patient_id"].iloc[0]
    whole = Prepared.table

    def with_one_moved(self: Prepared, task: Any) -> Any:
        found = whole(self, task)
        if task.name == "simulated-acs":
            found.loc[found["patient_id"] == moved, "split"] = "test"
        return found

    assert moved in set(table["patient_id"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prepared, "table", with_one_moved)
        error = refused(prepared, SECOND, out, of_one_task)
    assert "excluded in" in str(error)
    assert str(moved) not in str(error)


def test_one_of_patients_nobody_knows_here(first: Path, ecgs: Path, out: Path) -> None:
    error = refused(two_tasks(ecgs, "study"), SECOND, out, first)
    assert "whose split is not in" in str(error)

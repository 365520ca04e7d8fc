"""Who is pre-trained on, and which part of an ECG a crop is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError
from acsbench.training.pretraining.crops import (
    Crops,
    gather,
    held_back,
    pretraining_ecgs,
    pretraining_patients,
)
from acsbench.waveforms.prepared import Prepared
from tests.training.pretraining.conftest import QUICK, two_tasks


def patients(prepared: Prepared, *splits: str) -> set[str]:
    """Patients of any task's splits."""
    tables = [prepared.table(prepared.task(name)) for name in prepared.tasks]
    every = pd.concat(tables)
    return set(every.loc[every["split"].isin(splits), "patient_id"])


@pytest.mark.parametrize("split", ["patients", "study"])
def test_whom_a_task_validates_or_tests_is_left_out(ecgs: Path, split: str) -> None:
    prepared = two_tasks(ecgs, split)
    crossing = patients(prepared, "train") & patients(prepared, "valid", "test")
    assert bool(crossing) == (split == "study")
    taken = pretraining_ecgs(prepared)
    assert set(taken["patient_id"]) == patients(prepared, "train") - crossing
    everything = prepared.ecgs()
    expected = everything[everything["patient_id"].isin(taken["patient_id"])]
    assert taken["ecg_id"].tolist() == expected["ecg_id"].tolist()


def test_whoever_was_set_aside_stays_aside(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = prepared.table(prepared.task("older"))
    trains = table["split"] == "train"
    aside = table.loc[trains, "patient_id"].iloc[0]
    table.loc[table["patient_id"] == aside, "split"] = "unused"
    monkeypatch.setattr(Prepared, "table", lambda *_: table)
    assert aside not in pretraining_patients(prepared, ["older"])


def test_a_folder_without_tasks_is_refused(prepared: Prepared) -> None:
    with pytest.raises(ConfigurationError, match="no tasks"):
        pretraining_ecgs(replace(prepared, meta=prepared.meta | {"tasks": {}}))


def test_no_patient_both_trains_and_validates(prepared: Prepared) -> None:
    material = gather(prepared, QUICK)
    train, valid = (
        set(material.patients_of(part)) for part in (material.training, material.validating)
    )
    assert train
    assert valid
    assert not train & valid
    everyone = len(train) + len(valid)
    assert len(valid) == round(QUICK.valid_share * everyone)
    crops = np.sort(np.concatenate([material.training, material.validating]))
    np.testing.assert_array_equal(crops, np.arange(len(material.crops)))


def test_who_validates_does_not_depend_on_the_order() -> None:
    everyone = [f"p{n}" for n in range(50)] * 2
    held = held_back(everyone, 0.1, seed=0)
    np.testing.assert_array_equal(held_back(everyone[::-1], 0.1, seed=0), held[::-1])
    assert len({p for p, h in zip(everyone, held, strict=True) if h}) == 5
    assert held_back(["a", "b"], 0.001, seed=0).sum() == 1
    assert held_back(["a", "b"], 0.999, seed=0).sum() == 1


def test_crops_are_the_leads_end_to_end_from_even_starts(prepared: Prepared) -> None:
    store = prepared.store("hubert")
    crops = Crops(store, np.array([4, 2]), per_ecg=3)
    assert len(crops) == 6
    leads = store.read(np.array([4, 2]))
    numbers = np.array([5, 0, 1])
    expected = [leads[1, :, 500:], leads[0, :, :500], leads[0, :, 250:750]]
    np.testing.assert_array_equal(crops.read(numbers), [each.ravel() for each in expected])
    np.testing.assert_array_equal(crops.of_ecgs(np.array([1])), [3, 4, 5])

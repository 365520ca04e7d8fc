import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.cohort.build import Cohort
from acsbench.cohort.manifest import Manifest, make_manifest, verify_manifest
from acsbench.cohort.split import split_as_study, split_patients
from acsbench.errors import DataError
from tests.cohort.test_split import cohort, random_cohort


def manifest_of(*cohorts: Cohort, seed: int = 0) -> Manifest:
    split = split_patients(cohorts, seed=seed)
    splits = {one.task.name: split for one in cohorts}
    return make_manifest(cohorts, splits, method="patients", seed=seed, input_hash="x")


def the_studys_overlap() -> tuple[Cohort, Cohort]:
    """Tested and untested patients of the study's numbers: 1,758, 34,465, and 628 in both."""
    rng = np.random.default_rng(0)
    tested = list(range(1758))
    untested = list(range(1758 - 628, 1758 - 628 + 34465))
    acs = cohort("acs", tested, (rng.random(1758) < 0.39).astype(int).tolist())
    mace = cohort("mace", untested, (rng.random(34465) < 0.03).astype(int).tolist())
    return acs, mace


def test_none_of_the_628_patients_in_both_groups_crosses() -> None:
    acs, mace = the_studys_overlap()
    both = set(acs.table["patient_id"]) & set(mace.table["patient_id"])
    assert len(both) == 628
    assert manifest_of(acs, mace).crossing == "0"
    split = split_patients([acs, mace], seed=0)
    assert split[list(both)].value_counts(normalize=True)["train"] == pytest.approx(0.7, abs=0.02)


def test_the_studys_own_split_lets_patients_cross() -> None:
    acs, mace = the_studys_overlap()
    splits = {one.task.name: split_as_study(one) for one in (acs, mace)}
    manifest = make_manifest([acs, mace], splits, method="study", seed=0, input_hash="x")
    # By chance 2 x 0.7 x 0.3 of the 628.
    assert int(manifest.crossing) == pytest.approx(0.42 * 628, rel=0.15)
    assert manifest.counts["acs"]["test"]["ECGs"] == "0"


def test_everyone_is_counted_once() -> None:
    one = random_cohort("a", 0)
    counts = pd.DataFrame(manifest_of(one).counts["a"]).T
    whole = {
        "ECGs": 3000,
        "patients": one.table["patient_id"].nunique(),
        "events": one.table["label"].sum(),
    }
    for column, total in whole.items():
        numbers = counts[column].str.replace(",", "").astype(int)
        assert numbers["all"] == total
        assert numbers.drop("all").sum() == total


def test_small_counts_are_hidden() -> None:
    one = cohort(
        "a", list(range(300)), [int(i % 60 == 0 or (i > 200 and i % 2)) for i in range(300)]
    )
    split = pd.Series(["train"] * 150 + ["valid"] * 100 + ["test"] * 50, index=one.table.patient_id)
    manifest = make_manifest([one], {"a": split}, method="patients", seed=0, input_hash="x")
    assert manifest.counts["a"]["training"]["events"] == "<11"


def test_a_manifest_names_no_patient() -> None:
    one = cohort("a", [f"pat{i:08x}" for i in range(300)], [i % 2 for i in range(300)])
    assert "pat0" not in json.dumps(asdict(manifest_of(one)))


def test_a_split_without_both_labels_is_refused_and_shows_no_small_count() -> None:
    one = cohort("a", list(range(30)), [1] * 10 + [0] * 20)
    names = ["train"] * 12 + ["valid"] * 3 + ["test"] * 15
    splits = {"a": pd.Series(names, index=list(map(str, range(30))))}
    with pytest.raises(
        DataError, match="'valid' of task 'a' has <11 ECGs and not both labels"
    ) as error:
        make_manifest([one], splits, method="patients", seed=0, input_hash="x")
    assert "--" not in error.value.fix  # not every command that splits has the same options


def test_a_manifest_verifies_the_same_split_only(tmp_path: Path) -> None:
    one = random_cohort("a", 0)
    path = tmp_path / "manifest.json"
    manifest = manifest_of(one)
    path.write_text(json.dumps(asdict(manifest)))
    verify_manifest(manifest, path)
    with pytest.raises(DataError, match="differ in train of a, valid of a, test of a"):
        verify_manifest(manifest_of(one, seed=1), path)
    other = replace(manifest, digests={"b": manifest.digests["a"]})
    with pytest.raises(DataError, match="other tasks"):
        verify_manifest(other, path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digests": {"a": {}}}'])
def test_a_file_that_is_no_manifest(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(DataError, match="no split manifest"):
        verify_manifest(manifest_of(random_cohort("a", 0)), path)

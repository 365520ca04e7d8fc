import json

import mlcroissant
import pytest

from acsbench.datasets import open_dataset
from acsbench.waveforms.croissant import croissant
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.datasets.builders import wfdb_folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("croissant")
    ecgs = wfdb_folder(folder / "ecgs", 60)
    description = ecgs / "dataset.yaml"
    with description.open("a") as file:
        file.write("licence: https://example.org/terms\ncitation: A paper\n")
    dataset = open_dataset("wfdb_folder", ecgs)
    return prepare(dataset, folder / "out", tasks=["simulated-acs"])


def test_every_file_and_column_is_described(prepared: Prepared) -> None:
    written = json.loads((prepared.path / "croissant.json").read_text())
    assert written == croissant(prepared)
    assert written["license"] == "https://example.org/terms"
    assert written["citeAs"] == "A paper"
    globs = [entry["includes"] for entry in written["distribution"]]
    assert all(list(prepared.path.glob(pattern)) for pattern in globs)
    described = {path for pattern in globs for path in prepared.path.glob(pattern)}
    data = {*prepared.path.rglob("*.parquet"), *prepared.path.rglob("shard-*.npy")}
    assert {path for path in data if "valid" not in path.name} <= described
    tables = {entry["@id"]: entry for entry in written["recordSet"]}
    columns = [field["name"] for field in tables["tasks/simulated-acs"]["field"]]
    assert columns == prepared.table(prepared.task()).columns.tolist()
    kinds = {field["name"]: field["dataType"] for field in tables["tasks/simulated-acs"]["field"]}
    assert kinds["ecg_id"] == "sc:Text"
    assert kinds["label"] == "sc:Integer"
    assert kinds["age"] == "sc:Float"


def test_nothing_of_the_content_is_given_away(prepared: Prepared) -> None:
    text = (prepared.path / "croissant.json").read_text()
    ecgs = prepared.ecgs()
    assert not [i for i in (*ecgs["ecg_id"], *ecgs["patient_id"]) if f'"{i}"' in text]
    assert prepared.meta["input_hash"] not in text
    assert not {"sha256", "md5", "data", "examples"} & set(_keys(json.loads(text)["distribution"]))
    assert not {"data", "examples"} & set(_keys(json.loads(text)["recordSet"]))


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    if isinstance(value, list):
        return [key for item in value for key in _keys(item)]
    return []


def test_the_formats_own_reader_accepts_it(prepared: Prepared) -> None:
    described = mlcroissant.Dataset(jsonld=prepared.path / "croissant.json")
    assert not described.metadata.issues.errors
    assert not described.metadata.issues.warnings
    row = next(iter(described.records("tasks/simulated-acs")))
    first = prepared.table(prepared.task()).iloc[0]
    assert row["tasks/simulated-acs.parquet/label"] == first["label"]

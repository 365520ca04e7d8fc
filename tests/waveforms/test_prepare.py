import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError, DataError
from acsbench.waveforms import process as processing
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared, open_prepared
from acsbench.waveforms.quality import QualityChoice
from tests.datasets.builders import edit_labels, first_record, wfdb_folder

ECGS = 60
"""Enough for both labels in every split."""


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated records that no test changes."""
    return wfdb_folder(tmp_path_factory.mktemp("prepare") / "ecgs", ECGS)


@pytest.fixture(autouse=True)
def few_shards(small_shards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "SHARD_ECGS", 32)


def _prepare(folder: Path, tmp_path: Path, **options) -> Prepared:
    return prepare(
        open_dataset("wfdb_folder", folder), tmp_path / "out", tasks=["simulated-acs"], **options
    )


def test_prepared_folder(ecgs: Path, tmp_path: Path) -> None:
    prepared = _prepare(ecgs, tmp_path)
    assert prepared.simulated
    table = prepared.table(prepared.task())
    assert set(table.columns) == {"ecg_id", "patient_id", "age", "sex", "label", "split"}
    assert table.groupby("patient_id")["split"].nunique().max() == 1
    counts = prepared.manifest().counts["simulated-acs"]
    names = {"training": "train", "validation": "valid", "test": "test"}
    assert {names[s]: int(c["ECGs"]) for s, c in counts.items() if s != "all"} == (
        table["split"].value_counts().to_dict()
    )
    signs = prepared.signs()
    assert signs.index.tolist() == table["ecg_id"].tolist()
    assert signs["st60_V2"].abs().median() < 0.3
    assert 30 < signs["heart_rate"].median() < 180
    quality = prepared.quality()
    assert quality["ecg_id"].tolist() == prepared.ecgs()["ecg_id"].tolist()
    assert quality["quality"].median() == 1
    assert "Simulated ECGs" in (prepared.path / "quality.html").read_text()
    assert open_prepared(prepared.path).meta == prepared.meta


def test_profiles_and_signs_are_added_to_what_is_there(ecgs: Path, tmp_path: Path) -> None:
    first = _prepare(ecgs, tmp_path, signs=False)
    kept = (first.path / "waveforms" / "study-rows" / "shard-00000.npy").stat().st_mtime_ns
    with pytest.raises(ConfigurationError, match=r"no measured signs: repeat .* --signs"):
        first.signs()
    with pytest.raises(ConfigurationError, match="--profile study-leads, which adds"):
        first.store("study-leads")
    second = _prepare(ecgs, tmp_path, profiles=["study-leads"])
    assert second.meta["profiles"] == ["study-rows", "study-leads"]
    assert second.store("study-leads").shape == (12, 5000)
    assert len(second.signs()) == ECGS
    # Signs stay when a third call does not ask for them, and the first store is as it was.
    third = _prepare(ecgs, tmp_path, profiles=[], signs=False)
    assert third.meta == second.meta
    assert (first.path / "waveforms" / "study-rows" / "shard-00000.npy").stat().st_mtime_ns == kept
    assert third.table(third.task()).equals(first.table(first.task()))


def test_a_folder_without_a_profile_is_refused(ecgs: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least one profile"):
        _prepare(ecgs, tmp_path, profiles=[])


def test_poor_ecgs_are_left_out_and_counted(ecgs: Path, tmp_path: Path) -> None:
    everyone = _prepare(ecgs, tmp_path, signs=False)
    quality = everyone.quality()
    poor = quality[quality["reasons"].str.contains("noisy|swapped")]
    assert 0 < len(poor) < ECGS / 2
    chosen = QualityChoice(reasons=("noisy", "swapped"))
    (tmp_path / "second").mkdir()
    rest = _prepare(ecgs, tmp_path / "second", signs=False, quality=chosen)
    assert set(quality["ecg_id"]) - set(rest.ecgs()["ecg_id"]) == set(poor["ecg_id"])
    assert not rest.table(rest.task())["ecg_id"].isin(poor["ecg_id"]).any()
    last = rest.flow(rest.task())[-1]
    assert (last.name, last.ecgs) == ("quality accepted", ECGS - len(poor))
    listed = pd.read_csv(rest.path / "left-out.csv")
    assert set(listed["ecg_id"]) == set(poor["ecg_id"])
    assert listed["reason"].str.startswith("left out for its quality: ").all()
    with pytest.raises(ConfigurationError, match="quality differ"):
        _prepare(ecgs, tmp_path / "second", signs=False)


def test_skip_leaves_faulty_records_out_and_lists_them(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", ECGS)
    first_record(folder).with_suffix(".dat").unlink()
    prepared = _prepare(folder, tmp_path, skip_faulty=True, signs=False)
    assert len(prepared.store("study-rows")) == ECGS - 1
    left_out = pd.read_csv(prepared.path / "left-out.csv")
    assert len(left_out) == 1
    assert "missing" in left_out["reason"][0]
    assert prepared.flow(prepared.task())[-1].ecgs == ECGS - 1
    # A second call takes over what the first found.
    assert _prepare(folder, tmp_path, skip_faulty=True, signs=False).meta == prepared.meta


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a finished prepared folder"):
        open_prepared(tmp_path)


def test_another_preparation_is_not_written_over(ecgs: Path, tmp_path: Path) -> None:
    _prepare(ecgs, tmp_path, signs=False)
    with pytest.raises(ConfigurationError, match="seed differ"):
        _prepare(ecgs, tmp_path, seed=1, signs=False)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="holds something else"):
        prepare(open_dataset("wfdb_folder", ecgs), tmp_path / "foreign", tasks=["simulated-acs"])


@pytest.mark.parametrize(
    ("file", "content", "use"),
    [
        ("prepared.json", b"{", lambda p: p),
        ("prepared.json", b"[]", lambda p: p),
        ("prepared.json", b'{"dataset": 3}', lambda p: p),
        ("split-manifest.json", b"\xff", Prepared.manifest),
        ("split-manifest.json", b'{"method": "patients", "digests": {}}', Prepared.manifest),
        (
            "split-manifest.json",
            b'{"method": "", "digests": {"simulated-acs": {"train": "", "valid": "", "test": ""}}}',
            Prepared.manifest,
        ),
        ("ecgs.parquet", b"PAR1 and then junk PAR1", Prepared.ecgs),
        ("tasks/simulated-acs.parquet", b"", lambda p: p.table(p.task())),
        ("waveforms/signs/signs.parquet", b"x" * 1000, Prepared.signs),
        ("waveforms/study-rows/index.parquet", b"x" * 1000, Prepared.quality),
    ],
)
def test_junk_in_a_prepared_folder_is_told_by_its_file(
    shared: Prepared, file: str, content: bytes, use: Callable[[Prepared], object]
) -> None:
    path = shared.path / file
    good = path.read_bytes()
    path.write_bytes(content)
    try:
        with pytest.raises(DataError) as caught:
            use(open_prepared(shared.path))
        assert caught.value.file == str(path)
    finally:
        path.write_bytes(good)


@pytest.fixture(scope="module")
def shared(ecgs: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return _prepare(ecgs, tmp_path_factory.mktemp("shared"))


def test_junk_that_a_second_call_meets(ecgs: Path, tmp_path: Path) -> None:
    prepared = _prepare(ecgs, tmp_path, signs=False)
    seal = prepared.path / "waveforms" / "study-rows" / "store.json"
    seal.write_text(json.dumps([1]))
    with pytest.raises(DataError, match="something else"):
        _prepare(ecgs, tmp_path, profiles=["study-leads"], signs=False)


def test_a_link_to_nowhere_can_be_skipped(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", ECGS)
    signal = first_record(folder).with_suffix(".dat")
    signal.unlink()
    signal.symlink_to(tmp_path / "nowhere")
    prepared = _prepare(folder, tmp_path, skip_faulty=True, signs=False)
    assert len(prepared.meta["left_out"]) == 1


def test_columns_that_no_task_names_are_not_copied(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", ECGS)
    table = pd.read_csv(folder / "labels.csv")
    table.assign(name="Doe", ward="A", has_lvh=1).to_csv(folder / "labels.csv", index=False)
    task = tmp_path / "mine.yaml"
    task.write_text(
        "{name: mine, version: 1, population: ward == 'A', label: acs, unit: ecg, description: x}"
    )
    prepared = prepare(
        open_dataset("wfdb_folder", folder), tmp_path / "out", tasks=[str(task)], signs=False
    )
    known = {"ecg_id", "patient_id", "age", "sex", "has_lvh"}
    assert set(prepared.ecgs()) == {*known, "acs", "ward"}
    assert prepared.meta["notes"] == ["columns that no task names are not copied: name"]
    assert "name" not in [
        field["name"]
        for part in json.loads((prepared.path / "croissant.json").read_text())["recordSet"]
        for field in part["field"]
    ]


def test_the_flow_begins_with_the_rows_of_the_table(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", ECGS)
    edit_labels(folder, 5, sex="x")
    edit_labels(folder, 6, age="-1")
    prepared = _prepare(folder, tmp_path, skip_faulty=True, signs=False)
    flow = prepared.flow(prepared.task())
    assert [(step.name, step.ecgs) for step in flow[:2]] == [
        ("rows of labels.csv", ECGS),
        ("read", ECGS - 2),
    ]


def test_unlabelled_ecgs_are_prepared_without_a_task(ecgs: Path, tmp_path: Path) -> None:
    dataset = open_dataset("wfdb_folder", ecgs, labelled=False)
    prepared = prepare(dataset, tmp_path / "out", signs=False)
    assert prepared.tasks == []
    assert len(prepared.store("study-rows")) == ECGS
    with pytest.raises(ConfigurationError, match="prepared without labels"):
        prepared.task()
    with pytest.raises(ConfigurationError, match="remove --task"):
        prepare(dataset, tmp_path / "other", tasks=["simulated-acs"])

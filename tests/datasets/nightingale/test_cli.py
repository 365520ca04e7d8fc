"""The study's dataset from the command line: simulate, describe, prepare, damage."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from acsbench.cli.main import main
from acsbench.waveforms.prepared import open_prepared
from tests.datasets.nightingale.builder import nightingale_folder
from tests.datasets.nightingale.damage import FILE_DAMAGES, ROW_DAMAGES


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin") / "twin"
    words = ("--ecgs", 800, "--seed", 4, "--tested-share", 0.5, "--holdout", 0.1, "--workers", 1)
    assert run("simulate", folder, *words) == 0
    return folder


@pytest.fixture(scope="module")
def prepared_twin(twin: Path) -> Path:
    out = twin.parent / "prepared"
    assert run("prepare", "nightingale", twin, "--out", out, "--workers", 1) == 0
    return out


def test_both_tasks_their_manifest_and_their_store(prepared_twin: Path) -> None:
    prepared = open_prepared(prepared_twin)
    assert prepared.tasks == ["acs", "mace"]
    tables = {name: prepared.table(prepared.task(name)) for name in prepared.tasks}
    assert set(tables["acs"]["ecg_id"]).isdisjoint(tables["mace"]["ecg_id"])
    ecgs = sum(map(len, tables.values()))
    assert len(prepared.store("study-rows")) == len(prepared.ecgs()) == ecgs
    for name in prepared.tasks:
        csv = pd.read_csv(prepared_twin / "tasks" / f"{name}.csv", dtype={"ecg_id": str})
        assert csv["ecg_id"].tolist() == tables[name]["ecg_id"].tolist()
    # No patient of both groups crosses from one split into another.
    joined = pd.concat(tables.values()).groupby("patient_id")["split"].nunique()
    assert joined.max() == 1
    both = set(tables["acs"]["patient_id"]) & set(tables["mace"]["patient_id"])
    assert len(both) > 10
    assert prepared.manifest().crossing == "0"


def test_a_manifest_is_verified(twin: Path, prepared_twin: Path, tmp_path: Path) -> None:
    manifest = prepared_twin / "split-manifest.json"
    assert "pat" not in json.dumps(json.loads(manifest.read_text())["digests"])
    words = ("prepare", "nightingale", twin, "--workers", 1, "--verify-manifest", manifest)
    assert run(*words, "--out", prepared_twin) == 0
    assert run(*words, "--out", tmp_path / "other", "--seed", 5) == 2


def test_the_studys_split_lets_patients_cross(twin: Path, prepared_twin: Path) -> None:
    words = ("prepare", "nightingale", twin, "--workers", 1, "--split", "study")
    assert run(*words, "--out", prepared_twin.parent / "study") == 0
    prepared = open_prepared(prepared_twin.parent / "study")
    assert int(prepared.manifest().crossing) > 0
    assert set(prepared.table(prepared.task("acs"))["split"]) == {"train", "valid"}


def test_a_holdout_is_prepared_and_predicted(
    twin: Path, prepared_twin: Path, tmp_path: Path
) -> None:
    holdout, csv = tmp_path / "holdout", tmp_path / "holdout.csv"
    words = ("prepare", "nightingale_holdout", twin / "holdout", "--workers", 1)
    assert run(*words, "--out", holdout) == 0
    words = ("train", "logistic", "--data", prepared_twin, "--task", "acs", "--runs", tmp_path)
    assert run(*words) == 0
    (trained,) = tmp_path.glob("logistic-*")
    assert run("predict", trained, "--data", holdout, "--out", csv) == 0
    labels = pd.read_csv(twin / "holdout-labels" / "labels.csv")
    predicted = pd.read_csv(csv)
    assert sorted(predicted["ecg_id"]) == sorted(labels["ecg_id"])
    assert predicted["probability"].between(0, 1).all()


def test_describe(
    twin: Path, prepared_twin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "description"
    assert run("describe", "nightingale", twin, "--out", out) == 0
    said = capsys.readouterr().out
    assert "simulated" in said
    assert "Published" in said
    assert (out / "description.html").is_file()
    assert run("describe", prepared_twin) == 0
    assert "Training" in capsys.readouterr().out.replace("training", "Training")


def test_all_damages_are_told_in_one_run_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = nightingale_folder(tmp_path / "ed")
    damages = ROW_DAMAGES | FILE_DAMAGES
    assert len(damages) >= 20
    for damage, _ in damages.values():
        damage(folder)
    out = tmp_path / "out"
    assert run("prepare", "nightingale", folder, "--out", out, "--workers", 1) == 2
    error = capsys.readouterr().err
    for kind, (_, words) in damages.items():
        # Rows with the same problem share a line.
        alike = re.sub(r"row\\ (\d+)", r"rows? (\\d+, )*\1(, \\d+)*", re.escape(words))
        assert re.search(alike, error), kind
    assert not list(out.rglob("*.partial"))
    assert not (out / "prepared.json").exists()


def test_describe_stops_at_faulty_rows_and_goes_on_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = nightingale_folder(tmp_path / "ed")
    ROW_DAMAGES["age"][0](folder)
    assert run("describe", "nightingale", folder) == 2
    assert ROW_DAMAGES["age"][1] in capsys.readouterr().err
    assert run("describe", "nightingale", folder, "--on-error", "skip") == 0


def test_describe_does_not_write_over_something_else(twin: Path) -> None:
    assert run("describe", "nightingale", twin, "--out", twin) == 2


def test_files_of_the_twin_do_not_tell_when_they_were_written(twin: Path) -> None:
    times = {path.stat().st_mtime for path in twin.rglob("*") if path.is_file()}
    assert len(times) == 1

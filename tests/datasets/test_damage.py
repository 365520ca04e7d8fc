"""Damaged input: every kind has its own message, exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from acsbench.cli.main import main
from tests.datasets.builders import edit_csv, edit_header, edit_labels, first_record, wfdb_folder

Damage = Callable[[Path], object]

DAMAGES: dict[str, tuple[Damage, str]] = {
    "no labels.csv": (lambda f: (f / "labels.csv").unlink(), "does not exist"),
    "labels.csv without a column": (
        lambda f: _rewrite(f / "labels.csv", "patient_id", "person"),
        "no column 'patient_id'; found 6 columns",
    ),
    "semicolons": (lambda f: _rewrite(f / "labels.csv", ",", ";"), "separated by semicolons"),
    "labels.csv empty": (lambda f: (f / "labels.csv").write_text(""), "the file is empty"),
    "labels.csv without rows": (
        lambda f: (f / "labels.csv").write_text("record,patient_id\n"),
        "a header and no rows",
    ),
    "labels.csv in UTF-16": (
        lambda f: (f / "labels.csv").write_bytes("record,patient_id\n".encode("utf-16")),
        "not UTF-8",
    ),
    "duplicate id": (
        lambda f: edit_labels(f, 3, ecg_id=_cell(f, 2, "ecg_id")),
        "row 3, column 'ecg_id': a row above has the same id",
    ),
    "impossible age": (lambda f: edit_labels(f, 4, age="430"), "row 4, column 'age'"),
    "no header file": (
        lambda f: first_record(f).with_suffix(".hea").unlink(),
        "row 2, column 'record': the record has no header file",
    ),
    "header cut off": (
        lambda f: first_record(f).with_suffix(".hea").write_text("sim 12\n"),
        "row 2, column 'record': line 1 of the header states no sampling frequency",
    ),
    "no signal file": (
        lambda f: first_record(f).with_suffix(".dat").unlink(),
        "the signal file that the header names is missing",
    ),
    "signal truncated": (
        lambda f: _truncate(first_record(f).with_suffix(".dat"), 100_000),
        "truncated: 100000 of 120000 bytes",
    ),
    "wrong unit": (lambda f: edit_header(f, "/mV", "/mmHg"), "'mmHg', which is not a voltage"),
    "a lead is missing": (lambda f: edit_header(f, " V3\n", " vx\n"), "lead V3 is missing"),
    "a lead is there twice": (lambda f: edit_header(f, " V3\n", " V2\n"), "V2 is there more"),
    "too short": (lambda f: _shorten(f), "lasts 6.00 s; 10 s are needed"),
    "nothing recorded": (lambda f: _empty(f), "has no valid sample"),
    "label is no number": (
        lambda f: edit_labels(f, 2, acs="2"),
        "row 2, column 'acs': the label of task 'simulated-acs' has values",
    ),
    "one label only": (lambda f: _one_label(f), "not both labels"),
    "description is no YAML": (lambda f: (f / "dataset.yaml").write_text("a: [1"), "not YAML"),
}


def _rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def _cell(folder: Path, row: int, column: str) -> str:
    lines = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()]
    return lines[row - 1][lines[0].index(column)]


def _truncate(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _shorten(folder: Path) -> None:
    edit_header(folder, " 12 500 5000", " 12 500 3000")


def _empty(folder: Path) -> None:
    path = first_record(folder).with_suffix(".dat")
    path.write_bytes(b"\x00\x80" * (path.stat().st_size // 2))


def _one_label(folder: Path) -> None:
    for row in range(2, 42):
        edit_csv(folder / "labels.csv", row, acs="1")


def run(folder: Path, out: Path, *more: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(
            ["prepare", "wfdb_folder", str(folder), "--out", str(out), "--task", "simulated-acs",
             "--workers", "1", *more]
        )  # fmt: skip
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wfdb_folder(tmp_path_factory.mktemp("whole") / "ecgs", 40)


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "ecgs"))


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_told_in_words(
    damaged: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, words = DAMAGES[kind]
    damage(damaged)
    assert run(damaged, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert "sim-" not in error.replace(str(tmp_path), "")
    # Whole shards may stay for the next run; nothing unfinished, and nothing that looks finished.
    written = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written <= {f"shard-00000{suffix}" for suffix in (".npy", ".parquet", ".json")}


def test_messages_are_distinct() -> None:
    assert len({words for _, words in DAMAGES.values()}) == len(DAMAGES)


def test_ids_are_shown_on_request(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = first_record(damaged)
    record.with_suffix(".dat").unlink()
    assert run(damaged, tmp_path / "out", "--show-ids") == 2
    assert record.name in capsys.readouterr().err


def test_the_traceback_is_shown_on_request(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (damaged / "labels.csv").unlink()
    assert run(damaged, tmp_path / "out", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err

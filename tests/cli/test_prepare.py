"""`acsbench prepare` on a hospital's own folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from acsbench.cli.main import main
from acsbench.cli.prepare import summarise
from acsbench.errors import DataError, DataErrors
from acsbench.waveforms.prepared import Prepared, open_prepared
from tests.datasets.builders import edit_labels, wfdb_folder

ECGS = 60


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return wfdb_folder(tmp_path / "ecgs", ECGS)


def prepare(folder: Path, out: Path, *words: object) -> int:
    return run("prepare", "wfdb_folder", folder, "--out", out, "--workers", 1, *words)


def test_unlabelled_ecgs_are_prepared_and_predicted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = ("--task", "simulated-acs")
    assert prepare(folder, tmp_path / "labelled", *task) == 0
    words = ("train", "logistic", "--data", tmp_path / "labelled", "--runs", tmp_path / "runs")
    assert run(*words) == 0
    (folder / "labels.csv").unlink()
    new, csv = tmp_path / "new", tmp_path / "predictions.csv"
    assert prepare(folder, new, *task) == 2
    assert "--unlabelled" in capsys.readouterr().err
    assert prepare(folder, new, "--unlabelled", *task) == 2
    assert prepare(folder, new, "--unlabelled") == 0
    (trained,) = (tmp_path / "runs").iterdir()
    assert run("predict", trained, "--data", new, "--out", csv) == 0
    assert len(pd.read_csv(csv)) == ECGS
    capsys.readouterr()
    assert run("describe", new) == 2
    assert "prepared without labels" in capsys.readouterr().err


def test_few_rows_that_are_left_out_are_not_counted(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_labels(folder, 5, sex="x")
    edit_labels(folder, 8, age="200")
    words = ("--task", "simulated-acs", "--no-signs", "--on-error", "skip")
    assert prepare(folder, tmp_path / "out", *words) == 0
    assert "left out: 2 rows" in capsys.readouterr().out
    simulated = open_prepared(tmp_path / "out")
    summarise(Prepared(simulated.path, simulated.meta | {"simulated": False}))
    said = capsys.readouterr().out
    assert "left out: <11 rows" in said
    assert "<11  the sex is neither" in said
    assert "58 ECGs" in said
    assert "rows of labels.csv; read" in said


def test_equal_problems_share_a_line() -> None:
    def fault(row: int | None, problem: str = "bad") -> DataError:
        return DataError(
            problem, file="t.csv", row=row, column="sex", private=f"ecg {row}", fix="Mend it"
        )

    errors = DataErrors([fault(3), fault(9, "worse"), *map(fault, range(20, 34))])
    assert errors.message().splitlines() == [
        "16 problems:",
        "- t.csv, rows 3, 20, 21, 22, 23, 24, 25, 26, 27, 28 and 5 more, column 'sex': bad. "
        "Mend it",
        "- t.csv, row 9, column 'sex': worse. Mend it",
        "Repeat with --show-ids to see which ECGs and values they are.",
    ]
    shown = errors.message(show_ids=True).splitlines()
    assert len(shown) == 17
    assert shown[3] == "- t.csv, row 20, column 'sex': bad [ecg 20]. Mend it"
    assert DataErrors([fault(3)]).message() == fault(3).message()
    assert "- t.csv, column 'sex': bad. " in DataErrors([fault(None), fault(None)]).message()

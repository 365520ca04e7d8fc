"""Names of tasks: they work from the labels to every page and export, or are refused at once."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from acsbench.cli.main import app
from acsbench.errors import DataError
from acsbench.leaderboard import phases
from acsbench.leaderboard.export.board import read_board
from acsbench.leaderboard.export.codabench import bundle_files
from acsbench.leaderboard.export.huggingface import repository_files
from acsbench.leaderboard.export.reference import Scoring, score_parts
from acsbench.leaderboard.settings import open_folder
from acsbench.leaderboard.task_names import LONGEST, check_task_names, task_key
from tests.leaderboard.boards import labels_table
from tests.leaderboard.conftest import MakeSite, upload
from tests.leaderboard.web.conftest import NewBrowser, browser_of, organiser  # noqa: F401

NAMES = {"acs": "ACS", "mace": "MACE 30d"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Labels with names as people give them."""
    return labels_table().rename(columns=NAMES)


def test_init_and_check_take_names_in_capitals_with_blanks(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    labels, ids, predictions = (tmp_path / f"{name}.csv" for name in ("labels", "ids", "mine"))
    table.to_csv(labels, index=False)
    table[["ecg_id"]].to_csv(ids, index=False)
    predictions.write_bytes(upload(table, 1.0))
    board = tmp_path / "board"
    options = ["--labels", str(labels), "--holdout-ids", str(ids)]
    made = CliRunner().invoke(app, ["leaderboard", "init", str(board), *options])
    assert made.exit_code == 0, made.output
    assert open_folder(board).settings.tasks == ("ACS", "MACE 30d")
    check = ["leaderboard", "check", str(predictions), "--holdout-ids", str(ids)]
    named = CliRunner().invoke(app, [*check, "--task", "ACS", "--task", "MACE 30d"])
    assert named.exit_code == 0, named.output
    assert "ACS and MACE 30d" in named.output
    assert CliRunner().invoke(app, check).exit_code != 0


def test_they_work_from_the_upload_to_the_exports(
    make_site: MakeSite,
    browser_of: NewBrowser,  # noqa: F811
    table: pd.DataFrame,
    tmp_path: Path,
) -> None:
    site = make_site(table=table)
    site.open_phase()
    organiser(site)
    site.member("Heart Lab", "Ada")
    ada, olga = browser_of(site, "Ada"), browser_of(site, "Olga")

    assert "<code>ecg_id,ACS,MACE 30d</code>" in ada.get("/data").text
    assert "--task ACS --task &#39;MACE 30d&#39;" in ada.get("/data").text
    wrong = ada.send("/submit", {"model": "A"}, file=b"ecg_id,acs,mace 30D\ne,1,1\n").text
    assert "did you mean &#39;ACS&#39;?" in wrong
    assert "did you mean &#39;MACE 30d&#39;?" in wrong
    page = ada.send("/submit", {"model": "A"}, file=site.upload(1.0))
    site.score()
    page = ada.get(page.url.path)
    assert 'id="task-2">MACE 30d</h2>' in page.text
    chosen = ada.send(f"{page.url.path}/select", {"task": "MACE 30d"}, form_on=page.url.path)
    assert "<strong>Selected</strong>" in chosen.text

    board = browser_of(site).get("/")
    assert 'href="/board/MACE%2030d"' in board.text
    for address in ("/board/MACE%2030d", "/board/MACE 30d"):
        shown = browser_of(site).get(address)
        assert shown.status_code == 200
        assert "<h1>MACE 30d</h1>" in shown.text
        assert "Heart Lab" in shown.text
    assert browser_of(site).get("/board/mace").status_code == 404
    answer = browser_of(site).get("/api/v1/board/MACE%2030d").json()
    assert (answer["task"], answer["rows"][0]["team"]) == ("MACE 30d", "Heart Lab")
    assert 'href="/organise/exports/board-MACE%2030d-1.csv"' in olga.get("/organise/exports").text
    exported = olga.get("/organise/exports/board-MACE%2030d-1.csv")
    assert exported.headers["content-disposition"] == 'attachment; filename="board-mace_30d-1.csv"'
    assert [row["team"] for row in csv.DictReader(io.StringIO(exported.text))] == ["Heart Lab"]

    phase = phases.current_phase(site.database)
    assert phase is not None
    phases.close_phase(site.database, phase.id)
    site.score()
    assert "Metrics for MACE 30d" in ada.get("/submissions/2").text + ada.get("/submissions/1").text

    moved = read_board(site.folder.path)
    files = repository_files(moved)
    assert "--task ACS --task 'MACE 30d'" in files["SUBMISSION_DESC.md"]
    for name in ("solution.csv", "patients.csv", "scoring.json"):
        (tmp_path / name).write_text(files[name])
    (tmp_path / "mine.csv").write_bytes(site.upload(1.0))
    paths = [tmp_path / name for name in ("solution.csv", "patients.csv", "scoring.json")]
    scores = score_parts(*paths, tmp_path / "mine.csv")
    keys = Scoring.model_validate(json.loads(files["scoring.json"])).keys()
    assert list(scores["public_score"]) == list(scores["private_score"]) == keys
    assert "mace_30d_auroc_low" in keys
    assert b"mace_30d_auroc" in bundle_files(moved)["competition.yaml"]


@pytest.mark.parametrize(
    "name",
    [
        "ACS/MACE", "..", ".", ".acs", "acs.", " acs", "acs ", "", "acs\n", "a" * (LONGEST + 1),
        "30d MACE", "acs,mace", 'acs"', "acs'", "acs;mace", "acs\tmace", "acs|mace", "acs\\mace",
        "acs%20", "acs?", "acs#1", "<b>acs</b>", "акс", "Ä", "acs\u200b", "a\u00a0b", "=acs",
        "acs; DROP TABLE", "Probability", "Patient-ID", "Sex", "RACE", "Age", "split", "HAS_a",
    ],
)  # fmt: skip
def test_names_that_would_not_work_are_refused_with_their_column(name: str) -> None:
    with pytest.raises(DataError) as error:
        check_task_names(["mace", name], "labels.csv")
    assert error.value.column == name
    assert error.value.fix


@pytest.mark.parametrize(
    "name", ["select", "ORDER", "Table", "a", "STEMI v1.2", "a_b-c d", "q" * 16]
)
def test_names_that_work(name: str) -> None:
    check_task_names(["acs", name])


@pytest.mark.parametrize("pair", [("acs", "ACS"), ("MACE 30d", "mace_30D"), ("a.b", "a - b")])
def test_names_that_are_hard_to_tell_apart_are_refused(pair: tuple[str, str]) -> None:
    assert task_key(pair[0]) == task_key(pair[1])
    with pytest.raises(DataError, match="hard to tell") as error:
        check_task_names(pair)
    assert error.value.column == pair[1]


def test_a_refused_name_leaves_no_board_behind(make_site: MakeSite, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be used for a task") as error:
        make_site(table=labels_table().rename(columns={"mace": "MACE/30d"}))
    assert error.value.file == str(tmp_path / "labels.csv")
    assert not (tmp_path / "board").exists()

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.leaderboard.check import read_checked
from acsbench.leaderboard.export.huggingface import (
    configuration,
    export_huggingface,
    repository_files,
)
from acsbench.leaderboard.export.reference import read_reference, score_parts
from acsbench.leaderboard.holdout import holdout_of
from acsbench.leaderboard.scorecard import score_predictions
from acsbench.statistics import auroc
from tests.leaderboard.boards import exported_board, holdout_and_submission, labels_table
from tests.leaderboard.live import MANY, make_board

# In the engine's place: the repository is a folder.
HUB = """
from pathlib import Path

def hf_hub_download(*, repo_id, filename, token, repo_type):
    assert (repo_id, token, repo_type) == ("org/competition", "secret", "dataset")
    path = Path({folder!r}) / filename
    assert path.is_file(), filename
    return str(path)
"""
ENGINE = """
import json, sys, types
import metric
params = types.SimpleNamespace(**json.loads(sys.argv[1]))
print(json.dumps(metric.compute(params)))
"""


@pytest.fixture
def competition(tmp_path):
    """The private repository with one submission in it."""
    return make_competition(tmp_path)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Such a repository, and what the exported metric.py says of its submission."""
    folder = tmp_path_factory.mktemp("scored")
    competition = make_competition(folder)
    run = engine_scores(competition, folder)
    assert run.returncode == 0, run.stderr
    return competition, json.loads(run.stdout)


def make_competition(tmp_path):
    holdout, submission = holdout_and_submission(tmp_path)
    board = exported_board(holdout)
    folder = tmp_path / "repository"
    for name, text in repository_files(board).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    submitted = folder / "submissions" / "team-1.csv"
    submitted.parent.mkdir()
    submitted.write_bytes(submission.read_bytes())
    return SimpleNamespace(board=board, folder=folder, submission=submitted)


def engine_scores(competition, tmp_path):
    """What `compute` of the exported metric.py returns, in a process of its own."""
    hub = tmp_path / "hub"
    hub.mkdir(exist_ok=True)
    (hub / "huggingface_hub.py").write_text(HUB.format(folder=str(competition.folder)))
    params = {
        "competition_id": "org/competition",
        "competition_type": "generic",
        "metric": "custom",
        "token": "secret",
        "team_id": "team",
        "submission_id": "1",
        "submission_id_col": "ecg_id",
        "submission_cols": ["ecg_id", "acs", "mace"],
        "submission_rows": 400,
        "output_path": "",
        "submission_repo": "",
        "time_limit": 600,
        "dataset": "",
    }
    return subprocess.run(
        [sys.executable, "-c", ENGINE, json.dumps(params)],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(hub), str(competition.folder)]),
            "ACSBENCH_PYTHON": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
    )


class TestConfiguration:
    def test_every_field_that_the_engine_reads_has_its_type_and_meaning(self, competition):
        conf = json.loads((competition.folder / "conf.json").read_text())
        assert conf == {
            "COMPETITION_TYPE": "generic",
            "SUBMISSION_LIMIT": 4,
            "TIME_LIMIT": 600,
            "HARDWARE": "cpu-basic",
            "SELECTION_LIMIT": 1,
            "END_DATE": "2031-05-05",
            "EVAL_HIGHER_IS_BETTER": 1,
            "SUBMISSION_ID_COLUMN": "ecg_id",
            "SUBMISSION_COLUMNS": "ecg_id,acs,mace",
            "SUBMISSION_ROWS": 400,
            "EVAL_METRIC": "custom",
            "SCORING_METRIC": "acs_auroc",
            "LOGO": "",
            "DATASET": "",
            "SUBMISSION_FILENAMES": ["submission.csv"],
        }
        # As the engine reads them.
        assert datetime.strptime(conf["END_DATE"], "%Y-%m-%d").replace(tzinfo=UTC) >= (
            competition.board.closes_at
        )
        assert conf["SUBMISSION_COLUMNS"].split(",") == ["ecg_id", "acs", "mace"]

    def test_a_board_that_closes_at_midnight_ends_that_day(self, competition):
        board = replace(competition.board, closes_at=datetime(2031, 5, 4, tzinfo=UTC))
        assert configuration(board)["END_DATE"] == "2031-05-04"

    def test_the_pages_and_registers_that_the_engine_opens_are_there(self, competition):
        for name in ("COMPETITION_DESC.md", "DATASET_DESC.md", "SUBMISSION_DESC.md"):
            assert (competition.folder / name).read_text(encoding="utf-8").strip()
        for name in ("teams.json", "user_team.json"):
            assert json.loads((competition.folder / name).read_text()) == {}


class TestSolution:
    def test_it_holds_the_id_the_targets_and_the_split_and_nothing_else(self, competition):
        solution = pd.read_csv(competition.folder / "solution.csv", dtype=str)
        assert list(solution) == ["ecg_id", "acs", "mace", "split"]
        assert set(solution["split"]) == {"public", "private"}
        expected = labels_table().set_index("ecg_id")
        found = solution.set_index("ecg_id").loc[expected.index]
        assert found["acs"].tolist() == expected["acs"].tolist()
        assert found["mace"].fillna("").tolist() == expected["mace"].fillna("").tolist()

    def test_its_split_is_the_boards_partition_by_patient(self, competition):
        solution = pd.read_csv(competition.folder / "solution.csv", dtype=str)
        patients = pd.read_csv(competition.folder / "patients.csv", dtype=str)
        assert solution["ecg_id"].tolist() == patients["ecg_id"].tolist()
        assert (solution["split"] == "public").tolist() == list(competition.board.reference.public)
        parts_of_patients = solution["split"].groupby(patients["patient_id"]).nunique()
        assert (parts_of_patients == 1).all()


class TestMetric:
    def test_it_returns_the_boards_own_numbers(self, scored):
        competition, scores = scored
        reference = competition.board.reference
        predictions = read_checked(competition.submission, reference.holdout.ecg_ids)
        card = score_predictions(reference.holdout, predictions, reference.public)
        assert set(scores) == {"public_score", "private_score"}
        # The engine refuses scores whose parts have different keys, and ranks by one of them.
        assert scores["public_score"].keys() == scores["private_score"].keys()
        assert "acs_auroc" in scores["public_score"]
        for task in ("acs", "mace"):
            private = card.tasks[task]["private"].metrics["auroc"]
            public = card.tasks[task]["public"].metrics["auroc"]
            assert scores["private_score"][f"{task}_auroc"] == round(private.value, 3)
            assert scores["private_score"][f"{task}_auroc_low"] == round(private.low, 3)
            assert scores["private_score"][f"{task}_auroc_high"] == round(private.high, 3)
            assert scores["public_score"][f"{task}_auroc"] == round(public.value, 3)

    def test_they_are_those_of_the_statistics_on_the_solution(self, scored):
        competition, scores = scored
        solution = pd.read_csv(competition.folder / "solution.csv")
        rows = solution.merge(pd.read_csv(competition.submission), on="ecg_id", suffixes=("", "_p"))
        rows = rows.merge(pd.read_csv(competition.folder / "patients.csv"), on="ecg_id")
        rows = rows[(rows["split"] == "private") & rows["mace"].notna()]
        expected = auroc(rows["mace"], rows["mace_p"], groups=rows["patient_id"])
        assert scores["private_score"]["mace_auroc"] == pytest.approx(expected.value, abs=5e-4)
        assert scores["private_score"]["mace_auroc_low"] == pytest.approx(expected.low, abs=5e-4)

    def test_public_scores_do_not_tell_more_than_their_decimals(self, scored):
        _, scores = scored
        assert all(value == round(value, 3) for value in scores["public_score"].values())

    def test_the_fault_of_the_engine_is_refused_an_id_twice_and_one_missing(
        self, competition, tmp_path
    ):
        lines = competition.submission.read_text().splitlines()
        lines[-1] = lines[1]
        competition.submission.write_text("\n".join(lines) + "\n")
        run = engine_scores(competition, tmp_path)
        assert run.returncode != 0
        assert lines[1].split(",")[0] in run.stderr
        assert "ValueError" in run.stderr

    def test_a_file_of_one_task_is_refused_for_the_engine_would_trip_over_its_row(
        self, competition
    ):
        rows = pd.read_csv(competition.submission)[["ecg_id", "mace"]]
        rows.to_csv(competition.submission, index=False)
        files = (competition.folder / name for name in ("solution.csv", "patients.csv"))
        with pytest.raises(DataError, match="no acs"):
            score_parts(*files, competition.folder / "scoring.json", competition.submission)


class TestReference:
    def test_it_reads_back_what_was_written(self, competition):
        names = ("solution.csv", "patients.csv", "scoring.json")
        read = read_reference(*(competition.folder / name for name in names))
        written = competition.board.reference
        assert read.scoring == written.scoring
        assert list(read.holdout.ecg_ids) == list(written.holdout.ecg_ids)
        np.testing.assert_array_equal(read.public, written.public)
        for task in ("acs", "mace"):
            np.testing.assert_array_equal(read.holdout.labels[task], written.holdout.labels[task])

    def test_another_version_of_the_scoring_code_is_refused(self, competition):
        path = competition.folder / "scoring.json"
        content = json.loads(path.read_text()) | {"scoring_version": "0"}
        path.write_text(json.dumps(content))
        files = [competition.folder / name for name in ("solution.csv", "patients.csv")]
        with pytest.raises(ConfigurationError, match="export the board again"):
            read_reference(*files, path)

    def test_tables_of_two_boards_are_refused(self, competition):
        path = competition.folder / "patients.csv"
        path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
        with pytest.raises(DataError, match="does not name the ECGs"):
            read_reference(
                competition.folder / "solution.csv", path, competition.folder / "scoring.json"
            )


class TestExport:
    def test_a_board_becomes_a_folder_for_its_owner_alone(self, tmp_path):
        board = make_board(tmp_path)
        out = tmp_path / "out"
        export_huggingface(board.path, out)
        assert out.stat().st_mode & 0o077 == 0
        assert json.loads((out / "conf.json").read_text())["SUBMISSION_LIMIT"] == MANY.per_day
        solution = pd.read_csv(out / "solution.csv", dtype=str)
        assert solution["ecg_id"].tolist() == labels_table()["ecg_id"].tolist()
        assert (out / "space" / "Dockerfile").is_file()

    def test_nothing_is_replaced(self, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "kept.txt").write_text("kept")
        with pytest.raises(ConfigurationError, match="not an empty folder"):
            export_huggingface(tmp_path, tmp_path / "out")


class TestEngine:
    """The engine's own scoring code, where it is at hand.

    pip install --no-deps competitions==0.1.6: it pins old versions of everything, of which its
    scoring needs none. That version knows sklearn's metrics only, so it ranks a single task.
    """

    def test_it_computes_our_auroc_from_our_solution(self, tmp_path, monkeypatch):
        engine = pytest.importorskip(
            "competitions.compute_metrics", reason="competitions is not installed"
        )
        holdout, submission = holdout_and_submission(tmp_path)
        board = exported_board(holdout, tasks=("acs",))
        for name, text in repository_files(board).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "submissions").mkdir()
        rows = pd.read_csv(submission)[["ecg_id", "acs"]]
        rows.to_csv(tmp_path / "submissions" / "team-1.csv", index=False)
        monkeypatch.setattr(
            engine, "hf_hub_download", lambda *, filename, **_: str(tmp_path / filename)
        )
        params = importlib.import_module("competitions.params").EvalParams(
            competition_id="org/competition",
            competition_type="generic",
            metric="roc_auc_score",
            token="secret",
            team_id="team",
            submission_id="1",
            submission_id_col="ecg_id",
            submission_cols=["ecg_id", "acs"],
            submission_rows=len(rows),
            output_path="",
            submission_repo="",
            time_limit=600,
        )
        found = engine.compute_metrics(params)
        names = ("solution.csv", "patients.csv", "scoring.json", "submissions/team-1.csv")
        ours = score_parts(*(tmp_path / name for name in names))
        assert round(found["private_score"], 3) == ours["private_score"]["acs_auroc"]
        assert round(found["public_score"], 3) == ours["public_score"]["acs_auroc"]


def test_public_scores_are_multiples_of_the_ladders_step(tmp_path):
    """One ECG moved to the top shows on the private part, and not on the public one."""
    board = exported_board(holdout_of(labels_table()))
    scoring = board.reference.scoring.model_copy(update={"public_step": 0.05})
    board = replace(board, reference=replace(board.reference, scoring=scoring))
    for name, text in repository_files(board).items():
        if name in ("solution.csv", "patients.csv", "scoring.json", "SUBMISSION_DESC.md"):
            (tmp_path / name).write_text(text)
    assert "multiples of 0.05" in (tmp_path / "SUBMISSION_DESC.md").read_text()
    files = [tmp_path / name for name in ("solution.csv", "patients.csv", "scoring.json")]
    ids = board.reference.holdout.ecg_ids
    shown = []
    for top in range(len(ids)):
        columns = {task: 1.0 * (np.arange(len(ids)) == top) for task in scoring.tasks}
        pd.DataFrame({"ecg_id": ids, **columns}).to_csv(tmp_path / "mine.csv", index=False)
        scores = score_parts(*files, tmp_path / "mine.csv")
        shown.append(tuple(scores["public_score"].values()))
        if top == 10:
            break
    assert len(set(shown)) == 1
    areas = [scores["public_score"][f"{task}_auroc"] for task in scoring.tasks]
    assert areas == [0.5] * len(areas)

import json
import subprocess
import sys
from datetime import datetime
from zipfile import ZipFile

import pandas as pd
import pytest
import yaml

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.export.codabench import COMMAND, bundle_files, export_codabench
from acsbench.leaderboard.export.reference import score_parts
from acsbench.leaderboard.holdout import read_holdout
from tests.leaderboard.boards import exported_board, holdout_and_submission
from tests.leaderboard.live import make_board

# docs.codabench.org, YAML Structure: what each part of the file may hold.
KNOWN = {
    "": {
        "version", "title", "description", "image", "terms", "registration_auto_approve",
        "docker_image", "make_programs_available", "make_input_data_available", "queue",
        "enable_detailed_results", "show_detailed_results_in_submission_panel",
        "show_detailed_results_in_leaderboard", "contact_email", "reward", "auto_run_submissions",
        "can_participants_make_submissions_public", "forum_enabled", "pages", "phases", "tasks",
        "solutions", "fact_sheet", "leaderboards",
    },
    "pages": {"title", "file"},
    "phases": {
        "index", "name", "description", "start", "end", "tasks", "max_submissions",
        "max_submissions_per_day", "auto_migrate_to_this_phase", "execution_time_limit",
        "hide_output", "hide_prediction_output", "hide_score_output", "starting_kit",
        "public_data", "accepts_only_result_submissions",
    },
    "tasks": {
        "index", "name", "key", "description", "scoring_program", "input_data", "reference_data",
        "ingestion_program", "ingestion_only_during_scoring",
    },
    "leaderboards": {"title", "key", "columns", "submission_rule", "hidden"},
    "columns": {
        "title", "key", "index", "sorting", "computation", "computation_indexes", "precision",
        "hidden",
    },
}  # fmt: skip
RULES = {
    "Add", "Add_And_Delete", "Add_And_Delete_Multiple", "Force_Last", "Force_Latest_Multiple",
    "Force_Best",
}  # fmt: skip


@pytest.fixture
def bundle(tmp_path):
    """The bundle unpacked, as a folder, with its competition.yaml and a submission."""
    holdout, submission = holdout_and_submission(tmp_path)
    files = bundle_files(exported_board(holdout))
    folder = tmp_path / "bundle"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder, yaml.safe_load(files["competition.yaml"]), submission


class TestCompetition:
    def test_it_uses_documented_keys_only(self, bundle):
        _, competition, _ = bundle
        assert competition["version"] == 2
        assert set(competition) <= KNOWN[""]
        for part in ("pages", "phases", "tasks", "leaderboards"):
            for entry in competition[part]:
                assert set(entry) <= KNOWN[part], part
        for column in competition["leaderboards"][0]["columns"]:
            assert set(column) <= KNOWN["columns"]
        assert competition["leaderboards"][0]["submission_rule"] in RULES

    def test_every_file_that_it_names_is_there_and_not_empty(self, bundle):
        folder, competition, _ = bundle
        named = [competition["image"], competition["terms"]]
        named += [page["file"] for page in competition["pages"]]
        assert all((folder / name).stat().st_size for name in named)
        for task in competition["tasks"]:
            assert (folder / task["scoring_program"] / "metadata.yaml").is_file()
            assert (folder / task["reference_data"] / "solution.csv").is_file()

    def test_phases_follow_each_other_without_overlap_and_keep_the_time_of_day(self, bundle):
        _, competition, _ = bundle
        # A YAML timestamp would lose its time of day there; a string is parsed whole.
        assert all(isinstance(phase["start"], str) for phase in competition["phases"])
        first, second = (
            [datetime.fromisoformat(phase[name]) for name in ("start", "end")]
            for phase in competition["phases"]
        )
        assert first[0] < first[1] < second[0] < second[1]
        assert first[1] == datetime(2031, 5, 4, 15, 30)
        assert competition["phases"][1]["auto_migrate_to_this_phase"]
        indexes = {task["index"] for task in competition["tasks"]}
        assert {task for phase in competition["phases"] for task in phase["tasks"]} == indexes

    def test_the_column_that_ranks_comes_first(self, bundle):
        _, competition, _ = bundle
        columns = competition["leaderboards"][0]["columns"]
        assert columns[0]["key"] == "acs_auroc"
        assert [column["index"] for column in columns] == list(range(len(columns)))


class TestScoringProgram:
    @pytest.mark.parametrize("part", ["public", "private"])
    def test_it_writes_the_boards_numbers_under_the_columns_keys(self, bundle, tmp_path, part):
        folder, competition, submission = bundle
        run, output = self.run(folder, submission, tmp_path, part)
        assert run.returncode == 0, run.stderr
        scores = json.loads((output / "scores.json").read_text())
        columns = competition["leaderboards"][0]["columns"]
        assert list(scores) == [column["key"] for column in columns]
        reference = folder / f"reference_{part}"
        names = ("solution.csv", "patients.csv", "scoring.json")
        expected = score_parts(*(reference / name for name in names), submission)
        assert scores == expected[f"{part}_score"]

    def test_a_bad_file_ends_with_its_problems_and_without_scores(self, bundle, tmp_path):
        folder, _, submission = bundle
        rows = pd.read_csv(submission)
        rows.loc[3, "acs"] = 1.5
        rows.to_csv(submission, index=False)
        run, output = self.run(folder, submission, tmp_path, "public")
        assert run.returncode == 1
        assert "1.5" in run.stderr
        assert "Traceback" not in run.stderr
        assert not list(output.iterdir())

    @pytest.mark.parametrize(
        "clutter",
        ["__MACOSX/._predictions.csv", "._predictions.csv", ".hidden/a.csv", "~$predictions.csv"],
    )
    def test_what_an_operating_system_leaves_in_a_zip_file_is_ignored(
        self, bundle, tmp_path, clutter
    ):
        folder, _, submission = bundle
        for name in (clutter, ".DS_Store", "Thumbs.db", "desktop.ini"):
            file = tmp_path / "input" / "res" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"\0\5\x16\7Mac OS X")
        run, output = self.run(folder, submission, tmp_path, "public")
        assert run.returncode == 0, run.stderr
        assert list(output.iterdir())

    def test_two_files_of_ones_own_are_refused(self, bundle, tmp_path):
        folder, _, submission = bundle
        (tmp_path / "input" / "res").mkdir(parents=True)
        (tmp_path / "input" / "res" / "other.CSV").write_bytes(b"")
        run, _ = self.run(folder, submission, tmp_path, "public")
        assert "exactly one CSV file; it holds 2" in run.stderr

    def test_the_case_of_a_zip_file_made_on_a_mac(self, cases, tmp_path):
        labels = read_holdout(cases / "mac-zip" / "labels.csv")
        folder = tmp_path / "bundle"
        for name, content in bundle_files(exported_board(labels, tasks=["acs"])).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        scores = []
        for kind in ("macos", "plain"):
            with ZipFile(cases / "mac-zip" / f"{kind}.zip") as archive:
                archive.extractall(tmp_path / kind / "input" / "res")
            run, output = self.run(folder, None, tmp_path / kind, "private")
            assert run.returncode == 0, run.stderr
            scores.append((output / "scores.json").read_text())
        assert scores[0] == scores[1]

    @staticmethod
    def run(folder, submission, tmp_path, part):
        """As the compute worker does: folders in place, the metadata's command, other paths."""
        inputs, output = tmp_path / "input", tmp_path / "output"
        (inputs / "res").mkdir(parents=True, exist_ok=True)
        output.mkdir()
        if submission is not None:
            (inputs / "res" / "predictions.csv").write_bytes(submission.read_bytes())
        (inputs / "ref").symlink_to(folder / f"reference_{part}")
        metadata = yaml.safe_load((folder / "scoring_program" / "metadata.yaml").read_text())
        assert metadata == {"command": COMMAND}
        places = {
            "python3": sys.executable,
            "/app/program/scoring.py": str(folder / "scoring_program" / "scoring.py"),
            "/app/input": str(inputs),
            "/app/output": str(output),
        }
        command = [places[word] for word in metadata["command"].split()]
        return subprocess.run(command, capture_output=True, text=True, check=False), output


class TestExport:
    def test_a_board_becomes_a_zip_file_for_its_owner_alone(self, tmp_path):
        board = make_board(tmp_path)
        out = tmp_path / "bundle.zip"
        export_codabench(board.path, out)
        assert out.stat().st_mode & 0o077 == 0
        with ZipFile(out) as bundle:
            assert bundle.testzip() is None
            assert yaml.safe_load(bundle.read("competition.yaml"))["version"] == 2

    def test_nothing_is_replaced(self, tmp_path):
        with pytest.raises(ConfigurationError, match="zip"):
            export_codabench(tmp_path, tmp_path / "folder")
        (tmp_path / "old.zip").write_bytes(b"")
        with pytest.raises(ConfigurationError, match="exists"):
            export_codabench(tmp_path, tmp_path / "old.zip")

from __future__ import annotations

import re
import stat
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from acsbench.cli.main import main
from acsbench.leaderboard import phases, serve, teams
from acsbench.leaderboard.create import create_board
from acsbench.leaderboard.database.connect import open_database
from acsbench.leaderboard.database.types import PhaseState
from acsbench.leaderboard.settings import open_folder
from tests.leaderboard.conftest import PASSWORD, MakeSite, Site


@pytest.fixture
def files(tmp_path: Path, labels: pd.DataFrame) -> tuple[Path, Path]:
    """Labels and ids of the holdout."""
    labels_file, ids_file = tmp_path / "labels.csv", tmp_path / "ids.csv"
    labels.to_csv(labels_file, index=False)
    labels[["ecg_id"]].to_csv(ids_file, index=False)
    return labels_file, ids_file


def _run(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["leaderboard", *map(str, words)])
    return int(left.value.code or 0)


def _init(files: tuple[Path, Path], board: Path, *more: str) -> int:
    labels, ids = files
    return _run("init", board, "--labels", labels, "--holdout-ids", ids, *more)


def test_init_makes_a_board_and_a_link_for_its_organiser(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "board"
    assert _init(files, board, "--title", "Chest pain", "--public-share", "0.4") == 0
    [token] = re.findall(r"/sign-up/(\S+)", capsys.readouterr().out)
    folder = open_folder(board)
    assert (folder.settings.title, folder.settings.public_share) == ("Chest pain", 0.4)
    assert folder.settings.tasks == ("acs", "mace")
    assert folder.labels_file.read_bytes() == files[0].read_bytes()
    assert len(folder.secret_key()) > 32
    for path in (
        folder.labels_file,
        folder.secret_file,
        folder.database_file,
        board / "board.yaml",
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.private.stat().st_mode) == 0o700
    database = open_database(folder.database_url)
    assert teams.sign_up(database, token, "Chief", PASSWORD).is_organiser
    database.dispose()


def test_two_boards_have_different_secrets(files: tuple[Path, Path], tmp_path: Path) -> None:
    for name in "ab":
        _init(files, tmp_path / name)
    a, b = (open_folder(tmp_path / name) for name in "ab")
    assert a.secret_key() != b.secret_key()
    assert a.settings.partition_seed != b.settings.partition_seed


def test_init_writes_nothing_when_something_is_wrong(
    files: tuple[Path, Path],
    labels: pd.DataFrame,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels_file, ids_file = files
    board = tmp_path / "board"
    for change, words in (
        (labels.iloc[1:], "1 ECGs of the holdout have no row in the labels"),
        (labels.assign(acs="0"), "fewer than two patients are with the event"),
        (labels.assign(acs="2"), "something else than 0 or 1"),
        (labels.drop(columns="patient_id"), "no column 'patient_id'"),
    ):
        change.to_csv(labels_file, index=False)
        assert _init(files, board) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert words in told
        assert labels["ecg_id"][0] not in told
        assert not board.exists()
    labels.to_csv(labels_file, index=False)
    labels[["ecg_id"]].iloc[1:].to_csv(ids_file, index=False)
    assert _init(files, board) == 2
    assert "1 ECGs of the labels are not in the holdout" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ids.csv", "labels.csv"]


def test_init_refuses_a_folder_or_a_database_in_use(
    files: tuple[Path, Path],
    tmp_path: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "other").mkdir()
    assert _init(files, tmp_path / "other" / "first", "--database", database_url) == 0
    assert _init(files, tmp_path / "second", "--database", database_url) == 2
    assert "database is not empty" in capsys.readouterr().err
    assert _init(files, tmp_path) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_check_names_all_problems(
    files: tuple[Path, Path], site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(site.upload(1))
    bad.write_text("ecg_id,acs\nnobody,0.5\n")
    assert _run("check", good, "--holdout-ids", files[1]) == 0
    assert "400 rows for acs and mace" in capsys.readouterr().out
    assert _run("check", bad, "--holdout-ids", files[1]) == 2
    assert "nobody" in capsys.readouterr().out


def test_phases_invitations_and_scoring_from_the_command_line(
    make_site: MakeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site(ladder=False)
    board = site.folder.path
    assert _run("close-phase", board) == 2
    assert "no phase is open" in capsys.readouterr().err
    assert _run("open-phase", board, "Spring", "--per-day", 2, "--until", "2099-01-01") == 0
    phase = phases.current_phase(site.database)
    assert phase is not None
    assert phase.closes_at is not None
    assert (phase.name, phase.per_day, phase.total) == ("Spring", 2, 100)
    assert phase.closes_at.isoformat() == "2099-01-01T23:59:59+00:00"
    told = capsys.readouterr().out
    assert "Uploads end on 2099-01-01 at 23:59:59 UTC" in told
    assert "make a new board" not in told
    assert _run("invite", board) == 2
    assert "Say either" in capsys.readouterr().err
    assert _run("invite", board, "--team", "Heart Lab") == 0
    [token] = re.findall(r"/sign-up/(\S+)", capsys.readouterr().out)
    ada = teams.sign_up(site.database, token, "Ada", PASSWORD)
    site.submit(ada, 1)
    assert _run("worker", board, "--until-idle") == 0
    assert _run("rescore", board) == 0
    assert "1 submissions wait" in capsys.readouterr().out
    assert _run("close-phase", board) == 0
    closed = phases.current_phase(site.database)
    assert closed is not None
    assert closed.state is PhaseState.CLOSED
    assert _run("open-phase", board, "Autumn", "--until", "soon") == 2
    assert "the end of that day" in capsys.readouterr().err
    assert _run("open-phase", board, "Autumn") == 0
    assert "has shown its private scores" in capsys.readouterr().out
    assert _run("upgrade", board) == 0


def test_backup_and_restore_from_the_command_line(
    make_site: MakeSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site()
    assert _run("backup", site.folder.path, tmp_path / "board.tar") == 0
    assert _run("restore", tmp_path / "board.tar", tmp_path / "again") == 0
    assert open_folder(tmp_path / "again").settings == site.folder.settings
    assert _run("restore", tmp_path / "board.tar", tmp_path / "again") == 2
    assert "not an empty folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "worker", "rescore", "upgrade", "close-phase"])
def test_what_is_no_board_is_refused_in_words(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(command, tmp_path) == 2
    assert "acsbench leaderboard init" in capsys.readouterr().err


def test_wrong_settings_are_named(make_site: MakeSite, capsys: pytest.CaptureFixture[str]) -> None:
    board = make_site().folder.path
    with (board / "board.yaml").open("a") as file:
        file.write("round_digit: 2\n")
    assert _run("rescore", board) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "round_digit: Extra inputs are not permitted" in told
    assert "round_digits" in told


def test_a_worker_that_dies_is_started_again_and_ends_with_the_server(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    popen = serve.subprocess.Popen

    def short_lived(command: list[str], **options: object) -> object:
        started.append(command)
        if len(started) == 1:
            command = [command[0], "-c", "raise SystemExit(1)"]
        else:  # ends with its input, as the worker does
            command = [command[0], "-c", "import sys; sys.stdin.read()"]
        return popen(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(serve.subprocess, "Popen", short_lived)
    monkeypatch.setattr(serve, "RESTART_SECONDS", 0.01)
    with serve.worker_beside(make_site().folder.path):
        until = time.monotonic() + 20
        while len(started) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    assert len(started) == 2
    assert not [each for each in threading.enumerate() if each.name.startswith("worker")]


def test_labels_are_needed_by_nobody_but_the_worker(make_site: MakeSite, tmp_path: Path) -> None:
    from acsbench.leaderboard.web.app import create_app

    site = make_site()
    site.folder.labels_file.unlink()
    create_app(site.folder.path)
    site.open_phase()
    site.submit(site.member("Heart Lab"), 1)


def test_a_board_needs_both_outcomes_in_both_parts(
    files: tuple[Path, Path], labels: pd.DataFrame, tmp_path: Path
) -> None:
    from acsbench.errors import DataError
    from acsbench.leaderboard.settings import Settings

    settings = Settings(partition_seed=7, public_share=0.005)
    with pytest.raises(DataError, match="public part has fewer than two patients"):
        create_board(tmp_path / "board", *files, settings)
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize(
    ("token", "server", "words"),
    [
        (None, "https://x.org", "token's file"),
        (b"\xff\xfe", "https://x.org", "token's file"),
        (b"acsb_x", "http://[", "is no address"),
        (b"acsb_x", "https://[::1", "is no address"),
    ],
)
def test_what_cannot_be_submitted_with_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    token: bytes | None,
    server: str,
    words: str,
) -> None:
    predictions, token_file = tmp_path / "p.csv", tmp_path / "my-token"
    predictions.write_text("ecg_id,acs\n")
    if token is not None:
        token_file.write_bytes(token)
    given = ("submit", predictions, "--server", server, "--token-file", token_file)
    assert _run(*given) == 2
    told = "".join(capsys.readouterr().err.split())
    assert "".join(words.split()) in told
    if words == "token's file":
        assert "my-token" in told

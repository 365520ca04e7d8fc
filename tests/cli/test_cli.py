import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from acsbench.cli.main import main
from acsbench.cli.train import parse_settings
from acsbench.errors import ConfigurationError
from tests.datasets.builders import first_record, ptbxl_folder, wfdb_folder

COMMANDS = (
    "demo",
    "simulate",
    "prepare",
    "describe",
    "train",
    "predict",
    "evaluate",
    "reproduce",
    "models",
    "view",
)


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert "Usage: acsbench" in capsys.readouterr().out


def test_the_whole_way_step_by_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out, runs = tmp_path / "ecgs", tmp_path / "prepared", tmp_path / "runs"
    wfdb_folder(data, 300)
    assert run("prepare", "wfdb_folder", data, "--out", out, "--task", "simulated-acs") == 0
    said = capsys.readouterr().out
    assert "300 ECGs" in said
    assert "(simulated)" in said
    assert run("train", "logistic", "--data", out, "--runs", runs) == 0
    (trained,) = runs.iterdir()
    csv = tmp_path / "all.csv"
    assert run("predict", trained, "--data", out, "--split", "all", "--out", csv) == 0
    assert list(pd.read_csv(csv).columns) == ["ecg_id", "probability"]
    other = tmp_path / "same.csv"
    other.write_bytes(csv.read_bytes())
    capsys.readouterr()
    report = tmp_path / "report"
    files = ("--predictions", trained, csv, other)
    assert run("evaluate", "--data", out, *files, "--out", report) == 0
    said = capsys.readouterr().out
    assert "simulated" in said
    html = (report / "report.html").read_text()
    assert "simulated" in html.casefold()
    # Nothing is fetched from elsewhere: the report works offline.
    assert not re.search(r"(src|href)=\"(https?:)?//|@import|url\(http", html)
    results = json.loads((report / "evaluation.json").read_text())["models"]
    assert set(results) == {"logistic", "all", "same"}
    assert results["logistic"]["auroc"]["value"] == pytest.approx(results["all"]["auroc"]["value"])


def test_reproduce_resumes_and_does_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = ptbxl_folder(tmp_path / "ptbxl", 120), tmp_path / "out"
    recipe = tmp_path / "small.yaml"
    recipe.write_text(
        "name: small\ndataset: ptbxl\ntasks: [ptbxl-mi]\n"
        "folds: {train: [1, 2, 3, 4, 5, 6], valid: [7, 8], test: [9, 10]}\n"
        "models:\n  - name: logistic\n  - name: resnet18_1d\n"
        "    training: {epochs: 1, options: {width: 4, hidden: 8}}\n"
    )
    words = ("reproduce", recipe, "--data", data, "--out", out, "--workers", 1)
    assert run(*words) == 0
    assert "report:" in capsys.readouterr().out
    runs = sorted(path.name for path in (out / "runs").iterdir())
    assert len(runs) == 2
    assert run(*words) == 0
    said = capsys.readouterr().out
    assert "all 5 steps are up to date" in said
    assert "report:" in said
    assert sorted(path.name for path in (out / "runs").iterdir()) == runs
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.slow
def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--out", tmp_path, "--ecgs", 1200, "--seed", 1) == 0
    said = capsys.readouterr().out
    for words in ("1,200 simulated ECGs", "pre-training on mace", "training on acs", "report:"):
        assert words in said
    (html,) = tmp_path.rglob("report.html")
    assert "simulated" in html.read_text().casefold()
    assert len(list(tmp_path.rglob("holdout/*.csv"))) == 2


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_view_draws_one_ecg(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = first_record(wfdb_folder(tmp_path / "ecgs", 2))
    monkeypatch.chdir(tmp_path)
    assert run("view", f"{record}{suffix}") == 0
    assert (tmp_path / f"{record.name}.png").read_bytes().startswith(b"\x89PNG")
    assert run("view", record, "--out", "page.svg", "--low", 0.5, "--high", 40) == 0
    assert "simulated" in (tmp_path / "page.svg").read_text().casefold()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prepare", "ptb-xl", ".", "--out", "x"], "did you mean 'ptbxl'"),
        (["prepare", "ptbxl", "nowhere", "--out", "x"], "the folder does not exist"),
        (["prepare", "wfdb_folder", ".", "--out", "x", "--split", "folds"], "needs --folds"),
        (["prepare", "ptbxl", ".", "--out", "x", "--split", "patients", "--folds", "test=1"],
         "goes with --split folds"),
        (["train", "logistic", "--data", "."], "not a finished prepared folder"),
        (["predict", ".", "--data", ".", "--out", "x.csv"], "not a finished run"),
        (["reproduce", "ptb", "--data", ".", "--out", "x"], "did you mean 'ptbxl'"),
        (["reproduce", "none.yaml", "--data", ".", "--out", "x"], "cannot be read"),
        (["view", "nothing"], "no header file"),
        (["view", "nothing", "--low", "1"], "--low and --high go together"),
        (["train", "logistic", "--data", ".", "--set", "epochs"], "NAME=VALUE"),
        (["train", "resnet6", "--data", ".", "--set", "epochs=0"], "greater than or equal to 1"),
        (["train", "resnet6", "--data", ".", "--set", "epoch=3"], "did you mean 'epochs'"),
        (["nonsense"], "No such command"),
        (["prepare"], "Missing argument"),
    ],
)  # fmt: skip
def test_wrong_use_is_told_in_words_with_exit_code_2(
    tmp_path: Path, words: list[str], said: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert said in " ".join(error.split())
    assert list(tmp_path.iterdir()) == []


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    said = capsys.readouterr().out
    assert "logistic" in said
    assert "resnet18_1d" in said


def test_a_bug_shows_no_value_of_a_patient(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("patient 4711")

    monkeypatch.setattr("acsbench.cli.prepare.open_dataset", broken)
    assert run("prepare", "ptbxl", tmp_path, "--out", tmp_path / "x") == 1
    error = capsys.readouterr().err
    assert "4711" not in error
    assert "This is a bug" in error


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("acsbench.cli.prepare.open_dataset", stopped)
    assert run("prepare", "ptbxl", tmp_path, "--out", tmp_path / "x") == 130
    assert capsys.readouterr().err == "stopped; repeat the command to go on\n"


def test_settings_of_training() -> None:
    assert parse_settings(["a.b.c=1", "a.d=true", "e=x"]) == {
        "a": {"b": {"c": 1}, "d": True},
        "e": "x",
    }
    with pytest.raises(ConfigurationError):
        parse_settings(["=1"])


def _printed_by(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_importing_the_package_is_light() -> None:
    heavy = ("torch", "pandas", "numpy")
    assert _printed_by(f"import sys, acsbench; print(set(sys.modules) & {set(heavy)})") == "set()"


def test_evaluation_needs_no_torch() -> None:
    code = "import sys, acsbench.evaluation.inputs; print('torch' in sys.modules)"
    assert _printed_by(code) == "False"

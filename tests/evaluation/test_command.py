"""`acsbench evaluate`, on a prepared folder of tables alone."""

import json

import pytest
from typer.testing import CliRunner

from acsbench.cli import evaluate
from acsbench.cli.main import app
from acsbench.evaluation.metrics import AT_THRESHOLD


@pytest.fixture
def predictions(twin, guesses, tmp_path):
    path = tmp_path / "ours.csv"
    rows = guesses(0.8).rename("probability").rename_axis("ecg_id").reset_index()
    rows.to_csv(path, index=False)
    return path


def test_evaluate_writes_a_report(twin, predictions, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "open_prepared", lambda path: twin)
    out = tmp_path / "out"
    options = ["--data", str(tmp_path), "--task", "acs", "--split", "valid", "--out", str(out)]
    result = CliRunner().invoke(app, ["evaluate", *options, "--predictions", str(predictions)])
    assert result.exit_code == 0, result.output
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "validation ECGs" in text
    assert "evaluated: valid" in text
    assert not list((out / "figures").glob("example-*"))


def test_the_sensitivity_stands_beside_the_specificity_that_was_reached(
    twin, predictions, tmp_path, monkeypatch
):
    """At a threshold for 90 % specificity on validation, the test ECGs have another."""
    monkeypatch.setattr(evaluate, "open_prepared", lambda path: twin)
    options = ["--data", str(tmp_path), "--task", "acs", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["evaluate", *options, "--predictions", str(predictions)])
    assert result.exit_code == 0, result.output
    models = json.loads((tmp_path / "out" / "evaluation.json").read_text())["models"]
    found, reached = (models["ours"][name]["value"] for name in AT_THRESHOLD)
    assert abs(reached - 0.9) > 0.001
    words = " ".join(result.output.split())
    assert f"{found:.3f}" in words
    assert f"at {reached:.3f}" in words
    assert "90 % specificity on the validation ECGs" in words

"""`acsbench evaluate`, on a prepared folder of tables alone."""

import pytest
from typer.testing import CliRunner

from acsbench.cli import evaluate
from acsbench.cli.main import app


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

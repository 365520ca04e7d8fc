from pathlib import Path

import pytest

from tests.cli.test_cli import run


def test_measure_draws_the_findings_beside_the_page(
    ptbxl_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = sorted(ptbxl_dir.glob("records500/*/*.hea"))[0].with_suffix("")
    monkeypatch.chdir(tmp_path)
    assert run("view", record, "--measure", "--age", 60, "--sex", "female", "--out", "a.svg") == 0
    measured = (tmp_path / "a.svg").read_text()
    assert "Criteria met" in measured
    assert "QTc Bazett" in measured
    assert run("view", record, "--out", "b.svg") == 0
    assert "Criteria met" not in (tmp_path / "b.svg").read_text()

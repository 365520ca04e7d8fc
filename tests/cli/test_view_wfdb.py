from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_cli import run
from tests.datasets.wfdb_writers import write_record


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Ten seconds of noise with a spike each second, whose header states no gain."""
    counts = np.random.default_rng(0).integers(-20, 20, (12, 5000))
    counts[:, ::500] += 800
    return write_record(tmp_path, counts, "r1.v2", gain="0(0)/mV")


def test_view_asks_for_a_gain_that_the_header_does_not_state(
    record: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(record.parent)
    assert run("view", record) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "line 2 of the header states no gain for lead I" in error
    assert "--gain" in error
    assert "r1.v2" not in error
    assert run("view", record, "--gain", "1000") == 0
    assert (record.parent / "r1.v2.png").read_bytes().startswith(b"\x89PNG")

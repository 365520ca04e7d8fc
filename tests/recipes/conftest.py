from functools import partial
from pathlib import Path

import pytest

from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.evaluation import Settings


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated twin so small that a few seconds train on it, with a holdout."""
    folder = tmp_path_factory.mktemp("simulated") / "twin"
    simulate_twin(folder, ecgs=240, seed=3, tested_share=0.5, holdout_share=0.1)
    return folder


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without drawings, from few bootstrap samples; in this process only."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
    monkeypatch.setattr("acsbench.evaluation.report.figure_bytes", lambda *_: svg)
    monkeypatch.setattr("acsbench.evaluation.inputs.Settings", partial(Settings, resamples=20))

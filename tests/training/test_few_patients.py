"""Figures of a validation split of few patients leave no training: not printed, not stored."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.datasets.simulated.wfdb_writer import write_record
from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording
from acsbench.runs import CARD, HISTORY, METRICS
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.history import history_csv, is_hidden, read_history
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.training.networks import FailsLater, registered

QUICK = {"width": 4, "hidden": 8}


def hospital(folder: Path, patients: int = 60) -> Prepared:
    """ECGs of as many patients, of whom half have the event, simulated or not."""
    rng = np.random.default_rng(0)
    ecgs = folder / "ecgs"
    ecgs.mkdir(parents=True)
    rows = []
    for number in range(patients):
        signal = rng.normal(0, 0.1, (12, 5000))
        write_record(ecgs, Recording(f"r{number:03d}", signal, 500.0, LEADS))
        # Headers that say that the ECGs are simulated would make the figures free to show.
        header = ecgs / f"r{number:03d}.hea"
        lines = [line for line in header.read_text().splitlines() if not line.startswith("#")]
        header.write_text("\n".join(lines) + "\n")
        rows.append({"record": f"r{number:03d}", "patient_id": f"p{number}", "st": number % 2})
    pd.DataFrame(rows).to_csv(ecgs / "labels.csv", index=False)
    (ecgs / "dataset.yaml").write_text("name: hospital\n")
    (ecgs / "st.yaml").write_text(
        "name: st\nversion: 1\npopulation: all\nlabel: st\nunit: ecg\ndescription: Heads.\n"
    )
    dataset = open_dataset("wfdb_folder", ecgs)
    assert not dataset.simulated
    return prepare(dataset, folder / "prepared", tasks=[str(ecgs / "st.yaml")], signs=False)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return hospital(tmp_path_factory.mktemp("few"))


def trained(prepared: Prepared, runs: Path, **settings):
    lines: list[str] = []
    options = {"epochs": 2, "augment": False, "options": QUICK} | settings
    run = train(prepared, "resnet6", TrainingConfig(**options), runs, report=lines.append)
    return run, lines


def test_nothing_tells_a_figure_of_few_patients(prepared: Prepared, tmp_path: Path) -> None:
    run, lines = trained(prepared, tmp_path)
    assert sum("too few validation patients to show results" in line for line in lines) == 3
    assert not any("AUROC" in line for line in lines)
    history = pd.read_csv(run.path / HISTORY)
    assert history[["valid_loss", "valid_auroc"]].isna().all(axis=None)
    assert history["train_loss"].notna().all()
    metrics = json.loads((run.path / METRICS).read_text())
    assert metrics["estimates"] == {}
    card = (run.path / CARD).read_text()
    assert "Too few patients with or without the event to show results." in card
    assert "The validation split chose the epoch" not in card
    text = " ".join(p.read_text() for p in run.path.iterdir() if p.suffix in {".json", ".md"})
    assert '"auroc"' not in text
    # The best epoch is kept all the same.
    assert metrics["training"]["epoch kept"] in {"1", "2"}


def test_nor_does_a_training_that_diverges(prepared: Prepared, tmp_path: Path) -> None:
    with registered("fails", lambda: FailsLater(math.nan, batch=5)):
        run = train(
            prepared, "fails", TrainingConfig(epochs=4, steps_per_epoch=3, batch_size=8), tmp_path
        )
    assert "diverged" in run.notes
    history = pd.read_csv(run.path / HISTORY)
    assert len(history) == 2
    assert history[["valid_loss", "valid_auroc"]].isna().all(axis=None)


def test_simulated_ecgs_hide_nothing(prepared: Prepared, tmp_path: Path) -> None:
    free = replace(prepared, meta=prepared.meta | {"simulated": True})
    run, lines = trained(free, tmp_path)
    assert any("validation AUROC 0." in line for line in lines)
    assert pd.read_csv(run.path / HISTORY)["valid_auroc"].notna().all()
    assert "The validation split chose the epoch" in (run.path / CARD).read_text()


def test_more_time_goes_on_where_the_history_is_hidden(prepared: Prepared, tmp_path: Path) -> None:
    first, _ = trained(prepared, tmp_path, max_minutes=1e-6)
    assert len(read_history(first.path / HISTORY)) == 1
    assert is_hidden(read_history(first.path / HISTORY))
    again, lines = trained(prepared, tmp_path, max_minutes=None)
    assert any("resumes after epoch 1" in line for line in lines)
    assert len(read_history(again.path / HISTORY)) == 2
    whole, _ = trained(prepared, tmp_path / "whole")
    for name in ("predictions-valid.csv", "predictions-test.csv"):
        assert (again.path / name).read_bytes() == (whole.path / name).read_bytes()


def test_a_tabular_model_has_no_epoch_to_choose(tmp_path: Path) -> None:
    from acsbench.statistics.auroc import auroc
    from acsbench.training.card import model_card

    area = auroc([0, 1, 0, 1], [0.1, 0.7, 0.4, 0.9])
    config = {
        "model": "logistic",
        "task": {"name": "t", "description": "Heads."},
        "data": {"dataset": "d", "simulated": True},
        "processing": {"profile": "signs"},
        "training": {"seed": 0, "keep": "best"},
        "version": "0",
    }
    assert "chose the epoch" not in model_card(config, {"valid": area}, {})
    notes = {"epoch kept": "2"}
    assert "chose the epoch" in model_card(config, {"valid": area}, notes)
    last = config | {"training": {"seed": 0, "keep": "last"}}
    assert "chose the epoch" not in model_card(last, {"valid": area}, notes)


def test_hidden_cells_are_empty() -> None:
    epoch = {"epoch": 1, "step": 3, "train_loss": 0.5, "valid_loss": 0.4, "valid_auroc": 0.9}
    text = history_csv([epoch | {"seconds": 1.0}], may_show=False)
    assert text.splitlines()[1] == "1,3,0.5,,,1.0"

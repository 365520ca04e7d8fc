"""A training on several processes gives what one process gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.trainer import Hardware
from acsbench.waveforms.prepared import Prepared

# A network without batch norm, which would see half batches.
SMALL_S4 = TrainingConfig(
    epochs=2,
    batch_size=12,
    accumulate=2,
    warmup_steps=2,
    augment=False,
    options={"width": 8, "depth": 1, "state": 4, "dropout": 0},
)


@pytest.mark.slow
def test_two_processes_predict_what_one_predicts(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    alone = train(prepared, "s4", SMALL_S4, runs)
    settings = tmp_path / "settings.yaml"
    settings.write_text(SMALL_S4.model_dump_json())  # JSON is YAML
    both = tmp_path / "both"
    command = Path(sys.executable).with_name("acsbench")
    words = ["train", "s4", "--data", prepared.path, "--runs", both, "--settings", settings]
    words += ["--devices", 2, "--strategy", "ddp"]
    subprocess.run([str(word) for word in [command, *words]], check=True, timeout=300)
    (run,) = both.iterdir()
    assert "processes: 2" in (run / "MODEL_CARD.md").read_text()
    for split in ("valid", "test"):
        one, two = (pd.read_csv(path / f"predictions-{split}.csv") for path in (alone.path, run))
        assert one["ecg_id"].equals(two["ecg_id"])
        np.testing.assert_allclose(two["probability"], one["probability"], rtol=0, atol=1e-4)
    one, two = (pd.read_csv(path / "history.csv") for path in (alone.path, run))
    np.testing.assert_allclose(
        two[["train_loss", "valid_loss", "valid_auroc"]],
        one[["train_loss", "valid_loss", "valid_auroc"]],
        rtol=0,
        atol=1e-4,
    )


def test_batches_that_cannot_be_shared_out_are_refused(prepared: Prepared, runs: Path) -> None:
    config = SMALL_S4.model_copy(update={"batch_size": 15})
    with pytest.raises(ConfigurationError, match="batch_size 15 is not a multiple of 2"):
        train(prepared, "s4", config, runs, hardware=Hardware(devices=2))

"""Several processes pre-train one network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from acsbench.waveforms.prepared import Prepared
from tests.training.pretraining.conftest import QUICK


@pytest.mark.slow
def test_two_processes_in_mixed_precision_write_one_folder(
    prepared: Prepared, tmp_path: Path
) -> None:
    command = Path(sys.executable).with_name("acsbench")
    words = ["pretrain", "hubert", "--data", prepared.path, "--out", tmp_path / "both"]
    words += ["--size", "tiny", "--codebooks", "5,8", "--devices", 2, "--strategy", "ddp"]
    settings = QUICK.model_dump(mode="json", exclude={"size", "seed", "layer", "codebooks"})
    settings |= {"precision": "bf16-mixed", "epochs": 2}
    for name, value in settings.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    done = subprocess.run(
        [str(word) for word in [command, *words]],
        check=True,
        timeout=600,
        capture_output=True,
        text=True,
    )
    # The second process helps, and says nothing.
    assert done.stdout.count("epoch 2: ") == 1
    assert done.stdout.count("pre-trained: ") == 1
    history = pd.read_csv(tmp_path / "both" / "history.csv")
    assert history["step"].tolist() == [3, 6]
    assert history.notna().all(axis=None)
    assert (tmp_path / "both" / "config.json").is_file()

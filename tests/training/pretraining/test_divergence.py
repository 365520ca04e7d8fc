"""A pre-training whose loss becomes NaN or infinite ends, and the epoch before is kept."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from acsbench.errors import ConfigurationError
from acsbench.models.hubert_pretraining import MaskedCodePredictor
from acsbench.runs import HISTORY, METRICS, WEIGHTS
from acsbench.training.pretraining.pretrain import pretrain
from acsbench.waveforms.prepared import Prepared
from tests.training.pretraining.conftest import QUICK


def fail(monkeypatch: pytest.MonkeyPatch, value: float, training: bool, first: int) -> None:
    """Make the logits not finite from a certain call in training, or in validation, on."""
    forward, calls = MaskedCodePredictor.forward, []

    def failing(self, leads, mask):
        logits = forward(self, leads, mask)
        if self.training == training:
            calls.append(mask)
        if self.training == training and len(calls) >= first:
            return [each + value for each in logits] if isinstance(logits, list) else logits + value
        return logits

    monkeypatch.setattr(MaskedCodePredictor, "forward", failing)


@pytest.mark.parametrize(
    ("value", "training", "first", "what"),
    [
        (math.nan, True, 2 * 3 + 2, "epoch 2, step 4: the training loss"),
        (math.inf, False, 2, "the validation loss"),
    ],
)
def test_the_epoch_before_is_kept(
    prepared: Prepared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: float,
    training: bool,
    first: int,
    what: str,
) -> None:
    lines: list[str] = []
    with monkeypatch.context() as patch:
        fail(patch, value, training, first)
        # The kept network is judged without the fault.
        judge = "acsbench.training.pretraining.pretrain._finish"
        from acsbench.training.pretraining import pretrain as module

        finish = module._finish

        def healed(*arguments):
            patch.undo()
            return finish(*arguments)

        patch.setattr(judge, healed)
        run = pretrain(prepared, QUICK, tmp_path / "out", report=lines.append)
    (told,) = [line for line in lines if "diverged" in line]
    assert what in told
    assert "lower learning_rate" in told
    kept = len(pd.read_csv(run.path / HISTORY))
    assert f"epoch {kept} is kept" in told
    assert json.loads((run.path / METRICS).read_text())["diverged"]
    assert all(torch.isfinite(tensor).all() for tensor in load_file(run.path / WEIGHTS).values())
    lines.clear()
    again = pretrain(prepared, QUICK, tmp_path / "out", report=lines.append)
    assert again.path == run.path
    assert "that pre-training diverged" in lines[1]


def test_with_nothing_to_keep_nothing_counts_as_finished(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, math.nan, True, 1)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"diverged at epoch 1, step 1.*another --out"):
            pretrain(prepared, QUICK, tmp_path / "out")
    assert not (tmp_path / "out" / METRICS).exists()

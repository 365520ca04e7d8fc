"""The study's S4-ECG, as it was trained and as the study's loader reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from acsbench.errors import DataError
from acsbench.models import create_model, load_published
from acsbench.models.published import read_published

KERNEL = "s4_layers.0.kernel.kernel."


@pytest.mark.parametrize(
    ("reload", "expected"), [("trained", "logits"), ("published", "logits_published_reload")]
)
def test_says_what_the_study_says(vectors: Path, reload: Any, expected: str) -> None:
    network = load_published(vectors / "state.ckpt", reload=reload)
    assert not network.training
    with np.load(vectors / "state.npz") as vector, torch.no_grad():
        logits = network(torch.from_numpy(vector["input"])).numpy()
        np.testing.assert_allclose(logits, vector[expected], rtol=0, atol=5e-6)


def test_options_and_weights_make_the_same_network(vectors: Path) -> None:
    checkpoint = read_published(vectors / "state.ckpt")
    network = checkpoint.network
    again = create_model("s4", **checkpoint.options)
    again.load_state_dict(network.state_dict())
    x = torch.randn(2, 3, 700)
    with torch.no_grad():
        assert torch.equal(again.eval()(x), network(x))


def test_the_files_nodes_tell_the_length_of_its_kernel(vectors: Path, tmp_path: Path) -> None:
    """A file saved at 1,024 samples is one that the study's loader reads rightly."""
    checkpoint = torch.load(vectors / "state.ckpt", weights_only=True)
    state = checkpoint["state_dict"]
    for name in state:
        if name.endswith((".omega", ".z")):
            state[name] = state[name][: 1024 // 2 + 1].clone()
    torch.save(checkpoint, tmp_path / "short.ckpt")
    x = torch.randn(2, 3, 700)
    with torch.no_grad():
        trained = load_published(tmp_path / "short.ckpt")(x)
        assert torch.equal(load_published(tmp_path / "short.ckpt", reload="published")(x), trained)
        assert not torch.allclose(load_published(vectors / "state.ckpt")(x), trained, atol=1e-4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state.pop(f"{KERNEL}z"),
        lambda state: state.update({f"{KERNEL}z": torch.zeros(0, 2)}),
        lambda state: state.update({f"{KERNEL}omega": torch.zeros(9, 2)}),
        lambda state: state.pop(f"{KERNEL}C"),
        lambda state: state.pop("encoder.weight"),
        lambda state: state.update({f"{KERNEL}w": torch.zeros(32, 31, 2)}),
        lambda state: state.update({f"{KERNEL}log_dt": torch.zeros(31)}),
        lambda state: state.update({f"{KERNEL}C": torch.zeros(2, 1, 4096, 2)}),
        lambda state: state.update({f"{KERNEL}C": torch.zeros(())}),
        lambda state: state.update({"s4_layers.0.D": torch.zeros(1, 5)}),
        lambda state: state.update({"stranger": torch.zeros(1)}),
    ],
)
def test_a_damaged_file_is_refused(
    vectors: Path, tmp_path: Path, damage: Callable[[dict[str, torch.Tensor]], object]
) -> None:
    checkpoint = torch.load(vectors / "state.ckpt", weights_only=True)
    damage(checkpoint["state_dict"])
    torch.save(checkpoint, tmp_path / "x.ckpt")
    # Without its C in the first block a file is not even known to be an S4.
    with pytest.raises(DataError, match=r"tensors are missing|not belong to a known model"):
        load_published(tmp_path / "x.ckpt")

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from acsbench.errors import DataError
from acsbench.models import create_model, load_published


def test_resnet18_equals_the_studys(vectors: Path) -> None:
    module = load_published(vectors / "resnet18_1d.ckpt")
    with np.load(vectors / "resnet18_1d.npz") as vector, torch.no_grad():
        logits = module(torch.from_numpy(vector["input"])).numpy()
        np.testing.assert_allclose(logits, vector["logits"], rtol=1e-6, atol=1e-4)
    assert not module.training


def test_full_size_has_the_studys_number_of_parameters() -> None:
    network = create_model("resnet18_1d")
    assert sum(p.numel() for p in network.parameters()) == 2_254_273


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("hostile-was-here"),))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "truncated or no checkpoint"),
        (b"not a checkpoint", "no checkpoint"),
        (pickle.dumps({"state_dict": Hostile()}), "no checkpoint"),
    ],
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        load_published(path)


def test_a_hostile_file_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"a": Hostile()}}, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="objects other than tensors"):
        load_published(tmp_path / "x.ckpt")
    assert not (tmp_path / "hostile-was-here").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"weights": {}}, "no state_dict"),
        ({"state_dict": {"a": 1}}, "no state_dict of tensors"),
        ({"state_dict": {"a": torch.zeros(1)}}, "belong to no model"),
    ],
)
def test_a_checkpoint_of_something_else(tmp_path: Path, content: dict, words: str) -> None:
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=words):
        load_published(tmp_path / "x.ckpt")


def test_a_tensor_is_missing(vectors: Path, tmp_path: Path) -> None:
    checkpoint = torch.load(vectors / "resnet18_1d.ckpt", weights_only=True)
    del checkpoint["state_dict"]["fc.4.bias"]
    torch.save(checkpoint, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="tensors are missing"):
        load_published(tmp_path / "x.ckpt")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_published(tmp_path / "none.ckpt")

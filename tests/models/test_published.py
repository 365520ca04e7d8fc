"""Published checkpoints, and files that pretend to be one."""

import copy
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from acsbench.errors import ConfigurationError, DataError
from acsbench.models import create_model, load_published
from acsbench.models.published import read_published

CONVOLUTIONAL = ("resnet6", "resnet18_1d", "resnet50_1d", "ecgomi")
POSITIONS = "hubert_ecg.encoder.pos_conv_embed.conv"


def assert_equal(logits: Tensor, expected: np.ndarray) -> None:
    """Equal means 1e-4 absolute or 1e-6 relative, as the vectors' own page says."""
    difference = np.abs(logits.detach().numpy() - expected)
    assert ((difference <= 1e-4) | (difference <= 1e-6 * np.abs(expected))).all()


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_network_of_the_study_says_what_the_study_says(vectors: Path, name: str) -> None:
    module = load_published(vectors / f"{name}.ckpt")
    assert not module.training
    with np.load(vectors / f"{name}.npz") as vector:
        assert_equal(module(torch.from_numpy(vector["input"])), vector["logits"])


def test_hubert_says_what_the_study_says(vectors: Path) -> None:
    module = load_published(vectors / "hubert_finetuned.pt")
    assert not module.training
    with np.load(vectors / "hubert_finetuned.npz") as vector:
        flat = torch.from_numpy(vector["flat_100hz"])
        assert flat.dtype == torch.float64  # as SciPy decimates
        assert_equal(module(flat), vector["logits"])


@pytest.mark.parametrize(
    "file", [*(f"{name}.ckpt" for name in CONVOLUTIONAL), "hubert_finetuned.pt"]
)
def test_options_and_weights_make_the_same_model(vectors: Path, file: str) -> None:
    published = read_published(vectors / file)
    again = create_model(published.model, **published.options)
    again.load_state_dict(published.network.state_dict())
    assert all(p.requires_grad for p in again.parameters())
    with np.load(vectors / f"{Path(file).stem}.npz") as vector:
        x = torch.from_numpy(vector["flat_100hz" if "hubert" in file else "input"]).float()
    assert torch.equal(again.eval()(x), published.network(x))


@pytest.mark.parametrize(("model", "blocks"), [("resnet6", 2), ("resnet18_1d", 4)])
def test_any_width_and_kernel_is_read_off_the_tensors(
    tmp_path: Path, model: str, blocks: int
) -> None:
    torch.manual_seed(0)
    ours = create_model(model, width=6, hidden=10, kernel=5, leads=2).eval()
    theirs = {}
    for name, tensor in ours.state_dict().items():
        for old, new in (
            ("stem.0.", "initial_conv."),
            ("stem.1.", "bn1."),
            ("head.", "fc."),
            ("reduction.", "conv2."),
            ("first.", "res_block1."),
            ("second.", "res_block2."),
            *((f"groups.{n}.", f"res_block{n + 1}.") for n in range(4)),
        ):
            if name.startswith(old):
                name = new + name.removeprefix(old)
        theirs[name.replace(".conv.", ".conv1.").replace(".norm.", ".bn1.")] = tensor
    torch.save({"state_dict": theirs}, tmp_path / "x.ckpt")
    x = torch.randn(2, 2, 5000)
    torch.testing.assert_close(load_published(tmp_path / "x.ckpt")(x), ours(x))


@pytest.fixture
def hubert(vectors: Path) -> dict[str, Any]:
    with torch.serialization.safe_globals([_hubert_config()]):
        return torch.load(vectors / "hubert_finetuned.pt", weights_only=True)


def _hubert_config() -> type:
    from transformers import HubertConfig

    return HubertConfig


def flat_of(vectors: Path) -> tuple[Tensor, np.ndarray]:
    with np.load(vectors / "hubert_finetuned.npz") as vector:
        return torch.from_numpy(vector["flat_100hz"]).float(), vector["logits"]


def test_older_hubert_files_load(vectors: Path, hubert: dict[str, Any], tmp_path: Path) -> None:
    state = hubert["model_state_dict"]
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        state[f"{POSITIONS}.{old}"] = state.pop(f"{POSITIONS}.parametrizations.weight.{new}")
    # Pre-training's own tensors stay in such files, and losses are NumPy numbers.
    state["hubert_ecg.masked_spec_embed"] = torch.zeros(48)
    hubert["best_val_loss"] = np.float64(0.6)
    torch.save(hubert, tmp_path / "old.pt")
    flat, logits = flat_of(vectors)
    assert_equal(load_published(tmp_path / "old.pt")(flat), logits)


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("prefix", ["", "hubert_ecg."])
def test_a_folder_of_the_hub_gives_the_encoder(
    vectors: Path, hubert: dict[str, Any], tmp_path: Path, weights: str, prefix: str
) -> None:
    encoder = {
        prefix + name.removeprefix("hubert_ecg."): tensor
        for name, tensor in hubert["model_state_dict"].items()
        if name.startswith("hubert_ecg.")
    }
    encoder |= {f"{prefix}final_proj.0.weight": torch.zeros(4, 48)}
    if weights.endswith("safetensors"):
        save_file(encoder, tmp_path / weights)
    else:
        torch.save(encoder, tmp_path / weights)
    (tmp_path / "config.json").write_text(json.dumps(hubert["model_config"].to_dict()))
    flat, _ = flat_of(vectors)
    whole, published = load_published(vectors / "hubert_finetuned.pt"), read_published(tmp_path)
    torch.testing.assert_close(
        published.network.hubert(flat).last_hidden_state, whole.hubert(flat).last_hidden_state
    )
    assert published.network(flat).shape == (2, 1)
    assert torch.equal(load_published(tmp_path)(flat), published.network(flat))
    assert published.profile == "hubert"


def test_a_folder_as_transformers_writes_it(
    vectors: Path, hubert: dict[str, Any], tmp_path: Path
) -> None:
    from transformers import HubertModel

    encoder = HubertModel(hubert["model_config"]).eval()
    state = hubert["model_state_dict"].items()
    encoder.load_state_dict(
        {n.removeprefix("hubert_ecg."): t for n, t in state if n.startswith("hubert_ecg.")}
    )
    encoder.save_pretrained(tmp_path)
    flat, _ = flat_of(vectors)
    ours = load_published(tmp_path).hubert(flat).last_hidden_state
    torch.testing.assert_close(ours, encoder(flat).last_hidden_state)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda c: vars(c["model_config"]).update(num_hidden_layers=3), "has 3 layers"),
        (
            lambda c: vars(c["model_config"]).update(num_hidden_layers=10**6),
            "has 1000000 layers",
        ),
        (lambda c: vars(c["model_config"]).update(hidden_size=10**6), "of another shape"),
        (lambda c: vars(c["model_config"]).update(hidden_size=-1), "sizes cannot be read"),
        (lambda c: vars(c["model_config"]).update(num_attention_heads=5), "of another shape"),
        (lambda c: vars(c["model_config"]).update(conv_dim=7), "sizes cannot be read"),
        (lambda c: vars(c["model_config"]).update(hidden_dropout="a"), "dropout cannot be read"),
        (lambda c: vars(c["model_config"]).update(hidden_act="relu"), "another hidden_act"),
        (lambda c: c.update(model_config={}), "not a HuBERT configuration"),
        (lambda c: vars(c["model_config"]).update(hidden_act=torch.ones(3)), "another hidden_act"),
        (
            lambda c: vars(c["model_config"]).update(layer_norm_eps=torch.ones(3)),
            "another layer_norm_eps",
        ),
        (
            lambda c: c["model_state_dict"].pop("classifier.0.weight"),
            "head does not have two linear",
        ),
        (lambda c: c["model_state_dict"].pop("classifier.0.bias"), "tensors are missing"),
        (lambda c: c.update(model_state_dict=[1]), "no model_state_dict"),
    ],
)
def test_a_hubert_that_is_none(
    hubert: dict[str, Any], tmp_path: Path, damage: Callable[[dict[str, Any]], Any], words: str
) -> None:
    changed = copy.deepcopy(hubert)
    damage(changed)
    torch.save(changed, tmp_path / "x.pt")
    with pytest.raises(DataError, match=words):
        load_published(tmp_path / "x.pt")


@pytest.mark.parametrize("config", [None, "{", "[]", "{}", '{"hidden_size": "x"}', "[" * 10**5])
def test_a_folder_that_is_none_of_the_hubs(tmp_path: Path, config: str | None) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(DataError, match=r"config|sizes"):
        load_published(tmp_path)


def test_a_folder_without_weights_or_with_damaged_ones(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DataError, match="does not exist"):
        load_published(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(DataError, match="truncated or not a checkpoint"):
        load_published(tmp_path)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch hostile-was-here",))


class HostileConfig:
    """Names an allowed class, but wants code to run when it is rebuilt."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (getattr, (_hubert_config(), "from_pretrained"))


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": {"a": Hostile()}},
        {"state_dict": {}, "hyper_parameters": Hostile()},
        {"model_state_dict": {}, "model_config": Hostile()},
        {"model_state_dict": {}, "model_config": HostileConfig()},
        {"model_state_dict": {}, "model_config": Path("x")},
        [Hostile()],
    ],
)
def test_a_hostile_file_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="other objects than tensors"):
        load_published(tmp_path / "x.ckpt")
    assert not (tmp_path / "hostile-was-here").exists()


def archive(path: Path, pickled: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    """What `torch.save` writes, around any pickle."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("x/data.pkl", pickled)
        file.writestr("x/version", b"3\n")
        file.writestr("x/byteorder", b"little")


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",  # lists in lists
        b"\x80\x02" + b"(" * 200_000 + b".",
        b"\x80\x02X\xff\xff\xff\x7f.",  # a string of 2 GB, not there
        b"\x80\x02}q\x00h\x07.",  # a memory that was never made
        b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
        b".",
        b"",
    ],
)
def test_a_strange_pickle(tmp_path: Path, pickled: bytes) -> None:
    archive(tmp_path / "x.ckpt", pickled)
    with pytest.raises(DataError):
        load_published(tmp_path / "x.ckpt")


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    archive(tmp_path / "x.ckpt", b"\x00" * 10_000_000, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="unpack to more"):
        load_published(tmp_path / "x.ckpt")


@pytest.mark.parametrize("huge", [torch.zeros(1).expand(10**9, 3, 15), torch.zeros(2).expand(9, 2)])
def test_tensors_that_claim_to_be_large(tmp_path: Path, huge: Tensor) -> None:
    torch.save({"state_dict": {"initial_conv.weight": huge}}, tmp_path / "x.ckpt")
    few = huge.numel() < 100
    words = "not belong to a known model" if few else "larger than the file"
    with pytest.raises(DataError, match=words):
        load_published(tmp_path / "x.ckpt")


@pytest.mark.parametrize("file", ["resnet6.ckpt", "hubert_finetuned.pt"])
def test_a_damaged_file_is_refused_or_read(vectors: Path, tmp_path: Path, file: str) -> None:
    """Whatever byte is wrong, nothing but a `DataError` comes out."""
    whole = (vectors / file).read_bytes()
    rng = np.random.default_rng(0)
    for size in rng.integers(0, len(whole), 10):
        (tmp_path / file).write_bytes(whole[:size])
        with pytest.raises(DataError):
            load_published(tmp_path / file)
    # The pickle stands at the beginning, where a byte matters most.
    for place in rng.integers(0, 9000, 40):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / file).write_bytes(damaged)
        try:
            load_published(tmp_path / file)
        except DataError:
            continue


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "truncated or not a checkpoint"),
        (b"not a checkpoint", "not a checkpoint"),
        (pickle.dumps({"state_dict": Hostile()}), "not a checkpoint"),
    ],
    ids=("empty", "text", "pickle"),
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        load_published(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"weights": {}}, "no state_dict"),
        ({"state_dict": {"a": 1}}, "no state_dict of tensors"),
        ({"state_dict": {"a": torch.zeros(2, 2).to_sparse()}}, "no state_dict of tensors"),
        ({"state_dict": {"a": torch.zeros(1)}}, "not belong to a known model"),
        (torch.zeros(3), "not a dictionary"),
    ],
)
def test_a_checkpoint_of_something_else(tmp_path: Path, content: object, words: str) -> None:
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=words):
        load_published(tmp_path / "x.ckpt")


@pytest.mark.parametrize(
    ("file", "tensor"),
    [
        ("resnet18_1d.ckpt", "fc.4.bias"),
        ("resnet6.ckpt", "conv2.bias"),
        ("ecgomi.ckpt", "fc2.bias"),
    ],
)
def test_a_tensor_is_missing(vectors: Path, tmp_path: Path, file: str, tensor: str) -> None:
    checkpoint = torch.load(vectors / file, weights_only=True)
    del checkpoint["state_dict"][tensor]
    torch.save(checkpoint, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="tensors are missing"):
        load_published(tmp_path / "x.ckpt")


def test_weights_that_are_no_numbers(vectors: Path, tmp_path: Path) -> None:
    checkpoint = torch.load(vectors / "resnet6.ckpt", weights_only=True)
    checkpoint["state_dict"]["conv2.bias"][0] = float("nan")
    torch.save(checkpoint, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match="NaN or infinite"):
        load_published(tmp_path / "x.ckpt")


def test_groups_of_other_depths_are_not_known(vectors: Path, tmp_path: Path) -> None:
    checkpoint = torch.load(vectors / "resnet18_1d.ckpt", weights_only=True)
    kept = {k: v for k, v in checkpoint["state_dict"].items() if "res_block4.3" not in k}
    torch.save({"state_dict": kept}, tmp_path / "x.ckpt")
    with pytest.raises(DataError, match=r"groups of \(4, 4, 4, 3\)"):
        load_published(tmp_path / "x.ckpt")


def test_no_file_and_no_such_reload(vectors: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_published(tmp_path / "none.ckpt")
    with pytest.raises(ConfigurationError, match="reload must be"):
        load_published(vectors / "resnet6.ckpt", reload="trainde")  # type: ignore[arg-type]

"""HuBERT-ECG: fine-tuned `.pt` files, and its authors' folders with the encoder only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from acsbench.errors import DataError
from acsbench.models.hubert import AS_THE_STUDY, PREPARED, classification_head
from acsbench.models.published.reading import (
    SavedConfig,
    read_checkpoint,
    read_safetensors,
    tensors_of,
)
from acsbench.models.published.renaming import Checkpoint, assembled, renamed

LICENCE = "CC BY-NC 4.0"
FINE_TUNED = "model_state_dict"
CONFIG = "config.json"
HIDDEN = 1024
FIX = "Give HuBERT-ECG as its authors or the study published it"

_NAMES = (
    (r"^hubert_ecg\.", "hubert."),
    (r"pos_conv_embed\.conv\.weight_g$", "pos_conv_embed.conv.parametrizations.weight.original0"),
    (r"pos_conv_embed\.conv\.weight_v$", "pos_conv_embed.conv.parametrizations.weight.original1"),
)
# Used in pre-training only.
_UNUSED = ("hubert.masked_spec_embed", "hubert.final_proj.", "hubert.label_embedding.")
_SIZES = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "feed_forward": "intermediate_size",
    "position_kernel": "num_conv_pos_embeddings",
    "position_groups": "num_conv_pos_embedding_groups",
}
_FRONT = {
    "front_widths": "conv_dim",
    "front_kernels": "conv_kernel",
    "front_strides": "conv_stride",
}
# The same in every HuBERT-ECG.
_FIXED: dict[str, object] = {
    "hidden_act": "gelu",
    "feat_extract_activation": "gelu",
    "feat_extract_norm": "group",
    "feat_proj_layer_norm": True,
    "conv_bias": False,
    "conv_pos_batch_norm": False,
    "do_stable_layer_norm": False,
    "layer_norm_eps": 1e-5,
}
_BY_DEPTH = {8: "hubert-small", 12: "hubert-base", 16: "hubert-large"}


def is_fine_tuned(checkpoint: dict[str, Any]) -> bool:
    """Whether a checkpoint is a fine-tuned HuBERT-ECG."""
    return FINE_TUNED in checkpoint and "model_config" in checkpoint


def hubert_from_fine_tuned(path: Path, checkpoint: dict[str, Any]) -> Checkpoint:
    """A fine-tuned HuBERT-ECG with its head.

    Its options follow the study: leads at 500 Hz decimated end to end, and the largest logit of
    random crops.

    Raises:
        DataError: tensors and configuration do not form a HuBERT-ECG.
    """
    config = checkpoint["model_config"]
    if not isinstance(config, SavedConfig):
        raise DataError("model_config is not a HuBERT configuration", file=path, fix=FIX)
    state = _ours(tensors_of(path, checkpoint, FINE_TUNED))
    head = [state.get(f"classifier.{number}.weight") for number in (0, 2)]
    if any(weight is None or weight.ndim != 2 for weight in head):
        raise DataError(
            "the head does not have two linear layers", file=path, fix="Load the encoder only"
        )
    hidden, outputs = (len(weight) for weight in head if weight is not None)
    options = _options(path, vars(config), state)
    options |= {"hidden": hidden, "outputs": outputs, "input": AS_THE_STUDY, "crops": "random"}
    return _published((path,), options, state, AS_THE_STUDY)


def hubert_from_folder(folder: Path) -> Checkpoint:
    """HuBERT-ECG's encoder from a folder as on the Hugging Face hub, with a fresh head.

    Raises:
        DataError: a file is missing or damaged, or the files do not form an encoder.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise TypeError
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"the folder has no readable {CONFIG}", file=folder, fix=FIX) from error
    weights = folder / "model.safetensors"
    if weights.is_file():
        tensors = read_safetensors(weights)
    else:
        weights = folder / "pytorch_model.bin"
        tensors = tensors_of(weights, {"encoder": read_checkpoint(weights)}, "encoder")
    prefixed = {f"hubert_ecg.{n.removeprefix('hubert_ecg.')}": t for n, t in tensors.items()}
    state = _ours(prefixed)
    options = _options(weights, config, state) | {"hidden": HIDDEN}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = classification_head(options["width"], HIDDEN, outputs=1).state_dict()
    state |= {f"classifier.{name}": value for name, value in head.items()}
    return _published((weights, folder / CONFIG), options, state, PREPARED)


def score_only(published: Checkpoint) -> Checkpoint:
    """A fine-tuned HuBERT-ECG without its unused second output, `not label`.

    Raises:
        DataError: it has more than two outputs, so that the score is unknown.
    """
    if published.options["outputs"] > 2:
        raise DataError(
            f"the model has {published.options['outputs']} outputs; the study's models have two",
            file=published.files[0],
            fix="Import its encoder, and train a head",
        )
    options = published.options | {"outputs": 1}
    state = published.network.state_dict()
    for name in ("classifier.2.weight", "classifier.2.bias"):
        state[name] = state[name][:1]
    network = assembled(published.files[0], published.model, options, state)
    return replace(published, options=options, network=network)


def _ours(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    state = renamed(tensors, _NAMES)
    return {name: value for name, value in state.items() if not name.startswith(_UNUSED)}


def _options(path: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Options of `HubertEcg` from a configuration, checked against the tensors."""
    from transformers import HubertConfig

    config = HubertConfig().to_dict() | dict(config)
    for name, expected in _FIXED.items():
        found = config[name]
        if type(found) is not type(expected) or found != expected:
            raise DataError(
                f"the configuration has another {name} than HuBERT-ECG ({expected!r})",
                file=path,
                fix=FIX,
            )
    sizes: dict[str, Any] = {ours: config[theirs] for ours, theirs in _SIZES.items()}
    front: dict[str, Any] = {ours: config[theirs] for ours, theirs in _FRONT.items()}
    if not all(_is_size(value) for value in sizes.values()) or not all(
        isinstance(values, list | tuple) and all(map(_is_size, values)) for values in front.values()
    ):
        raise DataError("the configuration's sizes cannot be read", file=path, fix=FIX)
    # Building layers takes time and memory, so the tensors must confirm their number first.
    for depth, prefix in (
        (sizes["layers"], "hubert.encoder.layers."),
        (len(front["front_widths"]), "hubert.feature_extractor.conv_layers."),
    ):
        inside = (name.removeprefix(prefix) for name in state if name.startswith(prefix))
        layers = {name.partition(".")[0] for name in inside}
        if len(layers) != depth:
            raise DataError(
                f"the configuration has {depth} layers, the tensors have {len(layers)}",
                file=path,
                fix=FIX,
            )
    dropout = config["hidden_dropout"]
    if not isinstance(dropout, float | int) or not 0 <= dropout < 1:
        raise DataError("the configuration's dropout cannot be read", file=path, fix=FIX)
    return sizes | {name: list(values) for name, values in front.items()} | {"dropout": dropout}


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**20


def _published(
    files: tuple[Path, ...], options: dict[str, Any], state: dict[str, Tensor], profile: str
) -> Checkpoint:
    model = _BY_DEPTH.get(options["layers"], "hubert-small")
    network = assembled(files[0], model, options, state)
    return Checkpoint(model, options, network, profile, LICENCE, files)

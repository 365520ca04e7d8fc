"""HuBERT-ECG's encoder in the form of the `transformers` library, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import write_json, written_whole
from acsbench.models.hubert import HubertEcg
from acsbench.models.hubert_frames import FrameGeometry, frame_geometry

ENCODER_CONFIG = "config.json"
ENCODER_WEIGHTS = "model.safetensors"
MASK = "masked_spec_embed"
"""What a masked frame becomes; only pre-training uses it."""


def save_encoder(encoder: Any, folder: Path) -> None:
    """Write what `transformers.HubertModel.from_pretrained` reads; the configuration last."""
    weights = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    with written_whole(folder / ENCODER_WEIGHTS) as path:
        save_file(weights, path, metadata={"format": "pt"})
    write_json(folder / ENCODER_CONFIG, _configuration(encoder))


def load_encoder(folder: Path) -> Any:
    """The encoder of a folder, a `transformers.HubertModel` in eval mode.

    Raises:
        DataError: the folder holds none.
    """
    from transformers import HubertConfig, HubertModel

    if not (folder / ENCODER_CONFIG).is_file():
        raise DataError(
            "this is no finished pre-training",
            file=folder,
            fix="Give a folder that acsbench pretrain has written; it resumes when repeated",
        )
    try:
        encoder: Any = HubertModel(HubertConfig.from_json_file(folder / ENCODER_CONFIG))
        encoder.load_state_dict(load_file(folder / ENCODER_WEIGHTS))
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise DataError(
            "the encoder cannot be read", file=folder, fix="Pre-train it again"
        ) from error
    return encoder.eval()


def take_encoder(network: HubertEcg, folder: Path) -> None:
    """Give a network the encoder of a folder; its head stays as it is.

    Raises:
        ConfigurationError: the encoder has other sizes.
        DataError: it cannot be read.
    """
    try:
        weights = load_file(folder / ENCODER_WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise DataError(
            "the weights cannot be read", file=folder / ENCODER_WEIGHTS, fix="Pre-train it again"
        ) from error
    if not hasattr(network.hubert, MASK):
        del weights[MASK]
    try:
        network.hubert.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigurationError(
            f"the encoder in {folder} has other sizes than the network; choose the same --size "
            "and options"
        ) from error


def frames_of(network: HubertEcg) -> FrameGeometry:
    """Where a network's frames lie."""
    shape = network.hubert.config
    return frame_geometry(shape.conv_kernel, shape.conv_stride)


def _configuration(encoder: Any) -> dict[str, Any]:
    config = encoder.config.to_dict()
    # With a probability above zero the library keeps the mask's vector; it hides nothing by
    # itself, which fine-tuning would have to know, unless it is asked to.
    masked = {"mask_time_prob": 0.33, "mask_time_length": 1, "apply_spec_augment": False}
    return config | masked | {"architectures": ["HubertModel"], "torch_dtype": "float32"}

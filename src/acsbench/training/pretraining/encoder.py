"""Files of HuBERT-ECG's encoder for the `transformers` library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import write_json, written_whole
from acsbench.models.hubert import HubertEcg

ENCODER_CONFIG = "config.json"
ENCODER_WEIGHTS = "model.safetensors"
MASK = "masked_spec_embed"
"""Name of the vector that replaces a masked frame; used in pre-training only."""


def save_encoder(encoder: Any, folder: Path) -> None:
    """Write files for `transformers.HubertModel.from_pretrained`; the configuration comes last."""
    weights = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    with written_whole(folder / ENCODER_WEIGHTS) as path:
        save_file(weights, path, metadata={"format": "pt"})
    write_json(folder / ENCODER_CONFIG, _configuration(encoder))


def load_encoder(folder: Path) -> Any:
    """The encoder of a folder, a `transformers.HubertModel` in eval mode.

    Raises:
        DataError: the folder contains no encoder.
    """
    from transformers import HubertConfig, HubertModel

    if not (folder / ENCODER_CONFIG).is_file():
        raise DataError(
            "this is not a finished pre-training",
            file=folder,
            fix="Give a folder written by acsbench pretrain; repeat the command to resume",
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
    """Load the encoder of a folder into a network; its head does not change.

    Raises:
        ConfigurationError: the encoder has another size.
        DataError: the encoder cannot be read.
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
            f"the encoder in {folder} has another size than the network; choose the same --size "
            "and options"
        ) from error


@dataclass(frozen=True)
class FrameGeometry:
    """Frame `i` covers samples `i * stride` to `i * stride + width - 1`."""

    width: int
    stride: int

    def count(self, samples: int) -> int:
        """Number of frames in an input of this length."""
        return max(0, (samples - self.width) // self.stride + 1)


def frame_geometry(kernels: Sequence[int], strides: Sequence[int]) -> FrameGeometry:
    """Frames of convolutions without padding.

    >>> frame_geometry((10, 3, 3, 2, 2), (4, 2, 2, 2, 2))
    FrameGeometry(width=82, stride=64)
    """
    width, stride = 1, 1
    for kernel, step in zip(kernels, strides, strict=True):
        width += (kernel - 1) * stride
        stride *= step
    return FrameGeometry(width, stride)


def frames_of(network: HubertEcg) -> FrameGeometry:
    """Positions of a network's frames."""
    shape = network.hubert.config
    return frame_geometry(shape.conv_kernel, shape.conv_stride)


def _configuration(encoder: Any) -> dict[str, Any]:
    config = encoder.config.to_dict()
    # The library only loads the mask's vector if the probability is above 0. Without
    # apply_spec_augment it does not mask in fine-tuning.
    masked = {"mask_time_prob": 0.33, "mask_time_length": 1, "apply_spec_augment": False}
    return config | masked | {"architectures": ["HubertModel"], "torch_dtype": "float32"}

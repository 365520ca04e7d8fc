"""Published checkpoints as networks of acsbench.

Sizes come from the tensors, so that a checkpoint of any width loads. No code in a file is ever
executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from torch import nn

from acsbench.errors import ConfigurationError, DataError
from acsbench.models.published.convolutional import (
    ecgomi_from_published,
    is_ecgomi,
    is_resnet,
    resnet_from_published,
)
from acsbench.models.published.hubert import (
    hubert_from_fine_tuned,
    hubert_from_folder,
    is_fine_tuned,
)
from acsbench.models.published.reading import read_checkpoint, tensors_of
from acsbench.models.published.renaming import Checkpoint
from acsbench.models.published.s4 import is_s4, s4_from_published

Reload = Literal["trained", "published"]


def load_published(path: str | Path, reload: Reload = "trained") -> nn.Module:
    """Load a checkpoint that the study or the authors of HuBERT-ECG published.

    Args:
        path: the study's `.ckpt` (a dictionary with `state_dict`), a fine-tuned HuBERT-ECG
            (`.pt`), or a folder with HuBERT-ECG's encoder as on the Hugging Face hub, which gets
            a fresh head. Only tensors and plain values are read.
        reload: `published` repeats the fault of the study's loader of S4, which changes its
            outputs; other models are not affected.

    Returns:
        The module in eval mode, from waveforms to logits. HuBERT-ECG also takes (batch, 6000).

    Raises:
        ConfigurationError: `reload` is unknown.
        DataError: the file is not a checkpoint, contains other objects, or its model is unknown.
    """
    return read_published(path, reload).network


def read_published(path: str | Path, reload: Reload = "trained") -> Checkpoint:
    """Read a published checkpoint; arguments and errors as for `load_published`."""
    if reload not in ("trained", "published"):
        raise ConfigurationError(f"reload must be 'trained' or 'published', not {reload!r}")
    path = Path(path)
    if path.is_dir():
        return hubert_from_folder(path)
    checkpoint = read_checkpoint(path)
    if is_fine_tuned(checkpoint):
        return hubert_from_fine_tuned(path, checkpoint)
    state = {
        name.removeprefix("model."): tensor
        for name, tensor in tensors_of(path, checkpoint, "state_dict").items()
    }
    if is_resnet(state):
        return resnet_from_published(path, state)
    if is_ecgomi(state):
        return ecgomi_from_published(path, state)
    if is_s4(state):
        return s4_from_published(path, state, reload)
    raise DataError(
        f"the {len(state)} tensors do not belong to a known model",
        file=path,
        fix="Give a network of the study or HuBERT-ECG",
    )

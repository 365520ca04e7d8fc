"""Published checkpoints, as modules of ours.

Sizes are read off the tensors, so that a checkpoint of any width loads; nothing in a file is
ever executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from torch import nn

from acsbench.errors import ConfigurationError, DataError
from acsbench.models.published.convolutional import (
    LICENCE,
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
from acsbench.models.published.renaming import Published
from acsbench.models.published.s4 import is_s4, s4_from_published
from acsbench.models.registry import model_info

Reload = Literal["trained", "published"]


def load_published(path: str | Path, reload: Reload = "trained") -> nn.Module:
    """Load a checkpoint that the study or the authors of HuBERT-ECG published.

    Args:
        path: the study's `.ckpt` (a dictionary with `state_dict`), a fine-tuned HuBERT-ECG
            (`.pt`), or a folder with HuBERT-ECG's encoder as on the Hugging Face hub, which gets
            a fresh head. Only tensors and plain values are read.
        reload: `published` repeats the fault of the study's loader of S4, which moves its
            outputs; the other models have none.

    Returns:
        The module in eval mode, from waveforms to logits. HuBERT-ECG's takes (batch, 6000) too.

    Raises:
        ConfigurationError: there is no such way to reload.
        DataError: the file is no checkpoint, holds other objects, or is of an unknown model.
    """
    return read_published(path, reload).network


def read_published(path: str | Path, reload: Reload = "trained") -> Published:
    """A published checkpoint with all that is needed to keep it in our own form.

    Takes and raises what `load_published` does.
    """
    if reload not in ("trained", "published"):
        raise ConfigurationError(f"reload is 'trained' or 'published', not {reload!r}")
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
        network: Any = s4_from_published(path, state, reload)
        options, profile = dict(network.options), model_info("s4").input
        return Published("s4", options, network.eval(), profile, LICENCE, (path,))
    raise DataError(
        f"the {len(state)} tensors belong to no model that can be loaded",
        file=path,
        fix="Loadable are the study's networks and HuBERT-ECG",
    )

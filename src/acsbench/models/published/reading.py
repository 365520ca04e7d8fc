"""Reading checkpoints of others without executing code in them."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from acsbench.errors import DataError

AS_PUBLISHED = "Give a checkpoint as its authors published it"
NOT_OPENED = "The file was not opened: acsbench only reads weights"


class SavedConfig:
    """Replaces a pickled `transformers` configuration: values without code."""


# How NumPy pickles a number; its module depends on the version.
_numpy_number = np.float64(0).__reduce__()[0]
# Allowed objects besides tensors and plain values. Training loops save their best loss as a
# NumPy number.
_ALLOWED: list[Any] = [
    (SavedConfig, "transformers.models.hubert.configuration_hubert.HubertConfig"),
    (SavedConfig, "hubert_ecg.HuBERTECGConfig"),
    (_numpy_number, "numpy._core.multiarray.scalar"),
    (_numpy_number, "numpy.core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(name)) for name in ("float32", "float64", "int32", "int64", "bool")),
]
# Errors that a malicious or damaged file can cause.
_UNREADABLE = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    EOFError,
    OSError,
    zipfile.BadZipFile,
)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a file of `torch.save` with tensors, plain values and HuBERT configurations.

    Raises:
        DataError: the file does not exist, is damaged, contains other objects, or would unpack
            to more than its size.
    """
    if not path.is_file():
        raise DataError("the file does not exist", file=path, fix="Check the path")
    try:
        _check_unpacked_size(path)
        with torch.serialization.safe_globals(_ALLOWED):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except DataError:
        raise
    except pickle.UnpicklingError as error:
        raise DataError(
            "the file contains other objects than tensors and plain values, or is not a checkpoint",
            file=path,
            fix=NOT_OPENED,
        ) from error
    except _UNREADABLE as error:
        raise DataError(
            "the file is truncated or not a checkpoint",
            file=path,
            fix="Copy the file again; for a TorchScript file, save its state_dict instead",
        ) from error
    if not isinstance(checkpoint, dict):
        raise DataError(
            "the checkpoint is not a dictionary",
            file=path,
            fix=AS_PUBLISHED,
        )
    return checkpoint


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read tensors from a safetensors file.

    Raises:
        DataError: the file is damaged.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(
            "the file is truncated or not a checkpoint", file=path, fix="Copy the file again"
        ) from error


def tensors_of(path: Path, checkpoint: dict[str, Any], key: str) -> dict[str, Tensor]:
    """Tensors under a key of a checkpoint, by name.

    Raises:
        DataError: there are none, or they are larger than the file.
    """
    state = checkpoint.get(key)
    if not isinstance(state, dict) or not all(_is_plain(value) for value in state.values()):
        raise DataError(
            f"the checkpoint has no {key} of tensors",
            file=path,
            fix=AS_PUBLISHED,
        )
    # With a stride of 0, a few bytes can represent a tensor of any size.
    if sum(t.numel() * t.element_size() for t in state.values()) > path.stat().st_size:
        raise DataError("the tensors are larger than the file", file=path, fix=NOT_OPENED)
    return {str(name): tensor for name, tensor in state.items()}


def _check_unpacked_size(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > path.stat().st_size:
        raise DataError(
            "the file would unpack to more than its size",
            file=path,
            fix=NOT_OPENED,
        )


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
    )

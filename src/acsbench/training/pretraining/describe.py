"""First step of pre-training: descriptors of all frames, written shard by shard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from acsbench.errors import DataError
from acsbench.files import remove_partial, written_whole
from acsbench.training.pretraining.cepstra import cepstra
from acsbench.training.pretraining.crops import Crops, Numbers
from acsbench.training.pretraining.encoder import FrameGeometry, load_encoder
from acsbench.waveforms.process import Progress
from acsbench.waveforms.store import open_store
from acsbench.waveforms.workers import run_all

SHARD_CROPS = 1024
BATCH = 64
"""Crops that are described together."""


@dataclass(frozen=True, eq=False)
class Description:
    """Instructions for worker processes.

    Args:
        folder: folder of the shards.
        store: folder of the waveforms.
        positions, per_ecg: see `Crops`.
        frames: positions of the encoder's frames.
        encoder: folder of an earlier pre-training, for its latents; None for cepstra.
        layer: layer of the latents, from 1.
    """

    folder: Path
    store: Path
    positions: Numbers
    per_ecg: int
    frames: FrameGeometry
    encoder: Path | None = None
    layer: int | None = None

    @property
    def shards(self) -> list[Path]:
        """Paths of all shards."""
        count = -(-len(self.positions) * self.per_ecg // SHARD_CROPS)
        return [self.folder / f"shard-{number:05d}.npy" for number in range(count)]


@dataclass(frozen=True, eq=False)
class Descriptors:
    """Descriptors of all crops, memory-mapped; use `describe`."""

    shards: tuple[NDArray[np.float16], ...]

    def __len__(self) -> int:
        return sum(map(len, self.shards))

    @property
    def shape(self) -> tuple[int, int]:
        """Frames per crop, and numbers per frame."""
        return self.shards[0].shape[1], self.shards[0].shape[2]

    def read(self, crops: Numbers) -> NDArray[np.float32]:
        """All frames of some crops, shape (len(crops) * frames, numbers)."""
        places = zip(*np.divmod(crops, SHARD_CROPS), strict=True)
        values = np.stack([self.shards[shard][row] for shard, row in places])
        return values.reshape(-1, self.shape[1]).astype(np.float32)


def describe(
    description: Description,
    *,
    workers: int = 1,
    dask: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Descriptors:
    """Compute the missing shards.

    Args:
        description: what to compute.
        workers: processes of this machine.
        dask: address of a Dask scheduler whose workers compute instead.
        progress: called with the number of shards done and the total.

    Raises:
        DataError: a shard cannot be read.
    """
    description.folder.mkdir(parents=True, exist_ok=True)
    remove_partial(description.folder)
    shards = description.shards
    missing = [number for number, path in enumerate(shards) if not path.is_file()]
    done = len(shards) - len(missing)
    progress(done, len(shards))
    for _ in run_all(partial(write_shard, description), missing, workers=workers, dask=dask):
        done += 1
        progress(done, len(shards))
    return Descriptors(tuple(map(_mapped, shards)))


def write_shard(description: Description, number: int) -> None:
    """Write the descriptors of a shard as float16, shape (crops, frames, numbers)."""
    store = open_store(description.store)
    crops = Crops(store, description.positions, description.per_ecg)
    first = number * SHARD_CROPS
    numbers = np.arange(first, min(first + SHARD_CROPS, len(crops)))
    if description.encoder is None or description.layer is None:
        of_crops: Any = partial(cepstra, frames=description.frames, fs=store.meta["fs"])
    else:
        of_crops = partial(latents, load_encoder(description.encoder), description.layer)
    batches = np.split(numbers, range(BATCH, len(numbers), BATCH))
    values = np.concatenate([of_crops(crops.read(batch)).astype(np.float16) for batch in batches])
    with written_whole(description.shards[number]) as path, path.open("wb") as stream:
        np.save(stream, values)


def latents(encoder: Any, layer: int, crops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Output of a layer of an encoder.

    Args:
        encoder: a `transformers.HubertModel`.
        layer: number of the layer, from 1.
        crops: shape (crops, samples).

    Returns:
        Shape (crops, frames, width).
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = encoder.to(device).eval()
    with torch.inference_mode():
        states = encoder(torch.from_numpy(crops).to(device), output_hidden_states=True)
    values: NDArray[np.float32] = states.hidden_states[layer].float().cpu().numpy()
    return values


def _mapped(path: Path) -> NDArray[np.float16]:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            "the descriptors cannot be read", file=path, fix="Remove the file and repeat"
        ) from error

"""Second step of pre-training: codebooks by mini-batch k-means, and the code of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.metrics import pairwise_distances_argmin_min, silhouette_score

from acsbench.errors import DataError
from acsbench.files import written_whole
from acsbench.training.pretraining.crops import Numbers
from acsbench.training.pretraining.describe import SHARD_CROPS, Descriptors

BATCH_CROPS = 64
JUDGED_CROPS = 256
SILHOUETTE_FRAMES = 2000
CURVE_POINTS = 12
_CROPS, _KMEANS, _JUDGED = 1, 2, 3
"""Purposes of random streams, which share no numbers."""

Frames = NDArray[np.float32]
Codes = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Codebook:
    """Cluster centres of descriptors, shape (codes, numbers)."""

    centres: Frames

    def __len__(self) -> int:
        return len(self.centres)

    def encode(self, frames: Frames) -> tuple[Codes, NDArray[np.float64]]:
        """Code of each frame, and squared distance from its centre; both of shape (n,)."""
        codes, distances = pairwise_distances_argmin_min(frames, self.centres)
        return codes.astype(np.uint16), distances.astype(np.float64) ** 2


@dataclass(frozen=True)
class CodebookQuality:
    """How well a codebook describes frames of other patients.

    Args:
        codes: number of codes.
        batches: mini-batches of k-means so far.
        unexplained: inertia, relative to that of a single centre.
        silhouette: mean over a sample of frames, -1 to 1.
        effective_codes: 2 to the power of the entropy of the codes in bits: the number of
            equally frequent codes with the same entropy.
    """

    codes: int
    batches: int
    unexplained: float
    silhouette: float
    effective_codes: float


def fit_codebook(
    descriptors: Descriptors,
    training: Numbers,
    judged: Numbers,
    codes: int,
    batches: int,
    seed: int,
) -> tuple[Codebook, list[CodebookQuality]]:
    """Mini-batch k-means over random crops, read from disk batch by batch.

    Args:
        descriptors: descriptors of all crops.
        training: crops to cluster.
        judged: crops of other patients, to measure the quality.
        codes: number of codes.
        batches: number of mini-batches.
        seed: seed of the sampled crops and of the first centres.

    Returns:
        The codebook, and its quality after some batches, at increasing distances.

    Raises:
        DataError: there are fewer than two frames per code.

    References:
        Sculley, Web-scale k-means clustering, WWW 2010.
    """
    per_crop = descriptors.shape[0]
    if len(training) * per_crop < 2 * codes:
        raise DataError(
            f"{len(training)} crops have too few frames for {codes} codes",
            fix="Choose smaller --codebooks, or pre-train on more ECGs",
        )
    rng = np.random.default_rng((seed, _CROPS, codes))
    state = int(np.random.SeedSequence((seed, _KMEANS, codes)).generate_state(1)[0])
    kmeans = MiniBatchKMeans(codes, random_state=state, n_init=1)
    frames = descriptors.read(_some(judged, JUDGED_CROPS, np.random.default_rng((seed, _JUDGED))))
    points = set(np.geomspace(1, batches, CURVE_POINTS).round().astype(int).tolist())
    curve = []
    # The first batch also initialises the centres, and needs enough frames for them.
    first = -(-3 * codes // per_crop)
    for batch in range(1, batches + 1):
        crops = rng.choice(training, max(BATCH_CROPS, first if batch == 1 else 0))
        kmeans.partial_fit(descriptors.read(crops))
        if batch in points:
            codebook = Codebook(kmeans.cluster_centers_.astype(np.float32))
            curve.append(quality(codebook, frames, batch, seed))
    return codebook, curve


def quality(codebook: Codebook, frames: Frames, batches: int, seed: int) -> CodebookQuality:
    """Measure how well a codebook describes frames."""
    codes, distances = codebook.encode(frames)
    share = np.bincount(codes, minlength=len(codebook)) / len(codes)
    bits = -np.sum(share[share > 0] * np.log2(share[share > 0]))
    rng = np.random.default_rng((seed, _JUDGED))
    some = rng.choice(len(frames), min(len(frames), SILHOUETTE_FRAMES), replace=False)
    several = 1 < len(np.unique(codes[some])) < len(some)
    return CodebookQuality(
        codes=len(codebook),
        batches=batches,
        unexplained=float(distances.mean() / frames.var(axis=0).sum()),
        silhouette=float(silhouette_score(frames[some], codes[some])) if several else np.nan,
        effective_codes=float(2**bits),
    )


def save_codebook(codebook: Codebook, curve: Sequence[CodebookQuality], path: Path) -> None:
    """Write the quality of a codebook (`.csv`), then the codebook (`.npz`)."""
    with written_whole(path.with_suffix(".csv")) as temporary:
        pd.DataFrame(map(asdict, curve)).to_csv(temporary, index=False, float_format="%.6g")
    with written_whole(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, centres=codebook.centres)


def load_codebook(path: Path, codes: int) -> Codebook:
    """Read a codebook.

    Raises:
        DataError: it cannot be read, or has another number of codes.
    """
    fix = "Remove the file and repeat"
    try:
        with np.load(path, allow_pickle=False) as file:
            codebook = Codebook(file["centres"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError("the codebook cannot be read", file=path, fix=fix) from error
    if len(codebook) != codes:
        raise DataError(
            f"the codebook has {len(codebook)} codes instead of {codes}", file=path, fix=fix
        )
    return codebook


def write_codes(descriptors: Descriptors, codebooks: Sequence[Codebook], path: Path) -> None:
    """Write the codes of all frames, shard by shard, as uint16 (crops, codebooks, frames)."""
    per_crop = descriptors.shape[0]
    shape = (len(descriptors), len(codebooks), per_crop)
    with written_whole(path) as temporary:
        # Unlike np.save, open_memmap does not append .npy to the name.
        codes = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint16, shape=shape)
        for first in range(0, len(descriptors), SHARD_CROPS):
            numbers = np.arange(first, min(first + SHARD_CROPS, len(descriptors)))
            frames = descriptors.read(numbers)
            for place, codebook in enumerate(codebooks):
                codes[numbers, place] = codebook.encode(frames)[0].reshape(-1, per_crop)
        codes.flush()
        del codes


def load_codes(path: Path, crops: int, codebooks: Sequence[int], frames: int) -> Codes:
    """The codes of all frames, memory-mapped.

    Args:
        path: the file.
        crops: expected number of crops.
        codebooks: expected number of codes of each codebook.
        frames: expected number of frames per crop.

    Raises:
        DataError: the file cannot be read, or does not match the expected numbers.
    """
    fix = "Remove the folder and pre-train again"
    try:
        codes = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DataError("the codes cannot be read", file=path, fix=fix) from error
    expected = (crops, len(codebooks), frames)
    if codes.shape != expected or codes.dtype != np.uint16:
        raise DataError(
            f"the codes have shape {codes.shape} instead of {expected}",
            file=path,
            fix=fix,
        )
    for place, size in enumerate(codebooks):
        largest = int(codes[:, place].max())
        if largest >= size:
            raise DataError(
                f"the file contains code {largest}; the codebook has {size} codes",
                file=path,
                fix=fix,
            )
    return codes


def _some(numbers: Numbers, count: int, rng: np.random.Generator) -> Numbers:
    return numbers if len(numbers) <= count else rng.choice(numbers, count, replace=False)

"""Accuracy of the predicted codes, compared with baselines without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from acsbench.models.hubert_pretraining import MaskedCodePredictor, masked_hits, random_mask
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.shares import event_rate
from acsbench.training.order import in_order
from acsbench.training.pretraining.cluster import Codes
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import Numbers
from acsbench.training.pretraining.predict import CodedCrops

NETWORK = "network"
LARGEST = "most frequent code"
AT_ITS_PLACE = "most frequent code at its position"
NEAREST = "code of the nearest unmasked frame"
_JUDGED = 4
_AT_ONCE = 1024
"""Crops whose codes are counted together."""

Counts = NDArray[np.int64]
"""Number of occurrences of each code at each position, shape (frames, codes)."""


def count_codes(codes: Codes, crops: Numbers, codebooks: Sequence[int]) -> list[Counts]:
    """Count the codes of each codebook in some crops, by position.

    Args:
        codes: codes of all crops, shape (crops, codebooks, frames); read piece by piece.
        crops: numbers of the crops to count.
        codebooks: number of codes of each codebook.
    """
    frames = codes.shape[2]
    counts = [np.zeros((frames, size), dtype=np.int64) for size in codebooks]
    for some in np.split(crops, range(_AT_ONCE, len(crops), _AT_ONCE)):
        of_some = codes[some]
        for book, count in enumerate(counts):
            np.add.at(count, (np.arange(frames), of_some[:, book]), 1)
    return counts


def masked_accuracy(
    network: MaskedCodePredictor,
    coded: CodedCrops,
    known: Sequence[Counts],
    patients: NDArray[np.str_],
    config: PretrainingConfig,
) -> dict[int, dict[str, Estimate]]:
    """Share of masked frames with a correct code, by size of the codebook and by predictor.

    Args:
        network: the trained network.
        coded: crops of validation patients.
        known: codes of the training crops, from `count_codes`.
        patients: patient of each crop.
        config: settings of the pre-training.

    Returns:
        Accuracy of the network and of `baselines`, with intervals clustered by patient.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device).eval()
    generator = torch.Generator().manual_seed(config.seed + _JUDGED)
    frames = len(known[0])
    hits: list[NDArray[np.bool_]] = []
    masks: list[NDArray[np.bool_]] = []
    codes: list[NDArray[np.int64]] = []
    with torch.inference_mode():
        for rows in in_order(len(coded), 64):
            batch = coded[rows]
            mask = random_mask(len(rows), frames, config.mask_share, config.mask_length, generator)
            logits = network(batch.leads.to(device), mask.to(device))
            found = masked_hits([each.cpu() for each in logits], batch.codes, mask)
            hits.append(found.numpy())
            masks.append(mask.numpy())
            codes.append(batch.codes.numpy())
    masked, truth = np.concatenate(masks), np.concatenate(codes)
    right = np.concatenate(hits, axis=1)
    groups = np.repeat(patients, masked.sum(axis=1))
    return {
        size: {
            name: event_rate(found.astype(int), groups)
            for name, found in {
                NETWORK: right[place],
                **baselines(truth[:, place], masked, known[place]),
            }.items()
        }
        for place, size in enumerate(config.codebooks)
    }


def baselines(
    codes: NDArray[np.int64], mask: NDArray[np.bool_], known: Counts
) -> Mapping[str, NDArray[np.bool_]]:
    """Whether predictions without a network are correct, for each masked frame.

    The baselines are the most frequent code of the training crops, overall and at the position of
    the frame, and the code of the nearest unmasked frame.

    Args:
        codes: true codes, shape (crops, frames).
        mask: masked frames, shape (crops, frames).
        known: codes of the training crops, from `count_codes`.

    Returns:
        By name, shape (masked frames,), in the order of `mask.nonzero()`.
    """
    guesses = {
        LARGEST: np.full_like(codes, known.sum(axis=0).argmax()),
        AT_ITS_PLACE: np.broadcast_to(known.argmax(axis=1), codes.shape),
        NEAREST: np.take_along_axis(codes, nearest_unmasked(mask), axis=1),
    }
    return {name: guess[mask] == codes[mask] for name, guess in guesses.items()}


def nearest_unmasked(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Position of the nearest unmasked frame, the earlier of two; shape (crops, frames).

    >>> nearest_unmasked(np.array([[True, False, True, True, False]]))
    array([[1, 1, 1, 4, 4]])
    """
    places = np.arange(mask.shape[1])
    distance = np.abs(places[:, None] - places).astype(float)
    reach = np.where(mask[:, None, :], np.inf, distance)
    return reach.argmin(axis=2)

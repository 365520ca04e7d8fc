"""The network of HuBERT-ECG's pre-training, which predicts the codes of masked frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from acsbench.errors import ConfigurationError
from acsbench.models.hubert import HubertEcg

TEMPERATURE = 0.1
"""Divisor of cosine similarities, as in HuBERT."""


class MaskedCodePredictor(nn.Module):
    """HuBERT-ECG's encoder with one head per codebook.

    A head projects each frame and compares it with the embedding of each code: logits are cosine
    similarities divided by `TEMPERATURE`.

    Args:
        network: network whose encoder is trained, without its head.
        codebooks: number of codes in each codebook.
        projection: width of the code embeddings.

    Shapes:
        input (batch, 6000), twelve leads of 5 s at 100 Hz laid end to end, and mask
        (batch, frames), True where a frame is hidden from the transformer; output, for each
        codebook, logits (batch, frames, codes).

    References:
        Hsu et al., HuBERT, IEEE/ACM TASLP 29:3451 (2021), equation 3.
    """

    def __init__(self, network: HubertEcg, codebooks: Sequence[int], projection: int = 256):
        super().__init__()
        self.encoder = network.hubert
        config = self.encoder.config
        # The library only creates this vector if it masks by itself.
        self.encoder.masked_spec_embed = nn.Parameter(torch.empty(config.hidden_size).uniform_())
        self.projections = nn.ModuleList(
            nn.Linear(config.hidden_size, projection) for _ in codebooks
        )
        self.embeddings = nn.ModuleList(nn.Embedding(codes, projection) for codes in codebooks)

    def forward(self, leads: Tensor, mask: Tensor) -> list[Tensor]:
        """Logits of the codes of each codebook."""
        frames = self.encoder(leads, mask_time_indices=mask).last_hidden_state
        logits = []
        for projection, embedding in zip(self.projections, self.embeddings, strict=True):
            assert isinstance(embedding, nn.Embedding)
            cosine = normalize(projection(frames), dim=-1) @ normalize(embedding.weight, dim=-1).T
            logits.append(cosine / TEMPERATURE)
        return logits


def masked_loss(logits: Sequence[Tensor], codes: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of the codes of masked frames, mean over frames and codebooks.

    Args:
        logits: for each codebook, shape (batch, frames, codes).
        codes: true codes, shape (batch, codebooks, frames).
        mask: masked frames, shape (batch, frames), at least one.

    Raises:
        ConfigurationError: the shapes of codes and logits do not match.
    """
    check_codes(logits, codes)
    losses = [
        cross_entropy(each[mask].float(), codes[:, number][mask])
        for number, each in enumerate(logits)
    ]
    return torch.stack(losses).mean()


def masked_hits(logits: Sequence[Tensor], codes: Tensor, mask: Tensor) -> Tensor:
    """Whether the most likely code of each masked frame is correct.

    Args:
        logits, codes, mask: as for `masked_loss`.

    Returns:
        Shape (codebooks, masked frames), in the order of `mask.nonzero()`.
    """
    check_codes(logits, codes)
    return torch.stack(
        [each[mask].argmax(-1) == codes[:, n][mask] for n, each in enumerate(logits)]
    )


def check_codes(logits: Sequence[Tensor], codes: Tensor) -> None:
    """Check that codes and logits have the same codebooks and frames.

    Raises:
        ConfigurationError: the numbers of codebooks or frames differ.
    """
    batch, frames = logits[0].shape[:2]
    if codes.shape != (batch, len(logits), frames):
        raise ConfigurationError(
            f"the codes have the shape {tuple(codes.shape)}; expected is {batch} crops, "
            f"{len(logits)} codebooks, {frames} frames"
        )


def span_count(frames: int, share: float, length: int) -> int:
    """Number of masked spans in each crop, at least one; see `random_mask`.

    Raises:
        ConfigurationError: the spans could cover all frames.

    >>> span_count(93, 0.33, 5)
    6
    """
    spans = max(1, math.floor(share * frames / length + 0.5))
    if spans * length >= frames:
        raise ConfigurationError(
            f"mask_share={share} and mask_length={length} can hide all {frames} frames of a crop; "
            "lower one of them"
        )
    return spans


def random_mask(
    batch: int, frames: int, share: float, length: int, generator: torch.Generator | None = None
) -> Tensor:
    """Random mask of frames: spans of equal length, which may overlap.

    Args:
        batch, frames: shape of the mask.
        share: share of the frames that the spans cover without overlap.
        length: frames per span.
        generator: random generator; by default PyTorch's global one.

    Returns:
        Boolean, shape (batch, frames), with the same number of spans in each row.

    Raises:
        ConfigurationError: the spans could cover all frames.
    """
    spans = span_count(frames, share, length)
    places = frames - length + 1
    starts = torch.rand(batch, places, generator=generator).argsort(dim=1)[:, :spans]
    hidden = (starts[:, :, None] + torch.arange(length)).flatten(1)
    return torch.zeros(batch, frames, dtype=torch.bool).scatter_(1, hidden, True)

"""HuBERT-ECG's pre-training: the codes of masked frames are predicted from what is around."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from acsbench.errors import ConfigurationError
from acsbench.models.hubert import HubertEcg

TEMPERATURE = 0.1
"""What cosine similarities are divided by, as in HuBERT."""


class MaskedCodePredictor(nn.Module):
    """HuBERT-ECG's encoder under one head per codebook.

    A head projects each frame and compares it with an embedding of each code: the logits are
    cosine similarities over `TEMPERATURE`.

    Args:
        network: whose encoder is trained; its own head is left out.
        codebooks: codes in each codebook.
        projection: width of code embeddings.

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
        # The library masks where it is told to, but by itself only if it has a vector for it.
        self.encoder.masked_spec_embed = nn.Parameter(torch.empty(config.hidden_size).uniform_())
        self.projections = nn.ModuleList(
            nn.Linear(config.hidden_size, projection) for _ in codebooks
        )
        self.embeddings = nn.ModuleList(nn.Embedding(codes, projection) for codes in codebooks)

    def forward(self, leads: Tensor, mask: Tensor) -> list[Tensor]:
        """Logits of each codebook's codes."""
        frames = self.encoder(leads, mask_time_indices=mask).last_hidden_state
        logits = []
        for projection, embedding in zip(self.projections, self.embeddings, strict=True):
            assert isinstance(embedding, nn.Embedding)
            cosine = normalize(projection(frames), dim=-1) @ normalize(embedding.weight, dim=-1).T
            logits.append(cosine / TEMPERATURE)
        return logits


def masked_loss(logits: Sequence[Tensor], codes: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of the masked frames' codes, mean over frames and codebooks.

    Args:
        logits: of each codebook, shape (batch, frames, codes).
        codes: the right ones, shape (batch, codebooks, frames).
        mask: frames that count, shape (batch, frames), at least one.

    Raises:
        ConfigurationError: codes and logits do not fit together.
    """
    check_codes(logits, codes)
    losses = [
        cross_entropy(each[mask].float(), codes[:, number][mask])
        for number, each in enumerate(logits)
    ]
    return torch.stack(losses).mean()


def masked_hits(logits: Sequence[Tensor], codes: Tensor, mask: Tensor) -> Tensor:
    """Whether each masked frame's likeliest code is the right one.

    Args:
        logits, codes, mask: see `masked_loss`.

    Returns:
        Shape (codebooks, masked frames), in the order of `mask.nonzero()`.
    """
    check_codes(logits, codes)
    return torch.stack(
        [each[mask].argmax(-1) == codes[:, n][mask] for n, each in enumerate(logits)]
    )


def check_codes(logits: Sequence[Tensor], codes: Tensor) -> None:
    """Make sure that codes are those of the frames and codebooks that are predicted.

    Raises:
        ConfigurationError: they are of another number of codebooks or frames.
    """
    batch, frames = logits[0].shape[:2]
    if codes.shape != (batch, len(logits), frames):
        raise ConfigurationError(
            f"the codes have the shape {tuple(codes.shape)}; {len(logits)} codebooks over "
            f"{frames} frames of {batch} crops are predicted"
        )


def span_count(frames: int, share: float, length: int) -> int:
    """Spans to hide of each crop, at least one, see `random_mask`.

    Raises:
        ConfigurationError: they might hide all frames.

    >>> span_count(93, 0.33, 5)
    6
    """
    spans = max(1, math.floor(share * frames / length + 0.5))
    if spans * length >= frames:
        raise ConfigurationError(
            f"mask_share={share} and mask_length={length} may hide all {frames} frames of a crop, "
            "so that nothing is left to predict them from; lower one of them"
        )
    return spans


def random_mask(
    batch: int, frames: int, share: float, length: int, generator: torch.Generator | None = None
) -> Tensor:
    """Frames to hide: spans of equal length at random places, which may overlap.

    Args:
        batch, frames: shape of the mask.
        share: of the frames that spans would cover if none overlapped.
        length: frames of a span.
        generator: of the random numbers; PyTorch's global one unless given.

    Returns:
        Boolean, shape (batch, frames), at least one span in each row; all rows hold the same
        number of spans.

    Raises:
        ConfigurationError: no frame might be left open.
    """
    spans = span_count(frames, share, length)
    places = frames - length + 1
    starts = torch.rand(batch, places, generator=generator).argsort(dim=1)[:, :spans]
    hidden = (starts[:, :, None] + torch.arange(length)).flatten(1)
    return torch.zeros(batch, frames, dtype=torch.bool).scatter_(1, hidden, True)

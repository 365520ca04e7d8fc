"""HuBERT-ECG: a transformer over five seconds of twelve leads, laid end to end.

The encoder comes from the `transformers` library. `acsbench models import` reads the weights that
its authors published under CC BY-NC 4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError
from acsbench.models.hubert_crops import (
    LEADS,
    RATE,
    SECONDS,
    STUDY_DECIMATION,
    crops_at,
    even_starts,
    flattened_decimation,
    random_starts,
)
from acsbench.models.registry import register_model

PAPER = "Coppola et al., HuBERT-ECG as a self-supervised foundation model, medRxiv 2024.11.14"
LICENCE = "Apache-2.0 (published weights: CC BY-NC 4.0)"
CROP = SECONDS * RATE
PREPARED = "hubert"
AS_THE_STUDY = "study-leads"


class HubertEcg(nn.Module):
    """A HuBERT encoder, its mean over time, and a two-layer head.

    Args:
        layers, width, heads, feed_forward: size of the transformer.
        hidden: width of the head.
        outputs: number of logits; the study's fine-tuned models have two, the first is the score.
        dropout: share of activations dropped everywhere; the study's fine-tuning used 0.
        front_widths, front_kernels, front_strides: convolutions before the transformer.
        position_kernel, position_groups: convolution that encodes positions.
        input: `hubert`, leads of 10 s at 100 Hz, or `study-leads`, leads at 500 Hz that are laid
            end to end and then decimated, as the study did.
        crops: how eval mode combines crops of a longer ECG: `even` averages the logits of evenly
            spread crops; `random`, as the study did, takes the largest logit of random crops
            (at the same positions for all ECGs).
        crop_count: number of crops in eval mode.
        crop_seed: seed of the random crops in eval mode.
        freeze_front: do not train the convolutions before the transformer.
        freeze_layers: do not train the front and this number of the lowest layers.

    Shapes:
        input (batch, 12, samples), 5 to 10 s of each lead, or (batch, 6000), five seconds of each
        lead at 100 Hz laid end to end; output (batch, outputs), logits. Train mode uses a random
        crop of 5 s of each ECG. Crops are always full: no padding mask is needed.

    Raises:
        ConfigurationError: an option is out of range.
    """

    def __init__(
        self,
        layers: int,
        width: int,
        heads: int,
        feed_forward: int,
        hidden: int = 1024,
        outputs: int = 1,
        dropout: float = 0.1,
        front_widths: Sequence[int] = (512, 512, 512, 512, 512),
        front_kernels: Sequence[int] = (10, 3, 3, 2, 2),
        front_strides: Sequence[int] = (4, 2, 2, 2, 2),
        position_kernel: int = 128,
        position_groups: int = 16,
        input: Literal["hubert", "study-leads"] = "hubert",
        crops: Literal["even", "random"] = "even",
        crop_count: int = 3,
        crop_seed: int = 0,
        freeze_front: bool = False,
        freeze_layers: int = 0,
    ):
        super().__init__()
        front = tuple(map(len, (front_widths, front_kernels, front_strides)))
        for problem, found in (
            (f"input={input!r}", input not in (PREPARED, AS_THE_STUDY)),
            (f"crops={crops!r}", crops not in ("even", "random")),
            (f"crop_count={crop_count}", crop_count < 1),
            (f"freeze_layers={freeze_layers} of {layers}", not 0 <= freeze_layers <= layers),
            (f"width={width} for {heads} heads", width % heads != 0),
            (f"width={width} for {position_groups} position_groups", width % position_groups != 0),
            ("a front of {} widths, {} kernels and {} strides".format(*front), len({*front}) > 1),
            (f"feed_forward={feed_forward}", feed_forward < 1),
            (f"dropout={dropout}", not 0 <= dropout < 1),
        ):
            if found:
                raise ConfigurationError(f"HuBERT cannot have {problem}")
        # Imported here because it takes seconds.
        from transformers import HubertConfig, HubertModel

        self.input, self.crops = input, crops
        self.crop_count, self.crop_seed = crop_count, crop_seed
        config = HubertConfig(
            num_hidden_layers=layers,
            hidden_size=width,
            num_attention_heads=heads,
            intermediate_size=feed_forward,
            conv_dim=tuple(front_widths),
            conv_kernel=tuple(front_kernels),
            conv_stride=tuple(front_strides),
            num_conv_pos_embeddings=position_kernel,
            num_conv_pos_embedding_groups=position_groups,
            hidden_dropout=dropout,
            activation_dropout=dropout,
            attention_dropout=dropout,
            feat_proj_dropout=dropout,
            layerdrop=0.0,
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
        )
        self.hubert: Any = HubertModel(config)
        self.dropout = nn.Dropout(dropout)
        self.classifier = classification_head(width, hidden, outputs)
        self._freeze(freeze_front, freeze_layers)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, 12, samples) or (batch, 6000) to (batch, outputs).

        Raises:
            ConfigurationError: the input has another shape.
        """
        if x.ndim == 2 and x.shape[1] == LEADS * CROP:
            return self._logits(x)
        shortest = CROP * (STUDY_DECIMATION if self.input == AS_THE_STUDY else 1)
        if x.ndim != 3 or x.shape[1] != LEADS or not shortest <= x.shape[2] <= 2 * shortest:
            raise ConfigurationError(
                f"the network takes (batch, {LEADS}, {shortest} to {2 * shortest}) or "
                f"(batch, {LEADS * CROP}), not {tuple(x.shape)}"
            )
        if self.training:
            room = x.shape[2] - shortest
            starts = torch.randint(room + 1, (len(x),), device=x.device)
            return self._logits(self._at_100_hz(crops_at(x, starts, shortest)).flatten(1))
        return self._over_crops(self._at_100_hz(x))

    def parameter_groups(self, learning_rate: float, decay: float) -> list[dict[str, Any]]:
        """Parameter groups with a learning rate that decreases from layer to layer.

        Args:
            learning_rate: learning rate of the head.
            decay: learning rate of a layer relative to the layer above it.

        Returns:
            The head, the layers from last to first, and the rest; without frozen parameters.
        """
        layers = list(self.hubert.encoder.layers)
        in_layers = {id(p) for layer in layers for p in layer.parameters()}
        stages = [
            list(self.classifier.parameters()),
            *(list(layer.parameters()) for layer in reversed(layers)),
            [p for p in self.hubert.parameters() if id(p) not in in_layers],
        ]
        trained = [[p for p in stage if p.requires_grad] for stage in stages]
        return [
            {"params": stage, "lr": learning_rate * decay**depth}
            for depth, stage in enumerate(trained)
            if stage
        ]

    def _logits(self, flat: Tensor) -> Tensor:
        features = self.hubert(flat.to(self.hubert.dtype)).last_hidden_state.mean(dim=1)
        logits: Tensor = self.classifier(self.dropout(features))
        return logits

    def _at_100_hz(self, leads: Tensor) -> Tensor:
        return flattened_decimation(leads) if self.input == AS_THE_STUDY else leads

    def _over_crops(self, leads: Tensor) -> Tensor:
        room = leads.shape[2] - CROP
        if self.crops == "even":
            starts = even_starts(room, self.crop_count)
        else:
            starts = random_starts(room, self.crop_count, self.crop_seed)
        # One crop at a time, to save memory.
        logits = torch.stack(
            [self._logits(leads[:, :, start : start + CROP].flatten(1)) for start in starts]
        )
        return logits.mean(dim=0) if self.crops == "even" else logits.amax(dim=0)

    def _freeze(self, front: bool, layers: int) -> None:
        if front or layers:
            # Also stops the gradients of the input.
            self.hubert.feature_extractor._freeze_parameters()
        if layers:
            below = [self.hubert.feature_projection, self.hubert.encoder.pos_conv_embed]
            below += [self.hubert.encoder.layer_norm, *self.hubert.encoder.layers[:layers]]
            for module in below:
                module.requires_grad_(False)


def classification_head(width: int, hidden: int, outputs: int) -> nn.Sequential:
    """The head of the study's fine-tuned models."""
    return nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, outputs))


_register = partial(register_model, kind="network", input=PREPARED, paper=PAPER, licence=LICENCE)


@_register(
    "hubert-tiny",
    summary="transformer of 4 layers over twelve leads of 5 s, for tests on a CPU",
    parameters=1_957_793,
)
def hubert_tiny(**options: Any) -> HubertEcg:
    """HuBERT-ECG in a size of our own; see `HubertEcg` for the options."""
    size: dict[str, Any] = {"layers": 4, "width": 192, "heads": 4, "feed_forward": 768}
    size |= {"hidden": 256, "front_widths": (64,) * 5, "position_kernel": 32}
    return HubertEcg(**size | options)


@_register(
    "hubert-small",
    summary="transformer of 8 layers over twelve leads of 5 s",
    parameters=30_735_489,
)
def hubert_small(**options: Any) -> HubertEcg:
    """HuBERT-ECG small; see `HubertEcg` for the options."""
    return HubertEcg(**{"layers": 8, "width": 512, "heads": 8, "feed_forward": 2048, **options})


@_register(
    "hubert-base",
    summary="transformer of 12 layers over twelve leads of 5 s",
    parameters=93_586_561,
)
def hubert_base(**options: Any) -> HubertEcg:
    """HuBERT-ECG base; see `HubertEcg` for the options."""
    return HubertEcg(**{"layers": 12, "width": 768, "heads": 12, "feed_forward": 3072, **options})


@_register(
    "hubert-large",
    summary="transformer of 16 layers over twelve leads of 5 s",
    parameters=188_628_865,
)
def hubert_large(**options: Any) -> HubertEcg:
    """HuBERT-ECG large; see `HubertEcg` for the options."""
    return HubertEcg(**{"layers": 16, "width": 960, "heads": 12, "feed_forward": 3840, **options})

"""S4-ECG: a stack of bidirectional state spaces over the samples of an ECG."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.fft import rfft

from acsbench.errors import ConfigurationError
from acsbench.models.layers import require_shape
from acsbench.models.registry import STUDY, register_model
from acsbench.models.s4_convolution import circle, circular_kernel, convolve, convolve_spectrum
from acsbench.models.s4_state_space import (
    Powers,
    StateSpace,
    discretise,
    hippo_legs,
    kernels,
    powers,
    readout,
    rounded,
)

DIRECTIONS = 2  # forward and backward in time


class LongConvolution(nn.Module):
    """Convolution with the kernels of one state space per channel, in both directions of time.

    `C` (readout) and `D` (skip) are trained; `w`, `P`, `Q`, `B` and `log_dt` are saved but fixed.
    Quantities derived from them are computed when needed, and not saved. Kernels and convolution
    have the precision of `C`, also under autocast.

    Args:
        width: channels.
        state: size of each channel's state, an even number.
        shortest_step, longest_step: range of the log-uniform steps of the channels, in units of
            HiPPO's time scale.

    Raises:
        ConfigurationError: the state size is odd or 0.
    """

    w: Tensor
    P: Tensor
    Q: Tensor
    B: Tensor
    log_dt: Tensor
    _powers: tuple[int, Powers] | None
    _spectrum: tuple[tuple[int, int, int], Tensor] | None

    def __init__(
        self, width: int, state: int, shortest_step: float = 0.001, longest_step: float = 0.1
    ):
        super().__init__()
        if state < 2 or state % 2:
            raise ConfigurationError(f"state must be an even number of at least 2, not {state}")
        # As pairs of real numbers, which optimizers and file formats support best.
        self.C = nn.Parameter(torch.randn(DIRECTIONS, width, state // 2, 2) / math.sqrt(2))
        self.D = nn.Parameter(torch.randn(width))
        low, high = math.log(shortest_step), math.log(longest_step)
        self.register_buffer("log_dt", low + (high - low) * torch.rand(width))
        w, P, B = hippo_legs(state)
        for name, row in (("w", w), ("P", P), ("Q", P.conj()), ("B", B)):
            pairs = torch.view_as_real(row.resolve_conj()).to(self.C)
            self.register_buffer(name, pairs.repeat(width, 1, 1))
        self._forget()

    def forward(self, u: Tensor) -> Tensor:
        """From (batch, length, width) to the same shape.

        Raises:
            ConfigurationError: PyTorch is exporting the network.
        """
        if torch.compiler.is_exporting():
            raise ConfigurationError(
                "this layer cannot be exported; export "
                "acsbench.models.s4_matrices.without_fourier_transforms(network, inputs)"
            )
        u = u.to(self.C.dtype)
        if torch.is_grad_enabled():
            return convolve(u, self.kernel(u.shape[1]))
        return convolve_spectrum(u, self._cached_spectrum(u.shape[1]))

    def kernel(self, length: int, samples: int | None = None) -> Tensor:
        """Kernels on a circle, as `circular_kernel` gives them.

        Args:
            length: length of the signals.
            samples: samples on the circle; by default a number with a fast transform.

        Returns:
            Shape (width, samples).
        """
        with torch.autocast(self.C.device.type, enabled=False):
            rows = readout(torch.view_as_complex(self.C)).transpose(0, 1)
            forward, backward = kernels(rows, self._cached_powers(length), length)
            return circular_kernel(forward, backward, self.D, samples or circle(length))

    def state_space(self) -> StateSpace:
        """The discretised state spaces, in float64."""
        w, P, Q, B = (torch.view_as_complex(x.double()) for x in (self.w, self.P, self.Q, self.B))
        return discretise(w, P, Q, B, self.log_dt)

    def _cached_powers(self, length: int) -> Powers:
        if self._powers is None or self._powers[0] != length:
            with _constants():
                exact = powers(self.state_space(), length)
                self._powers = length, rounded(exact, self.C.dtype)
        return self._powers[1]

    def _cached_spectrum(self, length: int) -> Tensor:
        # The versions change with each change in place, such as an optimizer step.
        key = length, self.C._version, self.D._version
        if self._spectrum is None or self._spectrum[0] != key:
            with _constants():
                self._spectrum = key, rfft(self.kernel(length))
        return self._spectrum[1]

    def _forget(self) -> None:
        self._powers = self._spectrum = None

    def train(self, mode: bool = True) -> LongConvolution:
        """As `nn.Module.train`; clears the spectrum cached for inference."""
        if mode:
            self._spectrum = None
        return super().train(mode)

    def _apply(self, *args: Any, **options: Any) -> LongConvolution:
        self._forget()  # another device or precision
        super()._apply(*args, **options)  # type: ignore[no-untyped-call]
        return self

    def _load_from_state_dict(self, *args: Any, **options: Any) -> None:
        self._forget()
        super()._load_from_state_dict(*args, **options)


@contextmanager
def _constants() -> Iterator[None]:
    """Without gradients, but not in inference mode, whose tensors training cannot use."""
    with torch.inference_mode(False), torch.no_grad():
        yield


class S4Block(nn.Module):
    """Long convolution, GELU, gated mixing of the channels, residual, LayerNorm.

    Args:
        width: channels.
        state: size of each channel's state.
        dropout: share of channels dropped after GELU and after the gate.
    """

    def __init__(self, width: int, state: int, dropout: float):
        super().__init__()
        self.convolution = LongConvolution(width, state)
        self.mix = nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, length, width) to the same shape."""
        y = nn.functional.gelu(self.convolution(x))
        if not self.training:
            return self.norm(x + nn.functional.glu(self.mix(y), dim=-1))
        # Dropping a column of the weights is cheaper than dropping a channel of the signal.
        weight = self.mix.weight * self._kept(x)
        gated = nn.functional.glu(torch.baddbmm(self.mix.bias, y, weight.mT), dim=-1)
        return self.norm(gated.mul_(self._kept(x)).add_(x))

    def _kept(self, x: Tensor) -> Tensor:
        """Factor of each channel, shape (batch, 1, width)."""
        ones: Tensor = self.dropout(x.new_ones(x.shape[0], x.shape[2], 1))
        return ones.mT


@register_model(
    "s4",
    kind="network",
    input="study-rows",
    summary="S4-ECG: bidirectional structured state spaces over the three printed rows",
    paper=f"{STUDY}; Gu, Goel & Ré, Efficiently Modeling Long Sequences with Structured State "
    "Spaces, ICLR 2022",
    parameters=2_372_097,
)
class S4(nn.Module):
    """Linear encoder, blocks of long convolutions, mean over time, linear decoder.

    Args:
        leads: rows of the input.
        width: channels of the blocks.
        depth: blocks.
        state: size of each channel's state; a conjugate pair counts as two.
        dropout: share of channels dropped, twice in each block.
        patch: samples per position of the encoder; 1 in the study. Larger patches shorten the
            sequence: with `width=64, patch=4` a CPU trains on some thousand ECGs in minutes
            (benchmarks/s4.py).

    Shapes:
        input (batch, leads, samples) in mV, any number of samples; output (batch, 1), logits.

    Raises:
        ConfigurationError: the state size is odd or 0.
    """

    def __init__(
        self,
        leads: int = 3,
        width: int = 512,
        depth: int = 4,
        state: int = 64,
        dropout: float = 0.2,
        patch: int = 1,
    ):
        super().__init__()
        self.leads, self.patch = leads, patch
        self.encoder = nn.Linear(leads * patch, width)
        self.blocks = nn.Sequential(*(S4Block(width, state, dropout) for _ in range(depth)))
        self.decoder = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, leads, samples) to (batch, 1).

        Raises:
            ConfigurationError: the input has another shape.
        """
        require_shape(x, self.leads)
        whole = torch.is_grad_enabled() or torch.compiler.is_exporting() or x.device.type != "cpu"
        # One ECG fits into a CPU's cache: a whole batch at once takes a third longer.
        return torch.cat([self._logits(part) for part in ((x,) if whole else torch.split(x, 1))])

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = self.decoder(self.blocks(self.encoder(self._patches(x))).mean(dim=1))
        return logits

    def _patches(self, x: Tensor) -> Tensor:
        """From (batch, leads, samples) to (batch, patches, leads x patch)."""
        x = nn.functional.pad(x, (0, -x.shape[-1] % self.patch))
        patches = x.reshape(*x.shape[:2], -1, self.patch)
        return patches.transpose(1, 2).flatten(2)

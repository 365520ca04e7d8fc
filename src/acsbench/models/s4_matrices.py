"""The long convolutions of S4 as products of real matrices, for runtimes without a fast Fourier
transform.

A circle of a x b samples is transformed in two steps: one matrix transforms every b-th sample,
each number is rotated, and a second matrix transforms the b results. Signals are real and fill
half the circle, so that half of the first matrix is enough.

References:
    Cooley & Tukey, Math Comput 19:297 (1965).
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn

from acsbench.models.s4 import LongConvolution


class MatrixConvolution(nn.Module):
    """A trained long convolution with constant kernels, for signals of one length.

    Args:
        convolution: the trained convolution.
        length: samples of the signals.
    """

    spectrum: Tensor
    to_frequencies: Tensor
    from_frequencies: Tensor
    turn: Tensor
    second: Tensor

    def __init__(self, convolution: LongConvolution, length: int):
        super().__init__()
        columns = math.isqrt(length - 1) + 1
        rows = -(-length // columns)  # in the half of the circle that signals fill
        self.length, self.rows, self.columns = length, rows, columns
        samples = 2 * rows * columns
        with torch.no_grad():
            kernel = convolution.kernel(length, samples)
        # Frequency q + 2 rows r is at [q, r]; those with q > rows are mirror images.
        frequencies = torch.fft.fft(kernel.double()).view(-1, columns, 2 * rows)
        self._keep("spectrum", _parts(frequencies.mT[:, : rows + 1]), kernel)

        row, column = torch.arange(rows), torch.arange(columns)
        frequency = torch.arange(rows + 1)
        first = _unit_roots(frequency[:, None] * row, 2 * rows)
        self._keep("to_frequencies", torch.cat([first.real, first.imag]), kernel)
        mirrored = torch.full((rows + 1,), 2.0, dtype=torch.float64)
        mirrored[[0, -1]] = 1.0
        back = first.mT * mirrored / samples
        self._keep("from_frequencies", torch.cat([back.real, back.imag], dim=1), kernel)
        self._keep("turn", _parts(_unit_roots(frequency[:, None] * column, samples)), kernel)
        self._keep("second", _parts(_unit_roots(column[:, None] * column, columns)), kernel)

    def forward(self, u: Tensor) -> Tensor:
        """From (batch, length, channels) to the same shape."""
        x = nn.functional.pad(u.mT, (0, self.rows * self.columns - self.length))
        x = self.to_frequencies @ x.reshape(*x.shape[:2], self.rows, self.columns)
        real, imaginary = _times(x[..., : self.rows + 1, :], x[..., self.rows + 1 :, :], self.turn)
        real, imaginary = _matmul(real, imaginary, self.second)
        real, imaginary = _times(real, imaginary, self.spectrum)
        # The inverse transform is the same with all angles negated.
        real, imaginary = _matmul(real, -imaginary, self.second)
        real, imaginary = _times(real, imaginary, self.turn)
        y = self.from_frequencies @ torch.cat([real, -imaginary], dim=-2)
        return y.flatten(-2)[..., : self.length].mT

    def _keep(self, name: str, constant: Tensor, like: Tensor) -> None:
        self.register_buffer(name, constant.to(like))


def without_fourier_transforms(network: nn.Module, *inputs: Tensor) -> nn.Module:
    """Copy a network and replace its long convolutions by matrix products with fixed kernels.

    Args:
        network: any network.
        inputs: inputs of the network; the copy only takes signals of this length.

    Returns:
        The copy, in eval mode, for inference only.
    """
    network = copy.deepcopy(network).eval()
    lengths: dict[nn.Module, int] = {}

    def note_length(module: nn.Module, given: tuple[Any, ...]) -> None:
        lengths[module] = given[0].shape[1]

    convolutions = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, LongConvolution)
    }
    hooks = [module.register_forward_pre_hook(note_length) for module in convolutions.values()]
    with torch.no_grad():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    for name, module in convolutions.items():
        network.set_submodule(name, MatrixConvolution(module, lengths[module]))
    return network


def _unit_roots(powers: Tensor, order: int) -> Tensor:
    """exp(-2 pi i k / order) for integers k, complex128."""
    angles = -2 * math.pi * (powers % order).double() / order
    return torch.polar(torch.ones_like(angles), angles)


def _parts(z: Tensor) -> Tensor:
    return torch.stack([z.real, z.imag])


def _times(real: Tensor, imaginary: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    a, b = factors[0], factors[1]
    return real * a - imaginary * b, real * b + imaginary * a


def _matmul(real: Tensor, imaginary: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    a, b = matrix[0], matrix[1]
    return real @ a - imaginary @ b, real @ b + imaginary @ a

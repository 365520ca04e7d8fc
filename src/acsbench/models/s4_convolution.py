"""Convolution of signals with kernels of the same length, forward and backward in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.fft import irfft, rfft


def circle(length: int) -> int:
    """Smallest even 5-smooth size of a circle on which no two lags of the signal coincide.

    Args:
        length: samples of the signal; its lags are -(length - 1) ... length - 1.
    """
    samples = max(2, 2 * length - 1)
    while samples % 2 or not _is_smooth(samples):
        samples += 1
    return samples


def circular_kernel(forward: Tensor, backward: Tensor, skip: Tensor, samples: int) -> Tensor:
    """Combine both directions of time and the skip into one kernel on a circle.

    Args:
        forward: kernel at lags 0, 1, ..., shape (channels, length).
        backward: kernel at lags -1, -2, ..., shape (channels, length); the last is unused.
        skip: added at lag 0, shape (channels,).
        samples: samples on the circle, at least 2 length - 1.

    Returns:
        Shape (channels, samples).
    """
    channels, length = forward.shape
    middle = forward.new_zeros(channels, samples - (2 * length - 1))
    now = (forward[:, 0] + skip)[:, None]
    return torch.cat([now, forward[:, 1:], middle, backward[:, : length - 1].flip(-1)], dim=1)


def convolve_spectrum(u: Tensor, spectrum: Tensor) -> Tensor:
    """Convolve with kernels given by their spectrum, for inference.

    Args:
        u: signals, shape (batch, length, channels).
        spectrum: spectrum of the kernels on a circle with an even number of samples, shape
            (channels, samples / 2 + 1).

    Returns:
        Same shape as `u`.
    """
    length, samples = u.shape[1], 2 * (spectrum.shape[-1] - 1)
    y = torch.empty_like(u)
    for signal, result in _parts(u, y):
        product = _spectrum(signal, samples).mul_(spectrum)
        result.copy_(_signal(product, samples, length))
    return y


def convolve(u: Tensor, kernel: Tensor) -> Tensor:
    """Convolve with kernels on a circle; differentiable in both arguments.

    Args:
        u: signals, shape (batch, length, channels).
        kernel: shape (channels, samples), with an even number of samples.

    Returns:
        Same shape as `u`.
    """
    convolved: Tensor = _Convolution.apply(u, kernel)  # type: ignore[no-untyped-call]
    return convolved


class _Convolution(torch.autograd.Function):
    """Saves the signals, not their spectra, which need twice the memory and are fast to compute."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, kernel: Tensor) -> Tensor:
        spectrum = rfft(kernel)
        ctx.save_for_backward(u, spectrum)
        return convolve_spectrum(u, spectrum)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        u, spectrum = ctx.saved_tensors
        length, samples = u.shape[1], 2 * (spectrum.shape[-1] - 1)
        reversed_spectrum = spectrum.conj().resolve_conj()
        correlation = torch.zeros_like(spectrum)
        du = torch.empty_like(u)
        for signal, of_output, of_signal in _parts(u, gradient, du):
            G = _spectrum(of_output, samples)
            U = _spectrum(signal, samples).conj_physical_()
            correlation = _add_products(correlation, U, G)
            of_signal.copy_(_signal(G.mul_(reversed_spectrum), samples, length))
        return du, irfft(correlation, n=samples)


def _parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    # The spectrum of one ECG fits into a CPU's cache, that of a batch does not.
    if tensors[0].device.type == "cpu":
        yield from zip(*(tensor.unbind() for tensor in tensors), strict=True)
    else:
        yield tensors


def _spectrum(signal: Tensor, samples: int) -> Tensor:
    """From (..., length, channels) to (..., channels, samples / 2 + 1)."""
    return rfft(signal.mT.contiguous(), n=samples)


def _signal(spectrum: Tensor, samples: int, length: int) -> Tensor:
    """From (..., channels, samples / 2 + 1) to (..., length, channels)."""
    return irfft(spectrum, n=samples)[..., :length].contiguous().mT


def _add_products(total: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`total` plus the product of a and b, summed over the batch if there is one."""
    return total.addcmul_(a, b) if a.ndim == total.ndim else total + (a * b).sum(0)


def _is_smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1

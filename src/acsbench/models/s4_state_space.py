"""Convolution kernels of HiPPO-LegS state spaces, in the time domain.

A channel has the state x' = A x + B u and the output y = C x. With the bilinear rule its kernel is
k[l] = C Ā^l B̄. Only C is trained, and k is linear in C. With l = r + T q the kernel is the product
of C Ā^(T q) and Ā^r B̄, and doubling gives the rows C Ā^(T q) from Ā^T, Ā^(2T), Ā^(4T), ... A few
small matrices per channel, computed once in float64, therefore give a kernel of any length by real
matrix products. No power of Ā is large, because HiPPO-LegS dissipates energy in this basis.

References:
    Gu, Goel & Ré, Efficiently Modeling Long Sequences with Structured State Spaces, ICLR 2022.
    Gu et al., HiPPO: Recurrent Memory with Optimal Polynomial Projections, NeurIPS 2020.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

_RUN = 128  # T above; near the square root of an ECG's length, which saves most memory


class StateSpace(NamedTuple):
    """Discretised state spaces with real states, one per channel, in float64.

    Args:
        step: Ā, shape (channels, state, state).
        drive: B̄, shape (channels, state, 1).
    """

    step: Tensor
    drive: Tensor


class Powers(NamedTuple):
    """Powers of Ā that give a kernel from C.

    Args:
        runs: Ā^r B̄ for r < T, shape (channels, state, T).
        leaps: Ā^T, Ā^(2T), Ā^(4T), ..., each of shape (channels, state, state).
    """

    runs: Tensor
    leaps: list[Tensor]


def hippo_legs(state: int) -> tuple[Tensor, Tensor, Tensor]:
    """HiPPO-LegS as a diagonal less a matrix of rank one.

    Args:
        state: size of the state, an even number.

    Returns:
        Eigenvalues w, P and B, complex128, each of shape (state / 2,): one of each conjugate
        pair. Over all pairs, A = diag(w) - P P*.
    """
    order = torch.arange(state, dtype=torch.float64, device="cpu")
    scale = torch.sqrt(2 * order + 1)
    legs = -torch.tril(torch.outer(scale, scale), -1) - torch.diag(order + 1)
    low_rank = scale / math.sqrt(2)
    normal = legs + torch.outer(low_rank, low_rank)
    # Apart from -1/2 on the diagonal, `normal` is skew-symmetric: i times it is Hermitian.
    skew = (normal - normal.T) / 2
    frequencies, basis = torch.linalg.eigh(-1j * skew)
    positive = frequencies > 0
    frequencies, basis = frequencies[positive], basis[:, positive]
    project = basis.mH
    return (
        torch.complex(torch.full_like(frequencies, -0.5), frequencies),
        project @ low_rank.to(basis.dtype),
        project @ scale.to(basis.dtype),
    )


def discretise(w: Tensor, P: Tensor, Q: Tensor, B: Tensor, log_dt: Tensor) -> StateSpace:
    """Bilinear discretisation of A = diag(w) - P Q^T and B over conjugate pairs.

    Args:
        w, P, Q, B: complex, shape (channels, state / 2).
        log_dt: logarithm of each channel's step, shape (channels,).

    Returns:
        The state space of real states: real parts, then imaginary parts.
    """
    w, P, Q, B = (x.to(torch.complex128) for x in (w, P, Q, B))
    dt = log_dt.to(torch.float64).exp()[:, None, None]
    rotation = torch.cat(
        [
            torch.cat([torch.diag_embed(w.real), -torch.diag_embed(w.imag)], dim=2),
            torch.cat([torch.diag_embed(w.imag), torch.diag_embed(w.real)], dim=2),
        ],
        dim=1,
    )
    A = rotation - torch.cat([P.real, P.imag], dim=1)[:, :, None] * readout(Q)[:, None, :]
    identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    drive = dt * torch.cat([B.real, B.imag], dim=1)[:, :, None]
    solved = torch.linalg.solve(
        identity - dt / 2 * A, torch.cat([identity + dt / 2 * A, drive], dim=2)
    )
    return StateSpace(solved[..., :-1], solved[..., -1:])


def readout(C: Tensor) -> Tensor:
    """The row that computes 2 Re(C x) from a real state.

    Args:
        C: complex, shape (..., state / 2).

    Returns:
        Real, shape (..., state).
    """
    return 2 * torch.cat([C.real, -C.imag], dim=-1)


def powers(space: StateSpace, length: int) -> Powers:
    """Powers for kernels of up to `length` samples, in the precision of `space`."""
    runs, power = space.drive, space.step
    while runs.shape[-1] < min(length, _RUN):
        runs = torch.cat([runs, power @ runs], dim=-1)
        power = power @ power
    leaps: list[Tensor] = []
    while runs.shape[-1] << len(leaps) < length:
        leaps.append(power)
        power = power @ power
    return Powers(runs, leaps)


def rounded(exact: Powers, dtype: torch.dtype) -> Powers:
    """Powers in another precision.

    States decay to nothing in a few thousand samples. Numbers whose products are denormal become
    0, because processors are much slower with denormal numbers.
    """
    least = math.sqrt(torch.finfo(dtype).tiny)
    runs, *leaps = (x.where(x.abs() > least, 0).to(dtype) for x in (exact.runs, *exact.leaps))
    return Powers(runs, leaps)


def kernels(rows: Tensor, constants: Powers, length: int) -> Tensor:
    """Kernels for several rows per channel.

    Args:
        rows: shape (channels, outputs, state).
        constants: powers for at least this length, in the dtype of `rows`.
        length: samples.

    Returns:
        Shape (outputs, channels, length).
    """
    channels, outputs, _ = rows.shape
    run = constants.runs.shape[-1]
    blocks = -(-length // run)
    for leap in constants.leaps:
        ahead = rows[:, : outputs * blocks - rows.shape[1]] @ leap
        rows = torch.cat([rows, ahead], dim=1)
    values = (rows @ constants.runs).view(channels, blocks, outputs, run)
    return values.permute(2, 0, 1, 3).reshape(outputs, channels, blocks * run)[..., :length]

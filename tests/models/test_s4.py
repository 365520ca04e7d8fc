"""S4 against its state space run step by step, and against the definition of HiPPO."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import cont2discrete

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.models.s4 import LongConvolution
from acsbench.models.s4_convolution import circle
from acsbench.models.s4_state_space import hippo_legs

Complex = NDArray[np.complex128]


def convolution(width: int = 3, state: int = 16, seed: int = 0) -> LongConvolution:
    torch.manual_seed(seed)
    return LongConvolution(width, state).double().eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def all_pairs(pairs: torch.Tensor) -> Complex:
    """Numbers with their conjugates behind them."""
    values = torch.view_as_complex(pairs.detach()).numpy()
    return np.concatenate([values, values.conj()], axis=-1)


def recurrence(layer: LongConvolution, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the layer is defined to do to u (length, width): one state after another.

    A is a full complex matrix, SciPy discretises it, and no kernel is ever formed.
    """
    length, width = u.shape
    w, P, Q, B, C = (all_pairs(x) for x in (layer.w, layer.P, layer.Q, layer.B, layer.C))
    y = layer.D.detach().numpy() * u
    for channel in range(width):
        A = np.diag(w[channel]) - np.outer(P[channel], Q[channel])
        dt = float(layer.log_dt[channel].exp())
        everything = np.eye(len(A))
        system = (A, B[channel][:, None], everything, 0 * everything[:, :1])
        step, drive, *_ = cont2discrete(system, dt, "bilinear")
        for direction, times in ((0, range(length)), (1, reversed(range(length)))):
            state = np.zeros(len(A), dtype=complex)
            for t in times:
                before, state = state, step @ state + drive[:, 0] * u[t, channel]
                # Backward in time, a sample does not see itself once more.
                seen = state if direction == 0 else before
                y[t, channel] += (C[direction, channel] @ seen).real
    return y


@pytest.mark.parametrize("length", [1, 2, 37, 127, 128, 129, 1000, 5000, 8193])
def test_equals_the_recurrence_of_the_discretised_state_space(length: int) -> None:
    layer = convolution(width=2, state=64)
    u = noise(1, length, 2)
    with torch.no_grad():
        found = layer(u)[0].numpy()
    np.testing.assert_allclose(found, recurrence(layer, u[0].numpy()), rtol=0, atol=1e-8)


def test_training_and_inference_convolve_alike() -> None:
    layer, u = convolution(), noise(2, 300, 3)
    with torch.no_grad():
        inference = layer(u)
    torch.testing.assert_close(layer(u), inference)


def test_single_precision_is_enough() -> None:
    layer, u = convolution(width=8, state=64), noise(1, 5000, 8)
    single = copy.deepcopy(layer).float()
    with torch.no_grad():
        exact, found = layer(u), single(u.float())
    torch.testing.assert_close(found.double(), exact, rtol=0, atol=2e-5 * float(exact.std()))


def test_gradients_are_those_of_finite_differences() -> None:
    layer, u = convolution(width=2, state=4), noise(2, 9, 2).requires_grad_()

    def run(u: torch.Tensor, C: torch.Tensor, D: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"C": C, "D": D}, (u,))

    assert torch.autograd.gradcheck(run, (u, layer.C, layer.D))


def test_hippo_is_the_published_matrix_in_another_basis() -> None:
    size = 64
    w, P, B = (x.numpy() for x in hippo_legs(size))
    w, P, B = (np.concatenate([x, x.conj()]) for x in (w, P, B))
    row, column = np.indices((size, size))
    legs = -np.sqrt((2 * row + 1) * (2 * column + 1)) * (row > column) - np.diag(
        np.arange(size) + 1
    )
    weight = np.sqrt(2 * np.arange(size) + 1)
    # Equal transfer functions B^T (s - A)^-1 B mean equal systems, whatever the basis.
    for s in (0.3, 2.0 + 5.0j, 100.0j):
        expected = weight @ np.linalg.solve(s * np.eye(size) - legs, weight)
        found = B.conj() @ np.linalg.solve(s * np.eye(size) - np.diag(w) + np.outer(P, P.conj()), B)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_only_readout_and_skip_are_trained_and_nothing_derived_is_saved() -> None:
    layer = convolution()
    layer(noise(1, 50, 3))
    assert {name for name, _ in layer.named_parameters()} == {"C", "D"}
    assert set(layer.state_dict()) == {"C", "D", "w", "P", "Q", "B", "log_dt"}


@pytest.mark.parametrize("change", ["step", "load", "assign"])
def test_kernels_kept_for_inference_follow_every_change(change: str) -> None:
    layer, other, u = convolution(), convolution(seed=1), noise(1, 40, 3)
    with torch.no_grad():
        before = layer(u)
        assert torch.equal(layer(u), before)
        if change == "step":
            layer.C.mul_(2)
            layer.D.mul_(2)
            expected = 2 * before
        else:
            layer.load_state_dict(other.state_dict(), assign=change == "assign")
            expected = other(u)
        torch.testing.assert_close(layer(u), expected)
        assert not torch.equal(expected, before)


def test_constants_are_exact_again_after_single_precision() -> None:
    layer, u = convolution(), noise(1, 40, 3)
    with torch.no_grad():
        exact = layer(u)
        layer.float()(u.float())
        torch.testing.assert_close(layer.double()(u), exact, rtol=0, atol=1e-12)


def test_training_goes_on_after_a_validation_in_inference_mode() -> None:
    layer, u = convolution(), noise(1, 40, 3)
    with torch.inference_mode():
        layer(u)
    copied = copy.deepcopy(layer)
    copied.train()(u).sum().backward()
    assert torch.isfinite(copied.C.grad).all()


def test_mixed_precision_keeps_kernels_in_single_precision() -> None:
    torch.manual_seed(0)
    network = create_model("s4", width=16, depth=2, state=16)
    x = noise(4, 3, 500).float()
    with torch.autocast("cpu", torch.bfloat16):
        network(x).float().sum().backward()
        kernel = network.blocks[0].convolution.kernel(500)
        mixed = network.eval()(x).float()
    assert kernel.dtype == torch.float32
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())
    torch.testing.assert_close(mixed, network(x), rtol=0, atol=0.02)


@pytest.mark.parametrize("patch", [1, 4, 7])
def test_any_number_of_samples(patch: int) -> None:
    network = create_model("s4", width=4, depth=1, state=4, patch=patch).eval()
    for samples in (1, 27, 28, 100):
        assert network(torch.zeros(2, 3, samples)).shape == (2, 1)


def test_patches_hold_consecutive_samples_of_every_lead() -> None:
    network = create_model("s4", leads=2, width=4, depth=1, state=4, patch=3)
    x = torch.arange(12.0).view(1, 2, 6)
    patches = network._patches(x)
    assert patches.tolist() == [[[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]]]


def test_dropout_drops_whole_channels_at_the_given_rate() -> None:
    torch.manual_seed(0)
    network = create_model("s4", width=64, depth=1, state=4, dropout=0.25).train()
    kept = network.blocks[0]._kept(torch.zeros(200, 1, 64))
    assert kept.shape == (200, 1, 64)
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (kept == 0).float().mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("length", [1, 2, 3, 500, 4999, 5000, 5001])
def test_a_circle_is_long_enough_even_and_quick_to_transform(length: int) -> None:
    samples = circle(length)
    assert samples >= 2 * length - 1
    assert samples % 2 == 0
    for factor in (2, 3, 5):
        while samples % factor == 0:
            samples //= factor
    assert samples == 1


@pytest.mark.parametrize("state", [0, 7])
def test_a_state_that_is_no_pairs_is_refused(state: int) -> None:
    with pytest.raises(ConfigurationError, match="even number"):
        create_model("s4", state=state)

"""S4-ECG: a training step over its matrix products alone, inference over a naive Cauchy sum.

    OMP_NUM_THREADS=2 python benchmarks/s4.py
    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/s4.py --threads 1

The network is the study's: 512 wide, 4 blocks, batches of 8 ECGs of 5000 samples. Its matrix
products are those that mix the channels, forward and backward, into memory that is there
already. The naive side generates the kernels as the study defines them, at the roots of unity
by a Cauchy sum over all states, at every call, and then runs our network. Both sides take turns;
seconds are CPU seconds over threads, so that other programs at work do not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from _ludb import machine
from acsbench.models import create_model
from acsbench.models.s4 import S4, LongConvolution
from acsbench.models.s4_convolution import circle, circular_kernel

BATCH, LENGTH, KERNEL = 8, 5000, 8192
SMALL = {"width": 64, "patch": 4}
"""Options with which some thousand ECGs are learnt in minutes."""
STUDY = (
    "the study's code with KeOps on a CPU, SPEED.md: 65 s a training step, 23.7 s a batch of "
    "inference, 5.5 and 1.7 GB"
)


def training_step(network: S4, batch: int = BATCH) -> Callable[[], None]:
    optimizer = torch.optim.Adam(network.train().parameters(), lr=1e-4)
    waveforms, labels = torch.randn(batch, 3, LENGTH), torch.rand(batch, 1).round()

    def step() -> None:
        optimizer.zero_grad()
        logits = network(waveforms)
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()

    return step


def matrix_products(width: int, depth: int) -> Callable[[], None]:
    x, weight = torch.randn(BATCH * LENGTH, width), torch.randn(2 * width, width)
    y, dx, dweight = torch.randn(BATCH * LENGTH, 2 * width), x.clone(), weight.clone()

    def multiply() -> None:
        for _ in range(depth):
            torch.mm(x, weight.T, out=y)
            torch.mm(y, weight, out=dx)
            torch.mm(y.T, x, out=dweight)

    return multiply


def inference(network: S4) -> Callable[[], None]:
    waveforms = torch.randn(BATCH, 3, LENGTH)
    network.eval()

    def infer() -> None:
        with torch.inference_mode():
            network(waveforms)

    return infer


def with_naive_kernels(network: S4, readouts: list[Tensor]) -> Callable[[], None]:
    infer = inference(network)

    def both() -> None:
        with torch.inference_mode():
            for block, truncated in zip(network.blocks, readouts, strict=True):
                naive_kernel(block.convolution, truncated)
        infer()

    return both


def truncated_readout(layer: LongConvolution) -> Tensor:
    """C (I - Ā^L) over one of each conjugate pair, as the study stores it; complex."""
    w, P, Q, B = (torch.view_as_complex(x.double()) for x in (layer.w, layer.P, layer.Q, layer.B))
    both = [torch.cat([x, x.conj()], dim=-1) for x in (w, P, Q)]
    A = torch.diag_embed(both[0]) - both[1][:, :, None] * both[2][:, None, :]
    half = layer.log_dt.double().exp()[:, None, None] / 2 * A
    identity = torch.eye(A.shape[-1], dtype=A.dtype)
    power = torch.linalg.matrix_power(torch.linalg.solve(identity - half, identity + half), KERNEL)
    C = torch.view_as_complex(layer.C.detach().double())
    rows = torch.cat([C, C.conj()], dim=-1)
    rows = rows - torch.einsum("dhn,hnm->dhm", rows, power)
    return rows[..., : B.shape[-1]].to(torch.complex64)


def naive_kernel(layer: LongConvolution, truncated: Tensor) -> Tensor:
    """Kernels by Cauchy sums at the roots of unity and the Woodbury correction."""
    w, P, Q, B = (torch.view_as_complex(x) for x in (layer.w, layer.P, layer.Q, layer.B))
    dt = layer.log_dt.exp()
    # The last root is -1, where the bilinear rule's node lies at infinity.
    omega = torch.exp(-2j * torch.pi * torch.arange(KERNEL // 2 + 1) / KERNEL)
    omega[-1] = -1 + 1e-6j
    nodes = 2 * (1 - omega) / (1 + omega)
    spectra = []
    for channel in range(len(w)):  # all at once would take hundreds of GB
        left = torch.cat([truncated[:, channel], Q[channel : channel + 1]])
        right = torch.stack([B[channel], P[channel]])
        v = left[:, None] * right[None]
        v = torch.cat([v, v.conj()], dim=-1)
        poles = torch.cat([w[channel], w[channel].conj()]) * dt[channel]
        r = (v[..., None, :] / (nodes[:, None] - poles)).sum(-1) * dt[channel]
        corrected = r[:2, 0] - r[:2, 1] * r[2:, 0] / (1 + r[2:, 1])
        spectra.append(corrected * 2 / (1 + omega))
    forward, backward = torch.fft.irfft(torch.stack(spectra, 1), n=KERNEL)[..., :LENGTH]
    return circular_kernel(forward, backward, layer.D, circle(LENGTH))


def seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / torch.get_num_threads()


def turns(
    first: Callable[[], None], second: Callable[[], None], repeats: int
) -> list[tuple[float, float]]:
    first(), second()  # the first calls pay for memory and constants
    return [(seconds(first), seconds(second)) for _ in range(repeats)]


def report(name: str, rows: list[tuple[float, float]], aim: str) -> None:
    ratios = [slow / fast for slow, fast in rows]
    slow, fast = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"{name}: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), "
        f"{slow:.2f} s over {fast:.2f} s; aim {aim}",
        flush=True,
    )


def epoch_of_small(ecgs: int, batch: int = 32) -> None:
    step = training_step(create_model("s4", **SMALL), batch)
    step()
    duration = statistics.median(seconds(step) for _ in range(5)) * ecgs / batch
    print(f"an epoch of {ecgs} ECGs with {SMALL}: {duration:.0f} s; aim <= 60", flush=True)


def memory() -> float:
    """Most in use so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = create_model("s4", width=options.width)
    print(f"{machine()}\n{options.threads} threads, torch {torch.__version__}; {STUDY}")
    step = training_step(network)
    step(), step()
    print(f"peak memory of training: {memory():.2f} GB; aim < 6.5")
    products = matrix_products(options.width, len(network.blocks))
    report("training step / its matrix products", turns(step, products, options.repeats), "<= 4")

    epoch_of_small(1600)

    readouts = [truncated_readout(block.convolution) for block in network.blocks]
    layer = network.blocks[0].convolution
    with torch.inference_mode():
        ours, naive = layer.kernel(LENGTH), naive_kernel(layer, readouts[0])
        print(f"largest difference of the kernels: {(ours - naive).abs().max():.1e}")
    rows = turns(with_naive_kernels(network, readouts), inference(network), options.naive_repeats)
    report("inference, naive Cauchy sum / ours", rows, ">= 4")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--naive-repeats", type=int, default=3)
    main(parser.parse_args())

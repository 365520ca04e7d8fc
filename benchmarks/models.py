"""Size and speed of the networks, each in a process of its own, beside the study's figures.

    python benchmarks/models.py                                   # all, on the CPU
    python benchmarks/models.py --model resnet18_1d --model s4 --threads 1
    python benchmarks/models.py --device cuda --precision bf16

One step is forward, backward and Adam. On a CPU seconds are CPU seconds over threads, so that
other programs at work do not count; on a GPU they are those of the clock. Fresh weights, random
input. HuBERT-ECG is shown the 6000 samples of one crop. MACs are those of convolutions, matrix
products and attention for one ECG; the FFTs of S4 come on top. The study's figures are those of
another day and machine (2 cores), at batches of 8 and 32: compare ratios, of which the first
line, the same ResNet-18 in plain eager PyTorch in this very process, is the one to trust.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from _ludb import machine
from _plain_resnet import PlainResNet18
from acsbench.models import create_model, list_models
from acsbench.models.registry import model_info

STUDY = {
    "resnet6": ("552 / 612", "103 / 175", 0.7),
    "ecgomi": ("195 / 261", "64 / 80", 0.8),
    "resnet18_1d": ("47 / 54", "- / 14.1", 1.4),
    "resnet50_1d": ("2.6 / -", "0.75 / -", 2.9),
    "s4": ("0.34 / -", "0.12 / -", 5.5),
    "hubert-small": ("13.4 / -", "-", 0.9),
    "hubert-base": ("5.8 / -", "-", 1.1),
    "hubert-large": ("3.5 (of 2) / -", "-", 1.4),
}
"""SPEED.md: samples/s of inference and of training at batches of 8 / 32, peak memory in GB."""
LARGE = {"resnet50_1d", "s4", "hubert-small", "hubert-base", "hubert-large"}
"""Trained at batches of 8, where 32 would take more than 6 GB."""


def shape(model: str) -> tuple[int, ...]:
    return (6000,) if model.startswith("hubert") else (3, 5000)


def training_step(network: nn.Module, x: torch.Tensor, bf16: bool) -> Callable[[], Any]:
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    labels = (torch.arange(len(x), device=x.device) % 2).float()[:, None]

    def step() -> None:
        optimizer.zero_grad()
        with precision(x.device, bf16):
            logits = network(x)
        nn.functional.binary_cross_entropy_with_logits(logits.float(), labels).backward()
        optimizer.step()

    return step


def inference(network: nn.Module, x: torch.Tensor, bf16: bool) -> Callable[[], Any]:
    network.eval()

    def infer() -> None:
        with torch.inference_mode(), precision(x.device, bf16):
            network(x)

    return infer


def precision(device: torch.device, bf16: bool) -> Any:
    return torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext()


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Of one call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - start
    start = time.process_time()
    work()
    return (time.process_time() - start) / torch.get_num_threads()


def repeated(work: Callable[[], Any], device: torch.device, repeats: int) -> list[float]:
    work()  # the first call pays for memory and for choosing algorithms
    return [seconds(work, device) for _ in range(repeats)]


def peak(device: torch.device) -> float:
    """Most memory in use so far, GB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure(model: str, work: str, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    torch.manual_seed(0)
    device, bf16 = torch.device(options.device), options.precision == "bf16"
    network = create_model(model).to(device)
    x = torch.randn(batch, *shape(model), device=device)
    make = training_step if work == "train" else inference
    times = repeated(make(network, x, bf16), device, options.repeats)
    return {"rates": [batch / each for each in times], "peak": peak(device)}


def macs(model: str) -> float:
    network = create_model(model).eval()
    # Attention is counted only where it is made of plain products.
    plain, counter = sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False)
    with plain, counter, torch.no_grad():
        network(torch.randn(1, *shape(model)))
    return counter.get_total_flops() / 2


def against_plain(options: argparse.Namespace) -> dict[str, Any]:
    """Steps of `resnet18_1d` and of the same network written plainly, in turns."""
    torch.manual_seed(0)
    device, bf16 = torch.device(options.device), options.precision == "bf16"
    ours, plain = create_model("resnet18_1d").to(device), PlainResNet18().to(device)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(32, *shape("resnet18_1d"), device=device)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(x), plain.eval()(x), rtol=1e-3, atol=1e-4)
    result = {}
    for name, make in (("train", training_step), ("infer", inference)):
        fast, slow = make(ours, x, bf16), make(plain, x, bf16)
        fast(), slow()
        turns = [(seconds(slow, device), seconds(fast, device)) for _ in range(options.repeats)]
        result[name] = [before / after for before, after in turns]
    return result


def child(*words: object) -> dict[str, Any]:
    """What this script says about one thing, in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--child", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"failed": reason[0]}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def rate(result: dict[str, Any]) -> str:
    if "failed" in result:
        return f"failed: {result['failed'][:40]}"
    typical = statistics.median(result["rates"])
    return f"{typical:,.0f}" if typical >= 100 else f"{typical:.3g}"


COLUMNS = {
    "model": 14,
    "parameters": 12,
    "GMACs": 7,
    "infer, batch 1": 15,
    "infer, 32": 10,
    "GB": 5,
    "train": 8,
    "of batch": 9,
    "GB ": 5,
    "| study: infer, 8 / 32": 24,
    "train, 8 / 32": 14,
    "GB  ": 5,
}
"""Headings and widths; rates are samples/s."""


def row(cells: list[str]) -> str:
    return " ".join(f"{cell:>{wide}s}" for cell, wide in zip(cells, COLUMNS.values(), strict=True))


def table(models: list[str]) -> None:
    print("\n" + row(list(COLUMNS)))
    for model in models:
        one, many = child(model, "infer", 1), child(model, "infer", 32)
        batch = 8 if model in LARGE else 32
        train = child(model, "train", batch)
        multiplications = child(model, "macs", 1).get("macs", float("nan")) / 1e9
        infer_study, train_study, memory_study = STUDY.get(model, ("-", "-", 0.0))
        cells = [
            model,
            f"{model_info(model).parameters:,}",
            f"{multiplications:.2f}",
            rate(one),
            rate(many),
            f"{many.get('peak', 0):.1f}",
            rate(train),
            str(batch),
            f"{train.get('peak', 0):.1f}",
            f"| {infer_study}",
            train_study,
            f"{memory_study:.1f}",
        ]
        print(row(cells), flush=True)


def parsed() -> argparse.Namespace:
    networks = [name for name in list_models() if model_info(name).kind == "network"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=networks)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--precision", default="32", choices=("32", "bf16"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.model = options.model or networks
    return options


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    if options.child:
        model, work, batch = options.child
        if work == "macs":
            result: dict[str, Any] = {"macs": macs(model)}
        elif work == "plain":
            result = against_plain(options)
        else:
            result = measure(model, work, int(batch), options)
        print(json.dumps(result))
        return
    where = (
        torch.cuda.get_device_name() if options.device == "cuda" else f"{options.threads} threads"
    )
    print(f"{machine()}\n{where}, torch {torch.__version__}, precision {options.precision}")
    plain = child("resnet18_1d", "plain", 32)
    for work in ("train", "infer"):
        ratios = spread(plain[work]) if work in plain else plain["failed"]
        print(
            f"resnet18_1d, {work}, batch 32, over the same network in plain eager torch: {ratios}x"
        )
    table(options.model)


if __name__ == "__main__":
    main(parsed())

"""What each step costs per ECG in processor time and disk, and what that makes for many ECGs.

Prints of the simulated twin go through everything that `acsbench reproduce study` does with an
ECG: each preparation profile, the measured signs, one epoch of training and one prediction by each
network at its full size, the report. Figures are processor seconds of one thread, so that other
programs at work do not count; each is the median of several turns, with its spread. The table for
many ECGs multiplies; it knows of no network or disk that is too slow.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/cost.py
    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/cost.py --model resnet18_1d --ecgs 10000000
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from _ludb import machine
from acsbench.datasets.nightingale.waveforms import read_npz
from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.evaluation import evaluate
from acsbench.models import create_model
from acsbench.training.shipped import settings_of
from acsbench.waveforms.process import process
from acsbench.waveforms.shard import Source
from acsbench.waveforms.signs_table import SIGNS
from models import inference, shape, training_step
from report import made_up_cohort, made_up_model

NETWORKS = ("resnet6", "ecgomi", "resnet18_1d", "s4", "resnet50_1d", "hubert-large")
PAGES = 64
BATCH = {"resnet50_1d": 8, "hubert-large": 2}
PROFILES = ("study-rows", "leads", "hubert")
EPOCHS = 30


@dataclass(frozen=True)
class Cost:
    """Of one step: processor milliseconds per ECG, several turns, and bytes on disk per ECG."""

    step: str
    milliseconds: list[float]
    size: float = 0.0

    @property
    def typical(self) -> float:
        """The median turn, in milliseconds."""
        return statistics.median(self.milliseconds)

    def __str__(self) -> str:
        spread = f"{min(self.milliseconds):.3g} to {max(self.milliseconds):.3g}"
        size = f"{self.size / 1000:8.1f} kB" if self.size else " " * 11
        return f"{self.step:34s} {self.typical:9.3g} ms ({spread}){'':2s}{size}"


def timed(work: Callable[[], Any], ecgs: int, repeats: int) -> list[float]:
    """Processor milliseconds per ECG of each turn, after one that warms up."""
    work()
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began) / ecgs)
    return times


def preparing(folder: Path, repeats: int) -> Iterator[Cost]:
    """Reading alone, each profile (reading included), and the signs."""
    simulate_twin(folder / "twin", ecgs=PAGES, seed=1, tested_share=0.5)
    pages = sorted((folder / "twin").rglob("*.npz"))
    size = sum(page.stat().st_size for page in pages) / len(pages)
    read = timed(lambda: [read_npz(page, "") for page in pages], len(pages), repeats)
    yield Cost("the files as they come, read", read, size)
    sources = [Source(page.stem, page, "pages", n, "path") for n, page in enumerate(pages)]
    turn = iter(range(10_000))
    for name in (*PROFILES, SIGNS):
        last = folder

        def prepare(name: str = name) -> None:
            nonlocal last
            last = folder / f"{name}-{next(turn)}"
            process(sources, read_npz, last, [name], input_hash="")

        times = timed(prepare, len(pages), repeats)
        written = sum(file.stat().st_size for file in (last / name).rglob("*"))
        yield Cost(f"prepare {name}", times, written / len(pages))


def networks(names: list[str], repeats: int) -> Iterator[Cost]:
    """An epoch of training and a prediction by each network, at full size and our settings."""
    for name in names:
        torch.manual_seed(0)
        network = create_model(name, **settings_of(name).get("options", {}))
        batch = BATCH.get(name, 32)
        x = torch.randn(batch, *shape(name))
        train = timed(training_step(network, x, False), batch, repeats)
        yield Cost(f"train {name}, an epoch", train)
        yield Cost(f"predict {name}", timed(inference(network, x, False), batch, repeats))


def reporting(folder: Path) -> Cost:
    """The report, per ECG and model: what is added from a few ECGs to many."""
    seconds = []
    sizes = (1000, 11_000)
    for ecgs in sizes:
        cohort = made_up_cohort(folder / f"report-{ecgs}", ecgs)
        models = [made_up_model(cohort, number) for number in range(2)]
        began = time.process_time()
        evaluate(cohort, models, folder / f"out-{ecgs}")
        seconds.append(time.process_time() - began)
    added = 1000 * (seconds[1] - seconds[0]) / (sizes[1] - sizes[0]) / 2
    return Cost("report, per model", [added])


def hours(milliseconds: float, ecgs: int) -> float:
    return milliseconds * ecgs / 3.6e6


def print_many(costs: list[Cost], ecgs: int, cores: int) -> None:
    """Core hours, hours of a machine and disk of so many ECGs."""
    print(f"\n{ecgs:,} ECGs{'':24s} core hours   hours of {cores} cores      disk")
    for cost in costs:
        core = hours(cost.typical, ecgs)
        disk = f"{cost.size * ecgs / 1e12:7.2f} TB" if cost.size else ""
        print(f"{cost.step:34s} {core:12,.0f} {core / cores:16,.1f} {disk:>13s}")
        if cost.step.startswith("train"):
            words = f"{EPOCHS} epochs".rjust(len(cost.step))
            print(f"{words:34s} {EPOCHS * core:12,.0f} {EPOCHS * core / cores:16,.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=NETWORKS)
    parser.add_argument("--ecgs", type=int, default=10_000_000)
    parser.add_argument("--cores", type=int, default=64, help="of the machine to be reckoned with")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}, torch {torch.__version__}, one thread")
    found: list[Cost] = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for cost in preparing(place, options.repeats):
            found.append(cost)
            print(cost, flush=True)
        for cost in networks(options.model or list(NETWORKS), options.repeats):
            found.append(cost)
            print(cost, flush=True)
        found.append(reporting(place))
        print(found[-1])
    print_many(found, options.ecgs, options.cores)
    if options.json:
        options.json.write_text(json.dumps([vars(cost) for cost in found], indent=1))

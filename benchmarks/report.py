"""Time of a whole evaluation report: eight models on some 4,000 ECGs of the simulated twin.

Cohort and covariates come from the twin's tables, the probabilities are made up, and everything
that `acsbench evaluate` does with them is timed: statistics, figures as SVG and PNG, tables, page.
Both clocks are given: a busy machine stretches the wall clock, not the processor's.

    OMP_NUM_THREADS=1 python benchmarks/report.py --repeats 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from _ludb import machine
from acsbench.cohort.build import build_cohort
from acsbench.cohort.split import split_patients
from acsbench.cohort.task import load_task
from acsbench.datasets import open_dataset
from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.evaluation import EvaluationCohort, ModelPredictions, evaluate

SHARE_TESTED, SHARE_OF_TEST = 0.5, 0.15


def made_up_cohort(folder: Path, ecgs: int) -> EvaluationCohort:
    """The ACS task of a twin with about so many test ECGs."""
    size = round(ecgs / SHARE_OF_TEST / SHARE_TESTED)
    simulate_twin(folder, ecgs=size, seed=1, tested_share=SHARE_TESTED, tables_only=True)
    joined = open_dataset("nightingale", folder).tables.joined()
    task = load_task("acs")
    cohort = build_cohort(joined, task, "twin")
    split = cohort.table["patient_id"].map(split_patients([cohort], seed=1))
    return EvaluationCohort(
        table=cohort.table.assign(split=split),
        task_name=task.name,
        task_version=task.version,
        task_hash=task.digest,
        label_note=task.description,
        unit=task.unit,
        dataset="twin",
        simulated=True,
        flow=cohort.flow,
        covariates=joined.set_index("ecg_id"),
    )


def made_up_model(cohort: EvaluationCohort, number: int) -> ModelPredictions:
    """Probabilities that know a little of the label, and resemble each other within a patient."""
    rng = np.random.default_rng(number)
    table = cohort.table
    patient = pd.factorize(table["patient_id"])[0]
    noise = rng.standard_normal(len(table)) + rng.standard_normal(len(table))[patient]
    logits = (0.2 + 0.1 * number) * table["label"].to_numpy() + 0.5 * noise - 0.6
    return ModelPredictions(
        f"model {number}", pd.Series(1 / (1 + np.exp(-logits)), index=pd.Index(table["ecg_id"]))
    )


def run(models: int, ecgs: int, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cohort = made_up_cohort(Path(folder) / "twin", ecgs)
        made = [made_up_model(cohort, number) for number in range(models)]
        clocks: dict[str, list[float]] = {"wall clock": [], "processor": []}
        for _ in range(repeats):
            wall, processor = time.perf_counter(), time.process_time()
            evaluate(cohort, made, Path(folder) / "out")
            clocks["wall clock"].append(time.perf_counter() - wall)
            clocks["processor"].append(time.process_time() - processor)
        size = len(cohort.split("test"))
        parts = sum(1 for path in (Path(folder) / "out").rglob("*") if path.is_file())
    print(f"report of {models} models on {size:,} test ECGs, {parts} files")
    for name, values in clocks.items():
        print(
            f"{name}: median {statistics.median(values):.1f} s, {min(values):.1f} to "
            f"{max(values):.1f} in {repeats} runs"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--ecgs", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(machine())
    run(options.models, options.ecgs, options.repeats)

"""How long it takes to score a submission for 20,000 ECGs, with all that is kept of it.

Two tasks, a public and a private part, every metric with its interval over patients, subgroups,
curves, and the comparison with the signs. Timed by the processor's clock; medians, with the range
of all rounds. Baselines, in the same run: the metrics alone (`score_submission`), and AUROC, AUPRC
and Brier score by scikit-learn, without intervals, on the same parts.

    OMP_NUM_THREADS=1 python benchmarks/leaderboard_score.py
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from _ludb import machine
from acsbench.leaderboard import score_submission
from acsbench.leaderboard.check import read_checked
from acsbench.leaderboard.holdout import Holdout, holdout_of, public_part
from acsbench.leaderboard.scorecard import PARTS, SIGNS, rows_of, score_predictions

ECGS_PER_PATIENT = 2.2


def simulated_labels(ecgs: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Labels of a holdout, and probabilities that know something of them."""
    rng = np.random.default_rng(0)
    patients = rng.integers(0, int(ecgs / ECGS_PER_PATIENT), ecgs)
    illness = 0.6 * rng.standard_normal(patients.max() + 1)[patients]
    risk = 1 / (1 + np.exp(-(illness + rng.standard_normal(ecgs) - 1)))
    event = (rng.random(ecgs) < risk).astype(float)
    tested = rng.random(ecgs) < 0.5
    table = pd.DataFrame(
        {
            "ecg_id": [f"ecg{number:010x}" for number in range(ecgs)],
            "patient_id": [f"pat{number:08x}" for number in patients],
            "acs": np.where(tested, event, np.nan),
            "mace": np.where(tested, np.nan, event),
            "sex": np.where(patients % 2, "female", "male"),
            "race": np.array(["Black", "Hispanic", "White", "other"])[patients % 4],
            "age": 30 + patients % 60,
            **{name: (risk + rng.standard_normal(ecgs) > 1).astype(int) for name in SIGNS},
        }
    )
    return table, risk


def by_scikit_learn(holdout: Holdout, risk: np.ndarray, public: np.ndarray) -> None:
    for task in holdout.tasks:
        for part in PARTS:
            rows = rows_of(holdout, task, part, public)
            labels = holdout.labels[task][rows]
            for metric in (roc_auc_score, average_precision_score, brier_score_loss):
                metric(labels, risk[rows])


def main() -> None:
    """Print a line for each way to score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ecgs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    table, risk = simulated_labels(options.ecgs)
    holdout = holdout_of(table)
    public = public_part(holdout)
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.csv"
        pd.DataFrame({"ecg_id": table["ecg_id"], "acs": risk, "mace": risk}).to_csv(
            path, index=False
        )
        ways = {
            "file to scorecard": lambda: score_predictions(
                holdout, read_checked(path, holdout.ecg_ids), public
            ),
            "file to metrics": lambda: score_submission(path, holdout),
            "scikit-learn, no intervals": lambda: by_scikit_learn(holdout, risk, public),
        }
        for _ in range(options.rounds):
            for name, way in ways.items():
                start = time.process_time()
                way()
                seconds.setdefault(name, []).append(time.process_time() - start)
    print(machine())
    print(f"{options.ecgs:,} ECGs of {len(holdout.patient_ids):,} patients, two tasks, two parts")
    baseline = statistics.median(seconds["scikit-learn, no intervals"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(
            f"  {name:28s} {middle:7.3f} s ({min(values):.3f} to {max(values):.3f})   "
            f"ratio {middle / baseline:7.2f}"
        )


if __name__ == "__main__":
    main()

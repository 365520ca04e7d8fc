"""How often the test of the calibration curve rejects: true probabilities, and bent ones.

Patients have one to three ECGs whose risks and outcomes resemble one another. Of true
probabilities the share should be 5 %; a bend lifts both ends of the curve and leaves intercept
and slope about where they were.

    OMP_NUM_THREADS=1 python benchmarks/calibration_test.py --samples 2000
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from acsbench.statistics import calibration_test

SIZES = ((60, -0.5), (100, -1.5), (200, -0.5), (200, -2.5), (600, -2.5), (2000, -3.0))
"""Patients, and the mean log odds of the event."""
BENDS = (0.0, 0.3)
ALIKE = 0.8  # of the standard deviation of an outcome's chance, what a patient's ECGs share


def draw(
    rng: np.random.Generator, patients: int, mean: float, bend: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.intp]]:
    """Labels, probabilities and patients of one sample."""
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    size = len(groups)
    place = 0.7 * rng.standard_normal(patients)[groups] + 0.714 * rng.standard_normal(size)
    chance = ALIKE * rng.standard_normal(patients)[groups]
    chance += np.sqrt(1 - ALIKE**2) * rng.standard_normal(size)
    true = expit(mean + place + bend * (place**2 - 1))
    return (chance < ndtri(true)).astype(np.int64), expit(mean + place), groups


def main() -> None:
    """Print a line for each size and bend."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print("patients  event rate  bend  rejected at 5 %  not fitted")
    for patients, mean in SIZES:
        for bend in BENDS:
            p, rates = [], []
            for _ in range(options.samples):
                labels, risks, groups = draw(rng, patients, mean, bend)
                rates.append(labels.mean())
                try:
                    p.append(calibration_test(labels, risks, groups).p)
                except ValueError:  # a class is missing, or some risk tells the two apart
                    p.append(np.nan)
            values = np.array(p)
            print(
                f"{patients:8d}  {np.mean(rates):10.3f}  {bend:4.1f}  "
                f"{(values < 0.05).mean():15.3f}  {np.isnan(values).mean():10.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How often a model that does equally well for everybody is said to have a gap between groups.

Simulated studies without any gap: patients have 1 + a negative binomial number of ECGs and one
label each, and are put into groups at random, as a report does by sex, age, race and so on. Printed
is the share of studies in which at least one gap (AUROC, calibration, sensitivity) remains after
Holm's correction at 5 %, with Student's t and, as a baseline, with the normal distribution.

    OMP_NUM_THREADS=1 python benchmarks/subgroup_gaps.py --repeats 400
"""

import argparse
import platform

import numpy as np
from scipy.special import ndtr

from acsbench.statistics import Comparison, auroc_gap, calibration_gap, holm, sensitivity_gap

PREVALENCE, WITHIN_PATIENT, THRESHOLD, ALPHA = 0.39, 0.6, 0.62, 0.05
SHARES = (
    (0.45, 0.55),
    (0.2, 0.35, 0.2, 0.25),
    (0.15, 0.12, 0.62, 0.11),
    (1 / 3, 1 / 3, 1 / 3),
    (0.09, 0.91),
    (0.08, 0.92),
    (0.25, 0.25, 0.25, 0.25),
)
"""Groups by seven properties; of two groups one gap is the other's."""


def gaps_of_study(rng: np.random.Generator, patients: int, fewest: int) -> list[Comparison]:
    """All gaps with at least `fewest` patients with, and without, the event on either side."""
    of_row = np.repeat(np.arange(patients), 1 + rng.negative_binomial(2, 2 / 3.1, patients))
    event = rng.random(patients) < PREVALENCE
    labels = event[of_row].astype(int)
    shared = np.sqrt(WITHIN_PATIENT) * rng.standard_normal(patients)[of_row]
    own = np.sqrt(1 - WITHIN_PATIENT) * rng.standard_normal(len(of_row))
    logits = labels + shared + own - 0.5 + np.log(PREVALENCE / (1 - PREVALENCE))
    risks = 1 / (1 + np.exp(-logits))
    gaps = []
    for shares in SHARES:
        group = rng.choice(len(shares), patients, p=shares)
        for number in range(1 if len(shares) == 2 else len(shares)):
            inside = group == number
            cells = [side & has for side in (inside, ~inside) for has in (event, ~event)]
            if min(cell.sum() for cell in cells) < fewest:
                continue
            member = inside[of_row]
            gaps += [
                auroc_gap(labels, risks, member, of_row),
                calibration_gap(labels, risks, member, of_row),
                sensitivity_gap(labels, risks, THRESHOLD, member, of_row),
            ]
    return gaps


def main() -> None:
    """Print the shares, a line for each size of study and each least number of patients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400)
    repeats = parser.parse_args().repeats
    print(f"{repeats} studies each, {platform.processor() or platform.machine()}")
    for patients in (180, 580):
        for fewest in (11, 30):
            rng = np.random.default_rng(patients + fewest)
            false = np.zeros(2)
            for _ in range(repeats):
                gaps = gaps_of_study(rng, patients, fewest)
                for kind, p in enumerate(
                    ([g.p for g in gaps], [2 * ndtr(-abs(g.z)) for g in gaps])
                ):
                    false[kind] += bool((holm(np.array(p)) < ALPHA).any())
            student, normal = 100 * false / repeats
            error = 100 * np.sqrt(student / 100 * (1 - student / 100) / repeats)
            print(
                f"{patients} patients, at least {fewest} a side: some false gap in {student:.1f} "
                f"± {error:.1f} % (Student's t), {normal:.1f} % (normal)"
            )


if __name__ == "__main__":
    main()

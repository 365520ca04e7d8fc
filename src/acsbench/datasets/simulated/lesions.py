"""Many acute lesions at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from acsbench.datasets.simulated.culprit import CULPRITS, INJURIES, Culprit, Injury, Lesion
from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.person import triple
from acsbench.datasets.simulated.roster import Numbers

CULPRIT_SHARES = {Culprit.LAD: 0.43, Culprit.RCA: 0.37, Culprit.LCX: 0.20}
INJURY_SHARES = {Injury.OCCLUSION: 0.78, Injury.SUBENDOCARDIAL: 0.12, Injury.T_INVERSION: 0.10}
T_INVERSION_FACTOR = 2.2
"""On the severity of lesions that show in T alone."""
TURN = 0.18
"""Standard deviation of a lesion's turn against the textbook, radians per axis."""


@dataclass(frozen=True, eq=False)
class Lesions:
    """Fields of `Lesion`, each with one row per lesion; severity 0 means no lesion.

    Args:
        culprit: number in `CULPRITS`, shape (n,).
        injury: number in `INJURIES`, shape (n,).
        severity: 0 to 1, shape (n,).
        hours: age of the lesion, shape (n,).
        turn: shape (n, 3).
    """

    culprit: Numbers
    injury: Numbers
    severity: Array
    hours: Array
    turn: Array

    def of(self, rows: Numbers) -> Lesions:
        """Some of them, or some several times."""
        return replace(
            self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    def lesion(self, row: int) -> Lesion | None:
        """One of them."""
        if not self.severity[row]:
            return None
        return Lesion(
            culprit=CULPRITS[self.culprit[row]],
            severity=float(self.severity[row]),
            injury=INJURIES[self.injury[row]],
            hours=float(self.hours[row]),
            turn=triple(self.turn[row]),
        )


def draw_lesions(severity: Array, rng: np.random.Generator) -> Lesions:
    """Draw artery, appearance and age of lesions on arrival.

    Args:
        severity: 0 to 1, shape (n,).
        rng: random generator.
    """
    count = len(severity)
    culprit = rng.choice(len(CULPRITS), count, p=[CULPRIT_SHARES[culprit] for culprit in CULPRITS])
    injury = rng.choice(len(INJURIES), count, p=[INJURY_SHARES[injury] for injury in INJURIES])
    # T varies more between hearts than ST does: a visible change must be larger.
    inverting = injury == INJURIES.index(Injury.T_INVERSION)
    severity = np.where(inverting, np.minimum(1.0, T_INVERSION_FACTOR * severity), severity)
    hours = 2.5 * np.exp(rng.normal(0, 0.8, count))
    return Lesions(culprit, injury, severity, hours, rng.normal(0, TURN, (count, 3)))

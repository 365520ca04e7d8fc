"""Many hearts at once: what `draw_person` draws for one, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from acsbench.datasets.simulated.culprit import CULPRITS
from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.person import Conduction, Person, triple
from acsbench.datasets.simulated.roster import Flags, Numbers

CONDUCTIONS = tuple(Conduction)
NO_SCAR = -1

CONDUCTION_AT_60 = {Conduction.PACED: 0.015, Conduction.LBBB: 0.02, Conduction.RBBB: 0.045}
"""Shares at the age of 60; they grow with age."""
ST_DEVIATION = 0.006
"""Of the ST vector that means nothing, per axis, mV."""


@dataclass(frozen=True, eq=False)
class Hearts:
    """Fields of `Person`, each with one row per heart.

    Args:
        female: sex, shape (n,).
        age: years, shape (n,).
        gain, septal, terminal, qrs_width, pr, qtc, p_gain, t_gain, hypertrophy, scar_size,
            electrode_shift: shape (n,).
        turn, t_turn, st: shape (n, 3).
        conduction: number in `CONDUCTIONS`, shape (n,).
        scar: number in `CULPRITS` or `NO_SCAR`, shape (n,).
        chest_gains: shape (n, 6).
    """

    age: Array
    female: Flags
    gain: Array
    turn: Array
    septal: Array
    terminal: Array
    qrs_width: Array
    pr: Array
    qtc: Array
    p_gain: Array
    t_gain: Array
    t_turn: Array
    st: Array
    conduction: Numbers
    hypertrophy: Array
    scar: Numbers
    scar_size: Array
    electrode_shift: Array
    chest_gains: Array

    def __len__(self) -> int:
        return len(self.age)

    def of(self, rows: Numbers) -> Hearts:
        """Some of them, or some several times."""
        return replace(
            self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    def person(self, row: int) -> Person:
        """One of them."""
        scar = int(self.scar[row])
        return Person(
            age=float(self.age[row]),
            sex="female" if self.female[row] else "male",
            gain=float(self.gain[row]),
            turn=triple(self.turn[row]),
            septal=float(self.septal[row]),
            terminal=float(self.terminal[row]),
            qrs_width=float(self.qrs_width[row]),
            pr=float(self.pr[row]),
            qtc=float(self.qtc[row]),
            p_gain=float(self.p_gain[row]),
            t_gain=float(self.t_gain[row]),
            t_turn=triple(self.t_turn[row]),
            st=triple(self.st[row]),
            conduction=CONDUCTIONS[self.conduction[row]],
            hypertrophy=float(self.hypertrophy[row]),
            scar=None if scar == NO_SCAR else CULPRITS[scar],
            scar_size=float(self.scar_size[row]),
            electrode_shift=float(self.electrode_shift[row]),
            chest_gains=tuple(float(gain) for gain in self.chest_gains[row]),
        )


def draw_hearts(age: Array, female: Flags, rng: np.random.Generator) -> Hearts:
    """Draw the hearts of people who come to an emergency department.

    Args:
        age: years, shape (n,).
        female: sex, shape (n,).
        rng: random generator.
    """
    count = len(age)
    old = (age - 60) / 20
    more = np.exp(0.5 * old)
    limits = np.cumsum(list(CONDUCTION_AT_60.values()))
    rank = rng.random(count) / more
    conduction = np.full(count, CONDUCTIONS.index(Conduction.NORMAL))
    for kind, limit in reversed(list(zip(CONDUCTION_AT_60, limits, strict=True))):
        conduction[rank < limit] = CONDUCTIONS.index(kind)
    hypertrophic = rng.random(count) < 0.09 * np.exp(0.25 * old)
    scarred = rng.random(count) < np.where(female, 0.04, 0.07) * np.exp(0.5 * old)
    # The axis turns to the left with age; women have smaller voltages and a longer QT.
    turn = np.stack([np.full(count, 0.10), np.zeros(count), -0.05 - 0.14 * old], axis=1)
    repolarisation = np.where(female, 0.015, 0.05) * np.maximum(0.3, 1 - (age - 18) / 70)
    early = repolarisation * rng.gamma(2, 0.5, count)

    def factor(deviation: float, *shape: int) -> Array:
        return np.exp(rng.normal(0, deviation, (count, *shape)))

    return Hearts(
        age=age,
        female=female,
        gain=np.where(female, 0.88, 1.0) * factor(0.2),
        turn=turn + rng.normal(0, [0.18, 0.18, 0.26], (count, 3)),
        septal=factor(0.25),
        terminal=factor(0.25),
        qrs_width=np.where(female, 0.95, 1.03) * factor(0.07),
        pr=np.clip(0.157 + 0.008 * old + rng.normal(0, 0.02, count), 0.115, 0.24),
        qtc=np.clip(np.where(female, 0.418, 0.405) + rng.normal(0, 0.02, count), 0.34, 0.5),
        p_gain=factor(0.25),
        t_gain=factor(0.24) * np.exp(-0.05 - 0.1 * np.maximum(old, 0)),
        t_turn=rng.normal(0, 0.16, (count, 3)),
        st=early[:, None] * [0.4, 0.25, -0.8] + rng.normal(0, ST_DEVIATION, (count, 3)),
        conduction=conduction,
        hypertrophy=np.where(hypertrophic, rng.beta(2, 2, count), 0.0),
        scar=np.where(scarred, rng.integers(0, len(CULPRITS), count), NO_SCAR),
        scar_size=np.where(scarred, rng.beta(2, 1.5, count), 0.0),
        electrode_shift=np.zeros(count),
        chest_gains=factor(0.12, 6),
    )

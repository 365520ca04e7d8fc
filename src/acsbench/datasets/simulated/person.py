"""A person as the ECG sees one: anatomy, conduction, scars."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.simulated.culprit import Culprit

Triple = tuple[float, float, float]


class Conduction(StrEnum):
    """How the ventricles are excited."""

    NORMAL = "normal"
    LBBB = "LBBB"
    RBBB = "RBBB"
    PACED = "paced"


@dataclass(frozen=True)
class Person:
    """What stays the same from one ECG of a person to the next.

    Args:
        age: years.
        sex: `female` or `male`.
        gain: factor on all voltages (chest wall, lungs).
        turn: rotation of the heart in the chest, a rotation vector in radians about x, y, z.
        septal, terminal: factors on the first and the last forces of QRS.
        qrs_width: factor on the duration of QRS.
        pr: PR interval, s.
        qtc: QT interval at 60 beats per minute, s.
        p_gain, t_gain: factors on P and T.
        t_turn: rotation of T against QRS, a rotation vector in radians.
        st: ST vector that means nothing, mV.
        conduction: how the ventricles are excited.
        hypertrophy: of the left ventricle, 0 (none) to 1 (marked, with strain).
        scar: artery of an old infarct, if there was one.
        scar_size: 0 to 1.
        electrode_shift: how far the chest electrodes are misplaced, in distances between
            neighbours, positive to the left.
        chest_gains: factors on V1–V6 (distance of the electrodes from the heart).
    """

    age: float = 55.0
    sex: str = "male"
    gain: float = 1.0
    turn: Triple = (0.0, 0.0, 0.0)
    septal: float = 1.0
    terminal: float = 1.0
    qrs_width: float = 1.0
    pr: float = 0.16
    qtc: float = 0.41
    p_gain: float = 1.0
    t_gain: float = 1.0
    t_turn: Triple = (0.0, 0.0, 0.0)
    st: Triple = (0.0, 0.0, 0.0)
    conduction: Conduction = Conduction.NORMAL
    hypertrophy: float = 0.0
    scar: Culprit | None = None
    scar_size: float = 0.0
    electrode_shift: float = 0.0
    chest_gains: tuple[float, ...] = (1.0,) * 6


def triple(values: NDArray[np.float64]) -> Triple:
    """Three plain floats of an array."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def draw_person(
    rng: np.random.Generator,
    age: float | None = None,
    sex: str | None = None,
    healthy: bool = False,
) -> Person:
    """Draw a person as an emergency department meets them.

    Args:
        rng: random generator.
        age: years; drawn if None (mean 62, standard deviation 15).
        sex: `female` or `male`; drawn if None.
        healthy: leave out blocks, pacemakers, hypertrophy and scars.
    """
    age = float(np.clip(rng.normal(62, 15), 18, 98)) if age is None else age
    sex = ("female" if rng.random() < 0.5 else "male") if sex is None else sex
    male = sex == "male"
    old = (age - 60) / 20
    # Every draw is made for everyone, so that one person's disease does not shift another draw.
    conduction = _draw_conduction(rng, age)
    hypertrophic = rng.random() < 0.09 * np.exp(0.25 * old)
    hypertrophy = float(rng.beta(2, 2))
    scarred = rng.random() < (0.10 if male else 0.06) * np.exp(0.4 * old)
    scar = list(Culprit)[rng.integers(3)]
    scar_size = float(rng.beta(2, 1.5))
    # The axis turns to the left with age; women have smaller voltages and a longer QT.
    turn = np.array([0.10, 0.0, -0.05 - 0.14 * old]) + rng.normal(0, [0.18, 0.18, 0.26])
    early_repolarisation = (0.05 if male else 0.015) * max(0.3, 1 - (age - 18) / 70)
    st = early_repolarisation * np.array([0.4, 0.25, -0.8]) * rng.gamma(2, 0.5)
    return Person(
        age=age,
        sex=sex,
        gain=float((1.0 if male else 0.88) * np.exp(rng.normal(0, 0.2))),
        turn=triple(turn),
        septal=float(np.exp(rng.normal(0, 0.25))),
        terminal=float(np.exp(rng.normal(0, 0.25))),
        qrs_width=float((1.03 if male else 0.95) * np.exp(rng.normal(0, 0.07))),
        pr=float(np.clip(0.157 + 0.008 * old + rng.normal(0, 0.02), 0.115, 0.24)),
        qtc=float(np.clip((0.405 if male else 0.418) + rng.normal(0, 0.02), 0.34, 0.5)),
        p_gain=float(np.exp(rng.normal(0, 0.25))),
        t_gain=float(np.exp(rng.normal(-0.05 - 0.1 * max(old, 0), 0.35))),
        t_turn=triple(rng.normal(0, 0.22, 3)),
        st=triple(st + rng.normal(0, 0.018, 3)),
        conduction=Conduction.NORMAL if healthy else conduction,
        hypertrophy=hypertrophy if hypertrophic and not healthy else 0.0,
        scar=scar if scarred and not healthy else None,
        scar_size=scar_size if scarred and not healthy else 0.0,
        electrode_shift=float(np.clip(rng.normal(0, 0.2), -0.6, 0.6)),
        chest_gains=tuple(float(gain) for gain in np.exp(rng.normal(0, 0.12, 6))),
    )


def _draw_conduction(rng: np.random.Generator, age: float) -> Conduction:
    more = float(np.exp(0.5 * (age - 60) / 20))
    thresholds = np.cumsum([0.02 * more, 0.03 * more, 0.05 * more])
    kinds = (Conduction.PACED, Conduction.LBBB, Conduction.RBBB, Conduction.NORMAL)
    return kinds[int(np.searchsorted(thresholds, rng.random(), side="right"))]

"""What a coronary artery does to the heart vector: injury, inverted T waves, lost forces.

The directions follow the textbook: injured muscle pulls the ST vector towards its territory,
ischaemia under the endocardium pushes it away from the apex towards aVR, and dead muscle leaves
the forces of the opposite wall unopposed (Q waves).

References:
    Thygesen et al., Fourth universal definition of myocardial infarction, Circulation
    138:e618 (2018); Bayés de Luna et al., Ann Noninvasive Electrocardiol 19:442 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.simulated.dipole import Array, Beat, Waves, rotation, waves


class Culprit(StrEnum):
    """The artery that is blocked."""

    LAD = "LAD"
    RCA = "RCA"
    LCX = "LCX"


class Injury(StrEnum):
    """How it shows."""

    OCCLUSION = "occlusion"
    """ST elevation over the territory; tall, later inverted T waves; Q waves with time."""
    SUBENDOCARDIAL = "subendocardial"
    """ST depression wherever the apex looks, elevation in aVR; hardly any territory."""
    T_INVERSION = "T inversion"
    """Inverted T waves over the territory with little ST shift."""


TERRITORY = {
    Culprit.LAD: np.array([0.25, -0.06, -0.39]),
    Culprit.RCA: np.array([-0.12, 0.44, 0.02]),
    Culprit.LCX: np.array([0.38, 0.14, 0.24]),
}
"""ST vector of a severe occlusion, shape (3,), mV: to the front wall (V2–V4); down and to the right
(III above II, aVL depressed); to the side and back (V5, V6 and I up, V1–V3 down)."""

SUBENDOCARDIAL = np.array([-0.22, -0.24, 0.08])
"""ST vector of severe subendocardial ischaemia, shape (3,), mV."""

SCAR = {
    Culprit.LAD: waves(
        (0.16, 0.08, 0.34, 20, 8.0, 8.0),
        (-0.52, -0.30, 0.66, 36, 10.0, 11.0),
    ),
    Culprit.RCA: waves((-0.05, -0.85, 0.05, 29, 9.0, 10.0)),
    Culprit.LCX: waves((-0.60, 0.10, -0.50, 32, 9.5, 10.5)),
}
"""Forces that a large scar leaves unopposed, times from the onset of QRS: for the front wall those
against septum and apex (no R in V1–V3), for the inferior wall upwards (Q in II, III, aVF), for
the lateral and posterior wall to the right and front (Q in I and V6, tall R in V1–V2)."""

SCAR_T = 0.35
"""How much of the T wave over a large scar is inverted."""
SHARP_RISE = 0.8
"""Rise of an inverted T wave in units of the normal one."""

ST_WANES = 30.0
Q_GROWS = 9.0
T_TURNS = 12.0
"""Time constants of a lesion's evolution, h."""


Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Lesion:
    """An acute lesion.

    Args:
        culprit: the artery.
        severity: 0 (nothing to see) to 1 (an obvious infarction).
        injury: how it shows.
        hours: age of the lesion.
        turn: by how much its ST and T vectors deviate from the textbook, a rotation vector in
            radians.

    Raises:
        ValueError: `severity` lies outside [0, 1], or `hours` is negative.
    """

    culprit: Culprit
    severity: float
    injury: Injury = Injury.OCCLUSION
    hours: float = 1.0
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not 0 <= self.severity <= 1:
            raise ValueError(f"severity {self.severity}; expected 0 to 1")
        if not self.hours >= 0:
            raise ValueError(f"age of the lesion {self.hours} h; expected 0 or more")


CULPRITS = tuple(Culprit)
INJURIES = tuple(Injury)


@dataclass(frozen=True, eq=False)
class Effects:
    """What n lesions add to a beat.

    Args:
        st, t: vectors of the ST segment and of a wave that peaks with T, shape (n, 3), mV.
        rise: of that wave, in units of the rise of T, shape (n,).
        dead: size of the scar that is forming, 0 to 1, shape (n,).
    """

    st: Array
    t: Array
    rise: Array
    dead: Array


def effects(
    culprit: Numbers, injury: Numbers, severity: Array, hours: Array, turn: Array
) -> Effects:
    """What lesions add to beats, for many at a time.

    Args:
        culprit: numbers in `CULPRITS`, shape (n,).
        injury: numbers in `INJURIES`, shape (n,).
        severity: 0 to 1, shape (n,).
        hours: ages of the lesions, shape (n,).
        turn: rotation matrices by which they deviate from the textbook, shape (n, 3, 3).
    """
    territories = np.stack([TERRITORY[artery] for artery in CULPRITS])[culprit]
    territory = np.einsum("nij,nj->ni", turn, territories)
    # The territory tints the common pattern of the subendocardium only a little.
    diffuse = turn @ SUBENDOCARDIAL - 0.15 * territory
    # Sharp, symmetric inversion grows as the injury current wanes.
    turned = 1 - np.exp(-hours / T_TURNS)
    inverting = injury == INJURIES.index(Injury.T_INVERSION)
    under = injury == INJURIES.index(Injury.SUBENDOCARDIAL)
    of_st = np.where(inverting, 0.05, np.exp(-hours / ST_WANES))
    of_t = np.where(inverting, -1.0, 0.45 * (1 - turned) - 1.3 * turned)
    occluded = ~(inverting | under)
    return Effects(
        st=severity[:, None] * np.where(under[:, None], diffuse, of_st[:, None] * territory),
        t=severity[:, None] * np.where(under[:, None], 0.5 * diffuse, of_t[:, None] * territory),
        # An injured ST segment slopes into T: the added wave starts early while T is upright.
        rise=np.where(occluded, 1.5 - 0.6 * turned, SHARP_RISE),
        dead=np.where(occluded, 0.7 * severity * (1 - np.exp(-hours / Q_GROWS)), 0.0),
    )


def with_lesion(beat: Beat, lesion: Lesion | None) -> Beat:
    """A beat during an acute lesion; unchanged without a lesion or with severity 0."""
    if lesion is None or lesion.severity == 0:
        return beat
    effect = effects(
        np.array([CULPRITS.index(lesion.culprit)]),
        np.array([INJURIES.index(lesion.injury)]),
        np.array([lesion.severity]),
        np.array([lesion.hours]),
        rotation(*lesion.turn)[None],
    )
    ill = _repolarised(beat, st=effect.st[0], t=effect.t[0], rise=float(effect.rise[0]))
    return with_scar(ill, lesion.culprit, float(effect.dead[0]), t=0.0)


def with_scar(beat: Beat, culprit: Culprit, size: float, t: float = SCAR_T) -> Beat:
    """A beat of a heart with an old infarct.

    Args:
        beat: the beat before.
        culprit: artery of the infarct.
        size: 0 (none) to 1 (large).
        t: how much of the T wave over the scar is inverted.
    """
    if size == 0:
        return beat
    lost = SCAR[culprit].turned(size * np.eye(3)).delayed(beat.onset)
    scarred = replace(beat, qrs=beat.qrs + lost)
    return _repolarised(scarred, st=np.zeros(3), t=-t * size * TERRITORY[culprit])


def _repolarised(beat: Beat, st: Array, t: Array, rise: float = SHARP_RISE) -> Beat:
    """Add to ST and, as a wave of the same timing that rises faster or slower, to T."""
    main = int(np.abs(beat.t.vector).sum(axis=1).argmax())
    extra = Waves(
        t[None],
        beat.t.time[[main]],
        rise * beat.t.rise[[main]],
        beat.t.fall[[main]],
    )
    return replace(beat, st=beat.st + st, t=beat.t + extra)

"""The shape of a person's beats: normal, blocked, paced, ectopic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from acsbench.datasets.simulated.culprit import with_scar
from acsbench.datasets.simulated.dipole import DOWER, Array, Beat, Waves, rotation, waves
from acsbench.datasets.simulated.person import Conduction, Person

NO_WAVES = waves()

P = waves((0.050, 0.060, -0.040, -12, 15, 15), (0.045, 0.060, 0.028, 14, 15, 17))
"""Right, then left atrium; times from the middle of P."""
P_HALF = 0.055
"""Half the duration of P, s."""

QRS = waves(
    (-0.16, -0.10, -0.32, -26, 7.5, 7.5),
    (0.44, 0.44, -0.40, -10, 9.0, 9.0),
    (1.00, 0.80, 0.62, 2, 9.5, 10.0),
    (0.02, -0.14, 0.66, 20, 10.0, 11.0),
)
"""Septum, front wall and apex, free wall of the left ventricle, its base."""
QRS_ONSET, QRS_END = -0.046, 0.048

LBBB = waves(
    (0.20, 0.12, 0.05, -34, 12.0, 14.0),
    (0.62, 0.36, 0.62, -4, 18.5, 18.0),
    (0.70, 0.20, 0.85, 36, 18.0, 19.0),
)
LBBB_ONSET, LBBB_END = -0.062, 0.086
RBBB_TERMINAL = waves((-0.62, -0.06, -0.68, 42, 15.0, 16.0))
RBBB_END = 0.084

PACED = waves(
    (0.10, -0.25, 0.05, -28, 11.0, 14.0),
    (0.50, -0.55, 0.50, 0, 18.0, 18.0),
    (0.38, -0.50, 0.62, 36, 17.0, 18.0),
)
SPIKE = waves((0.30, -0.42, 0.12, -68, 0.9, 0.9))
PACED_ONSET, PACED_END = -0.062, 0.088

ECTOPIC_ONSET, ECTOPIC_END = -0.075, 0.095

SECONDARY = {
    Conduction.NORMAL: np.zeros(3),
    Conduction.LBBB: np.array([-0.27, -0.12, -0.30]),
    Conduction.RBBB: np.array([0.10, 0.0, 0.16]),
    Conduction.PACED: np.array([-0.26, 0.34, -0.30]),
}
"""T vector that a changed excitation forces on repolarisation, shape (3,), mV."""
PRIMARY_LEFT = 0.45
"""How much of a person's own T vector is left then."""
ST_OF_SECONDARY = 0.35
"""ST vector in proportion to the secondary T vector."""
RBBB_FACTORS = np.array([1, 1, 0.9, 0.3])
"""What is left of the normal forces before those of the blocked branch."""
EARLY_T, MAIN_T = 0.24, 0.84
"""Of the two waves of T, each in proportion to the T vector."""
T_FALL = 0.034
"""Standard deviation of the fall of T at 60 per minute, s."""
T_RISE = (0.052, 0.048)
"""Of the rise of its two waves, s."""
T_EARLY_FALL = 0.045
"""Of the fall of the first wave, s."""
T_LEAD = 0.062
"""By which the first wave peaks before the second, s."""
ST_OF_STRAIN = 0.3
"""ST vector in proportion to the T vector of strain."""
HYPERTROPHY_SLOWS = 0.08
"""How much a marked hypertrophy adds to the duration of QRS."""

T_VECTOR = np.array([0.27, 0.17, -0.135])
"""Peak of a normal T wave, mV."""


def conducted_beat(person: Person) -> Beat:
    """The beats that a person has most of the time, seen from their chest.

    The P wave is there; `without_p` takes it away.
    """
    beat = _as_conducted(person)
    if person.hypertrophy:
        beat = _hypertrophic(beat, person.hypertrophy)
    if person.scar is not None:
        beat = with_scar(beat, person.scar, person.scar_size)
    beat = replace(beat, st=beat.st + np.asarray(person.st))
    return beat.turned(person.gain * rotation(*person.turn))


def ectopic_beat(person: Person, origin: Array) -> Beat:
    """A ventricular ectopic beat.

    Args:
        person: whose heart it is.
        origin: where the beat starts from the middle of the heart, shape (3,), any length; the
            excitation runs the other way.
    """
    away = -origin / np.linalg.norm(origin)
    # Slow spread from cell to cell, first in one direction, then bending to the back.
    bend = np.array([0.1, -0.1, 0.35])
    vectors = np.stack([0.35 * away, 1.25 * away, 0.75 * away + bend])
    qrs = Waves(
        vectors,
        np.array([-0.034, -0.002, 0.040]),
        np.array([0.014, 0.020, 0.019]),
        np.array([0.016, 0.020, 0.019]),
    )
    secondary = -0.50 * away
    beat = Beat(
        atrial=NO_WAVES,
        qrs=qrs,
        t=_t_waves(secondary, person.qtc + 0.05),
        st=0.25 * secondary,
        onset=ECTOPIC_ONSET,
        j=ECTOPIC_END,
    )
    return beat.turned(person.gain * rotation(*person.turn))


def without_p(beat: Beat) -> Beat:
    """The beat without its P wave, as in atrial fibrillation."""
    return replace(beat, atrial=NO_WAVES)


def lead_field(person: Person) -> Array:
    """How a person's leads see the heart vector, rows I, II, V1–V6, shape (8, 3)."""
    chest = DOWER[2:]
    # A misplaced electrode sees what lies between the proper ones; beyond V1 and V6 nothing is
    # known, and the outermost stay where they are.
    position = np.clip(np.arange(6) + person.electrode_shift, 0, 5)
    moved = np.stack([np.interp(position, np.arange(6), chest[:, axis]) for axis in range(3)], 1)
    return np.concatenate([DOWER[:2], moved * np.asarray(person.chest_gains)[:, None]])


def _as_conducted(person: Person) -> Beat:
    conduction = person.conduction
    primary = rotation(*person.t_turn) @ T_VECTOR * person.t_gain
    if conduction is Conduction.LBBB:
        return _beat(person, LBBB, LBBB_ONSET, LBBB_END, primary)
    if conduction is Conduction.PACED:
        return _beat(person, SPIKE + PACED, PACED_ONSET, PACED_END, primary)
    normal = replace(QRS, vector=QRS.vector * _factors(person)[:, None])
    if conduction is Conduction.RBBB:
        late = replace(normal, vector=normal.vector * RBBB_FACTORS[:, None])
        shape = late.slowed(person.qrs_width) + RBBB_TERMINAL
        return _beat(person, shape, QRS_ONSET * person.qrs_width, RBBB_END, primary)
    width = person.qrs_width
    return _beat(person, normal.slowed(width), QRS_ONSET * width, QRS_END * width, primary)


def _factors(person: Person) -> Array:
    return np.array([person.septal, 1.0, 1.0, person.terminal])


def _beat(person: Person, qrs: Waves, onset: float, end: float, primary: Array) -> Beat:
    """A beat whose T is the person's own plus what a changed excitation forces on it."""
    secondary = SECONDARY[person.conduction]
    changed = person.conduction is not Conduction.NORMAL
    atrial = P.delayed(onset - person.pr + P_HALF)
    # A wide QRS lengthens QT by about what it adds to itself.
    qt = person.qtc + max(0.0, end - onset - 0.10)
    return Beat(
        atrial=replace(atrial, vector=atrial.vector * person.p_gain),
        qrs=qrs,
        t=_t_waves((PRIMARY_LEFT if changed else 1.0) * primary + secondary, qt),
        st=ST_OF_SECONDARY * secondary,
        onset=onset,
        j=end,
    )


def _t_waves(vector: Array, qt: float) -> Waves:
    """An asymmetric T wave that ends (by the tangent) `qt` after the onset of QRS."""
    peak = qt - 2 * T_FALL
    return Waves(
        np.stack([EARLY_T * vector, MAIN_T * vector]),
        np.array([peak - T_LEAD, peak]),
        np.array(T_RISE),
        np.array([T_EARLY_FALL, T_FALL]),
    )


def growth(degree: Array) -> Array:
    """Factors on the axes of QRS that hypertrophy of some degrees brings, shape (..., 3)."""
    degree = np.asarray(degree, dtype=np.float64)[..., None]
    return 1 + degree * np.array([0.45, 0.05, 0.50])


def strain(degree: Array) -> Array:
    """T vector that marked hypertrophy adds, shape (..., 3), mV."""
    beyond = np.maximum(0.0, np.asarray(degree, dtype=np.float64) - 0.35)[..., None]
    return beyond * np.array([-0.55, -0.25, -0.22])


def _hypertrophic(beat: Beat, degree: float) -> Beat:
    """Larger forces to the left and back; with a marked degree, strain."""
    slower = 1 + HYPERTROPHY_SLOWS * degree
    added = strain(np.asarray(degree))
    return replace(
        beat,
        qrs=beat.qrs.turned(np.diag(growth(np.asarray(degree)))).slowed(slower),
        onset=beat.onset * slower,
        j=beat.j * slower,
        t=replace(beat.t, vector=beat.t.vector + np.array([[EARLY_T], [MAIN_T]]) * added),
        st=beat.st + ST_OF_STRAIN * added,
    )

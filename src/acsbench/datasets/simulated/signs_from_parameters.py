"""The signs of many ECGs, worked out from their parameters instead of measured on the signal.

What a machine or a cardiologist reads depends on the heart vector at a few instants, and those
have a closed form: the tables can be written without drawing a single waveform. The formulas
follow `beats.conducted_beat` and `culprit.with_lesion`; tests hold them against both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acsbench.datasets.simulated import beats
from acsbench.datasets.simulated.culprit import (
    CULPRITS,
    SCAR,
    SCAR_T,
    SHARP_RISE,
    TERRITORY,
    effects,
)
from acsbench.datasets.simulated.dipole import DOWER, Array, Waves
from acsbench.datasets.simulated.hearts import CONDUCTIONS, NO_SCAR, Hearts
from acsbench.datasets.simulated.lesions import Lesions
from acsbench.datasets.simulated.person import Conduction
from acsbench.datasets.simulated.roster import Flags
from acsbench.ecg.leads import LIMB_FROM_I_AND_II

AFTER_J = 0.060
"""Where the ST segment is read, s after J."""
ST_AT_T = 0.94
"""How much of the ST vector is left at the peak of T."""
CHUNK = 16_384
"""ECGs worked out at a time, to bound memory."""


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs of n ECGs without noise.

    Args:
        st60: 60 ms after J, shape (n, 12), mV.
        t: at the peak of the T wave, shape (n, 12), mV.
        qrs_area: area under QRS, shape (n, 12), mV·s.
        p_area: area under P as if there were one, shape (n, 12), mV·s.
        qrs: duration, shape (n,), s.
        qt: QT interval, shape (n,), s.
    """

    st60: Array
    t: Array
    qrs_area: Array
    p_area: Array
    qrs: Array
    qt: Array


def signs_of(hearts: Hearts, lesions: Lesions, rate: Array, arms_swapped: Flags) -> Signs:
    """Work out the signs of conducted beats.

    Args:
        hearts: one per ECG.
        lesions: one per ECG; severity 0 without one.
        rate: per minute, shape (n,).
        arms_swapped: the electrodes of the arms are interchanged, shape (n,).
    """
    chunks = np.split(np.arange(len(hearts)), range(CHUNK, len(hearts), CHUNK))
    parts = [
        _signs(hearts.of(rows), lesions.of(rows), rate[rows], arms_swapped[rows]) for rows in chunks
    ]
    return Signs(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def axis_of(leads: Array) -> Array:
    """Electrical axis in the frontal plane from I and aVF, shape (n, 12) to (n,), degrees."""
    axis: Array = np.degrees(np.arctan2(leads[:, 5] * 2 / np.sqrt(3), leads[:, 0]))
    return axis


def rotations(vectors: Array) -> Array:
    """Rotation matrices of rotation vectors, shape (n, 3) to (n, 3, 3); see `rotation`."""
    angle = np.linalg.norm(vectors, axis=1)
    x, y, z = (vectors / np.where(angle > 0, angle, 1.0)[:, None]).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    turned: Array = np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)
    return turned


def lead_fields(hearts: Hearts) -> Array:
    """How each person's leads see the heart vector: I, II, V1–V6, shape (n, 8, 3)."""
    chest = DOWER[2:]
    position = np.clip(np.arange(6) + hearts.electrode_shift[:, None], 0, 5)
    below = np.minimum(position.astype(int), 4)
    part = (position - below)[..., None]
    moved = chest[below] * (1 - part) + chest[below + 1] * part
    limb = np.broadcast_to(DOWER[:2], (len(hearts), 2, 3))
    return np.concatenate([limb, moved * hearts.chest_gains[..., None]], axis=1)


def _signs(
    hearts: Hearts, lesions: Lesions, rate: Array, swapped: Flags
) -> tuple[Array, Array, Array, Array, Array, Array]:
    qrs_area, onset, end = _depolarisation(hearts)
    st, t = _repolarisation(hearts)
    scarred = np.where(hearts.scar == NO_SCAR, 0.0, hearts.scar_size)
    artery = np.where(hearts.scar == NO_SCAR, 0, hearts.scar)
    scar_area = np.stack([_area(SCAR[culprit]).sum(axis=0) for culprit in CULPRITS])
    territory = np.stack([TERRITORY[culprit] for culprit in CULPRITS])
    qrs_area += scarred[:, None] * scar_area[artery]
    scar_t = -SCAR_T * scarred[:, None] * territory[artery]
    st = st + hearts.st

    # From here on as the leads see it: turned with the heart, scaled with the chest.
    matrix = rotations(hearts.turn) * hearts.gain[:, None, None]
    p_area = _seen(matrix, _area(beats.P).sum(axis=0) * hearts.p_gain[:, None])
    qrs_area, st, t, scar_t = (_seen(matrix, vector) for vector in (qrs_area, st, t, scar_t))
    acute = effects(
        lesions.culprit, lesions.injury, lesions.severity, lesions.hours, rotations(lesions.turn)
    )
    st = st + acute.st
    qrs_area += acute.dead[:, None] * scar_area[lesions.culprit]

    slower = 1 + beats.HYPERTROPHY_SLOWS * hearts.hypertrophy
    qrs = (end - onset) * slower
    qt = hearts.qtc + np.maximum(0, end - onset - 0.10)
    stretch = np.cbrt(60 / rate)
    peak = qt - 2 * beats.T_FALL
    at_st = (qrs + AFTER_J) / stretch
    early, main = (
        np.exp(-0.5 * ((at_st - (peak - lead)) / rise) ** 2)
        for lead, rise in zip((beats.T_LEAD, 0.0), beats.T_RISE, strict=True)
    )
    sharp, acute_wave = (
        np.exp(-0.5 * ((at_st - peak) / (beats.T_RISE[1] * rise)) ** 2)
        for rise in (SHARP_RISE, acute.rise)
    )
    of_t = beats.EARLY_T * early + beats.MAIN_T * main
    st60 = st + of_t[:, None] * t + sharp[:, None] * scar_t + acute_wave[:, None] * acute.t
    at_peak = beats.EARLY_T * np.exp(-0.5 * (beats.T_LEAD / beats.T_EARLY_FALL) ** 2)
    t_peak = ST_AT_T * st + (at_peak + beats.MAIN_T) * t + scar_t + acute.t

    field = _twelve(lead_fields(hearts), swapped)
    leads = [_seen(field, vector) for vector in (st60, t_peak, qrs_area, p_area)]
    return leads[0], leads[1], leads[2], leads[3], qrs, qt * stretch


def _depolarisation(hearts: Hearts) -> tuple[Array, Array, Array]:
    """Area under QRS before the heart is turned, shape (n, 3), mV·s; its onset and end, s."""
    area = np.empty((len(hearts), 3))
    onset, end = np.empty((2, len(hearts)))
    for number, kind in enumerate(CONDUCTIONS):
        rows = np.flatnonzero(hearts.conduction == number)
        width = hearts.qrs_width[rows]
        if kind is Conduction.LBBB:
            area[rows] = _area(beats.LBBB).sum(axis=0)
            onset[rows], end[rows] = beats.LBBB_ONSET, beats.LBBB_END
        elif kind is Conduction.PACED:
            area[rows] = _area(beats.SPIKE + beats.PACED).sum(axis=0)
            onset[rows], end[rows] = beats.PACED_ONSET, beats.PACED_END
        else:
            one = np.ones(len(rows))
            factors = np.stack([hearts.septal[rows], one, one, hearts.terminal[rows]], axis=1)
            onset[rows], end[rows] = beats.QRS_ONSET * width, beats.QRS_END * width
            if kind is Conduction.RBBB:
                factors = factors * beats.RBBB_FACTORS
                end[rows] = beats.RBBB_END
            area[rows] = factors @ _area(beats.QRS) * width[:, None]
            if kind is Conduction.RBBB:
                area[rows] += _area(beats.RBBB_TERMINAL).sum(axis=0)
    slower = 1 + beats.HYPERTROPHY_SLOWS * hearts.hypertrophy
    return area * beats.growth(hearts.hypertrophy) * slower[:, None], onset, end


def _repolarisation(hearts: Hearts) -> tuple[Array, Array]:
    """Vectors of ST and T before the heart is turned, without scars, shape (n, 3) each, mV."""
    secondary = np.stack([beats.SECONDARY[kind] for kind in CONDUCTIONS])[hearts.conduction]
    normal = hearts.conduction == CONDUCTIONS.index(Conduction.NORMAL)
    left = np.where(normal, 1.0, beats.PRIMARY_LEFT) * hearts.t_gain
    strain = beats.strain(hearts.hypertrophy)
    primary = rotations(hearts.t_turn) @ beats.T_VECTOR
    t = left[:, None] * primary + secondary + strain
    return beats.ST_OF_SECONDARY * secondary + beats.ST_OF_STRAIN * strain, t


def _area(shape: Waves) -> Array:
    """Area under each wave, shape (waves, 3), mV·s."""
    return shape.vector * ((shape.rise + shape.fall) * np.sqrt(np.pi / 2))[:, None]


def _twelve(fields: Array, swapped: Flags) -> Array:
    """Lead fields of all twelve leads, shape (n, 12, 3), from those of I, II, V1–V6."""
    limb = fields[:, :2]
    turned_over = np.stack([-limb[:, 0], limb[:, 1] - limb[:, 0]], axis=1)
    limb = np.where(swapped[:, None, None], turned_over, limb)
    return np.concatenate([LIMB_FROM_I_AND_II @ limb, fields[:, 2:]], axis=1)


def _seen(matrix: Array, vector: Array) -> Array:
    """Matrix times vector, row by row: (n, k, 3) and (n, 3) to (n, k)."""
    product: Array = np.einsum("nkj,nj->nk", matrix, vector)
    return product

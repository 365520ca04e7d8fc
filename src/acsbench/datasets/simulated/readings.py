"""What the machine measured and what the cardiologist wrote, as noisy readings of the signs.

The criteria are the usual ones; how often a reader follows them was tuned until the flags of
tested patients were as common, and as weakly related to treatment, as in the study.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.ecgs import Ecgs
from acsbench.datasets.simulated.hearts import CONDUCTIONS
from acsbench.datasets.simulated.person import Conduction
from acsbench.datasets.simulated.roster import Flags
from acsbench.datasets.simulated.signs_from_parameters import Signs, axis_of
from acsbench.ecg.leads import LEADS

NEIGHBOURS = tuple(
    (LEADS.index(one), LEADS.index(other))
    for one, other in (
        ("I", "aVL"),
        ("II", "aVF"),
        ("III", "aVF"),
        ("V1", "V2"),
        ("V2", "V3"),
        ("V3", "V4"),
        ("V4", "V5"),
        ("V5", "V6"),
    )
)
"""Contiguous leads, of which two must agree."""
READING_ERROR = 0.020
"""Standard deviation of a reading by eye, mV, in each lead."""

ST_ELEVATION = 0.10
ST_ELEVATION_V2_V3 = {"male": 0.20, "female": 0.15}
ST_DEPRESSION = -0.075
T_INVERSION = -0.10
T_FLAT = 0.06
"""Limits, mV."""
T_LEADS = tuple(LEADS.index(lead) for lead in ("I", "II", "V4", "V5", "V6"))
"""Where T is upright in the healthy."""
FLAT_LEADS = 3

# Probabilities that a reader writes a statement: where its criteria are met, where a wide QRS or
# strain explains them, and where they are not met.
CALLS = {
    "st_eleva": (0.55, 0.06, 0.012),
    "depress": (0.50, 0.12, 0.019),
    "twave_inver": (0.85, 0.25, 0.072),
    "twave_abnormal": (0.90, 0.40, 0.215),
}
T_BESIDE_ST_ELEVATION = 0.1
"""How often an abnormal T wave is mentioned together with ST elevation."""
EARLY_REPOLARISATION = 0.35
"""How often elevation without a lesion's pattern is put down to early repolarisation."""

QTC_LONG = {"male": 0.470, "female": 0.480}
"""Bazett's QTc from which it is called prolonged, s."""


def machine_measurements(ecgs: Ecgs, signs: Signs, rng: np.random.Generator) -> pd.DataFrame:
    """Intervals, rate and axes as a machine prints them: whole numbers with small errors.

    PR and the axis of P are missing where there is no P wave.

    Args:
        ecgs: shape (n,).
        signs: of the same ECGs.
        rng: random generator.

    Returns:
        One row per ECG, columns as in `ecg-metadata.csv`.
    """
    count = len(ecgs.rate)
    without_p = ecgs.fibrillating | ecgs.paced

    def whole(values: Array, error: float, missing: Flags | None = None) -> pd.Series:
        rounded = pd.Series(np.round(values + rng.normal(0, error, count))).astype("Int64")
        return rounded if missing is None else rounded.mask(missing)

    def axis(areas: Array, error: float, missing: Flags | None = None) -> pd.Series:
        degrees = axis_of(areas) + rng.normal(0, error, count)
        rounded = pd.Series(np.round((degrees + 180) % 360 - 180)).astype("Int64")
        return rounded if missing is None else rounded.mask(missing)

    rate = whole(ecgs.rate * np.where(ecgs.fibrillating, 1 + rng.normal(0, 0.05, count), 1), 0.7)
    qt = whole(1000 * signs.qt, 6)
    # Bazett's formula, from what was measured.
    bazett = qt.to_numpy(float) * np.sqrt(rate.to_numpy(float) / 60)
    qtc = pd.Series(np.round(bazett)).astype("Int64")
    p_axes = axis(signs.p_area, 5, without_p)
    r_axes, t_axes = axis(signs.qrs_area, 3), axis(signs.t, 5)
    table = pd.DataFrame(
        {
            "p-r-t_axes": _joined(p_axes, r_axes, t_axes, sep=" "),
            "p_axes": p_axes,
            "r_axes": r_axes,
            "t_axes": t_axes,
        }
    )
    for name, values, unit in (
        ("pr_interval", whole(1000 * ecgs.hearts.pr, 4, without_p), "ms"),
        ("qrs_duration", whole(1000 * signs.qrs, 3), "ms"),
        ("qt_interval", qt, "ms"),
        ("qtc_interval", qtc, "ms"),
        ("vent_rate", rate, "BPM"),
    ):
        table[name] = values
        table[f"{name}_units"] = pd.Series(unit, index=table.index).mask(values.isna())
    table["qtqtc"] = _joined(qt, qtc, sep="/")
    return table


def cardiologist_flags(ecgs: Ecgs, signs: Signs, rng: np.random.Generator) -> pd.DataFrame:
    """The statements of the cardiologist's reading.

    Args:
        ecgs: shape (n,).
        signs: of the same ECGs.
        rng: random generator.

    Returns:
        One row per ECG, 0/1, columns `has_…` as in `ecg-metadata.csv`.
    """
    heart = ecgs.hearts
    count = len(ecgs.rate)
    st = signs.st60 + rng.normal(0, READING_ERROR, signs.st60.shape)
    t = signs.t + rng.normal(0, READING_ERROR, signs.t.shape)

    def sometimes(share: float | Array) -> Flags:
        return rng.random(count) < share

    left_block, right_block, paced = (
        heart.conduction == CONDUCTIONS.index(kind)
        for kind in (Conduction.LBBB, Conduction.RBBB, Conduction.PACED)
    )
    explained = left_block | paced | (heart.hypertrophy > 0.6)

    def called(statement: str, met: Flags) -> Flags:
        follows, despite, anyway = CALLS[statement]
        return sometimes(np.where(met, np.where(explained, despite, follows), anyway))

    elevated = _elevated(st, heart.female)
    early = elevated & ~explained & sometimes(EARLY_REPOLARISATION) & (heart.st[:, 2] < -0.02)
    inverted = _neighbours(t <= T_INVERSION, without=("III", "V1"))
    flat = (t[:, T_LEADS] < T_FLAT).sum(axis=1) >= FLAT_LEADS
    flags = {
        "bbb": (left_block | right_block) & sometimes(0.95),
        "afib": sometimes(np.where(ecgs.fibrillating, 0.95, 0.003)),
        "pacemaker": sometimes(np.where(paced, 0.97, 0.002)),
        "lvh": sometimes(np.where(heart.hypertrophy > 0.35, 0.75, 0.03)),
        "st_eleva": called("st_eleva", elevated & ~early),
        "depress": called("depress", _neighbours(st <= ST_DEPRESSION)),
        "twave_inver": called("twave_inver", inverted),
        "twave_abnormal": called("twave_abnormal", inverted | flat),
        "jpoint_repol": early & sometimes(0.8),
        "jpoint_eleva": early & sometimes(0.4),
        "lead_reversal": sometimes(np.where(ecgs.arms_swapped, 0.6, 0.001)),
        "poor_or_quality": sometimes(np.where(ecgs.noise > 1, 0.6, 0.01)),
    }
    # Beside an elevated ST segment a reader seldom mentions T.
    flags["twave_abnormal"] &= ~flags["st_eleva"] | sometimes(T_BESIDE_ST_ELEVATION)
    flags["aberran_bbb"] = flags["bbb"] & sometimes(0.03)
    limit = np.where(heart.female, QTC_LONG["female"], QTC_LONG["male"])
    corrected = signs.qt * np.sqrt(ecgs.rate / 60) + rng.normal(0, 0.008, count)
    flags["prolonged_qt"] = (corrected > limit) & sometimes(0.7)
    ectopic = (ecgs.ectopic_share > 0) & sometimes(0.8)
    odd_rate = (ecgs.rate > 100) | (ecgs.rate < 60)
    sinus = ~flags["afib"] & ~flags["pacemaker"]
    flags["rhythm_disturbance"] = flags["afib"] | ectopic | (odd_rate & sometimes(0.9))
    flags["st"] = flags["st_eleva"] | flags["depress"] | sometimes(0.04)
    flags["twave"] = flags["twave_inver"] | flags["twave_abnormal"]
    flags["nonspecific"] = (flags["st"] | flags["twave"]) & sometimes(0.6)
    flags["normal_sinus"] = sinus & ~odd_rate & sometimes(0.98)
    findings = ("bbb", "lvh", "st", "twave", "prolonged_qt", "lead_reversal", "rhythm_disturbance")
    clean = ~np.any([flags[name] for name in findings], axis=0)
    flags["normal_ecg"] = flags["normal_sinus"] & clean & sometimes(0.85)
    flags["normal"] = flags["normal_ecg"] | flags["normal_sinus"]
    return pd.DataFrame({f"has_{name}": value.astype(np.int8) for name, value in flags.items()})


def _elevated(st: Array, female: Flags) -> Flags:
    limits = np.full(st.shape, ST_ELEVATION)
    for lead in ("V2", "V3"):
        limits[:, LEADS.index(lead)] = np.where(
            female, ST_ELEVATION_V2_V3["female"], ST_ELEVATION_V2_V3["male"]
        )
    return _neighbours(st >= limits)


def _neighbours(met: Flags, without: tuple[str, ...] = ()) -> Flags:
    """Whether a criterion is met in two contiguous leads, shape (n, 12) to (n,)."""
    left_out = {LEADS.index(lead) for lead in without}
    pairs = [pair for pair in NEIGHBOURS if not left_out & set(pair)]
    return np.any([met[:, one] & met[:, other] for one, other in pairs], axis=0)


def _joined(*columns: pd.Series, sep: str) -> pd.Series:
    """Columns as one text, a missing value as `*`, as machines print it."""
    first, *others = (column.astype("string").fillna("*") for column in columns)
    text = first
    for other in others:
        text = text + sep + other
    return text

"""Bundle branch blocks, hypertrophy and rhythm: what changes ST and T without ischaemia."""

from __future__ import annotations

import numpy as np

from acsbench.ecg.criteria.finding import Criterion, Evidence, Measured

_WIDE = 120.0  # ms
_TERMINAL_R, _WIDE_S = 0.05, 40.0  # mV, ms
_SOKOLOW_LYON, _CORNELL = 3.5, {"male": 2.8, "female": 2.0, None: 2.8}  # mV
_IRREGULAR = 0.08  # of the RR interval
_ABSENT_P = 0.5  # share of beats


def left_bundle_branch_block(ecg: Measured) -> Evidence:
    """QRS of 120 ms or more, negative in V1 and positive in I or V6."""
    width = ecg.whole("qrs_duration")
    v1 = ecg.lead("qrs_area", "V1")
    lateral = np.fmax(ecg.lead("qrs_area", "I"), ecg.lead("qrs_area", "V6"))
    if np.isnan(width + v1 + lateral):
        return Evidence(np.nan)
    score = width / _WIDE / 2 ** (int(v1 >= 0) + int(lateral <= 0))
    return Evidence(
        score,
        ("V1",),
        {"qrs_duration": width},
        f"Left bundle branch block, QRS {width:.0f} ms.",
    )


def right_bundle_branch_block(ecg: Measured) -> Evidence:
    """QRS of 120 ms or more that ends upwards in V1 or V2 and in a wide S wave in I or V6."""
    width = ecg.whole("qrs_duration")
    terminal = np.fmax(_terminal_r(ecg, "V1"), _terminal_r(ecg, "V2"))
    s_wave = np.fmax(ecg.lead("s_duration", "I"), ecg.lead("s_duration", "V6"))
    if np.isnan(width + terminal + s_wave):
        return Evidence(np.nan)
    score = width / _WIDE / 2 ** (int(terminal < _TERMINAL_R) + int(s_wave < _WIDE_S))
    return Evidence(
        score,
        ("V1", "V2"),
        {"qrs_duration": width, "terminal_r": terminal, "s_duration": s_wave},
        f"Right bundle branch block, QRS {width:.0f} ms.",
    )


def _terminal_r(ecg: Measured, lead: str) -> float:
    """R′, or the R wave that no S wave follows, mV."""
    alone = ecg.lead("s_amplitude", lead) == 0
    return float(
        np.fmax(ecg.lead("r2_amplitude", lead), ecg.lead("r_amplitude", lead) if alone else 0.0)
    )


def left_ventricular_hypertrophy(ecg: Measured) -> Evidence:
    """Voltage by Sokolow and Lyon (S V1 + R V5 or V6) or Cornell (R aVL + S V3)."""
    sokolow = downward(ecg, "V1") + np.fmax(upward(ecg, "V5"), upward(ecg, "V6"))
    cornell = upward(ecg, "aVL") + downward(ecg, "V3")
    score = float(np.fmax(sokolow / _SOKOLOW_LYON, cornell / _CORNELL[ecg.sex]))
    return Evidence(
        score,
        ("V1", "V5", "V6") if sokolow >= _SOKOLOW_LYON else ("aVL", "V3"),
        {"sokolow_lyon": float(sokolow), "cornell": float(cornell)},
        f"Left ventricular hypertrophy by voltage (Sokolow–Lyon {sokolow:.1f} mV, Cornell "
        f"{cornell:.1f} mV).",
    )


def upward(ecg: Measured, lead: str) -> float:
    """The larger of R and R′, mV."""
    return float(np.fmax(ecg.lead("r_amplitude", lead), ecg.lead("r2_amplitude", lead)))


def downward(ecg: Measured, lead: str) -> float:
    """The depth of the S wave, or of the Q wave where there is no R wave, mV."""
    without_r = ecg.lead("r_amplitude", lead) == 0
    return -ecg.lead("q_amplitude" if without_r else "s_amplitude", lead)


def atrial_fibrillation(ecg: Measured) -> Evidence:
    """Irregular RR intervals and no P wave that beats share."""
    variation, p_share = ecg.whole("rr_variation"), ecg.whole("p_share")
    # A P wave that most beats share speaks against it, whatever the intervals.
    score = variation / _IRREGULAR * (1.0 if p_share < _ABSENT_P else 0.1)
    return Evidence(
        score,
        (),
        {"rr_variation": variation, "p_share": p_share},
        f"Irregular without P waves, as in atrial fibrillation, {ecg.whole('heart_rate'):.0f} "
        "per minute.",
    )


def wide_complex(ecg: Measured) -> str:
    """What widens the QRS complex so that ST and T follow it, if anything does; else empty."""
    if ecg.whole("paced") == 1:
        return "ventricular pacing"
    return "left bundle branch block" if left_bundle_branch_block(ecg).score >= 1 else ""


def not_judged(what: str, cause: str) -> Evidence:
    """The evidence of a sign of ischaemia where the QRS complex alone shifts ST and T."""
    return Evidence(np.nan, sentence=f"{what} is not judged in {cause}.")


def secondary_to(ecg: Measured) -> str:
    """What else may shift ST and T, as the end of a sentence; empty if nothing was found."""
    causes = [
        words
        for judge, words in (
            (right_bundle_branch_block, "right bundle branch block"),
            (left_ventricular_hypertrophy, "left ventricular hypertrophy"),
        )
        if judge(ecg).score >= 1
    ]
    return f", which {' and '.join(causes)} alone may cause" if causes else ""


_AHA = "Surawicz et al., AHA/ACCF/HRS recommendations part III, Circulation 119:e235 (2009)"
CRITERIA = (
    Criterion("lbbb", "left bundle branch block", _AHA, left_bundle_branch_block),
    Criterion("rbbb", "right bundle branch block", _AHA, right_bundle_branch_block),
    Criterion(
        "lvh",
        "left ventricular hypertrophy by voltage",
        "Sokolow & Lyon, Am Heart J 37:161 (1949); Casale et al., Circulation 75:565 (1987)",
        left_ventricular_hypertrophy,
    ),
    Criterion(
        "atrial-fibrillation",
        "atrial fibrillation",
        "Hindricks et al., ESC guidelines on atrial fibrillation, Eur Heart J 42:373 (2021); "
        "limits chosen on PTB-XL, folds 1–6",
        atrial_fibrillation,
    ),
)

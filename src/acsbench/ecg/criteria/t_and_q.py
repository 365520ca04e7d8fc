"""T waves and Q waves."""

from __future__ import annotations

import numpy as np

from acsbench.ecg.criteria.conduction import (
    downward,
    not_judged,
    secondary_to,
    upward,
    wide_complex,
)
from acsbench.ecg.criteria.finding import (
    CHEST,
    TERRITORIES,
    Criterion,
    Evidence,
    Measured,
    in_contiguous_leads,
    listed,
)
from acsbench.ecg.criteria.st_segment import ELEVATION, UDMI

INVERSION = 0.1
"""Depth of an inverted T wave that counts, mV."""
_HYPERACUTE = {"limb": 0.5, "chest": 1.0}  # mV
_WELLENS = 0.2  # mV
_Q_WIDTH, _Q_WIDTH_V2_V3, _Q_DEPTH = 30.0, 20.0, 0.1  # ms, ms, mV


def t_inversion(ecg: Measured) -> Evidence:
    """More than 0.1 mV deep in two contiguous leads whose R wave is larger than the S wave."""
    if cause := wide_complex(ecg):
        return not_judged("T inversion", cause)
    ratios = {
        # Under a complex that points down, an inverted T wave says nothing.
        lead: (-mv if upward(ecg, lead) > downward(ecg, lead) else -abs(mv)) / INVERSION
        for lead, mv in ecg["t_amplitude"].items()
    }
    score, leads = in_contiguous_leads(ratios)
    return Evidence(
        score,
        leads,
        {lead: ecg.lead("t_amplitude", lead) for lead in leads},
        f"T inversion in {listed(leads)}{secondary_to(ecg)}.",
    )


def hyperacute_t(ecg: Measured) -> Evidence:
    """T waves of 0.5 mV (limb leads) or 1 mV (chest leads) in two contiguous leads."""
    if cause := wide_complex(ecg):
        return not_judged("A tall T wave", cause)
    ratios = {
        lead: mv / _HYPERACUTE["chest" if lead in CHEST else "limb"]
        for lead, mv in ecg["t_amplitude"].items()
    }
    score, leads = in_contiguous_leads(ratios)
    return Evidence(
        score,
        leads,
        {lead: ecg.lead("t_amplitude", lead) for lead in leads},
        f"Tall T waves in {listed(leads)}: hyperacute, or potassium or habit.",
    )


def wellens(ecg: Measured) -> Evidence:
    """Deep T inversion in V2 and V3 without ST elevation, Q waves or bundle branch block."""
    leads = ("V2", "V3")
    depth = min(-ecg.lead("t_amplitude", lead) for lead in leads)
    level = max(ecg.lead("j_level", lead) for lead in leads)
    preserved_r = all(ecg.lead("r_amplitude", lead) > 0 for lead in leads)
    if cause := wide_complex(ecg):
        return not_judged("A Wellens pattern", cause)
    if np.isnan(depth + level):
        return Evidence(np.nan)
    fits = preserved_r and level < ELEVATION
    return Evidence(
        depth / _WELLENS if fits else min(depth / _WELLENS, 0.5),
        leads,
        {lead: ecg.lead("t_amplitude", lead) for lead in leads},
        "Deep T inversion in V2, V3 without ST elevation or Q waves (Wellens): suspected stenosis "
        "of the proximal left anterior descending artery.",
    )


def pathological_q(ecg: Measured) -> Evidence:
    """Wide and deep Q waves, or QS, in two leads of one group; any wider than 20 ms in V2–V3."""
    if cause := wide_complex(ecg):
        return not_judged("An old infarction", cause)
    ratios = {lead: _q_ratio(ecg, lead) for lead in ecg["q_duration"]}
    score, leads = np.nan, set()
    for territory in TERRITORIES.values():
        known = sorted(r for lead in territory if np.isfinite(r := ratios.get(lead, np.nan)))
        if len(known) > 1:
            score = float(np.fmax(score, known[-2]))
        if len(known) > 1 and known[-2] >= 1:
            leads |= {lead for lead in territory if ratios.get(lead, 0.0) >= 1}
    ordered = tuple(lead for lead in ratios if lead in leads)
    return Evidence(
        score,
        ordered,
        {lead: ecg.lead("q_duration", lead) for lead in ordered},
        f"Pathological Q waves in {listed(ordered)}{secondary_to(ecg)}.",
    )


def _q_ratio(ecg: Measured, lead: str) -> float:
    """How far a Q wave goes towards being pathological: its width and depth over the limits."""
    width, depth = ecg.lead("q_duration", lead), -ecg.lead("q_amplitude", lead)
    if lead == "V1":
        return 0.0  # QS in V1 is normal
    if lead in ("V2", "V3"):
        return width / _Q_WIDTH_V2_V3
    return min(width / _Q_WIDTH, depth / _Q_DEPTH)


CRITERIA = (
    Criterion("t-inversion", "T inversion", UDMI, t_inversion),
    Criterion(
        "hyperacute-t",
        "tall T wave",
        "Goldberger, Clinical Electrocardiography; the Universal Definition names no limit",
        hyperacute_t,
    ),
    Criterion(
        "wellens",
        "Wellens pattern",
        "de Zwaan et al., Am Heart J 103:730 (1982); Rhinehardt et al., Am J Emerg Med 20:638 "
        "(2002)",
        wellens,
    ),
    Criterion("pathological-q", "pathological Q wave", UDMI, pathological_q),
)

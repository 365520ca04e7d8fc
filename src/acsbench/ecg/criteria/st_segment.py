"""ST elevation and depression, and what they tell of the artery."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from acsbench.ecg.criteria.conduction import (
    downward,
    left_bundle_branch_block,
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

ELEVATION = 0.1
"""At the J point in all leads but V2 and V3, mV."""
DEPRESSION = 0.05
"""Horizontal or downsloping, mV."""
_DE_WINTER_DEPRESSION, _DE_WINTER_T = 0.1, 0.5  # mV
_CONCORDANT, _DISCORDANT_RATIO = 0.1, 0.25  # mV; of the S wave (or R wave)
_LEFT_MAIN_LEADS = 6


def elevation_limit(lead: str, age: float | None, sex: str | None) -> float:
    """ST elevation at the J point that counts, mV.

    In V2 and V3 it is 0.15 in women, 0.25 in men below 40 years and 0.2 in other men; unknown
    sex or age count as a man of 40 years or more.

    Examples:
        >>> elevation_limit("V2", 35, "male"), elevation_limit("V2", 35, "female")
        (0.25, 0.15)
    """
    if lead not in ("V2", "V3"):
        return ELEVATION
    if sex == "female":
        return 0.15
    return 0.25 if age is not None and age < 40 and sex == "male" else 0.2


def st_elevation(ecg: Measured) -> Evidence:
    """At the J point in two contiguous leads."""
    if cause := wide_complex(ecg):
        return not_judged("ST elevation", cause)
    levels = ecg["j_level"]
    ratios = {lead: mv / elevation_limit(lead, ecg.age, ecg.sex) for lead, mv in levels.items()}
    score, leads = in_contiguous_leads(ratios)
    return Evidence(
        score,
        leads,
        {lead: levels[lead] for lead in leads},
        f"ST elevation in {listed(leads)} (up to {_largest(levels, leads)}){secondary_to(ecg)}.",
    )


def _depths(ecg: Measured) -> dict[str, float]:
    """How deep the ST segment lies 60 ms after J where it does not rise there, mV."""
    return {lead: -max(mv, 0.0) if _rises(ecg, lead) else -mv for lead, mv in ecg["st60"].items()}


def _rises(ecg: Measured, lead: str) -> bool:
    """Whether the ST segment is upsloping, by half a millimetre in 80 ms."""
    return ecg.lead("st80", lead) - ecg.lead("j_level", lead) >= DEPRESSION


def st_depression(ecg: Measured) -> Evidence:
    """Horizontal or downsloping, 60 ms after J, in two contiguous leads."""
    if cause := wide_complex(ecg):
        return not_judged("ST depression", cause)
    depths = _depths(ecg)
    score, leads = in_contiguous_leads({lead: mv / DEPRESSION for lead, mv in depths.items()})
    return Evidence(
        score,
        leads,
        {lead: -depths[lead] for lead in leads},
        f"ST depression in {listed(leads)} (up to {_largest(depths, leads)}){secondary_to(ecg)}.",
    )


def posterior_signs(ecg: Measured) -> Evidence:
    """ST depression deepest in V1–V3, under upright T waves."""
    if cause := wide_complex(ecg):
        return not_judged("Posterior infarction", cause)
    depths = _depths(ecg)
    front = [lead for lead in ("V1", "V2", "V3") if lead in depths]
    upright: dict[str, float] = {
        lead: 0.0 if ecg.lead("t_amplitude", lead) <= 0 else depths[lead] / DEPRESSION
        for lead in front
    }
    score, leads = in_contiguous_leads(upright)
    elsewhere = max((depths.get(lead, 0.0) for lead in ("V5", "V6")), default=0.0)
    if leads and max(depths[lead] for lead in leads) <= elsewhere:
        score = min(score, 0.5)
    return Evidence(
        score,
        leads,
        {lead: -depths[lead] for lead in leads},
        f"ST depression in {listed(leads)} under upright T waves, as in posterior infarction; "
        "record V7–V9.",
    )


def de_winter(ecg: Measured) -> Evidence:
    """Upsloping ST depression at the J point that leads into tall T waves, in chest leads."""
    if cause := wide_complex(ecg):
        return not_judged("A de Winter pattern", cause)
    ratios = {}
    for lead in CHEST:
        depth, height = -ecg.lead("j_level", lead), ecg.lead("t_amplitude", lead)
        rise = ecg.lead("st80", lead) - ecg.lead("j_level", lead)
        both = min(depth / _DE_WINTER_DEPRESSION, height / _DE_WINTER_T)
        ratios[lead] = np.nan if np.isnan(depth + height + rise) else both if rise > 0 else 0.0
    score, leads = in_contiguous_leads(ratios)
    return Evidence(
        score,
        leads,
        {lead: ecg.lead("j_level", lead) for lead in leads},
        f"Upsloping ST depression into tall T waves in {listed(leads)} (de Winter): suspected "
        "occlusion of the proximal left anterior descending artery.",
    )


def modified_sgarbossa(ecg: Measured) -> Evidence:
    """In left bundle branch block or pacing: ST shifts that the block does not explain."""
    if not wide_complex(ecg):
        return Evidence(np.nan if np.isnan(left_bundle_branch_block(ecg).score) else 0.0)
    ratios = {}
    for lead, level in ecg["j_level"].items():
        area = ecg.lead("qrs_area", lead)
        concordant = level if area > 0 else -level if lead in ("V1", "V2", "V3") else 0.0
        opposite = downward(ecg, lead) if area < 0 else upward(ecg, lead)
        discordant = -np.sign(area) * level
        excessive = discordant / opposite / _DISCORDANT_RATIO if opposite > 0 else 0.0
        # Half a millimetre on a small complex is no sign: it takes one millimetre at least.
        ratios[lead] = np.fmax(concordant / _CONCORDANT, min(excessive, discordant / _CONCORDANT))
    known = {lead: ratio for lead, ratio in ratios.items() if np.isfinite(ratio)}
    leads = tuple(lead for lead, ratio in known.items() if ratio >= 1)
    return Evidence(
        max(known.values(), default=np.nan),
        leads,
        {lead: ecg.lead("j_level", lead) for lead in leads},
        f"ST shifts in {listed(leads)} beyond what the wide QRS complex explains (modified "
        "Sgarbossa criteria): suspected occlusion.",
    )


_OPPOSITE = {"anterior": ("III", "aVF"), "lateral": ("III", "aVF"), "inferior": ("aVL", "I")}


def elevated_territories(ecg: Measured) -> tuple[str, ...]:
    """The lead groups in which the ST segment is elevated."""
    elevated = st_elevation(ecg)
    if not elevated.score >= 1:
        return ()
    return tuple(
        name for name, leads in TERRITORIES.items() if len({*leads} & {*elevated.leads}) > 1
    )


def reciprocal_change(ecg: Measured) -> Evidence:
    """ST depression opposite to ST elevation."""
    if cause := wide_complex(ecg):
        return not_judged("Reciprocal change", cause)
    if np.isnan(st_elevation(ecg).score):
        return Evidence(np.nan)
    score, leads = 0.0, set()
    depths = {lead: -mv for lead, mv in ecg["j_level"].items()}
    for territory in elevated_territories(ecg):
        opposite = {lead: depths.get(lead, np.nan) for lead in _OPPOSITE[territory]}
        score = float(np.fmax(score, max(opposite.values()) / DEPRESSION))
        leads |= {lead for lead, mv in opposite.items() if mv >= DEPRESSION}
    ordered = tuple(lead for lead in depths if lead in leads)
    return Evidence(
        score,
        ordered,
        {lead: -depths[lead] for lead in ordered},
        f"Reciprocal ST depression in {listed(ordered)}.",
    )


def suspected_culprit(ecg: Measured) -> Evidence:
    """The artery that ST elevation points to."""
    if cause := wide_complex(ecg):
        return not_judged("The culprit artery", cause)
    territories = elevated_territories(ecg)
    level = ecg["j_level"]
    if "inferior" in territories:
        two, three = ecg.lead("j_level", "II"), ecg.lead("j_level", "III")
        artery = "right coronary or circumflex artery"
        if three > two and ecg.lead("j_level", "aVL") <= -DEPRESSION:
            artery = "right coronary artery"
        elif two >= three and ecg.lead("j_level", "I") >= 0:
            artery = "circumflex artery"
        values = {"II": two, "III": three}
    elif "anterior" in territories:
        artery = "left anterior descending artery"
        values = {lead: level[lead] for lead in CHEST if lead in level}
    elif "lateral" in territories:
        artery = "circumflex or diagonal artery"
        values = {lead: level[lead] for lead in TERRITORIES["lateral"] if lead in level}
    else:
        return _left_main(ecg)
    elevated = st_elevation(ecg)
    return Evidence(elevated.score, elevated.leads, values, f"Suspected culprit: {artery}.")


def _left_main(ecg: Measured) -> Evidence:
    """ST elevation in aVR over depression in six leads or more."""
    depressed = tuple(lead for lead, mv in _depths(ecg).items() if mv >= DEPRESSION)
    in_avr = ecg.lead("j_level", "aVR") / ELEVATION
    return Evidence(
        float(min(in_avr, len(depressed) / _LEFT_MAIN_LEADS)),
        depressed,
        {"aVR": ecg.lead("j_level", "aVR")},
        "Suspected culprit: left main coronary artery, or disease of several vessels.",
    )


def _largest(values: Mapping[str, float], leads: tuple[str, ...]) -> str:
    if not leads:
        return ""
    top = max(leads, key=lambda lead: values[lead])
    return f"{values[top]:.2f} mV in {top}"


UDMI = "Thygesen et al., Fourth universal definition of MI, Circulation 138:e618 (2018)"
CRITERIA = (
    Criterion("st-elevation", "ST elevation", UDMI, st_elevation),
    Criterion("st-depression", "ST depression", UDMI, st_depression),
    Criterion("posterior", "sign of posterior infarction", UDMI, posterior_signs),
    Criterion(
        "de-winter",
        "de Winter pattern",
        "de Winter et al., N Engl J Med 359:2071 (2008)",
        de_winter,
    ),
    Criterion(
        "modified-sgarbossa",
        "modified Sgarbossa criterion",
        "Smith et al., Ann Emerg Med 60:766 (2012)",
        modified_sgarbossa,
    ),
    Criterion("reciprocal-change", "reciprocal change", UDMI, reciprocal_change),
    Criterion(
        "culprit",
        "ST elevation that points to an artery",
        "Fiol et al., Ann Noninvasive Electrocardiol 9:383 (2004); left main: Yan et al., Am "
        "Heart J 154:71 (2007)",
        suspected_culprit,
    ),
)

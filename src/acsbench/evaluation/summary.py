"""The results in plain words, with no claim that the intervals do not bear out."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.metrics import AT_THRESHOLD, RANKING_ECGS, SPECIFICITY, Pair
from acsbench.evaluation.section import PValue, Section, Table, Value, listed, p_words, text_of
from acsbench.evaluation.topics.beside_signs import RULE_WORDS
from acsbench.evaluation.topics.calibration import FEWEST_PATIENTS, tests_curve
from acsbench.statistics import Estimate

SIMULATED = (
    "The ECGs are simulated: these numbers show that the software works and say nothing about "
    "patients."
)
FEW_ECGS = 30
"""With the event, or without it: fewer say nothing about differences."""

NAMED = 3
"""Models that a sentence names beside the best; of the others the tables tell."""


def too_few_words(split: str) -> str:
    """Why nothing is shown."""
    return (
        f"Fewer than 11 patients of the {split} split have the event, or lack it. That is too few "
        "to say anything about a model, and so few that they might be recognised; no metric is "
        "shown."
    )


def summarise(analysis: Analysis, sections: Sequence[Section] = ()) -> list[str]:
    """A few sentences, each a paragraph.

    Args:
        analysis: cohort and models.
        sections: the finished ones, to be quoted.
    """
    sentences = [SIMULATED] if analysis.cohort.simulated else []
    if analysis.too_few:
        return [*sentences, too_few_words(analysis.split_name)]
    tables = {table.name: table for section in sections for table in section.tables}
    return [
        *sentences,
        _discrimination(analysis),
        *_few(analysis),
        *_ranking(analysis),
        *_at_threshold(analysis),
        *_signs(analysis, tables),
        *_calibration(analysis, tables),
        *_groups(analysis, tables),
        *_runs(analysis),
    ]


def _discrimination(analysis: Analysis) -> str:
    best, *others = analysis.order
    area, level = analysis.areas[best], analysis.settings.level
    value, _, limits = text_of(area).partition(" (")
    number = f"{value} ({100 * level:g} % interval {limits}"
    ecgs = (
        f"{len(analysis.labels):,} {analysis.split_name} ECGs of "
        f"{len(set(analysis.patients)):,} patients"
    )
    if not others:
        text = f"On {ecgs}, {best} reached an AUROC of {number}"
    elif len(analysis.labels) >= RANKING_ECGS:
        text = f"On {ecgs}, {best} had the highest AUROC of {len(others) + 1} models, {number}"
        equal = [name for name in others if analysis.areas[name].value == area.value]
        if equal:
            text = f"On {ecgs}, {listed([best, *equal])} reached the highest AUROC, {number}"
    else:
        rest = _some(
            [f"{name} {analysis.areas[name]}" for name in others],
            [analysis.areas[name].value for name in others],
            "{count} others {least:.3f} to {most:.3f}",
        )
        text = f"On {ecgs}, {best} reached an AUROC of {number}, {rest}"
    text += (
        f": of an ECG with the event and one without, it gives the right one the higher "
        f"probability {100 * area.value:.0f} times in 100"
        + (", a tie counting as half." if _has_ties(analysis, best) else ".")
    )
    if area.high < 0.5:
        text += (
            " The interval lies below 0.5, a coin toss: it ranks the wrong way round. Are label "
            "and probability about the same thing?"
        )
    if area.low <= 0.5 <= area.high:
        text += " The interval includes 0.5, a coin toss: that it knows anything is not shown."
    return text


def _has_ties(analysis: Analysis, name: str) -> bool:
    """Whether an ECG with the event and one without have the same probability."""
    labels, risks = analysis.rows(name)
    return bool(np.isin(risks[labels == 1], risks[labels == 0]).any())


def _few(analysis: Analysis) -> list[str]:
    """A warning of few ECGs with the event, or without it."""
    counts = {"have": int(analysis.labels.sum()), "lack": int((analysis.labels == 0).sum())}
    return [
        f"Only {count} of these ECGs {verb} the event. Fewer than {FEW_ECGS} say nothing about "
        "differences between models or groups."
        for verb, count in counts.items()
        if count < FEW_ECGS
    ]


def _ranking(analysis: Analysis) -> list[str]:
    best = analysis.order[0]
    pairs = [pair for pair in analysis.pairs if pair.first == best]
    if pairs and len(analysis.labels) < RANKING_ECGS:
        leads = _some(
            [f"{pair.comparison.difference} for {pair.second}" for pair in pairs],
            _differences(pairs),
            "{least:.3f} to {most:.3f} for {count} others",
        )
        return [
            f"Fewer than {RANKING_ECGS:,} ECGs rank no models: what the AUROC of {best} is above "
            f"those of the others may be chance, however sure it looks. It is {leads}."
        ]
    behind = [pair for pair in pairs if pair.ranks]
    same = [pair for pair in pairs if pair.reading == "equivalent"]
    undecided = [pair for pair in pairs if pair.reading == "undecided"]
    sentences = []
    if behind:
        leads = _some(
            [f"{pair.comparison.difference} over {pair.second}" for pair in behind],
            _differences(behind),
            "{least:.3f} to {most:.3f} over {count} others",
        )
        sentences.append(f"Its lead in AUROC is larger than chance explains: {leads}.")
    if same:
        sentences.append(f"For any purpose it is as good as {_seconds(same)}.")
    if undecided:
        leads = _some(
            [str(pair.comparison.difference) for pair in undecided],
            _differences(undecided),
            "{least:.3f} to {most:.3f}",
        )
        sentences.append(
            f"These ECGs do not tell whether {best} is better than {_seconds(undecided)}: the "
            f"difference in AUROC is {leads}, and with so many comparisons chance may explain that."
        )
    return sentences


def _seconds(pairs: Sequence[Pair]) -> str:
    return _some([pair.second for pair in pairs], _differences(pairs), "{count} others")


def _differences(pairs: Sequence[Pair]) -> list[float]:
    return [pair.comparison.difference.value for pair in pairs]


def _some(phrases: Sequence[str], values: Sequence[float], others: str) -> str:
    """The first phrases in a list; more than one left are summed up by their number and range.

    Args:
        phrases: of one model each.
        values: that they are about.
        others: what is said of those left, from `count`, `least` and `most`.
    """
    left = values[NAMED:]
    if len(left) < 2:
        return listed(phrases)
    summed = others.format(count=len(left), least=min(left), most=max(left))
    return listed([*phrases[:NAMED], summed])


def _at_threshold(analysis: Analysis) -> list[str]:
    best = analysis.order[0]
    shown = analysis.shown_metrics[best]
    found, spared = (shown.get(name) for name in AT_THRESHOLD)
    if found is None or spared is None:
        return [
            "Without probabilities of validation ECGs no threshold is chosen and nothing is "
            "recalibrated."
        ]
    few_chose = analysis.threshold_note(SPECIFICITY)
    if isinstance(found, str) or isinstance(spared, str):
        return [
            f"At the threshold that gave {best} a specificity of at least "
            f"{100 * SPECIFICITY:.0f} % on the validation ECGs, the sensitivity in the "
            f"{analysis.split_name} ECGs is {found} and the specificity {spared}: a number that "
            f"tells of 1 to 10 patients is not given.{few_chose}"
        ]
    return [
        f"At the threshold that gave {best} a specificity of at least {100 * SPECIFICITY:.0f} % on "
        f"the validation ECGs, it found {100 * found.value:.0f} % of the events in the "
        f"{analysis.split_name} ECGs ({_per_cent(found)}), at a specificity of "
        f"{100 * spared.value:.0f} % ({_per_cent(spared)}).{few_chose}"
    ]


def _per_cent(estimate: Estimate) -> str:
    return f"{100 * estimate.low:.0f} to {100 * estimate.high:.0f} %"


def _signs(analysis: Analysis, tables: dict[str, Table]) -> list[str]:
    row = _row(tables, "testing-yield", analysis.order[0])
    found = row.get("found_without_sign")
    if not isinstance(found, Estimate) or analysis.cohort.label_is_reading:
        return []
    return [
        f"Of the events that {analysis.order[0]} finds where {RULE_WORDS[str(row['rule'])]}, "
        f"{100 * found.value:.0f} % ({_per_cent(found)}) show none of the signs that a "
        "cardiologist reads."
    ]


def _calibration(analysis: Analysis, tables: dict[str, Table]) -> list[str]:
    best = analysis.order[0]
    row = _row(tables, "calibration", best)
    intercept, slope, curve = row.get("intercept"), row.get("slope"), row.get("curve_p")
    if not isinstance(intercept, Estimate):
        return []
    faults = []
    if not intercept.low <= 0 <= intercept.high:
        faults.append(f"too {'low' if intercept.value > 0 else 'high'} on the whole")
    if isinstance(slope, Estimate) and not slope.low <= 1 <= slope.high:
        faults.append(f"too {'extreme' if slope.value < 1 else 'cautious'}")
    p = curve if isinstance(curve, PValue) and curve == curve else None
    if p is not None and p < 1 - analysis.settings.level and not faults:
        faults.append("wrong by their curve, though intercept and slope alone do not show it")
    nothing_found = "not shown to be wrong" + " on the whole" * (p is None)
    words = listed(faults) if faults else nothing_found
    numbers = [f"calibration intercept {intercept.value:.2f}"]
    if isinstance(slope, Estimate) and isfinite(slope.value):
        numbers.append(f"slope {slope.value:.2f}")
    if p is not None:
        numbers.append(f"curve against the diagonal p {p_words(p)}")
    true = "intercept and slope are 0 and 1" if len(numbers) > 1 else "it is 0"
    sentence = (
        f"The probabilities of {best} are {words} ({', '.join(numbers).replace('-', '−')}; of true "
        f"ones {true}, but for chance)."
    )
    if p is None:
        why = (
            "no curve can be fitted where few values differ, or tell events and others apart "
            "without error"
            if tests_curve(analysis)
            else f"fewer than {FEWEST_PATIENTS} patients have the event, or lack it"
        )
        sentence += f" Whether they are wrong in places cannot be tested: {why}."
    return [sentence]


def _groups(analysis: Analysis, tables: dict[str, Table]) -> list[str]:
    if "subgroup-gaps" not in tables:
        return []
    gaps = [r for r in tables["subgroup-gaps"].rows if r["model"] == analysis.order[0]]
    tested = [(r, p) for r in gaps if isinstance(p := r["p_adjusted"], float) and p == p]
    sure = [r for r, p in tested if p < 1 - analysis.settings.level]
    if not tested:
        return ["Groups of patients are too small to test whether the model does worse in some."]
    if not sure:
        return [
            f"Of {len(tested)} gaps between groups of patients that could be tested none is larger "
            "than chance explains, which does not show that there is none."
        ]
    named = listed(f"{r['by']}, {r['group']}: {r['what']} {text_of(r['gap'])}" for r in sure)
    return [f"Gaps to the rest that are larger than chance explains: {named}."]


def _runs(analysis: Analysis) -> list[str]:
    """Which runs the numbers of one model's runs stand for."""
    runs = [f"{m.name} is {m.notes['run']}" for m in analysis.models if "model" in m.notes]
    return [f"Several runs of one model are numbered: {listed(runs)}."] if runs else []


def _row(tables: dict[str, Table], table: str, model: str) -> dict[str, Value]:
    if table not in tables:
        return {}
    return next((dict(row) for row in tables[table].rows if row.get("model") == model), {})

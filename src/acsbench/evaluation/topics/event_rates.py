"""What a ranking is worth: event rates among those of highest risk, and events found there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.figures.lines import Line, Scales, lines_figure
from acsbench.evaluation.section import Picture, Section, Table, Value
from acsbench.statistics import Estimate, event_rate, event_rate_by_percentile, yield_at_capacity

Percentiles = NDArray[np.int64]

PERCENTILES: Percentiles = np.arange(0, 99)
CAPACITIES = (0.01, 0.05, 0.10, 0.20)
TABLE_STEP = 10


def event_rates(analysis: Analysis) -> Section:
    """Cumulative event rate by risk percentile, and the yield at capacity."""
    # A percentile above which hardly any ECG is left rests on a handful of persons.
    least = 30 / len(analysis.labels)
    percentiles = PERCENTILES[100 * (1 - least) >= PERCENTILES]
    rates = {
        name: event_rate_by_percentile(
            *analysis.rows(name), percentiles, analysis.patients, analysis.settings.level
        )
        for name in analysis.order
    }
    return Section(
        "Event rate by predicted risk",
        [],
        [
            _figure(analysis, percentiles, rates),
            _table(analysis, percentiles, rates),
            _yields(analysis),
        ],
        methods=[
            "Event rates: Wilson limits (1927) for the effective number of ECGs (Rao & Scott "
            "1992). Events found at a capacity: percentile limits of "
            f"{analysis.settings.resamples:,} bootstrap samples of patients."
        ],
        references=[
            "Rao JNK, Scott AJ. A simple method for the analysis of clustered binary data. "
            "Biometrics 1992;48:577–585.",
            "Wilson EB. Probable inference, the law of succession, and statistical inference. "
            "J Am Stat Assoc 1927;22:209–212.",
        ],
    )


def _figure(
    analysis: Analysis, percentiles: Percentiles, rates: dict[str, list[Estimate]]
) -> Picture:
    best = analysis.order[0]
    lines = {
        name: Line(
            percentiles,
            [rate.value for rate in of_model],
            analysis.styles[name],
            ([r.low for r in of_model], [r.high for r in of_model]) if name == best else None,
        )
        for name, of_model in rates.items()
    }
    signs = {
        f"{sign} (reading)": (100 * (1 - float(seen.mean())), float(analysis.labels[seen].mean()))
        for sign, seen in analysis.signs.items()
    }
    return Picture(
        "event-rate-by-percentile",
        "Event rate among the ECGs at or above each percentile of predicted risk. "
        + ("A sign stands where a model would that calls as many. " if signs else "")
        + f"The band is the interval of {best}.",
        lines_figure(
            lines,
            analysis.marks("event rate by risk"),
            Scales("Percentile of predicted risk", "Event rate at or above it", (0, 100), (0, 1)),
            points=signs,
            level=("all ECGs", float(analysis.labels.mean())),
        ),
    )


def _table(analysis: Analysis, percentiles: Percentiles, rates: dict[str, list[Estimate]]) -> Table:
    rows: list[dict[str, Value]] = [
        {"model": name, "percentile": f"{percentile}", "event_rate": rate}
        for name, of_model in rates.items()
        for percentile, rate in zip(percentiles, of_model, strict=True)
    ]
    for sign, seen in analysis.signs.items():
        rate = event_rate(analysis.labels[seen], analysis.patients[seen], analysis.settings.level)
        place = f"{100 * (1 - seen.mean()):.1f}"
        rows.append({"model": f"{sign} (reading)", "percentile": place, "event_rate": rate})
    best = [r for r in rows if r["model"] == analysis.order[0]]
    shown = [r for r in best if int(str(r["percentile"])) % TABLE_STEP == 0]
    return Table(
        "event-rate-by-percentile",
        f"Event rate at or above percentiles of the risk that {analysis.order[0]} predicts; every "
        "percentile of every model is in the CSV file.",
        {"model": "Model", "percentile": "Percentile", "event_rate": "Event rate at or above"},
        2,
        rows,
        shown=shown + [row for row in rows if "reading" in str(row["model"])],
    )


def _yields(analysis: Analysis) -> Table:
    rows = []
    for name in analysis.order:
        found = yield_at_capacity(
            *analysis.rows(name),
            CAPACITIES,
            analysis.patients,
            analysis.settings.level,
            **analysis.settings.resampling,
        )
        row: dict[str, Value] = {"model": name}
        for capacity, estimate in zip(CAPACITIES, found, strict=True):
            row[f"top_{100 * capacity:g}_percent"] = estimate
        rows.append(row)
    headings = {f"top_{100 * c:g}_percent": f"Top {100 * c:g}\u00a0%" for c in CAPACITIES}
    return Table(
        "yield-at-capacity",
        "Share of all events that are found if only the ECGs of highest risk are acted on.",
        {"model": "Model", **headings},
        1,
        rows,
    )

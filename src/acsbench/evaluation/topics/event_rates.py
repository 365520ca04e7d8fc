"""What a ranking is worth: event rates among those of highest risk, and events found there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.figures.lines import Line, Scales, lines_figure
from acsbench.evaluation.section import Picture, Section, Table, Value
from acsbench.evaluation.small_cells import coarse_share
from acsbench.statistics import Estimate, event_rate, event_rate_by_percentile, yield_at_capacity

Percentiles = NDArray[np.int64]
Rates = dict[int, Estimate]
"""By percentile."""

PERCENTILES: Percentiles = np.arange(0, 99)
CAPACITIES = (0.01, 0.05, 0.10, 0.20)
TABLE_STEP = 10


def event_rates(analysis: Analysis) -> Section:
    """Cumulative event rate by risk percentile, and the yield at capacity."""
    # A percentile above which hardly any ECG is left rests on a handful of persons.
    least = 30 / len(analysis.labels)
    percentiles = PERCENTILES[100 * (1 - least) >= PERCENTILES]
    rates = {name: _rates(analysis, name, percentiles) for name in analysis.order}
    return Section(
        "Event rate by predicted risk",
        [],
        [
            _figure(analysis, rates),
            _table(analysis, rates),
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


def _rates(analysis: Analysis, name: str, percentiles: Percentiles) -> Rates:
    """Event rates at or above those percentiles that may be told of, the tens before others."""
    labels, scores = analysis.rows(name)
    tens_first = sorted(percentiles, key=lambda percentile: percentile % TABLE_STEP > 0)
    places = np.floor(np.array(tens_first) / 100 * len(scores) + 1e-9).astype(int)
    is_shown = analysis.shown_cuts(scores, np.sort(scores)[places])
    kept = sorted(np.array(tens_first)[is_shown].tolist())
    found = event_rate_by_percentile(
        labels, scores, kept, analysis.patients, analysis.settings.level
    )
    return dict(zip(kept, found, strict=True))


def _figure(analysis: Analysis, rates: dict[str, Rates]) -> Picture:
    best = analysis.order[0]
    lines = {
        name: Line(
            list(of_model),
            [rate.value for rate in of_model.values()],
            analysis.styles[name],
            (
                [rate.low for rate in of_model.values()],
                [rate.high for rate in of_model.values()],
            )
            if name == best
            else None,
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
        + f"The band is the interval of {best}.{analysis.thinned}",
        lines_figure(
            lines,
            analysis.marks("event rate by risk"),
            Scales("Percentile of predicted risk", "Event rate at or above it", (0, 100), (0, 1)),
            points=signs,
            level=("all ECGs", float(analysis.labels.mean())),
        ),
    )


def _table(analysis: Analysis, rates: dict[str, Rates]) -> Table:
    rows: list[dict[str, Value]] = [
        {"model": name, "percentile": f"{percentile}", "event_rate": rate}
        for name, of_model in rates.items()
        for percentile, rate in of_model.items()
    ]
    for sign, seen in analysis.signs.items():
        rate = event_rate(analysis.labels[seen], analysis.patients[seen], analysis.settings.level)
        place = f"{100 * (1 - seen.mean()):.1f}"
        rows.append({"model": f"{sign} (reading)", "percentile": place, "event_rate": rate})
    best = [r for r in rows if r["model"] == analysis.order[0]]
    everything = analysis.settings.show_small_cells
    shown = [r for r in best if int(str(r["percentile"])) % TABLE_STEP == 0]
    return Table(
        "event-rate-by-percentile",
        f"Event rate at or above percentiles of the risk that {analysis.order[0]} predicts; "
        f"{'every percentile' if everything else 'further percentiles'} of every model "
        f"{'is' if everything else 'are'} in the CSV file.",
        {"model": "Model", "percentile": "Percentile", "event_rate": "Event rate at or above"},
        2,
        rows,
        note=""
        if everything
        else "Percentiles between which few patients have the event, or lack it, are left out.",
        shown=shown + [row for row in rows if "reading" in str(row["model"])],
    )


def _shown_yields(analysis: Analysis, name: str, found: list[Estimate]) -> list[Estimate | str]:
    """The yields, with text for those that would tell a small cell."""
    scores = analysis.rows(name)[1]
    places = -rankdata(-scores, method="ordinal").astype(float)
    called = np.ceil(np.array(CAPACITIES) * len(scores))
    return [
        estimate if is_shown else coarse_share(places >= -last, analysis.labels == 1)
        for estimate, is_shown, last in zip(
            found, analysis.shown_cuts(places, -called), called, strict=True
        )
    ]


def _yields(analysis: Analysis) -> Table:
    rows: list[dict[str, Value]] = []
    for name in analysis.order:
        found = yield_at_capacity(
            *analysis.rows(name),
            CAPACITIES,
            analysis.patients,
            analysis.settings.level,
            **analysis.settings.resampling,
        )
        rows.append(
            {
                "model": name,
                **{
                    f"top_{100 * capacity:g}_percent": value
                    for capacity, value in zip(
                        CAPACITIES, _shown_yields(analysis, name, found), strict=True
                    )
                },
            }
        )
    headings = {f"top_{100 * c:g}_percent": f"Top {100 * c:g}\u00a0%" for c in CAPACITIES}
    return Table(
        "yield-at-capacity",
        "Share of all events that are found if only the ECGs of highest risk are acted on.",
        {"model": "Model", **headings},
        1,
        rows,
    )

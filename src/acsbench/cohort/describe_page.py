"""The page of a described cohort: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from acsbench.cohort.flow import SPLIT_TITLES, Box, ShownFlow
from acsbench.cohort.flow_figure import counted
from acsbench.cohort.published import IN_BOTH, Comparison
from acsbench.cohort.table_one import TableOne
from acsbench.cohort.table_text import LEVEL_NAMES, NONE, Row, missing_rows, table_rows
from acsbench.cohort.variables import NOTES
from acsbench.disclosure import SMALLEST_CELL
from acsbench.pages import inline_svg, page_environment

if TYPE_CHECKING:
    from acsbench.cohort.describe import Description

PLAIN_ERRORS = (
    "Mean, or share of those whose value is known, with its standard error in brackets. The "
    "standard errors take all units as independent."
)
_CAPTIONS = {
    "ecg": "Counted over ECGs: a patient with several ECGs counts as often.",
    "visit": "Counted over visits: each visit with an ECG counts once.",
    "patient": "Counted over patients: each counts once, with the age at the first ECG in the "
    "column. Of several values of an outcome or a measurement the highest counts.",
}


def caption(level: str) -> str:
    """What is counted in the table of a level."""
    return _CAPTIONS[level]


def footnotes(table: TableOne) -> list[str]:
    """Notes that the rows call for."""
    described = {variable.column for variable in table.variables}
    return [note for column, note in NOTES.items() if column in described]


def flow_note(levels: Sequence[str]) -> str:
    """What the boxes of the flow count."""
    units = "patients, visits and ECGs" if "visit" in levels else "patients and ECGs"
    return (
        f"Boxes count the {units} that are left. A patient is left out at a step if no ECG of "
        "theirs remains."
    )


def flow_lines(flow: ShownFlow) -> list[str]:
    """The flow as lines of text, branches indented."""
    lines = [line for box in flow.trunk for line in _lines_of(box, "")]
    for branch in flow.branches:
        lines += [line for box in branch for line in _lines_of(box, "  ")]
    if flow.in_both:
        lines.append(f"in both groups: {flow.in_both} patients")
    return lines


def _lines_of(box: Box, indent: str) -> list[str]:
    lines = [f"{indent}{box.title}: {counted(box.counts)}"]
    if box.left_out and set(box.left_out.values()) != {"0"}:
        lines.insert(0, f"{indent}  left out: {counted(box.left_out)}")
    return lines


def comparison_cells(comparison: Comparison) -> tuple[str, str, str, str, str]:
    """A comparison as text: published and here with s.e., difference, and that in s.e. twice."""
    decimals = comparison.decimals
    return (
        _with_error(comparison.published, comparison.published_se, decimals),
        _with_error(comparison.here, comparison.se, decimals),
        f"{comparison.difference:+,.{decimals}f}".replace("-", "−")
        if round(comparison.difference, decimals)
        else "0",
        _signed(comparison.in_standard_errors(clustered=False)),
        _signed(comparison.in_standard_errors(clustered=True)),
    )


def _with_error(value: float, error: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}" if value else "0"
    if not error > 0:
        return text
    # Two digits, without an exponent.
    rounded = float(f"{error:.2g}")
    return f"{text} ({rounded:,.0f})" if rounded >= 10 else f"{text} ({_plain(error)})"


def _plain(error: float) -> str:
    places = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
    return f"{error:.{places}f}"


def _signed(number: float) -> str:
    if number != number:
        return NONE
    return "0.0" if abs(number) < 0.05 else f"{number:+.1f}".replace("-", "−")


def sections(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows under their headings."""
    return [(name, list(group)) for name, group in groupby(rows, lambda row: row.section)]


def summary(description: Description) -> list[str]:
    """The counts in plain words."""
    table, last = description.table, description.flow.trunk[-1]
    sentences = [description.tasks[0].description] if len(description.tasks) == 1 else []
    sentences += [f"Described are {counted(last.counts).removeprefix('n = ')}."]
    if description.flow.in_both:
        sentences.append(
            f"{description.flow.in_both} patients are in both groups: a split of each group by "
            "itself would let them cross."
        )
    rows = [c for c in description.comparisons if c.row != IN_BOTH and c.se == c.se]
    if rows:
        far = [c for c in rows if abs(c.in_standard_errors(clustered=True)) > 2]
        sentences.append(
            f"Of {len(rows)} published figures with a standard error, {len(far)} are more than 2 "
            "standard errors away, with patients as independent."
        )
    if table.hidden.items:
        sentences.append(
            f"Cells of 1 to {SMALLEST_CELL - 1} are not shown, nor what would give them away."
        )
    return sentences


def render(description: Description, figure: str) -> str:
    """The page as HTML; everything that comes from data or files is escaped.

    Args:
        description: what to show.
        figure: the flow as SVG.
    """
    environment = page_environment("acsbench.cohort")
    table = description.table
    missing = missing_rows(table)
    context: dict[str, Any] = {
        "description": description,
        "summary": summary(description),
        "figure": inline_svg(figure, "Flow of the cohort; the counts are in the text."),
        "flow_lines": flow_lines(description.flow),
        "tables": {level: sections(table_rows(table, level)) for level in table.levels},
        "captions": _CAPTIONS,
        "units": LEVEL_NAMES,
        "missing": sections([row for row in missing if set(row.cells) != {"0"}]),
        "never_missing": [row.title for row in missing if set(row.cells) == {"0"}],
        "comparisons": [(c.row, c.column, comparison_cells(c)) for c in description.comparisons],
        "by_split": set(table.columns[1:]) <= set(SPLIT_TITLES.values()),
        "plain_errors": PLAIN_ERRORS,
        "footnotes": footnotes(table),
    }
    return environment.get_template("description.html.j2").render(context)

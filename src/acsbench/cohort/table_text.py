"""Table 1 as text: for a page, as CSV and as LaTeX. Hidden cells stay hidden in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from acsbench.cohort.cells import COUNT, MISSING, ROUNDED_FROM
from acsbench.cohort.levels import LEVELS, Summary
from acsbench.cohort.table_one import COUNTED, TableOne
from acsbench.cohort.variables import Variable
from acsbench.disclosure import NOT_SHOWN, SMALLEST_CELL

NONE = "–"
UNDER_11 = f"<{SMALLEST_CELL}"
LEVEL_NAMES = {"ecg": "ECGs", "visit": "visits", "patient": "patients"}


@dataclass(frozen=True)
class Row:
    """A row as it is printed.

    Args:
        section: the heading it stands under; empty for counts.
        title: its words.
        cells: one per column.
    """

    section: str
    title: str
    cells: tuple[str, ...]


def table_rows(table: TableOne, level: str) -> list[Row]:
    """The table of a level: counts first, then means and shares with plain standard errors."""
    counts = [
        Row("", title, tuple(count_text(table, name, column) for column in table.columns))
        for name, title in COUNTED.items()
        if name in table.levels
    ]
    return counts + [
        Row(
            variable.section,
            variable.title,
            tuple(
                " ".join(_cell(table, variable, level, column)[:2]).strip()
                for column in table.columns
            ),
        )
        for variable in table.at(level)
    ]


def table_csv(table: TableOne, level: str) -> pd.DataFrame:
    """The same with a column for each figure and each standard error, rounded as printed."""
    records = []
    for name, title in COUNTED.items():
        if name in table.levels:
            record = {"section": "", "row": title, "variable": IDS_COUNTED[name]}
            record["statistic"] = COUNT
            for column in table.columns:
                text = count_text(table, name, column).replace(",", "")
                record |= {column: text, f"{column} s.e.": "", f"{column} s.e. by patient": ""}
            records.append(record)
    for variable in table.at(level):
        record = {"section": variable.section, "row": variable.title, "variable": variable.column}
        record["statistic"] = variable.kind
        for column in table.columns:
            value, plain, clustered = _cell(table, variable, level, column)
            record[column] = value
            record[f"{column} s.e."] = plain.strip("()")
            record[f"{column} s.e. by patient"] = clustered.strip("()")
        records.append(record)
    return pd.DataFrame(records)


IDS_COUNTED = {"patient": "patients", "visit": "visits", "ecg": "ecgs"}


def missing_rows(table: TableOne) -> list[Row]:
    """ECGs whose value is unknown: count and share."""
    rows = []
    for variable in table.variables:
        cells = [" ".join(_missing(table, variable, column)).strip() for column in table.columns]
        rows.append(Row(variable.section, variable.title, tuple(cells)))
    return rows


def missing_csv(table: TableOne) -> pd.DataFrame:
    """The same with count and share in columns of their own."""
    records = []
    for variable in table.variables:
        record = {"section": variable.section, "row": variable.title, "variable": variable.column}
        for column in table.columns:
            count, share = _missing(table, variable, column)
            record[f"{column} unknown"] = count.replace(",", "")
            record[f"{column} share"] = share.strip("()")
        records.append(record)
    return pd.DataFrame(records)


def count_text(table: TableOne, level: str, column: str) -> str:
    """A count of units."""
    mark = _mark(table, (COUNT, level, column))
    return mark or f"{table.counts[level, column]:,}"


def _mark(table: TableOne, name: tuple[str, ...]) -> str:
    if not table.is_hidden(*name):
        return ""
    return UNDER_11 if name in table.hidden.under_11 else NOT_SHOWN


def _cell(table: TableOne, variable: Variable, level: str, column: str) -> tuple[str, str, str]:
    """Value, and both standard errors in brackets."""
    if table.is_hidden(variable.column, level, column):
        return NOT_SHOWN, "", ""
    summary = table.summaries[variable.column, level, column]
    if summary.known == 0:
        return NONE, "", ""
    if variable.kind == "share" and summary.value in (0, 1):
        return f"{summary.value:.0f}", "", ""
    decimals = value_decimals(variable, summary)
    errors = decimals + (variable.kind == "mean")
    plain, clustered = (
        f"({error:.{errors}f})" if error == error else ""
        for error in (summary.se, summary.se_clustered)
    )
    return f"{summary.value:.{decimals}f}", plain, clustered


def value_decimals(variable: Variable, summary: Summary) -> int:
    """Decimals of a mean, and of a share: a fourth only where it tells nothing of single units."""
    if variable.kind == "mean":
        return variable.decimals
    return 4 if summary.known >= 10 * ROUNDED_FROM and summary.value < 0.03 else 3


def _missing(table: TableOne, variable: Variable, column: str) -> tuple[str, str]:
    mark = _mark(table, (variable.column, MISSING, column))
    count = table.missing[variable.column, column]
    if mark or count == 0:
        return mark or "0", ""
    return f"{count:,}", f"({count / table.counts[LEVELS[0], column]:.3f})"


def latex(table: TableOne, captions: dict[str, str], notes: Sequence[str]) -> str:
    r"""A LaTeX `table` for each level; the document needs `\usepackage{booktabs}`.

    Args:
        table: what to print.
        captions: by level.
        notes: sentences below each table.
    """
    parts = ["% Needs \\usepackage{booktabs}.\n"]
    for level in table.levels:
        rows = table_rows(table, level)
        lines = [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{tex(captions[level])}}}",
            f"  \\label{{tab:one-{level}}}",
            f"  \\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"    \toprule",
            "    " + " & ".join(["", *map(tex, table.columns)]) + r" \\",
            r"    \midrule",
        ]
        for section, group in groupby(rows, lambda row: row.section):
            if section:
                spanned = f"\\multicolumn{{{len(table.columns) + 1}}}{{l}}"
                lines.append(r"    \addlinespace")
                lines.append(f"    {spanned}{{\\textit{{{tex(section)}}}}} \\\\")
            indent = r"\quad " if section else ""
            for row in group:
                cells = " & ".join(map(tex, row.cells))
                lines.append(f"    {indent}{tex(row.title)} & {cells} \\\\")
        lines += [r"    \bottomrule", r"  \end{tabular}"]
        lines += [f"  \\par\\smallskip\\footnotesize {tex(' '.join(notes))}"] if notes else []
        parts.append("\n".join([*lines, r"\end{table}", ""]))
    return "\n".join(parts)


_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "–": "--",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def tex(text: str) -> str:
    r"""Text as LaTeX takes it.

    >>> tex("<11 & 50 %")
    '$<$11 \\& 50 \\%'
    """
    return "".join(_TEX.get(character, character) for character in text)

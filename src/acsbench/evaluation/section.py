"""The parts of a report: sections of text, tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from acsbench.disclosure import NOT_SHOWN, shown_count
from acsbench.statistics import Estimate

NONE = "–"


class PValue(float):
    """A p value, printed as journals do."""

    def __str__(self) -> str:
        """The value with two or three decimals.

        >>> [str(PValue(p)) for p in (0.00004, 0.0312, 0.41, float("nan"))]
        ['< 0.001', '0.031', '0.41', '–']
        """
        if self != self:
            return NONE
        if self < 0.001:
            return "< 0.001"
        return f"{self:.3f}" if self < 0.1 else f"{self:.2f}"


def p_words(p: PValue) -> str:
    """A p value after "p": `= 0.031` or `< 0.001`."""
    text = str(p)
    return text if text[0] == "<" else f"= {text}"


class Threshold(float):
    """A probability from which an ECG is called, printed with three digits."""

    def __str__(self) -> str:
        """Three significant digits."""
        return f"{self:#.3g}"


class Share(float):
    """A share or another number without an interval, printed with three decimals."""

    def __str__(self) -> str:
        """Three decimals, with a typographic minus."""
        return f"{float(self):.3f}".replace("-", "−")


class Count(int):
    """A number of ECGs or patients, printed with thousands separators."""

    def __str__(self) -> str:
        """With commas."""
        return f"{int(self):,}"


Value = Estimate | PValue | Threshold | Share | Count | str | None
"""What a cell holds; text where a number may not be shown, None where there is none."""


def counted(count: int, show_small_cells: bool = False) -> Count | str:
    """A count, or in place of a small one its text."""
    text = shown_count(count, show_small_cells)
    return Count(count) if text[0] != "<" else text


def number_in(text: str) -> Count | Share | str:
    """A number that was printed for a page, so that a file can hold it; other text as it is.

    >>> number_in("1,234") + 1, number_in("0.125") * 2, number_in("<11")
    (1235, 0.25, '<11')
    """
    digits = text.replace(",", "")
    if digits.isdecimal():
        return Count(digits)
    whole, _, decimals = digits.partition(".")
    return Share(digits) if whole.isdecimal() and decimals.isdecimal() else text


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a report, and its CSV file.

    Args:
        name: of the file, without ending.
        caption: a sentence or two.
        columns: heading of each column, by its name in the rows.
        keys: how many of the columns, from the first, say what a row is about. The page sets
            them in words, the others as numbers.
        rows: cells by column; a column may be missing.
        note: below the table.
        shown: the rows that the page prints, if it should not print all.
        off_page: columns that only the file has.
    """

    name: str
    caption: str
    columns: Mapping[str, str]
    keys: int
    rows: Sequence[Mapping[str, Value]]
    note: str = ""
    shown: Sequence[Mapping[str, Value]] | None = None
    off_page: Sequence[str] = ()

    @property
    def page_columns(self) -> dict[str, str]:
        """The columns that the page prints."""
        return {name: words for name, words in self.columns.items() if name not in self.off_page}

    @property
    def words(self) -> int:
        """How many of the columns on the page hold words."""
        return self.keys - len(set(list(self.columns)[: self.keys]) & set(self.off_page))

    @property
    def on_page(self) -> Sequence[Mapping[str, Value]]:
        """The rows that the page prints."""
        return self.rows if self.shown is None else self.shown

    def long_form(self) -> pd.DataFrame:
        """One row per number: what it is about, the number with its interval, and as printed.

        A table of words alone stays as it is.
        """
        keys, numbers = list(self.columns)[: self.keys], list(self.columns)[self.keys :]
        if not numbers:
            return pd.DataFrame(list(self.rows), columns=keys)
        records = [
            {key: str(row.get(key) or "") for key in keys}
            | {"metric": name}
            | _numbers(row[name])
            | {"shown": text_of(row[name])}
            for row in self.rows
            for name in numbers
            if name in row
        ]
        table = pd.DataFrame(records, columns=[*keys, "metric", *_FIELDS, "shown"])
        # Beside an empty cell, pandas would write a count as 43.0.
        return table.astype(dict.fromkeys(_COUNTS, "Int64"))


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure of a report, and its files.

    Args:
        name: of the files, without ending.
        caption: what it shows.
        figure: drawn for print.
    """

    name: str
    caption: str
    figure: Figure


@dataclass(frozen=True, eq=False)
class Section:
    """A section of a report.

    Args:
        title: its heading.
        paragraphs: plain text on top.
        parts: tables and figures, in order.
        methods: sentences for the methods, each a paragraph.
        references: what the methods cite.
    """

    title: str
    paragraphs: Sequence[str] = ()
    parts: Sequence[Table | Picture] = ()
    methods: Sequence[str] = ()
    references: Sequence[str] = field(default_factory=tuple)

    @property
    def tables(self) -> list[Table]:
        """The tables, in order."""
        return [part for part in self.parts if isinstance(part, Table)]

    @property
    def pictures(self) -> list[Picture]:
        """The figures, in order."""
        return [part for part in self.parts if isinstance(part, Picture)]


_COUNTS = ("n", "events", "groups")
_FIELDS = ("value", "low", "high", "level", "method", *_COUNTS)


def _numbers(value: Value) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(_FIELDS)
    if isinstance(value, Estimate):
        return {field: getattr(value, field) for field in _FIELDS}
    if isinstance(value, float | int):
        return empty | {"value": value + 0}
    return empty


def text_of(value: Value) -> str:
    """A cell as text."""
    if isinstance(value, Estimate):
        return " ".join(estimate_parts(value))
    return NONE if value is None else str(value)


def estimate_parts(estimate: Estimate) -> tuple[str, str]:
    """Value and limits as text: three decimals, or one from 10 on.

    >>> estimate_parts(Estimate(12.34, 8.1, float("inf"), 0.95, "Wald", 100, 50, 90))
    ('12.3', '(8.1–∞)')
    """
    value, low, high = estimate.value, estimate.low, estimate.high
    spec = ".3f" if abs(value) < 10 else ".1f"
    texts = [_plain(number, spec) for number in (value, low, high)]
    between = " to " if "−" in texts[1] + texts[2] else "–"
    return texts[0], f"({texts[1]}{between}{texts[2]})"


def _plain(number: float, spec: str) -> str:
    return format(number, spec).replace("-", "−").replace("inf", "∞")


def listed(words: Iterable[str]) -> str:
    """Words with commas and "and".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


__all__ = [
    "NONE",
    "NOT_SHOWN",
    "Count",
    "PValue",
    "Picture",
    "Section",
    "Share",
    "Table",
    "Threshold",
    "Value",
    "counted",
    "estimate_parts",
    "listed",
    "number_in",
    "p_words",
    "text_of",
]

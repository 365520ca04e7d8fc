"""Tables for spreadsheets, in which no name is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from fastapi import Response

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers.

    >>> harmless("=HYPERLINK(1)"), harmless("Heart Lab"), harmless(-0.5)
    ("'=HYPERLINK(1)", 'Heart Lab', -0.5)
    """
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file to download.

    Args:
        name: of the file, one of ours: never a user's text.
        header: names of the columns.
        rows: their values.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return Response(
        text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

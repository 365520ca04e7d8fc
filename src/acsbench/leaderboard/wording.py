"""How the checker speaks: sentences about lines, the first of each kind told one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from acsbench.errors import DataError

LISTED = 20
"""Findings of one kind that are told one by one; the rest is counted."""

_LONGEST = 40

Found = TypeVar("Found")


def listed(found: Sequence[Found], sentence_of: Callable[[Found], str], further: str) -> list[str]:
    """A sentence for each of the first findings, and one that counts the others.

    Args:
        found: the findings of one kind.
        sentence_of: tells one of them.
        further: what the others have in common, after their number.

    Examples:
        >>> listed(range(2, 24), "line {} is odd".format, "further lines are odd")[-2:]
        ['line 21 is odd', '2 further lines are odd']
    """
    sentences = [sentence_of(each) for each in found[:LISTED]]
    if len(found) > LISTED:
        sentences.append(f"{len(found) - LISTED:,} {further}")
    return sentences


def named(ids: Sequence[str]) -> str:
    """Some ids, the first of them by name.

    Examples:
        >>> named(["ecg1", "ecg2"])
        "'ecg1', 'ecg2'"
    """
    names = ", ".join(map(quoted, ids[:LISTED]))
    return names if len(ids) <= LISTED else f"{names} and {len(ids) - LISTED:,} more"


def sentence(error: DataError) -> str:
    """An error of an upload as a sentence.

    Examples:
        >>> sentence(DataError("the row has 1 cell", row=3, column="acs", fix="Add one"))
        "line 3, column 'acs': the row has 1 cell; add one"
    """
    line = "" if error.row is None else f"line {error.row}"
    column = "" if error.column is None else f"column {quoted(error.column)}"
    place = ", ".join(part for part in (line, column) if part)
    words = f"{error.problem}; {error.fix[:1].lower()}{error.fix[1:]}"
    return f"{place}: {words}" if place else words


def quoted(text: str) -> str:
    r"""A text from the upload, in quotation marks: short, and without what does not print.

    Examples:
        >>> quoted("ecg1"), quoted("0.5\x1b[2J"), quoted("x" * 500)[-4:]
        ("'ecg1'", "'0.5\\x1b[2J'", "xx…'")
    """
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")

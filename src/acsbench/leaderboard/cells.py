"""What can be wrong with the ids and the numbers of an upload."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from acsbench.leaderboard.columns import ID
from acsbench.leaderboard.wording import listed, named, quoted

LONGEST = 64
"""Characters of a prediction; the shortest text of any number has fewer."""

# A digit can be matched in one way only, or a long text that is no number would take minutes.
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_INFINITE = re.compile(r"\s*[+-]?inf(inity)?\s*", re.ASCII | re.IGNORECASE)
_MISSING = ("", "nan", "na", "n/a", "null", "none", "-")
_MANY_NEGATIVE, _MANY_OUTSIDE = 0.25, 0.5
"""Shares of numbers below 0, or outside [0, 1], from which a column is named as a whole."""


def places_of(ids: Sequence[str], position: Mapping[str, int]) -> NDArray[np.intp]:
    """Place of each id in the holdout, −1 where it has none, shape (n,)."""
    return np.fromiter(map(position.get, ids, repeat(-1)), np.intp, len(ids))


def id_problems(
    ids: Sequence[str],
    lines: Sequence[int],
    position: Mapping[str, int],
    places: NDArray[np.intp],
    unread: Set[str] = frozenset(),
    complete: bool = True,
) -> list[str]:
    """Ids that are unknown, occur twice or do not occur, in sentences.

    Args:
        ids: of each row.
        lines: of each row.
        position: place of each ECG of the holdout.
        places: `places_of` the ids, shape (n,).
        unread: ids on lines of which nothing else could be read.
        complete: whether the file was read to its end.
    """
    known = places >= 0
    times = np.bincount(places[known], minlength=len(position))
    if known.all() and (times == 1).all():
        return []
    if not known.any() and not unread & position.keys():
        return [_none_known(ids[0], lines[0], position)]
    unknown = [(ids[row], lines[row]) for row in np.flatnonzero(~known).tolist()]
    close = closest_ids([ecg_id for ecg_id, _ in unknown], position)
    first: dict[str, int] = {}
    again = []
    for row in np.flatnonzero(~known | (times[places] > 1)).tolist():
        if lines[row] != first.setdefault(ids[row], lines[row]):
            again.append((ids[row], lines[row]))

    def of_unknown(found: tuple[str, int]) -> str:
        ecg_id, line = found
        if not ecg_id.strip():
            return f"line {line}: the id is empty"
        meant = f"; did you mean {quoted(close[ecg_id])}?" if ecg_id in close else ""
        return f"line {line}: {quoted(ecg_id)} is no ECG of the holdout{meant}"

    problems = listed(unknown, of_unknown, "further lines have ids that are not in the holdout")
    problems += listed(
        again,
        lambda found: (
            f"line {found[1]}: {quoted(found[0])} was predicted already on line "
            f"{first[found[0]]}; keep one prediction for each ECG"
        ),
        "further lines predict an ECG once more",
    )
    missing = [ecg_id for ecg_id, k in position.items() if not times[k] and ecg_id not in unread]
    if missing and complete:
        problems.append(
            f"{len(missing):,} of the {len(position):,} ECGs of the holdout have no prediction: "
            f"{named(missing)}"
        )
    return problems


def _none_known(ecg_id: str, line: int, position: Mapping[str, int]) -> str:
    close = closest_ids([ecg_id], position)
    meant = f"; did you mean {quoted(close[ecg_id])}?" if close else ""
    return (
        f"line {line}: {quoted(ecg_id)} is no ECG of the holdout, nor is any other of the column "
        f"{ID}{meant}"
    )


def closest_ids(unknown: Sequence[str], known: Mapping[str, int]) -> dict[str, str]:
    """The known id that is meant, where it differs only in spelling that programs change.

    That is spaces, upper and lower case, a prefix, the end of a file's name, leading zeros, and
    the decimals that a spreadsheet gives to a whole number.

    Examples:
        >>> closest_ids([" ECG07", "7.0", "x"], {"ecg07": 0})
        {' ECG07': 'ecg07', '7.0': 'ecg07'}
    """
    if not unknown:
        return {}
    by_core: dict[str, str | None] = {}
    for ecg_id in known:
        core = _core(ecg_id)
        by_core[core] = None if core in by_core else ecg_id
    found = {ecg_id: by_core.get(_core(ecg_id)) for ecg_id in unknown}
    return {ecg_id: meant for ecg_id, meant in found.items() if meant is not None}


def _core(ecg_id: str) -> str:
    core = ecg_id.strip().strip("'\"").casefold()
    core = re.sub(r"\.(0+|npz|npy|csv|dat|hea)$", "", core)
    return core.removeprefix("ecg").lstrip("0")


def numbers(cells: Sequence[str]) -> NDArray[np.float64]:
    """Texts as numbers; NaN where one is none, shape (n,).

    Decimals with a point, and exponents; no digit groups, no digits of other scripts, and no more
    than `LONGEST` characters.
    """
    together = "".join(cells)
    # float() takes 1_000 and digits of all scripts as well.
    plain = together.isascii() and "_" not in together
    if plain and max(map(len, cells), default=0) <= LONGEST:
        try:
            return np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def value_problems(
    name: str, cells: Sequence[str], values: NDArray[np.float64], lines: Sequence[int]
) -> list[str]:
    """What is wrong with a column of predictions, in sentences.

    Args:
        name: of the column.
        cells: texts of the rows.
        values: the same as numbers, shape (n,).
        lines: of the rows.
    """
    finite = values[np.isfinite(values)]
    outside = (finite < 0) | (finite > 1)
    if len(finite) == len(values) and not outside.any():
        return _constant(name, finite)
    of_column = None
    if len(finite) and ((finite < 0).mean() >= _MANY_NEGATIVE or outside.mean() >= _MANY_OUTSIDE):
        first = lines[int(np.flatnonzero((values < 0) | (values > 1))[0])]
        of_column = _column_outside(name, finite, first)
    wrong = ~np.isfinite(values) if of_column else ~((values >= 0) & (values <= 1))

    def sentence(row: int) -> str:
        return f"line {lines[row]}, column {name}: {_value_words(cells[row], values[row])}"

    further = f"further lines of the column {name} have no number in [0, 1]"
    problems = [] if of_column is None else [of_column]
    return problems + listed(np.flatnonzero(wrong).tolist(), sentence, further)


def _column_outside(name: str, values: NDArray[np.float64], line: int) -> str:
    """What a column with many numbers outside [0, 1] may be."""
    low, high = float(values.min()), float(values.max())
    found = (
        f"line {line} and further, column {name}: the numbers range from {low:.4g} to {high:.4g}, "
        "not from 0 to 1"
    )
    if low < 0:
        guess = "these look like logits: apply the sigmoid, 1 / (1 + exp(-x))"
        if high <= 0:
            guess += ", or if they are logarithms of probabilities, exp(x)"
    elif high <= 100:
        guess = "these look like per cent: divide by 100"
    else:
        guess = "give probabilities"
    return f"{found}; {guess}"


def _constant(name: str, values: NDArray[np.float64]) -> list[str]:
    if len(values) < 2 or np.ptp(values) > 0:
        return []
    return [f"column {name}: all predictions are {values[0]:g}; they rank nobody"]


def _value_words(cell: str, value: float) -> str:
    """What is wrong with one prediction."""
    if len(cell) > LONGEST:
        return f"{quoted(cell)} has {len(cell):,} characters; write a number of at most {LONGEST}"
    text = cell.strip()
    if text.casefold() in _MISSING:
        return "the prediction is missing"
    if np.isinf(value):
        return f"{quoted(text)} is not finite"
    if not np.isnan(value):
        return f"{quoted(text)} lies outside 0 to 1"
    if "," in text and _NUMBER.fullmatch(text.replace(",", ".")):
        return f"{quoted(text)} has a decimal comma; write {quoted(text.replace(',', '.'))}"
    if _NUMBER.fullmatch(text.removesuffix("%")):
        return f"{quoted(text)} is in per cent; write a number from 0 to 1"
    return f"{quoted(text)} is not a number"


def _number(cell: str) -> float:
    if len(cell) > LONGEST:
        return float("nan")
    if _NUMBER.fullmatch(cell):
        return float(cell)
    if _INFINITE.fullmatch(cell):
        return float("inf")
    return float("nan")

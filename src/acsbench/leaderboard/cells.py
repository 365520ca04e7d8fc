"""What can be wrong with the ids and the numbers of an upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from acsbench.leaderboard.columns import ID
from acsbench.leaderboard.wording import listed, named, quoted
from acsbench.spelling import closest_ids
from acsbench.tables import LONGEST_NUMBER, MISSING, has_decimal_comma, to_numbers

_MISSING = MISSING | {"none", "-"}
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
    if len(cell) > LONGEST_NUMBER:
        most = f"write a number of at most {LONGEST_NUMBER}"
        return f"{quoted(cell)} has {len(cell):,} characters; {most}"
    text = cell.strip()
    if text.casefold() in _MISSING:
        return "the prediction is missing"
    if np.isinf(value):
        return f"{quoted(text)} is not finite"
    if not np.isnan(value):
        return f"{quoted(text)} lies outside 0 to 1"
    if has_decimal_comma(text):
        return f"{quoted(text)} has a decimal comma; write {quoted(text.replace(',', '.'))}"
    if text.endswith("%") and np.isfinite(to_numbers([text[:-1]])[0]):
        return f"{quoted(text)} is in per cent; write a number from 0 to 1"
    return f"{quoted(text)} is not a number"

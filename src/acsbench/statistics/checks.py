"""What every statistic asks of its arguments, checked in one place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Rows(NamedTuple):
    """Checked arguments: `events` (True where the label is 1), `scores` and `groups`, shape (n,).

    `groups` numbers the patients from 0 without gaps, or is None.
    """

    events: NDArray[np.bool_]
    scores: NDArray[np.float64]
    groups: NDArray[np.intp] | None

    @property
    def n_groups(self) -> int | None:
        """How many patients there are."""
        return None if self.groups is None else int(self.groups.max()) + 1


def checked_rows(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    events: bool = True,
    nonevents: bool = True,
    name: str = "scores",
) -> Rows:
    """Labels, scores and patients as arrays that a statistic can trust.

    Args:
        labels: 0/1 or False/True, shape (n,).
        scores: finite numbers, shape (n,).
        groups: one patient id per row (text or numbers), shape (n,), or None.
        events, nonevents: whether the statistic needs a row with label 1, with label 0.
        name: what messages call the scores.

    Raises:
        ValueError: a label is not 0/1, a score is not a finite number, a patient id is missing,
            lengths differ, or a class that is needed has no row.
    """
    label = checked_labels(labels, events=events, nonevents=nonevents)
    score = _numbers(scores, name)
    if len(score) != len(label):
        raise ValueError(f"{len(label)} labels and {len(score)} {name}; give one of each per row")
    return Rows(label, score, checked_groups(groups, len(label)))


def checked_labels(
    labels: ArrayLike, *, events: bool = True, nonevents: bool = True
) -> NDArray[np.bool_]:
    """Labels as booleans, shape (n,); see `checked_rows`."""
    label = _numbers(labels, "labels")
    if len(label) == 0:
        raise ValueError("there are no rows")
    is_event: NDArray[np.bool_] = label == 1
    other = ~is_event & (label != 0)
    if other.any():
        raise ValueError(f"labels must be 0 or 1; {other.sum()} of {len(label)} are not")
    if events and not is_event.any():
        raise ValueError("no row has the label 1")
    if nonevents and is_event.all():
        raise ValueError("no row has the label 0")
    return is_event


def checked_groups(groups: ArrayLike | None, n: int) -> NDArray[np.intp] | None:
    """Patients numbered from 0 without gaps, shape (n,); see `checked_rows`."""
    if groups is None:
        return None
    ids = np.asarray(groups)
    if ids.shape != (n,):
        raise ValueError(f"groups have shape {ids.shape}; give one patient id for each of {n} rows")
    if ids.dtype.kind == "f" and np.isnan(ids).any():
        raise ValueError(f"the patient id of {np.isnan(ids).sum()} rows is missing")
    if ids.dtype.kind not in "OSU":
        return np.unique(ids, return_inverse=True)[1]
    # Sorting text is slow, and text beside numbers cannot be sorted at all.
    values = ids.tolist()
    missing = sum(not isinstance(value, str | bytes | int) for value in values)
    if missing:
        raise ValueError(f"the patient id of {missing} rows is neither text nor a whole number")
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.intp)


def checked_probability(value: float, name: str, *, open_interval: bool = False) -> float:
    """A number in [0, 1], or in (0, 1) if the ends make no sense.

    Raises:
        ValueError: it is not.
    """
    inside = 0 < value < 1 if open_interval else 0 <= value <= 1
    if not inside:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
    return float(value)


def _numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} are not all numbers ({error})") from error
    if array.ndim != 1:
        raise ValueError(f"{name} have shape {array.shape}; give a single row of numbers")
    finite = np.isfinite(array)
    if not finite.all():
        raise ValueError(f"{(~finite).sum()} of {len(array)} {name} are NaN or infinite")
    return array

"""What every statistic asks of its arguments, checked in one place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.estimate import Estimate


class Rows(NamedTuple):
    """Checked arguments: `events` (True where the label is 1), `scores`, `groups`, `weights`.

    All have the shape (n,). `groups` numbers the patients from 0 without gaps, or is None;
    `weights` are positive, or None.
    """

    events: NDArray[np.bool_]
    scores: NDArray[np.float64]
    groups: NDArray[np.intp] | None
    weights: NDArray[np.float64] | None = None

    @property
    def n_groups(self) -> int | None:
        """How many patients there are."""
        return None if self.groups is None else int(self.groups.max()) + 1

    def estimate(
        self, value: float, low: float, high: float, level: float, method: str
    ) -> Estimate:
        """An estimate that rests on these rows."""
        n, events = len(self.events), int(self.events.sum())
        return Estimate(value, low, high, level, method, n, events, self.n_groups)

    def patients_by_class(self) -> tuple[int, int]:
        """How many patients have an event, and how many a non-event; rows if there are none."""
        if self.groups is None:
            n_events = int(self.events.sum())
            return n_events, len(self.events) - n_events
        of_events = np.bincount(self.groups, self.events)
        of_others = np.bincount(self.groups, ~self.events)
        return int(np.count_nonzero(of_events)), int(np.count_nonzero(of_others))


def checked_rows(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    events: bool = True,
    nonevents: bool = True,
    name: str = "scores",
) -> Rows:
    """Labels, scores and patients as arrays that a statistic can trust.

    Args:
        labels: 0/1 or False/True, shape (n,).
        scores: finite numbers, shape (n,).
        groups: one patient id per row (text or numbers), shape (n,), or None.
        weights: positive numbers, shape (n,), or None.
        events, nonevents: whether the statistic needs a row with label 1, with label 0.
        name: what messages call the scores.

    Raises:
        ValueError: a label is not 0/1, a score is not a finite number, a patient id is missing, a
            weight is not positive, lengths differ, or a class that is needed has no row.
    """
    label = checked_labels(labels, events=events, nonevents=nonevents)
    score = checked_numbers(scores, name)
    if len(score) != len(label):
        raise ValueError(f"{len(label)} labels and {len(score)} {name}; give one of each per row")
    return Rows(
        label, score, checked_groups(groups, len(label)), checked_weights(weights, len(label))
    )


def checked_probabilities(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    events: bool = False,
    nonevents: bool = False,
) -> Rows:
    """As `checked_rows`, for scores that are probabilities; one class alone is allowed.

    Raises:
        ValueError: as for `checked_rows`, or a probability lies outside [0, 1].
    """
    rows = checked_rows(
        labels, probabilities, groups, events=events, nonevents=nonevents, name="probabilities"
    )
    outside = (rows.scores < 0) | (rows.scores > 1)
    if outside.any():
        raise ValueError(f"{outside.sum()} of {len(outside)} probabilities lie outside [0, 1]")
    return rows


def checked_labels(
    labels: ArrayLike, *, events: bool = True, nonevents: bool = True
) -> NDArray[np.bool_]:
    """Labels as booleans, shape (n,); see `checked_rows`."""
    label = checked_numbers(labels, "labels")
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
    _check_unmasked(groups, "patient ids")
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


def checked_weights(weights: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    """Positive weights, shape (n,); see `checked_rows`."""
    if weights is None:
        return None
    weight = checked_numbers(weights, "weights")
    if len(weight) != n:
        raise ValueError(f"{len(weight)} weights for {n} rows; give one per row")
    if not (weight > 0).all():
        raise ValueError(f"{(weight <= 0).sum()} of {n} weights are not positive; drop those rows")
    return weight


def checked_probability(value: float, name: str, *, open_interval: bool = False) -> float:
    """A number in [0, 1], or in (0, 1) if the ends make no sense.

    Raises:
        ValueError: it is not.
    """
    inside = 0 < value < 1 if open_interval else 0 <= value <= 1
    if not inside:
        raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
    return float(value)


def checked_numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Finite numbers, shape (n,).

    Raises:
        ValueError: some are not, or are masked, or they have another shape.
    """
    _check_unmasked(values, name)
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


def _check_unmasked(values: ArrayLike, name: str) -> None:
    # `np.asarray` drops a mask in silence, and what it hid would count.
    masked = np.ma.getmaskarray(values).sum() if isinstance(values, np.ma.MaskedArray) else 0
    if masked:
        raise ValueError(f"{masked} of {np.size(values)} {name} are masked; leave those rows out")

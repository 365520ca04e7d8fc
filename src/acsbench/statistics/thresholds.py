"""Choosing a threshold on validation rows.

A row is called positive if its score is at least the threshold; `classification` has what that
does on test rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from acsbench.statistics.checks import checked_numbers, checked_probability, checked_rows


def threshold_at_specificity(labels: ArrayLike, scores: ArrayLike, specificity: float) -> float:
    """The smallest threshold that leaves at least this share of the non-events below it.

    The threshold is a score that occurs, or where even the highest score is too low, the next
    number above it.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, shape (n,).
        specificity: share of non-events that may not be called, in [0, 1].

    Raises:
        ValueError: a label is not 0/1, no label is 0, a score is NaN or infinite, lengths differ
            or the specificity lies outside [0, 1].

    Examples:
        >>> threshold_at_specificity([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.5, 0.7], 0.75)
        0.5
    """
    checked_probability(specificity, "specificity")
    rows = checked_rows(labels, scores, events=False)
    nonevents = np.sort(rows.scores[~rows.events])
    # 0.7 × 10 is a little more than 7 in floating point and must not ask for eight.
    below = int(np.ceil(specificity * len(nonevents) - 1e-9))
    if below == 0:
        return float(rows.scores.min())
    highest_below = nonevents[below - 1]
    candidates = rows.scores[rows.scores > highest_below]
    if len(candidates) == 0:
        return _above_all(rows.scores)
    return float(candidates.min())


def threshold_at_sensitivity(labels: ArrayLike, scores: ArrayLike, sensitivity: float) -> float:
    """The largest threshold that calls at least this share of the events.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, shape (n,).
        sensitivity: share of events that must be called, in [0, 1].

    Returns:
        The score of an event, or for a sensitivity of 0 the number above all scores.

    Raises:
        ValueError: a label is not 0/1, no label is 1, a score is NaN or infinite, lengths differ
            or the sensitivity lies outside [0, 1].

    Examples:
        >>> threshold_at_sensitivity([0, 0, 1, 1, 1, 1], [0.1, 0.6, 0.3, 0.2, 0.5, 0.7], 0.75)
        0.3
    """
    checked_probability(sensitivity, "sensitivity")
    rows = checked_rows(labels, scores, nonevents=False)
    events = np.sort(rows.scores[rows.events])[::-1]
    # As for the specificity: 0.7 × 10 must not ask for eight.
    wanted = int(np.ceil(sensitivity * len(events) - 1e-9))
    return _above_all(rows.scores) if wanted == 0 else float(events[wanted - 1])


def youden_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """The threshold of the largest sensitivity + specificity − 1; of equals, the largest.

    It weighs a missed event and a needless call as the prevalence has it, which is seldom what
    the clinic wants, and varies much from sample to sample.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, shape (n,).

    Returns:
        A score that occurs, or the number above all scores if calling nobody is as good.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, or all labels
            are the same.

    References:
        Youden, Cancer 3:32 (1950).

    Examples:
        >>> youden_threshold([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
        0.6
    """
    rows = checked_rows(labels, scores)
    n_events = int(rows.events.sum())
    n_others = len(rows.events) - n_events
    descending = np.argsort(-rows.scores, kind="stable")
    ordered, events = rows.scores[descending], rows.events[descending]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    # In whole numbers, so that thresholds that are equally good compare as equal.
    gains = np.cumsum(np.where(events, n_others, -n_events))[ends]
    best = int(gains.argmax())
    return float(ordered[ends[best]]) if gains[best] > 0 else _above_all(rows.scores)


def threshold_at_capacity(scores: ArrayLike, share: float) -> float:
    """The smallest threshold that calls at most this share of the rows.

    Rows with one score are called together, so that ties may leave places free.

    Args:
        scores: any finite numbers, shape (n,).
        share: of the rows that can be acted on, in [0, 1].

    Returns:
        A score that occurs, or the number above all scores.

    Raises:
        ValueError: a score is NaN or infinite, there is none, or the share lies outside [0, 1].

    Examples:
        >>> threshold_at_capacity([0.1, 0.2, 0.3, 0.4, 0.6, 0.8], share=0.5)
        0.4
    """
    checked_probability(share, "share")
    numbers = checked_numbers(scores, "scores")
    if len(numbers) == 0:
        raise ValueError("there are no rows")
    places = int(np.floor(share * len(numbers) + 1e-9))
    return _calling_at_most(places, numbers)


def optimistic_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """The study's rule: as many rows called as there are events among these very rows.

    Optimistic, as it reads the prevalence off the labels that the threshold is then judged by;
    sensitivity and positive predictive value become equal. Only to reproduce published numbers.

    Args:
        labels: 0/1 of the rows to be judged, shape (n,).
        scores: any finite numbers, shape (n,).

    Returns:
        The threshold; where ties stand in the way, the one that calls fewer.

    Raises:
        ValueError: a label is not 0/1, no label is 1, a score is NaN or infinite, or lengths
            differ.

    Examples:
        >>> optimistic_threshold([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
        0.4
    """
    rows = checked_rows(labels, scores, nonevents=False)
    return _calling_at_most(int(rows.events.sum()), rows.scores)


def share_elsewhere(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Limits of the share that a threshold leaves on its side among others than it was chosen on.

    A threshold at the k-th of n independent scores leaves a share below it, in the population,
    whose distribution does not depend on that of the scores: it lies between those of the k-th
    and the next of n uniform numbers. The limits are Clopper and Pearson's of k out of n.

    Args:
        share: that the threshold was chosen to reach at least, such as a specificity of 0.9.
        n: how many scores chose it, such as patients without the event; 0 leaves all open.
        level: confidence level.

    Raises:
        ValueError: the share lies outside [0, 1], `n` is negative, or the level is impossible.

    References:
        Wilks, Ann Math Stat 12:91 (1941); Clopper & Pearson, Biometrika 26:404 (1934).

    Examples:
        >>> for n in (20, 200, 2000):
        ...     print(n, *(f"{limit:.2f}" for limit in share_elsewhere(0.9, n)))
        20 0.68 0.99
        200 0.85 0.94
        2000 0.89 0.91
    """
    checked_probability(share, "share")
    checked_probability(level, "level", open_interval=True)
    if n < 0:
        raise ValueError(f"{n} scores; expected 0 or more")
    # As where the threshold is chosen: 0.7 × 10 must not ask for eight.
    reached = int(np.ceil(share * n - 1e-9))
    tail = (1 - level) / 2
    low = 0.0 if reached == 0 else float(betaincinv(reached, n + 1 - reached, tail))
    high = 1.0 if reached == n else float(betaincinv(reached + 1, n - reached, 1 - tail))
    return low, high


def _calling_at_most(places: int, scores: NDArray[np.float64]) -> float:
    ranked = np.sort(scores)[::-1]
    if places >= len(ranked):
        return float(ranked[-1])
    called = ranked[ranked > ranked[places]]
    return float(called[-1]) if len(called) else _above_all(scores)


def _above_all(scores: NDArray[np.float64]) -> float:
    return float(np.nextafter(scores.max(), np.inf))

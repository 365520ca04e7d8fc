"""When only some were tested: weights from what was measured, and what the rest could change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from acsbench.statistics.auroc import auroc
from acsbench.statistics.checks import (
    checked_groups,
    checked_labels,
    checked_numbers,
    checked_probability,
    checked_rows,
    checked_weights,
)
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.logistic import fit_logistic, logit_of

# A weight that moves nothing, where rounding would leave none at all.
_NEGLIGIBLE = 1e-12


def fit_propensity(selected: ArrayLike, covariates: ArrayLike) -> NDArray[np.float64]:
    """Probability of having been selected (such as tested), given covariates.

    A logistic regression with an intercept, no interactions and no penalty: add columns for
    squares, splines or interactions where they may matter. An outcome of the test, or anything
    that follows from it, is no covariate.

    Args:
        selected: 0/1, shape (n,).
        covariates: finite numbers, shape (n, p).

    Returns:
        Probabilities of selection, shape (n,).

    Raises:
        ValueError: a number is NaN or infinite, shapes disagree, all or none are selected, a
            covariate repeats others or tells the selected from the others without error.

    References:
        Rosenbaum & Rubin, Biometrika 70:41 (1983).

    Examples:
        >>> fit_propensity([0, 0, 1, 0, 1, 1], [[1], [2], [3], [4], [5], [6]]).round(2)
        array([0.05, 0.14, 0.35, 0.65, 0.86, 0.95])
    """
    chosen = checked_labels(selected)
    columns = _checked_covariates(covariates, len(chosen))
    spread = columns.std(axis=0)
    if (spread == 0).any():
        raise ValueError("a covariate does not vary; leave it out")
    design = np.c_[np.ones(len(chosen)), (columns - columns.mean(axis=0)) / spread]
    propensities: NDArray[np.float64] = expit(design @ fit_logistic(design, chosen).coefficients)
    return propensities


def inverse_probability_weights(
    selected: ArrayLike,
    propensities: ArrayLike,
    *,
    stabilised: bool = True,
    truncate: float = 0.99,
) -> NDArray[np.float64]:
    """Weights with which the selected stand for everybody.

    Args:
        selected: 0/1, shape (n,).
        propensities: probability of selection, in (0, 1], shape (n,).
        stabilised: multiply by the share of the selected, which makes the mean about 1 and
            changes no ratio.
        truncate: quantile of the weights to which larger ones are cut, in (0, 1]; 1 cuts
            nothing. It trades a little bias for much variance.

    Returns:
        The weights of the selected rows in their order, shape (selected rows,).

    Raises:
        ValueError: a label is not 0/1, nobody is selected, a propensity lies outside (0, 1], the
            quantile lies outside (0, 1] or lengths differ.

    References:
        Cole & Hernán, Am J Epidemiol 168:656 (2008).

    Examples:
        >>> inverse_probability_weights([1, 0, 1, 0], [0.5, 0.5, 0.25, 0.25], truncate=1)
        array([1., 2.])
    """
    rows = checked_rows(selected, propensities, nonevents=False, name="propensities")
    if ((rows.scores <= 0) | (rows.scores > 1)).any():
        raise ValueError("propensities must lie above 0 and at most at 1")
    if truncate == 0:
        raise ValueError("truncating at quantile 0 makes all weights equal; leave the weights out")
    checked_probability(truncate, "quantile of truncation")
    weights = 1 / rows.scores[rows.events]
    if stabilised:
        weights = weights * rows.events.mean()
    return np.minimum(weights, np.quantile(weights, truncate))


def effective_sample_size(weights: ArrayLike) -> float:
    """Number of rows of equal weight that would say as much (Kish).

    Args:
        weights: positive, shape (n,).

    Raises:
        ValueError: a weight is not positive, or there is none.

    References:
        Kish, Survey Sampling (1965), section 11.7.

    Examples:
        >>> effective_sample_size([1, 1, 4])
        2.0
    """
    each = checked_numbers(weights, "weights")
    checked_weights(each, len(each))
    if len(each) == 0:
        raise ValueError("there are no weights")
    return float(each.sum() ** 2 / (each @ each))


def standardised_differences(
    covariates: ArrayLike, selected: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """How far the (weighted) selected are from everybody, in standard deviations of everybody.

    Weights that do their work bring every difference near 0; 0.1 is a usual limit.

    Args:
        covariates: finite numbers that vary, shape (n, p).
        selected: 0/1, shape (n,).
        weights: of the selected rows in their order, shape (selected rows,); None weighs all
            alike.

    Returns:
        One difference for each covariate, shape (p,).

    Raises:
        ValueError: a number is NaN or infinite, a label is not 0/1, nobody is selected, a weight
            is not positive, a covariate does not vary or shapes disagree.

    References:
        Austin, Stat Med 28:3083 (2009).

    Examples:
        >>> standardised_differences([[1], [2], [3], [4]], [0, 0, 1, 1]).round(2)
        array([0.89])
    """
    chosen = checked_labels(selected, nonevents=False)
    columns = _checked_covariates(covariates, len(chosen))
    each = checked_weights(weights, int(chosen.sum()))
    spread = columns.std(axis=0)
    if (spread == 0).any():
        raise ValueError("a covariate does not vary; leave it out")
    of_selected = np.average(columns[chosen], axis=0, weights=each)
    differences: NDArray[np.float64] = (of_selected - columns.mean(axis=0)) / spread
    return differences


def auroc_if_all_tested(
    labels: ArrayLike,
    scores: ArrayLike,
    untested_scores: ArrayLike,
    untested_risks: ArrayLike,
    groups: ArrayLike | None = None,
    untested_groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    odds_ratio: float = 1.0,
    slope: float = 1.0,
) -> Estimate:
    """Area under the ROC curve among everybody, had the untested been tested too.

    Nobody knows the labels of the untested. Each untested row counts as an event with the weight
    of its assumed risk and as a non-event with the rest. The assumed risk is the given one
    shifted in the log odds, for doctors see more than a model does:

        logit(assumed) = centre + slope × (logit(given) − centre) + log(odds ratio)

    with the centre the mean of logit(given). The odds ratio says how much more often the untested
    have the disease than tested patients of the same score (below 1: doctors rightly did not
    test them). The slope says how much of the score's information about the tested holds among
    the untested (0: none; 1: all). Neither can be estimated: report the area over a range of
    both. The interval takes the assumed risks as if they were data, and is too narrow.

    Args:
        labels: 0/1 of the tested, shape (n,).
        scores: finite, of the tested, shape (n,).
        untested_scores: finite, on the same scale, shape (m,).
        untested_risks: risk of the untested if they were like the tested, in [0, 1], shape (m,),
            such as a recalibration on the tested gives.
        groups: patient of each tested row, shape (n,).
        untested_groups: patient of each untested row, shape (m,); given with `groups`, or
            neither. A patient can be in both.
        level: confidence level.
        odds_ratio: of the untested against the tested with the same score, positive.
        slope: share of the score's information that holds, usually from 0 to 1.

    Returns:
        The area; `n` counts tested and untested rows, `events` those of the tested alone.

    Raises:
        ValueError: as for `auroc`; a risk lies outside [0, 1], the odds ratio is not positive,
            or only one of the two groups is given.

    References:
        Robins, Rotnitzky & Scharfstein, in Statistical Models in Epidemiology, Springer (2000),
        1–94, for the shift of the log odds as a sensitivity analysis; Kosinski & Barnhart,
        Biometrics 59:163 (2003), for tests whose result decides who is verified.

    Examples:
        >>> labels, scores = [0, 1, 0, 1, 1], [0.2, 0.4, 0.5, 0.7, 0.9]
        >>> for slope in (0, 1):
        ...     area = auroc_if_all_tested(
        ...         labels, scores, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], slope=slope
        ...     )
        ...     print(f"{area.value:.2f}")
        0.80
        0.82
    """
    rows = checked_rows(labels, scores, events=False, nonevents=False)
    more = checked_numbers(untested_scores, "scores of the untested")
    risks = checked_numbers(untested_risks, "risks of the untested")
    if len(more) != len(risks) or len(more) == 0:
        raise ValueError(f"{len(more)} scores and {len(risks)} risks of the untested")
    if ((risks < 0) | (risks > 1)).any():
        raise ValueError("risks of the untested must lie between 0 and 1")
    if not 0 < odds_ratio < np.inf:
        raise ValueError(f"odds ratio is {odds_ratio}; it must be a positive number")
    patients = _joined_groups(groups, untested_groups, len(rows.events), len(more))
    given = logit_of(risks)
    centre = given.mean()
    assumed = expit(centre + slope * (given - centre) + np.log(odds_ratio))
    assumed = assumed.clip(_NEGLIGIBLE, 1 - _NEGLIGIBLE)
    tested, untested = len(rows.events), len(more)
    estimate = auroc(
        np.r_[rows.events, np.ones(untested), np.zeros(untested)],
        np.r_[rows.scores, more, more],
        np.r_[patients, patients[tested:]],
        level,
        weights=np.r_[np.ones(tested), assumed, 1 - assumed],
    )
    return replace(
        estimate,
        method=f"{estimate.method} by the assumed risk of the untested",
        n=tested + untested,
        events=int(rows.events.sum()),
        groups=None if groups is None else estimate.groups,
    )


def _joined_groups(
    tested: ArrayLike | None, untested: ArrayLike | None, n: int, m: int
) -> NDArray[np.intp]:
    """Patients of the tested and then the untested rows; a row each where none are given."""
    if (tested is None) != (untested is None):
        raise ValueError("give the patients of the tested and of the untested, or neither")
    if tested is None or untested is None:
        return np.arange(n + m)
    joined = checked_groups(np.concatenate([np.asarray(tested), np.asarray(untested)]), n + m)
    assert joined is not None
    return joined


def _checked_covariates(covariates: ArrayLike, n: int) -> NDArray[np.float64]:
    columns = np.asarray(covariates, dtype=np.float64)
    if columns.ndim != 2 or len(columns) != n or columns.shape[1] == 0:
        raise ValueError(f"covariates have shape {columns.shape}; give {n} rows of numbers")
    if not np.isfinite(columns).all():
        raise ValueError("a covariate is NaN or infinite; fill it in, or leave its row out")
    return columns

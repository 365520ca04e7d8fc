"""The Ladder: a public score that moves only for progress that is more than chance.

A team that sees the public score of every submission learns a little about the public labels
each time, and can put together a submission that scores well on them and no better elsewhere. The
Ladder (Blum & Hardt 2015) tells a team nothing but its standing score, and raises that only if a
submission beats it by a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from acsbench.errors import ConfigurationError


def ladder(standing: float | None, score: float, step: float) -> float:
    """A team's standing public score after one more submission.

    The standing score is kept unless the submission's exceeds it by more than `step`, and then
    becomes that score, rounded to a multiple of the step.

    With k submissions of one team, of which each may depend on all that was released before, the
    released score is for all of them at once within ε + step of the best true score among those
    submitted so far, but for a probability of at most

        exp(−2 ε² m + (1 / step + 2) log(4 k / step) + 1).

    For a mean over independent rows m is their number (theorem 3.1). For an AUROC it is the lesser
    of the numbers of patients with, and without, the event, if each has one ECG: the argument needs
    no more than a bound on how far the score of a submission fixed in advance strays, which
    Hoeffding (1963, section 5b) gives for such a statistic. The bound is wide: with 100 submissions
    and a step of 0.01 it promises an ε of 0.1 from some 55,000 patients on.
    What attackers gain is simulated in `benchmarks/leaderboard_attack.py`.

    Args:
        standing: the score released so far, a multiple of the step; None before the first.
        score: public score of the submission, larger being better.
        step: least progress that counts, positive.

    Raises:
        ConfigurationError: the step is not positive.

    References:
        Blum & Hardt, The Ladder: a reliable leaderboard for machine learning competitions, ICML
        37:1006 (2015), algorithm 1; Hoeffding, J Am Stat Assoc 58:13 (1963).

    Examples:
        >>> ladder(None, 0.8137, step=0.01), ladder(0.81, 0.8194, step=0.01)
        (0.81, 0.81)
        >>> ladder(0.81, 0.8262, step=0.01)
        0.83
    """
    if not 0 < step < math.inf:
        raise ConfigurationError(f"the Ladder's step is {step}; it must be positive")
    if standing is not None and score <= standing + step:
        return standing
    return _rounded(score, step)


def parameter_free_ladder(
    standing: float | None, score: float, standard_error: float, n: int
) -> float:
    """As `ladder`, with the standard error of the progress in place of a step.

    The paper's variant for whoever cannot choose a step (algorithm 2). It has no such guarantee,
    and against an attacker who changes little at a time it helps little: a small change has a small
    standard error, which chance exceeds one time in six.

    Args:
        standing: the score released so far; None before the first.
        score: public score of the submission, larger being better.
        standard_error: of the difference between this submission and the one that stands, on the
            same rows; not used before the first.
        n: rows; scores are rounded to multiples of 1 / n.
    """
    if standing is not None and score <= standing + standard_error:
        return standing
    return _rounded(score, 1 / n)


def standings(scores: Iterable[float], step: float) -> list[float]:
    """The standing score after each of a team's submissions, in the order of their arrival.

    Examples:
        >>> standings([0.81, 0.815, 0.84, 0.79], step=0.01)
        [0.81, 0.81, 0.84, 0.84]
    """
    released: list[float] = []
    for score in scores:
        released.append(ladder(released[-1] if released else None, score, step))
    return released


def _rounded(score: float, step: float) -> float:
    """To the nearest multiple of the step, without the dust of binary fractions."""
    return round(round(score / step) * step, 12)

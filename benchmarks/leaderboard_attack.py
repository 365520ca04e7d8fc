"""What a team gains on the public board by attacking it, with and without protection.

A team has an honest model of AUROC 0.85 and 500 submissions. It knows nothing of the labels but
what the board releases. The gain is how far the score that the board shows at the end lies above
the true AUROC of the submission that has it, measured on as many private ECGs, less the same of the
honest model, whose part of it is luck. Three attacks:

- boosting: each submission is the model plus fresh noise, each noise is weighed by what the board
  showed, and the weighed sum is added to the model (after Blum & Hardt 2015, section 5, whose
  majority vote this is for labels).
- climbing: noise is added to the best submission so far, and kept if the board shows progress.
- staircase: the team begins with its model turned upside down and lets it improve just as fast as
  the Ladder's steps, so that every submission tells one bit (after Hardt, ICML 2017, section 4).

Of each attack the amplitude of the noise that gains most is shown: the attacker is lucky to have
guessed it.

    OMP_NUM_THREADS=1 python benchmarks/leaderboard_attack.py --ecgs 1295 --repeats 20
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import norm

from acsbench.leaderboard.ladder import ladder, parameter_free_ladder
from acsbench.statistics import compare_auroc

SUBMISSIONS, LIMIT = 500, 100
HONEST, PREVALENCE = 0.85, 0.39
SEPARATION = float(np.sqrt(2) * ndtri(HONEST))
STEP = 0.01
TOP_OF_STAIRS = 0.80  # the honest model must still make a step above it

Scores = NDArray[np.float64]
Release = Callable[["Board", float, Scores], float]
Attack = Callable[["Board", "Team", float], Scores]


def area(labels: NDArray[np.bool_], scores: Scores) -> float:
    """AUROC of scores without ties: the mean rank of the events tells it."""
    ranks = np.argsort(np.argsort(scores))
    events = labels.sum()
    wins = ranks[labels].sum() - events * (events - 1) / 2
    return float(wins / (events * (len(labels) - events)))


@dataclass
class Board:
    """Public labels, and what the team has been shown of them.

    `best` are the scores of the submission that stands.
    """

    labels: NDArray[np.bool_]
    release: Release
    left: int
    standing: float | None = None
    best: Scores | None = None

    def submit(self, scores: Scores) -> float:
        """What the board shows after a submission; `scores` are those of the public ECGs first."""
        assert self.left > 0
        self.left -= 1
        public = scores[: len(self.labels)]
        shown = self.release(self, area(self.labels, public), public)
        if self.standing is None or shown > self.standing:
            self.standing, self.best = shown, scores
        return shown


@dataclass
class Team:
    """A model's scores of all ECGs, the public ones first, and a source of noise."""

    model: Scores
    rng: np.random.Generator

    def noise(self) -> Scores:
        """One draw for each ECG."""
        return self.rng.standard_normal(len(self.model))


def boosting(board: Board, team: Team, amplitude: float) -> Scores:
    last = board.submit(team.model)
    shown, noises = [], []
    while board.left > 1:
        noise = team.noise()
        score = board.submit(team.model + amplitude * noise)
        # A board that climbs tells of this submission only by how far it climbed.
        shown.append(score - last if _climbs(board) else score)
        noises.append(noise)
        last = score
    luck = np.array(shown) - np.mean(shown)
    return _submit_learnt(board, team, luck / (luck.std() or 1.0), noises)


def climbing(board: Board, team: Team, amplitude: float) -> Scores:
    current = team.model
    shown = board.submit(current)
    while board.left:
        candidate = current + amplitude * team.noise()
        score = board.submit(candidate)
        if score > shown:
            current, shown = candidate, score
    return current


def staircase(board: Board, team: Team, amplitude: float) -> Scores:
    """`amplitude` is how many standard errors of luck a submission needs to take a step."""
    events = board.labels.sum()
    error = np.sqrt((len(board.labels) + 1) / (12 * events * (len(board.labels) - events)))
    # What luck was on average, in standard errors, if the step was taken and if it was not.
    taken, missed = (sign * norm.pdf(amplitude) / norm.cdf(-sign * amplitude) for sign in (1, -1))
    shown = board.submit(-team.model)
    luck, noises = [], []
    while board.left > 1:
        aimed = min(shown + STEP - amplitude * error, TOP_OF_STAIRS)
        noise = team.noise()
        score = board.submit(_share_of_model(aimed) * team.model + noise)
        luck.append(taken if score > shown else missed)
        noises.append(noise)
        shown = max(score, shown)
    return _submit_learnt(board, team, np.array(luck), noises)


ATTACKS: dict[str, tuple[Attack, Sequence[float]]] = {
    "boosting": (boosting, (0.3, 1.0)),
    "climbing": (climbing, (0.03, 0.1, 0.3)),
    "staircase": (staircase, (0.0, 0.5, 1.0, 1.5)),
}


def _share_of_model(aimed: float) -> float:
    """Weight of the model, beside noise of unit variance, that gives an AUROC; may be negative."""
    distance = np.sqrt(2) * ndtri(aimed)
    return float(distance / np.sqrt(max(SEPARATION**2 - distance**2, 1e-3)))


def _submit_learnt(
    board: Board, team: Team, luck: NDArray[np.float64], noises: Sequence[Scores]
) -> Scores:
    """The model with as much of the lucky noise as adds most to the public score.

    Args:
        luck: how many standard errors each noise separated events from the others.
        noises: as they were submitted.
    """
    events = board.labels.sum()
    one_error = np.sqrt(1 / events + 1 / (len(board.labels) - events))
    learnt = luck @ np.array(noises) / (np.linalg.norm(luck) or 1.0)
    # Of two independent signals of unit variance each counts by how far it separates.
    board.submit(team.model + np.linalg.norm(luck) * one_error / SEPARATION * learnt)
    assert board.best is not None
    return board.best


def _climbs(board: Board) -> bool:
    return board.release not in (exact, three_digits, two_digits)


def exact(_board: Board, score: float, _scores: Scores) -> float:
    return score


def three_digits(_board: Board, score: float, _scores: Scores) -> float:
    return round(score, 3)


def two_digits(_board: Board, score: float, _scores: Scores) -> float:
    return round(score, 2)


def ladder_of(step: float) -> Release:
    return lambda board, score, _scores: ladder(board.standing, score, step)


def free_ladder(board: Board, score: float, scores: Scores) -> float:
    n = len(board.labels)
    if board.best is None:
        return parameter_free_ladder(None, score, 0.0, n)
    error = compare_auroc(board.labels, scores, board.best[:n]).standard_error
    return parameter_free_ladder(board.standing, score, error, n)


PROTECTIONS: dict[str, tuple[Release, int]] = {
    "nothing": (exact, SUBMISSIONS),
    "rounded to 3 digits": (three_digits, SUBMISSIONS),
    "rounded to 2 digits": (two_digits, SUBMISSIONS),
    f"3 digits, {LIMIT} submissions": (three_digits, LIMIT),
    "parameter-free Ladder": (free_ladder, SUBMISSIONS),
    "Ladder, step 0.005": (ladder_of(0.005), SUBMISSIONS),
    "Ladder, step 0.01": (ladder_of(STEP), SUBMISSIONS),
    "Ladder, step 0.02": (ladder_of(0.02), SUBMISSIONS),
    f"Ladder 0.01, {LIMIT} submissions": (ladder_of(STEP), LIMIT),
}


def gains(
    attack: Attack, amplitude: float, release: Release, submissions: int, ecgs: int, repeats: int
) -> NDArray[np.float64]:
    """What the attack gains in each of some simulated holdouts, shape (repeats,)."""
    found = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        labels = rng.random(2 * ecgs) < PREVALENCE
        model = SEPARATION * labels + rng.standard_normal(2 * ecgs)
        board = Board(labels[:ecgs], release, submissions)
        final = attack(board, Team(model, rng), amplitude)
        honest = area(labels[:ecgs], model[:ecgs]) - area(labels[ecgs:], model[ecgs:])
        assert board.standing is not None
        found.append(board.standing - area(labels[ecgs:], final[ecgs:]) - honest)
    return np.array(found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ecgs", type=int, default=1295, help="in the public part")
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    print(
        f"{SUBMISSIONS} submissions, {options.ecgs:,} public ECGs ({100 * PREVALENCE:g} % events), "
        f"honest AUROC {HONEST}, {options.repeats} holdouts; gain ± standard error"
    )
    print(f"  {'protection':28s}" + "".join(f"{name:>18s}" for name in ATTACKS))
    for name, (release, submissions) in PROTECTIONS.items():
        cells = []
        for attack, amplitudes in ATTACKS.values():
            each = [
                gains(attack, a, release, submissions, options.ecgs, options.repeats)
                for a in amplitudes
            ]
            best = max(each, key=np.mean)
            error = best.std(ddof=1) / np.sqrt(len(best))
            cells.append(f"{best.mean():10.3f} ± {error:.3f}")
        print(f"  {name:28s}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()

import numpy as np
import pytest

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.ladder import ladder, parameter_free_ladder, standings


def as_published(losses, step):
    """Algorithm 1 of Blum & Hardt, in the paper's losses and word by word."""
    shown, standing = [], np.inf
    for loss in losses:
        if loss < standing - step:
            standing = np.round(loss / step) * step
        shown.append(standing)
    return shown


@pytest.mark.parametrize("step", [0.005, 0.01, 0.1])
def test_ladder_is_the_published_algorithm(step):
    scores = np.random.default_rng(0).random(200)
    np.testing.assert_allclose(
        standings(scores, step), 1 - np.array(as_published(1 - scores, step)), atol=1e-9
    )


def test_standing_scores_never_fall_and_are_multiples_of_the_step():
    scores = np.random.default_rng(1).normal(0.8, 0.02, 500)
    shown = np.array(standings(scores, 0.01))
    assert (np.diff(shown) >= 0).all()
    np.testing.assert_allclose(shown / 0.01, np.round(shown / 0.01))
    assert (shown >= np.maximum.accumulate(scores) - 0.015).all()


def test_progress_of_exactly_one_step_is_not_enough():
    assert ladder(0.5, 0.75, step=0.25) == 0.5
    assert ladder(0.5, np.nextafter(0.75, 1), step=0.25) == 0.75


@pytest.mark.parametrize("step", [0, -0.01, float("nan"), float("inf")])
def test_steps_that_are_none_are_refused(step):
    with pytest.raises(ConfigurationError, match="step"):
        ladder(None, 0.8, step)


def test_parameter_free_ladder_asks_for_one_standard_error():
    assert parameter_free_ladder(None, 0.812345, 0.5, n=1000) == 0.812
    assert parameter_free_ladder(0.812, 0.822, 0.011, n=1000) == 0.812
    assert parameter_free_ladder(0.812, 0.822, 0.009, n=1000) == 0.822

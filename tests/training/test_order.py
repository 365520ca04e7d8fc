import numpy as np
import pytest

from acsbench.training.order import BatchOrder, in_order, step_seed

LABELS = np.array([1.0] * 20 + [0.0] * 80, dtype=np.float32)


@pytest.mark.parametrize("batch_size", [7, 32, 100, 130])
def test_every_pass_meets_every_ecg_once(batch_size: int) -> None:
    order = BatchOrder(LABELS, batch_size, seed=3)
    count = 10 * order.batches_per_pass()
    drawn = np.concatenate(list(order.batches(0, count)))
    assert len(drawn) == count * batch_size
    passes = drawn[: len(drawn) // 100 * 100].reshape(-1, 100)
    assert (np.sort(passes, axis=1) == np.arange(100)).all()
    assert len(np.unique(passes, axis=0)) == len(passes)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("first", [0, 1, 4, 5, 23])
def test_a_batch_does_not_depend_on_those_before(first: int, balanced: bool) -> None:
    order = BatchOrder(LABELS, 23, seed=0, balanced=balanced)
    everything = list(order.batches(0, 30))
    for batch, same in zip(order.batches(first, 7), everything[first:], strict=False):
        np.testing.assert_array_equal(batch, same)


def test_another_seed_gives_another_order() -> None:
    one, two = (next(BatchOrder(LABELS, 32, seed).batches(0, 1)) for seed in (0, 1))
    assert not np.array_equal(one, two)


def test_the_balanced_sampler_draws_as_many_events_as_controls() -> None:
    order = BatchOrder(LABELS, 50, seed=0, balanced=True)
    drawn = np.concatenate(list(order.batches(0, 400)))
    assert LABELS[drawn].mean() == pytest.approx(0.5, abs=0.02)
    assert len(np.unique(drawn)) == 100


def test_seeds_of_steps_differ() -> None:
    seeds = {step_seed(s, b, p) for s in range(5) for b in range(50) for p in range(4)}
    assert len(seeds) == 5 * 50 * 4


@pytest.mark.parametrize("n", [1, 64, 65, 1000])
def test_batches_in_order_are_nearly_equal(n: int) -> None:
    batches = in_order(n, 64)
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(n))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= 64
    assert max(sizes) - min(sizes) <= 1

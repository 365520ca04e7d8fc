"""Nobody can work out a small cell: checked by an attacker with an integer solver of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from acsbench.cohort.suppression import NOTHING, Item, Release, protect
from acsbench.disclosure import is_small


def table_release(counts: np.ndarray, fixed_total: bool = True) -> Release:
    """A table of whole numbers with both margins and the total; whatever is 1 to 10 is small."""
    rows, columns = counts.shape
    cells = np.arange(counts.size).reshape(counts.shape)
    sets = {("cell", str(i), str(j)): [cells[i, j]] for i in range(rows) for j in range(columns)}
    sets |= {("row", str(i)): cells[i] for i in range(rows)}
    sets |= {("column", str(j)): cells[:, j] for j in range(columns)}
    sets["total",] = cells.ravel()
    flat = counts.ravel().astype(np.int64)
    items, small = [], []
    for name, members in sets.items():
        chosen = np.isin(cells.ravel(), members)
        count = int(chosen @ flat)
        fixed = fixed_total and name == ("total",) and not is_small(count)
        items.append(Item(name, chosen[None].astype(float), cost=count, fixed=fixed, is_count=True))
        if is_small(count):
            small.append(chosen)
    return Release(flat, np.array(small, dtype=bool).reshape(-1, flat.size), items)


def reach(release: Release, hidden, target: np.ndarray) -> tuple[int, int]:
    """The least and the greatest count of a set in any table of whole numbers that looks alike."""
    rows, low, high = [np.zeros((1, len(release.counts)))], [0.0], [0.0]
    for item in release.items:
        if item.name not in hidden.items:
            limits = item.limits(release.counts)
            rows.append(item.rows)
            low += list(limits[:, 0])
            high += list(limits[:, 1])
        elif item.name in hidden.under_11:
            rows.append(item.rows)
            low += [1.0]
            high += [10.0]
    for inner, outer in release.nested:
        rows.append((inner.astype(float) - outer)[None])
        low += [-np.inf]
        high += [0.0]
    ends = []
    for sign in (1, -1):
        result = milp(
            sign * target.astype(float),
            constraints=LinearConstraint(np.concatenate(rows), low, high),
            integrality=np.ones(len(target)),
            bounds=Bounds(0, release.counts.sum() + 100),
            # HiGHS's presolve has been seen to lose solutions.
            options={"presolve": False},
        )
        assert result.status == 0
        ends.append(round(sign * result.fun))
    return ends[0], ends[1]


def assert_safe(release: Release) -> None:
    hidden = protect(release)
    for small in release.small:
        low, high = reach(release, hidden, small)
        assert low <= 1
        assert high >= 10


counts_of_cells = st.one_of(st.integers(0, 14), st.integers(0, 200))


@st.composite
def tables(draw):
    shape = draw(st.tuples(st.integers(1, 3), st.integers(2, 4)))
    cells = st.lists(counts_of_cells, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])
    return np.array(draw(cells)).reshape(shape)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_no_small_cell_of_a_table_can_be_worked_out(counts) -> None:
    assert_safe(table_release(counts))


@settings(max_examples=40, deadline=None)
@given(tables(), st.booleans())
def test_nothing_is_hidden_that_could_be_shown(counts, fixed_total) -> None:
    release = table_release(counts, fixed_total)
    hidden = protect(release)
    small = {tuple(row) for row in release.small}
    for item in release.items:
        if item.name not in hidden.items or tuple(item.rows[0] > 0) in small:
            continue
        shown = hidden._replace(items=hidden.items - {item.name})
        reached = [reach(release, shown, row) for row in release.small]
        assert any(low > 1 or high < 10 for low, high in reached)


def hidden_names(*counts, **options) -> set[str]:
    release = table_release(np.array([counts]), **options)
    return {"".join(name[2:]) for name in protect(release).items if name[0] == "cell"}


def test_without_small_cells_nothing_is_hidden() -> None:
    assert protect(table_release(np.array([[20, 0], [30, 500]]))) == NOTHING


def test_the_cheapest_other_cell_is_hidden_with_a_small_one() -> None:
    assert hidden_names(5, 200, 90) == {"0", "2"}
    # Two small cells hide each other where their sum leaves both open, 4 + 8 = 12 ...
    assert hidden_names(8, 8, 90) == {"0", "1", "2"}
    # ... and nobody is not a small cell, but may have to be hidden as well.
    assert "0" in hidden_names(3, 500, 0)


def test_under_11_is_said_of_small_counts_only() -> None:
    hidden = protect(table_release(np.array([[5, 200, 90]])))
    assert ("cell", "0", "0") in hidden.under_11
    assert ("cell", "0", "2") in hidden.items - hidden.under_11


def test_under_11_is_not_said_where_it_would_tell() -> None:
    release = table_release(np.ones((1, 10), dtype=int))
    hidden = protect(release)
    # Ten cells of at least one, and a total of at most ten, would all be known.
    assert not hidden.under_11
    assert reach(release, hidden, release.small[0]) == (0, 110)


def test_patients_bound_their_ecgs() -> None:
    # 4 patients have 30 ECGs in a column: the patients are few, and so the ECGs are hidden; the
    # other column's patients and ECGs would give both away.
    counts = np.array([4, 96, 30, 170])
    sets = np.eye(4, dtype=bool)
    patients, ecgs = sets[0] | sets[1], sets[2] | sets[3]
    items = [Item((str(i),), sets[i][None].astype(float), cost=counts[i]) for i in range(4)]
    items += [
        Item((name,), row[None].astype(float), fixed=True)
        for name, row in (("patients", patients), ("ecgs", ecgs))
    ]
    nested = [(sets[0], sets[2]), (sets[1], sets[3])]
    release = Release(counts, sets[[0, 2]], items, nested)
    hidden = protect(release)
    assert hidden.items == {("0",), ("1",), ("2",), ("3",)}
    assert reach(release, hidden, sets[0])[0] <= 1


def test_what_is_rounded_need_not_be_hidden() -> None:
    counts = np.array([3, 5000])
    known, everyone = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])
    small = np.array([[True, False]])
    fixed = Item(("everyone",), everyone, fixed=True)
    exact = Release(counts, small, [fixed, Item(("known",), known)])
    assert protect(exact).items == {("known",)}
    rounded = Release(counts, small, [fixed, Item(("known",), known, np.array([[4990.0, 5010.0]]))])
    assert protect(rounded) == NOTHING


def test_items_that_are_always_printed_may_not_tell() -> None:
    release = Release(
        np.array([3, 50]),
        np.array([[True, False]]),
        [Item(("a",), np.array([[1.0, 0]]), fixed=True)],
    )
    with pytest.raises(ValueError, match="tells a small set exactly"):
        protect(release)

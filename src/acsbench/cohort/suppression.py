"""Which cells of a table must be hidden so that no small count can be worked out.

A table is seen as its reader sees it. The units that are counted fall into *atoms*, groups that
do not overlap; whatever is printed is a weighted sum over atoms; and who knows some sums can
bound the others by linear programming. `protect` hides items until every *small* set could, for
all that remains, hold anything from 1 to 10 units: then nobody learns more than "under 11". Only
what is printed in any case may narrow that, as a total of 12 visits of 9 patients says that no
more than 3 patients came twice.

The check holds for the numbers of one release. It does not look at a second table of the same
people published elsewhere, nor at what can be inferred from the choice of the hidden cells.

References:
    Willenborg & de Waal, Elements of Statistical Disclosure Control (Springer 2001), chapter 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from acsbench.disclosure import SMALLEST_CELL, is_small

Name = tuple[str, ...]
Floats = NDArray[np.float64]
Set = NDArray[np.bool_]

_TOLERANCE = 1e-6
_ROOM = 1000.0


@dataclass(frozen=True, eq=False)
class Item:
    """Something that is printed, or hidden as a whole.

    Args:
        name: what it is.
        rows: weights over the atoms of the sums that it tells, shape (r, atoms).
        told: what is told of each sum, its least and its greatest value, shape (r, 2); None if
            the sum itself is told.
        cost: what its loss costs; of items that would do, the cheapest is hidden.
        fixed: it is printed in any case.
        is_count: it is one exact count, so that hiding it may still say "under 11".
    """

    name: Name
    rows: Floats
    told: Floats | None = None
    cost: float = 1.0
    fixed: bool = False
    is_count: bool = False

    def limits(self, counts: NDArray[np.int64]) -> Floats:
        """What is told of each sum, exact or not, shape (r, 2)."""
        return (
            np.repeat((self.rows @ counts)[:, None], 2, axis=1) if self.told is None else self.told
        )


@dataclass(frozen=True, eq=False)
class Release:
    """What would be told if nothing were hidden.

    Args:
        counts: units of each atom, shape (atoms,).
        small: sets that nobody may work out, boolean, shape (s, atoms).
        items: what is to be printed.
        nested: pairs of sets of which everyone knows that the first has no more units than the
            second (patients and their ECGs), each boolean, shape (atoms,).
    """

    counts: NDArray[np.int64]
    small: NDArray[np.bool_]
    items: Sequence[Item]
    nested: Sequence[tuple[Set, Set]] = ()


class Hidden(NamedTuple):
    """Names of the items to hide, and of those of them that may be called "under 11"."""

    items: frozenset[Name]
    under_11: frozenset[Name]


NOTHING = Hidden(frozenset(), frozenset())


def protect(release: Release) -> Hidden:
    """Choose what to hide: first what tells a small set itself, then what would give it away.

    Of the items that together give a small set away the cheapest is hidden, again and again;
    in the end items are shown again, the dearest first, where others made their loss needless.
    None of those that stay hidden could be shown, but another choice might cost less.

    Raises:
        ValueError: what is printed in any case tells a small set exactly.
    """
    if not len(release.small):
        return NOTHING
    attacker = Attacker(release)
    for number, item in enumerate(release.items):
        tells_small = any((release.small == row).all(axis=1).any() for row in item.rows)
        if tells_small and not item.fixed:
            attacker.hidden.add(number)
    first = set(attacker.hidden)
    while (found := attacker.finds()) is not None:
        free = [number for number in found.because if not release.items[number].fixed]
        if free:
            attacker.hidden.add(min(free, key=lambda number: release.items[number].cost))
        elif attacker.uses_marks:
            # "Under 11" itself tells too much, as of ten cells that add up to 10.
            attacker.uses_marks = False
        else:
            attacker.accept(found)
    for number in sorted(attacker.hidden - first, key=lambda n: -release.items[n].cost):
        attacker.show_again(number)
        if attacker.finds() is not None:
            attacker.hidden.add(number)
    names = {number: release.items[number].name for number in attacker.hidden}
    under_11 = attacker.hidden & attacker.marked if attacker.uses_marks else set()
    return Hidden(frozenset(names.values()), frozenset(names[number] for number in under_11))


class Finding(NamedTuple):
    """A small set that is known too well.

    Args:
        number: of the set.
        end: 0 if it cannot be as low as it should, 1 if not as high.
        least: how low it can be, or less how high.
        because: the items that tell so.
    """

    number: int
    end: int
    least: float
    because: tuple[int, ...]


class Attacker:
    """Bounds small sets by what is shown.

    `possible` remembers tables (atoms as real numbers) that would look the same: hiding more
    never makes one of them impossible, so most bounds need no linear programme. `targets` are
    what each set must be able to reach: down to 1 and, with its sign turned, up to 10.
    """

    def __init__(self, release: Release):
        self.release = release
        self.hidden: set[int] = set()
        self.uses_marks = True
        self.marked = {
            number
            for number, item in enumerate(release.items)
            if item.is_count and is_small(int(item.rows[0] @ release.counts))
        }
        self.possible: list[Floats] = [release.counts.astype(np.float64)]
        self.targets = np.tile([1.0, 1.0 - SMALLEST_CELL], (len(release.small), 1))

    def finds(self) -> Finding | None:
        """A set that cannot reach its targets any more, or None."""
        for number, small in enumerate(self.release.small):
            for end, sign in enumerate((1.0, -1.0)):
                target = self.targets[number, end] + _TOLERANCE
                if any(sign * (small @ x) <= target for x in self.possible):
                    continue
                least, because = self._minimise(sign * small)
                if least > target:
                    return Finding(number, end, least, because)
        return None

    def accept(self, found: Finding) -> None:
        """Take a bound that holds whatever is hidden.

        Raises:
            ValueError: it leaves one count only.
        """
        self.targets[found.number, found.end] = found.least
        low, less_high = self.targets[found.number]
        if -less_high - low < 1 - _TOLERANCE:
            raise ValueError("what is printed in any case tells a small set exactly")

    def show_again(self, number: int) -> None:
        """Show an item, and forget the tables in which it would look different."""
        self.hidden.discard(number)
        item = self.release.items[number]
        low, high = item.limits(self.release.counts).T
        self.possible = [
            x
            for x in self.possible
            if (item.rows @ x >= low - _TOLERANCE).all()
            and (item.rows @ x <= high + _TOLERANCE).all()
        ]

    def _minimise(self, objective: Floats) -> tuple[float, tuple[int, ...]]:
        """The least value over what is possible, and the items that hold it up."""
        rows, limits, owner = self._told()
        low, high = limits.T
        exact = low == high
        below, above = ~exact & np.isfinite(high), ~exact & np.isfinite(low)
        result = linprog(
            objective,
            A_eq=rows[exact],
            b_eq=low[exact],
            A_ub=np.concatenate([rows[below], -rows[above]]),
            b_ub=np.concatenate([high[below], -low[above]]),
            bounds=(0, float(self.release.counts.sum()) + _ROOM),
            method="highs",
        )
        if result.x is None or result.fun is None:
            raise RuntimeError(f"the linear programme of a table failed: {result.message}")
        self.possible.append(result.x)
        # What has no price in the optimum does not hold it up.
        prices = np.concatenate([result.eqlin.marginals, result.ineqlin.marginals])
        owners = np.concatenate([owner[exact], owner[below], owner[above]])
        because = owners[np.abs(prices) > _TOLERANCE]
        return float(result.fun), tuple(dict.fromkeys(because[because >= 0].tolist()))

    def _told(self) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Sums that bound what is possible: weights, limits, and the items that tell them.

        What everyone knows without an item has the owner -1.
        """
        release = self.release
        rows, limits, owners = [np.zeros((0, len(release.counts)))], [np.zeros((0, 2))], list[int]()
        for number, item in enumerate(release.items):
            if number not in self.hidden:
                rows.append(item.rows)
                limits.append(item.limits(release.counts))
                owners += [number] * len(item.rows)
            elif self.uses_marks and number in self.marked:
                rows.append(item.rows)
                limits.append(np.array([[1.0, SMALLEST_CELL - 1.0]]))
                owners.append(-1)
        for inner, outer in release.nested:
            rows.append(inner.astype(np.float64)[None] - outer)
            limits.append(np.array([[-np.inf, 0.0]]))
            owners.append(-1)
        return np.concatenate(rows), np.concatenate(limits), np.array(owners, dtype=np.int64)

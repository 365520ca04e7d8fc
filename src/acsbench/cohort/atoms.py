"""Units of a level that are in the same columns of Table 1 with the same values: an atom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from acsbench.cohort.levels import Floats, Level
from acsbench.cohort.suppression import Set
from acsbench.disclosure import SMALLEST_CELL, is_small

UNKNOWN, NO, YES = 0, 1, 2

Category = Callable[[str, int], Set]
"""The atoms of a category: of a level, in a column."""


@dataclass(frozen=True, eq=False)
class Atoms:
    """Units by level and by the pattern of their values over the columns.

    Args:
        level: name of each atom's level, shape (atoms,).
        pattern: 0 where the unit is not in the column, else 1 + the code of its values;
            shape (atoms, columns).
        counts: units, shape (atoms,).
        units: by level: each unit's atom and patient, both of shape (units,).
    """

    level: NDArray[np.str_]
    pattern: NDArray[np.int64]
    counts: NDArray[np.int64]
    units: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]

    @classmethod
    def of(cls, levels: Mapping[str, Level], patterns: Mapping[str, NDArray[np.int64]]) -> Atoms:
        """Gather units into atoms.

        Args:
            levels: the units' patients.
            patterns: by level: 0 where a unit is not in the column, else 1 + the code of its
                values; shape (units, columns).

        Returns:
            The atoms that occur, and such as a reader must think possible, of no unit.
        """
        names: list[str] = []
        rows, counts, units = [], [], {}
        codes = np.unique(np.concatenate([np.unique(p) for p in patterns.values()]))
        for name, pattern in patterns.items():
            # One number per row is much faster to sort than rows are.
            base = int(codes.max()) + 1
            weights = base ** np.arange(pattern.shape[1])
            number, atom, count = np.unique(
                pattern @ weights, return_inverse=True, return_counts=True
            )
            seen = number[:, None] // weights % base
            units[name] = (atom + len(names), levels[name].patient)
            # Nobody can rule out here what occurs at another level, or in one column alone.
            places = np.unique(np.concatenate([seen > 0, _alone(pattern.shape[1])]), axis=0)
            likely = (places[:, None] * codes[codes > 0][:, None]).reshape(-1, pattern.shape[1])
            unseen = likely[~np.isin(likely @ weights, number)]
            rows += [seen, unseen]
            counts += [count, np.zeros(len(unseen), dtype=np.int64)]
            names += [name] * (len(seen) + len(unseen))
        return cls(np.array(names), np.concatenate(rows), np.concatenate(counts), units)

    @property
    def columns(self) -> int:
        """Number of the table's columns."""
        return self.pattern.shape[1]

    def patterns(self) -> list[int]:
        """1 + each code that occurs."""
        return [int(code) for code in np.unique(self.pattern) if code > 0]

    def in_column(self, level: str, column: int) -> Set:
        """All of a level that are in a column."""
        return (self.level == level) & (self.pattern[:, column] > 0)

    def with_pattern(self, code: int) -> Category:
        """Those with 1 + a code."""
        return lambda level, column: (self.level == level) & (self.pattern[:, column] == code)

    def with_digit(self, number: int, digit: int) -> Category:
        """Of the family's variable of that number, those unknown, without it or with it."""
        digits = (self.pattern - 1) // 3**number % 3

        def category(level: str, column: int) -> Set:
            return self.in_column(level, column) & (digits[:, column] == digit)

        return category

    def is_small(self, atoms: Set) -> bool:
        """Whether a set of one level has 1 to 10 units, or units of 1 to 10 patients."""
        count = int(atoms @ self.counts)
        if count == 0 or is_small(count):
            return count > 0
        atom, patient = self.units[str(self.level[atoms][0])]
        if count >= SMALLEST_CELL * int(np.bincount(patient).max()):
            return False
        return is_small(len(np.unique(patient[atoms[atom]])))

    def small(self, category: Category) -> NDArray[np.bool_]:
        """The small sets of a category: in a column, in two at once, in one and not in another."""
        found = [
            atoms
            for level in self.units
            for atoms in distinct([np.array(list(self._combined(category, level)))])
            if self.is_small(atoms)
        ]
        return np.array(found, dtype=bool).reshape(-1, len(self.counts))

    def _combined(self, category: Category, level: str) -> Iterator[Set]:
        single = [category(level, column) for column in range(self.columns)]
        yield from single
        for one, other in permutations(single, 2):
            yield one & other
            yield one & ~other


def _alone(columns: int) -> NDArray[np.bool_]:
    """Membership in the total and one column more, for each; shape (columns - 1, columns)."""
    alone = np.eye(columns, dtype=bool)[1:]
    alone[:, 0] = True
    return alone


def coded(values: Sequence[Floats]) -> NDArray[np.int64]:
    """1 + one ternary digit per variable: unknown, no, yes; shape (units, columns)."""
    code = np.ones(values[0].shape, dtype=np.int64)
    for number, value in enumerate(values):
        digit = np.where(np.isnan(value), UNKNOWN, np.where(value > 0, YES, NO))
        code += 3**number * digit
    return code


def known_atoms(
    levels: Mapping[str, Level], values: Mapping[str, Floats]
) -> tuple[Atoms, Category, Category]:
    """Atoms by whether the value of one variable is known, those with it and those without.

    Args:
        levels: of the atoms.
        values: by level, NaN where unknown, shape (units, columns).
    """
    patterns = {
        name: level.member * (1 + (~np.isnan(values[name])).astype(np.int64))
        for name, level in levels.items()
    }
    atoms = Atoms.of(levels, patterns)
    return atoms, atoms.with_pattern(2), atoms.with_pattern(1)


def distinct(sets: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """The sets of several lists, each once; shape (s, atoms)."""
    return np.unique(np.concatenate(list(sets)), axis=0)

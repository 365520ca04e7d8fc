"""What is checked before a recipe begins, since it would else fail after hours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from acsbench.errors import ConfigurationError, DataError
from acsbench.recipes.steps import made_in


def check_out(out: Path, sources: Sequence[Path]) -> None:
    """Make sure that nothing is written into a dataset.

    Raises:
        ConfigurationError: `out` is one of the sources or lies in one.
    """
    for source in sources:
        if out.resolve().is_relative_to(source.resolve()):
            raise ConfigurationError(
                f"{out} lies in the dataset {source}; name an --out outside of it"
            )


def check_beside(beside: Path, out: Path, needed: Sequence[str]) -> None:
    """Make sure that a folder holds the recipe done in the other way.

    Args:
        beside: the folder.
        out: folder of this recipe.
        needed: names of the steps that must be finished there.

    Raises:
        ConfigurationError: it is `out` itself.
        DataError: it is no folder of a recipe, or of another or an unfinished one.
    """
    if beside.resolve() == out.resolve():
        raise ConfigurationError(
            "--beside is --out itself; name the folder of the recipe done without --published"
        )
    made = made_in(beside)
    missing = [
        name for name in needed if name not in made or not all(path.exists() for path in made[name])
    ]
    if missing:
        raise DataError(
            f"{len(missing)} steps are not finished here, the first of them {missing[0]!r}",
            file=beside,
            fix="Finish that recipe first, at the same --scale, --weights and --seed",
        )

"""Results of an evaluation, read from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench.errors import DataError
from acsbench.evaluation.folder import REPORT, SUMMARY, TABLES


@dataclass(frozen=True, eq=False)
class Results:
    """A finished evaluation on disk.

    Args:
        path: its folder.
        content: content of its `evaluation.json`.
    """

    path: Path
    content: dict[str, Any]

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    @property
    def summary(self) -> list[str]:
        """The results in plain words."""
        return list(self.content["summary"])

    @property
    def models(self) -> list[str]:
        """Names of the models whose results may be shown."""
        return list(self.content["models"])

    @property
    def simulated(self) -> bool:
        """Whether the ECGs are simulated."""
        return bool(self.content["simulated"])

    def table(self, name: str) -> pd.DataFrame | None:
        """A table in long form, one row per number; None if the report does not have it."""
        path = self.path / TABLES / f"{name}.csv"
        return read_results(path) if path.is_file() else None

    def numbers(self, table: str, metric: str) -> pd.DataFrame:
        """A metric of a table by model: `value, low, high, shown`; empty if missing."""
        rows = self.table(table)
        columns = ["value", "low", "high", "shown"]
        if rows is None or "model" not in rows:
            return pd.DataFrame(columns=columns)
        return rows[rows["metric"] == metric].set_index("model")[columns]


def read_results(path: Path) -> pd.DataFrame:
    """Read a table of results; a model may have the name NA."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def open_results(path: Path) -> Results:
    """Open the folder of an evaluation.

    Raises:
        DataError: the folder is not an evaluation.
    """
    try:
        content = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
        return Results(
            path, {key: content[key] for key in (*content, "summary", "simulated", "models")}
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the evaluation cannot be read", file=path, fix="Repeat the command that made it"
        ) from error

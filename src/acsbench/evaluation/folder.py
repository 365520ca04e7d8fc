"""The folder of an evaluation: what it holds, and what it may replace."""

from __future__ import annotations

import json
from pathlib import Path

from acsbench.errors import ConfigurationError

REPORT, SUMMARY = "report.html", "evaluation.json"
TABLES, FIGURES = "tables", "figures"
FORMAT = "acsbench-evaluation-2"


def check_out(out: Path) -> None:
    """Make sure that nothing but an earlier evaluation would be replaced.

    Raises:
        ConfigurationError: `out` is a file, or a folder with other files.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigurationError(f"{out} is a file; name a folder")
    inside = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()}
    if inside and not inside <= _written(out):
        raise ConfigurationError(
            f"{out} holds other files than those of an evaluation; name a new folder"
        )


def _written(folder: Path) -> set[str]:
    """The files that an evaluation has written to a folder."""
    try:
        content = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return {SUMMARY, *content["files"]} if content["format"].startswith("acsbench-") else set()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()

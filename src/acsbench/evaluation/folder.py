"""The folder of an evaluation: what it holds, and what it may replace."""

from __future__ import annotations

import json
from pathlib import Path

from acsbench.errors import ConfigurationError

REPORT, RESULTS, COMPARISONS = "report.html", "results.csv", "comparisons.csv"
ROC_SVG, ROC_PNG, SUMMARY = "roc.svg", "roc.png", "evaluation.json"
FILES = frozenset({REPORT, RESULTS, COMPARISONS, ROC_SVG, ROC_PNG, SUMMARY})
FORMAT = "acsbench-evaluation-1"


def check_out(out: Path) -> None:
    """Make sure that nothing but an earlier evaluation would be replaced.

    Raises:
        ConfigurationError: `out` is a file, or a folder with other files.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigurationError(f"{out} is a file; name a folder")
    inside = {path.name for path in out.iterdir()}
    if inside and not (_is_evaluation(out) and inside <= FILES):
        raise ConfigurationError(
            f"{out} holds other files than those of an evaluation; name a new folder"
        )


def _is_evaluation(folder: Path) -> bool:
    try:
        content = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT

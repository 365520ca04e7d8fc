"""`dataset.yaml`: the optional description of a folder."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from acsbench.datasets.dataset import Terms
from acsbench.errors import DataError

DESCRIPTION = "dataset.yaml"
LISTS = ("tasks", "missing_values", "text_columns")
KEYS_OF_TERMS = tuple(field.name for field in fields(Terms))


def read_description(folder: Path) -> dict[str, Any]:
    """Read `dataset.yaml` of a folder.

    Returns:
        Its content; empty without such a file. Known keys are `name`, `description`,
        `simulated` (no patient was involved), `tasks`, `gain`, those of `Terms`, and for a
        `labels.csv` also `missing_values`, `text_columns` and `exact_ids`.

    Raises:
        DataError: the file is not YAML, or not a mapping with lists where lists are needed.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    fix = "Write it as YAML with the keys name, description, simulated, tasks"
    try:
        description = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError("this is not YAML", file=path, fix=fix) from error
    if not isinstance(description, dict):
        raise DataError("this is not a mapping with a list of tasks", file=path, fix=fix)
    for key in LISTS:
        if not isinstance(description.get(key, []), list):
            raise DataError(f"this is not a mapping with a list of {key}", file=path, fix=fix)
    return description


def gain_of(description: dict[str, Any]) -> float | None:
    """Counts per millivolt that `dataset.yaml` states for WFDB records that state none.

    Raises:
        DataError: the gain is not a positive number.
    """
    gain = description.get("gain")
    if gain is None:
        return None
    if isinstance(gain, bool) or not isinstance(gain, int | float) or not 0 < gain < math.inf:
        raise DataError(
            f"the gain is {gain!r}, not a positive number",
            file=DESCRIPTION,
            fix="Write the counts per millivolt, such as 1000",
        )
    return float(gain)


def terms_of(description: dict[str, Any], published: Terms | None = None) -> Terms:
    """The terms in `dataset.yaml`; by default those of the `published` dataset.

    The default does not apply to a simulated folder.
    """
    stated = {name: str(description[name]) for name in KEYS_OF_TERMS if description.get(name)}
    simulated = bool(description.get("simulated", False))
    return replace(Terms() if simulated or published is None else published, **stated)

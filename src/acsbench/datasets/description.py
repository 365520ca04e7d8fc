"""`dataset.yaml`: what a folder says of itself; optional."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from acsbench.errors import DataError

DESCRIPTION = "dataset.yaml"


def read_description(folder: Path) -> dict[str, Any]:
    """Read `dataset.yaml` of a folder.

    Returns:
        Its keys, of which `name`, `description`, `simulated` (no patient was involved) and
        `tasks` mean something; empty where there is no such file.

    Raises:
        DataError: the file is not YAML, or not a mapping with a list of tasks.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    fix = "Write it as YAML with the keys name, description, simulated, tasks"
    try:
        description = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError("this is not YAML", file=path, fix=fix) from error
    if not isinstance(description, dict) or not isinstance(description.get("tasks", []), list):
        raise DataError("this is not a mapping with a list of tasks", file=path, fix=fix)
    return description

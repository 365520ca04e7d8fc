"""The folder that the competitions engine of Hugging Face reads.

References:
    github.com/huggingface/competitions, docs/source/competition_repo.mdx and custom_metric.mdx.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from acsbench.files import folder_written_whole, require_empty
from acsbench.leaderboard.export.board import ExportedBoard, read_board
from acsbench.leaderboard.export.reference import reference_files
from acsbench.leaderboard.export.texts import overview, submission_format

SPACE_README = """\
---
title: {title}
colorFrom: blue
colorTo: gray
sdk: docker
pinned: false
---
"""
UPLOADING = """\
# {title}: private repository of a competition

**Keep this dataset repository private: it holds the labels.**

1. Create a private dataset repository and upload this folder, without `space`.
2. Put a wheel of acsbench into `space`: `pip wheel --no-deps --wheel-dir space ACSBENCH`, with the
   folder of its source code.
3. Create a Space of the kind Docker and upload `space`. Give it the secrets `HF_TOKEN` (which may
   write to the dataset repository) and `COMPETITION_ID` (the repository's name).

`metrics` in `scoring.json` says what is written of each task, of the AUROC with its limits; the
first ranks. While the competition runs, the engine shows the public part of all of them. It has no
Ladder, and limits submissions by day alone: public AUROCs are multiples of `public_step`, which
hides single ECGs from a glance, not from whoever submits very often.
"""


def export_huggingface(board_dir: Path, out: Path) -> None:
    """Write a board as the private dataset repository of a competition, and its Space.

    The folder holds the labels, so that nobody but its owner may enter it.

    Raises:
        ConfigurationError: `out` is not empty, or the board cannot be opened.
        DataError: a file of the board is missing or damaged.
    """
    require_empty(out)
    files = repository_files(read_board(board_dir))
    with folder_written_whole(out) as folder:
        folder.chmod(0o700)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")


def repository_files(board: ExportedBoard) -> dict[str, str]:
    """Text of every file by its path."""
    title = board.settings.title
    return {
        "README.md": UPLOADING.format(title=title),
        "conf.json": _json(configuration(board)),
        **reference_files(board.reference),
        "metric.py": _shipped("metric.py"),
        "COMPETITION_DESC.md": overview(board),
        "DATASET_DESC.md": board.data.strip() + "\n",
        "SUBMISSION_DESC.md": submission_format(board),
        # The engine fills them in as teams register.
        "teams.json": _json({}),
        "user_team.json": _json({}),
        "space/Dockerfile": _shipped("space.Dockerfile"),
        "space/README.md": SPACE_README.format(title=json.dumps(title)),
    }


def configuration(board: ExportedBoard) -> dict[str, Any]:
    """Content of `conf.json`, with every field that the engine's documentation names."""
    scoring = board.reference.scoring
    return {
        "COMPETITION_TYPE": "generic",
        "SUBMISSION_LIMIT": board.limits.per_day,
        "TIME_LIMIT": 600,
        "HARDWARE": "cpu-basic",
        "SELECTION_LIMIT": 1,
        "END_DATE": f"{_first_day_after(board.closes_at):%Y-%m-%d}",
        "EVAL_HIGHER_IS_BETTER": 1,
        "SUBMISSION_ID_COLUMN": "ecg_id",
        "SUBMISSION_COLUMNS": ",".join(("ecg_id", *scoring.tasks)),
        "SUBMISSION_ROWS": len(board.reference.holdout.ecg_ids),
        "EVAL_METRIC": "custom",
        "SCORING_METRIC": scoring.rank_key,
        "LOGO": "",
        "DATASET": "",
        "SUBMISSION_FILENAMES": ["submission.csv"],
    }


def _first_day_after(moment: datetime) -> datetime:
    """The engine closes at the first minute (UTC) of the day that it is given."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if moment == midnight else midnight + timedelta(days=1)


def _json(content: Any) -> str:
    return json.dumps(content, indent=4, ensure_ascii=False) + "\n"


def _shipped(name: str) -> str:
    return (resources.files(__package__) / "shipped" / name).read_text(encoding="utf-8")

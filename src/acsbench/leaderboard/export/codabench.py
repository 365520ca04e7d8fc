"""The bundle that Codabench takes: a zip file with `competition.yaml`, version 2.

References:
    docs.codabench.org, Organizers, Competition Bundle Structure and YAML Structure.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml

from acsbench import __version__
from acsbench.errors import ConfigurationError
from acsbench.files import written_whole
from acsbench.leaderboard.export.board import ExportedBoard, read_board
from acsbench.leaderboard.export.reference import reference_files
from acsbench.leaderboard.export.texts import overview, submission_format

IMAGE = f"docker.io/YOUR-NAME/acsbench-scorer:{__version__}"
"""Built of `deploy/Containerfile` (`--target scorer`) and pushed by the organiser."""

COMMAND = "python3 /app/program/scoring.py /app/input /app/output"
PARTS = {"public": "public_score", "private": "private_score"}
SHOWN_FOR = timedelta(days=1)
"""How long the final phase runs: it only scores again what the first one scored."""


def export_codabench(board_dir: Path, out: Path) -> None:
    """Write a board as a Codabench bundle, readable by its owner alone: it holds the labels.

    Raises:
        ConfigurationError: `out` is no new zip file, or the board cannot be opened.
        DataError: a file of the board is missing or damaged.
    """
    if out.suffix.lower() != ".zip":
        raise ConfigurationError(f"Codabench takes a zip file: name the bundle {out}.zip")
    if out.exists():
        raise ConfigurationError(f"{out} exists; name another file or remove it")
    files = bundle_files(read_board(board_dir))
    with written_whole(out) as temporary:
        temporary.touch(mode=0o600)
        with ZipFile(temporary, "w", ZIP_DEFLATED) as bundle:
            for name, content in files.items():
                # Without the time of day: the same board gives the same bundle.
                bundle.writestr(ZipInfo(name), content, compress_type=ZIP_DEFLATED)


def bundle_files(board: ExportedBoard) -> dict[str, bytes]:
    """Content of every file by its path."""
    texts = {
        "competition.yaml": yaml.safe_dump(
            competition(board), sort_keys=False, allow_unicode=True, width=100
        ),
        "overview.md": overview(board),
        "evaluation.md": submission_format(board)
        + "\nUpload a zip file that holds the CSV file.\n",
        "data.md": board.data.strip() + "\n",
        "terms.md": board.rules.strip() + "\n",
        "scoring_program/metadata.yaml": yaml.safe_dump({"command": COMMAND}),
        "scoring_program/scoring.py": _shipped("scoring.py").decode(),
    }
    for part, key in PARTS.items():
        for name, text in reference_files(board.reference).items():
            texts[f"reference_{part}/{name}"] = text
        texts[f"reference_{part}/part.txt"] = f"{key}\n"
    return {"logo.png": _shipped("logo.png")} | {
        name: text.encode() for name, text in texts.items()
    }


def competition(board: ExportedBoard) -> dict[str, Any]:
    """Content of `competition.yaml`.

    The first phase shows the public part; the second one begins when it ends, takes over its
    submissions by itself, and shows the private part.
    """
    closes = board.closes_at.astimezone(UTC)
    return {
        "version": 2,
        "title": board.settings.title,
        "description": board.settings.description,
        "image": "logo.png",
        "terms": "terms.md",
        "registration_auto_approve": False,
        "docker_image": IMAGE,
        "make_programs_available": True,
        "make_input_data_available": False,
        "enable_detailed_results": False,
        "pages": [
            {"title": "Overview", "file": "overview.md"},
            {"title": "Evaluation", "file": "evaluation.md"},
            {"title": "Data", "file": "data.md"},
        ],
        "tasks": [_task(index, part) for index, part in enumerate(PARTS)],
        "phases": [
            {
                **_phase(0, "Public", board.opens_at.astimezone(UTC), closes),
                "max_submissions_per_day": board.limits.per_day,
                "max_submissions": board.limits.total,
            },
            {
                **_phase(1, "Final", closes + timedelta(minutes=1), closes + SHOWN_FOR),
                "auto_migrate_to_this_phase": True,
                "max_submissions_per_day": 1,
                "max_submissions": 1,
            },
        ],
        "leaderboards": [
            {
                "title": "Results",
                "key": "main",
                "submission_rule": "Force_Best",
                "columns": [
                    {
                        "title": key.replace("_", " ").upper(),
                        "key": key,
                        "index": index,
                        "sorting": "desc",
                        "precision": board.settings.round_digits,
                    }
                    for index, key in enumerate(board.reference.scoring.keys())
                ],
            }
        ],
    }


def _task(index: int, part: str) -> dict[str, Any]:
    return {
        "index": index,
        "name": f"Scores of the {part} part",
        "description": "Probabilities for the ECGs of the holdout",
        "reference_data": f"reference_{part}",
        "scoring_program": "scoring_program",
    }


def _phase(index: int, name: str, start: datetime, end: datetime) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "start": f"{start:%Y-%m-%d %H:%M:%S}",
        "end": f"{end:%Y-%m-%d %H:%M:%S}",
        "tasks": [index],
        "accepts_only_result_submissions": True,
    }


def _shipped(name: str) -> bytes:
    return (resources.files(__package__) / "shipped" / name).read_bytes()

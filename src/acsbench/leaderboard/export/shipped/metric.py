"""Scores a submission with acsbench; the competitions engine calls `compute`.

acsbench needs a newer Python than the engine's own, so it is installed beside it (see the
Dockerfile of the Space) and run as a process.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from huggingface_hub import hf_hub_download

PYTHON = os.environ.get("ACSBENCH_PYTHON", "/app/acsbench/bin/python")
FILES = ("solution.csv", "patients.csv", "scoring.json")
SCORE = """
import json, sys
from acsbench.errors import AcsBenchError
from acsbench.leaderboard.export.reference import score_parts
try:
    print(json.dumps(score_parts(*sys.argv[1:])))
except AcsBenchError as error:
    sys.exit(str(error))
"""


def compute(params: Any) -> dict[str, dict[str, float]]:
    """Public and private scores of the submission that the engine's `params` name."""
    submission = f"submissions/{params.team_id}-{params.submission_id}.csv"
    paths = [
        hf_hub_download(
            repo_id=params.competition_id, filename=name, token=params.token, repo_type="dataset"
        )
        for name in (*FILES, submission)
    ]
    run = subprocess.run([PYTHON, "-c", SCORE, *paths], capture_output=True, text=True, check=False)
    if run.returncode:
        raise ValueError(run.stderr.strip())
    scores: dict[str, dict[str, float]] = json.loads(run.stdout)
    return scores

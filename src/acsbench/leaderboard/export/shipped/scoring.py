"""Scores a submission with acsbench; Codabench runs `scoring.py /app/input /app/output`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from acsbench.errors import AcsBenchError
from acsbench.files import is_clutter
from acsbench.leaderboard.export.reference import score_parts


def main(inputs: Path, output: Path) -> None:
    """Write `scores.json` of the part of the holdout that this phase shows."""
    reference = inputs / "ref"
    results = inputs / "res"
    files = (file for file in sorted(results.rglob("*")) if file.suffix.lower() == ".csv")
    submitted = [f for f in files if not is_clutter(f.relative_to(results).as_posix())]
    if len(submitted) != 1:
        sys.exit(f"The zip file must hold exactly one CSV file; it holds {len(submitted)}.")
    try:
        parts = score_parts(
            reference / "solution.csv",
            reference / "patients.csv",
            reference / "scoring.json",
            submitted[0],
        )
    except AcsBenchError as error:
        sys.exit(str(error))
    part = (reference / "part.txt").read_text(encoding="ascii").strip()
    (output / "scores.json").write_text(json.dumps(parts[part]), encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

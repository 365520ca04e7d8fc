"""Runs commands as the documentation prints them, on small data and for one epoch."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from acsbench.cli.main import main

SMALL = {
    "prepare": ["--workers", "1"],
    "reproduce": ["--max-minutes", "0.05", "--workers", "1"],
    "simulate": ["--ecgs", "240", "--workers", "1"],
    "train": ["--set", "epochs=1"],
}
"""What is added to a command so that it ends soon; of an option given twice the last counts."""
TABULAR = ("boosted-trees", "flags-logistic", "logistic")
"""Models that are fitted in one go, and refuse a number of epochs."""
WIDTHS = {
    "ecgomi": (),
    "resnet18_1d": ("options.width=4", "options.hidden=8"),
    "resnet6": ("options.width=4", "options.hidden=8"),
}


def acsbench(folder: Path, line: str) -> None:
    """Run a command in this process: a new one would import everything again.

    Raises:
        AssertionError: it failed.
    """
    words = [word for word in _expanded(folder, line)[1:] if word]
    code: object = 0
    with contextlib.chdir(folder):
        try:
            main([*words, *_small(words)])
        except SystemExit as stop:
            code = stop.code
    assert not code, f"exit code {code}: {line}"


def shell(folder: Path, line: str) -> None:
    """Run any other command.

    Raises:
        AssertionError: it failed.
    """
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {line}\n{done.stdout}{done.stderr}"


def _expanded(folder: Path, line: str) -> list[str]:
    """A command's words, after what a shell makes of quotes, braces, stars and comments."""
    script = f"set -euo pipefail; shopt -s failglob; printf '%s\\0' {line}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout.split("\0")


def _small(words: list[str]) -> list[str]:
    command = words[0]
    if "--help" in words or command not in SMALL:
        return []
    if command == "train" and words[1] in TABULAR:
        return []
    added = list(SMALL[command])
    if command == "train":
        for option in WIDTHS.get(words[1], ()):
            added += ["--set", option]
    return added

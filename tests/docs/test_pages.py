"""Every command and every program of the documentation does what it says: it is run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acsbench.datasets import open_dataset
from acsbench.ecg import print_page
from acsbench.ecg.recording import Recording
from tests.conftest import ROOT
from tests.docs.blocks import RUN, SHOWN, Block, blocks_of, commands_of
from tests.docs.runner import acsbench, shell

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    text = page.read_text()
    blocks = list(blocks_of(page))
    assert text.count("```") == 2 * len(blocks), "a fence is not closed, or within a line"
    for block in blocks:
        assert block.language in RUN + SHOWN, f"{block.place}: name the language of the block"
        if block.language not in RUN:
            assert "$ acsbench" not in block.text, f"{block.place}: commands belong into bash"


def blocks_to_run(page: Path) -> list[Block]:
    """What is run or written on a page, and nothing if all of it is only written."""
    blocks = [
        block
        for block in blocks_of(page)
        if block.reason is None and (block.title or block.language in RUN)
    ]
    return blocks if any(block.language in RUN for block in blocks) else []


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_to_run(page)], ids=name_of)
def test_a_page_runs_from_top_to_bottom(
    page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = names_of_your_data(workplace)
    for block in blocks_to_run(page):
        if block.title:
            (workplace / block.title).write_text(block.text)
        elif block.language == "python":
            with contextlib.chdir(workplace):
                exec(compile(block.text, block.place, "exec"), names)
        else:
            for line in commands_of(block):
                run = acsbench if line.startswith("acsbench ") else shell
                run(workplace, line)


def names_of_your_data(workplace: Path) -> dict[str, Any]:
    """What stands in programs for one's own data: a recording, a printed page, scores."""
    dataset = open_dataset("wfdb_folder", workplace / "ECGS")
    first = dataset.tables.ecg.iloc[0]
    recording = dataset.read(workplace / "ECGS" / first["path"], "an-ecg")
    assert isinstance(recording, Recording)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    return {
        "__name__": "__main__",
        "recording": recording,
        "raw": print_page(recording),
        "patients": rng.integers(0, 90, 200),
        "labels": labels,
        "scores": labels + rng.normal(0, 1, 200),
        "ours": labels + rng.normal(0, 1, 200),
        "theirs": labels + rng.normal(0, 2, 200),
        "threshold": 0.5,
    }

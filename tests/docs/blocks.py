"""Fenced blocks of the documentation's pages.

`bash` and `python` blocks are run, unless a comment `<!-- not run: REASON -->` stands before
them; a block with a `title` is written to a file of that name; everything else is only shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUN = ("bash", "python")
SHOWN = ("caddy", "csv", "dockerfile", "json", "nginx", "text", "toml", "yaml")
FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>[a-z]*)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n"
    r"(?P<text>.*?)"
    r"^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what it is, and why it is not run, if it is not."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    reason: str | None

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, from top to bottom."""
    content = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(content):
        text = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        line = content[: match.start("language")].count("\n") + 1
        yield Block(page, line, match["language"], match["title"], text, match["reason"])


def commands_of(block: Block) -> list[str]:
    """The commands of a `bash` block, one each, continued lines joined."""
    joined = block.text.replace("\\\n", " ")
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]

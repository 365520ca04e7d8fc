"""Words that the exports share."""

from __future__ import annotations

from collections.abc import Sequence

from acsbench.leaderboard.check import check_options
from acsbench.leaderboard.export.board import ExportedBoard


def overview(board: ExportedBoard) -> str:
    """The first page of a competition, in Markdown."""
    lines = [f"# {board.settings.title}", board.settings.description, board.rules]
    if board.settings.organiser:
        lines.append(f"Organised by {board.settings.organiser}.")
    return _paragraphs(lines)


def submission_format(board: ExportedBoard) -> str:
    """What a file must look like, in Markdown."""
    tasks = board.reference.scoring.tasks
    columns = ", ".join(f"`{name}`" for name in ("ecg_id", *tasks))
    example = [",".join(("ecg_id", *tasks)), ",".join(("ECG-ID", *["0.25"] * len(tasks)))]
    return _paragraphs(
        [
            "## The file",
            f"CSV in UTF-8 with the columns {columns}: one row for each of the "
            f"{len(board.reference.holdout.ecg_ids):,} ECGs of the holdout, each exactly once, and "
            "probabilities from 0 to 1.",
            "\n".join(["```", *example, "```"]),
            "Check it first: `acsbench leaderboard check FILE --holdout-ids holdout-ids.csv"
            f"{check_options(tasks)}` names every problem.",
            "## The scores",
            f"AUROC of {' and '.join(f'`{task}`' for task in tasks)} with 95 % limits; patients, "
            "not ECGs, count as independent. Public scores come from a part of the patients and "
            f"are rounded to {_rounding(board)}; the ranking that counts comes from the others.",
        ]
    )


def _rounding(board: ExportedBoard) -> str:
    step = board.reference.scoring.public_step
    return f"{board.settings.round_digits} decimals" if step is None else f"multiples of {step:g}"


def _paragraphs(blocks: Sequence[str]) -> str:
    return "\n\n".join(block.strip() for block in blocks if block.strip()) + "\n"

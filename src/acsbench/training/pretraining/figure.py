"""Figure of the quality of codebooks over the batches of k-means."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from acsbench.errors import DataError
from acsbench.files import written_whole
from acsbench.pictures import PRINT_STYLE, figure_bytes
from acsbench.training.pretraining.folder import CODEBOOKS

PANELS = {
    "unexplained": "inertia, relative to one centre",
    "silhouette": "silhouette",
    "effective_codes": "effective codes",
}
# Okabe & Ito, Color Universal Design (2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", ":", "-.")
WIDTH, LEFT = 6.85, 0.07
TITLE = "Codebooks on frames of other patients"


def read_quality(folder: Path) -> pd.DataFrame:
    """Quality of a pre-training's codebooks: `codes, batches` and the columns of `PANELS`.

    Raises:
        DataError: the folder contains no codebook.
    """
    files = sorted((folder / CODEBOOKS).glob("*.csv"), key=lambda path: int(path.stem))
    if not files:
        raise DataError(
            "the folder contains no codebooks",
            file=folder,
            fix="Give a folder written by acsbench pretrain",
        )
    return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)


def codebooks_figure(qualities: Mapping[str, pd.DataFrame]) -> Figure:
    """Quality of codebooks over the batches of k-means, with one line per codebook.

    Args:
        qualities: by name of the pre-training (empty for a single one), from `read_quality`. The
            colour shows the size of a codebook, the line style the pre-training.
    """
    sizes = sorted({int(size) for quality in qualities.values() for size in quality["codes"]})
    colours = {size: COLOURS[place % len(COLOURS)] for place, size in enumerate(sizes)}
    with mpl.rc_context(PRINT_STYLE):
        height = 2.5 + 0.17 * len(qualities)
        figure = Figure(figsize=(WIDTH, height), facecolor="white")
        axes = figure.subplots(1, len(PANELS))
        handles = []
        for (name, quality), dashes in zip(qualities.items(), cycle(DASHES), strict=False):
            for size in sorted(set(quality["codes"])):
                curve = quality[quality["codes"] == size]
                style: dict[str, Any] = {"color": colours[size], "linestyle": dashes}
                label = f"{name}, {size} codes".removeprefix(", ")
                handles.append(Line2D([], [], label=label, **style))
                for panel, column in zip(axes, PANELS, strict=True):
                    panel.plot(curve["batches"], curve[column], **style)
        for panel, label in zip(axes, PANELS.values(), strict=True):
            panel.set_title(label, fontsize=8, loc="left")
            panel.set_xlabel("mini-batches of k-means")
            panel.set_xscale("log")
            panel.xaxis.set_major_formatter("{x:g}")
            panel.spines[["top", "right"]].set_visible(False)
            panel.set_ylim(bottom=min(0, panel.get_ylim()[0]))
        figure.suptitle(TITLE, x=LEFT, y=1 - 0.1 / height, va="top", ha="left", fontsize=8.5)
        # One row per pre-training: matplotlib fills the legend column by column.
        columns = len(sizes)
        rows = [handles[place::columns] for place in range(columns)]
        figure.legend(
            handles=[handle for row in rows for handle in row],
            loc="lower left",
            bbox_to_anchor=(LEFT - 0.01, 0),
            ncols=columns,
            frameon=False,
        )
        top, bottom = 1 - 0.52 / height, (0.62 + 0.17 * len(qualities)) / height
        figure.subplots_adjust(left=LEFT, right=0.985, top=top, bottom=bottom, wspace=0.3)
    return figure


def write_figure(folders: Mapping[str, Path], path: Path) -> None:
    """Write the figure of several pre-trainings as PNG."""
    figure = codebooks_figure({name: read_quality(folder) for name, folder in folders.items()})
    with written_whole(path) as temporary:
        temporary.write_bytes(figure_bytes(figure, "png", TITLE))

"""Which ECGs are left out for their quality, and a page that says how good they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from acsbench import __version__
from acsbench.datasets import Dataset, Rejected
from acsbench.disclosure import NOT_SHOWN, is_small, shown_count
from acsbench.ecg.printed import PrintedPage
from acsbench.ecg.quality import REASONS
from acsbench.errors import ConfigurationError, DataError, did_you_mean
from acsbench.files import write_text
from acsbench.pages import inline_svg, page_environment

QUALITY_REPORT = "quality.html"
MEANINGS = {
    "missing": "at least half of a lead is not there",
    "flat": "a lead shows a straight line",
    "clipped": "a lead stops at the largest value that the device could record",
    "noisy": "muscle, mains or a wandering baseline in a lead, for at least a second",
    "swapped": "a limb lead is upside down: electrodes exchanged, or a heart on the right side",
    "rate": "no plausible heart rate is found",
}


@dataclass(frozen=True)
class QualityChoice:
    """Which ECGs are left out.

    Args:
        least: the lowest score that is kept, from 0 (all) to 1.
        reasons: faults that no ECG may have, of `acsbench.ecg.quality.REASONS`.

    Raises:
        ConfigurationError: the score is impossible, or there is no such fault.
    """

    least: float = 0.0
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1:
            raise ConfigurationError(f"a quality of {self.least:g}: it goes from 0 to 1")
        for reason in self.reasons:
            if reason not in REASONS:
                hint = did_you_mean(reason, REASONS)
                raise ConfigurationError(f"no fault {reason!r} to leave out; {hint}")

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is left out."""
        return self.least == 0 and not self.reasons


def kinds_of(reasons: str) -> list[str]:
    """The faults without their leads.

    >>> kinds_of("noisy(V1,V2 strip) rate")
    ['noisy', 'rate']
    """
    return re.findall(r"([a-z]+)(?:\([^)]*\))?", reasons)


def left_out_for_quality(index: pd.DataFrame, choice: QualityChoice) -> list[Rejected]:
    """The ECGs of a store's index that are not wanted.

    Args:
        index: `ecg_id, quality, reasons`.
        choice: what is wanted.
    """
    rejected = []
    for ecg_id, score, reasons in index[["ecg_id", "quality", "reasons"]].itertuples(index=False):
        found = [kind for kind in kinds_of(reasons) if kind in choice.reasons]
        if found or score < choice.least:
            problem = " and ".join(found) or f"a quality below {choice.least:g}"
            error = DataError(
                f"left out for its quality: {problem}",
                private=f"ecg_id {ecg_id!r}: {score:.2f}, {reasons}",
                fix="Change --min-quality or --leave-out to keep it",
            )
            rejected.append(Rejected(ecg_id, error))
    return rejected


def count_faults(index: pd.DataFrame, show_small_cells: bool = False) -> dict[str, str]:
    """How many ECGs have each fault, any fault and none, as text; small cells are hidden.

    Where one of the faults is rare, `any` and `none` are hidden as well: with the other faults
    they would tell about how many ECGs it concerns.
    """
    kinds = index["reasons"].map(kinds_of)
    counts = {
        reason: int(kinds.map(lambda found, r=reason: r in found).sum()) for reason in REASONS
    }
    faulty = int((index["reasons"] != "").sum())
    shown = {reason: shown_count(count, show_small_cells) for reason, count in counts.items()}
    totals = {"any": faulty, "none": len(index) - faulty}
    hidden = not show_small_cells and any(map(is_small, [*counts.values(), *totals.values()]))
    return shown | {
        name: NOT_SHOWN if hidden else shown_count(count, show_small_cells)
        for name, count in totals.items()
    }


def write_quality_report(
    path: Path,
    index: pd.DataFrame,
    dataset: Dataset,
    *,
    choice: QualityChoice,
    examples: int = 0,
    show_small_cells: bool = False,
) -> None:
    """Write the page: how many ECGs have which fault, and examples if they are asked for.

    Args:
        path: the HTML file.
        index: `ecg_id, quality, reasons` of all ECGs that were prepared.
        dataset: where they come from.
        choice: which of them were left out.
        examples: ECGs to draw for each fault; they are patients' waveforms.
        show_small_cells: show counts from 1 to 10.
    """
    counts = count_faults(index, show_small_cells)
    context: dict[str, Any] = {
        "dataset": dataset,
        "version": f"acsbench {__version__}",
        "total": f"{len(index):,}",
        "rows": [(reason, MEANINGS[reason], counts[reason]) for reason in REASONS],
        "counts": counts,
        "any_told": NOT_SHOWN not in counts.values(),
        "scores": _low_scores(index["quality"]),
        "choice": choice,
        "shows_all": show_small_cells,
        "examples": _examples(index, dataset, examples) if examples else [],
    }
    environment = page_environment("acsbench.waveforms")
    write_text(path, environment.get_template("quality.html.j2").render(context))


def _low_scores(scores: pd.Series) -> list[tuple[str, str]]:
    """The scores that 5, 25 and 50 % of many ECGs do not exceed, as far as they say something."""
    if len(scores) <= 100:
        return []
    quantiles = {f"{share} %": f"{scores.quantile(share / 100):.2f}" for share in (5, 25, 50)}
    return [(share, score) for share, score in quantiles.items() if score != f"{1:.2f}"]


def _examples(index: pd.DataFrame, dataset: Dataset, number: int) -> list[tuple[str, list[Markup]]]:
    """For each fault that occurs, pictures of the worst ECGs."""
    paths = dataset.tables.ecg.set_index("ecg_id")["path"]
    worst = index.sort_values("quality", kind="stable")
    drawn = []
    for reason in REASONS:
        found = worst[worst["reasons"].map(lambda text, r=reason: r in kinds_of(text))][:number]
        pictures = [
            _picture(dataset, paths[ecg_id], ecg_id, reasons, f"{reason}-{place}")
            for place, (ecg_id, reasons) in enumerate(
                found[["ecg_id", "reasons"]].itertuples(index=False)
            )
        ]
        if pictures:
            drawn.append((reason, pictures))
    return drawn


def _picture(dataset: Dataset, path: str, ecg_id: str, reasons: str, prefix: str) -> Markup:
    from acsbench.ecg.plot import page_bytes, plot_page, plot_printed  # most need no matplotlib

    ecg = dataset.read(dataset.root / path, ecg_id)
    title = "Simulated ECG" if dataset.simulated else ""
    if isinstance(ecg, PrintedPage):
        figure = plot_printed(
            ecg.raw, fs=ecg.fs, title=title, note=reasons, simulated=dataset.simulated
        )
    else:
        figure = plot_page(ecg, title=title, note=reasons, simulated=dataset.simulated)
    svg = page_bytes(figure, "example.svg").decode()
    return inline_svg(svg, f"An ECG with the faults {reasons}", prefix)

"""A page on what differs from the published study, and by how much.

It compares two runs of the recipe: the study's way and ours. Where a choice can be undone with the
same predictions or weights, its effect is measured alone; choices of the training are measured
together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench import __version__
from acsbench.disclosure import shown_count
from acsbench.files import write_text
from acsbench.recipes.steps import Made, Report, made_in
from acsbench.recipes.two_runs import Network, Pair, Side
from acsbench.recipes.work import PREPARE
from acsbench.runs import HISTORY
from acsbench.statistics import Estimate, auroc, auroc_gap, compare_auroc

PAGE = "differences.md"
NONE = "–"
Table = tuple[list[str], list[list[str]]]
"""Headings, and rows of text."""


def write_differences(
    networks: Sequence[Network], task: str, ours: Path, out: Path, made: Made, report: Report
) -> list[Path]:
    """Write the page from this run, done the study's way, and our run in another folder."""
    pair = Pair(Side.of(made_in(ours), PREPARE, task), Side.of(made, PREPARE, task), networks)
    write_text(out / PAGE, page(pair))
    return [out / PAGE]


def page(pair: Pair) -> str:
    """The page in Markdown."""
    parts = [_head(pair)]
    sides = ((pair.published, "valid"), (pair.ours, "test"))
    if not all(side.may_show(side.rows(split)) for side, split in sides):
        return f"{parts[0]}\n\nToo few patients with or without the event to show results.\n"
    for title, text, table in SECTIONS:
        parts.append(f"## {title}\n\n{text}\n\n{_markdown(*table(pair))}")
    return "\n\n".join([*parts, TAIL]) + "\n"


def _head(pair: Pair) -> str:
    prepared = pair.published.prepared
    whose = "simulated ECGs" if prepared.simulated else "ECGs"
    note = (
        "On simulated ECGs, the page shows the direction of each difference and that it is "
        "measured, not its size among patients. "
        if prepared.simulated
        else ""
    )
    counts = [
        f"{len(side.rows(split)):,} ECGs of {side.rows(split)['patient_id'].nunique():,} patients"
        for side, split in ((pair.published, "valid"), (pair.ours, "test"))
    ]
    return (
        "# What differs from the published study, and by how much\n\n"
        f"Made by `acsbench reproduce study --published --beside` (version {__version__}) from two "
        f"runs on {whose} of {prepared.meta['dataset']}: the study's way, evaluated on {counts[0]} "
        f"of its validation set, and ours, evaluated on {counts[1]} of a test set. {note}"
        "Intervals are at 95 % and clustered by patient unless stated otherwise."
    )


def _seen_in_pretraining(pair: Pair) -> Table:
    side = pair.published
    rows = side.rows("valid")
    table = []
    for network in pair.networks:
        earlier = side.prepared.table(
            side.prepared.task(side.run(network.pretraining).config["task"]["name"])
        )
        trained_on = set(earlier.loc[earlier["split"] == "train", "patient_id"])
        seen = rows["patient_id"].isin(trained_on).to_numpy()
        cells = [network.shown_as, NONE, NONE, NONE]
        if side.may_show(rows[seen]) and side.may_show(rows[~seen]):
            scores = _scores(side, network.training, rows)
            gap = auroc_gap(rows["label"], scores, seen, rows["patient_id"]).difference
            parts = [
                auroc(rows["label"][part], scores[part], rows["patient_id"][part])
                for part in (seen, ~seen)
            ]
            cells = [network.shown_as, *map(str, parts), str(gap)]
        count = shown_count(int(seen.sum()), side.prepared.simulated)
        table.append([*cells, f"{count} of {len(seen):,}"])
    headings = ["Model", "AUROC, patients seen", "AUROC, others", "Difference", "ECGs of seen"]
    return headings, table


def _judged_by_the_choosing(pair: Pair) -> Table:
    table = []
    for network in pair.networks:
        found = [pair.ours.auroc(network.training, split) for split in ("valid", "test")]
        table.append([network.shown_as, *map(_text, found), _difference(*found)])
    return ["Model", "AUROC, validation", "AUROC, test", "Validation − test"], table


def _interval_widths(pair: Pair) -> Table:
    side, table = pair.published, []
    rows = side.rows("valid")
    for network in pair.networks:
        scores = _scores(side, network.training, rows)
        as_published = auroc(rows["label"], scores)
        clustered = auroc(rows["label"], scores, rows["patient_id"])
        ratio = (clustered.high - clustered.low) / (as_published.high - as_published.low)
        table.append([network.shown_as, str(as_published), str(clustered), f"{ratio:.2f}"])
    headings = ["Model", "AUROC, ECGs independent", "AUROC, patients independent", "Width, ratio"]
    return headings, table


def _thresholds(pair: Pair) -> Table:
    found = {
        metric: pair.ours.results.numbers("accuracy-and-ppv", metric)["value"]
        for metric in ("accuracy", "accuracy_validated", "ppv", "ppv_validated")
    }
    table = [
        [network.shown_as, *(_number(values.get(network.shown_as)) for values in found.values())]
        for network in pair.networks
    ]
    headings = ["Model", "Accuracy, evaluated labels", "Accuracy, validation"]
    return [*headings, "PPV, evaluated labels", "PPV, validation"], table


def _reload(pair: Pair) -> Table:
    side, table = pair.published, []
    rows = side.rows("valid")
    for network in pair.networks:
        if network.reloaded is None:
            continue
        a, b = (_scores(side, step, rows) for step in (network.training, network.reloaded))
        areas = [auroc(rows["label"], each, rows["patient_id"]) for each in (a, b)]
        lost = compare_auroc(rows["label"], a, b, rows["patient_id"]).difference
        moved = np.abs(_logit(a) - _logit(b)).mean()
        table.append([network.shown_as, *map(str, areas), str(lost), f"{moved:.3f}"])
    headings = ["Model", "AUROC, as trained", "AUROC, reloaded", "Difference"]
    return [*headings, "Mean change of the logit"], table


def _without_validation(pair: Pair) -> Table:
    table = []
    for network in pair.networks:
        history = pd.read_csv(pair.published.run(network.pretraining).path / HISTORY)
        areas = history["valid_auroc"].dropna().to_numpy()  # NaN for an epoch that diverged
        if not len(areas):  # too few patients to show results
            table.append([network.shown_as, NONE, NONE, NONE])
            continue
        cells = [f"{areas[place]:.3f} ({place + 1})" for place in (len(areas) - 1, areas.argmax())]
        table.append([network.shown_as, *cells, f"{areas.max() - areas[-1]:.3f}"])
    return ["Model", "AUROC, last epoch", "AUROC, best epoch", "Difference"], table


def _everything(pair: Pair) -> Table:
    table = []
    for network in pair.networks:
        found = [
            pair.published.auroc(network.reloaded or network.training, "valid"),
            pair.ours.auroc(network.training, "test"),
        ]
        table.append([network.shown_as, *map(_text, found), _difference(*found)])
    return ["Model", "AUROC, the study's way", "AUROC, our way", "Study's − ours"], table


def _scores(side: Side, step: str, rows: pd.DataFrame) -> np.ndarray:
    """Validation predictions of a step, in the order of rows."""
    scores: np.ndarray = side.run(step).predictions("valid").loc[rows["ecg_id"]].to_numpy()
    return scores


def _difference(a: Estimate | None, b: Estimate | None) -> str:
    """The difference of two estimates from different ECGs, with a Wald interval."""
    if a is None or b is None:
        return NONE
    half = np.hypot(a.high - a.low, b.high - b.low) / 2
    value = a.value - b.value
    return f"{value:.3f} ({value - half:.3f} to {value + half:.3f})".replace("-", "−")


def _logit(probabilities: np.ndarray) -> np.ndarray:
    clipped = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return np.log(clipped / (1 - clipped))


def _text(estimate: Estimate | None) -> str:
    return NONE if estimate is None else str(estimate)


def _number(value: float | None) -> str:
    return NONE if value is None or value != value else f"{value:.3f}"


def _markdown(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


SECTIONS: tuple[tuple[str, str, Callable[[Pair], Table]], ...] = (
    (
        "Evaluation includes patients of the pre-training",
        "The study split the tested and the untested patients separately, so that a patient can "
        "train one task and validate the other. Our split assigns each patient once, over all "
        "tasks. Measured on the study's way: evaluated ECGs of patients in the pre-training, "
        "compared with all others.",
        _seen_in_pretraining,
    ),
    (
        "The ECGs that chose the epoch evaluate the model",
        "The study kept the epoch with the best validation AUROC and reported that AUROC; its "
        "test set is the hidden holdout. Our models are chosen on validation ECGs and evaluated on "
        "a separate test set. Measured on our way; the two sets contain different patients.",
        _judged_by_the_choosing,
    ),
    (
        "Intervals treat ECGs as independent",
        "ECGs of the same patient are correlated, which DeLong's variance ignores. Measured on the "
        "study's way, on the same predictions (docs/explanation/why-patients-cluster.md).",
        _interval_widths,
    ),
    (
        "Thresholds come from the evaluated labels",
        "The study calls as many ECGs positive as there are events among the evaluated ones; PPV "
        "then equals sensitivity. We apply the same rule to validation ECGs. Measured on our way, "
        "on the same predictions.",
        _thresholds,
    ),
    (
        "S4 is evaluated after a faulty reload",
        "The study's loader assumes a shorter kernel than the saved one (docs/explanation/"
        "s4-reload-fault.md). Measured on the study's way, on the same weights.",
        _reload,
    ),
    (
        "Pre-training has no validation",
        "The study saved the validation rows of the untested under one name and read them under "
        "another: it kept no best epoch, and its learning rate could not react. Measured on the "
        "study's way: validation AUROC of the last epoch of the pre-training, which is kept, and "
        "of the best epoch (with the number of the epoch).",
        _without_validation,
    ),
    (
        "Everything together",
        "All of the above, and choices of the training: optimizer and learning rates, sampling, "
        "augmentation, averaged weights, and for HuBERT-ECG the study's unfiltered millivolts of "
        "median beats in place of its authors' preparation. Each run is evaluated on its own ECGs; "
        "intervals are those of two independent samples.",
        _everything,
    ),
)
TAIL = (
    "## What the study did not report\n\nCalibration, net benefit, comparisons of models, and "
    "intervals of accuracy and PPV. The reports of both runs contain them."
)

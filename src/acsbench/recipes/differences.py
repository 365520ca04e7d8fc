"""What differs from the published study, and by how much: a page from two runs of its recipe.

One run was done as the study published it, the other our way. Where a choice can be undone on the
same predictions or the same weights, its effect is measured alone; what decides the training is
measured together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acsbench import __version__
from acsbench.disclosure import shown_count, too_few_patients
from acsbench.recipes.results import Results, open_results
from acsbench.recipes.steps import Made
from acsbench.recipes.work import Network
from acsbench.runs import HISTORY, Run, open_run
from acsbench.statistics import Estimate, auroc, auroc_gap, compare_auroc
from acsbench.waveforms.prepared import Prepared, open_prepared

PAGE = "differences.md"
NONE = "–"
Table = tuple[list[str], list[list[str]]]
"""Headings, and rows of text."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two runs of the recipe.

    Args:
        made: what its steps have made.
        prepared: tables and splits.
        results: its evaluation.
        task: the task that is judged.
    """

    made: Made
    prepared: Prepared
    results: Results
    task: str

    @staticmethod
    def of(made: Made, preparing: str, evaluating: str, task: str) -> Side:
        """A run by the names of its steps."""
        prepared, results = open_prepared(made[preparing][0]), open_results(made[evaluating][0])
        return Side(made, prepared, results, task)

    def run(self, step: str) -> Run:
        """What a step has trained."""
        return open_run(self.made[step][0])

    def rows(self, split: str) -> pd.DataFrame:
        """The task's ECGs of a split."""
        table = self.prepared.table(self.prepared.task(self.task))
        return table[table["split"] == split].reset_index(drop=True)

    def may_show(self, rows: pd.DataFrame) -> bool:
        """Whether a figure of these ECGs may be shown, and exists."""
        if self.prepared.simulated:
            return len(set(rows["label"])) == 2 and len(set(rows["patient_id"])) > 1
        return not too_few_patients(rows["label"], rows["patient_id"])


@dataclass(frozen=True, eq=False)
class Pair:
    """The two runs.

    Args:
        ours, published: the runs.
        networks: of both.
    """

    ours: Side
    published: Side
    networks: Sequence[Network]


def page(pair: Pair) -> str:
    """The page in Markdown."""
    parts = [_head(pair)]
    sides = ((pair.published, "valid"), (pair.ours, "test"))
    if not all(side.may_show(side.rows(split)) for side, split in sides):
        return f"{parts[0]}\n\nToo few patients have, or lack, the event to show a figure.\n"
    for title, text, table in SECTIONS:
        parts.append(f"## {title}\n\n{text}\n\n{_markdown(*table(pair))}")
    return "\n\n".join([*parts, TAIL]) + "\n"


def _head(pair: Pair) -> str:
    prepared = pair.published.prepared
    whose = "simulated ECGs" if prepared.simulated else "ECGs"
    note = (
        "No patient was involved: what follows shows which way each difference goes and that it "
        "is measured, not how large it is among patients. "
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
        f"runs on {whose} of {prepared.meta['dataset']}: the study's own way, judged by "
        f"{counts[0]} of its validation set, and ours, judged by {counts[1]} of a test set. {note}"
        "Intervals are at 95 % and keep a patient's ECGs together unless said otherwise."
    )


def _seen_in_pretraining(pair: Pair) -> Table:
    side = pair.published
    rows = side.rows("valid")
    rows_of = []
    for network in pair.networks:
        run = side.run(network.training)
        earlier = side.prepared.table(
            side.prepared.task(side.run(network.pretraining).config["task"]["name"])
        )
        trained_on = set(earlier.loc[earlier["split"] == "train", "patient_id"])
        seen = rows["patient_id"].isin(trained_on).to_numpy()
        cells = [network.shown_as, NONE, NONE, NONE]
        if side.may_show(rows[seen]) and side.may_show(rows[~seen]):
            scores = run.predictions("valid").loc[rows["ecg_id"]].to_numpy()
            gap = auroc_gap(rows["label"], scores, seen, rows["patient_id"]).difference
            parts = [
                auroc(rows["label"][part], scores[part], rows["patient_id"][part])
                for part in (seen, ~seen)
            ]
            cells = [network.shown_as, *map(str, parts), str(gap)]
        count = shown_count(int(seen.sum()), side.prepared.simulated)
        rows_of.append([*cells, f"{count} of {len(seen):,}"])
    headings = ["Model", "AUROC, patients seen", "AUROC, others", "Difference", "ECGs of seen"]
    return headings, rows_of


def _judged_by_the_choosing(pair: Pair) -> Table:
    rows_of = []
    for network in pair.networks:
        run = pair.ours.run(network.training)
        found = [_area(pair.ours, run, split) for split in ("valid", "test")]
        rows_of.append([network.shown_as, *map(_text, found), _apart(*found)])
    headings = ["Model", "AUROC, validation", "AUROC, test", "Validation − test"]
    return headings, rows_of


def _interval_widths(pair: Pair) -> Table:
    side, rows_of = pair.published, []
    rows = side.rows("valid")
    for network in pair.networks:
        scores = side.run(network.training).predictions("valid").loc[rows["ecg_id"]].to_numpy()
        as_published = auroc(rows["label"], scores)
        clustered = auroc(rows["label"], scores, rows["patient_id"])
        ratio = (clustered.high - clustered.low) / (as_published.high - as_published.low)
        rows_of.append([network.shown_as, str(as_published), str(clustered), f"{ratio:.2f}"])
    headings = ["Model", "AUROC, ECGs independent", "AUROC, patients independent", "Width, ratio"]
    return headings, rows_of


def _thresholds(pair: Pair) -> Table:
    results = pair.ours.results
    found = {
        metric: results.numbers("accuracy-and-ppv", metric)["value"]
        for metric in ("accuracy", "accuracy_validated", "ppv", "ppv_validated")
    }
    rows_of = [
        [network.shown_as, *(_number(values.get(network.shown_as)) for values in found.values())]
        for network in pair.networks
    ]
    headings = ["Model", "Accuracy, judged labels", "Accuracy, validation"]
    return [*headings, "PPV, judged labels", "PPV, validation"], rows_of


def _reload(pair: Pair) -> Table:
    side, rows_of = pair.published, []
    rows = side.rows("valid")
    for network in pair.networks:
        if network.reloaded is None:
            continue
        runs = [side.run(step) for step in (network.training, network.reloaded)]
        a, b = (run.predictions("valid").loc[rows["ecg_id"]].to_numpy() for run in runs)
        areas = [auroc(rows["label"], each, rows["patient_id"]) for each in (a, b)]
        lost = compare_auroc(rows["label"], a, b, rows["patient_id"]).difference
        moved = np.abs(_logit(a) - _logit(b)).mean()
        rows_of.append([network.shown_as, *map(str, areas), str(lost), f"{moved:.3f}"])
    headings = ["Model", "AUROC, as trained", "AUROC, reloaded", "Difference"]
    return [*headings, "Mean change of the logit"], rows_of


def _without_validation(pair: Pair) -> Table:
    rows_of = []
    for network in pair.networks:
        history = pd.read_csv(pair.published.run(network.pretraining).path / HISTORY)
        areas = history["valid_auroc"].dropna().to_numpy()  # an epoch that diverged has none
        if not len(areas):  # too few patients to show a figure
            rows_of.append([network.shown_as, NONE, NONE, NONE])
            continue
        cells = [f"{areas[place]:.3f} ({place + 1})" for place in (len(areas) - 1, areas.argmax())]
        rows_of.append([network.shown_as, *cells, f"{areas.max() - areas[-1]:.3f}"])
    headings = ["Model", "AUROC, last epoch", "AUROC, best epoch", "Given away"]
    return headings, rows_of


def _everything(pair: Pair) -> Table:
    rows_of = []
    for network in pair.networks:
        found = [
            _area(side, side.run(step), split)
            for side, step, split in (
                (pair.published, network.reloaded or network.training, "valid"),
                (pair.ours, network.training, "test"),
            )
        ]
        rows_of.append([network.shown_as, *map(_text, found), _apart(*found)])
    return ["Model", "AUROC, the study's way", "AUROC, our way", "Study's − ours"], rows_of


def _area(side: Side, run: Run, split: str) -> Estimate | None:
    rows = side.rows(split)
    if not side.may_show(rows):
        return None
    scores = run.predictions(split).loc[rows["ecg_id"]]
    return auroc(rows["label"], scores, rows["patient_id"])


def _apart(a: Estimate | None, b: Estimate | None) -> str:
    """The difference of two estimates from different ECGs, with Wald limits."""
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
        "Patients of the pre-training are judged",
        "The study split the tested and the untested each by itself, so that a patient can train "
        "one task and validate the other. Our split assigns each patient once, over all tasks. "
        "Measured on the study's way: the judged ECGs of patients that the pre-training has seen, "
        "beside those of all others.",
        _seen_in_pretraining,
    ),
    (
        "The ECGs that chose the epoch judge the model",
        "The study kept the epoch with the best validation AUROC and reported that AUROC; its "
        "test set is the hidden holdout. Ours is chosen on validation and judged by a test set "
        "that nothing was chosen on. Measured on our way; the two sets are different patients.",
        _judged_by_the_choosing,
    ),
    (
        "Intervals take ECGs as independent",
        "The ECGs of a patient resemble each other, and DeLong's variance does not know that. "
        "Measured on the study's way, on the same predictions (docs/explanation/"
        "why-patients-cluster.md).",
        _interval_widths,
    ),
    (
        "Thresholds come from the judged labels",
        "As many ECGs are called as there are events among the judged ones; PPV then equals "
        "sensitivity. We choose the threshold on validation ECGs, by the same rule. Measured on "
        "our way, on the same predictions.",
        _thresholds,
    ),
    (
        "S4 is judged after a faulty reload",
        "The study's loader takes the saved kernel for a shorter one (docs/explanation/"
        "s4-reload-fault.md). Measured on the study's way, on the same weights.",
        _reload,
    ),
    (
        "Pre-training has no validation",
        "The study saved the validation rows of the untested under one name and read them under "
        "another: no best epoch was kept, and the learning rate had nothing to follow. Measured on "
        "the study's way: validation AUROC of the pre-training's last epoch, which is kept, "
        "beside its best (number of the epoch in brackets; it could not have been known).",
        _without_validation,
    ),
    (
        "Everything together",
        "All of the above, and what decides the training and cannot be undone after it: optimiser "
        "and rates, sampling, augmentation, averaged weights, and for HuBERT-ECG the study's "
        "unfiltered millivolts from median beats in place of what its authors trained it on. "
        "Each is judged by its own ECGs; limits are those of two independent samples.",
        _everything,
    ),
)
TAIL = (
    "## What the study did not report\n\nCalibration, net benefit, tests of one model against "
    "another, and intervals of accuracy and PPV. Both runs have them in their reports."
)

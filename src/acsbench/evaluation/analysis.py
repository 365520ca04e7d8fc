"""All that the topics of a report start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from acsbench.cohort.counts import SPLIT_NAMES
from acsbench.disclosure import is_small, too_few_patients
from acsbench.evaluation.chosen_on import ChosenOn, chosen_on
from acsbench.evaluation.cohort import VALIDATION, EvaluationCohort, ModelPredictions, Sample
from acsbench.evaluation.figures.frame import Marks, Style, model_styles
from acsbench.evaluation.metrics import (
    AT_THRESHOLD,
    ModelMetrics,
    Pair,
    compare_models,
    model_metrics,
)
from acsbench.evaluation.signs import SIGNS, Flags, any_of, read_signs
from acsbench.evaluation.small_cells import in_steps, shown_cuts, shown_of_call
from acsbench.statistics import Estimate, auroc
from acsbench.statistics.resample import RESAMPLES


@dataclass(frozen=True)
class Settings:
    """What the user may choose.

    Args:
        level: confidence level of all intervals.
        resamples: bootstrap draws, where an interval has no formula.
        seed: of the bootstrap.
        show_small_cells: show counts from 1 to 10, and the numbers that rest on them.
    """

    level: float = 0.95
    resamples: int = RESAMPLES
    seed: int = 0
    show_small_cells: bool = False

    @property
    def resampling(self) -> dict[str, int]:
        """Arguments of the statistics that draw patients."""
        return {"resamples": self.resamples, "seed": self.seed}


DEFAULTS = Settings()


@dataclass(frozen=True, eq=False)
class Analysis:
    """A cohort and its models, aligned row by row.

    Args:
        cohort: who counts.
        models: what each model said, in the order given.
        settings: the user's choices.
    """

    cohort: EvaluationCohort
    models: Sequence[ModelPredictions]
    settings: Settings = DEFAULTS

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """The evaluated ECGs with the probabilities of each model."""
        split = self.cohort.evaluated
        return {m.name: self.cohort.sample(split, m.probabilities) for m in self.models}

    @cached_property
    def validation(self) -> dict[str, Sample]:
        """The validation ECGs with the probabilities of each model that predicts them."""
        if not self.cohort.chooses_thresholds:
            return {}
        ids = self.cohort.split(VALIDATION)["ecg_id"]
        return {
            m.name: self.cohort.sample(VALIDATION, m.probabilities)
            for m in self.models
            if m.covers(ids)
        }

    @cached_property
    def chosen_on(self) -> ChosenOn | None:
        """What thresholds rest on; None if none is chosen."""
        if not self.validation:
            return None
        return chosen_on(self.cohort, self.settings.level, self.settings.show_small_cells)

    def threshold_note(self, share: float) -> str:
        """For numbers at a threshold: that few patients chose it; nothing if they are many."""
        warning = "" if self.chosen_on is None else self.chosen_on.specificity_warning(share)
        return f" {warning}" if warning else ""

    @property
    def labels(self) -> NDArray[np.int64]:
        """0/1 of the evaluated ECGs, shape (n,)."""
        return next(iter(self.samples.values())).labels

    @property
    def patients(self) -> NDArray[np.intp]:
        """Numbers of the evaluated ECGs' patients, shape (n,)."""
        return next(iter(self.samples.values())).patients

    @cached_property
    def covariates(self) -> pd.DataFrame:
        """What else is known of the evaluated ECGs, row by row."""
        return self.cohort.covariates_of(self.cohort.evaluated)

    @cached_property
    def all_signs(self) -> dict[str, Flags]:
        """What a reader saw in the evaluated ECGs."""
        return read_signs(self.covariates)

    @cached_property
    def signs(self) -> dict[str, Flags]:
        """Those of all signs that enough patients have: numbers of each may be shown."""
        return {name: flags for name, flags in self.all_signs.items() if self._may_divide(flags)}

    def any_sign(self, names: Sequence[str] = tuple(SIGNS)) -> Flags | None:
        """Where at least one of some signs was seen, also of those that are hidden themselves.

        None if there is none of these signs, or if numbers of all together may not be shown:
        because too few patients have, or lack, any; or because a single one is shown, and what
        it leaves of them all is a small cell.
        """
        if not any(name in self.all_signs for name in names):
            return None
        seen = any_of(self.all_signs, names)
        shown = [name for name in names if name in self.signs]
        if not self._may_divide(seen):
            return None
        if len(shown) == 1 and self._is_small_cell(seen & ~self.signs[shown[0]]):
            return None
        return seen

    @cached_property
    def areas(self) -> dict[str, Estimate]:
        """AUROC of each model, from the highest; a tie keeps the order given."""
        areas = {
            name: auroc(sample.labels, sample.probabilities, sample.patients, self.settings.level)
            for name, sample in self.samples.items()
        }
        return dict(sorted(areas.items(), key=lambda item: -item[1].value))

    @property
    def order(self) -> list[str]:
        """Names of the models, from the highest AUROC."""
        return list(self.areas)

    @cached_property
    def metrics(self) -> dict[str, ModelMetrics]:
        """The leading metrics of each model, from the highest AUROC."""
        return {
            name: model_metrics(
                self.samples[name],
                self.validation.get(name),
                level=self.settings.level,
                **self.settings.resampling,
            )
            for name in self.order
        }

    @cached_property
    def shown_metrics(self) -> dict[str, dict[str, Estimate | str]]:
        """Those of `metrics` as they may be shown, with text for what tells a small cell."""
        shown: dict[str, dict[str, Estimate | str]] = {}
        for name, metrics in self.metrics.items():
            shown[name] = dict(metrics.estimates)
            if metrics.threshold is not None:
                called = self.rows(name)[1] >= metrics.threshold
                found = {key: metrics.estimates[key] for key in AT_THRESHOLD}
                shown[name] |= self.shown_of_call(called, found)
        return shown

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every two models, the one with the higher AUROC first."""
        return compare_models(
            {name: self.samples[name] for name in self.order}, self.settings.level
        )

    @cached_property
    def styles(self) -> dict[str, Style]:
        """Colour and line style of each model."""
        return model_styles([model.name for model in self.models])

    @property
    def others_in_file(self) -> str:
        """What the caption of a table of the best model says of the others, if there are any."""
        return "; the other models are in the CSV file" if len(self.order) > 1 else ""

    @property
    def split_name(self) -> str:
        """What the evaluated ECGs are called: test or validation."""
        return SPLIT_NAMES[self.cohort.evaluated]

    @property
    def too_few(self) -> bool:
        """Whether fewer than eleven patients have, or lack, the event: nothing may be shown."""
        return not self.may_show(np.ones(len(self.labels), dtype=bool))

    def may_show(self, rows: Flags) -> bool:
        """Whether enough patients among these ECGs have the event, and enough lack it."""
        if self.settings.show_small_cells:
            # A statistic still needs both classes, of more than one patient.
            return len(set(self.labels[rows])) == 2 and len(set(self.patients[rows])) > 1
        return not too_few_patients(self.labels[rows], self.patients[rows])

    def _may_divide(self, rows: Flags) -> bool:
        """Whether numbers of these ECGs may be shown, beside those of all."""
        return self.may_show(rows) and self.may_show(~rows)

    def _is_small_cell(self, rows: Flags) -> bool:
        """Whether 1 to 10 patients among these ECGs have the event, or lack it."""
        cells = [len(set(self.patients[rows & (self.labels == label)])) for label in (0, 1)]
        return not self.settings.show_small_cells and any(map(is_small, cells))

    def shown_of_call(
        self, called: Flags, found: Mapping[str, Estimate | str]
    ) -> dict[str, Estimate | str]:
        """The numbers of a call, with text for those that would tell a small cell."""
        if self.settings.show_small_cells:
            return dict(found)
        return shown_of_call(found, called, self.labels, self.patients)

    def shown_cuts(self, scores: NDArray[np.float64], thresholds: ArrayLike) -> Flags:
        """Which thresholds may be told of together, the most important first, shape (k,)."""
        if self.settings.show_small_cells:
            return np.ones(len(np.asarray(thresholds)), dtype=bool)
        return shown_cuts(self.labels, scores, self.patients, thresholds)

    def in_steps(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores to draw a curve of, which may not tell a small cell between two points."""
        if self.settings.show_small_cells:
            return scores
        return in_steps(self.labels, scores, self.patients)

    @property
    def thinned(self) -> str:
        """What the caption of a curve says of the points that it lacks."""
        if self.settings.show_small_cells:
            return ""
        return " Points are left out where few patients with or without the event lie between two."

    def rows(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Labels and a model's probabilities, as the statistics take them."""
        return self.labels, self.samples[name].probabilities

    def marks(self, what: str, label_note: str = "", ecgs: int | None = None) -> Marks:
        """Title and note of a figure, of the task's events and ECGs unless others are given."""
        size = len(self.labels) if ecgs is None else ecgs
        return Marks(
            title=f"{self.cohort.task_name}: {what}, {size:,} {self.split_name} ECGs",
            note=f"Events: {label_note or self.cohort.label_note}",
            simulated=self.cohort.simulated,
            level=self.settings.level,
        )

"""From a prepared folder and predictions on disk to an evaluation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from acsbench.cohort.task import Task
from acsbench.errors import ConfigurationError, DataError
from acsbench.evaluation.analysis import Settings
from acsbench.evaluation.cohort import (
    TEST,
    VALIDATION,
    Elsewhere,
    EvaluationCohort,
    ModelPredictions,
)
from acsbench.evaluation.predictions import read_predictions
from acsbench.evaluation.report import Evaluation, evaluate
from acsbench.evaluation.topics.examples import Waveforms
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.profiles import filter_words

RUN_CONFIG, RUN_METRICS = "config.yaml", "metrics.json"
PAGE_PROFILE = "study-rows"


def evaluate_task(
    prepared: Prepared,
    task: str | None,
    predictions: Sequence[Path],
    out: Path,
    *,
    split: str | None = None,
    examples: bool | None = None,
    show_small_cells: bool = False,
    command: str = "",
    names: Sequence[str] | None = None,
) -> Evaluation:
    """Evaluate predictions of a prepared task.

    Args:
        prepared: tables and labels.
        task: its name; the only one of the folder unless given.
        predictions: Run folders, or CSV files. A file holds every evaluated ECG; if it holds
            those of the validation split as well, thresholds are chosen and probabilities
            recalibrated on them; ECGs of other tasks are used where they tell of selection.
        out: folder to write.
        split: `test` or `valid`; unless given, test where the task has test ECGs.
        examples: draw pages of ECGs; unless given, of simulated ones only.
        show_small_cells: show counts from 1 to 10.
        command: recorded in the report.
        names: of the models in the report; unless given, those of the files or of the runs' models.
    """
    chosen = prepared.task(task)
    cohort = read_cohort(prepared, chosen, split, command)
    digests = prepared.manifest().digests[chosen.name]
    models = [_read_model(path, cohort, digests) for path in predictions]
    if names is not None:
        models = [replace(m, name=name) for m, name in zip(models, names, strict=True)]
    models = _told_apart(models)
    # Nobody can be found out in simulated ECGs.
    settings = Settings(show_small_cells=show_small_cells or prepared.simulated)
    wanted = prepared.simulated if examples is None else examples
    return evaluate(cohort, models, out, settings, _waveforms(prepared) if wanted else None)


def _told_apart(models: Sequence[ModelPredictions]) -> list[ModelPredictions]:
    """Runs of one model with a number each, in the order given; the notes say which run it is."""
    names = [model.name for model in models]
    numbered: Counter[str] = Counter()
    told = []
    for model in models:
        if names.count(model.name) > 1 and "run" in model.notes:
            numbered[model.name] += 1
            name = f"{model.name} ({numbered[model.name]})"
            model = replace(model, name=name, notes={"model": model.name, **model.notes})
        told.append(model)
    return told


def read_cohort(
    prepared: Prepared, task: Task, split: str | None = None, command: str = ""
) -> EvaluationCohort:
    """The cohort of a prepared task; arguments as for `evaluate_task`."""
    table = prepared.table(task)
    has_test = bool((table["split"] == TEST).any())
    evaluated = split or (TEST if has_test else VALIDATION)
    if not (table["split"] == evaluated).any():
        raise ConfigurationError(f"task {task.name!r} has no ECGs in the split {evaluated!r}")
    manifest = prepared.manifest()
    seed = "" if manifest.seed is None else f", seed {manifest.seed}"
    provenance = {
        "Input hash": prepared.meta["input_hash"],
        "Waveforms": ", ".join(prepared.meta["profiles"]),
        "Split": f"{manifest.method}{seed}; evaluated: {evaluated}",
        **{f"Patients of {name} (SHA-256)": d for name, d in manifest.digests[task.name].items()},
    }
    return EvaluationCohort(
        table=table,
        task_name=task.name,
        task_version=task.version,
        task_hash=task.digest,
        label_note=task.description,
        label_is_reading=task.reference == "reading",
        unit=task.unit,
        dataset=prepared.meta["dataset"],
        simulated=prepared.simulated,
        flow=prepared.flow(task),
        provenance=provenance | ({"Command": command} if command else {}),
        evaluated=evaluated,
        covariates=prepared.ecgs().set_index("ecg_id"),
        elsewhere=[
            other
            for name in prepared.tasks
            if name != task.name
            for other in _elsewhere(prepared, prepared.task(name), table, evaluated)
        ],
    )


def _elsewhere(
    prepared: Prepared, other: Task, table: pd.DataFrame, evaluated: str
) -> list[Elsewhere]:
    """Another task on evaluated ECGs that this one leaves out, if it has any."""
    rows = prepared.table(other)
    # Where tasks are split each by itself, a patient may be in training here and tested there.
    seen = table.loc[table["split"] != evaluated, "patient_id"]
    left_out = ~rows["ecg_id"].isin(table["ecg_id"]) & ~rows["patient_id"].isin(seen)
    rows = rows[left_out & (rows["split"] == evaluated)].sort_values("ecg_id", ignore_index=True)
    if rows["label"].nunique() < 2:
        return []
    kept = rows[["ecg_id", "patient_id", "label"]]
    return [Elsewhere(other.name, other.description, kept)]


def _waveforms(prepared: Prepared) -> Waveforms | None:
    """Reads the rows of printed pages, if they were prepared."""
    if PAGE_PROFILE not in prepared.meta["profiles"]:
        return None

    store = prepared.store(PAGE_PROFILE)

    def read(ecg_ids: Sequence[str]) -> NDArray[np.float32]:
        return store.read(store.positions(ecg_ids))

    return Waveforms(read, filter_words(store.processing))


def _read_model(path: Path, cohort: EvaluationCohort, digests: dict[str, str]) -> ModelPredictions:
    if not path.is_dir():
        return ModelPredictions(path.stem, read_predictions(path, cohort))
    if not (path / RUN_METRICS).is_file():
        raise DataError(
            "this is no finished run",
            file=path,
            fix="Give a folder that acsbench train has written, or a CSV ecg_id,probability",
        )
    try:
        config = yaml.safe_load((path / RUN_CONFIG).read_text(encoding="utf-8"))
        training = json.loads((path / RUN_METRICS).read_text(encoding="utf-8"))["training"]
        task, split = config["task"], config["lineage"][-1]["split"]
    except (OSError, ValueError, KeyError, TypeError, LookupError, yaml.YAMLError) as error:
        raise DataError(
            "the run's configuration or metrics cannot be read", file=path, fix="Train it again"
        ) from error
    if task["digest"] != cohort.task_hash:
        raise ConfigurationError(
            f"{path} was trained for task {task['name']!r} [{task['digest']}], not for "
            f"{cohort.task_name!r} [{cohort.task_hash}]"
        )
    if split != digests:
        raise ConfigurationError(
            f"{path} was trained on another split of the patients than the one to evaluate"
        )
    notes = {"run": path.name} | {name: str(value) for name, value in training.items()}
    return ModelPredictions(config["model"], _run_predictions(path, cohort), notes)


def _run_predictions(path: Path, cohort: EvaluationCohort) -> pd.Series:
    """Predictions of the splits that matter, a file each."""
    evaluated = read_predictions(path / f"predictions-{cohort.evaluated}.csv", cohort)
    if not cohort.chooses_thresholds:
        return evaluated
    validation = read_predictions(path / f"predictions-{VALIDATION}.csv", cohort, (VALIDATION,))
    return pd.concat([evaluated, validation])

"""From a prepared folder and predictions on disk to an evaluation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import yaml

from acsbench.cohort.task import Task
from acsbench.errors import ConfigurationError, DataError
from acsbench.evaluation.cohort import EvaluationCohort, ModelPredictions
from acsbench.evaluation.predictions import read_predictions
from acsbench.evaluation.report import Evaluation, evaluate
from acsbench.waveforms.prepare import Prepared

RUN_CONFIG, RUN_METRICS = "config.yaml", "metrics.json"


def evaluate_task(
    prepared: Prepared,
    task: str | None,
    predictions: Sequence[Path],
    out: Path,
    *,
    show_small_cells: bool = False,
    command: str = "",
) -> Evaluation:
    """Evaluate predictions of a prepared task.

    Args:
        prepared: tables and labels.
        task: its name; the only one of the folder unless given.
        predictions: Run folders, or CSV files with the ECGs of validation and test.
        out: folder to write.
        show_small_cells: show counts from 1 to 10.
        command: recorded in the report.
    """
    chosen = prepared.task(task)
    cohort = _cohort(prepared, chosen, command)
    digests = prepared.manifest()["digests"][chosen.name]
    models = [_read_model(path, cohort, digests) for path in predictions]
    names = [model.name for model in models]
    models = [
        # Seeds of one model are told apart by their runs.
        replace(model, name=model.notes["run"])
        if names.count(model.name) > 1 and "run" in model.notes
        else model
        for model in models
    ]
    # Nobody can be found out in simulated ECGs.
    shown = show_small_cells or prepared.simulated
    return evaluate(cohort, models, out, show_small_cells=shown)


def _cohort(prepared: Prepared, task: Task, command: str) -> EvaluationCohort:
    manifest = prepared.manifest()
    provenance = {
        "Input hash": prepared.meta["input_hash"],
        "Waveforms": ", ".join(prepared.meta["profiles"]),
        "Split": manifest["method"]
        + ("" if manifest["seed"] is None else f", seed {manifest['seed']}"),
        **{
            f"Patients of {name} (SHA-256)": d for name, d in manifest["digests"][task.name].items()
        },
    }
    return EvaluationCohort(
        table=prepared.table(task),
        task_name=task.name,
        task_version=task.version,
        task_hash=task.digest,
        label_note=task.description,
        unit=task.unit,
        dataset=prepared.meta["dataset"],
        simulated=prepared.simulated,
        flow=prepared.flow(task),
        provenance=provenance | ({"Command": command} if command else {}),
    )


def _read_model(path: Path, cohort: EvaluationCohort, digests: dict[str, str]) -> ModelPredictions:
    if not path.is_dir():
        both = read_predictions(path, cohort.table)
        return _by_split(path.stem, both, cohort, {})
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
    both = pd.concat(
        read_predictions(path / f"predictions-{split}.csv", cohort.table, [split])
        for split in ("valid", "test")
    )
    notes = {"run": path.name} | {name: _word(value) for name, value in training.items()}
    return _by_split(config["model"], both, cohort, notes)


def _by_split(
    name: str, both: pd.Series, cohort: EvaluationCohort, notes: dict[str, str]
) -> ModelPredictions:
    valid, test = (both.loc[cohort.split(split)["ecg_id"]] for split in ("valid", "test"))
    return ModelPredictions(name, valid, test, notes)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)

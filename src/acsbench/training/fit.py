"""Training a model on a prepared task, into a Run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file as save_arrays
from sklearn.utils._param_validation import InvalidParameterError

from acsbench import __version__
from acsbench.cohort.task import Task
from acsbench.errors import ConfigurationError, DataError
from acsbench.files import sha256, write_text
from acsbench.models.registry import create_model, model_info
from acsbench.runs import (
    CARD,
    CODE,
    DIVERGED,
    HISTORY,
    REPORTED,
    WEIGHTS,
    Run,
    RunWriter,
    find_run,
    open_run,
    write_metrics,
    write_predictions,
)
from acsbench.statistics.auroc import auroc
from acsbench.statistics.estimate import Estimate
from acsbench.training.callbacks import Report
from acsbench.training.card import model_card
from acsbench.training.config import TrainingConfig
from acsbench.training.history import is_hidden, read_history, reason_to_stop
from acsbench.training.init import check_init
from acsbench.training.module import against_divergence
from acsbench.training.network import BUDGET_ENDED, network_fit
from acsbench.training.predictors import check_finite, inputs_of, load_predictor, processing_of
from acsbench.training.shipped import check_used
from acsbench.training.state import load_state
from acsbench.training.trainer import ONE_DEVICE, Hardware
from acsbench.waveforms.prepared import Prepared, splits_of

NO_PREDICTIONS = "no predictions of"
"""First words of the note on a split that the trained model cannot predict."""
Splits = dict[str, pd.DataFrame]


def train(
    prepared: Prepared,
    model: str,
    config: TrainingConfig,
    runs: Path,
    *,
    task: str | None = None,
    init: Run | None = None,
    allow_leak: bool = False,
    hardware: Hardware = ONE_DEVICE,
    report: Report = lambda _: None,
) -> Run:
    """Train a model, or return the finished run of the same configuration.

    The epoch with the best validation AUROC is kept, and the test split is predicted once, at
    the end. An interrupted training, or one that a shorter time budget ended, resumes after its
    last full epoch with the same result. If the model's output for an ECG is NaN or infinite,
    the split has no predictions and no AUROC; the notes of the run say so.

    Args:
        prepared: folder with tables and waveforms.
        model: name of the model.
        config: training settings.
        runs: folder of the Run folders.
        task: name of the task; optional if the folder has one task.
        init: run of the same network whose weights to start from, such as a pre-training on
            another task of the same folder.
        allow_leak: start from `init` even if it was trained on patients of the validation or
            test split, as the study did.
        hardware: devices for a network.
        report: called with a line about each step.

    Raises:
        ConfigurationError: model, task, settings or `init` do not fit together, the splits
            cannot be trained on, or the training diverged in its first epoch.
        SystemExit: this process helped another one, which writes the run.
    """
    _check_fitted(model, config, hardware)
    chosen = prepared.task(task)
    splits = splits_of(prepared.table(chosen))
    run_config = _run_config(prepared, model, config, chosen, splits, init, allow_leak)
    earlier = find_run(runs, run_config)
    if earlier is not None and not _can_resume(earlier, config):
        _report_earlier(earlier, config, report)
        return earlier
    if earlier is None and CODE in run_config:
        changed = find_run(runs, run_config, any_code=True)
        if changed is not None:
            report(f"{model}: its code has changed since {changed.path}: this is a new run")
    if init is not None and not init.config["lineage"]:
        report(f"the training patients of {init.path.name} are unknown: AUROC may be optimistic")
    writer = RunWriter(runs, run_config)
    fit = None
    if model_info(model).kind == "network":
        fit = network_fit(
            prepared,
            splits,
            run_config,
            config,
            writer.path,
            init=init,
            hardware=hardware,
            report=report,
        )
        if not fit.leads:
            fit.run()
            raise SystemExit(0)
    with writer:
        if earlier is not None:
            report(f"{model}: continues {earlier.path} with more time")
            writer.resume_from(earlier)
        if fit is not None:
            notes = fit.run()
        else:
            notes = _fit_tabular(prepared, splits, run_config, config, writer.path)
        metrics = _predict(Run(writer.path, run_config), prepared, splits, notes, report)
        write_text(writer.path / CARD, model_card(run_config, metrics, notes))
        write_metrics(writer.path, metrics, notes)
        final = writer.publish(keep_state=notes.get(BUDGET_ENDED) == "yes")
    if metrics:
        results = (f"{REPORTED[split]} AUROC {metrics[split]}" for split in metrics)
        report(f"{model}: {', '.join(results)}")
    return open_run(final)


def _report_earlier(run: Run, config: TrainingConfig, report: Report) -> None:
    """Report a finished run of the same configuration."""
    report(f"{run.model}: already trained, see {run.path}")
    notes = run.notes
    for name, note in notes.items():
        if name.startswith(NO_PREDICTIONS):
            report(f"{run.model}: {name}: {note}")
    if DIVERGED in notes:
        report(
            f"{run.model}: that training diverged {notes[DIVERGED]}; epoch {notes['epoch kept']} "
            "is kept, and repeating the training would give the same. "
            f"{against_divergence(config.learning_rate, config.precision)}"
        )


def _predict(
    run: Run, prepared: Prepared, splits: Splits, notes: dict[str, str], report: Report
) -> dict[str, Estimate]:
    """Write the predictions of the validation and test split; returns the AUROC that may be shown.

    Weights that took hours to train are kept if a split cannot be predicted: `notes` say so.
    """
    predictor = load_predictor(run)
    metrics: dict[str, Estimate] = {}
    for split, name in REPORTED.items():
        part = splits[split]
        if part.empty:  # the study's own split has no test ECGs
            continue
        probabilities = predictor.probabilities(inputs_of(run.config, prepared, part))
        try:
            check_finite(probabilities, prepared, part)
        except DataError as error:
            notes[f"{NO_PREDICTIONS} {name}"] = error.problem
            report(f"{run.model}: {NO_PREDICTIONS} {name}: {error.problem}")
            continue
        write_predictions(run.path, split, part["ecg_id"], probabilities)
        if not prepared.may_show(part):
            report(f"{run.model}: too few {name} patients to show results")
        elif part["label"].nunique() < 2:
            report(f"{run.model}: no {name} AUROC: the ECGs are of one class")
        else:
            metrics[split] = auroc(part["label"], probabilities, groups=part["patient_id"])
    return metrics


def _check_fitted(model: str, config: TrainingConfig, hardware: Hardware) -> None:
    """Check that a tabular model gets no settings that only networks use."""
    if model_info(model).kind == "network":
        return
    changed = (name for name in sorted(config.model_fields_set) if _is_changed(config, name))
    check_used(model, changed)
    if hardware != Hardware(progress_bar=hardware.progress_bar):
        raise ConfigurationError(
            f"{model} is fitted in one process; remove --devices, --nodes, --strategy and --logger"
        )


def _is_changed(config: TrainingConfig, name: str) -> bool:
    field = TrainingConfig.model_fields[name]
    return bool(getattr(config, name) != field.get_default(call_default_factory=True))


def _run_config(
    prepared: Prepared,
    model: str,
    config: TrainingConfig,
    task: Task,
    splits: Splits,
    init: Run | None,
    allow_leak: bool,
) -> dict[str, Any]:
    """Everything that decides the result."""
    if init is not None:
        check_init(init, prepared, model, config, task, allow_leak)
    code = model_info(model).code
    return {
        "version": __version__,
        "model": model,
        **({} if code is None else {CODE: code}),
        "task": {**task.model_dump(), "digest": task.digest},
        "data": {
            "dataset": prepared.meta["dataset"],
            "simulated": prepared.simulated,
            "input_hash": prepared.meta["input_hash"],
        },
        "processing": processing_of(model, config.options, prepared),
        "event_weight": _event_weight(splits, model, config),
        "init": None if init is None else sha256(init.path / WEIGHTS),
        "lineage": [
            *([] if init is None else init.config["lineage"]),
            {"task": task.name, "split": prepared.manifest().digests[task.name]},
        ],
        "training": config.model_dump(mode="json"),
    }


def _can_resume(run: Run, config: TrainingConfig) -> bool:
    """Whether more time would allow a finished training another epoch."""
    path = run.path / HISTORY
    if not path.is_file():
        return False
    history = read_history(path)
    if is_hidden(history):
        # The state contains the results that the file must not show.
        state = load_state(run.path)
        return state is not None and reason_to_stop(state.history, config) is None
    return reason_to_stop(history, config) is None


def _event_weight(splits: Splits, model: str, config: TrainingConfig) -> float:
    """Weight of an event in training relative to a control."""
    events = int((splits["train"]["label"] == 1).sum())
    controls = len(splits["train"]) - events
    if not events or not controls or splits["valid"].empty:
        raise ConfigurationError(
            "the training split needs events and controls, and the validation split needs ECGs; "
            "prepare the dataset with other splits"
        )
    if config.imbalance == "none" or model_info(model).kind != "network":
        return 1.0
    return controls / events


def _fit_tabular(
    prepared: Prepared,
    splits: Splits,
    run_config: dict[str, Any],
    config: TrainingConfig,
    folder: Path,
) -> dict[str, str]:
    model = create_model(run_config["model"], **config.options)
    table = splits["train"]
    features = inputs_of(run_config, prepared, table)
    try:
        model.fit(features, table["label"].to_numpy(dtype=int), config.seed)
    except InvalidParameterError as error:
        raise ConfigurationError(
            f"{run_config['model']} cannot be fitted with the options {config.options}: {error}"
        ) from error
    state = {name: np.ascontiguousarray(value) for name, value in model.state().items()}
    save_arrays(state, folder / WEIGHTS)
    return {"class imbalance": "none: events and controls have equal weight"}

"""Training a model on a prepared task, into a Run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file as save_arrays
from sklearn.utils._param_validation import InvalidParameterError

from acsbench import __version__
from acsbench.errors import ConfigurationError, DataError
from acsbench.files import sha256
from acsbench.models.registry import create_model, model_info
from acsbench.statistics.auroc import auroc
from acsbench.statistics.estimate import Estimate
from acsbench.training.callbacks import Report
from acsbench.training.card import model_card
from acsbench.training.config import TrainingConfig
from acsbench.training.features import feature_table
from acsbench.training.history import is_hidden, read_history, reason_to_stop
from acsbench.training.init import check_init
from acsbench.training.module import against_divergence
from acsbench.training.network import BUDGET_ENDED, network_fit
from acsbench.training.predictors import check_finite, load_predictor, processing_of
from acsbench.training.run import (
    CODE,
    DIVERGED,
    HISTORY,
    REPORTED,
    WEIGHTS,
    Run,
    RunWriter,
    find_run,
    open_run,
)
from acsbench.training.shipped import check_used
from acsbench.training.state import load_state
from acsbench.training.trainer import ONE_DEVICE, Hardware
from acsbench.waveforms.prepared import Prepared, splits_of

NO_PREDICTIONS = "no predictions of"
"""Begins the note on a split that the trained model cannot predict; the split's name follows."""


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
    """Train a model, or take the finished run of the same configuration.

    The epoch of the best validation AUROC is kept; the test split is predicted once, at the end.
    A training that was killed, or ended by a shorter time budget, goes on after its last full
    epoch, and ends as it would have. A split for an ECG of which the trained model's output is
    NaN or infinite has no predictions and no figure; the run's notes say so.

    Args:
        prepared: tables and waveforms.
        model: its name.
        config: settings.
        runs: folder of the Run folders.
        task: the only one of the prepared folder unless given.
        init: a run of the same network whose weights to start from, such as one pre-trained on
            another task of the same prepared folder.
        allow_leak: start from `init` even if it knows patients of the validation or test split,
            which only serves to repeat the study.
        hardware: what a network is trained on.
        report: told a line about each step.

    Raises:
        ConfigurationError: model, task, settings or `init` do not fit together, the splits
            cannot be trained on, or the training diverged in its first epoch.
        SystemExit: this process helped another one, which writes the run.
    """
    _check_fitted(model, config, hardware)
    run_config = _run_config(prepared, model, config, task, init, allow_leak)
    earlier = find_run(runs, run_config)
    if earlier is not None and not _may_go_on(earlier, config):
        report(f"{model}: trained before, see {earlier.path}")
        for name, note in earlier.notes.items():
            if name.startswith(NO_PREDICTIONS):
                report(f"{model}: {name}: {note}")
        if DIVERGED in earlier.notes:
            advice = against_divergence(config.learning_rate, config.precision)
            report(
                f"{model}: that training diverged {earlier.notes[DIVERGED]}; epoch "
                f"{earlier.notes['epoch kept']} is kept, and training again would end there too. "
                f"For one that goes on, {advice}"
            )
        return earlier
    if earlier is None and CODE in run_config:
        changed = find_run(runs, run_config, any_code=True)
        if changed is not None:
            report(f"{model}: its code has changed since {changed.path}: this is a new run")
    if init is not None and not init.config["lineage"]:
        report(f"{init.path.name} does not tell on whom it was trained: figures may be too good")
    splits = splits_of(prepared.table(prepared.task(task)))
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
            report(f"{model}: there is time for more than {earlier.path} had")
            writer.go_on_from(earlier)
        if fit is not None:
            notes = fit.run()
        else:
            notes = _fit_tabular(prepared, splits, run_config, config, writer.path)
        predictor = load_predictor(Run(writer.path, run_config))
        metrics: dict[str, Estimate] = {}
        for split in REPORTED:
            part = splits[split]
            if part.empty:  # the study's own split has no test part
                continue
            probabilities = predictor.probabilities(prepared, part)
            try:
                check_finite(probabilities, prepared, part)
            except DataError as error:
                # Weights that took hours to train are kept: another split may be predicted.
                notes[f"{NO_PREDICTIONS} {REPORTED[split]}"] = error.problem
                report(f"{model}: {NO_PREDICTIONS} {REPORTED[split]}: {error.problem}")
                continue
            writer.write_predictions(split, part["ecg_id"], probabilities)
            if not prepared.may_show(part):
                report(f"{model}: too few {REPORTED[split]} patients to show a figure")
                continue
            if part["label"].nunique() < 2:
                report(f"{model}: the {REPORTED[split]} ECGs are of one class, which has no AUROC")
                continue
            metrics[split] = auroc(part["label"], probabilities, groups=part["patient_id"])
        writer.write_card(model_card(run_config, metrics, notes))
        writer.write_metrics(metrics, notes)
        final = writer.publish(keep_state=notes.get(BUDGET_ENDED) == "yes")
    if metrics:
        figures = (f"{REPORTED[split]} AUROC {metrics[split]}" for split in metrics)
        report(f"{model}: {', '.join(figures)}")
    return open_run(final)


def _check_fitted(model: str, config: TrainingConfig, hardware: Hardware) -> None:
    """Make sure that a model that is fitted in one go was given nothing that it does not use."""
    if model_info(model).kind == "network":
        return
    changed = (name for name in sorted(config.model_fields_set) if _is_changed(config, name))
    check_used(model, changed)
    if hardware != Hardware(progress_bar=hardware.progress_bar):
        raise ConfigurationError(
            f"{model} is fitted in one go, in one process; leave out devices, nodes, strategy and "
            "logger"
        )


def _is_changed(config: TrainingConfig, name: str) -> bool:
    field = TrainingConfig.model_fields[name]
    return bool(getattr(config, name) != field.get_default(call_default_factory=True))


def _run_config(
    prepared: Prepared,
    model: str,
    config: TrainingConfig,
    task: str | None,
    init: Run | None,
    allow_leak: bool,
) -> dict[str, Any]:
    """All that decides the result."""
    chosen = prepared.task(task)
    if init is not None:
        check_init(init, prepared, model, config, chosen, allow_leak)
    code = model_info(model).code
    return {
        "version": __version__,
        "model": model,
        **({} if code is None else {CODE: code}),
        "task": {**chosen.model_dump(), "digest": chosen.digest},
        "data": {
            "dataset": prepared.meta["dataset"],
            "simulated": prepared.simulated,
            "input_hash": prepared.meta["input_hash"],
        },
        "processing": processing_of(model, config.options, prepared),
        "event_weight": _event_weight(prepared, model, config, task),
        "init": None if init is None else sha256(init.path / WEIGHTS),
        "lineage": [
            *([] if init is None else init.config["lineage"]),
            {"task": chosen.name, "split": prepared.manifest().digests[chosen.name]},
        ],
        "training": config.model_dump(mode="json"),
    }


def _may_go_on(run: Run, config: TrainingConfig) -> bool:
    """Whether a finished training would begin a further epoch, which more time may allow."""
    path = run.path / HISTORY
    if not path.is_file():
        return False
    history = read_history(path)
    if is_hidden(history):
        # The state knows what the file may not tell; without one nothing goes on.
        state = load_state(run.path)
        return state is not None and reason_to_stop(state.history, config) is None
    return reason_to_stop(history, config) is None


def _event_weight(
    prepared: Prepared, model: str, config: TrainingConfig, task: str | None
) -> float:
    """How much more an event weighs in training than it is frequent."""
    splits = splits_of(prepared.table(prepared.task(task)))
    events = int((splits["train"]["label"] == 1).sum())
    controls = len(splits["train"]) - events
    if not events or not controls or splits["valid"].empty:
        raise ConfigurationError(
            "the training split needs events and controls, and the validation split ECGs; "
            "prepare the dataset with other splits"
        )
    if config.imbalance == "none" or model_info(model).kind != "network":
        return 1.0
    return controls / events


def _fit_tabular(
    prepared: Prepared,
    splits: dict[str, pd.DataFrame],
    run_config: dict[str, Any],
    config: TrainingConfig,
    folder: Path,
) -> dict[str, str]:
    model = create_model(run_config["model"], **config.options)
    table = splits["train"]
    features = feature_table(model_info(run_config["model"]).input, prepared, table)
    try:
        model.fit(features, table["label"].to_numpy(dtype=int), config.seed)
    except InvalidParameterError as error:
        raise ConfigurationError(
            f"{run_config['model']} cannot be fitted with the options {config.options}: {error}"
        ) from error
    state = {name: np.ascontiguousarray(value) for name, value in model.state().items()}
    save_arrays(state, folder / WEIGHTS)
    return {"class imbalance": "none: events and controls weigh the same"}

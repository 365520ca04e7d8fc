"""Explanations of a network's predictions: effects of the samples of an ECG, and a control.

The control is the same network with fresh weights: a map that is the same for both shows the ECG,
not what the network has learned (Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import spearmanr
from torch import Tensor, nn

from acsbench.ecg.effects import (
    averaged_over_beats,
    beats_of,
    effects_by_part,
    has_influence,
    leads_from_rows,
)
from acsbench.errors import ConfigurationError
from acsbench.models.registry import model_info
from acsbench.runs import Run
from acsbench.training.attribution import flat, integrated_gradients, logits_of
from acsbench.training.predict import check_fit, predict
from acsbench.training.predictors import ONNX, fresh_network, load_network, stored_waveforms
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.process import Progress
from acsbench.waveforms.profiles import filter_words
from acsbench.waveforms.store import WaveformStore


@dataclass(frozen=True, eq=False)
class Explanation:
    """Explanation of the prediction of one ECG.

    Attributes:
        ecg_id: id of the ECG.
        event: whether the ECG has the event; None if unknown.
        probability: predicted probability.
        logit, flat_logit: logit of the probability, and of an ECG with constant rows.
        unexplained: difference of the two logits, minus the sum of the effects.
        control: rank correlation of the effects with those in the network with fresh weights;
            NaN if either map has no variation.
        rows: names of the network's input rows.
        fs: sampling rate, Hz.
        unit: unit of the signal.
        processing: filters of the signal, in words.
        signal: the network's input by leads, shape (12, samples), NaN where a lead is missing.
        effects: effects of the samples on the logit, averaged over beats; shape as `signal`.
        by_part: effects summed by lead (rows) and part of the beat (columns).
    """

    ecg_id: str
    event: bool | None
    probability: float
    logit: float
    flat_logit: float
    unexplained: float
    control: float
    rows: tuple[str, ...]
    fs: float
    unit: str
    processing: str
    signal: NDArray[np.float64]
    effects: NDArray[np.float64]
    by_part: pd.DataFrame


def explain(
    run: Run,
    prepared: Prepared,
    ecg_ids: Sequence[str],
    progress: Progress = lambda done, total: None,
) -> Iterator[Explanation]:
    """Explain the predictions of some ECGs, one by one.

    Args:
        run: a trained network.
        prepared: folder with the ECGs.
        ecg_ids: the ECGs.
        progress: called with the number of ECGs done and the total.

    Raises:
        ConfigurationError: the run is not a network, the waveforms were prepared in another way,
            or an ECG is missing.
    """
    if run.path.suffix == ONNX or model_info(run.model).kind != "network":
        raise ConfigurationError(
            f"{run.model} at {run.path} has no gradients; give the Run folder of a network"
        )
    check_fit(run, prepared)
    table = _rows_of(prepared, run.config["task"]["name"], ecg_ids)
    data = stored_waveforms(prepared, table, run.config)
    trained = load_network(run).eval()
    with torch.random.fork_rng(devices=[]):
        # Not the run's seed, which gives the weights with which its training began.
        torch.manual_seed(int(run.config["training"]["seed"]) + 1)
        control = fresh_network(run.config).eval()
    for number in range(len(table)):
        inputs = data[np.array([number])].inputs()
        known = data.store.valid(data.positions[[number]])[0]
        yield _explained(table.iloc[number], inputs, known, (trained, control), run, data.store)
        progress(number + 1, len(table))


def typical_ecgs(run: Run, prepared: Prepared, split: str, number: int) -> list[str]:
    """ECGs with and without the event whose risk is closest to the median of their group.

    Args:
        run: the trained model.
        prepared: folder with the ECGs.
        split: split of the ECGs.
        number: maximum number of ECGs per group.

    Returns:
        Ids, first those with the event.

    Raises:
        ConfigurationError: the folder has no labels of the run's task.
    """
    task = run.config["task"]["name"]
    if task not in prepared.tasks:
        raise ConfigurationError(
            f"{prepared.path} has no labels of the task {task}: choose ECGs with --ecg"
        )
    table = prepared.table(prepared.task(task)).set_index("ecg_id")
    table = table[table["split"] == split]
    risks = run.predictions(split) if run.has_predictions(split) else None
    if risks is None or not table.index.equals(risks.index):
        risks = predict(run, prepared, split, task)
    chosen: list[str] = []
    for event in (True, False):
        kind = risks[table["label"].astype(bool).reindex(risks.index) == event]
        distance = (kind - kind.median()).abs().sort_values(kind="stable")
        chosen += [str(name) for name in distance.index[:number]]
    return chosen


def _rows_of(prepared: Prepared, task: str, ecg_ids: Sequence[str]) -> pd.DataFrame:
    """Rows of the chosen ECGs, with `label` where it is known."""
    everyone = prepared.ecgs().set_index("ecg_id")
    missing = [name for name in ecg_ids if name not in everyone.index]
    if missing:
        raise ConfigurationError(
            f"{len(missing)} of the chosen ECGs are not in {prepared.path}; its ecgs.parquet lists "
            "all ECGs"
        )
    table = everyone.loc[list(ecg_ids)].drop(columns="label", errors="ignore")
    if task in prepared.tasks:
        labels = prepared.table(prepared.task(task)).set_index("ecg_id")["label"]
        table["label"] = labels.reindex(table.index)
    return table.reset_index()


def _explained(
    ecg: pd.Series,
    inputs: tuple[Tensor, ...],
    known: NDArray[np.bool_],
    networks: tuple[nn.Module, nn.Module],
    run: Run,
    store: WaveformStore,
) -> Explanation:
    rows, fs = tuple(store.meta["leads"]), float(store.meta["fs"])
    # The network gets 0 for missing samples, but beats must not be detected in them.
    signal = np.where(known, inputs[0][0].numpy(), np.nan)
    r_peaks, part = beats_of(signal, fs)
    raw = [integrated_gradients(network, inputs)[0].double().numpy() for network in networks]
    if not np.isfinite(raw[0]).all():
        # In a figure they would look like an ECG without influence.
        raise ConfigurationError(
            f"the effects of {run.model} are NaN or infinite for an ECG: its gradients overflow, "
            "and its prediction cannot be explained"
        )
    by_lead = [leads_from_rows(effects, rows) for effects in raw]
    averaged, control = (averaged_over_beats(effects, r_peaks, fs) for effects in by_lead)
    # As in predictions, divide the odds by the weight that events had in training.
    added = float(np.log(run.config["event_weight"]))
    logit = float(logits_of(networks[0], inputs)[0]) - added
    flat_logit = float(logits_of(networks[0], (flat(inputs[0]), *inputs[1:]))[0]) - added
    event = ecg.get("label")
    return Explanation(
        ecg_id=str(ecg["ecg_id"]),
        event=None if event is None or pd.isna(event) else bool(event),
        probability=float(expit(logit)),
        logit=logit,
        flat_logit=flat_logit,
        unexplained=logit - flat_logit - float(raw[0].sum()),
        control=rank_correlation(averaged, control) if has_influence(averaged) else np.nan,
        rows=rows,
        fs=fs,
        unit=str(store.meta["unit"]),
        processing=filter_words(store.processing),
        signal=leads_from_rows(signal, rows),
        effects=averaged,
        by_part=effects_by_part(by_lead[0], part),
    )


def rank_correlation(effects: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Spearman's correlation of two maps over common samples; NaN if one is constant."""
    both = np.isfinite(effects) & np.isfinite(others)
    if not both.any() or np.ptp(effects[both]) == 0 or np.ptp(others[both]) == 0:
        return float("nan")
    return float(spearmanr(effects[both], others[both]).statistic)

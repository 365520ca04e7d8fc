"""Why a trained network predicts what it does: effects of an ECG's samples, beside a control.

The control is the same network with fresh weights: a map that looks the same for it shows the
ECG, not what the network has learnt (Adebayo et al., Sanity checks for saliency maps, NeurIPS
2018).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from acsbench.training.predictors import fresh_network, load_network, stored_waveforms
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.profiles import filter_words
from acsbench.waveforms.store import WaveformStore

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What moved the prediction of one ECG.

    Attributes:
        ecg_id: identifies the ECG.
        event: whether it has the event; None where that is unknown.
        probability: predicted.
        logit, flat_logit: of the probability, and of that of an ECG whose rows are straight
            lines.
        unexplained: difference of the two logits that the effects do not add up to.
        control: rank correlation of the effects with those in the network with fresh weights;
            NaN where there is no influence, or the other map is even.
        rows: names of what the network saw.
        fs: sampling rate, Hz.
        unit: of the signal.
        processing: how the signal was filtered, in words.
        signal: what the network saw by leads, shape (12, samples), NaN where a lead is not.
        effects: of the samples on the logit, averaged over beats; as `signal`.
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
    """Explain the predictions of some ECGs, one after the other.

    Args:
        run: a trained network.
        prepared: where the ECGs are.
        ecg_ids: whose.
        progress: told the number of ECGs done, and of all.

    Raises:
        ConfigurationError: the run is no network, the waveforms were prepared in another way, or
            an ECG is not there.
    """
    if run.path.suffix == ".onnx" or model_info(run.model).kind != "network":
        raise ConfigurationError(
            f"{run.model} at {run.path} is no network with gradients; explain the Run folder of a "
            "network"
        )
    check_fit(run, prepared)
    table = _rows_of(prepared, run.config["task"]["name"], ecg_ids)
    store = prepared.store(run.config["processing"]["profile"])
    data = stored_waveforms(prepared, table.drop(columns="label", errors="ignore"), run.config)
    trained = load_network(run).eval()
    with torch.random.fork_rng(devices=[]):
        # Another seed than the run's, whose fresh weights are those that its training began with.
        torch.manual_seed(int(run.config["training"]["seed"]) + 1)
        control = fresh_network(run.config).eval()
    for number in range(len(table)):
        inputs = data[np.array([number])].inputs()
        known = store.valid(data.positions[[number]])[0]
        yield _explained(table.iloc[number], inputs, known, (trained, control), run, store)
        progress(number + 1, len(table))


def typical_ecgs(run: Run, prepared: Prepared, split: str, number: int) -> list[str]:
    """ECGs with and without the event, of each kind those with the risks nearest its median.

    Args:
        run: who predicts the risk.
        prepared: where the ECGs are.
        split: whose ECGs.
        number: ECGs of each kind, at most.

    Returns:
        Ids, those with the event first.

    Raises:
        ConfigurationError: nothing there has labels of the run's task.
    """
    task = run.config["task"]["name"]
    if task not in prepared.tasks:
        raise ConfigurationError(
            f"{prepared.path} has no labels of the task {task}: name ECGs with --ecg"
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
    """Rows of the ECGs asked for, with `label` where it is known."""
    everyone = prepared.ecgs().set_index("ecg_id")
    missing = [name for name in ecg_ids if name not in everyone.index]
    if missing:
        raise ConfigurationError(
            f"{len(missing)} of the ECGs asked for are not in {prepared.path}; its ecgs.parquet "
            "lists them"
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
    # The network gets 0 for a missing sample; beats are not looked for in such zeros.
    signal = np.where(known, inputs[0][0].numpy(), np.nan)
    r_peaks, part = beats_of(signal, fs)
    raw = [integrated_gradients(network, inputs)[0].double().numpy() for network in networks]
    if not np.isfinite(raw[0]).all():
        # Drawn, they would look like an ECG without influence.
        raise ConfigurationError(
            f"{run.model} has effects that are NaN or infinite for an ECG: its gradients overflow "
            "there, and nothing can be said of what moved the prediction"
        )
    by_lead = [leads_from_rows(effects, rows) for effects in raw]
    averaged, control = (averaged_over_beats(effects, r_peaks, fs) for effects in by_lead)
    # The weight that events had in training is taken out of the odds again, as in predictions.
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
    """Spearman's correlation of two maps over the samples that both have; NaN if one is even."""
    both = np.isfinite(effects) & np.isfinite(others)
    if not both.any() or np.ptp(effects[both]) == 0 or np.ptp(others[both]) == 0:
        return float("nan")
    return float(spearmanr(effects[both], others[both]).statistic)

"""A trained S4 as the study's loader reads it.

The published figures of S4 come from such a network; see docs/explanation/s4-reload-fault.md.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from acsbench.errors import ConfigurationError
from acsbench.files import folder_written_whole, write_text
from acsbench.models.published.s4 import FRESH_LENGTH
from acsbench.models.s4 import S4, S4Block
from acsbench.models.s4_state_space import readout
from acsbench.recipes.steps import Report
from acsbench.runs import (
    CARD,
    REPORTED,
    WEIGHTS,
    Run,
    open_run,
    write_metrics,
    write_predictions,
)
from acsbench.statistics.auroc import auroc
from acsbench.training.card import model_card
from acsbench.training.predictors import (
    NetworkPredictor,
    check_finite,
    load_network,
    stored_waveforms,
)
from acsbench.training.state import save_weights
from acsbench.waveforms.prepared import Prepared, splits_of

NOTE = "as the study's loader reads it, with its fault"


def reload_run(run: Run, prepared: Prepared, out: Path, report: Report) -> Run:
    """Write a copy of a run with the reloaded S4: weights, predictions, results.

    Args:
        run: the trained network.
        prepared: folder with its ECGs.
        out: folder to write to.
        report: called with the results.

    Raises:
        ConfigurationError: the run is not of S4.
    """
    network = load_network(run)
    if not isinstance(network, S4):
        raise ConfigurationError(f"only S4 is reloaded with a fault, not {run.model}")
    reload_as_published(network, prepared.store(run.config["processing"]["profile"]).shape[1])
    predictor = NetworkPredictor(network, run.config["event_weight"])
    splits = splits_of(prepared.table(prepared.task(run.config["task"]["name"])))
    notes = run.notes | {"reload": NOTE}
    estimates, predictions = {}, {}
    for split in (name for name in REPORTED if run.has_predictions(name)):
        part = splits[split]
        probabilities = predictor.probabilities(stored_waveforms(prepared, part, run.config))
        check_finite(probabilities, prepared, part)
        predictions[split] = (part["ecg_id"], probabilities)
        if not prepared.may_show(part) or part["label"].nunique() < 2:
            continue
        estimates[split] = auroc(part["label"], probabilities, groups=part["patient_id"])
        report(f"{REPORTED[split]} AUROC {estimates[split]}")
    with folder_written_whole(out / run.path.name) as folder:
        shutil.copytree(run.path, folder, dirs_exist_ok=True)
        save_weights(network.state_dict(), folder / WEIGHTS)
        for split, (ecg_ids, probabilities) in predictions.items():
            write_predictions(folder, split, ecg_ids, probabilities)
        write_metrics(folder, estimates, notes)
        write_text(folder / CARD, model_card(run.config, estimates, notes))
    return open_run(out / run.path.name)


@torch.no_grad()
def reload_as_published(network: S4, samples: int) -> None:
    """Change a trained network as the study's loader does.

    The study saves C (I - A^L), where L is the length of the kernel. Its loader assumes L = 1024,
    and so multiplies by (I + A^1024), (I + A^2048) and so on until the input is covered.

    Args:
        network: the network, changed in place.
        samples: length of its input.
    """
    length = -(-samples // network.patch)
    for block in network.blocks:
        assert isinstance(block, S4Block)
        convolution = block.convolution
        power = torch.linalg.matrix_power(convolution.state_space().step, FRESH_LENGTH)
        rows = readout(torch.view_as_complex(convolution.C.double())).transpose(0, 1)
        covered = FRESH_LENGTH
        while covered < length:
            rows = rows + rows @ power
            power, covered = power @ power, 2 * covered
        real, imaginary = rows.transpose(0, 1).chunk(2, dim=-1)
        convolution.C.copy_(torch.stack([real, -imaginary], dim=-1) / 2)

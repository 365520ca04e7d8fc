"""What the study's loader makes of a trained S4, as a run of its own.

See docs/explanation/s4-reload-fault.md: the published figures of S4 were made by such a network.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from acsbench.errors import ConfigurationError
from acsbench.files import folder_written_whole, write_json, write_text
from acsbench.models.published.s4 import FRESH_LENGTH
from acsbench.models.s4 import S4, S4Block
from acsbench.models.s4_state_space import readout
from acsbench.runs import (
    CARD,
    METRICS,
    REPORTED,
    WEIGHTS,
    Run,
    open_run,
    predictions_csv,
    predictions_name,
)
from acsbench.statistics.auroc import auroc
from acsbench.training.card import model_card
from acsbench.training.predictors import NetworkPredictor, check_finite, load_network
from acsbench.training.state import save_weights
from acsbench.waveforms.prepared import Prepared, splits_of

NOTE = "as the study's loader reads it, fault included"


def reload_run(run: Run, prepared: Prepared, out: Path, tell: Callable[[str], None]) -> Run:
    """Write the reloaded twin of a run of S4: weights, predictions, figures.

    Args:
        run: of the trained network.
        prepared: what it was trained on.
        out: folder to write to.
        tell: told the figures.

    Raises:
        ConfigurationError: the run is of another network.
    """
    network = load_network(run)
    if not isinstance(network, S4):
        raise ConfigurationError(f"the study's loader has a fault with S4, not with {run.model}")
    reload_as_published(network, prepared.store(run.config["processing"]["profile"]).shape[1])
    predictor = NetworkPredictor(network, run.config)
    splits = splits_of(prepared.table(prepared.task(run.config["task"]["name"])))
    notes = json.loads((run.path / METRICS).read_text(encoding="utf-8"))["training"]
    notes["reload"] = NOTE
    estimates, predictions = {}, {}
    for split in (name for name in REPORTED if run.has_predictions(name)):
        part = splits[split]
        probabilities = predictor.probabilities(prepared, part)
        check_finite(probabilities, prepared, part)
        index = pd.Index(part["ecg_id"], name="ecg_id")
        predictions[split] = pd.Series(probabilities, index=index, name="probability")
        if not prepared.may_show(part) or part["label"].nunique() < 2:
            continue
        estimates[split] = auroc(part["label"], probabilities, groups=part["patient_id"])
        tell(f"{REPORTED[split]} AUROC {estimates[split]}")
    with folder_written_whole(out / run.path.name) as folder:
        shutil.copytree(run.path, folder, dirs_exist_ok=True)
        save_weights(network.state_dict(), folder / WEIGHTS)
        for split, values in predictions.items():
            write_text(folder / predictions_name(split), predictions_csv(values))
        content = {split: {"auroc": asdict(value)} for split, value in estimates.items()}
        write_json(folder / METRICS, {"estimates": content, "training": notes})
        write_text(folder / CARD, model_card(run.config, estimates, notes))
    return open_run(out / run.path.name)


@torch.no_grad()
def reload_as_published(network: S4, samples: int) -> None:
    """Change a trained network into what the study's loader makes of its saved weights.

    The study keeps C (I - A^L) with L the kernel's length. Its loader takes L for 1024, and so
    multiplies by (I + A^1024), (I + A^2048) and so on until the input is covered.

    Args:
        network: the network, changed in place.
        samples: of its input.
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

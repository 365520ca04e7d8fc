"""What pre-training HuBERT-ECG gives on real ECGs (PTB-XL, folds 1-6), without and with labels.

    python benchmarks/pretraining.py .cache/ptb-xl --work /scratch/pretraining --threads 2

pre-trains the tiny network twice (cepstra, then latents of the first), fine-tunes it for `ptbxl-mi`
with and without, and fits a linear probe on what its encoder says; fold 7 chooses, fold 8 is
reported. Everything goes on where it was, so the command may be interrupted and repeated.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _ludb import machine
from acsbench.datasets import open_dataset
from acsbench.files import written_whole
from acsbench.models import create_model
from acsbench.statistics import auroc, compare_auroc
from acsbench.training.fit import train
from acsbench.training.init import open_start
from acsbench.training.pretraining.config import pretraining_config
from acsbench.training.pretraining.crops import Crops
from acsbench.training.pretraining.encoder import load_encoder
from acsbench.training.pretraining.figure import write_figure
from acsbench.training.pretraining.pretrain import pretrain
from acsbench.training.shipped import settings_of, training_config
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared, splits_of

MODEL, TASK = "hubert-tiny", "ptbxl-mi"
FOLDS = {"train": [1, 2, 3, 4, 5, 6], "valid": [7], "test": [8]}
FIRST: dict[str, Any] = {
    "size": "tiny",
    "options": {"dropout": 0.0},
    "batch_size": 16,
    "steps_per_epoch": 200,
    "epochs": 5,
    "learning_rate": 1e-3,
}
SECOND = FIRST | {"layer": 3, "epochs": 3}
CROPS = 2
"""Of each ECG for the probe: its ten seconds."""
STRENGTHS = 10.0 ** np.arange(-5, 1)
Features = NDArray[np.float32]


def probe_features(
    start: Path | None, prepared: Prepared, ecg_ids: list[str], path: Path
) -> Features:
    """Mean over frames and crops of each layer's output, shape (ECGs, layers, width)."""
    if path.is_file():
        return np.load(path)
    encoder = fresh_encoder() if start is None else load_encoder(start)
    store = prepared.store("hubert")
    crops = Crops(store, store.positions(ecg_ids), CROPS)
    parts = []
    with torch.inference_mode():
        for first in range(0, len(crops), 64):
            numbers = np.arange(first, min(first + 64, len(crops)))
            states = encoder(torch.from_numpy(crops.read(numbers)), output_hidden_states=True)
            layers = torch.stack(states.hidden_states[1:], dim=1).mean(dim=2)
            parts.append(layers.unflatten(0, (-1, CROPS)).mean(dim=1).numpy())
    with written_whole(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.concatenate(parts))
    return np.load(path)


def probe(features: dict[str, Features], labels: dict[str, Any]) -> tuple[NDArray, str]:
    """Scores of the test split, from the layer and penalty that validated best."""
    best, scores, what = -1.0, np.empty(0), ""
    for layer in range(features["train"].shape[1]):
        for strength in STRENGTHS:
            regression = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
            model = make_pipeline(StandardScaler(), regression)
            model.fit(features["train"][:, layer], labels["train"])
            valid, test = (
                model.decision_function(features[split][:, layer]) for split in ("valid", "test")
            )
            found = auroc(labels["valid"], valid).value
            if found > best:
                best, scores, what = found, test, f"layer {layer + 1}, C {strength:g}"
    return scores, what


def fresh_encoder() -> Any:
    torch.manual_seed(0)
    return create_model(MODEL).hubert.eval()


def report(name: str, labels: Any, scores: dict[str, NDArray], patients: Any) -> None:
    """AUROC of each start on the test fold, and what each has over the untrained one."""
    print(f"\n{name}, fold 8 ({len(labels)} ECGs, {int(labels.sum())} events)")
    for start, score in scores.items():
        line = f"  {start}: AUROC {auroc(labels, score, groups=patients)}"
        if start != "fresh":
            paired = compare_auroc(labels, score, scores["fresh"], groups=patients)
            line += f"; over fresh {paired.difference}, p {paired.p:.2g}"
        print(line, flush=True)


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    print(f"{machine()}, {options.threads} threads, torch {torch.__version__}")
    work = options.work
    prepared = prepare(
        open_dataset("ptbxl", options.data),
        work / "prepared",
        tasks=[TASK],
        split="folds",
        folds=FOLDS,
        profiles=["hubert"],
        signs=False,
    )
    starts: dict[str, Path | None] = {"fresh": None}
    for name, settings, earlier in (
        ("first iteration", FIRST, None),
        ("second iteration", SECOND, work / "first-iteration"),
    ):
        folder = work / name.replace(" ", "-")
        began = time.process_time()
        print(f"\n{name}", flush=True)
        config = pretraining_config(**settings)
        pretrain(prepared, config, folder, earlier=earlier, report=print)
        print((folder / "MODEL_CARD.md").read_text().split("## Measured")[1].split("##")[0])
        print(
            f"{(time.process_time() - began) / 60:.1f} minutes of processors, less what was there"
        )
        starts[name] = folder
    write_figure({k: v for k, v in starts.items() if v is not None}, options.figure)

    splits = splits_of(prepared.table(prepared.task(TASK)))
    labels = {name: split["label"].to_numpy(dtype=int) for name, split in splits.items()}
    patients = splits["test"]["patient_id"]
    probed, tuned = {}, {}
    for name, start in starts.items():
        features = {
            split: probe_features(
                start, prepared, list(table["ecg_id"]), work / "features" / f"{name}-{split}.npy"
            )
            for split, table in splits.items()
        }
        probed[name], chosen = probe(features, labels)
        print(f"linear probe, {name}: {chosen} chosen on fold 7", flush=True)
        config = training_config(settings_of(MODEL), {"seed": options.seed})
        init = None if start is None else open_start(start)
        run = train(prepared, MODEL, config, work / "runs", init=init, report=print)
        tuned[name] = run.predictions("test").loc[splits["test"]["ecg_id"]].to_numpy()
    report("linear probe", labels["test"], probed, patients)
    report("fine-tuned", labels["test"], tuned, patients)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="PTB-XL")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--figure", type=Path, default=Path("docs/images/pretraining-codebooks.png")
    )
    main(parser.parse_args())

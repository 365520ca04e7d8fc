"""Pre-training of HuBERT-ECG: describe, cluster, predict, into a folder for `transformers`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import lightning as L
import torch

from acsbench.disclosure import is_small
from acsbench.errors import ConfigurationError
from acsbench.files import write_json, write_text
from acsbench.models.hubert import HubertEcg
from acsbench.models.hubert_frames import FrameGeometry
from acsbench.models.hubert_pretraining import MaskedCodePredictor, span_count
from acsbench.models.registry import create_model
from acsbench.runs import CARD, DIVERGED, ENVIRONMENT, METRICS, Run, environment
from acsbench.statistics.estimate import Estimate
from acsbench.training.callbacks import Report
from acsbench.training.module import Diverged, against_divergence
from acsbench.training.pretraining.card import pretraining_card
from acsbench.training.pretraining.cluster import (
    Quality,
    fit_codebook,
    load_codebook,
    load_codes,
    save_codebook,
    write_codes,
)
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import SAMPLES, Material, Numbers, gather
from acsbench.training.pretraining.describe import Description, Descriptors, Progress, describe
from acsbench.training.pretraining.earlier import check_earlier
from acsbench.training.pretraining.encoder import frames_of, save_encoder, take_encoder
from acsbench.training.pretraining.figure import write_figure
from acsbench.training.pretraining.folder import (
    CODEBOOKS,
    CODES,
    DESCRIPTORS,
    claim,
    lock,
    open_pretrained,
    read_record,
    record_of,
    remove_leftovers,
    remove_working_files,
)
from acsbench.training.pretraining.judge import count_codes, masked_accuracy
from acsbench.training.pretraining.predict import (
    CodedCrops,
    CodedCropsData,
    MaskedPrediction,
    PretrainingEpochEnd,
)
from acsbench.training.state import load_state
from acsbench.training.trainer import ONE_DEVICE, Hardware, fit, make_trainer
from acsbench.waveforms.prepared import Prepared

Accuracies = Mapping[int, Mapping[str, Estimate]]


def pretrain(
    prepared: Prepared,
    config: PretrainingConfig,
    folder: Path,
    *,
    earlier: Path | None = None,
    hardware: Hardware = ONE_DEVICE,
    workers: int = 1,
    dask: str | None = None,
    report: Report = lambda _: None,
    progress: Progress = lambda done, total: None,
) -> Run:
    """Pre-train HuBERT-ECG, or take the finished folder of the same settings.

    Patients of any task's validation or test split are left out. A pre-training that was killed
    goes on after its last shard, codebook or epoch, and ends as it would have.

    Args:
        prepared: tables and waveforms, with the profile `hubert`.
        config: settings.
        folder: where the result goes.
        earlier: folder of an earlier pre-training, whose latents are clustered.
        hardware: what the network is trained on.
        workers: processes that describe.
        dask: address of a scheduler whose workers describe instead.
        report: told a line about each step.
        progress: told of the shards described, and of all.

    Raises:
        ConfigurationError: settings, data, folder and the earlier pre-training do not fit
            together, another process is at the same pre-training, or it diverged in its first
            epoch.
        DataError: a file cannot be read, or the earlier pre-training is not finished.
        SystemExit: this process helped another one, which writes the folder.
    """
    if earlier is None and not config.keep_weights:
        raise ConfigurationError(
            "keep_weights says what becomes of an earlier pre-training's weights: give one with "
            "--from, or leave the setting out"
        )
    if (earlier is None) != (config.layer is None):
        raise ConfigurationError("give an earlier pre-training (--from) and its --layer together")
    span_count(_frames(config).count(SAMPLES), config.mask_share, config.mask_length)
    material = gather(prepared, config)
    if earlier is not None:
        check_earlier(earlier, prepared, material, config)
    epoch_end = PretrainingEpochEnd(folder, report, _may_show(prepared, material))
    trainer = make_trainer(
        hardware,
        epoch_end,
        folder,
        epochs=config.epochs,
        batch_size=config.batch_size,
        accumulate=config.accumulate,
        precision=config.precision,
    )
    if not trainer.is_global_zero:
        # The process that started this one has described and clustered.
        _predict(material, config, earlier, trainer, epoch_end)
        raise SystemExit(0)
    with lock(folder):
        if claim(folder, record_of(prepared, material, config, earlier)):
            remove_working_files(folder)
            report(f"pre-trained before, see {folder}")
            metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
            if DIVERGED in metrics:
                report(f"that pre-training diverged {metrics[DIVERGED]}; the epoch before is kept")
            return open_pretrained(folder)
        remove_leftovers(folder)
        write_json(folder / ENVIRONMENT, environment())
        if not (folder / CODES).is_file():
            descriptors = describe(
                _description(material, config, folder, earlier),
                workers=workers,
                dask=dask,
                progress=progress,
            )
            _cluster(descriptors, material, config, folder, report)
        shutil.rmtree(folder / DESCRIPTORS, ignore_errors=True)
        network, diverged = _predict(material, config, earlier, trainer, epoch_end)
        _finish(prepared, material, config, network, diverged, folder, report)
        remove_working_files(folder)
    return open_pretrained(folder)


def _description(
    material: Material, config: PretrainingConfig, folder: Path, earlier: Path | None
) -> Description:
    crops = material.crops
    return Description(
        folder=folder / DESCRIPTORS,
        store=crops.store.path.resolve(),
        positions=crops.positions,
        per_ecg=crops.per_ecg,
        frames=_frames(config),
        encoder=None if earlier is None else earlier.resolve(),
        layer=config.layer,
    )


def _frames(config: PretrainingConfig) -> FrameGeometry:
    with torch.device("meta"):
        return frames_of(create_model(config.model, **config.options))


def _cluster(
    descriptors: Descriptors,
    material: Material,
    config: PretrainingConfig,
    folder: Path,
    report: Report,
) -> None:
    """Make each codebook that is not there yet, then the codes of all frames."""

    def tell(quality: Quality) -> None:
        report(
            f"{quality.codes} codes, batch {quality.batches}: unexplained "
            f"{quality.unexplained:.3f}, silhouette {quality.silhouette:.3f}, "
            f"as diverse as {quality.effective_codes:.0f}"
        )

    books = []
    for codes in config.codebooks:
        path = folder / CODEBOOKS / f"{codes}.npz"
        if not path.is_file():
            book, curve = fit_codebook(
                descriptors,
                material.training,
                material.validating,
                codes,
                config.cluster_batches,
                config.seed,
            )
            tell(curve[-1])
            save_codebook(book, curve, path)
        books.append(load_codebook(path, codes))
    write_figure({"": folder}, folder / "codebooks.png")
    write_codes(descriptors, books, folder / CODES)


def _predict(
    material: Material,
    config: PretrainingConfig,
    earlier: Path | None,
    trainer: L.Trainer,
    epoch_end: PretrainingEpochEnd,
) -> tuple[MaskedCodePredictor, Diverged | None]:
    """Train the network, or go on with it.

    Returns:
        The network after the last epoch, and where training diverged, if it did.
    """
    train, valid = (
        _coded(material, config, epoch_end.folder, numbers)
        for numbers in (material.training, material.validating)
    )
    steps = config.steps_per_epoch or ceil(len(train) / config.batch_size / config.accumulate)
    module = MaskedPrediction(_network(config, earlier), config, steps)
    state = epoch_end.state = load_state(epoch_end.folder)
    if state is not None:
        module.network.load_state_dict(state.network)
        module.history = state.history
        # Lightning counts the epochs of this process alone.
        epochs: Any = trainer.fit_loop.epoch_progress.current
        epochs.processed = len(state.history)
        if trainer.is_global_zero:
            epoch_end.report(f"goes on after epoch {len(state.history)}")
    if len(module.history) < config.epochs:
        data = CodedCropsData(train, valid, config, steps * config.accumulate)
        try:
            fit(trainer, module, data)
        except Diverged as end:
            return _before(end, module, config, epoch_end)
    return module.network, None


def _before(
    end: Diverged,
    module: MaskedPrediction,
    config: PretrainingConfig,
    epoch_end: PretrainingEpochEnd,
) -> tuple[MaskedCodePredictor, Diverged]:
    """The network as it was after the last epoch before training diverged.

    Raises:
        ConfigurationError: it diverged in the first epoch.
    """
    advice = against_divergence(config.learning_rate, config.precision)
    state = load_state(epoch_end.folder)
    if state is None:
        raise ConfigurationError(
            f"pre-training diverged {end}, before there was an epoch to keep: {advice}, and name "
            "another folder with --out"
        )
    module.network.load_state_dict(state.network)
    if int(module.trainer.global_rank) == 0:
        epoch_end.report(
            f"pre-training diverged {end}; epoch {len(state.history)} is kept. For one that goes "
            f"on, {advice}, and name another folder with --out"
        )
    return module.network, end


def _coded(
    material: Material, config: PretrainingConfig, folder: Path, numbers: Numbers
) -> CodedCrops:
    frames = _frames(config).count(SAMPLES)
    codes = load_codes(folder / CODES, len(material.crops), config.codebooks, frames)
    return CodedCrops(material.crops, codes, numbers)


def _network(config: PretrainingConfig, earlier: Path | None) -> MaskedCodePredictor:
    """The network before training: fresh, or with the earlier one's encoder."""
    L.seed_everything(config.seed, verbose=False)
    network: HubertEcg = create_model(config.model, **config.options)
    predictor = MaskedCodePredictor(network, config.codebooks, config.projection)
    if earlier is not None and config.keep_weights:
        take_encoder(network, earlier)
    return predictor


def _may_show(prepared: Prepared, material: Material) -> bool:
    """Whether figures of the patients who were left out of the training may be shown."""
    patients = material.patients_of(material.validating)
    return prepared.simulated or not is_small(len(set(patients)))


def _finish(
    prepared: Prepared,
    material: Material,
    config: PretrainingConfig,
    network: MaskedCodePredictor,
    diverged: Diverged | None,
    folder: Path,
    report: Report,
) -> None:
    """Judge the network, and write what is kept; the encoder's configuration comes last."""
    valid = _coded(material, config, folder, material.validating)
    patients = material.patients_of(material.validating)
    accuracies: Accuracies = {}
    if _may_show(prepared, material):
        known = count_codes(valid.codes, material.training, config.codebooks)
        accuracies = masked_accuracy(network, valid, known, patients, config)
    for codes, by_whom in accuracies.items():
        for name, accuracy in by_whom.items():
            report(f"{codes} codes, masked accuracy of the {name}: {accuracy}")
    estimates = {
        str(codes): {name: asdict(accuracy) for name, accuracy in by_whom.items()}
        for codes, by_whom in accuracies.items()
    }
    notes = {} if diverged is None else {DIVERGED: str(diverged)}
    write_json(folder / METRICS, {"masked accuracy": estimates, **notes})
    write_text(folder / CARD, pretraining_card(read_record(folder), accuracies, notes))
    save_encoder(network.encoder, folder)

"""Pre-training of HuBERT-ECG: describe, cluster, predict, into a folder for `transformers`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from math import ceil
from pathlib import Path

import lightning as L
import numpy as np
import torch

from acsbench.disclosure import is_small
from acsbench.errors import ConfigurationError
from acsbench.files import write_json, write_text
from acsbench.models.hubert import HubertEcg
from acsbench.models.hubert_pretraining import MaskedCodePredictor, span_count
from acsbench.models.registry import create_model
from acsbench.runs import CARD, DIVERGED, ENVIRONMENT, METRICS, Run, environment
from acsbench.statistics.estimate import Estimate
from acsbench.training.callbacks import Report
from acsbench.training.data import BatchData
from acsbench.training.module import Diverged, against_divergence
from acsbench.training.order import BatchOrder
from acsbench.training.pretraining.card import pretraining_card
from acsbench.training.pretraining.cluster import (
    fit_codebook,
    load_codebook,
    load_codes,
    save_codebook,
    write_codes,
)
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import SAMPLES, Material, Numbers, gather
from acsbench.training.pretraining.describe import Description, Descriptors, describe
from acsbench.training.pretraining.earlier import check_earlier
from acsbench.training.pretraining.encoder import (
    FrameGeometry,
    frames_of,
    save_encoder,
    take_encoder,
)
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
    MaskedPrediction,
    PretrainingEpochEnd,
)
from acsbench.training.state import load_state
from acsbench.training.trainer import ONE_DEVICE, Hardware, fit, make_trainer
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.process import Progress

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
    """Pre-train HuBERT-ECG, or return the finished folder of the same settings.

    Patients in the validation or test split of any task are excluded. An interrupted
    pre-training resumes after its last shard, codebook or epoch, with the same result.

    Args:
        prepared: folder with tables and waveforms of the profile `hubert`.
        config: settings.
        folder: folder to write.
        earlier: folder of an earlier pre-training, whose latents are clustered.
        hardware: devices for the network.
        workers: processes that compute descriptors.
        dask: address of a Dask scheduler whose workers compute them instead.
        report: called with a line about each step.
        progress: called with the number of shards described and the total.

    Raises:
        ConfigurationError: settings, data, folder and the earlier pre-training do not fit
            together, another process uses the folder, or the training diverged in its first
            epoch.
        DataError: a file cannot be read, or the earlier pre-training is not finished.
        SystemExit: this process helped another one, which writes the folder.
    """
    if earlier is None and not config.keep_weights:
        raise ConfigurationError("keep_weights needs an earlier pre-training: give one with --from")
    if (earlier is None) != (config.layer is None):
        raise ConfigurationError("give an earlier pre-training (--from) and its --layer together")
    span_count(_frames(config).count(SAMPLES), config.mask_share, config.mask_length)
    material = gather(prepared, config)
    if earlier is not None:
        check_earlier(earlier, prepared, material, config)
    epoch_end = PretrainingEpochEnd(folder, report, _may_show(prepared, material))
    trainer = make_trainer(hardware, epoch_end, config)
    if not trainer.is_global_zero:
        # The first process has computed descriptors and codes.
        _predict(material, config, earlier, trainer, epoch_end)
        raise SystemExit(0)
    with lock(folder):
        if claim(folder, record_of(prepared, material, config, earlier)):
            remove_working_files(folder)
            report(f"already pre-trained, see {folder}")
            run = open_pretrained(folder)
            diverged_at = run.metrics.get(DIVERGED)
            if diverged_at is not None:
                report(f"that pre-training diverged {diverged_at}; the epoch before is kept")
            return run
        remove_leftovers(folder)
        write_json(folder / ENVIRONMENT, environment())
        if not (folder / CODES).is_file():
            description = _description(material, config, folder, earlier)
            descriptors = describe(description, workers=workers, dask=dask, progress=progress)
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
    """Make the missing codebooks, then the codes of all frames."""
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
            last = curve[-1]
            report(
                f"{codes} codes, batch {last.batches}: unexplained {last.unexplained:.3f}, "
                f"silhouette {last.silhouette:.3f}, effective codes {last.effective_codes:.0f}"
            )
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
    """Train the network, or resume its training.

    Returns:
        The network after the last epoch, and where the training diverged, if it did.
    """
    train, valid = (
        _coded(material, config, epoch_end.folder, numbers)
        for numbers in (material.training, material.validating)
    )
    steps = config.steps_per_epoch or ceil(len(train) / config.batch_size / config.accumulate)
    module = MaskedPrediction(_network(config, earlier), config, steps)
    epoch_end.restore(trainer, module)
    if len(module.history) < config.epochs:
        no_labels = np.zeros(len(train), dtype=np.float32)
        order = BatchOrder(no_labels, config.batch_size, config.seed)
        try:
            fit(trainer, module, BatchData(train, valid, order, steps * config.accumulate))
        except Diverged as end:
            return _before(end, module, config, epoch_end), end
    return module.network, None


def _before(
    end: Diverged,
    module: MaskedPrediction,
    config: PretrainingConfig,
    epoch_end: PretrainingEpochEnd,
) -> MaskedCodePredictor:
    """The network after the last epoch before the training diverged.

    Raises:
        ConfigurationError: it diverged in the first epoch.
    """
    advice = f"{against_divergence(config.learning_rate, config.precision)}, and use another --out"
    state = load_state(epoch_end.folder)
    if state is None:
        raise ConfigurationError(f"pre-training diverged {end}, in its first epoch. {advice}")
    module.network.load_state_dict(state.network)
    if int(module.trainer.global_rank) == 0:
        epoch_end.report(
            f"pre-training diverged {end}; epoch {len(state.history)} is kept. {advice}"
        )
    return module.network


def _coded(
    material: Material, config: PretrainingConfig, folder: Path, numbers: Numbers
) -> CodedCrops:
    frames = _frames(config).count(SAMPLES)
    codes = load_codes(folder / CODES, len(material.crops), config.codebooks, frames)
    return CodedCrops(material.crops, codes, numbers)


def _network(config: PretrainingConfig, earlier: Path | None) -> MaskedCodePredictor:
    """The network before training: fresh, or with the encoder of the earlier pre-training."""
    L.seed_everything(config.seed, verbose=False)
    network: HubertEcg = create_model(config.model, **config.options)
    predictor = MaskedCodePredictor(network, config.codebooks, config.projection)
    if earlier is not None and config.keep_weights:
        take_encoder(network, earlier)
    return predictor


def _may_show(prepared: Prepared, material: Material) -> bool:
    """Whether results of the validation patients may be shown."""
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
    """Evaluate the network and write the results; the encoder's configuration comes last."""
    valid = _coded(material, config, folder, material.validating)
    patients = material.patients_of(material.validating)
    accuracies: Accuracies = {}
    if _may_show(prepared, material):
        known = count_codes(valid.codes, material.training, config.codebooks)
        accuracies = masked_accuracy(network, valid, known, patients, config)
    for codes, by_predictor in accuracies.items():
        for name, accuracy in by_predictor.items():
            report(f"{codes} codes, masked accuracy of the {name}: {accuracy}")
    estimates = {
        str(codes): {name: asdict(accuracy) for name, accuracy in by_predictor.items()}
        for codes, by_predictor in accuracies.items()
    }
    notes = {} if diverged is None else {DIVERGED: str(diverged)}
    write_json(folder / METRICS, {"masked accuracy": estimates, **notes})
    write_text(folder / CARD, pretraining_card(read_record(folder), accuracies, notes))
    save_encoder(network.encoder, folder)

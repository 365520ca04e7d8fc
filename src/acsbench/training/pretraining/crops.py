"""Data of a pre-training: crops of ECGs, without patients on whom a task is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.errors import ConfigurationError
from acsbench.files import digest_of
from acsbench.models.hubert import PREPARED
from acsbench.models.hubert_crops import LEADS, RATE, SECONDS, even_starts
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.store import WaveformStore

CROP = SECONDS * RATE
SAMPLES = LEADS * CROP
VALIDATED_CROPS = 4096
"""Maximum number of validation crops, to save time after each epoch."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Crops:
    """Numbered crops of 5 s; crops of an ECG have consecutive numbers.

    Args:
        store: waveforms at 100 Hz, (ECGs, 12, samples).
        positions: positions of the ECGs in the store, shape (n,).
        per_ecg: crops per ECG, evenly spread.
    """

    store: WaveformStore
    positions: Numbers
    per_ecg: int

    def __len__(self) -> int:
        return len(self.positions) * self.per_ecg

    def of_ecgs(self, ecgs: Numbers) -> Numbers:
        """Numbers of all crops of some ECGs, given by their indices in `positions`."""
        return (ecgs[:, None] * self.per_ecg + np.arange(self.per_ecg)).ravel()

    def read(self, numbers: Numbers) -> NDArray[np.float32]:
        """Crops with leads laid end to end, shape (len(numbers), 6000)."""
        starts = even_starts(self.store.shape[1] - CROP, self.per_ecg)
        ecgs, which = np.divmod(numbers, self.per_ecg)
        leads = self.store.read(self.positions[ecgs])
        crops = np.empty((len(numbers), LEADS, CROP), dtype=np.float32)
        for crop, ecg, number in zip(crops, leads, which.tolist(), strict=True):
            crop[:] = ecg[:, starts[number] : starts[number] + CROP]
        return crops.reshape(len(numbers), -1)


def pretraining_patients(prepared: Prepared, tasks: Sequence[str]) -> set[str]:
    """Patients in the training split of a task, and in no other split of any task.

    Patients whose folds are in no split stay excluded.
    """
    training, others = set(), set()
    for name in tasks:
        table = prepared.table(prepared.task(name))
        trains = table["split"] == "train"
        training |= set(table.loc[trains, "patient_id"])
        others |= set(table.loc[~trains, "patient_id"])
    return training - others


def pretraining_ecgs(prepared: Prepared) -> pd.DataFrame:
    """ECGs for pre-training: `ecg_id, patient_id`; labels are not used.

    Raises:
        ConfigurationError: the folder has no tasks, so that evaluated patients are unknown, or
            fewer than two patients remain.
    """
    if not prepared.tasks:
        raise ConfigurationError(
            f"{prepared.path} has no tasks, so that the validation and test patients are unknown; "
            "prepare the ECGs with their tasks"
        )
    ecgs = prepared.ecgs()
    kept = ecgs["patient_id"].isin(pretraining_patients(prepared, prepared.tasks))
    if ecgs.loc[kept, "patient_id"].nunique() < 2:
        raise ConfigurationError(
            "fewer than two patients are outside the validation and test splits of all tasks"
        )
    return ecgs.loc[kept, ["ecg_id", "patient_id"]].reset_index(drop=True)


def held_back(patients: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    """Which rows belong to validation patients: a share of all patients, at least one.

    Args:
        patients: patient of each row, at least two different ones.
        share: share of the patients.
        seed: seed of the choice, which does not depend on the order of the rows.
    """
    everyone = np.unique(np.asarray(patients, dtype=str))
    count = min(max(1, round(share * len(everyone))), len(everyone) - 1)
    chosen = np.random.default_rng((seed, 0)).choice(everyone, count, replace=False)
    return np.isin(np.asarray(patients, dtype=str), chosen)


@dataclass(frozen=True, eq=False)
class Material:
    """Data of a pre-training.

    Args:
        crops: crops of all ECGs.
        training, validating: numbers of the crops of training and validation patients.
        patients: patient of each ECG, shape (ECGs,).
    """

    crops: Crops
    training: Numbers
    validating: Numbers
    patients: NDArray[np.str_]

    def patients_of(self, crops: Numbers) -> NDArray[np.str_]:
        """Patient of each crop."""
        return self.patients[crops // self.crops.per_ecg]

    @property
    def digest(self) -> str:
        """Digest of the training and the validation patients.

        It covers both: guessing ids could reverse a digest of the few validation patients.
        """
        training = set(self.patients_of(self.training))
        held = set(self.patients) - training
        return digest_of([sorted(map(str, training)), sorted(map(str, held))])


def gather(prepared: Prepared, config: PretrainingConfig) -> Material:
    """Training and validation crops from a prepared folder."""
    store = prepared.store(PREPARED)
    store.verify()
    ecgs = pretraining_ecgs(prepared)
    crops = Crops(store, store.positions(list(ecgs["ecg_id"])), config.crops)
    held = held_back(list(ecgs["patient_id"]), config.valid_share, config.seed)
    validating = crops.of_ecgs(np.flatnonzero(held))
    if len(validating) > VALIDATED_CROPS:
        rng = np.random.default_rng((config.seed, 0))
        validating = np.sort(rng.choice(validating, VALIDATED_CROPS, replace=False))
    training = crops.of_ecgs(np.flatnonzero(~held))
    return Material(crops, training, validating, ecgs["patient_id"].to_numpy(dtype=str))

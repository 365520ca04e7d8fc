"""Simulated ECGs as a folder of WFDB records, the kind that `wfdb_folder` reads.

The files are written here and not by `wfdb.wrsamp`: rounding has to keep Einthoven's relation, and
a header of thirteen lines needs no library.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from acsbench.datasets.simulated.dipole import complete
from acsbench.datasets.simulated.population import simulate_patients, waveform_rng
from acsbench.datasets.simulated.simulate import simulate_recording
from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError
from acsbench.files import folder_written_whole, require_empty

UNITS_PER_MILLIVOLT = 1000
"""One unit is 1 µV."""
LARGEST = 32767
"""Of 16 bits; the smallest is reserved by WFDB for a missing sample."""
RECORDS_PER_FOLDER = 1000
COLUMNS = ["ecg_id", "patient_id", "record", "age", "sex", "acs"]
DESCRIPTION = (
    "Simulated ECGs of simulated people: a moving dipole with hidden coronary occlusions, tuned "
    "for plausibility. What a model reaches here says nothing about patients."
)


def write_wfdb_folder(
    folder: Path, n_ecgs: int, seed: int, progress: Callable[[int], None] | None = None
) -> None:
    """Simulate patients and write their ECGs as WFDB records with labels.

    The folder gets `labels.csv` (`ecg_id, patient_id, record, age, sex, acs`), `dataset.yaml`
    and, below `records/`, one header and one signal file per ECG: format 16, 1 µV, 500 Hz,
    10 s. It appears whole or not at all; equal arguments give equal bytes.

    Args:
        folder: where to; it must not exist, or be empty.
        n_ecgs: number of ECGs.
        seed: fixes patients and waveforms.
        progress: called after each ECG with the number written.

    Raises:
        ConfigurationError: the folder is not empty, or is a file; a number is out of range.
    """
    if n_ecgs < 1 or seed < 0:
        raise ConfigurationError(
            f"{n_ecgs} ECGs with seed {seed}: ask for at least one, and no negative seed"
        )
    require_empty(folder)
    with folder_written_whole(folder) as partial:
        _write(partial, n_ecgs, seed, progress)


def _write(folder: Path, n_ecgs: int, seed: int, progress: Callable[[int], None] | None) -> None:
    table, parameters = simulate_patients(n_ecgs, seed)
    records = []
    for index, ecg in enumerate(parameters):
        below = Path("records") / f"{index // RECORDS_PER_FOLDER:03d}"
        (folder / below).mkdir(parents=True, exist_ok=True)
        write_record(folder / below, simulate_recording(ecg, waveform_rng(seed, index)))
        records.append((below / ecg.ecg_id).as_posix())
        if progress is not None:
            progress(index + 1)
    table.assign(record=records)[COLUMNS].to_csv(
        folder / "labels.csv", index=False, lineterminator="\n"
    )
    description = {"name": "simulated", "simulated": True, "description": DESCRIPTION}
    (folder / "dataset.yaml").write_text(
        yaml.safe_dump(description, sort_keys=False, allow_unicode=True, width=100),
        encoding="utf-8",
    )


def write_record(folder: Path, recording: Recording) -> None:
    """Write one twelve-lead ECG as a WFDB record named after its `ecg_id`.

    Args:
        folder: where to; the files are `<ecg_id>.hea` and `<ecg_id>.dat`.
        recording: twelve leads without NaN.

    References:
        https://physionet.org/physiotools/wag/header-5.htm and signal-5.htm (format 16).
    """
    units = digitise(recording)
    name = recording.ecg_id
    lines = [f"{name} {len(LEADS)} {recording.fs:g} {units.shape[1]}"]
    for lead, values in zip(LEADS, units, strict=True):
        # The checksum is the sum of the samples in 16 bits, with sign.
        checksum = (int(values.sum(dtype=np.int64)) + 0x8000) % 0x10000 - 0x8000
        gain = f"{UNITS_PER_MILLIVOLT}(0)/mV"
        lines.append(f"{name}.dat 16 {gain} 16 0 {values[0]} {checksum} 0 {lead}")
    lines.append("# simulated")
    (folder / f"{name}.dat").write_bytes(units.T.astype("<i2").tobytes())
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n", encoding="ascii")


def digitise(recording: Recording) -> NDArray[np.int16]:
    """Whole microvolts of the twelve leads, clipped to 16 bits, shape (12, samples).

    The limb leads are derived from the rounded I and II, as recorders do, so that rounding does
    not break Einthoven's relation; Goldberger's leads are exact to half a microvolt.
    """
    signal = recording.select(LEADS).astype(np.float64) * UNITS_PER_MILLIVOLT
    # Half the range for I and II keeps every combination of them within 16 bits.
    limit = np.array([LARGEST // 2] * 2 + [LARGEST] * 6)[:, None]
    independent = np.clip(np.round(np.delete(signal, slice(2, 6), axis=0)), -limit, limit)
    return np.round(complete(independent)).astype(np.int16)

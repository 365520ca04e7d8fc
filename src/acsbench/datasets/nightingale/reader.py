"""ed-bwh-ecg: emergency-department ECGs of Brigham and Women's Hospital, with visits and outcomes.

Hosted by Nightingale Open Science (doi 10.48815/N5CC7R). Folder as published, `ed-bwh-ecg/v1`:
`patient.csv`, `ed-encounter.csv`, `ecg-metadata.csv`, `ecg-ed-enc.csv` (which visit an ECG
belongs to; some belong to none), `ecg-npy-index.csv` and the printed pages below
`ecg-waveforms-npz`.

Columns keep the dataset's names, except `patient_id`, `encounter_id`, `age` (at the visit) and
`race_…`, which some releases give without `race_`. Flags are nullable booleans.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from acsbench.datasets.dataset import Dataset, Rejected
from acsbench.datasets.description import DESCRIPTION, read_description, terms_of
from acsbench.datasets.nightingale.checks import contradictions, read_tables
from acsbench.datasets.nightingale.columns import LAYOUTS, TERMS
from acsbench.datasets.nightingale.holdout import open_nightingale_holdout
from acsbench.datasets.nightingale.rejects import sound_rows
from acsbench.datasets.nightingale.tables import FIX, SourceTable, tables_folder
from acsbench.datasets.nightingale.types import is_among
from acsbench.datasets.nightingale.waveforms import (
    COPY,
    MISSING,
    WAVEFORMS,
    faulty_waveforms,
    present_waveforms,
    read_npz,
    waveform_paths,
)
from acsbench.datasets.registry import register_reader
from acsbench.datasets.schema import Tables
from acsbench.disclosure import shown_count
from acsbench.errors import DataError, DataErrors

TASKS = ("acs", "mace")


@register_reader(
    "nightingale",
    summary="ed-bwh-ecg of Nightingale Open Science",
    unlabelled=open_nightingale_holdout,
)
def open_nightingale(root: Path) -> Dataset:
    """Read and check the tables of ed-bwh-ecg.

    Args:
        root: the folder that holds `patient.csv`, or one above it.

    Returns:
        The dataset. `rejected` has unusable rows with the ECGs that depend on them, and ECGs
        without a waveform file, unless the folder has no waveforms.

    Raises:
        DataErrors: a file or a column is missing, most of a column is invalid, or no ECG can be
            used. The error also lists all other faults, including those of waveform files.
    """
    folder = tables_folder(root)
    files = [folder / layout.file for layout in LAYOUTS]
    if not any(file.is_file() for file in files):
        problem = f"the folder holds none of {', '.join(file.name for file in files)}"
        raise DataErrors([DataError(problem, file=root, fix=FIX)])
    sources = read_tables(folder)
    present = present_waveforms(folder)
    unlisted = _check_presence(sources.ecg, present)
    fatal = sources.fatal()
    described = root if (root / DESCRIPTION).is_file() else folder
    try:
        description = read_description(described)
    except DataError as error:
        fatal.append(error)
    if fatal:
        in_files = [] if present is None else _faults_of_files(folder, sources.ecg, present)
        raise DataErrors([*fatal, *sources.faults(), *in_files])
    sound = sound_rows(sources)
    if sound.ecg.empty:
        raise DataErrors(sources.faults())
    # Waveform files of rejected ECGs are not read later: read them now, so that one run reports
    # everything.
    taken = [item.ecg_id for item in sound.rejected if item.ecg_id is not None]
    in_files = _faults_of_files(folder, sources.ecg, present or set(), taken)
    return Dataset(
        name=str(description.get("name", "ed-bwh-ecg")),
        root=folder,
        tables=Tables(
            patient=sound.patient,
            encounter=sound.encounter,
            ecg=sound.ecg,
            source=sources.ecg.path,
        ),
        read=read_npz,
        sources=tuple(file for file in (*files, described / DESCRIPTION) if file.is_file()),
        rejected=(*sound.rejected, *(Rejected(None, error) for error in in_files)),
        notes=(*sources.notes(), *contradictions(sources), *_notes(present, unlisted)),
        simulated=bool(description.get("simulated", False)),
        tasks=tuple(description.get("tasks", TASKS)),
        terms=terms_of(description, TERMS),
    )


def _check_presence(ecg: SourceTable, present: set[str] | None) -> int:
    """Note the ECGs without a waveform file; return the number of files without an ECG."""
    if present is None or "ecg_id" not in ecg.columns:
        return 0
    paths = waveform_paths(ecg.columns["ecg_id"])
    there = is_among(paths, present)
    missing = paths.notna().to_numpy(dtype=bool) & ~there
    ecg.check("ecg_id", missing, MISSING, COPY, each=True)
    return len(present) - paths[there].nunique()


def _faults_of_files(
    folder: Path, ecg: SourceTable, present: set[str], among: Sequence[str] | None = None
) -> list[DataError]:
    """Errors of the waveform files, of all ECGs or of some."""
    if "ecg_id" not in ecg.columns:
        return []
    paths = waveform_paths(ecg.columns["ecg_id"])
    there = is_among(paths, present)
    if among is not None:
        there &= is_among(ecg.columns["ecg_id"], set(among))
    ids = ecg.columns["ecg_id"][there]
    found = faulty_waveforms(folder, list(ids), list(paths[there]), ecg.rows[there], ecg.path)
    return [error for _, error in found]


def _notes(present: set[str] | None, unlisted: int) -> list[str]:
    if present is None:
        return [f"the folder {WAVEFORMS} is missing: tables only"]
    if unlisted:
        count = shown_count(unlisted)
        return [f"{count} waveform files belong to no ECG of the tables (the holdout?)"]
    return []

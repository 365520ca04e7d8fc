"""The holdout of ed-bwh-ecg: waveforms only; patients and outcomes are hidden."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from acsbench.datasets.dataset import Dataset, Rejected
from acsbench.datasets.description import DESCRIPTION, read_description, terms_of
from acsbench.datasets.nightingale import columns as layouts
from acsbench.datasets.nightingale.tables import read_source_table, tables_folder
from acsbench.datasets.nightingale.types import PATTERNS
from acsbench.datasets.nightingale.waveforms import read_npz
from acsbench.datasets.registry import register_reader
from acsbench.datasets.schema import Tables
from acsbench.errors import DataError, DataErrors
from acsbench.files import is_clutter

FIX = "Point to the folder of the holdout's npz files"
RENAME = "Name it after the ECG's id without ecg, or skip it with --on-error skip"
KEEP_ONE = "Remove one of them, or skip both with --on-error skip"
HIDDEN = "the holdout has waveforms only"


@register_reader("nightingale_holdout", summary="the holdout of ed-bwh-ecg, waveforms only")
def open_nightingale_holdout(root: Path) -> Dataset:
    """Read every npz file below a folder as an ECG of the holdout.

    If the folder has the dataset's tables, the ECGs that they name are not part of the holdout.

    Args:
        root: the folder.

    Returns:
        The dataset, without tasks. An ECG's id is `ecg` and the name of its file; each ECG counts
        as a patient of its own. `source_row` is the position among the sorted ids, from 1.

    Raises:
        DataError: there is no npz file, or the tables name all of them.
        DataErrors: no file can be used.
    """
    description = read_description(root)
    files = [file.relative_to(root) for file in root.rglob("*.npz")]
    files = [file for file in files if not is_clutter(file.as_posix())]
    ecg = pd.DataFrame(
        {
            "ecg_id": ["ecg" + file.stem.removeprefix("ecg") for file in files],
            "path": [file.as_posix() for file in files],
        },
        dtype="str",
    ).sort_values(["ecg_id", "path"], ignore_index=True)
    ecg = ecg[~ecg["ecg_id"].isin(_ids_in_tables(root))].reset_index(drop=True)
    if ecg.empty:
        problem = "every npz file belongs to an ECG of the tables" if files else "no npz file"
        raise DataError(problem, file=root, fix=FIX)
    rejected = _rejected(ecg, root)
    ecg = ecg[~ecg["ecg_id"].isin([item.ecg_id for item in rejected])].reset_index(drop=True)
    if ecg.empty:
        raise DataErrors([item.error for item in rejected])
    ecg["patient_id"] = "holdout-" + ecg["ecg_id"]
    ecg["source_row"] = range(1, len(ecg) + 1)
    unfilled = dict.fromkeys(("encounter_id", "age", "sex"), HIDDEN)
    own = f"{HIDDEN}: each ECG counts as a patient of its own"
    return Dataset(
        name=str(description.get("name", "ed-bwh-ecg holdout")),
        root=root,
        tables=Tables(
            patient=ecg[["patient_id"]].copy(),
            ecg=ecg,
            source=root,
            unfilled=unfilled | {"patient_id": own},
        ),
        read=read_npz,
        sources=tuple(file for file in (root / DESCRIPTION,) if file.is_file()),
        rejected=tuple(rejected),
        simulated=bool(description.get("simulated", False)),
        labelled=False,
        terms=terms_of(description, layouts.TERMS),
    )


def _ids_in_tables(root: Path) -> list[str]:
    table = read_source_table(tables_folder(root), layouts.ECG)
    return list(table.columns["ecg_id"].dropna()) if "ecg_id" in table.columns else []


def _rejected(ecg: pd.DataFrame, root: Path) -> list[Rejected]:
    no_id = ~ecg["ecg_id"].str.contains(PATTERNS[layouts.Kind.ECG_ID])
    twice = ecg["ecg_id"].duplicated(keep=False)
    return [
        Rejected(ecg_id, DataError(problem, file=root, private=path, fix=fix))
        for faulty, problem, fix in (
            (no_id, "the name of an npz file is not 10 hexadecimal digits", RENAME),
            (twice & ~no_id, "several npz files have the same name", KEEP_ONE),
        )
        for ecg_id, path in zip(ecg["ecg_id"][faulty], ecg["path"][faulty], strict=True)
    ]

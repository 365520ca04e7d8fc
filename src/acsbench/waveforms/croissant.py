"""Croissant metadata of a prepared folder: what it holds, and nothing of what is in it.

Names and kinds of columns, files, shapes and terms; no row, no id, no count of a group and no
checksum that a guess could be checked against. The files themselves need not be passed on.

References:
    Croissant format 1.0, http://mlcommons.org/croissant/1.0.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from pandas.api import types

from acsbench.waveforms.prepared import ECGS, WAVEFORMS, Prepared
from acsbench.waveforms.signs_table import SIGNS, SIGNS_TABLE
from acsbench.waveforms.store import INDEX

CROISSANT = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
SHARDS = "shard-*.npy"
PARQUET, NUMPY = "application/x-parquet", "application/x-npy"

_OWN_TERMS = (
    "citeAs column conformsTo equivalentProperty extract field fileProperty fileObject fileSet "
    "format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex "
    "repeated replace samplingRate separator source subField transform"
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    **{term: f"cr:{term}" for term in _OWN_TERMS.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
"""The vocabulary that the format prescribes."""

COLUMNS = {
    "ecg_id": "identifier of the ECG",
    "patient_id": "identifier of the patient; ECGs of one patient are not independent",
    "encounter_id": "identifier of the visit",
    "age": "age in years",
    "sex": "female or male",
    "label": "1 if the patient has what the task predicts, else 0",
    "split": "train, valid, test, or unused; patients never cross",
    "shard": "number of the shard that holds the waveform",
    "row": "position of the ECG in its shard",
    "quality": "quality of the signal, from 0 to 1",
    "reasons": "what is wrong with the signal",
}
"""What a column of any dataset means."""


def croissant(prepared: Prepared) -> dict[str, Any]:
    """Describe a prepared folder in Croissant 1.0 (JSON-LD).

    Args:
        prepared: the folder; file names in the description are relative to it.
    """
    meta, terms = prepared.meta, prepared.meta["terms"]
    tables = _tables(prepared)
    tasks = " and ".join(prepared.tasks) or "models that were trained elsewhere"
    content = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"{meta['dataset']}, prepared",
        "description": (
            f"Electrocardiograms of {meta['dataset']}, prepared by acsbench for {tasks}. This "
            "describes the folder that it lies in and gives none of it away; the data may be "
            "under an agreement that forbids passing them on."
        ),
        "license": terms["licence"],
        "url": terms["url"],
        "citeAs": terms["citation"],
        "version": "1.0.0",
        "datePublished": datetime.now(UTC).date().isoformat(),
        "creator": {"@type": "sc:Organization", "name": meta["dataset"]},
        "rai:personalSensitiveInformation": (
            "None: simulated, no patient was involved"
            if prepared.simulated
            else "Health data of single patients"
        ),
        "rai:dataUseCases": "Research; not for the care of patients",
        "rai:dataPreprocessing": [_processing(prepared, name) for name in meta["profiles"]],
        "distribution": [
            *(_file_set(path, PARQUET, description) for path, description, _ in tables),
            *(_shards(prepared, name) for name in meta["profiles"]),
        ],
        "recordSet": [_record_set(*table) for table in tables],
    }
    return {name: value for name, value in content.items() if value}


def _tables(prepared: Prepared) -> list[tuple[str, str, pd.DataFrame]]:
    """Path, meaning and content of every table of the folder."""
    tables = []
    for name in prepared.tasks:
        task = prepared.task(name)
        description = f"{task.name}, version {task.version}: {task.description}"
        tables.append((f"tasks/{name}.parquet", description, prepared.table(task)))
    tables.append((ECGS, "Each prepared ECG with the dataset's own columns", prepared.ecgs()))
    if prepared.meta["signs"]:
        path = f"{WAVEFORMS}/{SIGNS}/{SIGNS_TABLE}"
        tables.append((path, "Measured signs; mV and beats/min", prepared.signs().reset_index()))
    for name in prepared.meta["profiles"]:
        path = f"{WAVEFORMS}/{name}/{INDEX}"
        tables.append((path, f"Where each waveform of {name} lies", prepared.store(name).index))
    return tables


def _processing(prepared: Prepared, profile: str) -> str:
    processing = json.dumps(prepared.store(profile).processing, sort_keys=True)
    return f"Waveforms of the profile {profile}: {processing}"


def _shards(prepared: Prepared, profile: str) -> dict[str, Any]:
    store = prepared.store(profile)
    rows, samples = store.shape
    leads, fs, scale = store.meta["leads"], store.meta["fs"], store.meta["scale"]
    description = (
        f"Waveforms, int16 of shape (ECGs, {rows}, {samples}); rows {', '.join(leads)}; {fs:g} Hz; "
        f"times {scale:g} is a value in {store.meta['unit']}"
    )
    return _file_set(f"{WAVEFORMS}/{profile}/{SHARDS}", NUMPY, description)


def _file_set(path: str, encoding: str, description: str) -> dict[str, Any]:
    # A set even of one file: Croissant demands a checksum of a single file, against which a
    # guess of its rows could be checked.
    return {
        "@type": "cr:FileSet",
        "@id": path,
        "name": path,
        "description": description,
        "encodingFormat": encoding,
        "includes": path,
    }


def _record_set(path: str, description: str, table: pd.DataFrame) -> dict[str, Any]:
    name = path.removesuffix(".parquet")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "key": {"@id": f"{path}/ecg_id"},
        "field": [_field(path, str(column), table[column]) for column in table],
    }


def _field(path: str, column: str, values: pd.Series) -> dict[str, Any]:
    """A column, told by its name and kind alone."""
    return {
        "@type": "cr:Field",
        "@id": f"{path}/{column}",
        "name": column,
        "description": COLUMNS.get(column, column),
        "dataType": _data_type(values),
        "source": {"fileSet": {"@id": path}, "extract": {"column": column}},
    }


def _data_type(values: pd.Series) -> str:
    if types.is_bool_dtype(values):
        return "sc:Boolean"
    if types.is_integer_dtype(values):
        return "sc:Integer"
    if types.is_float_dtype(values):
        return "sc:Float"
    if types.is_datetime64_any_dtype(values):
        return "sc:DateTime"
    return "sc:Text"

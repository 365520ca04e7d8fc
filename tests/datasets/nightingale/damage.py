"""Ways to damage a small ed-bwh-ecg, each with the words in which it must be told.

A function takes the folder that holds the tables. Each damages a line of its own, so that all
of `ROW_DAMAGES` and `FILE_DAMAGES` can be done to one dataset together.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.datasets.nightingale.builder import (
    ECGS,
    ECGS_WITHOUT_VISIT,
    PATIENTS,
    VISITS,
    cell,
    cut_row,
    drop_column,
    edit,
    edit_column,
    repeat_row,
    waveform_of_row,
)

Damage = Callable[[Path], object]
Damages = dict[str, tuple[Damage, str]]

PATIENT, VISIT, ECG = "patient.csv", "ed-encounter.csv", "ecg-metadata.csv"
LINK, INDEX = "ecg-ed-enc.csv", "ecg-npy-index.csv"
NOBODY = "pat00000000"


def _save(row: int, *arrays: np.ndarray, **options: object) -> Damage:
    return lambda f: np.savez(waveform_of_row(f, row), *arrays, **options)


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def _empty_archive(path: Path) -> None:
    path.unlink()
    zipfile.ZipFile(path, "w").close()


def _visit_of_another(folder: Path) -> None:
    edit(folder / LINK, 6, ed_enc_id=cell(folder / LINK, 20, "ed_enc_id"))


STRUCTURE_DAMAGES: Damages = {
    "no patients": (lambda f: (f / PATIENT).unlink(), "patient.csv: the file does not exist"),
    "no visits": (lambda f: (f / VISIT).unlink(), "ed-encounter.csv: the file does not exist"),
    "no ECGs": (lambda f: (f / ECG).unlink(), "ecg-metadata.csv: the file does not exist"),
    "no links": (lambda f: (f / LINK).unlink(), "ecg-ed-enc.csv: the file does not exist"),
    "no index": (lambda f: (f / INDEX).unlink(), "ecg-npy-index.csv: the file does not exist"),
    "a column is missing": (
        lambda f: drop_column(f / VISIT, "cath_010_day"),
        "ed-encounter.csv, column 'cath_010_day': no column 'cath_010_day'; found 27 columns",
    ),
    "a race is missing": (
        lambda f: drop_column(f / PATIENT, "race_black"),
        "no column 'race_black' (or 'black')",
    ),
    "the patient's column is missing": (
        lambda f: drop_column(f / ECG, "patient_ngsci_id"),
        "ecg-metadata.csv, column 'patient_ngsci_id': no column",
    ),
    "semicolons": (
        lambda f: (f / LINK).write_text((f / LINK).read_text().replace(",", ";")),
        "ecg-ed-enc.csv, row 1: the columns are separated by semicolons",
    ),
    "an empty file": (lambda f: (f / VISIT).write_text(""), "ed-encounter.csv: the file is empty"),
    "no rows": (
        lambda f: (f / LINK).write_text("ecg_id,ed_enc_id\n"),
        "ecg-ed-enc.csv: the table has a header and no rows",
    ),
    "UTF-16": (
        lambda f: (f / PATIENT).write_bytes((f / PATIENT).read_text().encode("utf-16")),
        "the text is not UTF-8",
    ),
    "Latin-1 in a row": (
        lambda f: (f / ECG).write_bytes((f / ECG).read_bytes().replace(b",ms,", b",\xe9,")),
        "column 'p-r-t_axes': the text is not UTF-8",
    ),
    "a column twice": (
        lambda f: (f / VISIT).write_text((f / VISIT).read_text().replace("exclude,", "excl,", 0)
                                         .replace(",exclude\n", ",exclude_modeling\n", 1)),
        "column 'exclude_modeling': the column is there twice",
    ),
    "a column of another type": (
        lambda f: edit_column(f / VISIT, "cath_010_day", lambda _: "maybe"),
        f"the flag is neither True nor False, in {VISITS} of {VISITS} rows, first in "
        "row 2",
    ),
    "ids of another form": (
        lambda f: edit_column(f / ECG, "ecg_id", lambda old: old.removeprefix("ecg")),
        f"the ECG's id is not ecg with 10 hexadecimal digits, in {ECGS} of {ECGS} rows",
    ),
    "the description is no YAML": (
        lambda f: (f / "dataset.yaml").write_text("name: [1"),
        "dataset.yaml: this is not YAML",
    ),
}  # fmt: skip
"""What makes the tables useless."""

ROW_DAMAGES: Damages = {
    "sex": (
        lambda f: edit(f / PATIENT, 3, sex="Femal"),
        "patient.csv, row 3, column 'sex': the sex is neither Female nor Male",
    ),
    "race": (
        lambda f: edit(f / PATIENT, 4, race_white="2"),
        "patient.csv, row 4, column 'race_white': the flag is neither True nor False",
    ),
    "share of income": (
        lambda f: edit(f / PATIENT, 5, agi_under_25k="1.7"),
        "patient.csv, row 5, column 'agi_under_25k': the value is not a number from 0 to 1",
    ),
    "patient's id": (
        lambda f: edit(f / PATIENT, 6, patient_ngsci_id="pat12"),
        "patient.csv, row 6, column 'patient_ngsci_id': the patient's id is not pat with 8",
    ),
    "patient twice": (
        lambda f: repeat_row(f / PATIENT, 7),
        f"patient.csv, row {PATIENTS + 2}, column 'patient_ngsci_id': a row above has the same id",
    ),
    "age": (
        lambda f: edit(f / VISIT, 3, age_at_admit="430"),
        "ed-encounter.csv, row 3, column 'age_at_admit': the age is not a number from 0 to 120",
    ),
    "visit's flag": (
        lambda f: edit(f / VISIT, 4, exclude_modeling="perhaps"),
        "ed-encounter.csv, row 4, column 'exclude_modeling': the flag is neither",
    ),
    "arrival": (
        lambda f: edit(f / VISIT, 5, start_datetime="2110-02-30 12:00:00"),
        "ed-encounter.csv, row 5, column 'start_datetime': the value is not a date",
    ),
    "troponin": (
        lambda f: edit(f / VISIT, 6, maxtrop_sameday="high"),
        "ed-encounter.csv, row 6, column 'maxtrop_sameday': the value is not a number",
    ),
    "visit of nobody": (
        lambda f: edit(f / VISIT, 7, patient_ngsci_id=NOBODY),
        "ed-encounter.csv, row 7, column 'patient_ngsci_id': the visit's patient does not exist",
    ),
    "visit without id": (
        lambda f: edit(f / VISIT, 8, ed_enc_id=""),
        "ed-encounter.csv, row 8, column 'ed_enc_id': the visit's id is missing",
    ),
    "visit twice": (
        lambda f: repeat_row(f / VISIT, 9),
        f"ed-encounter.csv, row {VISITS + 2}, column 'ed_enc_id': a row above has the same id",
    ),
    "ECG's id": (
        lambda f: edit(f / ECG, 3, ecg_id="ecg12345"),
        "ecg-metadata.csv, row 3, column 'ecg_id': the ECG's id is not ecg with 10",
    ),
    "ECG of nobody": (
        lambda f: edit(f / ECG, 4, patient_ngsci_id=NOBODY),
        "ecg-metadata.csv, row 4, column 'patient_ngsci_id': the ECG's patient does not exist",
    ),
    "ECG without patient": (
        lambda f: edit(f / ECG, 5, patient_ngsci_id=""),
        "ecg-metadata.csv, row 5, column 'patient_ngsci_id': the patient's id is not pat with 8",
    ),
    "reading's flag": (
        lambda f: edit(f / ECG, 6, has_afib="x"),
        "ecg-metadata.csv, row 6, column 'has_afib': the flag is neither True nor False",
    ),
    "measurement": (
        lambda f: edit(f / ECG, 7, qrs_duration="wide"),
        "ecg-metadata.csv, row 7, column 'qrs_duration': the value is not a number",
    ),
    "date": (
        lambda f: edit(f / ECG, 8, date="soon"),
        "ecg-metadata.csv, row 8, column 'date': the value is not a date",
    ),
    "a row cut off": (
        lambda f: cut_row(f / ECG, 9),
        "row 9, column 'has_poor_or_quality': the row has 38 cells, and the header 39",
    ),
    "ECG twice": (
        lambda f: repeat_row(f / ECG, 10),
        f"ecg-metadata.csv, row {ECGS + 2}, column 'ecg_id': a row above has the same id",
    ),
    "unknown visit": (
        lambda f: edit(f / LINK, 3, ed_enc_id="encffffff"),
        "ecg-ed-enc.csv, row 3, column 'ed_enc_id': the ECG's visit does not exist",
    ),
    "unknown ECG": (
        lambda f: edit(f / LINK, 4, ecg_id="ecg0000000000"),
        "ecg-ed-enc.csv, row 4, column 'ecg_id': the visit's ECG does not exist",
    ),
    "two visits": (
        lambda f: repeat_row(f / LINK, 5),
        f"ecg-ed-enc.csv, row {ECGS - ECGS_WITHOUT_VISIT + 2}, column 'ecg_id': a row above",
    ),
    "another patient's visit": (
        _visit_of_another,
        "ecg-ed-enc.csv, row 6, column 'ed_enc_id': the visit belongs to another patient",
    ),
    "index": (
        lambda f: edit(f / INDEX, 3, npy_index="1.5"),
        "ecg-npy-index.csv, row 3, column 'npy_index': the value is not an integer from 0",
    ),
    "index twice": (
        lambda f: edit(f / INDEX, 5, npy_index=cell(f / INDEX, 4, "npy_index")),
        "ecg-npy-index.csv, row 5, column 'npy_index': a row above has the same index",
    ),
    "index of an unknown ECG": (
        lambda f: edit(f / INDEX, 6, ecg_id="ecg0000000000"),
        "ecg-npy-index.csv, row 6, column 'ecg_id': the strip's ECG does not exist",
    ),
}
"""What makes single rows useless."""

FILE_DAMAGES: Damages = {
    "no waveform": (
        lambda f: waveform_of_row(f, 30).unlink(),
        "ecg-metadata.csv, row 30, column 'ecg_id': the waveform file is missing",
    ),
    "no archive": (
        lambda f: waveform_of_row(f, 31).write_bytes(b"no archive"),
        "ecg-metadata.csv, row 31, column 'ecg_id': the waveform file cannot be read",
    ),
    "truncated": (
        lambda f: _shorten(waveform_of_row(f, 32)),
        "ecg-metadata.csv, row 32, column 'ecg_id': the waveform file cannot be read",
    ),
    "a byte changed": (
        lambda f: _flip(waveform_of_row(f, 33)),
        "ecg-metadata.csv, row 33, column 'ecg_id': the waveform file cannot be read",
    ),
    "no bytes": (
        lambda f: waveform_of_row(f, 34).write_bytes(b""),
        "ecg-metadata.csv, row 34, column 'ecg_id': the waveform file cannot be read",
    ),
    "nothing in the archive": (
        lambda f: _empty_archive(waveform_of_row(f, 35)),
        "ecg-metadata.csv, row 35, column 'ecg_id': the waveform file has no array",
    ),
    "twelve leads": (
        _save(36, np.zeros((12, 5000))),
        "row 36, column 'ecg_id': the waveform has shape (12, 5000); (15, 5000) is expected",
    ),
    "five seconds": (
        _save(37, np.zeros((15, 2500))),
        "row 37, column 'ecg_id': the waveform has shape (15, 2500)",
    ),
    "all NaN": (
        _save(38, np.full((15, 5000), np.nan)),
        "row 38, column 'ecg_id': the waveform has only NaN",
    ),
    "objects": (
        _save(39, np.full((15, 5000), None), allow_pickle=True),
        "row 39, column 'ecg_id': the waveform file has pickled objects",
    ),
    "a pickle": (
        lambda f: waveform_of_row(f, 40).write_bytes(pickle.dumps(np.zeros((15, 5000)))),
        "row 40, column 'ecg_id': the waveform file has pickled objects",
    ),
    "text": (
        _save(41, np.full((15, 5000), "0.1")),
        "row 41, column 'ecg_id': the waveform has the type <U3, not numbers",
    ),
    "microvolts": (
        _save(42, np.full((15, 5000), 500.0)),
        "row 42, column 'ecg_id': the waveform has values beyond 30 mV",
    ),
}  # fmt: skip
"""What is wrong with waveform files; told on opening only where a table is useless too."""

DAMAGES: Damages = STRUCTURE_DAMAGES | ROW_DAMAGES | FILE_DAMAGES

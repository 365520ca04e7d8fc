"""PTB-XL: 12-lead ECGs with a cardiologist's statements.

Folder as published on PhysioNet: `ptbxl_database.csv`, `scp_statements.csv`, `records500/` or
`records100/`. Wagner et al., Sci Data 7:154 (2020), doi 10.13026/kfzx-aw45.

A statement becomes the column `scp_<code>`: true, false, or missing if the reader was unsure. A
diagnostic statement is true from a likelihood of 50 and missing below. Form and rhythm statements
have no likelihood (0) and are true when present. The five diagnostic classes `norm`, `mi`, `sttc`,
`cd` and `hyp` are true if one of their statements is, and missing if all present ones are unsure.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.datasets.ages import OPEN_CLASS_NOTE, open_classes, read_ages
from acsbench.datasets.dataset import Dataset, Terms
from acsbench.datasets.registry import register_reader
from acsbench.datasets.schema import Tables
from acsbench.datasets.source_table import (
    RowCheck,
    age_check,
    patient_check,
    reject_rows,
    without_missing,
)
from acsbench.datasets.wfdb_file import read_wfdb
from acsbench.errors import DataError, DataErrors
from acsbench.tables import read_csv, to_numbers

CERTAIN = 50.0
OVER_89 = 300.0
TOP_CODED_AGE = 90.0
"""PTB-XL writes 300 for patients over 89; they count as 90."""

DATABASE = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"
COLUMNS = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold")
SEX = {"0": "male", "1": "female"}
TERMS = Terms(
    licence="https://creativecommons.org/licenses/by/4.0/",
    url="https://doi.org/10.13026/kfzx-aw45",
    citation="Wagner et al., PTB-XL, Sci Data 7:154 (2020)",
)
FIX = "Point to the folder that holds PTB-XL as published by PhysioNet"


@dataclass(frozen=True)
class Statement:
    """An SCP statement: whether it is a form or a rhythm, and its diagnostic class or ""."""

    form_or_rhythm: bool
    diagnostic_class: str


@register_reader("ptbxl", summary="PTB-XL as published by PhysioNet")
def open_ptbxl(root: Path, rate: int | None = None) -> Dataset:
    """Read PTB-XL's tables.

    Args:
        root: the folder.
        rate: 500 or 100 Hz; by default, the higher available rate.

    Raises:
        DataError: a table, a column or the records are missing.
    """
    database = root / DATABASE
    raw = without_missing(read_csv(database, COLUMNS, fix=FIX), ("age", "sex", "strat_fold"))
    statements = _read_statements(root / STATEMENTS)
    path_column = _path_column(raw, root, database, rate)
    ages, sexes = _ages(raw), raw["sex"].str.strip().str.removesuffix(".0").map(SEX)
    codes, faulty_codes = _parse_statements(raw["scp_codes"], statements)
    checks = _row_checks(raw, ages, sexes, faulty_codes)
    keep, rejected = reject_rows(raw, raw["ecg_id"].str.strip(), checks, database)

    if not keep.any():
        raise DataErrors([item.error for item in rejected])

    ecg = pd.DataFrame(
        {
            "ecg_id": raw["ecg_id"].str.strip(),
            "patient_id": raw["patient_id"].str.strip().str.removesuffix(".0"),
            "age": ages,
            "fold": to_numbers(raw["strat_fold"]),
            "path": raw[path_column].str.strip(),
            "source_row": raw.index,
            "sex": sexes,
        }
    )
    ecg = pd.concat([ecg, codes], axis=1)[keep].reset_index(drop=True)
    ecg["fold"] = ecg["fold"].astype(int)
    patient = (
        ecg.groupby("patient_id", sort=False)["sex"].first().reset_index().astype({"sex": str})
    )
    patient["sex"] = patient["sex"].where(patient["sex"].isin(list(SEX.values())), None)
    return Dataset(
        name="PTB-XL",
        root=root,
        tables=Tables(
            patient=patient,
            ecg=ecg.drop(columns="sex"),
            source=database,
            path_column=path_column,
            unfilled={"encounter_id": "PTB-XL does not say which visit an ECG belongs to"},
        ),
        read=read_wfdb,
        sources=(database, root / STATEMENTS),
        rejected=rejected,
        notes=(OPEN_CLASS_NOTE,) if _has_open_ages(raw) else (),
        tasks=("ptbxl-mi",),
        terms=TERMS,
        all_rows=raw[["patient_id"]].apply(lambda ids: ids.str.strip()).replace("", None),
    )


def _read_statements(path: Path) -> dict[str, Statement]:
    columns = ("diagnostic", "form", "rhythm")
    table = read_csv(path, (*columns, "diagnostic_class"), fix=FIX, row_names="code")
    flags = {column: to_numbers(table[column]) == 1 for column in columns}
    rows = zip(
        table.iloc[:, 0],
        flags["form"] | flags["rhythm"],
        table["diagnostic_class"].str.strip().str.lower().where(flags["diagnostic"], ""),
        strict=True,
    )
    return {code: Statement(bool(marked), str(group)) for code, marked, group in rows}


def _path_column(raw: pd.DataFrame, root: Path, database: Path, rate: int | None) -> str:
    """The column with the records of a rate, or of the highest available rate."""
    columns = {500: "filename_hr", 100: "filename_lr"}
    rates = [rate] if rate is not None else [500, 100]
    for wanted in rates:
        column = columns.get(wanted)
        if column is None:
            raise DataError(
                f"PTB-XL has no records at {wanted} Hz", file=root, fix="Choose 500 or 100 Hz"
            )
        if (root / f"records{wanted}").is_dir():
            if column not in raw:
                raise DataError("no such column", file=database, column=column, fix=FIX)
            return column
    raise DataError(
        f"the folder {' or '.join(f'records{r}' for r in rates)} is missing", file=root, fix=FIX
    )


def _ages(raw: pd.DataFrame) -> pd.Series:
    ages = read_ages(raw["age"].str.strip())
    return ages.mask(ages == OVER_89, TOP_CODED_AGE)


def _has_open_ages(raw: pd.DataFrame) -> bool:
    return bool((open_classes(raw["age"]) | (to_numbers(raw["age"]) == OVER_89)).any())


def _parse_statements(
    texts: pd.Series, statements: dict[str, Statement]
) -> tuple[pd.DataFrame, pd.Series]:
    """Statements as nullable booleans, and which rows are invalid."""
    classes = sorted({s.diagnostic_class for s in statements.values() if s.diagnostic_class})
    columns = [f"scp_{code}" for code in statements] + classes
    position = {column: number for number, column in enumerate(columns)}
    values = np.zeros((len(texts), len(columns)), dtype=np.int8)  # 1 true, 0 false, -1 missing
    faulty = np.zeros(len(texts), dtype=bool)
    for number, text in enumerate(texts):
        try:
            stated = {str(code): float(value) for code, value in ast.literal_eval(text).items()}
        except (ValueError, SyntaxError, AttributeError, TypeError, MemoryError, RecursionError):
            stated, faulty[number] = {}, True
        for code, likelihood in stated.items():
            statement = statements.get(code)
            if statement is None:
                faulty[number] = True
                continue
            sure = likelihood >= CERTAIN or (statement.form_or_rhythm and likelihood == 0)
            values[number, position[f"scp_{code}"]] = 1 if sure else -1
            if statement.diagnostic_class:
                place = (number, position[statement.diagnostic_class])
                values[place] = 1 if sure or values[place] == 1 else -1
    table = pd.DataFrame(values, index=texts.index, columns=columns)
    return table.eq(1).astype("boolean").mask(table == -1), pd.Series(faulty, index=texts.index)


def _row_checks(
    raw: pd.DataFrame, ages: pd.Series, sexes: pd.Series, faulty_codes: pd.Series
) -> list[RowCheck]:
    ids, patients = raw["ecg_id"].str.strip(), raw["patient_id"].str.strip()
    fold = pd.Series(to_numbers(raw["strat_fold"]), index=raw.index)
    bad_sex = (raw["sex"].str.strip() != "") & sexes.isna()
    return [
        RowCheck("ecg_id", ids == "", "the ECG has no id", "Give every ECG its own id"),
        RowCheck("ecg_id", ids.duplicated(), "a row above has the same id", "Keep one row per id"),
        patient_check(patients),
        age_check(raw["age"].str.strip(), ages),
        RowCheck("sex", bad_sex, "the sex is neither 0 (male) nor 1 (female)", "Correct the cell"),
        RowCheck(
            "strat_fold",
            ~fold.isin(range(1, 11)),
            "the fold is not an integer from 1 to 10",
            "Copy the table again from its source",
        ),
        RowCheck(
            "scp_codes",
            faulty_codes,
            f"the cell is not a dictionary of codes in {STATEMENTS} and likelihoods",
            "Copy the table again from its source",
        ),
    ]

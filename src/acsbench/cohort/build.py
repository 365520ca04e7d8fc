"""From tables to the cohort of a task, with a count at every step."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.cohort.task import EVERYONE, Task
from acsbench.disclosure import shown_count
from acsbench.errors import ConfigurationError, DataError, did_you_mean

COVARIATES = ("age", "sex")
METHODS = {"isna", "notna", "isin", "between"}
"""Methods that a query may call."""

UNLABELLED = "ECGs to predict need no task: prepare them with --unlabelled"

UNEVALUABLE = (
    SyntaxError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    RecursionError,
    tokenize.TokenError,
)


@dataclass(frozen=True)
class Step:
    """Counts after a step of the flow; `visits` is None in datasets without visits."""

    name: str
    ecgs: int
    patients: int
    visits: int | None = None


@dataclass(frozen=True, eq=False)
class Cohort:
    """The ECGs of a task.

    Args:
        task: the task.
        table: one row per ECG: `ecg_id`, `patient_id`, `label` (0/1) and the dataset's
            covariates.
        flow: counts after each step.
    """

    task: Task
    table: pd.DataFrame
    flow: tuple[Step, ...]

    def without(self, ecg_ids: Collection[str], step: str) -> Cohort:
        """The cohort without some ECGs; they are a step of the flow."""
        table = self.table[~self.table["ecg_id"].isin(list(ecg_ids))].reset_index(drop=True)
        return Cohort(self.task, table, (*self.flow, count_step(step, table)))


def build_cohort(
    joined: pd.DataFrame, task: Task, source: str, all_rows: pd.DataFrame | None = None
) -> Cohort:
    """Apply a task's steps, population and label.

    Args:
        joined: one row per ECG with its patient's columns (`Tables.joined`).
        task: the task.
        source: the table's file or the dataset's name, for errors.
        all_rows: `patient_id` of all rows of the table, including rejected rows; the flow
            begins with them.

    Raises:
        ConfigurationError: a query cannot be evaluated, or there is no label column.
        DataError: the label is not 0/1, or the cohort does not have both labels.
    """
    flow = [] if all_rows is None else [count_step(f"rows of {Path(source).name}", all_rows)]
    flow.append(count_step("read", joined))
    population = joined
    for step in task.steps:
        population = select(population, step.keep, task)
        flow.append(count_step(step.name, population))
    if task.population != EVERYONE:
        population = select(population, task.population, task)
    flow.append(count_step(f"population of {task.name}", population))
    values = known_labels(population, task, source)
    known = population.loc[values.index]
    flow.append(count_step("label known", known))
    if values.nunique() < 2:
        raise DataError(
            f"task {task.name!r} has {shown_count(len(values))} ECGs and not both labels",
            file=source,
            column=task.label,
            fix=f"Check the steps, population and label of the task. {UNLABELLED}",
        )
    kept = [c for c in ("encounter_id", *COVARIATES) if c in known]
    table = known[["ecg_id", "patient_id", *kept]].assign(label=values)
    return Cohort(task, table.reset_index(drop=True), tuple(flow))


def known_labels(table: pd.DataFrame, task: Task, source: str) -> pd.Series:
    """The label, 0 or 1, of the rows where it is known, by the table's index.

    Raises:
        ConfigurationError: there is no label column.
        DataError: the label is not 0/1.
    """
    if task.label not in table:
        hint = did_you_mean(task.label, table.columns)
        raise ConfigurationError(
            f"task {task.name!r} needs the label {task.label!r}, but {source} has no such column; "
            f"{hint} {UNLABELLED}"
        )
    label = table[task.label].dropna()
    values = pd.to_numeric(label.astype(object), errors="coerce")
    if not values.isin([0, 1]).all():
        first = label.index[~values.isin([0, 1])][0]
        raise DataError(
            f"the label of task {task.name!r} has values other than 0 and 1",
            file=source,
            row=int(table["source_row"].loc[first]) if "source_row" in table else None,
            column=task.label,
            private=f"found {label.loc[first]!r}",
            fix="Code it as 0 and 1, empty where unknown",
        )
    return values.astype(int)


def select(joined: pd.DataFrame, query: str, task: Task) -> pd.DataFrame:
    """The rows for which a query of a task is true.

    Raises:
        ConfigurationError: the query cannot be evaluated.
    """
    words = f"task {task.name!r}: the query {query!r} cannot be evaluated"
    # pandas would look up Python variables (@) and call any method of a column.
    called = set(re.findall(r"\.\s*([A-Za-z_]\w*)", query))
    if "@" in query or "__" in query or not called <= METHODS:
        raise ConfigurationError(f"{words}: of methods it may use {', '.join(sorted(METHODS))}")
    try:
        found = joined.eval(query)
    except pd.errors.UndefinedVariableError as error:
        name = str(error).split("'")[1]
        raise ConfigurationError(
            f"{words}: there is no column {name!r}; {did_you_mean(name, joined.columns)}"
        ) from error
    except UNEVALUABLE as error:
        # The text of this error may contain patients' values.
        raise ConfigurationError(f"{words} ({type(error).__name__})") from error
    if not isinstance(found, pd.Series) or found.dtype not in (bool, "boolean"):
        raise ConfigurationError(f"{words}: it is neither true nor false for each ECG")
    return joined[found.fillna(False).astype(bool)]


def asked_for(task: Task, columns: Iterable[str]) -> set[str]:
    """The columns among `columns` that a task's label and queries name."""
    text = " ".join([task.label, task.population, *(step.keep for step in task.steps)])
    return {c for c in columns if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text)}


def count_step(name: str, table: pd.DataFrame) -> Step:
    """How many ECGs, patients and visits a table holds."""
    visits = int(table["encounter_id"].nunique()) if "encounter_id" in table else None
    return Step(name, len(table), int(table["patient_id"].nunique()), visits)

"""Tasks: versioned YAML files that define a cohort and its label."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from acsbench.files import digest_of
from acsbench.shipped import load_yaml

EVERYONE = "all"


class TaskStep(BaseModel):
    """A step of a task's flow.

    Args:
        name: who remains, in words.
        keep: pandas query for the rows to keep; rows where it is missing are excluded.
        exclusion: in older files, the query for the rows to exclude, from which `keep` is made.
            It keeps the task's digest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    keep: str
    exclusion: str | None = None

    @model_validator(mode="after")
    def _check_exclusion(self) -> TaskStep:
        if self.exclusion is not None and self.keep != _kept_by(self.exclusion):
            raise ValueError("exclusion is not for new files: write keep alone")
        return self


class Task(BaseModel):
    """A cohort and its label.

    Args:
        name: lower-case letters, digits, `-` and `_`.
        version: increases with each change of meaning.
        steps: applied in order to the joined table.
        population: pandas query for the rows to keep after the steps, or `all`.
        label: column of 0 and 1; ECGs with a missing label are excluded.
        unit: what one prediction is about.
        description: what the label is; every result repeats it.
        reference: whether the label is the patient's outcome or a reading of the same ECG.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    version: int
    steps: tuple[TaskStep, ...] = ()
    population: str = EVERYONE
    label: str
    unit: Literal["ecg", "encounter"]
    description: str
    reference: Literal["outcome", "reading"] = "outcome"

    @model_validator(mode="before")
    @classmethod
    def _read_exclusions(cls, fields: Any) -> Any:
        """Turn `exclusions` of older files, which name the rows to exclude, into steps."""
        if not isinstance(fields, dict) or "steps" in fields:
            return fields
        exclusions = fields.get("exclusions", {})
        if not isinstance(exclusions, dict):
            return fields
        steps = [
            {"name": name, "keep": _kept_by(query), "exclusion": query}
            for name, query in exclusions.items()
        ]
        return {k: v for k, v in fields.items() if k != "exclusions"} | {"steps": steps}

    @property
    def digest(self) -> str:
        """First twelve hex digits of the SHA-256 over all fields but `reference`.

        `reference` is newer than the first results and changes no label. Exclusions are hashed
        under their older name: a task of an older file, or of a folder prepared from one, keeps
        its digest.
        """
        fields = self.model_dump(exclude={"reference", "steps"})
        fields["exclusions"] = {s.name: s.exclusion for s in self.steps if s.exclusion is not None}
        steps = [s.model_dump(exclude={"exclusion"}) for s in self.steps if s.exclusion is None]
        return digest_of(fields | ({"steps": steps} if steps else {}))[:12]


def _kept_by(exclusion: object) -> str:
    """The query for the rows that an exclusion of an older file keeps, missing values included."""
    return f"({exclusion}).isna() or not ({exclusion})"


def load_task(name_or_path: str) -> Task:
    """A task by its name, or from the path of a YAML file.

    Raises:
        ConfigurationError: no task has that name.
        DataError: the file does not hold a task.
    """
    return load_yaml(name_or_path, "tasks", Task)

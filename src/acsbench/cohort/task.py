"""Tasks: versioned YAML files that say who counts and what is to be predicted."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from acsbench.files import digest_of
from acsbench.shipped import load_yaml

EVERYONE = "all"


class Task(BaseModel):
    """Who counts and what is to be predicted.

    `exclusions` are pandas queries over the joined table by the words for them, each a step of
    its own; `population` is another, for those who count, or `all`; `label` a column whose
    missing values leave an ECG out; `unit` what one prediction is about; `description` says what
    the label is and is repeated on every result; `reference` whether it is the patient's outcome
    or somebody's reading of the very ECG.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    version: int
    exclusions: dict[str, str] = {}
    population: str
    label: str
    unit: Literal["ecg", "encounter"]
    description: str
    reference: Literal["outcome", "reading"] = "outcome"

    @property
    def digest(self) -> str:
        """First twelve hex digits of the SHA-256 over all fields; every result carries it.

        All but `reference`, which changes no label and came after results were published.
        """
        return digest_of(self.model_dump(exclude={"reference"}))[:12]


def load_task(name_or_path: str) -> Task:
    """A task by its name, or from a YAML file of one's own.

    Raises:
        ConfigurationError: no task has that name.
        DataError: the file does not hold a task.
    """
    return load_yaml(name_or_path, "tasks", Task)

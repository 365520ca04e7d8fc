"""YAML files that come with acsbench, and the user's own in the same form."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from acsbench.errors import ConfigurationError, DataError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)


def shipped_names(folder: str) -> list[str]:
    """Names of the YAML files in a folder of the package."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in (resources.files("acsbench") / folder).iterdir()
        if entry.name.endswith(".yaml")
    )


def is_path(name_or_path: str) -> bool:
    """Whether it is the path of a file of one's own, not the name of one that is shipped."""
    return Path(name_or_path).suffix in (".yaml", ".yml")


def load_yaml(name_or_path: str, folder: str, model: type[Model]) -> Model:
    """A YAML file by the name it has in a folder of the package, or by its own path.

    Args:
        name_or_path: a name, or a path that ends in `.yaml` or `.yml`.
        folder: `tasks` or `recipes`.
        model: what the file must hold.

    Raises:
        ConfigurationError: there is none of that name.
        DataError: the file is missing or does not fit the model.
    """
    kind = model.__name__.lower()
    if is_path(name_or_path):
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                "the file cannot be read", file=name_or_path, fix="Mind the spelling of the path"
            ) from error
    elif name_or_path in shipped_names(folder):
        text = (resources.files("acsbench") / folder / f"{name_or_path}.yaml").read_text("utf-8")
    else:
        hint = did_you_mean(name_or_path, shipped_names(folder))
        raise ConfigurationError(
            f"no {kind} {name_or_path!r}; {hint} (one of your own is a path that ends in .yaml)"
        )
    try:
        return model.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError) as error:
        raise DataError(
            f"this is not a {kind} ({_in_short(error)})",
            file=name_or_path,
            fix=f"Give it the fields {', '.join(model.model_fields)}",
        ) from error


def _in_short(error: yaml.YAMLError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return str(error).splitlines()[0]

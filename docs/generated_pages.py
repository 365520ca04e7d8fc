"""Pages that mkdocs makes of the program itself: commands, models."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from inspect import unwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from acsbench.cli.main import ANYWHERE, app
from acsbench.models.registry import list_models, model_info


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages; called by mkdocs."""
    for name, lines in (("commands", commands_page()), ("models", models_page())):
        text = "\n".join(lines) + "\n"
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def commands_page() -> Iterator[str]:
    """Every command with its arguments and options, as `--help` tells them."""
    root: Any = typer.main.get_command(app)
    yield from ("# Commands", "")
    yield "What `acsbench COMMAND --help` tells, made of the program when this page was built."
    anywhere = ", ".join(f"`{name}`" for name in ANYWHERE)
    yield f"{anywhere} may stand before or after any command."
    yield from ("", *_parameters(root), "")
    for name, command in root.commands.items():
        yield from _command(command, f"acsbench {name}", level=2)


def models_page() -> Iterator[str]:
    """Every registered model."""
    yield from ("# Models", "")
    yield "What `acsbench models` lists and `acsbench models show MODEL` tells."
    for info in map(model_info, list_models()):
        size = "" if info.parameters is None else f", {info.parameters:,} parameters"
        yield from ("", f"## {info.name}", "")
        yield f"{info.summary[0].upper()}{info.summary[1:]}. Takes `{info.input}`{size}."
        yield from ("", f"{info.paper}. {info.licence}.")


def _command(command: Any, path: str, level: int) -> Iterator[str]:
    """A command, and those below it."""
    yield from (f"{'#' * level} {path}", "")
    arguments = [each.name.upper() for each in command.params if _is_argument(each)]
    yield from ("```text", " ".join([path, "[OPTIONS]", *arguments]), "```", "")
    yield from ((command.help or "").strip(), "", *_parameters(command), "")
    for name, below in getattr(command, "commands", {}).items():
        yield from _command(below, f"{path} {name}", level + 1)


def _parameters(command: Any) -> Iterator[str]:
    """A table of arguments and options."""
    kinds = get_type_hints(unwrap(command.callback)) if command.callback else {}
    rows = [
        _row(_names(each, kinds.get(each.name, str)), _default(each), _one_line(each.help or ""))
        for each in command.params
        if each.name != "help" and not each.hidden
    ]
    if rows:
        yield from ("| argument or option | default | |", "|---|---|---|", *rows)


def _is_argument(parameter: Any) -> bool:
    return not parameter.opts[0].startswith("-")


def _names(parameter: Any, kind: Any) -> str:
    if _is_argument(parameter):
        return f"`{parameter.name.upper()}`"
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return f"`{names}{'' if parameter.is_flag else ' ' + (parameter.metavar or _words(kind))}`"


def _words(kind: Any) -> str:
    """What an option's value may be, in words."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "/".join(str(each.value) for each in kind)
    if get_origin(kind) is Literal:
        return "/".join(map(str, get_args(kind)))
    inner = [each for each in get_args(kind) if each is not type(None)]
    if inner:
        return _words(inner[0])
    return {int: "INTEGER", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def _default(parameter: Any) -> str:
    value = getattr(parameter.default, "value", parameter.default)
    if parameter.required:
        return "required"
    if value is True:
        return f"`{parameter.opts[0]}`"
    return "" if value is None or value is False or value == () else f"`{value}`"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

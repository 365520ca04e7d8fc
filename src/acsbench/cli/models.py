"""`acsbench models`."""

from __future__ import annotations

from rich.table import Table

from acsbench.cli.console import out


def command() -> None:
    """List the models: what each takes, and where it comes from."""
    from acsbench.models.registry import list_models, model_info

    table = Table(box=None, header_style="bold")
    for column in ("model", "kind", "input", "what it is", "source", "licence"):
        table.add_column(column)
    for name in list_models():
        info = model_info(name)
        table.add_row(name, info.kind, info.input, info.summary, info.paper, info.licence)
    out.print(table)

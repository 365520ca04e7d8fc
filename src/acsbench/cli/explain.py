"""`acsbench explain`."""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
import typer

from acsbench.cli.console import progress_of, say
from acsbench.cli.predict import Split
from acsbench.errors import ConfigurationError
from acsbench.files import write_text, written_whole
from acsbench.runs import open_run
from acsbench.waveforms.prepared import open_prepared

if TYPE_CHECKING:
    from acsbench.training.explain import Explanation

EFFECTS, SUMMARY = "effects.csv", "explanations.csv"


class Kind(StrEnum):
    """File format of the pages."""

    PNG = "png"
    SVG = "svg"


def command(
    context: typer.Context,
    run: Annotated[list[Path], typer.Argument(help="Run folder of one network.")],
    data: Annotated[Path, typer.Option(help="Folder written by acsbench prepare.")],
    out: Annotated[Path, typer.Option(help="Folder for the pages and tables.")],
    ecg: Annotated[list[str] | None, typer.Option(help="Id of an ECG; repeat for several.")] = None,
    n: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of ECGs with the event, and of ECGs without, whose predicted risk is "
            "closest to the median of their group.",
        ),
    ] = None,
    split: Annotated[Split, typer.Option(help="Split of the ECGs, with --n.")] = Split.TEST,
    kind: Annotated[Kind, typer.Option("--format", help="File format of the pages.")] = Kind.PNG,
) -> None:
    """Draw which parts of which leads changed a network's prediction.

    The pages show waveforms of patients. File names, pages and tables only contain ids with
    --show-ids.
    """
    from acsbench.training.explain import explain, typical_ecgs

    if len(run) > 1:
        raise ConfigurationError(f"give one run, not {', '.join(map(str, run))}")
    if (not ecg) == (n is None):
        raise ConfigurationError("choose ECGs with --ecg ID, or with --n 3")
    if n is not None and split is Split.ALL:
        raise ConfigurationError("--n needs one split; choose another --split than all")
    show_ids = bool(context.find_root().params.get("show_ids"))
    opened, prepared = open_run(run[0]), open_prepared(data)
    ids = ecg or typical_ecgs(opened, prepared, split.value, n or 0)
    rows: list[tuple[str, Explanation]] = []
    effects: list[pd.DataFrame] = []
    with progress_of("ECGs") as progress:
        for found in explain(opened, prepared, ids, progress):
            before = sum(earlier.event == found.event for _, earlier in rows)
            name = _name(found, before + 1, show_ids)
            path = out / f"{name}.{kind.value}"
            page = _page(found, f"{opened.model}: {name}", path, prepared.simulated)
            with written_whole(path) as temporary:
                temporary.write_bytes(page)
            rows.append((name, found))
            long = found.by_part.melt(ignore_index=False, var_name="part", value_name="effect")
            effects.append(long.reset_index().assign(ecg=name))
            say(f"{path}: risk {found.probability:.2f}; {_control(found)}")
    _write_tables(out, rows, effects)


def _name(found: Explanation, number: int, show_ids: bool) -> str:
    kind = {True: "event", False: "no-event", None: "ecg"}[found.event]
    return f"{kind}-{found.ecg_id.replace('/', '_') if show_ids else number}"


def _control(found: Explanation) -> str:
    """Compare the map with that of fresh weights, in words."""
    from acsbench.ecg.effects import has_influence

    if not has_influence(found.effects):
        return "no influence found, averaged over beats"
    if not isfinite(found.control):
        return "fresh weights show no influence to compare with"
    return f"rank correlation with fresh weights {found.control:.2f}"


def _page(found: Explanation, title: str, path: Path, simulated: bool) -> bytes:
    from acsbench.ecg.effect_page import effect_page, signed
    from acsbench.ecg.effects import is_printed
    from acsbench.ecg.plot import page_bytes

    figure = effect_page(
        found.signal,
        found.effects,
        found.by_part,
        found.fs,
        printed=is_printed(found.rows),
        remarks=(
            f"Predicted risk {found.probability:.2f}; logit {signed(found.logit)}",
            f"Logit of a flat ECG {signed(found.flat_logit)}",
            f"Unexplained by the parts below {signed(found.unexplained)}",
            f"Rank correlation with the map of fresh weights {signed(found.control)}",
        ),
        title=title,
        note="Effects are averaged over beats, and smoothed",
        processing=found.processing,
        unit="mV" if found.unit == "mV" else "unit",
        simulated=simulated,
    )
    return page_bytes(figure, path)


def _write_tables(
    out: Path, rows: list[tuple[str, Explanation]], effects: list[pd.DataFrame]
) -> None:
    table = pd.DataFrame(
        [
            {
                "ecg": name,
                "event": "" if found.event is None else int(found.event),
                "probability": found.probability,
                "logit": found.logit,
                "flat_logit": found.flat_logit,
                "unexplained": found.unexplained,
                "correlation_with_fresh_weights": found.control,
            }
            for name, found in rows
        ]
    )
    write_text(out / SUMMARY, table.to_csv(index=False))
    columns = ["ecg", "lead", "part", "effect"]
    write_text(out / EFFECTS, pd.concat(effects)[columns].to_csv(index=False))
    say(f"{out / SUMMARY}, {out / EFFECTS}")

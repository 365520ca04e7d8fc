"""`acsbench view`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acsbench.cli.console import say
from acsbench.errors import ConfigurationError
from acsbench.files import written_whole


def _age(text: str) -> float:
    """An age as a person writes it."""
    import pandas as pd

    from acsbench.datasets.ages import AGE_FIX, read_ages
    from acsbench.datasets.schema import OLDEST

    age = float(read_ages(pd.Series([text])).iloc[0])
    if not 0 <= age <= OLDEST:
        raise typer.BadParameter(f"{text!r} is no age from 0 to {OLDEST:g}. {AGE_FIX}.")
    return age


def command(
    record: Annotated[
        Path,
        typer.Argument(
            help="A WFDB record, with or without .hea or .dat, or one file of "
            "Philips Sierra XML, GE MUSE XML, DICOM, HL7 aECG or SCP-ECG."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="PNG or SVG to write. [default: RECORD.png here]", show_default=False),
    ] = None,
    start: Annotated[float, typer.Option(min=0, help="Second at which the page begins.")] = 0.0,
    low: Annotated[float | None, typer.Option(help="Band-pass from this frequency, Hz.")] = None,
    high: Annotated[float | None, typer.Option(help="Band-pass up to this frequency, Hz.")] = None,
    gain: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            help="Counts per millivolt of a WFDB record, where its header states no gain or 0. "
            "A gain that it states is kept.",
            show_default=False,
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="Mark the waves, and write measurements and criteria beside."
        ),
    ] = False,
    age: Annotated[
        float | None,
        typer.Option(
            parser=_age,
            metavar="AGE",
            help="Years, or a class such as '>89'; limits of ST elevation depend on it.",
        ),
    ] = None,
    sex: Annotated[Literal["female", "male"] | None, typer.Option(help="As for --age.")] = None,
) -> None:
    """Draw one ECG as the clinical page: 25 mm/s, 10 mm/mV, true to scale on A4."""
    from acsbench.datasets.clinical_file import SUFFIXES
    from acsbench.datasets.recording_file import is_wfdb_record, read_recording_file
    from acsbench.datasets.wfdb_file import says_simulated
    from acsbench.datasets.wfdb_header import HEADER, SIGNAL_SUFFIXES
    from acsbench.ecg.measurements import measure_levels
    from acsbench.ecg.plot import page_bytes, plot_page

    if (low is None) != (high is None):
        raise ConfigurationError("--low and --high go together, such as --low 0.5 --high 40")
    files = (HEADER, *SIGNAL_SUFFIXES, *SUFFIXES)
    name = record.stem if record.suffix.lower() in files else record.name
    recording = read_recording_file(record, name, gain)
    path = out or Path(f"{name}.png")
    try:
        options: dict[str, Any] = {
            "title": name,
            "start": start,
            "heart_rate": float(measure_levels(recording)["heart_rate"].iloc[0]),
            "filter_band": None if low is None or high is None else (low, high),
            "simulated": is_wfdb_record(record) and says_simulated(record),
        }
        if measure:
            from acsbench.ecg.annotate import annotated_page

            figure = annotated_page(recording, age=age, sex=sex, **options)
        else:
            figure = plot_page(recording, **options)
        page = page_bytes(figure, path)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    with written_whole(path) as temporary:
        temporary.write_bytes(page)
    say(f"{path}")

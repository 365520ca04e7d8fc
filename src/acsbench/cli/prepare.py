"""`acsbench prepare`."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import progress_of, say
from acsbench.cohort.counts import ALL, flow_steps, part_counts, split_counts
from acsbench.cohort.split import parse_folds
from acsbench.datasets import list_readers, open_dataset, reader_info
from acsbench.ecg.quality import REASONS
from acsbench.errors import ConfigurationError
from acsbench.files import usable_cores
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import LEFT_OUT, Prepared
from acsbench.waveforms.profiles import PROFILES
from acsbench.waveforms.quality import QUALITY_REPORT, QualityChoice, count_faults

READERS = "; ".join(f"{name} ({reader_info(name).summary})" for name in list_readers())
PTBXL_FOLDS = "train=1-8,valid=9,test=10"


class OnError(StrEnum):
    """What to do with an ECG that cannot be used."""

    STOP = "stop"
    SKIP = "skip"


class SplitBy(StrEnum):
    """How patients are split."""

    FOLDS = "folds"
    PATIENTS = "patients"
    STUDY = "study"


def command(
    dataset: Annotated[str, typer.Argument(help=f"Reader: {READERS}.")],
    data: Annotated[Path, typer.Argument(help="The dataset's folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write; an interrupted run resumes there.")],
    task: Annotated[
        list[str] | None, typer.Option(help="Task name or YAML file; repeat for several.")
    ] = None,
    unlabelled: Annotated[
        bool,
        typer.Option(
            help="The ECGs are only to be predicted: no task, no split, and no table is needed."
        ),
    ] = False,
    split: Annotated[
        SplitBy | None,
        typer.Option(
            help="By the dataset's own folds, patients at random, or the study's 70/30. "
            "[default: folds if --folds is given or the dataset is ptbxl]",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[
        str | None, typer.Option(help=f"Folds of each split, such as {PTBXL_FOLDS}.")
    ] = None,
    verify_manifest: Annotated[
        Path | None, typer.Option(help="Split manifest that the split must agree with.")
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Preparation of the waveforms: {', '.join(PROFILES)}; NAME@HZ resamples it. "
            "Repeat for several; a later call adds more. [default: study-rows]",
            show_default=False,
        ),
    ] = None,
    signs: Annotated[
        bool,
        typer.Option(
            "--signs/--no-signs",
            help="Measure ST, T and heart rate as well, as tabular models need; it takes longer "
            "than all waveforms.",
        ),
    ] = True,
    on_error: Annotated[
        OnError,
        typer.Option(help="Stop at an ECG that cannot be used, or leave it out and list it."),
    ] = OnError.STOP,
    min_quality: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out ECGs of a lower quality, 0 to 1.")
    ] = 0.0,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Leave out ECGs with this fault: {', '.join(REASONS)}; repeat for several."
        ),
    ] = None,
    quality_examples: Annotated[
        int,
        typer.Option(
            min=0,
            help="ECGs of each fault to draw in the quality report; these are patients' waveforms.",
        ),
    ] = 0,
    show_small_cells: Annotated[
        bool, typer.Option(help="Show counts from 1 to 10, which may point to a person.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the random split.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. [default: the cores]", show_default=False)
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask scheduler, such as tcp://host:8786, whose workers do it instead; they must "
            "see the same files.",
        ),
    ] = None,
) -> None:
    """Read a dataset, define its tasks, split its patients and store waveforms to train on."""
    if unlabelled and (task or split or folds or verify_manifest):
        raise ConfigurationError("--unlabelled goes without task, split, folds and manifest")
    if unlabelled:
        split = SplitBy.PATIENTS
    if split is None:
        split = SplitBy.FOLDS if folds or dataset == "ptbxl" else SplitBy.PATIENTS
    if split is not SplitBy.FOLDS and folds:
        raise ConfigurationError("--folds goes with --split folds")
    if split is SplitBy.FOLDS and folds is None and dataset == "ptbxl":
        folds = PTBXL_FOLDS
    if split is SplitBy.FOLDS and folds is None:
        raise ConfigurationError(f"--split folds needs --folds, such as --folds {PTBXL_FOLDS}")
    opened = open_dataset(dataset, data, labelled=not unlabelled)
    with progress_of("ECGs") as progress:
        prepared = prepare(
            opened,
            out,
            tasks=task or (),
            profiles=["study-rows"] if profile is None else profile,
            signs=signs,
            split=split.value,
            folds=parse_folds(folds) if folds else None,
            seed=seed,
            manifest=verify_manifest,
            quality=QualityChoice(min_quality, tuple(leave_out or ())),
            quality_examples=quality_examples,
            show_small_cells=show_small_cells,
            skip_faulty=on_error is OnError.SKIP,
            workers=workers or usable_cores(),
            dask=dask,
            progress=progress,
        )
    summarise(prepared, show_small_cells)


def summarise(prepared: Prepared, show_small_cells: bool = False) -> None:
    """Print what was read, what was left out and why, and what each split holds."""
    show_small_cells = show_small_cells or prepared.simulated
    simulated = " (simulated)" if prepared.simulated else ""
    say(f"{prepared.meta['dataset']}{simulated} -> {prepared.path}")
    for note in prepared.meta["notes"]:
        say(f"  note: {note}")
    reasons = Counter(prepared.meta["left_out"])
    if reasons:
        shown = part_counts(dict(reasons.most_common()), show_small_cells)
        say(f"  left out: {shown.pop(ALL)} rows, listed in {prepared.path / LEFT_OUT}")
        for reason, count in shown.items():
            say(f"    {count:>9}  {reason}")
    index = prepared.quality()
    counts = count_faults(index, show_small_cells)
    found = ", ".join(f"{reason} {counts[reason]}" for reason in REASONS if counts[reason] != "0")
    say(
        f"  quality: {found or 'no fault found'} of {len(index):,} ECGs; {QUALITY_REPORT} says more"
    )
    say(f"  waveforms: {', '.join(prepared.meta['profiles'])}")
    if not prepared.tasks:
        say("  no labels: acsbench predict RUN --data FOLDER predicts all of them")
    for name in prepared.tasks:
        task, table = prepared.task(name), prepared.table(prepared.task(name))
        say(f"  task {task.name} v{task.version} [{task.digest}]{simulated}")
        for step in flow_steps(prepared.flow(task), table, show_small_cells):
            say(f"    {step.ecgs:>7} ECGs of {step.patients} patients: {step.name}")
        for split, part in split_counts(table, show_small_cells).iterrows():
            say(
                f"    {split:>10}: {part['ECGs']} ECGs of {part['patients']} patients, "
                f"{part['events']} events"
            )

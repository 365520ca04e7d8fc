"""Recordings to a store: in parallel, shard by shard, resumable.

One worker makes one shard at a time: it reads the recordings, prepares and measures them,
and writes the shard's three files under temporary names before it renames them, the `.json`
last. A shard whose `.json` tells of the same recordings and the same preparation is finished;
an interrupted run makes the others.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench import __version__
from acsbench.datasets import Rejected
from acsbench.datasets.dataset import ReadRecording
from acsbench.ecg.measurements import measure
from acsbench.ecg.printed import PrintedPage, recording_from_print
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError, DataError, DataErrors
from acsbench.files import digest_of, remove_partial, sha256, write_json, written_whole
from acsbench.waveforms.profiles import Profile, get_profile, standardise
from acsbench.waveforms.store import INDEX, SCHEMA_VERSION, STORE

SHARD_ECGS = 256
SIGNS = "measurements.parquet"
INPUTS = "inputs.json"
MEASURED = ("st60", "t_amplitude")
"""Per-lead measurements that go into the table of signs, as `st60_V2` and so on, mV."""

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)
COPY = "Copy the recording again from its source, or leave it out with --on-error skip"
INDEX_COLUMNS = ["ecg_id", "shard", "row", "quality"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Source:
    """One recording to process: where it lies, and the table's line that names it.

    One that no task wants is read all the same, so that one run tells every faulty file, but
    not stored.
    """

    ecg_id: str
    path: Path
    table: str
    row: int
    column: str
    wanted: bool = True


@dataclass(frozen=True)
class Work:
    """One shard's worth of recordings."""

    number: int
    sources: tuple[Source, ...]
    folder: Path
    plan: dict[str, Any]
    read: ReadRecording

    def file(self, suffix: str) -> Path:
        """The shard's file of that kind."""
        return self.folder / f"shard-{self.number:05d}{suffix}"

    def digest(self) -> str:
        """Digest of what the shard depends on: preparation, recordings, state of their files."""
        recordings = [
            (source.ecg_id, source.wanted, str(source.path), _state(source.path))
            for source in self.sources
        ]
        preparation = {k: v for k, v in self.plan.items() if k not in ("input_hash", "ecgs")}
        return digest_of([preparation, recordings])

    def finished(self) -> bool:
        """Whether an earlier run made this very shard."""
        try:
            made: str = json.loads(self.file(".json").read_text(encoding="utf-8"))["digest"]
        except FileNotFoundError:
            return False
        return made == self.digest()


def process(
    sources: Sequence[Source],
    read: ReadRecording,
    folder: Path,
    profile: Profile,
    *,
    input_hash: str,
    known_faults: Sequence[DataError] = (),
    skip_faulty: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Rejected]:
    """Write a store and the table of measured signs; resume where an earlier run stopped.

    Args:
        sources: the recordings, in the order of the index.
        read: reads one recording.
        folder: the store's folder.
        profile: what is made of each recording.
        input_hash: hash of the input, kept in the store.
        known_faults: what is wrong with the tables, told together with faulty recordings.
        skip_faulty: leave out recordings that cannot be read, instead of stopping.
        workers: processes.
        progress: called with the number of ECGs done and of all.

    Returns:
        The recordings left out.

    Raises:
        DataErrors: something is faulty, and `skip_faulty` is false; all of it is told at once,
            and the shards without faults are kept.
        ConfigurationError: the folder holds the finished store of another preparation.
    """
    plan = {
        "version": __version__,
        "profile": profile.name,
        "parameters": profile.parameters,
        "skip_faulty": skip_faulty,
        "shard_ecgs": SHARD_ECGS,
        "input_hash": input_hash,
        "ecgs": digest_of([(source.ecg_id, source.wanted) for source in sources]),
    }
    if not _is_finished(folder, plan, sources):
        folder.mkdir(parents=True, exist_ok=True)
        remove_partial(folder)
        firsts = range(0, len(sources), SHARD_ECGS)
        work = [
            Work(number, tuple(sources[first : first + SHARD_ECGS]), folder, plan, read)
            for number, first in enumerate(firsts)
        ]
        waiting = [item for item in work if not item.finished()]
        done = len(sources) - sum(len(item.sources) for item in waiting)
        faults = [] if skip_faulty else list(known_faults)
        for made, found in _make_shards(waiting, workers):
            faults += found
            done += len(made.sources)
            if progress is not None:
                progress(done, len(sources))
        if faults:
            raise DataErrors(sorted(faults, key=lambda fault: fault.row or 0))
        write_json(folder / INPUTS, _inputs(sources))
        _finish(work, folder, profile, plan)
    shards = json.loads((folder / STORE).read_text(encoding="utf-8"))["shards"]
    return [
        Rejected(item["ecg_id"], DataError(**item["error"]))
        for shard in shards
        for item in shard["rejected"]
    ]


def measured_signs(ecg: Recording | PrintedPage) -> dict[str, float]:
    """ST60 and T amplitude of each lead, mV, and heart rate, per minute, in one flat row.

    On a printed page, the leads are measured as far as they were printed.
    """
    table = measure(recording_from_print(ecg) if isinstance(ecg, PrintedPage) else ecg)
    signs = {
        f"{name}_{lead}": float(value)
        for name in MEASURED
        for lead, value in zip(table["lead"], table[name], strict=True)
    }
    return signs | {"heart_rate": float(table["heart_rate"].iloc[0])}


def _quality(ecg: Recording | PrintedPage) -> float:
    """Share of valid samples among those that the recording or the page should hold."""
    if isinstance(ecg, PrintedPage):
        return ecg.completeness
    return float(np.isfinite(ecg.signal).mean())


def _is_finished(folder: Path, plan: dict[str, Any], sources: Sequence[Source]) -> bool:
    """Whether the folder holds the finished store of this plan; another one is not touched."""
    if not (folder / STORE).is_file():
        return False
    earlier = json.loads((folder / STORE).read_text(encoding="utf-8")).get("plan", {})
    changed = [key for key in plan if earlier.get(key) != plan[key]]
    # Times differ between copies of a dataset, so they stay out of the store itself.
    inputs = folder / INPUTS
    if inputs.is_file() and json.loads(inputs.read_text(encoding="utf-8")) != _inputs(sources):
        changed.append("files")
    if changed:
        raise ConfigurationError(
            f"{folder} holds waveforms of another preparation ({', '.join(changed)} differ); "
            "remove it or choose another --out"
        )
    return True


def _inputs(sources: Sequence[Source]) -> dict[str, str]:
    return {"files": digest_of([_state(source.path) for source in sources])}


def _state(record: Path) -> list[int]:
    """Sizes and times of the files of a recording, -1 where there is none."""
    states: list[int] = []
    for suffix in ("", ".hea", ".dat"):
        try:
            status = record.with_name(record.name + suffix).stat()
            states += [status.st_size, status.st_mtime_ns]
        except OSError:
            states.append(-1)
    return states


def _make_shards(waiting: Sequence[Work], workers: int) -> Iterator[tuple[Work, list[DataError]]]:
    if workers <= 1 or len(waiting) <= 1:
        for item in waiting:
            yield item, _make_shard(item)
        return
    # A fork of a process with threads (progress bar, BLAS) may hang: start afresh.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(waiting)), mp_context=context) as pool:
        futures = {pool.submit(_make_shard, item): item for item in waiting}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make_shard(work: Work) -> list[DataError]:
    """Write a shard; or, if recordings are faulty and not to be skipped, say so and write none."""
    profile, digest = get_profile(work.plan["profile"]), work.digest()
    arrays: list[NDArray[np.int16]] = []
    rows: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    for source in work.sources:
        try:
            recording = standardise(work.read(source.path, source.ecg_id))
        except DataError as error:
            rejected.append(Rejected(source.ecg_id, _located(error, source)))
            continue
        except UNREADABLE as error:
            # What a reader did not foresee must not keep the other recordings from being used.
            told = DataError(f"the recording cannot be read ({type(error).__name__})", fix=COPY)
            rejected.append(Rejected(source.ecg_id, _located(told, source)))
            continue
        if not source.wanted:
            continue
        arrays.append(_to_integers(profile.prepare(recording), profile))
        place = {"shard": work.number, "row": len(rows), "quality": _quality(recording)}
        rows.append({"ecg_id": source.ecg_id} | place | measured_signs(recording))
    if rejected and not work.plan["skip_faulty"]:
        return [item.error for item in rejected]

    with written_whole(work.file(".npy")) as path, path.open("wb") as file:
        shape = (len(arrays), len(profile.rows), profile.samples)
        np.save(file, np.array(arrays, dtype=np.int16).reshape(shape))
    with written_whole(work.file(".parquet")) as path:
        pd.DataFrame(rows).to_parquet(path, index=False)
    write_json(
        work.file(".json"),
        {
            "name": work.file(".npy").name,
            "rows": len(arrays),
            "digest": digest,
            "sha256": sha256(work.file(".npy")),
            "rejected": [_as_json(item) for item in rejected],
        },
    )
    return []


def _located(error: DataError, source: Source) -> DataError:
    """The same error, told by the table's line instead of the record's name."""
    private = f"ecg_id {source.ecg_id!r}, record {source.path}"
    return DataError(
        error.problem,
        file=source.table,
        row=source.row,
        column=source.column,
        private=private,
        fix=error.fix,
    )


def _to_integers(values: NDArray[np.float64], profile: Profile) -> NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    return np.round(values / profile.scale).clip(limits.min, limits.max).astype(np.int16)


def _as_json(item: Rejected) -> dict[str, Any]:
    error = item.error
    fields = ("problem", "fix", "file", "row", "column", "private")
    return {"ecg_id": item.ecg_id, "error": {name: getattr(error, name) for name in fields}}


def _finish(work: Iterable[Work], folder: Path, profile: Profile, plan: dict[str, Any]) -> None:
    """Join the shards' indices and say in `store.json` that the store is complete."""
    work = list(work)
    shards = [json.loads(item.file(".json").read_text(encoding="utf-8")) for item in work]
    pieces = [pd.read_parquet(item.file(".parquet")) for item in work]
    table = pd.concat([piece for piece in pieces if len(piece)] or pieces[:1], ignore_index=True)
    if table.empty:
        raise DataError(
            "not one recording could be read",
            file=folder,
            fix="See the reasons with --on-error stop",
        )
    with written_whole(folder / INDEX) as path:
        table[INDEX_COLUMNS].to_parquet(path, index=False)
    with written_whole(folder / SIGNS) as path:
        table.drop(columns=INDEX_COLUMNS[1:]).to_parquet(path, index=False)
    write_json(
        folder / STORE,
        {
            "schema_version": SCHEMA_VERSION,
            "version": __version__,
            "shape": [len(profile.rows), profile.samples],
            "fs": profile.fs,
            "leads": list(profile.rows),
            "unit": profile.unit,
            "scale": profile.scale,
            "processing": {"profile": profile.name, **profile.parameters},
            "input_hash": plan["input_hash"],
            "plan": plan,
            "shards": shards,
        },
    )
    for item in work:
        item.file(".parquet").unlink(missing_ok=True)
        item.file(".json").unlink(missing_ok=True)

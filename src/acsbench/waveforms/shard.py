"""A shard of recordings: read once, and prepared for every profile and for the signs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets import Rejected
from acsbench.datasets.dataset import ReadRecording
from acsbench.ecg.printed import PrintedPage
from acsbench.ecg.quality import assess_quality, overview
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError
from acsbench.files import digest_of, sha256, write_json, written_whole
from acsbench.waveforms.profiles import Profile, get_profile
from acsbench.waveforms.signs_table import SIGNS, measured_signs
from acsbench.waveforms.standard import StandardEcgs, measured, standardise

BATCH = 16
"""ECGs that are prepared together; they fit the processor's cache."""

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)
COPY = "Copy the recording again from its source, or skip it with --on-error skip"


@dataclass(frozen=True)
class Source:
    """A recording to process: its path, and the line of the table that names it.

    Recordings that no task needs are read but not stored, so that one run reports every faulty
    file.
    """

    ecg_id: str
    path: Path
    table: str
    row: int
    column: str
    wanted: bool = True

    def state(self) -> list[int]:
        """Sizes and times of the recording's files, -1 for each missing file."""
        states: list[int] = []
        for suffix in ("", ".hea", ".dat"):
            try:
                status = os.stat(f"{self.path}{suffix}")  # noqa: PTH116 - a Path takes far longer
                states += [status.st_size, status.st_mtime_ns]
            except OSError:
                states.append(-1)
        return states


@dataclass(frozen=True)
class Product:
    """What is made of every recording: the store of a profile, or the table of signs.

    Args:
        name: of the profile, or `signs`.
        folder: of its shards.
        plan: everything that it depends on.
    """

    name: str
    folder: Path
    plan: dict[str, Any]

    def file(self, shard: int, suffix: str) -> Path:
        """The file of a shard with a suffix."""
        return self.folder / f"shard-{shard:05d}{suffix}"

    def digest(self, inputs: str) -> str:
        """Digest of what a shard depends on: the preparation and the recordings."""
        made = {key: value for key, value in self.plan.items() if key not in ("input_hash", "ecgs")}
        return digest_of([made, inputs])

    def holds(self, shard: int, inputs: str) -> bool:
        """Whether an earlier run made this shard from the same inputs."""
        try:
            made = json.loads(self.file(shard, ".json").read_text(encoding="utf-8"))
            return bool(made["digest"] == self.digest(inputs))
        except (OSError, ValueError, LookupError, TypeError):
            return False


@dataclass(frozen=True)
class Work:
    """A shard to make.

    Args:
        shard: its number.
        sources: its recordings.
        inputs: digest of the recordings and of the state of their files.
        products: what to make of them.
        read: reads one recording.
        skip_faulty: write the shard without unreadable recordings.
    """

    shard: int
    sources: tuple[Source, ...]
    inputs: str
    products: tuple[Product, ...]
    read: ReadRecording
    skip_faulty: bool


def make_shard(work: Work) -> list[DataError]:
    """Write a shard of each product, the `.json` last.

    Returns:
        Errors of faulty recordings, unless they are skipped; then no shard is written.
    """
    parts = [
        _Signs()
        if product.name == SIGNS
        else _Waveforms(get_profile(product.name), len(work.sources))
        for product in work.products
    ]
    rejected: list[Rejected] = []
    stored = 0
    for first in range(0, len(work.sources), BATCH):
        read = list(_read(work, work.sources[first : first + BATCH], rejected))
        if not read:
            continue
        ecgs = StandardEcgs([ecg for _, ecg in read])
        judged = assess_quality([overview(ecg) for ecg in ecgs.ecgs])
        index = [
            {
                "ecg_id": source.ecg_id,
                "shard": work.shard,
                "row": stored + number,
                "quality": quality.score,
                "reasons": quality.reasons,
            }
            for number, ((source, _), quality) in enumerate(zip(read, judged, strict=True))
        ]
        stored += len(index)
        for part in parts:
            part.add(ecgs, index)
    if rejected and not work.skip_faulty:
        return [item.error for item in rejected]

    entries = [_as_json(item) for item in rejected]
    for product, part in zip(work.products, parts, strict=True):
        files = part.write(product, work.shard)
        with written_whole(product.file(work.shard, ".parquet")) as path:
            pd.DataFrame(part.table).to_parquet(path, index=False)
        made = {"rows": stored, "files": files, "rejected": entries}
        write_json(
            product.file(work.shard, ".json"), made | {"digest": product.digest(work.inputs)}
        )
    return []


class _Waveforms:
    """The growing shard of a store."""

    def __init__(self, profile: Profile, most: int):
        self.profile = profile
        shape = (most, len(profile.rows))
        self.integers = np.empty((*shape, profile.samples), dtype=np.int16)
        self.masks = np.empty((*shape, -(-profile.samples // 8)), dtype=np.uint8)
        self.table: list[dict[str, Any]] = []

    def add(self, ecgs: StandardEcgs, index: list[dict[str, Any]]) -> None:
        """Prepare ECGs, all at once."""
        values = self.profile.prepare(ecgs)
        rows = slice(len(self.table), len(self.table) + len(index))
        self.table += index
        known = np.isfinite(values)
        if self.profile.masked:
            self.masks[rows] = np.packbits(known, axis=-1)
        if not known.all():
            values = np.where(known, values, 0)
        for value, integers in zip(values, self.integers[rows], strict=True):
            integers[:] = to_integers(value, self.profile.scale)

    def write(self, product: Product, shard: int) -> dict[str, str]:
        """Write the arrays; their names and digests."""
        arrays: dict[str, NDArray[Any]] = {".npy": self.integers}
        if self.profile.masked:
            arrays[".valid.npy"] = self.masks
        digests = {}
        for suffix, array in arrays.items():
            file = product.file(shard, suffix)
            with written_whole(file) as path, path.open("wb") as stream:
                np.save(stream, array[: len(self.table)])
            digests[file.name] = sha256(file)
        return digests


class _Signs:
    """The growing shard of the table of signs."""

    def __init__(self) -> None:
        self.table: list[dict[str, Any]] = []

    def add(self, ecgs: StandardEcgs, index: list[dict[str, Any]]) -> None:
        """Measure ECGs."""
        self.table += [
            {"ecg_id": entry["ecg_id"]} | measured_signs(measured(ecg))
            for entry, ecg in zip(index, ecgs.ecgs, strict=True)
        ]

    def write(self, product: Product, shard: int) -> dict[str, str]:
        """The table holds everything: no arrays to write."""
        return {}


def to_integers(values: NDArray[np.floating], scale: float) -> NDArray[np.int16]:
    """Values in units of `scale`, as a store keeps them."""
    limits = np.iinfo(np.int16)
    scaled = np.multiply(values, 1 / scale)
    np.rint(scaled, out=scaled)
    return scaled.clip(limits.min, limits.max, out=scaled).astype(np.int16)


def _read(
    work: Work, sources: Sequence[Source], rejected: list[Rejected]
) -> Iterator[tuple[Source, Recording | PrintedPage]]:
    """The wanted recordings; unusable ones are appended to `rejected`."""
    for source in sources:
        try:
            ecg = standardise(work.read(source.path, source.ecg_id))
        except DataError as error:
            rejected.append(Rejected(source.ecg_id, _located(error, source)))
            continue
        except UNREADABLE:
            # An error that the reader did not expect must not stop the other recordings.
            damaged = DataError("the recording is damaged or violates its format", fix=COPY)
            rejected.append(Rejected(source.ecg_id, _located(damaged, source)))
            continue
        if source.wanted:
            yield source, ecg


def _located(error: DataError, source: Source) -> DataError:
    """The same error at the table's line; the record's path is private."""
    private = f"ecg_id {source.ecg_id!r}, record {source.path}"
    return DataError(
        error.problem,
        file=source.table,
        row=source.row,
        column=source.column,
        private=private,
        fix=error.fix,
    )


def _as_json(item: Rejected) -> dict[str, Any]:
    error = item.error
    fields = ("problem", "fix", "file", "row", "column", "private")
    return {"ecg_id": item.ecg_id, "error": {name: getattr(error, name) for name in fields}}

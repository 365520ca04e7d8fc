"""A simulated twin of the ed-bwh-ecg dataset, in the layout of its files."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from threadpoolctl import threadpool_limits

from acsbench.datasets.simulated.ecgs import Ecgs
from acsbench.datasets.simulated.prints import STRIP_SHAPE, Page, digitised_page
from acsbench.datasets.simulated.roster import Kind
from acsbench.datasets.simulated.simulate import simulate_recording
from acsbench.datasets.simulated.sizes import sizes_of_holdout, sizes_of_twin
from acsbench.datasets.simulated.tables import Population, draw_population
from acsbench.errors import ConfigurationError
from acsbench.files import folder_written_whole, require_empty

Progress = Callable[[int, int], None]

DATASET = Path("ed-bwh-ecg") / "v1"
HOLDOUT, HOLDOUT_LABELS = Path("holdout"), Path("holdout-labels")
WAVEFORMS = "ecg-waveforms-npz"
STRIPS = "ecg-waveform.npy"
NAME = "ed-bwh-ecg (simulated twin)"
DESCRIPTION = (
    "Simulated people, visits and ECGs in the layout of ed-bwh-ecg (doi 10.48815/N5CC7R). No "
    "patient was involved. Sizes, rates and how hard the disease is to see were tuned to "
    "published figures; what a model reaches here says nothing about patients."
)
LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"

WRITTEN = 946_684_800
"""Seconds since 1970 that every file is dated: the first of January 2000."""

_CHUNK = 32
"""ECGs that a worker simulates at a time."""
# Streams of chance of an ECG, apart from those of the tables (`tables.draw_population`).
_WAVEFORM, _ROWS = 1000, 1001
_MAIN, _HELD_OUT = range(2)


def simulate_twin(
    folder: Path,
    *,
    ecgs: int,
    seed: int,
    tested_share: float | None = None,
    tables_only: bool = False,
    holdout_share: float = 0.0,
    workers: int = 1,
    progress: Progress | None = None,
) -> None:
    """Simulate people, their visits and ECGs, and write them as ed-bwh-ecg has them.

    Below `folder`: `ed-bwh-ecg/v1/` with the tables, `ecg-waveform.npy` (V1, II, V5 at 100 Hz)
    and `ecg-waveforms-npz/<aa>/<id>.npz`; with a holdout, `holdout/` with waveforms alone and
    `holdout-labels/labels.csv` (`ecg_id, patient_id, acs, mace`), as an organiser would keep
    them. `dataset.yaml` says in each place that it is simulated. The `.h5` copy of the strips is
    not written. The folder appears whole or not at all; equal arguments give equal bytes,
    whatever `workers` is.

    Args:
        folder: where to; it must not exist, or be empty.
        ecgs: number of ECGs, those of the holdout included.
        seed: fixes everything.
        tested_share: share of the ECGs outside the holdout that belong to an included visit with
            catheterisation within 10 days; the other ECGs keep their published proportions. None
            is the published share, 3.5 % of all or 5 % of those that are left after the
            exclusions.
        tables_only: leave out the waveforms; the tables are the same.
        holdout_share: share of the ECGs that go to the holdout, with patients of their own.
        workers: processes.
        progress: called with the number of ECGs done and their total.

    Raises:
        ConfigurationError: the folder is not empty, or is a file; a number is out of range.
    """
    _check(ecgs, seed, tested_share, holdout_share, workers)
    held_out = round(ecgs * holdout_share)
    if held_out == ecgs:
        raise ConfigurationError("the holdout takes all ECGs: ask for more, or a smaller share")
    require_empty(folder)
    with folder_written_whole(folder) as partial:
        main = draw_population(sizes_of_twin(ecgs - held_out, tested_share), seed, _MAIN)
        parts = [_Part(partial / DATASET, main, offset=0)]
        rows = np.random.default_rng([seed, _ROWS]).permutation(len(main.ecg_ids))
        _write_tables(partial / DATASET, main, rows)
        _describe(partial)
        if held_out:
            taken = frozenset(main.patient_ids) | frozenset(main.ecg_ids)
            holdout = draw_population(
                sizes_of_holdout(held_out, tested_share), seed, _HELD_OUT, taken
            )
            parts.append(_Part(partial / HOLDOUT, holdout, offset=len(main.ecg_ids)))
            _write_labels(partial / HOLDOUT_LABELS, holdout)
        for part in parts:
            _describe(part.folder)
        if not tables_only:
            _write_waveforms(parts, partial / DATASET / STRIPS, rows, seed, workers, progress)
        _forget_times(partial)


def _forget_times(folder: Path) -> None:
    """Give all files the same time: their order would reveal who was tested."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (WRITTEN, WRITTEN))


def _check(
    ecgs: int, seed: int, tested_share: float | None, holdout_share: float, workers: int
) -> None:
    if ecgs < 1 or seed < 0 or workers < 1:
        raise ConfigurationError(
            f"{ecgs} ECGs with seed {seed} and {workers} workers: ask for at least one ECG and "
            "one worker, and no negative seed"
        )
    if tested_share is not None and not 0 <= tested_share <= 1:
        raise ConfigurationError(f"tested share {tested_share}: a share lies between 0 and 1")
    if not 0 <= holdout_share < 1:
        raise ConfigurationError(
            f"holdout share {holdout_share}: a share lies between 0 and 1, and some must be left"
        )


def _write_tables(folder: Path, population: Population, rows: np.ndarray) -> None:
    folder.mkdir(parents=True)
    # Sorted by random ids, no table reveals the order of the draws.
    index = pd.DataFrame({"ecg_id": population.ecg_ids, "npy_index": rows})
    for name, table, key in (
        ("patient", population.patient, "patient_ngsci_id"),
        ("ed-encounter", population.encounter, "ed_enc_id"),
        ("ecg-metadata", population.ecg, "ecg_id"),
        ("ecg-ed-enc", population.ecg_encounter, "ecg_id"),
        ("ecg-npy-index", index, "ecg_id"),
    ):
        table.sort_values(key).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def _write_labels(folder: Path, population: Population) -> None:
    """Labels of a holdout: ACS of the tested, MACE of the others."""
    roster = population.roster
    visit = roster.ecg_visit
    tested = roster.visit_kind[visit] == Kind.TESTED
    table = pd.DataFrame(
        {
            "ecg_id": population.ecg_ids,
            "patient_id": np.array(population.patient_ids, dtype=object)[roster.ecg_patient],
            "acs": pd.Series(population.course.treated[visit], dtype="Int64").mask(~tested),
            "mace": pd.Series(population.course.mace[visit], dtype="Int64").mask(tested),
        }
    )
    folder.mkdir()
    table.sort_values("ecg_id").to_csv(folder / "labels.csv", index=False, lineterminator="\n")


def _describe(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "name": NAME,
        "simulated": True,
        "description": DESCRIPTION,
        "licence": LICENCE,
    }
    (folder / "dataset.yaml").write_text(
        yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """A folder of waveforms.

    Args:
        folder: the waveforms go to a folder in it.
        population: whose they are.
        offset: number of the first ECG, counted over all parts.
    """

    folder: Path
    population: Population
    offset: int

    def chunks(self, seed: int) -> Iterator[_Chunk]:
        """What there is to simulate, in pieces."""
        ids = self.population.ecg_ids
        for first in range(0, len(ids), _CHUNK):
            rows = np.arange(first, min(first + _CHUNK, len(ids)))
            yield _Chunk(
                self.folder / WAVEFORMS,
                [ids[row] for row in rows],
                self.population.ecgs.of(rows),
                self.offset + first,
                seed,
            )


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Some ECGs for a worker: ids, parameters, number of the first."""

    folder: Path
    ids: list[str]
    ecgs: Ecgs
    first: int
    seed: int


def _write_waveforms(
    parts: list[_Part],
    strips_file: Path,
    rows: np.ndarray,
    seed: int,
    workers: int,
    progress: Progress | None,
) -> None:
    for part in parts:
        for name in sorted({_below(ecg_id).parent for ecg_id in part.population.ecg_ids}):
            (part.folder / WAVEFORMS / name).mkdir(parents=True, exist_ok=True)
    strips = np.lib.format.open_memmap(
        strips_file, mode="w+", dtype=np.float32, shape=(len(rows), *STRIP_SHAPE)
    )
    total = sum(len(part.population.ecg_ids) for part in parts)
    chunks = chain.from_iterable(part.chunks(seed) for part in parts)
    done = 0
    for first, smooth in _simulated(chunks, workers):
        # Strips belong to the tables: a holdout has none.
        if first < len(rows):
            strips[rows[first : first + len(smooth)]] = smooth
        done += len(smooth)
        if progress is not None:
            progress(done, total)
    strips.flush()


def _simulated(chunks: Iterator[_Chunk], workers: int) -> Iterator[tuple[int, Page]]:
    if workers == 1:
        yield from map(_on_one_thread, chunks)
        return
    # Fork copies locks that threads of the parent may hold; spawn starts afresh.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_on_one_thread, chunks)


def _on_one_thread(chunk: _Chunk) -> tuple[int, Page]:
    # How a product is divided among threads changes its last bit.
    with threadpool_limits(1, user_api="blas"):
        return _simulate(chunk)


def _simulate(chunk: _Chunk) -> tuple[int, Page]:
    """Simulate and write some ECGs; returns the first's number and their smoothed strips."""
    strips = np.empty((len(chunk.ids), *STRIP_SHAPE), dtype=np.float32)
    for row, ecg_id in enumerate(chunk.ids):
        rng = np.random.default_rng([chunk.seed, _WAVEFORM, chunk.first + row])
        parameters = chunk.ecgs.parameters(row, ecg_id, rng)
        page, strips[row] = digitised_page(simulate_recording(parameters, rng), rng)
        write_npz(chunk.folder / _below(ecg_id), page)
    return chunk.first, strips


def _below(ecg_id: str) -> Path:
    """Where an ECG lies below the folder of waveforms."""
    name = ecg_id.removeprefix("ecg")
    return Path(name[:2]) / f"{name}.npz"


def write_npz(path: Path, page: Page) -> None:
    """Write one array as `numpy.savez_compressed` does, faster and with a fixed time.

    Args:
        path: the file.
        page: the array.
    """
    array = io.BytesIO()
    np.lib.format.write_array(array, page, allow_pickle=False)
    # A ZipInfo by itself is dated 1980: equal arrays give equal bytes.
    member = zipfile.ZipInfo("arr_0.npy")
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, array.getvalue(), compresslevel=1)

"""From recordings to stores and signs: in parallel, shard by shard, resumable.

One pass over the recordings makes all profiles and signs. Finished shards are kept: a shard is
finished if its `.json` states the same recordings and the same preparation.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench import __version__
from acsbench.datasets import Rejected
from acsbench.datasets.dataset import ReadRecording
from acsbench.errors import ConfigurationError, DataError, DataErrors
from acsbench.files import digest_of, remove_partial, write_json, written_whole
from acsbench.waveforms.profiles import get_profile
from acsbench.waveforms.shard import Product, Source, Work, make_shard
from acsbench.waveforms.signs_table import CONTENT, SIGNS, SIGNS_TABLE
from acsbench.waveforms.store import (
    INDEX,
    INDEX_COLUMNS,
    SCHEMA_VERSION,
    STORE,
    read_json,
    read_table,
)
from acsbench.waveforms.workers import run_all

SHARD_ECGS = 256
SIGNS_FINISHED = "signs.json"
INPUTS = "inputs.json"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
Progress = Callable[[int, int], None]


def process(
    sources: Sequence[Source],
    read: ReadRecording,
    folder: Path,
    names: Sequence[str],
    *,
    input_hash: str,
    known_faults: Sequence[DataError] = (),
    skip_faulty: bool = False,
    workers: int = 1,
    dask: str | None = None,
    progress: Progress | None = None,
) -> list[Rejected]:
    """Write waveform stores and the table of measured signs, each in a folder of its name.

    Args:
        sources: the recordings, in the order of the index.
        read: reads one recording.
        folder: the folder that contains them.
        names: profiles, and `signs`.
        input_hash: hash of the input, recorded in the stores.
        known_faults: errors of the tables, to report together with faulty recordings.
        skip_faulty: skip unreadable recordings instead of stopping.
        workers: processes.
        dask: address of a Dask scheduler; its workers must see the same files.
        progress: called with the number of ECGs done and of all.

    Returns:
        The skipped recordings.

    Raises:
        DataErrors: all faults, if `skip_faulty` is false; shards without faults are kept.
        ConfigurationError: a folder holds the store of another preparation, the disk is full,
            or workers died.
    """
    states = [source.state() for source in sources]
    products = [
        Product(name, folder / name, _plan(name, sources, input_hash, skip_faulty))
        for name in names
    ]
    missing = [product for product in products if not _is_finished(product, states)]
    if missing:
        faults = [] if skip_faulty else list(known_faults)
        try:
            faults += _make(missing, sources, states, read, workers, dask, progress)
            if faults:
                raise DataErrors(sorted(faults, key=lambda fault: fault.row or 0))
            for product in missing:
                _finish(product, states)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise ConfigurationError(
                f"the disk of {folder} is full: free some space and repeat the command; finished "
                "parts are kept"
            ) from error
    rejected = {
        item["ecg_id"]: Rejected(item["ecg_id"], DataError(**item["error"]))
        for product in products
        for shard in read_json(_seal(product))["shards"]
        for item in shard["rejected"]
    }
    return list(rejected.values())


def _plan(
    name: str, sources: Sequence[Source], input_hash: str, skip_faulty: bool
) -> dict[str, Any]:
    made = {"measured": list(CONTENT)} if name == SIGNS else get_profile(name).parameters
    return {
        "version": __version__,
        "profile": name,
        "parameters": made,
        "skip_faulty": skip_faulty,
        "shard_ecgs": SHARD_ECGS,
        "input_hash": input_hash,
        "ecgs": digest_of([(source.ecg_id, source.wanted) for source in sources]),
    }


def _seal(product: Product) -> Path:
    """The file that is written last, when the product is finished."""
    return product.folder / (SIGNS_FINISHED if product.name == SIGNS else STORE)


def _is_finished(product: Product, states: Sequence[list[int]]) -> bool:
    """Whether the folder holds the finished product.

    Raises:
        ConfigurationError: it holds the product of another plan.
    """
    if not _seal(product).is_file():
        return False
    earlier = read_json(_seal(product)).get("plan")
    earlier = earlier if isinstance(earlier, dict) else {}
    changed = [key for key in product.plan if earlier.get(key) != product.plan[key]]
    # File times differ between copies of a dataset, so the store itself does not contain them.
    inputs = product.folder / INPUTS
    if inputs.is_file() and read_json(inputs) != {"files": digest_of(list(states))}:
        changed.append("files")
    if changed:
        raise ConfigurationError(
            f"{product.folder} holds waveforms of another preparation ({', '.join(changed)} "
            "differ): remove it, or choose another --out"
        )
    return True


def _make(
    products: Sequence[Product],
    sources: Sequence[Source],
    states: Sequence[list[int]],
    read: ReadRecording,
    workers: int,
    dask: str | None,
    progress: Progress | None,
) -> list[DataError]:
    """Make the missing shards; return the errors of faulty recordings."""
    for product in products:
        product.folder.mkdir(parents=True, exist_ok=True)
        remove_partial(product.folder)
    work = []
    for shard, first in enumerate(range(0, len(sources), SHARD_ECGS)):
        part = slice(first, first + SHARD_ECGS)
        inputs = digest_of(
            [
                (source.ecg_id, source.wanted, str(source.path), state)
                for source, state in zip(sources[part], states[part], strict=True)
            ]
        )
        wanted = tuple(product for product in products if not product.holds(shard, inputs))
        if wanted:
            work.append(
                Work(
                    shard,
                    tuple(sources[part]),
                    inputs,
                    wanted,
                    read,
                    products[0].plan["skip_faulty"],
                )
            )
    done = len(sources) - sum(len(item.sources) for item in work)
    faults = []
    for made, found in run_all(make_shard, work, workers=workers, dask=dask):
        faults += found
        done += len(made.sources)
        if progress is not None:
            progress(done, len(sources))
    return faults


def _finish(product: Product, states: Sequence[list[int]]) -> None:
    """Join the shards' tables, and write the seal."""
    numbers = range(-(-len(states) // SHARD_ECGS))
    shards = [read_json(product.file(number, ".json")) for number in numbers]
    pieces = [read_table(product.file(number, ".parquet"), ()) for number in numbers]
    table = pd.concat([piece for piece in pieces if len(piece)] or pieces[:1], ignore_index=True)
    if table.empty:
        raise DataError(
            "no recording could be read",
            file=product.folder,
            fix="Use --on-error stop to see the reasons",
        )
    write_json(product.folder / INPUTS, {"files": digest_of(list(states))})
    made = {
        "version": __version__,
        "input_hash": product.plan["input_hash"],
        "plan": product.plan,
        "shards": [{k: v for k, v in shard.items() if k != "digest"} for shard in shards],
    }
    if product.name == SIGNS:
        with written_whole(product.folder / SIGNS_TABLE) as path:
            table.to_parquet(path, index=False)
    else:
        profile = get_profile(product.name)
        with written_whole(product.folder / INDEX) as path:
            table[list(INDEX_COLUMNS)].to_parquet(path, index=False)
        made |= {
            "schema_version": SCHEMA_VERSION,
            "shape": [len(profile.rows), profile.samples],
            "fs": profile.fs,
            "leads": list(profile.rows),
            "unit": profile.unit,
            "scale": profile.scale,
            "masked": profile.masked,
            "processing": {"profile": profile.name, **profile.parameters},
        }
    write_json(_seal(product), made)
    remove_partial(product.folder)  # left by killed workers
    for number in numbers:
        product.file(number, ".parquet").unlink(missing_ok=True)
        product.file(number, ".json").unlink(missing_ok=True)

"""How long the checker takes for a submission of a million ECGs, good and bad.

Everything takes turns in one process and is timed by the processor's clock; times are medians, with
the range of all rounds. The baseline is pandas reading the same file without any check, its ids
looked up in the holdout's by `Index.get_indexer`.

    OMP_NUM_THREADS=1 python benchmarks/leaderboard_check.py
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from _ludb import machine
from acsbench.leaderboard import check_upload


def submission(ecgs: int) -> tuple[list[str], bytes]:
    """Ids of a holdout, and predictions of both tasks for them in another order."""
    rng = np.random.default_rng(0)
    ids = [f"ecg{number:010x}" for number in rng.choice(2**40, ecgs, replace=False)]
    risks = rng.random((ecgs, 2))
    rows = [f"{ids[k]},{risks[k, 0]:.6f},{risks[k, 1]:.6f}\n" for k in rng.permutation(ecgs)]
    return ids, ("ecg_id,acs,mace\n" + "".join(rows)).encode()


def tasks(ecgs: int) -> dict[str, Callable[[], object]]:
    """What is timed, the baseline last."""
    ids, good = submission(ecgs)
    lines = good.split(b"\n")
    bad = {
        "one id twice": b"\n".join([*lines[:-2], lines[1], b""]),
        "all ids unknown": good.replace(b"ecg", b"xyz").replace(b"xyz_id", b"ecg_id"),
        "logits": good.replace(b",0.", b",-3."),
        "every tenth row too short": b"\n".join(
            line.rpartition(b",")[0] if k % 10 == 1 else line for k, line in enumerate(lines)
        ),
    }
    assert check_upload(good, ids).ok
    assert not any(check_upload(content, ids).ok for content in bad.values())

    def plain_pandas() -> object:
        table = pd.read_csv(io.BytesIO(good))
        return pd.Index(table["ecg_id"]).get_indexer(pd.Index(ids))

    named = {"without fault": good, **bad}
    return {
        **{name: lambda c=content: check_upload(c, ids) for name, content in named.items()},
        "pandas, no check": plain_pandas,
    }


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ecgs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    print(f"{options.ecgs:,} ECGs, two tasks")
    timed = tasks(options.ecgs)
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(options.rounds):
        for name, task in timed.items():
            start = time.process_time()
            task()
            seconds[name].append(time.process_time() - start)
    baseline = statistics.median(seconds["pandas, no check"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(
            f"  {name:28s} {middle:6.2f} s ({min(values):.2f} to {max(values):.2f})   "
            f"ratio {middle / baseline:5.2f}"
        )


if __name__ == "__main__":
    main()

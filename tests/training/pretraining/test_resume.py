"""A pre-training killed in each of its three steps goes on and ends as it would have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from acsbench.errors import ConfigurationError, DataError
from acsbench.runs import LOCK
from acsbench.training.pretraining import describe
from acsbench.training.pretraining.crops import gather
from acsbench.training.pretraining.folder import claim, record_of, remove_leftovers
from acsbench.training.pretraining.pretrain import _description, pretrain
from acsbench.waveforms.prepared import Prepared
from tests.training.pretraining.conftest import QUICK

SHARD = 32
# Each child is killed where it would begin the work named, in the middle of a step.
KILLED_AT = """
import os, signal, sys
from pathlib import Path
from acsbench.training.pretraining import describe, pretrain as whole
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.predict import MaskedPrediction
from acsbench.waveforms.prepared import open_prepared

prepared, folder, config, shard = sys.argv[1:]
describe.SHARD_CROPS = int(shard)
write_shard, fit_codebook = describe.write_shard, whole.fit_codebook
begin = MaskedPrediction.on_train_batch_start

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def second_shard(description, number):
    die() if number == 1 else write_shard(description, number)

def second_codebook(*arguments):
    return die() if arguments[3] == 8 else fit_codebook(*arguments)

def third_epoch(module, batch, number):
    die() if (len(module.history), number) == (2, 3) else begin(module, batch, number)

for name in ("describe", "cluster", "predict"):
    child = os.fork()
    if not child:
        if name == "describe":
            describe.write_shard = second_shard
        elif name == "cluster":
            whole.fit_codebook = second_codebook
        else:
            MaskedPrediction.on_train_batch_start = third_epoch
        config = PretrainingConfig.model_validate_json(config)
        whole.pretrain(open_prepared(Path(prepared)), config, Path(folder))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (name, status)
    print(name, *sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*")))
"""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a pre-training, with a history that knows no time."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != LOCK
    }
    history = pd.read_csv(folder / "history.csv").drop(columns="seconds")
    return files | {"history.csv": history.to_csv().encode()}


def test_killed_in_each_step_it_ends_as_one_that_was_not(
    prepared: Prepared, first: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    words = [prepared.path, folder, QUICK.model_dump_json(), SHARD]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
    )
    described, clustered, predicted = (
        set(line.split()[1:])
        for line in killed.stdout.splitlines()
        if line.split()[:1] in (["describe"], ["cluster"], ["predict"])
    )
    assert "descriptors/shard-00000.npy" in described
    assert "descriptors/shard-00001.npy" not in described
    assert "codebooks/5.npz" in clustered - described
    assert not {"codebooks/8.npz", "codes.npy"} & clustered
    assert {"codes.npy", "state.pt"} <= predicted
    assert not [name for name in predicted if name.startswith("descriptors")]
    assert "config.json" not in predicted

    lines: list[str] = []
    pretrain(prepared, QUICK, folder, report=lines.append)
    assert lines[0] == "resumes after epoch 2"
    assert contents(folder) == contents(first)


def test_shards_made_by_other_processes_are_the_same(prepared: Prepared, tmp_path: Path) -> None:
    material = gather(prepared, QUICK)
    shards = []
    for workers in (1, 2):
        description = _description(material, QUICK, tmp_path / str(workers), None)
        describe.describe(description, workers=workers)
        shards.append([path.read_bytes() for path in description.shards])
    assert shards[0] == shards[1]


def test_what_is_finished_is_not_done_again(prepared: Prepared, first: Path) -> None:
    before = contents(first)
    lines: list[str] = []
    assert pretrain(prepared, QUICK, first, report=lines.append).path == first
    assert lines == [f"already pre-trained, see {first}"]
    assert contents(first) == before


def test_what_was_killed_while_tidying_up_is_tidied_up(prepared: Prepared, first: Path) -> None:
    before = contents(first)
    for name in ("codes.npy", "state.pt"):
        (first / name).write_bytes(b"x")
    pretrain(prepared, QUICK, first)
    assert contents(first) == before


def test_half_written_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "codebooks").mkdir()
    for place in (tmp_path, tmp_path / "codebooks"):
        (place / ".5.npz.4999999-00000000.partial").touch()
        (place / "kept").touch()
    remove_leftovers(tmp_path)
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == {"codebooks", "kept"}


def test_a_folder_of_other_settings_is_refused(prepared: Prepared, first: Path) -> None:
    with pytest.raises(ConfigurationError, match="other settings or data"):
        pretrain(prepared, QUICK.model_copy(update={"seed": 1}), first)


def test_somebody_else_s_folder_is_refused(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="contains something else"):
        pretrain(prepared, QUICK, tmp_path)
    thesis = tmp_path / "thesis.txt"
    with pytest.raises(ConfigurationError, match="contains something else"):
        pretrain(prepared, QUICK, thesis)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert thesis.read_text() == "x"


def test_a_second_process_at_the_same_pretraining_is_refused(
    prepared: Prepared, tmp_path: Path
) -> None:
    with (
        FileLock(tmp_path / LOCK),
        pytest.raises(ConfigurationError, match="another process"),
    ):
        pretrain(prepared, QUICK, tmp_path)


def test_damaged_descriptors_are_told(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "descriptors").mkdir()
    (tmp_path / "descriptors" / "shard-00000.npy").write_bytes(b"nonsense")
    claim(tmp_path, record_of(prepared, gather(prepared, QUICK), QUICK, None))
    with pytest.raises(DataError, match="descriptors cannot be read"):
        pretrain(prepared, QUICK, tmp_path)

"""Steps: what is up to date, what is done again, what a kill leaves, and who does the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.recipes.helper import Place
from acsbench.recipes.scheduler import run_steps
from acsbench.recipes.steps import RECORD, Clock, Made, Report, Step, digests_of, made_in

TWO = (Place(1), Place(1))


def note(name: str, out: Path, made: Made, tell: Report) -> list[Path]:
    """Write what the needed steps had written, one line more."""
    lines = [path.read_text() for paths in made.values() for path in paths]
    tell(f"{len(lines)} before")
    path = out / f"{name}.txt"
    path.write_text("".join(sorted(lines)) + f"{name}\n")
    return [path]


def count(name: str, out: Path, made: Made, tell: Report) -> list[Path]:
    """Count the calls."""
    path = out / f"{name}.txt"
    path.write_text(path.read_text() + "x" if path.exists() else "x")
    return [path]


def fail(made: Made, tell: Report) -> list[Path]:
    raise DataError("the page is upside down", fix="Turn it", private="ecg-7")


def fail_unpicklably(made: Made, tell: Report) -> list[Path]:
    class Local(Exception):  # noqa: N818
        pass

    raise Local("cannot travel")


def die(made: Made, tell: Report) -> list[Path]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def chain(out: Path, settings: int = 0) -> list[Step]:
    """b needs a, d needs b and c."""
    return [
        Step("a", partial(count, "a", out)),
        Step("b", partial(count, "b", out), ("a",), settings),
        Step("c", partial(count, "c", out)),
        Step("d", partial(count, "d", out), ("b", "c")),
    ]


def calls(out: Path) -> str:
    return " ".join(f"{path.stem}{len(path.read_text())}" for path in sorted(out.glob("?.txt")))


def test_a_long_step_is_told_when_it_begins(tmp_path: Path) -> None:
    lines: list[str] = []
    steps = [
        Step(name, partial(note, name, tmp_path), effort=effort)
        for name, effort in (("long", 100.0), ("short", 1.0))
    ]
    run_steps(steps, tmp_path, lines.append)
    assert lines[0] == "  long ..."
    assert "  short ..." not in lines


@pytest.mark.parametrize("places", [(), TWO])
def test_what_is_up_to_date_is_not_done_again(tmp_path: Path, places: tuple[Place, ...]) -> None:
    lines: list[str] = []
    made = run_steps(chain(tmp_path), tmp_path, lines.append, places)
    assert made == {name: [tmp_path / f"{name}.txt"] for name in "abcd"}
    done = [line[:5] for line in lines if line.startswith("[")]
    assert done == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert made_in(tmp_path) == made
    lines.clear()
    assert run_steps(chain(tmp_path), tmp_path, lines.append, places) == made
    assert lines == ["all 4 steps are up to date"]
    assert calls(tmp_path) == "a1 b1 c1 d1"


def test_a_changed_setting_is_done_again_with_all_that_follows(tmp_path: Path) -> None:
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    run_steps(chain(tmp_path, settings=1), tmp_path, lambda line: None)
    assert calls(tmp_path) == "a1 b2 c1 d2"


def test_a_missing_file_is_made_again(tmp_path: Path) -> None:
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    (tmp_path / "c.txt").unlink()
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    assert calls(tmp_path) == "a1 b1 c1 d1"


def fill(names: str, out: Path, made: Made, tell: Report) -> list[Path]:
    """Write a folder with a file of each name, or none where the folder is there already."""
    folder = out / "folder"
    if names.startswith("kept ") and folder.exists():
        return [folder]
    for name in names.removeprefix("kept ").split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return [folder]


def test_a_file_that_is_missing_in_a_folder_is_made_again(tmp_path: Path) -> None:
    steps = [Step("a", partial(fill, "report.html tables/one.csv .lock", tmp_path))]
    run_steps(steps, tmp_path, lambda line: None)
    for file in ("report.html", "tables/one.csv"):
        (tmp_path / "folder" / file).unlink()
        run_steps(steps, tmp_path, lambda line: None)
        assert (tmp_path / "folder" / file).is_file()
    (tmp_path / "folder" / ".lock").unlink()
    lines: list[str] = []
    run_steps(steps, tmp_path, lines.append)
    assert lines == ["all 1 steps are up to date"]


def test_a_missing_file_that_is_not_made_again_is_told_every_time(tmp_path: Path) -> None:
    steps = [Step("a", partial(fill, "kept one two", tmp_path)), *chain(tmp_path)[2:3]]
    run_steps(steps, tmp_path, lambda line: None)
    (tmp_path / "folder" / "two").unlink()
    (tmp_path / "c.txt").unlink()
    for turn in (steps[::-1], steps):
        with pytest.raises(DataError, match="does not make again"):
            run_steps(turn, tmp_path, lambda line: None)
    (tmp_path / "folder" / "one").unlink()
    (tmp_path / "folder").rmdir()
    run_steps(steps, tmp_path, lambda line: None)
    assert (tmp_path / "folder" / "two").is_file()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "acsbench-steps-0", "steps": {}}'])
def test_a_record_that_cannot_be_read_costs_only_time(tmp_path: Path, text: str) -> None:
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(DataError, match="no finished step of a recipe"):
        made_in(tmp_path)
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    assert calls(tmp_path) == "a2 b2 c2 d2"


def test_steps_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    run_steps([*chain(tmp_path)[:1], Step("e", partial(count, "e", tmp_path))], tmp_path, print)
    assert set(json.loads((tmp_path / RECORD).read_text())["steps"]) == {"a", "e"}


def test_a_step_stands_once_and_after_what_it_needs() -> None:
    step = Step("a", die)
    for steps in ([step, step], [Step("b", die, ("a",)), step]):
        with pytest.raises(ValueError, match="twice, or before a step that it needs"):
            digests_of(steps)


@pytest.mark.parametrize("places", [(), TWO])
def test_steps_hear_what_earlier_ones_made_and_are_heard(
    tmp_path: Path, places: tuple[Place, ...]
) -> None:
    steps = [
        Step("first", partial(note, "first", tmp_path)),
        Step("beside", partial(note, "beside", tmp_path)),
        Step("last", partial(note, "last", tmp_path), ("first", "beside")),
    ]
    lines: list[str] = []
    run_steps(steps, tmp_path, lines.append, places)
    assert (tmp_path / "last.txt").read_text().endswith("last\n")
    assert "  last: 2 before" in lines


def test_a_step_that_takes_all_processes_runs_in_this_one(tmp_path: Path) -> None:
    here: list[int] = []

    def alone(made: Made, tell: Report) -> list[Path]:  # cannot be sent to another process
        here.append(os.getpid())
        return []

    steps = [*chain(tmp_path), Step("alone", alone, ("d",), alone=True)]
    run_steps([*steps, Step("e", partial(count, "e", tmp_path), ("alone",))], tmp_path, print, TWO)
    assert here == [os.getpid()]
    assert calls(tmp_path) == "a1 b1 c1 d1 e1"


@pytest.mark.parametrize("places", [(), TWO])
def test_an_error_is_passed_on_and_what_was_done_is_kept(
    tmp_path: Path, places: tuple[Place, ...]
) -> None:
    steps = [*chain(tmp_path), Step("bad", fail, ("d",)), Step("idle", fail, ("bad",))]
    with pytest.raises(DataError, match="upside down") as error:
        run_steps(steps, tmp_path, lambda line: None, places)
    assert error.value.private == "ecg-7"
    assert "ecg-7" not in str(error.value)
    assert set(made_in(tmp_path)) == set("abcd")


def see(name: str, out: Path, made: Made, tell: Report) -> list[Path]:
    """What a process may use; the first waits for the second, so that both have a step."""
    path = out / f"{name}.txt"
    path.write_text(f"{os.environ['OMP_NUM_THREADS']} {os.environ['CUDA_VISIBLE_DEVICES']}")
    _until(lambda: len(list(out.glob("?.txt"))) == 2)
    return [path]


def test_each_process_sees_its_own_gpu_and_threads(tmp_path: Path) -> None:
    steps = [Step(name, partial(see, name, tmp_path)) for name in "pq"]
    run_steps(steps, tmp_path, print, (Place(3, "7"), Place(2, "5")))
    assert {path.read_text() for path in tmp_path.glob("?.txt")} == {"3 7", "2 5"}


def test_an_error_that_cannot_travel_is_told(tmp_path: Path) -> None:
    steps = [*chain(tmp_path), Step("bad", fail_unpicklably)]
    with pytest.raises(RuntimeError, match="cannot travel"):
        run_steps(steps, tmp_path, lambda line: None, TWO)


def test_a_killed_process_is_told(tmp_path: Path) -> None:
    steps = [*chain(tmp_path), Step("bad", die, ("d",)), Step("other", fail, ("bad",))]
    with pytest.raises(ConfigurationError, match="repeat the command"):
        run_steps(steps, tmp_path, lambda line: None, TWO)
    assert set(made_in(tmp_path)) == set("abcd")


SLOW = """
import os, sys, time
from functools import partial
from pathlib import Path
from acsbench.recipes.helper import Place
from acsbench.recipes.scheduler import run_steps
from acsbench.recipes.steps import Step
from tests.recipes.test_steps import chain, wait_for_ever

out = Path(sys.argv[1])
steps = [*chain(out), *(Step(name, partial(wait_for_ever, out, name), ("d",)) for name in "yz")]
run_steps(steps, out, lambda line: None, [Place(1), Place(1)])
"""


def wait_for_ever(out: Path, name: str, made: Made, tell: Report) -> list[Path]:
    (out / f"{name}.pid").write_text(str(os.getpid()))
    time.sleep(600)
    return []


def test_helpers_end_with_the_process_that_was_killed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)])
    files = [tmp_path / "y.pid", tmp_path / "z.pid"]
    _until(lambda: all(file.is_file() and file.read_text() for file in files))
    process.kill()
    process.wait()
    for file in files:
        _until(partial(_is_dead, int(file.read_text())))
    assert set(made_in(tmp_path)) == set("abcd")
    run_steps(chain(tmp_path), tmp_path, lambda line: None)
    assert calls(tmp_path) == "a1 b1 c1 d1"


def _until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_time_left_follows_from_the_effort_done() -> None:
    now = iter([0.0, 60.0, 300.0, 400.0])
    efforts = {"quick": 0.4, "a": 0.6, "b": 3, "c": 6}
    quick, a, b, c = steps = [Step(name, die, effort=effort) for name, effort in efforts.items()]
    clock = Clock(steps, lambda: next(now))
    told = []
    for step in (quick, a, b, c):
        clock.finish(step)
        told.append(clock.left())
    assert told == ["", "about 9 min left", "about 8 min left", ""]

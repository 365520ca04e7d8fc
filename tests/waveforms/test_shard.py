"""Parts of a shard: how values become integers, and how a file's state is noticed."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from acsbench.datasets import Rejected
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError
from acsbench.files import write_json
from acsbench.waveforms.shard import Product, Source, Work, _read, _Waveforms, to_integers

scales = st.sampled_from([1.0, 0.001, 0.00025, 0.005])
types = st.sampled_from([np.float32, np.float64])


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(-1000, 1000, width=32)),
    scales,
    types,
)
def test_values_become_the_nearest_integers_within_the_limits(
    values: np.ndarray, scale: float, dtype: type
) -> None:
    found = to_integers(values.astype(dtype), scale)
    assert found.dtype == np.int16
    exact = values / scale
    limit = np.clip(exact, -32768, 32767)
    # Half an integer, and as much more as the type's rounding of the value makes.
    slack = 0.5 + np.abs(limit) * np.finfo(dtype).eps * 4 + 1e-9
    assert (np.abs(found - limit) <= slack).all()
    assert (np.diff(found[np.argsort(values)].astype(int)) >= 0).all()


def test_a_value_beyond_the_limits_is_the_limit() -> None:
    values = np.array([40, -40, 32.767, 32.7681, -32.768, 1e30, -1e30, np.inf, -np.inf], np.float32)
    largest, smallest = 32767, -32768
    assert to_integers(values, 0.001).tolist() == [
        largest, smallest, largest, largest, smallest, largest, smallest, largest, smallest,
    ]  # fmt: skip


def test_halves_are_rounded_to_the_even_neighbour_and_the_input_stays() -> None:
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5])
    before = values.copy()
    assert to_integers(values, 1.0).tolist() == [0, 2, 2, 0, -2]
    np.testing.assert_array_equal(values, before)


def test_the_state_of_a_recording_changes_with_each_of_its_files(tmp_path: Path) -> None:
    source = Source("ecg1", tmp_path / "r1", "labels.csv", 2, "record")
    assert source.state() == [-1, -1, -1]
    (tmp_path / "r1.hea").write_text("head")
    (tmp_path / "r1.dat").write_bytes(b"abc")
    states = [source.state()]
    assert states[0][0] == -1
    assert [states[0][1], states[0][3]] == [4, 3]
    (tmp_path / "r1.dat").write_bytes(b"abcd")
    states.append(source.state())
    os.utime(tmp_path / "r1.hea", ns=(0, 12345))
    states.append(source.state())
    (tmp_path / "r1").write_bytes(b"x")
    states.append(source.state())
    assert len({tuple(state) for state in states}) == 4
    assert states[2][2] == 12345


def test_a_products_digest_depends_on_its_plan_and_its_recordings(tmp_path: Path) -> None:
    product = Product("leads", tmp_path, {"low": 0.5})
    digest = product.digest("inputs")
    assert Product("leads", tmp_path / "other", {"low": 0.5, "ecgs": 7}).digest("inputs") == digest
    assert Product("leads", tmp_path, {"low": 0.6}).digest("inputs") != digest
    assert product.digest("other inputs") != digest


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", "3", '{"digest": "another"}'])
def test_a_shard_of_another_preparation_is_not_held(tmp_path: Path, content: str | None) -> None:
    product = Product("leads", tmp_path, {"low": 0.5})
    if content is not None:
        product.file(3, ".json").write_text(content)
    assert product.holds(3, "inputs") is False
    write_json(product.file(3, ".json"), {"digest": product.digest("inputs")})
    assert product.holds(3, "inputs") is True
    assert product.holds(2, "inputs") is False
    assert product.file(3, ".npy") == tmp_path / "shard-00003.npy"


def test_a_missing_sample_is_stored_as_0_and_known_ones_are_marked(tmp_path: Path) -> None:
    values = np.array([[[1.0, np.nan, -0.5]], [[np.nan, 0.25, 0.0]]], dtype=np.float32)
    profile = SimpleNamespace(
        rows=("II",), samples=3, masked=True, scale=0.001, prepare=lambda _: values
    )
    part = _Waveforms(profile, most=4)  # type: ignore[arg-type]
    part.add(None, [{"row": 0}, {"row": 1}])  # type: ignore[arg-type]
    digests = part.write(Product("rows", tmp_path, {}), 0)
    assert list(digests) == ["shard-00000.npy", "shard-00000.valid.npy"]
    stored = np.load(tmp_path / "shard-00000.npy")
    assert stored.tolist() == [[[1000, 0, -500]], [[0, 250, 0]]]
    known = np.unpackbits(np.load(tmp_path / "shard-00000.valid.npy"), axis=-1, count=3)
    assert known.astype(bool).tolist() == np.isfinite(values).tolist()


def test_a_recording_that_no_task_wants_is_read_and_not_stored() -> None:
    read = []

    def note(path: Path, ecg_id: str) -> Recording:
        read.append(ecg_id)
        raise DataError("faulty", fix="Correct it")

    sources = tuple(
        Source(name, Path(name), "ecgs.csv", 2, "ecg_id", wanted=False) for name in ("a", "b")
    )
    rejected: list[Rejected] = []
    work = Work(0, sources, "", (), note, skip_faulty=True)
    assert list(_read(work, sources, rejected)) == []
    assert (read, len(rejected)) == (["a", "b"], 2)
    fine = Recording("a", np.random.default_rng(0).normal(0, 0.1, (12, 5000)), 500.0)
    work = Work(0, sources, "", (), lambda path, ecg_id: fine, skip_faulty=True)
    assert list(_read(work, sources, rejected)) == []

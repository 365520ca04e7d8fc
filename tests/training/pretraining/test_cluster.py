"""Codebooks are made from the descriptors on disk, judged on others, and checked when read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from acsbench.errors import DataError
from acsbench.training.pretraining import cluster
from acsbench.training.pretraining.cluster import (
    Codebook,
    fit_codebook,
    load_codebook,
    load_codes,
    quality,
    save_codebook,
    write_codes,
)
from acsbench.training.pretraining.describe import Descriptors

GROUPS, FRAMES = 6, 10


@pytest.fixture
def groups() -> tuple[Descriptors, np.ndarray]:
    """Frames around six far centres, in shards of 8 crops, and the group of each frame."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 10, (GROUPS, 4))
    group = rng.integers(GROUPS, size=(60, FRAMES))
    values = (centres[group] + rng.normal(0, 0.1, (60, FRAMES, 4))).astype(np.float16)
    return Descriptors(tuple(np.split(values, range(8, 60, 8)))), group


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acsbench.training.pretraining.describe.SHARD_CROPS", 8)
    monkeypatch.setattr(cluster, "SHARD_CROPS", 8)
    monkeypatch.setattr(cluster, "BATCH_CROPS", 10)


def test_descriptors_are_read_across_shards(groups: tuple[Descriptors, np.ndarray]) -> None:
    descriptors, _ = groups
    whole = np.concatenate(descriptors.shards).astype(np.float32)
    assert len(descriptors) == 60
    wanted = np.array([59, 0, 8, 7])
    np.testing.assert_array_equal(descriptors.read(wanted), whole[wanted].reshape(-1, 4))


def test_groups_that_are_far_apart_are_found(
    groups: tuple[Descriptors, np.ndarray], tmp_path: Path
) -> None:
    descriptors, group = groups
    training, judged = np.arange(45), np.arange(45, 60)
    codebook, curve = fit_codebook(descriptors, training, judged, GROUPS, 30, seed=0)
    again, _ = fit_codebook(descriptors, training, judged, GROUPS, 30, seed=0)
    np.testing.assert_array_equal(codebook.centres, again.centres)
    assert [point.batches for point in curve] == [1, 2, 3, 5, 6, 9, 12, 16, 22, 30]
    assert curve[-1].unexplained < 0.001
    assert curve[-1].silhouette > 0.95
    write_codes(descriptors, [codebook, codebook], tmp_path / "codes.npy")
    codes = load_codes(tmp_path / "codes.npy", 60, (GROUPS, GROUPS), FRAMES)
    assert adjusted_rand_score(group.ravel(), codes[:, 0].ravel()) == 1
    np.testing.assert_array_equal(codes[:, 0], codes[:, 1])


def test_quality_is_what_scikit_learn_and_the_definitions_say() -> None:
    rng = np.random.default_rng(3)
    frames = rng.normal(0, 1, (500, 3)).astype(np.float32)
    codebook = Codebook(rng.normal(0, 1, (7, 3)).astype(np.float32))
    found = quality(codebook, frames, 12, seed=0)
    distances = ((frames[:, None] - codebook.centres) ** 2).sum(axis=2)
    codes = distances.argmin(axis=1)
    assert (found.codes, found.batches) == (7, 12)
    about_mean = ((frames - frames.mean(axis=0)) ** 2).sum()
    assert found.unexplained == pytest.approx(distances.min(axis=1).sum() / about_mean, rel=1e-4)
    assert found.silhouette == pytest.approx(silhouette_score(frames, codes), abs=1e-6)
    share = np.bincount(codes, minlength=7) / 500
    assert found.effective_codes == pytest.approx(np.prod(share**-share))


def test_a_codebook_of_the_wrong_length_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "100.npz"
    save_codebook(Codebook(np.zeros((90, 3), np.float32)), [], path)
    assert len(load_codebook(path, 90)) == 90
    with pytest.raises(DataError, match="90 codes instead of 100"):
        load_codebook(path, 100)
    path.write_bytes(b"nonsense")
    with pytest.raises(DataError, match="codebook cannot be read"):
        load_codebook(path, 90)


def test_codes_of_the_wrong_length_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "codes.npy"
    codes = np.zeros((20, 2, 93), dtype=np.uint16)
    np.save(path, codes)
    load_codes(path, 20, (5, 8), 93)
    for crops, codebooks, frames in ((21, (5, 8), 93), (20, (5,), 93), (20, (5, 8), 92)):
        with pytest.raises(DataError, match=r"shape \(20, 2, 93\).*"):
            load_codes(path, crops, codebooks, frames)
    codes[3, 1, 4] = 8
    np.save(path, codes)
    load_codes(path, 20, (5, 9), 93)
    with pytest.raises(DataError, match="code 8; the codebook has 8 codes"):
        load_codes(path, 20, (5, 8), 93)


def test_more_codes_than_frames_are_refused(groups: tuple[Descriptors, np.ndarray]) -> None:
    descriptors, _ = groups
    with pytest.raises(DataError, match="too few frames for 300 codes"):
        fit_codebook(descriptors, np.arange(45), np.arange(45, 60), 300, 5, seed=0)

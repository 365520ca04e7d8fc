"""Predictions that need no network, which the network must beat."""

import numpy as np
import pandas as pd
import pytest
import torch

from acsbench.models import create_model
from acsbench.models.hubert_pretraining import MaskedCodePredictor
from acsbench.training.pretraining import judge
from acsbench.training.pretraining.crops import gather
from acsbench.training.pretraining.judge import (
    AT_ITS_PLACE,
    LARGEST,
    NEAREST,
    NETWORK,
    baselines,
    count_codes,
    masked_accuracy,
    nearest_unmasked,
)
from acsbench.training.pretraining.predict import CodedCrops
from acsbench.waveforms.prepared import Prepared
from tests.contract.test_models import HUBERT
from tests.training.pretraining.conftest import QUICK


def test_each_baseline_says_what_its_name_says() -> None:
    known = np.array([[0, 1, 1, 2], [0, 1, 2, 2], [0, 2, 1, 2], [2, 1, 1, 0]], dtype=np.uint16)
    codes = np.array([[2, 1, 0, 2], [0, 2, 2, 1]])
    mask = np.array([[True, True, False, True], [True, False, True, True]])
    (counts,) = count_codes(known[:, None], np.arange(4), [3])
    found = baselines(codes, mask, counts)
    # 2 is known 6 times, 1 as often, and argmax takes the earlier: 1 everywhere.
    assert np.bincount(known.ravel()).tolist() == [4, 6, 6]
    assert found[LARGEST].tolist() == [False, True, False, False, False, True]
    # At their places: 0 1 1 2.
    assert found[AT_ITS_PLACE].tolist() == [False, True, True, True, False, False]
    # The first row's only open frame has 0, the second's has 2.
    assert found[NEAREST].tolist() == [False, False, False, False, True, False]


def test_codes_are_counted_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_AT_ONCE", 7)
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(size, size=(50, 4)) for size in (5, 8)], axis=1)
    crops = np.flatnonzero(rng.random(50) < 0.6)
    found = count_codes(codes.astype(np.uint16), crops, (5, 8))
    for book, counts in enumerate(found):
        for frame, of_frame in enumerate(counts):
            expected = np.bincount(codes[crops, book, frame], minlength=(5, 8)[book])
            np.testing.assert_array_equal(of_frame, expected)


def test_the_nearest_open_frame_is_found_as_pandas_finds_it() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((50, 93)) < 0.33
    mask[:, 40] = False
    places = np.where(mask, np.nan, np.arange(93.0))
    for row, found in zip(places, nearest_unmasked(mask), strict=True):
        expected = pd.Series(row).interpolate("nearest").ffill().bfill()
        distance = np.abs(expected - np.arange(93))
        np.testing.assert_array_equal(np.abs(found - np.arange(93)), distance)
        assert not np.isnan(row[found]).any()


def test_a_network_that_knows_nothing_is_right_as_often_as_chance(prepared: Prepared) -> None:
    material = gather(prepared, QUICK)
    rng = np.random.default_rng(0)
    shape = (len(material.crops), 93)
    codes = np.stack([rng.integers(k, size=shape) for k in QUICK.codebooks], axis=1)
    codes = codes.astype(np.uint16)
    torch.manual_seed(0)
    network = MaskedCodePredictor(create_model("hubert-tiny", **HUBERT), QUICK.codebooks, 16)
    valid = CodedCrops(material.crops, codes, material.validating)
    patients = material.patients_of(material.validating)
    known = count_codes(codes, material.training, QUICK.codebooks)
    found = masked_accuracy(network, valid, known, patients, QUICK)
    assert set(found) == set(QUICK.codebooks)
    for size, by_whom in found.items():
        assert set(by_whom) == {NETWORK, LARGEST, AT_ITS_PLACE, NEAREST}
        for share in by_whom.values():
            assert share.n == len(patients) * 31
            assert share.groups == len(set(patients))
            deviation = np.sqrt((1 - 1 / size) / size / share.n)
            assert share.value == pytest.approx(1 / size, abs=5 * deviation)

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from acsbench.ecg.qrs_waves import qrs_waves

FS = 500.0


def deflections(*heights: float, samples: int = 12) -> NDArray[np.float64]:
    """Half sine waves of 24 ms, one after the other."""
    half = np.sin(np.pi * (np.arange(samples) + 0.5) / samples)
    return np.concatenate([height * half for height in heights])


@pytest.mark.parametrize(
    ("heights", "amplitudes"),
    [
        ((-0.1, 1.0, -0.3), (-0.1, 1.0, -0.3, 0)),
        ((1.0, -0.3), (0, 1.0, -0.3, 0)),
        ((0.2, -0.5, 0.9), (0, 0.2, -0.5, 0.9)),
        ((-1.2,), (-1.2, 0, 0, 0)),
        ((0.8,), (0, 0.8, 0, 0)),
        ((-0.1, 0.5, -0.4, 0.3), (-0.1, 0.5, -0.4, 0.3)),
    ],
)
def test_names_of_waves(heights: tuple[float, ...], amplitudes: tuple[float, ...]) -> None:
    waves = qrs_waves(deflections(*heights), FS)
    np.testing.assert_allclose(waves[:, 0], amplitudes, rtol=0.02)
    np.testing.assert_allclose(waves[:, 1], np.where(np.array(amplitudes) == 0, 0, 24))


def test_what_is_too_small_or_too_short_is_no_wave() -> None:
    np.testing.assert_allclose(qrs_waves(deflections(-0.015, 1.0), FS)[0], 0)
    short = np.concatenate([[-0.5, -0.5], deflections(1.0)])
    np.testing.assert_allclose(qrs_waves(short, FS)[0], 0)


def test_a_shifted_st_segment_is_no_second_r_wave() -> None:
    rising = np.linspace(0.0, 0.2, 8)
    waves = qrs_waves(np.concatenate([deflections(1.0, -0.4), rising]), FS)
    assert waves[3, 0] == 0


def test_a_notch_does_not_divide_a_wave() -> None:
    notched = deflections(1.0, 0.8)
    waves = qrs_waves(np.concatenate([notched, deflections(-0.3)]), FS)
    np.testing.assert_allclose(waves[1], [1.0, 48], rtol=0.02)

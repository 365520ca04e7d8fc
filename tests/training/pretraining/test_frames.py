"""Frames lie where the encoder's convolutions see them, and descriptors see no more."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal.windows import hann
from transformers import HubertConfig, HubertModel
from transformers.audio_utils import mel_filter_bank, spectrogram

from acsbench.training.pretraining.cepstra import FLOOR, cepstra
from acsbench.training.pretraining.encoder import FrameGeometry, frame_geometry

FRONTS = {
    100: ((10, 3, 3, 2, 2), (4, 2, 2, 2, 2)),
    500: ((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)),
    50: ((10, 3, 3, 2), (4, 2, 2, 2)),
}
FRAMES = frame_geometry(*FRONTS[100])


@pytest.mark.parametrize("rate", FRONTS)
def test_a_frame_sees_the_samples_that_the_convolutions_see(rate: int) -> None:
    kernels, strides = FRONTS[rate]
    frames = frame_geometry(kernels, strides)
    x = torch.zeros(1, 1, 6 * frames.width, requires_grad=True)
    y = x
    for kernel, stride in zip(kernels, strides, strict=True):
        y = torch.nn.functional.conv1d(y, torch.ones(1, 1, kernel), stride=stride)
    assert y.shape[2] == frames.count(x.shape[2])
    for frame in (0, 1, y.shape[2] - 1):
        (seen,) = torch.autograd.grad(y[0, 0, frame], x, retain_graph=True)
        (places,) = seen[0, 0].numpy().nonzero()
        first = frame * frames.stride
        assert places.tolist() == list(range(first, first + frames.width))


@pytest.mark.parametrize("samples", [81, 82, 145, 146, 5999, 6000, 12_000])
def test_there_are_as_many_frames_as_the_library_counts(samples: int) -> None:
    kernels, strides = FRONTS[100]
    config = HubertConfig(
        conv_dim=(8,) * 5, conv_kernel=kernels, conv_stride=strides, num_hidden_layers=1
    )
    with torch.device("meta"):
        model = HubertModel(config)
    assert FRAMES.count(samples) == max(0, int(model._get_feat_extract_output_lengths(samples)))


def test_twelve_leads_of_five_seconds_have_93_frames() -> None:
    assert FrameGeometry(width=82, stride=64) == FRAMES
    crops = np.random.default_rng(0).normal(0, 0.3, (2, 6000)).astype(np.float32)
    assert cepstra(crops, FRAMES, 100).shape == (2, 93, 39)


def test_a_frame_is_described_by_what_it_sees_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    crop = rng.normal(0, 0.3, (1, 6000)).astype(np.float32)
    before = cepstra(crop, FRAMES, 100)
    for sample in (0, 81, 82, 1000, 5969, 5970, 5999):
        changed = crop.copy()
        changed[0, sample] += 1
        (frames,) = (cepstra(changed, FRAMES, 100) != before).any(axis=2)[0].nonzero()
        seeing = [frame for frame in range(93) if 64 * frame <= sample < 64 * frame + 82]
        assert frames.tolist() == seeing, sample


def test_cepstra_are_those_of_the_library_s_spectrogram() -> None:
    crop = np.random.default_rng(2).normal(0, 0.3, (1, 6000)).astype(np.float32)
    frame, width, bands = 17, 42, 20
    start = frame * 64
    log_bands = []
    for part in range(3):
        window = crop[0, start + 20 * part : start + 20 * part + width].astype(np.float64)
        (column,) = spectrogram(
            window - window.mean(),
            hann(width, sym=False),
            frame_length=width,
            hop_length=width,
            fft_length=128,
            power=2.0,
            center=False,
            mel_filters=mel_filter_bank(65, bands, 0.0, 50.0, 100),
            mel_floor=FLOOR,
            log_mel="log",
        ).T
        log_bands.append(column)
    places = (np.arange(bands) + 0.5) * np.pi / bands
    basis = np.cos(np.arange(13)[:, None] * places) * np.sqrt(2 / bands)
    basis[0] /= np.sqrt(2)
    first, middle, last = (basis @ each for each in log_bands)
    expected = np.concatenate(
        [
            (first + middle + last) / np.sqrt(3),
            (last - first) / np.sqrt(2),
            (first - 2 * middle + last) / np.sqrt(6),
        ]
    )
    found = cepstra(crop, FRAMES, 100)[0, frame]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_silence_has_cepstra() -> None:
    assert np.isfinite(cepstra(np.zeros((1, 6000), np.float32), FRAMES, 100)).all()


def test_one_frame_in_seven_mixes_two_leads() -> None:
    frames = frame_geometry((10, 3, 3, 2, 2), (4, 2, 2, 2, 2))
    first = np.arange(frames.count(6000)) * frames.stride
    assert np.sum(first // 500 != (first + frames.width - 1) // 500) == 14

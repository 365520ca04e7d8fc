import math

import pytest
import torch

from acsbench.training import augment as module
from acsbench.training.augment import augment

FS = 500.0
TIME = torch.arange(5000) / FS
ECGS = torch.sin(2 * math.pi * 1.3 * TIME).repeat(64, 3, 1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def switched_off(monkeypatch: pytest.MonkeyPatch, *but: str) -> None:
    names = {"GAIN_SPREAD", "LARGEST_SHIFT", "LARGEST_NOISE", "LARGEST_WANDER", "DROPPED"}
    for name in names - set(but):
        monkeypatch.setattr(module, name, 0.0)


def test_without_any_change_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    switched_off(monkeypatch)
    torch.testing.assert_close(augment(ECGS, FS, 4), ECGS)


def test_gain_is_one_factor_per_ecg(monkeypatch: pytest.MonkeyPatch) -> None:
    switched_off(monkeypatch, "GAIN_SPREAD")
    changed = augment(ECGS, FS)
    gains = (changed * ECGS).sum((1, 2)) / ECGS.square().sum((1, 2))
    torch.testing.assert_close(changed, gains[:, None, None] * ECGS)
    assert gains.log().std() == pytest.approx(0.15, rel=0.3)


def test_a_shift_turns_all_rows_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    switched_off(monkeypatch, "LARGEST_SHIFT")
    noise = torch.randn(8, 3, 5000)
    turned = augment(noise, FS)
    shifts = set()
    for before, after in zip(noise, turned, strict=True):
        found = [s for s in range(-100, 101) if torch.equal(torch.roll(before, s, 1), after)]
        assert len(found) == 1
        shifts |= set(found)
    assert len(shifts) > 4


def test_noise_and_wander_follow_the_size_of_the_ecg(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, largest in (("LARGEST_NOISE", 0.08), ("LARGEST_WANDER", 0.3)):
        with monkeypatch.context() as patched:
            switched_off(patched, name)
            for size in (0.01, 1.0, 100.0):
                added = (augment(size * ECGS, FS) - size * ECGS).std(dim=2)
                spread = size * ECGS.std()
                assert added.max() < largest * spread
                assert added.max() > 0.5 * largest * spread


def test_wander_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    switched_off(monkeypatch, "LARGEST_WANDER")
    spectrum = torch.fft.rfft(augment(ECGS, FS) - ECGS).abs().square().sum((0, 1))
    rates = torch.fft.rfftfreq(5000, 1 / FS)
    assert spectrum[rates < 1.0].sum() > 0.95 * spectrum.sum()


@pytest.mark.parametrize(("leads_per_row", "samples"), [(1, 5000), (4, 1250)])
def test_some_ecgs_lose_one_lead(
    monkeypatch: pytest.MonkeyPatch, leads_per_row: int, samples: int
) -> None:
    switched_off(monkeypatch, "DROPPED")
    ones = torch.ones(800, 3, 5000)
    gone = augment(ones, FS, leads_per_row) == 0
    lost = gone.sum((1, 2))
    assert set(lost.tolist()) == {0, samples}
    assert (lost > 0).float().mean() == pytest.approx(0.1, abs=0.03)
    # Every lead can be the one that is lost.
    starts = {tuple(row.nonzero()[0].tolist()) for row in gone[lost > 0]}
    assert len(starts) == 3 * leads_per_row

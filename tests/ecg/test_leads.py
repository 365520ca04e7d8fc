import numpy as np
import pytest

from acsbench.ecg.leads import (
    LEADS,
    canonical_lead,
    einthoven_residual,
    limb_leads,
    weighted_sums,
)


@pytest.mark.parametrize("lead", LEADS)
def test_lead_names_are_mapped_in_any_case(lead: str) -> None:
    for written in (lead, lead.upper(), lead.lower(), f" {lead} ", f"Lead {lead}"):
        assert canonical_lead(written) == lead


@pytest.mark.parametrize("name", ["", "vx", "V7", "MCL1", "lead", "II+"])
def test_other_names_are_none_of_the_twelve(name: str) -> None:
    assert canonical_lead(name) is None


def test_limb_leads_obey_einthoven_and_goldberger() -> None:
    lead_i, lead_ii = np.random.default_rng(0).normal(size=(2, 100))
    i, ii, iii, avr, avl, avf = limb_leads(lead_i, lead_ii)
    np.testing.assert_allclose(i + iii, ii)
    np.testing.assert_allclose(avr + avl + avf, 0, atol=1e-12)
    np.testing.assert_allclose(avr, -(i + ii) / 2)
    np.testing.assert_allclose(avl, (i - iii) / 2)
    np.testing.assert_allclose(avf, (ii + iii) / 2)


def test_residual_finds_swapped_leads() -> None:
    limb = limb_leads(*np.random.default_rng(0).normal(size=(2, 100)))
    assert einthoven_residual(limb).max() < 1e-12
    assert einthoven_residual(limb[[0, 1, 3, 2, 4, 5]]).max() > 0.5


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_weighted_sum_is_a_product_whose_samples_do_not_depend_on_each_other(
    kind: type[np.floating],
) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(7, 3)).astype(kind)
    signals = rng.normal(size=(2, 3, 1501)).astype(kind)
    sums = weighted_sums(weights, signals)
    assert sums.dtype == kind
    np.testing.assert_allclose(sums, weights.astype(float) @ signals.astype(float), atol=2e-6)
    np.testing.assert_array_equal(weighted_sums(weights, signals[1, :, 5::2]), sums[1, :, 5::2])

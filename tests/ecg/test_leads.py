import numpy as np
import pytest

from acsbench.ecg.leads import (
    LEADS,
    canonical_lead,
    einthoven_residual,
    limb_leads,
    signed_lead,
    weighted_sums,
)


@pytest.mark.parametrize("lead", LEADS)
def test_lead_names_are_mapped_in_any_case(lead: str) -> None:
    for written in (lead, lead.upper(), lead.lower(), f" {lead} ", f"Lead {lead}"):
        assert canonical_lead(written) == lead


@pytest.mark.parametrize(
    ("names", "lead"),
    [
        (
            "ECG II|Lead II|lead-ii|DII|D2|II (raw)|II [mV]|Lead 2|MDC_ECG_LEAD_II|Ⅱ"
            "|Lead II (Einthoven)|ecg_ii|II:|+II|EKG Lead II|II\0",
            "II",
        ),
        ("V₁|V 1|v_1|V1 |ECG V1", "V1"),
        ("ECG Lead aVR|+aVR|aVR, derived", "aVR"),
    ],
)
def test_names_that_other_devices_use(names: str, lead: str) -> None:
    for name in names.split("|"):
        assert signed_lead(name) == (lead, 1), name


@pytest.mark.parametrize("lead", LEADS)
def test_the_sign_of_a_name_is_kept(lead: str) -> None:
    dashes = "-|–|—|−|\u2010|\u2011|－|﹣|- |(-)|Lead -|raw -|MDC_ECG_LEAD_-"
    dashes += "|minus |inverted |reversed |neg. "
    for written in [before + lead for before in dashes.split("|")]:
        assert signed_lead(written) == (lead, -1), written
        assert canonical_lead(written) is None
    for after in ("neg", "NEG", " (inverted)", " inv", "_neg", " (-)"):
        assert signed_lead(f"MDC_ECG_LEAD_{lead}{after}") == (lead, -1), after


@pytest.mark.parametrize(
    "name",
    [
        *("", "vx", "V7", "V10", "VII", "V", "MCL1", "MLII", "lead", "1", "ECG 2", "II2", "D4"),
        *("V1-V2", "I-II", "aVR-aVL", "V3R", "V4 R", "C1", "CM5", "aVF2", "xII", "IIx"),
        *("II+", "aVR-", "ECG - aVR", "--aVR", "-aVRneg", "inverted -II", "V1 (posterior)"),
        *("raw-aVR", "filtered–II", "raw - aVR", "(raw)-II", "uV - I", "_aVR", ".aVR"),
    ],
)
def test_other_names_are_none_of_the_twelve(name: str) -> None:
    assert signed_lead(name) is None
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

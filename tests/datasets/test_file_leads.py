from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets.file_leads import FileSignal, millivolts_per, twelve_leads
from acsbench.ecg.leads import LEADS, LIMB_LEADS, limb_leads
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError

Signals = dict[str, np.ndarray]


@pytest.fixture
def ecg() -> Signals:
    """Two seconds of twelve leads at 500 Hz in which Einthoven's relations hold."""
    rng = np.random.default_rng(0)
    eight = rng.normal(0, 0.1, (8, 1000)).cumsum(axis=1) * 0.3
    return dict(zip(LEADS, [*limb_leads(*eight[:2]), *eight[2:]], strict=True))


def read(signals: Signals, unit: str = "mV", rate: float = 500) -> Recording:
    return twelve_leads(
        Path("secret"), "a", [FileSignal(name, row, unit, rate) for name, row in signals.items()]
    )


def as_rows(ecg: Signals) -> np.ndarray:
    return np.stack([ecg[lead] for lead in LEADS])


def test_names_order_and_further_signals(ecg: Signals) -> None:
    signals = {"resp": np.full(10, 1e9), **{f"ECG {k}": v for k, v in reversed(ecg.items())}}
    found = [
        FileSignal(name, row, "mmHg" if name == "resp" else "mV", len(row) / 2)
        for name, row in signals.items()
    ]
    recording = twelve_leads(Path("secret"), "a", found)
    assert (recording.leads, recording.fs, recording.ecg_id) == (LEADS, 500, "a")
    np.testing.assert_allclose(recording.signal, as_rows(ecg), atol=1e-6)


@pytest.mark.parametrize("lead", LEADS)
def test_a_lead_of_opposite_sign(ecg: Signals, lead: str) -> None:
    expected = as_rows(ecg)
    ecg[f"–{lead}"] = -ecg.pop(lead)
    np.testing.assert_allclose(read(ecg).signal, expected, atol=1e-6)


def test_both_signs_of_a_lead(ecg: Signals) -> None:
    expected = as_rows(ecg)
    signals = ecg | {"-aVR": -ecg["aVR"] + 0.004}
    np.testing.assert_allclose(read(signals).signal, expected, atol=1e-6)
    with pytest.raises(DataError, match=r"aVR is there more than once.*: aVR, -aVR") as caught:
        read(ecg | {"-aVR": ecg["aVR"]})
    assert "secret" not in caught.value.message()
    assert "secret" in caught.value.message(show_ids=True)


@pytest.mark.parametrize("kept", [(a, b) for a in LIMB_LEADS for b in LIMB_LEADS if a < b])
def test_two_limb_leads_determine_the_others(ecg: Signals, kept: tuple[str, str]) -> None:
    expected = as_rows(ecg)
    ecg["V2"][3] = expected[7, 3] = np.nan
    signals = {name: row for name, row in ecg.items() if name in kept or name.startswith("V")}
    np.testing.assert_allclose(read(signals).signal, expected, atol=1e-5)


def test_missing_samples_of_the_sources_are_missing_in_derived_leads(ecg: Signals) -> None:
    ecg["II"][100:200] = np.nan
    ecg["aVF"] = np.full(1000, np.nan)
    del ecg["III"]
    recording = read(ecg)
    for lead in ("II", "III", "aVF"):
        assert np.isnan(recording.select([lead])[0, 100:200]).all()
        assert np.isfinite(recording.select([lead])[0, 200:]).all()
    assert np.isfinite(recording.select(["aVR"])).all()


def test_a_recorded_lead_is_not_replaced(ecg: Signals) -> None:
    ecg["III"] = ecg["III"] + 0.3
    np.testing.assert_allclose(read(ecg).select(["III"])[0], ecg["III"], atol=1e-6)


def test_missing_leads_are_named_with_what_was_found(ecg: Signals) -> None:
    ecg["MLII"], ecg["C5 x" * 20] = ecg.pop("V4"), ecg.pop("V5")
    del ecg["II"], ecg["III"], ecg["aVR"], ecg["aVL"], ecg["aVF"]
    words = r"lead II, III, aVR, aVL, aVF, V4, V5 is missing; found I, V1, .*, MLII, 'C5 x.*'"
    with pytest.raises(DataError, match=words) as caught:
        read(ecg)
    assert "C5 x" * 11 not in str(caught.value)
    with pytest.raises(DataError, match="found no signal"):
        read({})


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        *[("mV", 1), ("MV", 1), ("uV", 1e-3), ("µV", 1e-3), ("\u03bcV", 1e-3), ("V", 1e3)],
        *[("nV", 1e-6), ("millivolts", 1), ("MICROVOLTS", 1e-3), (" mV ", 1), ("volt", 1e3)],
        *[("mmHg", None), ("", None), ("uV/LSB", None), ("kV", None), ("ÂµV", None), ("?V", None)],
    ],
)
def test_units(unit: str, expected: float | None) -> None:
    assert millivolts_per(unit) == expected


def test_a_unit_that_is_no_voltage(ecg: Signals) -> None:
    with pytest.raises(DataError, match="lead I is in 'mmHg', which is not a voltage"):
        read(ecg, "mmHg")
    with pytest.raises(DataError, match="lead I is in an unknown unit"):
        read(ecg, "")


@pytest.mark.parametrize("unit", ["V", "nV"])
def test_amplitudes_are_checked(ecg: Signals, unit: str) -> None:
    with pytest.raises(DataError, match=r"lead I+ has .*: its unit or gain is wrong"):
        read(ecg, unit)


def test_leads_that_are_not_alike(ecg: Signals) -> None:
    signals = [FileSignal(name, row, "mV", 500) for name, row in ecg.items()]
    short = FileSignal("V6", ecg["V6"][:500], "mV", 250)
    with pytest.raises(DataError, match="sampling rates, Hz: 250, 500"):
        twelve_leads(Path("secret"), "a", [*signals[:-1], short])
    with pytest.raises(DataError, match="numbers of samples: 999, 1000"):
        read(ecg | {"V6": ecg["V6"][1:]})


def test_a_chest_lead_without_valid_sample(ecg: Signals) -> None:
    with pytest.raises(DataError, match="lead V6 has no valid sample"):
        read(ecg | {"V6": np.full(1000, np.nan)})


PULSE = np.r_[np.zeros(50), np.ones(100), np.zeros(50)]


@pytest.mark.parametrize("offset", [0.0, 1.5])
@pytest.mark.parametrize("noise", [0.0, 0.004])
@pytest.mark.parametrize("lacking", [(), ("III", "aVR", "aVL", "aVF")])
@pytest.mark.parametrize("derived_by_the_device", [False, True])
def test_calibration_pulses_are_cut_off(
    ecg: Signals,
    offset: float,
    noise: float,
    lacking: tuple[str, ...],
    derived_by_the_device: bool,
) -> None:
    expected = as_rows(ecg) + offset * np.arange(12)[:, None]
    rng = np.random.default_rng(1)
    pulses = np.tile(PULSE, (12, 1)) + rng.normal(0, noise, (12, 200)).clip(-0.009, 0.009)
    if derived_by_the_device:
        pulses[:6] = limb_leads(*pulses[:2])
    pulses += offset * np.arange(12)[:, None]
    for parts in ([pulses, expected], [expected, pulses], [pulses, expected, pulses]):
        whole = dict(zip(LEADS, np.hstack(parts), strict=True))
        signal = read({k: v for k, v in whole.items() if k not in lacking}).signal
        assert 990 <= signal.shape[1] <= 1000
        if not (lacking and offset):
            difference = min(
                np.abs(signal - expected[:, first : first + signal.shape[1]]).max()
                for first in range(1001 - signal.shape[1])
            )
            assert difference < 1e-5


@pytest.mark.parametrize(
    "shared",
    [
        np.zeros(200),  # no pulse
        np.r_[np.zeros(50), np.full(100, 0.5), np.zeros(50)],  # another height
        np.r_[np.zeros(50), np.ones(3), np.zeros(50)],  # a pacemaker's
        np.linspace(0, 1, 200),  # not rectangular
        np.sin(np.arange(200) / 10) / 2,
    ],
)
def test_what_all_leads_share_but_is_no_calibration_stays(ecg: Signals, shared: np.ndarray) -> None:
    signal = read({name: np.r_[shared, row] for name, row in ecg.items()}).signal
    assert signal.shape[1] == 1000 + len(shared)


def test_a_pulse_that_one_lead_lacks_stays(ecg: Signals) -> None:
    signals = {name: np.r_[PULSE * (name != "V3"), row] for name, row in ecg.items()}
    assert read(signals).signal.shape[1] == 1200


def test_a_lead_that_was_not_recorded_hides_no_pulse(ecg: Signals) -> None:
    signals = {name: np.r_[PULSE, row] for name, row in ecg.items()}
    signals["I"] = np.full(1200, np.nan)
    signal = read(signals).signal
    assert 990 <= signal.shape[1] <= 1000
    expected = as_rows(ecg)[:, 1000 - signal.shape[1] :]
    np.testing.assert_allclose(signal, expected, atol=1e-5)


def test_a_test_signal_is_not_cut_away() -> None:
    squares = np.tile(PULSE, 5)
    assert read(dict.fromkeys(LEADS, squares)).signal.shape[1] == 1000

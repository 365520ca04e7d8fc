import numpy as np
import pytest

from acsbench.ecg.amplitude import implausible_amplitude
from acsbench.ecg.recording import Recording


@pytest.mark.parametrize(
    ("factor", "offset", "words"),
    [
        (1, 0, None),
        (1, 300, None),  # direct-coupled
        (0.05, 0, None),
        (20, -300, None),
        (1000, 0, "beyond 30 mV from its median"),
        (1e-3, 0, "below 0.01 mV"),
        (1e-3, 100, "below 0.01 mV"),
        (1, 501, "an offset beyond 500 mV"),
        (1, -501, "an offset beyond 500 mV"),
        (np.inf, 0, "infinite"),
    ],
)
def test_amplitudes_are_judged_about_the_offset(
    noise_recording: Recording, factor: float, offset: float, words: str | None
) -> None:
    signal = noise_recording.signal.astype(float) * factor + offset
    signal[4] = np.nan
    signal[:, 100] = np.nan
    found = implausible_amplitude(signal)
    assert words in found[1] if words and found else found is words


def test_the_lead_is_named_and_flat_leads_are_plausible(noise_recording: Recording) -> None:
    signal = noise_recording.signal.astype(float)
    signal[7, 40] = -31
    assert implausible_amplitude(signal) == (7, "has samples beyond 30 mV from its median")
    assert implausible_amplitude(np.zeros((12, 100))) is None
    assert implausible_amplitude(np.full((12, 100), np.nan)) is None

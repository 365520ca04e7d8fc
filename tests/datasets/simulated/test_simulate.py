from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import find_peaks

from acsbench.datasets.simulated.noise import Noise, noise_leads
from acsbench.datasets.simulated.person import Conduction, Person
from acsbench.datasets.simulated.population import simulate_patients, waveform_rng
from acsbench.datasets.simulated.rhythm import Rhythm, RhythmKind, beat_times
from acsbench.datasets.simulated.simulate import EcgParameters, simulate_recording
from acsbench.ecg.leads import LEADS, einthoven_residual

NOISE = Noise(wander=0.02, muscle=0.005, mains=0.003, hiss=0.002)


def peaks(recording, lead="II"):
    """R peaks of a quiet recording, s."""
    signal = recording.signal[LEADS.index(lead)]
    found, _ = find_peaks(signal, height=0.6 * signal.max(), distance=round(0.25 * recording.fs))
    return found / recording.fs


def test_every_kind_of_ecg_obeys_einthoven_to_a_microvolt():
    _, parameters = simulate_patients(60, seed=3)
    assert {p.person.conduction for p in parameters} > {Conduction.NORMAL}
    for index, ecg in enumerate(parameters):
        recording = simulate_recording(ecg, waveform_rng(3, index))
        assert recording.ecg_id == ecg.ecg_id
        assert recording.signal.shape == (12, 5000)
        assert np.isfinite(recording.signal).all()
        assert einthoven_residual(recording.signal[:6]).max() < 0.001
        assert np.abs(recording.signal).max() < 6


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    ecg = EcgParameters(noise=NOISE)
    first, second, other = (simulate_recording(ecg, seed).signal for seed in (5, 5, 6))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()
    generator = simulate_recording(ecg, np.random.default_rng(5)).signal
    assert first.tobytes() == generator.tobytes()


@pytest.mark.parametrize("rate", [45, 70, 100, 140])
def test_the_rate_is_as_asked(rate):
    recording = simulate_recording(EcgParameters(rhythm=Rhythm(rate=rate)), seed=1, duration=30)
    assert 60 / np.diff(peaks(recording)).mean() == pytest.approx(rate, rel=0.04)


def test_length_and_sampling_rate_are_as_asked():
    recording = simulate_recording(EcgParameters(noise=NOISE), seed=1, fs=360, duration=7.5)
    assert recording.signal.shape == (12, 2700)
    assert recording.fs == 360
    slow = simulate_recording(EcgParameters(), seed=1, fs=250)
    fast = simulate_recording(EcgParameters(), seed=1, fs=1000)
    np.testing.assert_allclose(slow.signal, fast.signal[:, ::4], atol=1e-4)


def test_sinus_arrhythmia_is_smaller_than_the_irregularity_of_fibrillation():
    def variation(rhythm):
        rr = np.diff(beat_times(rhythm, 60, np.random.default_rng(2)).r)
        return rr.std() / rr.mean()

    sinus = variation(Rhythm(rate=80))
    assert 0.005 < sinus < 0.06
    assert variation(Rhythm(RhythmKind.FIBRILLATION, rate=80)) > 0.12
    assert variation(Rhythm(RhythmKind.PACED, rate=80)) == pytest.approx(0, abs=1e-9)


def p_amplitude(rhythm):
    """Mean of lead II over the PR interval less the baseline before, on beats averaged."""
    ecg = EcgParameters(rhythm=replace(rhythm, rate=60))
    recording = simulate_recording(ecg, seed=4, duration=60)
    lead = recording.signal[1]
    starts = [round(r * 500) for r in peaks(recording) if r > 0.5]
    mean = np.mean([lead[s - 150 : s] for s in starts], axis=0)
    return mean[60:100].max() - mean[100:125].mean()


def test_fibrillation_has_no_p_but_fibrillation_waves():
    assert p_amplitude(Rhythm()) > 0.06
    assert p_amplitude(Rhythm(RhythmKind.FIBRILLATION, f_amplitude=0.0)) < 0.02
    still = EcgParameters(rhythm=Rhythm(RhythmKind.FIBRILLATION, f_amplitude=0.0))
    rough = EcgParameters(rhythm=Rhythm(RhythmKind.FIBRILLATION, f_amplitude=0.05, f_rate=6.0))
    waves = simulate_recording(rough, 8).signal - simulate_recording(still, 8).signal
    power = np.abs(np.fft.rfft(waves[LEADS.index("V1")])) ** 2
    frequency = np.fft.rfftfreq(waves.shape[1], 1 / 500)
    assert 4.5 < frequency[power.argmax()] < 7.5
    assert waves[LEADS.index("V1")].std() > waves[LEADS.index("V6")].std()


def test_ectopic_beats_are_early_wide_and_followed_by_a_pause():
    rhythm = Rhythm(
        rate=60, ectopic_share=0.1, respiratory_arrhythmia=0, slow_arrhythmia=0, jitter=0
    )
    times = beat_times(rhythm, 60, np.random.default_rng(1))
    at = np.flatnonzero(times.ectopic[1:-1]) + 1
    assert len(at) >= 3
    rr = np.diff(times.r)
    assert (rr[at - 1] < 0.8).all()
    np.testing.assert_allclose(rr[at - 1] + rr[at], 2.0)
    quiet = simulate_recording(EcgParameters(rhythm=rhythm), 1).signal
    assert not np.allclose(
        quiet, simulate_recording(EcgParameters(rhythm=replace(rhythm, ectopic_share=0)), 1).signal
    )


def test_qt_grows_with_rr():
    def t_peak(rate):
        rhythm = Rhythm(rate=rate, respiratory_arrhythmia=0, slow_arrhythmia=0, jitter=0)
        recording = simulate_recording(EcgParameters(rhythm=rhythm), 1)
        start = round(peaks(recording)[2] * 500)
        return (60 + recording.signal[LEADS.index("V4"), start + 60 : start + 210].argmax()) / 500

    onset = 0.046
    ratio = (t_peak(50) + onset) / (t_peak(90) + onset)
    assert ratio == pytest.approx((90 / 50) ** (1 / 3), rel=0.03)


def test_noise_has_the_size_asked_for_and_silence_is_silent():
    rng = np.random.default_rng(0)
    assert not noise_leads(Noise(), 5000, 500, 0.25, rng).any()
    for kind, low, high in (("wander", 0.02, 0.6), ("muscle", 5, 200), ("mains", 49, 51)):
        drawn = np.stack(
            [noise_leads(Noise(**{kind: 0.02}), 5000, 500, 0.25, rng) for _ in range(40)]
        )
        # Lead I is the difference of two electrodes.
        size = 0.02 if kind == "mains" else 0.02 * np.sqrt(2)
        assert np.sqrt((drawn[:, 0] ** 2).mean()) == pytest.approx(size, rel=0.5)
        spectrum = (np.abs(np.fft.rfft(drawn * np.hanning(5000))) ** 2).mean(axis=(0, 1))
        frequency = np.fft.rfftfreq(5000, 1 / 500)
        inside = (frequency >= low - 0.2) & (frequency <= high + 0.2)
        assert spectrum[inside].sum() > 0.95 * spectrum.sum()


@pytest.mark.parametrize("rate", [10, 300])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="heart rate"):
        Rhythm(rate=rate)


@pytest.mark.parametrize("wrong", [{"fs": 50}, {"duration": 0}])
def test_impossible_recordings_are_refused(wrong):
    with pytest.raises(ValueError, match="needed"):
        simulate_recording(EcgParameters(), 1, **wrong)


def test_a_person_is_plain_data():
    assert Person() == Person()
    assert EcgParameters() == EcgParameters()

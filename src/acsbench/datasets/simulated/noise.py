"""Noise: baseline wander, muscle, mains.

Noise arises at the electrodes, so the limb leads of noise obey Einthoven as those of the heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acsbench.datasets.simulated.dipole import Array

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")

LEADS_FROM_ELECTRODES = np.zeros((8, len(ELECTRODES)))
"""I, II and V1–V6 (against Wilson's terminal) from the electrodes, shape (8, 9)."""
LEADS_FROM_ELECTRODES[0, :2] = -1, 1
LEADS_FROM_ELECTRODES[1, [0, 2]] = -1, 1
LEADS_FROM_ELECTRODES[2:, :3] = -1 / 3
LEADS_FROM_ELECTRODES[2:, 3:] = np.eye(6)

WANDER_WAVES = 5
MUSCLE_BAND = (15.0, 120.0)
"""Half-power edges of muscle noise after the recorder's low-pass, Hz."""


@dataclass(frozen=True)
class Noise:
    """Noise of one recording; the defaults are silence.

    Args:
        wander: root mean square of baseline wander at an electrode, mV.
        muscle: the same for muscle noise, mV.
        mains: amplitude of mains hum at an electrode, mV.
        mains_frequency: Hz.
        hiss: white noise of the recorder per lead, mV.
    """

    wander: float = 0.0
    muscle: float = 0.0
    mains: float = 0.0
    mains_frequency: float = 50.0
    hiss: float = 0.0


def draw_noise(rng: np.random.Generator) -> Noise:
    """Draw the noise of one recording: mostly little, sometimes a lot."""
    return Noise(
        wander=float(0.02 * np.exp(rng.normal(0, 0.6))),
        muscle=float(0.005 * np.exp(rng.normal(0, 0.7))),
        mains=float(0.002 * np.exp(rng.normal(0, 0.9))),
        mains_frequency=float(rng.choice([50.0, 60.0])),
        hiss=0.002,
    )


def noise_leads(
    noise: Noise, samples: int, fs: float, respiration: float, rng: np.random.Generator
) -> Array:
    """Draw noise in I, II and V1–V6.

    Args:
        noise: how much of what.
        samples: number of samples.
        fs: sampling rate, Hz.
        respiration: breaths per second; part of the wander follows them.
        rng: random generator.

    Returns:
        Shape (8, samples), mV.
    """
    # Electrodes are mixed to leads before the long arrays are made: 8 rows, not 9, of each.
    clock = np.arange(samples) / fs
    leads = _slow_noise(noise, clock, respiration, rng)
    # Muscles tense and relax: the level swings over some seconds.
    swing, phase = rng.uniform([0.05, 0], [0.3, 2 * np.pi])
    tension = 1 + 0.6 * np.sin(2 * np.pi * swing * clock + phase)
    leads += _muscle_noise(noise, samples, fs, rng) * tension
    if noise.hiss:
        leads += np.float32(noise.hiss) * rng.standard_normal(leads.shape, dtype=np.float32)
    return leads


def _slow_noise(noise: Noise, clock: Array, respiration: float, rng: np.random.Generator) -> Array:
    """Wander and hum as sinusoids of common frequencies, mixed for each electrode."""
    wander = np.append(rng.uniform(0.03, 0.5, WANDER_WAVES), respiration)
    frequencies = np.append(wander, noise.mains_frequency)
    # Slow drift is larger than fast, about as the inverse of its frequency.
    weights = 1 / np.maximum(wander, 0.08)
    weights[-1] = weights[:-1].max()
    mix = rng.standard_normal((len(ELECTRODES), 2, len(frequencies)))
    mix[:, :, :-1] *= noise.wander * weights / np.sqrt((weights**2).sum())
    mix[:, :, -1] *= noise.mains / np.sqrt(2)
    # Whole turns are dropped first: single precision is then exact enough, and far faster.
    turns = frequencies[:, None] * clock
    angles = (2 * np.pi * (turns - np.floor(turns))).astype(np.float32)
    basis = np.concatenate([np.sin(angles), np.cos(angles)])
    mixed = (LEADS_FROM_ELECTRODES @ mix.reshape(len(ELECTRODES), -1)).astype(np.float32) @ basis
    slow: Array = mixed.astype(np.float64)
    return slow


def _muscle_noise(noise: Noise, samples: int, fs: float, rng: np.random.Generator) -> Array:
    """Muscle noise in the leads, of another level at each electrode, shape (8, samples)."""
    levels = noise.muscle * np.exp(rng.normal(0, 0.5, len(ELECTRODES)))
    frequency = np.fft.rfftfreq(samples, 1 / fs)
    low, high = MUSCLE_BAND
    power = (frequency / low) ** 2 / (1 + (frequency / low) ** 2) / (1 + (frequency / high) ** 6)
    # Scaled so that an electrode's variance is its level squared whatever the rate and length.
    power *= samples**2 / (4 * power.sum())
    parts = rng.standard_normal((len(ELECTRODES), len(frequency) * 2), dtype=np.float32)
    mixed = ((LEADS_FROM_ELECTRODES * levels).astype(np.float32) @ parts).view(np.complex64)
    muscle: Array = np.fft.irfft(mixed * np.sqrt(power).astype(np.float32), samples, axis=-1)
    return muscle

"""Can an ECG be read? Missing, flat, clipped, noisy and swapped leads, an implausible rate.

Limits were set on PTB-XL (Wagner et al., Sci Data 7:154, 2020, CC BY 4.0) so that few of its
ECGs exceed them. All of it works at about 125 Hz, which shows what is asked for, and on many
ECGs at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from acsbench.ecg.leads import LEADS
from acsbench.ecg.noise import BLOCK, PER_DEVIATION, noisy_blocks
from acsbench.ecg.printed import COLUMNS, ROWS, STRIPS, PrintedPage
from acsbench.ecg.recording import Recording

REASONS = ("missing", "flat", "clipped", "noisy", "swapped", "rate")
"""What can be wrong with an ECG; the first four with single leads."""

LEAST_RECORDED = 0.5
"""Share of a lead below which it is missing."""
FLAT_RANGE = 0.0075
"""mV within a block; one step of the digitisation, and no more."""
FLAT_SECONDS = 1.6
"""Longer than any pause between the waves of two beats at 40 per minute."""
CLIPPED_SECONDS = 0.024
"""At exactly the largest (or smallest) value, for at least two samples each time."""
CLIPPED_JUMP = 0.05
"""mV from the sample before: what drifts to its largest value and rests there is not clipped."""
CLIPPED_HEIGHT = 0.15
"""mV from the median, which a rail is away and an isoelectric line is not."""
NOISE = 0.03
"""mV, the standard deviation of fast noise all the time; 0.7 % of PTB-XL's leads have more."""
NOISY_SECONDS = 1.0
"""So long a lead is noisy in part; see `acsbench.ecg.noise`."""
WANDER = 2.0
"""mV between the highest and the lowest mean of a second."""
REVERSED = -0.4
"""Correlation with V6 (V5 on a print) of a limb lead that points away from it."""
RATES = (25.0, 240.0)
"""Plausible heart rates, beats per minute."""
SWAPS = {"I": "RA/LA", "II": "RA/LL"}
"""The exchange of electrodes that reverses each lead."""

_RATE = 125.0  # Hz
_BLOCK = 0.2  # s
_QUIET = 0.25  # quantile of blocks: those without a QRS complex, even at 150 beats per minute
_BEAT = 0.4  # of the height of a typical beat's energy
_EDGE = 5e-4  # mV


@dataclass(frozen=True)
class Quality:
    """How far an ECG can be read.

    Args:
        score: from 0 to 1: the mean over the leads (and strips) of the share that was recorded
            without noise, 0 for one that is faulty all the time; halved by a swap, and by an
            implausible rate.
        faults: leads, exchanged electrodes or nothing, by reason.
        noisy_seconds: how long each lead is noisy that is so in part, s. The rate rests on the
            other seconds.
    """

    score: float
    faults: Mapping[str, tuple[str, ...]]
    noisy_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def reasons(self) -> str:
        """The faults in one line, such as `noisy(V1,V2) rate`; empty if there is none."""
        return " ".join(
            f"{reason}({','.join(places)})" if places else reason
            for reason, places in self.faults.items()
        )


@dataclass(frozen=True, eq=False)
class Overview:
    """An ECG at about 125 Hz; use `overview`.

    Args:
        names: of the leads, in the order of `parts`.
        parts: signals of one length each, shape (leads, samples), mV, NaN where nothing was
            recorded: all leads of a recording; quarters and strips of a page. The last shows
            the rhythm.
        watched: lead I, lead II, and the chest lead that they should go along with, at the same
            time, shape (3, samples).
        rate: Hz.
    """

    names: tuple[str, ...]
    parts: tuple[NDArray[np.float32], ...]
    watched: NDArray[np.float32]
    rate: float


def overview(ecg: Recording | PrintedPage) -> Overview:
    """What judging an ECG takes, a fraction of its size."""
    step = max(1, round(ecg.fs / _RATE))
    if isinstance(ecg, Recording):
        signal = np.full((len(LEADS), -(-ecg.signal.shape[1] // step)), np.nan, dtype=np.float32)
        signal[[LEADS.index(lead) for lead in ecg.leads]] = ecg.signal[:, ::step]
        watched = signal[[LEADS.index(lead) for lead in (*SWAPS, "V6")]]
        return Overview(LEADS, (signal,), watched, ecg.fs / step)
    length = ecg.raw.shape[1] // COLUMNS
    quarters = np.concatenate(
        [
            ecg.raw[ROWS * place : ROWS * (place + 1), place * length : (place + 1) * length : step]
            for place in range(COLUMNS)
        ]
    ).astype(np.float32)
    strips = ecg.raw[len(LEADS) :, ::step].astype(np.float32)
    # V6 is printed at another time than I and II; the strip of V5 is there all the time.
    watched = np.stack(
        [
            *(quarters[LEADS.index(lead)] for lead in SWAPS),
            strips[STRIPS.index("V5"), : quarters.shape[1]],
        ]
    )
    names = (*LEADS, *(f"{name} strip" for name in STRIPS))
    return Overview(names, (quarters, strips), watched, ecg.fs / step)


def assess_quality(ecgs: Sequence[Overview]) -> list[Quality]:
    """Judge each ECG by itself, as it was recorded.

    A reversal of the limb leads is seen from lead I (right arm and left arm) or lead II (right
    arm and left leg) that points away from V6, which a heart on the right side or a strong
    right axis deviation does as well. Left arm and left leg, or two chest electrodes, exchanged
    for one another are not noticed.

    Args:
        ecgs: overviews of recordings or printed pages, before any filter.

    Returns:
        Score and faults of each.
    """
    judged: list[Quality | None] = [None] * len(ecgs)
    kinds: dict[tuple[object, ...], list[int]] = {}
    for number, ecg in enumerate(ecgs):
        kind = (ecg.names, ecg.rate, *(part.shape for part in ecg.parts))
        kinds.setdefault(kind, []).append(number)
    for numbers in kinds.values():
        for number, quality in zip(numbers, _assess([ecgs[n] for n in numbers]), strict=True):
            judged[number] = quality
    return [quality for quality in judged if quality is not None]


def _assess(ecgs: Sequence[Overview]) -> list[Quality]:
    """Judge ECGs of one kind."""
    names, rate = ecgs[0].names, ecgs[0].rate
    signals = [
        np.stack([ecg.parts[number] for ecg in ecgs]) for number in range(len(ecgs[0].parts))
    ]
    blocks = [noisy_blocks(signal, rate) for signal in signals]
    parts = [_faults_of_leads(signal, rate) for signal in signals]
    recorded = np.concatenate([recorded for recorded, _ in parts], axis=1)
    faulty = {
        reason: np.concatenate([found[reason] for _, found in parts], axis=1)
        for reason in parts[0][1]
    }
    lost = np.any(list(faulty.values()), axis=0)
    noisy = np.concatenate([found.mean(axis=2) for found in blocks], axis=1)
    seconds = np.concatenate([BLOCK * np.count_nonzero(found, axis=2) for found in blocks], axis=1)
    in_part = (seconds >= NOISY_SECONDS) & ~lost
    faulty["noisy"] = faulty["noisy"] | in_part
    clean = np.where(in_part, np.maximum(recorded - noisy, 0.0), recorded)
    good = np.where(lost, 0.0, clean).mean(axis=1)
    swaps = _swaps(np.stack([ecg.watched for ecg in ecgs]))
    rates = _beats_per_minute(signals[-1], blocks[-1], rate)
    judged = []
    for number, (score, swap, beats) in enumerate(zip(good.tolist(), swaps, rates, strict=True)):
        faults: dict[str, tuple[str, ...]] = {
            reason: tuple(names[row] for row in np.flatnonzero(rows[number]))
            for reason, rows in faulty.items()
            if rows[number].any()
        }
        if swap:
            faults["swapped"] = (swap,)
        if not RATES[0] <= beats <= RATES[1]:
            faults["rate"] = ()
        halved = ("swapped" in faults) + ("rate" in faults)
        noisy_seconds = {
            names[row]: round(float(seconds[number, row]), 1)
            for row in np.flatnonzero(in_part[number])
        }
        judged.append(Quality(score / 2**halved, faults, noisy_seconds))
    return judged


def _faults_of_leads(
    signal: NDArray[np.float32], rate: float
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.bool_]]]:
    """Share that was recorded, and which leads have which fault, all of shape (ECGs, leads).

    Args:
        signal: shape (ECGs, leads, samples), mV with NaN.
        rate: Hz.
    """
    block = max(2, round(_BLOCK * rate))
    blocks = signal.shape[2] // block
    # Samples of a block first: a sum over a short last axis takes several times as long.
    cut = signal[..., : blocks * block].reshape(*signal.shape[:2], blocks, block)
    cut = np.moveaxis(cut, 3, 0).copy()
    # NaN stays NaN in all that follows: where it is, a block says nothing.
    largest, smallest, means = cut.max(axis=0), cut.min(axis=0), cut.mean(axis=0)
    flat = largest - smallest <= FLAT_RANGE
    run = min(blocks, round(FLAT_SECONDS / _BLOCK))
    runs = np.lib.stride_tricks.sliding_window_view(flat, run, axis=2)
    bends = np.abs(cut[2:] - 2 * cut[1:-1] + cut[:-2]).mean(axis=0)
    noise = _of_known(bends, _QUIET) / PER_DEVIATION
    seconds = np.arange(0, blocks, round(1 / _BLOCK))
    drift = np.add.reduceat(means, seconds, axis=2) / np.diff([*seconds, blocks])
    wander = np.fmax.reduce(drift, axis=2) - np.fmin.reduce(drift, axis=2)
    level = _of_known(means, 0.5)
    recorded = np.isfinite(signal).mean(axis=2)
    missing = recorded < LEAST_RECORDED
    is_flat = np.logical_and.reduce(runs, axis=3).any(axis=2) & ~missing
    highest, lowest = np.fmax.reduce(largest, axis=2), np.fmin.reduce(smallest, axis=2)
    long = CLIPPED_SECONDS * rate
    held = np.zeros(signal.shape[:2], dtype=bool)
    for sign, edge, at_edge in (
        (1, highest, signal >= (highest - _EDGE)[..., None]),
        (-1, lowest, signal <= (lowest + _EDGE)[..., None]),
    ):
        lasting = np.count_nonzero(at_edge, axis=2) > long
        # Few leads come so far: the rest of the test takes longer.
        for ecg, lead in np.argwhere(lasting & (sign * (edge - level) > CLIPPED_HEIGHT)):
            held[ecg, lead] |= _is_held(sign * signal[ecg, lead], long)
    return recorded, {
        "missing": missing,
        "flat": is_flat,
        "clipped": held & ~missing & ~is_flat,
        "noisy": ((noise > NOISE) | (wander > WANDER)) & ~missing,
    }


def _is_held(lead: NDArray[np.float32], long: float) -> bool:
    """Whether a lead jumps to its largest value and stays there, for so many samples in all."""
    largest = np.fmax.reduce(lead)
    at_edge = lead >= largest - _EDGE
    stays = at_edge[1:-1] & at_edge[2:]
    jumps = lead[:-2] < largest - CLIPPED_JUMP
    return bool(stays.sum() >= long and (stays & jumps).any())


def _of_known(values: NDArray[np.float32], quantile: float) -> NDArray[np.float32]:
    """A quantile of what is not NaN, along the last axis; NaN where there is nothing."""
    known = np.count_nonzero(np.isfinite(values), axis=-1, keepdims=True)
    place = (quantile * np.maximum(known - 1, 0)).astype(np.int64)
    ordered = np.sort(values, axis=-1)  # NaN goes to the end
    return np.take_along_axis(ordered, place, axis=-1)[..., 0]


def _swaps(watched: NDArray[np.float32]) -> list[str | None]:
    """The exchange of electrodes that a reversed limb lead tells of, if any, of each ECG.

    Args:
        watched: lead I, lead II and the chest lead, shape (ECGs, 3, samples).
    """
    slopes = np.diff(watched, axis=2)
    # A gap in one lead is left out of all.
    slopes = np.where(np.isnan(slopes).any(axis=1, keepdims=True), np.float32(0), slopes)
    limb, chest = slopes[:, :2], slopes[:, 2:]
    power = (limb**2).sum(axis=2) * (chest**2).sum(axis=2)
    correlation = (limb * chest).sum(axis=2) / np.sqrt(np.maximum(power, 1e-12))
    kinds = list(SWAPS.values())
    worst = correlation.argmin(axis=1)
    return [
        kinds[place] if row[place] < REVERSED else None
        for row, place in zip(correlation, worst, strict=True)
    ]


def _beats_per_minute(
    signal: NDArray[np.float32], noisy: NDArray[np.bool_], rate: float
) -> list[float]:
    """Mean heart rate from the bends of all leads; NaN if there are not three beats.

    Args:
        signal: shape (ECGs, leads, samples), mV with NaN.
        noisy: which blocks of it are noise, shape (ECGs, leads, blocks).
        rate: Hz.
    """
    bend = np.abs(signal[..., 2:] - 2 * signal[..., 1:-1] + signal[..., :-2])
    bend = np.where(np.isnan(bend), np.float32(0), bend)
    disturbed = np.flatnonzero(noisy.any(axis=(1, 2)))
    hidden = np.zeros((len(signal), bend.shape[2]), dtype=bool)
    if len(disturbed):
        width = max(3, round(BLOCK * rate))
        place = np.minimum(np.arange(bend.shape[2]) // width, noisy.shape[2] - 1)
        left_out = noisy[disturbed][..., place]
        hidden[disturbed] = (left_out | np.isnan(signal[disturbed][..., 1:-1])).all(axis=1)
        bend[disturbed] = np.where(left_out, np.float32(0), bend[disturbed])
    weights = 1 / np.maximum(bend.mean(axis=2, keepdims=True), _EDGE)
    width = max(1, round(0.1 * rate))
    energy = uniform_filter1d((bend * weights).sum(axis=1), width, axis=1)
    starts = np.arange(0, energy.shape[1], round(2 * rate))
    largest = np.maximum.reduceat(energy, starts, axis=1)
    typical = np.median(largest, axis=1, keepdims=True)
    for ecg in disturbed:
        known = largest[ecg][np.logical_or.reduceat(~hidden[ecg], starts)]
        typical[ecg] = np.median(known) if len(known) else np.inf
    # What is less than a tenth of a second apart belongs to one beat.
    high = maximum_filter1d(energy, width, axis=1) > _BEAT * typical
    begins = high[:, 1:] & ~high[:, :-1]
    beats = np.count_nonzero(begins, axis=1)
    first, last = begins.argmax(axis=1), begins.shape[1] - 1 - begins[:, ::-1].argmax(axis=1)
    between = (last - first) / np.maximum(beats - 1, 1)
    for ecg in disturbed:
        # An interval over noise in all leads may hide a beat.
        at = np.flatnonzero(begins[ecg])
        lost = np.cumsum(hidden[ecg])[at]
        seen = np.diff(at)[np.diff(lost) == 0]
        beats[ecg] = len(seen) + 1
        between[ecg] = seen.mean() if len(seen) else 0.0
    return np.where(beats > 2, 60 * rate / np.maximum(between, 1), np.nan).tolist()

"""The waveform groups of a clinical file, joined into one recording.

A file may have several: the recorded rhythm and an averaged beat, four successive groups of three
leads, or short groups and a long rhythm strip.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.leads import CHEST_LEADS, LIMB_LEADS, signed_lead
from acsbench.errors import DataError

Samples = NDArray[np.float64]

SHORTEST = 2.0
"""Next to a longer group, a group of fewer seconds is an averaged beat, whatever its label."""

MOST = 2**25
"""Most samples of all leads to join: a quarter of a gibibyte."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A lead over the time in which it was recorded.

    Attributes:
        name: of the lead, as in the file.
        samples: shape (samples,), in `unit`, NaN where missing.
        unit: mV for a voltage, or as in the file.
        fs: sampling rate, Hz.
        start: time of the first sample, s, from a common origin of all strips of the file; None
            if unknown.
    """

    name: str
    samples: Samples
    unit: str
    fs: float
    start: float | None = None

    @property
    def lead(self) -> tuple[str, int] | None:
        """The standard lead and its sign, or None for another signal."""
        return signed_lead(self.name)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.fs


@dataclass(frozen=True, eq=False)
class Group:
    """Leads that a file stores together.

    Attributes:
        strips: the leads.
        kind: `averaged` for a median or representative beat, `derived` for other computed
            waveforms, `original` for recorded ones.
    """

    strips: tuple[Strip, ...]
    kind: Literal["original", "derived", "averaged"] = "original"

    @property
    def seconds(self) -> float:
        """Length of the shortest lead, seconds."""
        return min(strip.seconds for strip in _leads(self.strips) or self.strips)


def joined(groups: Sequence[Group]) -> tuple[Strip, ...]:
    """The leads of the recorded ECG, all of one rate, start and length.

    The ECG is the longest original group with V1 to V6 and at least two limb leads. Without one,
    all original groups are placed by their time offsets: a lead is NaN where it was not recorded,
    and the longer of two overlapping strips of a lead is used.

    Args:
        groups: of one file.

    Returns:
        One strip per lead; two if the file has a lead twice over the same time. Other signals may
        follow.

    Raises:
        DataError: there is no recorded waveform; or groups with different leads have different
            rates, or missing or distant time offsets.
    """
    chosen = _chosen(groups)
    signals = tuple(strip for group in chosen for strip in group.strips)
    strips = _leads(signals)
    for group in groups:
        if group.kind != "averaged" and group.seconds >= SHORTEST and group not in chosen:
            warn(
                f"a further waveform of an ECG file is not used ({group.kind}, "
                f"{len(group.strips)} leads, {group.seconds:g} s)"
            )
    if not strips:
        return signals
    rates = sorted({strip.fs for strip in strips})
    if len(rates) > 1:
        found = " and ".join(f"{rate:g}" for rate in rates)
        raise DataError(
            f"its leads have different sampling rates: {found} Hz",
            fix="Export the ECG again with one rate for all leads",
        )
    starts = {strip.start for strip in strips}
    lengths = sorted({len(strip.samples) for strip in strips})
    if len(chosen) == 1 and len(starts) == 1:
        if len(lengths) == 1:
            return signals
        if len({strip.lead for strip in strips}) == len(strips):
            found = ", ".join(map(str, lengths))
            raise DataError(
                f"its leads differ in their numbers of samples: {found}",
                fix="The file is damaged; export the ECG again",
            )
    elif None in starts and is_complete(chosen):
        raise DataError(
            f"its leads were not recorded together ({len(chosen)} waveform groups), and the file "
            "does not say when each of them begins",
            fix="Export the ECG with the time offset of each group, or with all leads in one group",
        )
    return _placed(strips)


def warn(message: str) -> None:
    """Warn about a file; the message must contain neither an id nor a value."""
    warnings.warn(message, UserWarning, stacklevel=2)


def _chosen(groups: Sequence[Group]) -> list[Group]:
    """The groups that make up the recorded ECG."""
    recorded = [group for group in groups if group.kind == "original"]
    if not recorded:
        recorded = [g for g in groups if g.kind == "derived" and g.seconds >= SHORTEST]
        if not recorded:
            raise DataError(
                "it has no recorded waveform" + (", only averaged beats" if groups else ""),
                fix="Export the ECG again with its rhythm waveform",
            )
        warn("an ECG file has derived waveforms only; they are read as the ECG")
    recorded = [group for group in recorded if group.seconds >= SHORTEST] or recorded
    complete = [group for group in recorded if is_complete([group])]
    if complete:
        return [max(complete, key=lambda group: group.seconds)]
    by_rate: dict[float, list[Group]] = {}
    for group in recorded:
        by_rate.setdefault(group.strips[0].fs, []).append(group)
    complete_at = [alike for alike in by_rate.values() if is_complete(alike)]
    return complete_at[0] if len(complete_at) == 1 else recorded


def _leads(strips: Sequence[Strip]) -> list[Strip]:
    """Those of the twelve leads, of either sign."""
    return [strip for strip in strips if strip.lead is not None]


def is_complete(groups: Sequence[Group]) -> bool:
    """Whether groups have all leads together, or enough to derive the others."""
    leads = {strip.lead for group in groups for strip in group.strips}
    names = {lead[0] for lead in leads if lead is not None}
    # Two limb leads determine the others.
    return names >= set(CHEST_LEADS) and len(names & set(LIMB_LEADS)) >= 2


def _placed(strips: Sequence[Strip]) -> tuple[Strip, ...]:
    """Leads of one rate on a common time axis.

    A lead that is recorded twice over the same time remains twice.
    """
    fs = strips[0].fs
    zero = min(strip.start or 0.0 for strip in strips)
    places = [round(((strip.start or 0.0) - zero) * fs) for strip in strips]
    ends = [place + len(strip.samples) for place, strip in zip(places, strips, strict=True)]
    length = max(ends)
    recorded: dict[int, int] = {}
    for place, strip in zip(places, strips, strict=True):
        recorded[place] = max(recorded.get(place, 0), len(strip.samples))
    if length > 2 * sum(recorded.values()) or length * len(strips) > MOST:
        raise DataError(
            f"its leads were recorded over {length / fs:.0f} s, with gaps",
            fix="Export one ECG of about ten seconds",
        )
    rows: dict[tuple[object, str, int], Strip] = {}
    copies: dict[tuple[object, int, int], int] = {}
    for number in sorted(range(len(strips)), key=lambda n: -len(strips[n].samples)):
        strip, place, end = strips[number], places[number], ends[number]
        copy = copies.get((strip.lead, place, end), 0)
        copies[strip.lead, place, end] = copy + 1
        empty = Strip(strip.name, np.full(length, np.nan), strip.unit, fs, zero)
        row = rows.setdefault((strip.lead, strip.unit, copy), empty)
        part = row.samples[place:end]
        np.copyto(part, strip.samples, where=np.isnan(part))
    return tuple(rows.values())

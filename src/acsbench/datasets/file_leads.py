"""From the signals of a file, under its own names, to the twelve leads in mV.

All formats share these rules for names, signs, units, amplitudes, calibration pulses and limb
leads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.amplitude import implausible_amplitude
from acsbench.ecg.leads import (
    CHEST_LEADS,
    LEADS,
    LIMB_FROM_I_AND_II,
    LIMB_LEADS,
    signed_lead,
    weighted_sums,
)
from acsbench.ecg.recorded import runs
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError

MILLIVOLTS = {"v": 1e3, "mv": 1.0, "μv": 1e-3, "uv": 1e-3, "nv": 1e-6}
MILLIVOLTS |= {"volt": 1e3, "millivolt": 1.0, "microvolt": 1e-3, "nanovolt": 1e-6}
"""Units of voltage in mV, in the spelling of `millivolts_per`; μ is the Greek letter."""

AGREEMENT = 0.01
"""Largest difference between two signals of one lead: two steps of 5 µV, mV."""
SAME = 0.04
"""Largest difference of a calibration pulse between leads, mV."""
PULSE = 1.0
"""Height of a calibration pulse, mV."""
SHORTEST_PULSE = 0.02
"""Shortest calibration pulse, s; pacemaker pulses are shorter."""

NAMES_LISTED = 20
LEAVE_OUT = "skip the ECG with --on-error skip"


@dataclass(frozen=True, eq=False)
class FileSignal:
    """One signal of a file.

    Args:
        name: as in the file.
        samples: shape (samples,), in `unit`, NaN where nothing was recorded.
        unit: as in the file; "" if not stated.
        rate: samples per second.
    """

    name: str
    samples: NDArray[np.floating]
    unit: str
    rate: float


_Found = tuple[tuple[str, int], FileSignal]
"""A lead's standard name and its sign, and the signal."""


def twelve_leads(source: Path, ecg_id: str, signals: Sequence[FileSignal]) -> Recording:
    """The twelve leads among a file's signals; other signals are ignored.

    The sign of a signal called `-aVR` is changed. Calibration pulses at the beginning and the end
    are removed. A limb lead without a valid sample is derived from the first two recorded ones.
    Two signals of one lead must agree.

    Args:
        source: the file; its path is private.
        ecg_id: identifies the ECG.
        signals: the file's signals, in order.

    Returns:
        The leads in the standard order at the file's own rate and length, mV.

    Raises:
        DataError: a lead is missing, has no valid sample, two different signals, no unit of
            voltage or an implausible amplitude, or differs from the others in rate or length.
    """
    found = [(lead, signal) for signal in signals if (lead := signed_lead(signal.name))]
    _check_alike(source, found)
    leads = _signed(source, found) if found else {}
    missing = _missing(set(leads))
    if missing:
        raise file_error(
            source,
            f"lead {', '.join(missing)} is missing; found {names_found(signals)}",
            f"Rename the signals if they are those leads, or {LEAVE_OUT}",
        )
    leads = _with_limb_leads(leads)
    empty = [lead for lead in LEADS if not np.isfinite(leads[lead]).any()]
    if empty:
        raise file_error(
            source,
            f"lead {', '.join(empty)} has no valid sample",
            LEAVE_OUT[0].upper() + LEAVE_OUT[1:],
        )
    signal = np.stack([leads[lead] for lead in LEADS])
    return Recording(ecg_id, signal, found[0][1].rate, LEADS)


def file_error(source: Path, problem: str, fix: str, detail: str = "") -> DataError:
    """An error about a file; its path and the detail are private."""
    return DataError(problem, private=f"{source}: {detail}" if detail else str(source), fix=fix)


def millivolts_per(unit: str) -> float | None:
    """Millivolts per unit, or None if it is not a unit of voltage.

    Case is ignored; µ may be the micro sign, the Greek letter or u.

    >>> millivolts_per("µV"), millivolts_per("millivolts"), millivolts_per("mmHg")
    (0.001, 1.0, None)
    """
    # NFKC turns the micro sign into the Greek letter.
    text = unicodedata.normalize("NFKC", unit).casefold().strip()
    return MILLIVOLTS.get(text, MILLIVOLTS.get(text.removesuffix("s")))


def names_found(signals: Iterable[FileSignal]) -> str:
    """The signals' names for a message, quoted if they are unusual."""
    names = [signal.name for signal in signals]
    shown = [
        name if len(name) < 20 and name.isprintable() and name.strip() == name != "" else repr(name)
        for name in (name[:40] for name in names[:NAMES_LISTED])
    ]
    more = [f"{len(names) - NAMES_LISTED} more"] if len(names) > NAMES_LISTED else []
    return ", ".join(shown + more) or "no signal"


def _missing(names: set[str]) -> list[str]:
    """The standard leads that are missing and cannot be derived."""
    derived = set(LIMB_LEADS) if len(names & set(LIMB_LEADS)) >= 2 else set()
    return [lead for lead in LEADS if lead not in names | derived]


def _signed(source: Path, found: Sequence[_Found]) -> dict[str, NDArray[np.float64]]:
    """The leads with correct signs, mV, each once and without calibration pulses."""
    stored = np.stack([_in_millivolts(source, name, signal) for (name, _), signal in found])
    names, rate = [name for (name, _), _ in found], found[0][1].rate
    implausible = implausible_amplitude(stored)
    if implausible is not None:
        raise file_error(
            source,
            f"lead {names[implausible[0]]} {implausible[1]}: its unit or gain is wrong",
            f"Correct the unit or the gain, or {LEAVE_OUT}",
        )
    stored = stored[:, slice(*_between_pulses(names, stored, rate))]
    leads: dict[str, NDArray[np.float64]] = {}
    for ((name, sign), _), row in zip(found, stored, strict=True):
        row = sign * row
        lead = leads.get(name)
        if lead is None:
            leads[name] = row
            continue
        # A file may have a lead and its opposite, such as aVR and -aVR (Cabrera).
        missing = np.isnan(lead)
        leads[name] = np.where(missing, row, lead)
        if (np.abs(row - lead) > AGREEMENT).any():
            raise file_error(
                source,
                f"lead {name} is there more than once, with different samples: "
                f"{names_found(s for (n, _), s in found if n == name)}",
                "Rename or remove one of them",
            )
    return leads


def _check_alike(source: Path, found: Sequence[_Found]) -> None:
    for what, values in (
        ("sampling rates, Hz", {signal.rate for _, signal in found}),
        ("numbers of samples", {len(signal.samples) for _, signal in found}),
    ):
        if len(values) > 1:
            raise file_error(
                source,
                f"its leads differ in their {what}: "
                + ", ".join(f"{value:g}" for value in sorted(values)),
                f"Convert it so that they are alike, or {LEAVE_OUT}",
            )


def _in_millivolts(source: Path, lead: str, signal: FileSignal) -> NDArray[np.float64]:
    factor = millivolts_per(signal.unit)
    if factor is None:
        stated = (
            f"in {signal.unit!r}, which is not a voltage" if signal.unit else "in an unknown unit"
        )
        raise file_error(source, f"lead {lead} is {stated}", "State the unit as mV, uV or V")
    samples = np.asarray(signal.samples, dtype=np.float64)
    with np.errstate(over="ignore"):  # infinite values are found below
        return samples if factor == 1 else samples * factor


def _with_limb_leads(leads: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """The leads, with limb leads derived if they have no valid sample."""
    recorded = [lead for lead in LIMB_LEADS if lead in leads and np.isfinite(leads[lead]).any()]
    if len(recorded) < 2:
        return dict(leads)
    pair = recorded[:2]
    # Any two limb leads determine I and II, and these all six (Einthoven, Goldberger).
    from_pair = LIMB_FROM_I_AND_II @ np.linalg.inv(
        LIMB_FROM_I_AND_II[[LIMB_LEADS.index(lead) for lead in pair]]
    )
    derived = {}
    for lead, weights in zip(LIMB_LEADS, from_pair, strict=True):
        if lead not in recorded:
            sources = np.stack([leads[name] for name in pair])
            derived[lead] = weighted_sums(weights[None], sources)[0]
    return dict(leads) | derived


def _between_pulses(
    names: Sequence[str], stored: NDArray[np.float64], rate: float
) -> tuple[int, int]:
    """First sample after the calibration at the start, and first of that at the end.

    All independent leads show a calibration alike; III and the augmented leads may be computed
    from it. Signs are as stored in the file.
    """
    independent = {"I", "II", *CHEST_LEADS}
    judged = stored[[name in independent for name in names]]
    length = judged.shape[1]
    start = _length_of_calibration(judged, rate)
    end = length - _length_of_calibration(judged[:, ::-1], rate)
    # A test signal that is the same in all leads is not a calibration.
    return (start, end) if end - start >= length / 2 else (0, length)


def _length_of_calibration(signal: NDArray[np.float64], rate: float) -> int:
    """Number of samples at the start with the same rectangular pulse in all leads, or 0.

    Args:
        signal: shape (leads, samples), mV.
        rate: Hz.
    """
    # Ignore leads that were not recorded there.
    signal = signal[np.isfinite(signal[:, :1]).all(axis=1)]
    if len(signal) < 2 or not signal.shape[1]:
        return 0
    # Leads may have different offsets.
    above = signal - signal[:, :1]
    spread = above.max(axis=0) - above.min(axis=0)
    differing = np.flatnonzero(~(spread <= SAME))
    shared = int(differing[0]) if len(differing) else signal.shape[1]
    pulse = above[0, :shared]
    if not shared or abs(np.ptp(pulse) - PULSE) > 0.05:
        return 0
    up = pulse > (pulse.min() + pulse.max()) / 2
    on_level = np.minimum(pulse - pulse.min(), pulse.max() - pulse) < 0.05
    longest = max(last - first for first, last in runs(up))
    return shared if on_level.mean() > 0.8 and longest >= SHORTEST_PULSE * rate else 0

"""ECGs as input of all profiles: ten seconds at 500 Hz, as a page and as twelve leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg import twelve_leads_from_print
from acsbench.ecg.amplitude import LARGEST
from acsbench.ecg.filters import resample
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, PrintedPage, print_page, recording_from_print
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError

SECONDS = 10.0
RATE = 500.0
LOWEST_RATE = 100.0
"""Lowest sampling rate of a diagnostic ECG, Hz."""


@dataclass(frozen=True, eq=False)
class StandardEcgs:
    """ECGs as from `standardise`.

    Inputs of several profiles are computed once, and for all ECGs together, which is much faster.
    """

    ecgs: Sequence[Recording | PrintedPage]

    @cached_property
    def pages(self) -> list[NDArray[np.floating]]:
        """The printed pages, each (15, 5000), mV with NaN; recordings are printed."""
        return [
            print_page(ecg, step=DIGITISATION_STEP) if isinstance(ecg, Recording) else ecg.raw
            for ecg in self.ecgs
        ]

    @cached_property
    def leads(self) -> NDArray[np.float32]:
        """Twelve leads, shape (ECGs, 12, 5000), mV, NaN where unknown.

        Leads of a recording are as measured. Leads of a page are as printed, and elsewhere
        predicted from the rhythm strips.
        """
        leads = np.empty((len(self.ecgs), len(LEADS), round(SECONDS * RATE)), dtype=np.float32)
        printed = {}
        for place, ecg in enumerate(self.ecgs):
            if isinstance(ecg, Recording):
                leads[place] = ecg.signal
            else:
                printed[place] = ecg.raw
        if printed:
            pages = together(list(printed.values()))
            leads[list(printed)] = twelve_leads_from_print(pages, fs=RATE)
        return leads


def together(pages: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """Pages in one array, (pages, 15, 5000), mV with NaN.

    Single precision is a thousand times finer than the stored values.
    """
    joined = np.empty((len(pages), *pages[0].shape), dtype=np.float32)
    for place, page in enumerate(pages):
        joined[place] = page
    return joined


def measured(ecg: Recording | PrintedPage) -> Recording:
    """The twelve leads as recorded or printed, without predicted samples."""
    return ecg if isinstance(ecg, Recording) else recording_from_print(ecg)


def standardise(ecg: Recording | PrintedPage) -> Recording | PrintedPage:
    """The first 10 s at 500 Hz of all twelve leads; missing leads are NaN. A page is unchanged.

    Raises:
        DataError: the recording is too short, sampled too slowly, flat or in another unit; or
            the page is not 10 s at 500 Hz.
    """
    wanted = round(SECONDS * RATE)
    if isinstance(ecg, PrintedPage):
        # Do not cut a page: its quarters must end where the leads change.
        if ecg.fs != RATE or ecg.raw.shape[1] != wanted:
            raise DataError(
                f"the printed page has {ecg.raw.shape[1]} samples at {ecg.fs:g} Hz; "
                f"{wanted} at {RATE:g} Hz are needed",
                private=ecg.ecg_id,
                fix="Skip the ECG with --on-error skip",
            )
        return ecg
    needed = round(SECONDS * ecg.fs)
    if ecg.signal.shape[1] < needed:
        raise DataError(
            f"the recording lasts {ecg.duration:.2f} s; {SECONDS:g} s are needed",
            private=ecg.ecg_id,
            fix="Skip the record with --on-error skip",
        )
    for problem, found in (
        (f"a rate of {ecg.fs:g} Hz; {LOWEST_RATE:g} Hz are needed", ecg.fs < LOWEST_RATE),
        (
            f"values beyond {LARGEST:g} mV: its gain or unit is wrong, or it has an offset",
            _largest(ecg) > LARGEST,
        ),
        ("only flat leads", not _changes(ecg)),
    ):
        if found:
            raise DataError(
                f"the recording has {problem}",
                private=ecg.ecg_id,
                fix="Correct the header, or skip the record with --on-error skip",
            )
    # Resample before the cut, to avoid edge effects in the last samples.
    ahead = min(ecg.signal.shape[1], needed + round(ecg.fs))
    signal = resample(ecg.signal[:, :ahead], ecg.fs, RATE)[:, :wanted]
    leads = np.full((len(LEADS), wanted), np.nan, dtype=np.float32)
    leads[[LEADS.index(lead) for lead in ecg.leads]] = signal
    return Recording(ecg.ecg_id, leads, RATE, LEADS)


def _largest(recording: Recording) -> float:
    values = recording.signal.reshape(-1)
    return float(max(np.fmax.reduce(values), -np.fmin.reduce(values)))


def _changes(recording: Recording) -> bool:
    signal = recording.signal
    return bool((np.fmax.reduce(signal, axis=1) > np.fmin.reduce(signal, axis=1)).any())

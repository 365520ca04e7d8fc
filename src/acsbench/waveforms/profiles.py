"""Preparation profiles: what is made of a recording before it is stored.

A profile is recorded in the store with all its parameters; a model says which one it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.filters import bandpass, resample
from acsbench.ecg.printed import DIGITISATION_STEP, PrintedPage, print_page, rows_from_print
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError, DataError, did_you_mean

SECONDS = 10.0
RATE = 500.0
MICROVOLT = 1e-3
LOWEST_RATE = 100.0
"""No ECG of diagnostic use is sampled more slowly, Hz."""
LARGEST = 30.0
"""No ECG has such voltages, mV; stored integers end at 32.767 mV."""


@dataclass(frozen=True)
class Profile:
    """A named preparation.

    Args:
        name: the profile's name.
        rows: names of the rows of the stored array.
        prepare: from a standardised recording or page to an array (rows, samples).
        parameters: everything that `prepare` depends on.
        unit, scale: of the stored integers.
    """

    name: str
    rows: tuple[str, ...]
    prepare: Callable[[Recording | PrintedPage], NDArray[np.float64]]
    parameters: dict[str, Any]
    samples: int = round(SECONDS * RATE)
    fs: float = RATE
    unit: str = "mV"
    scale: float = MICROVOLT
    description: str = field(default="", compare=False)


STUDY_BAND: dict[str, Any] = {"low": 0.5, "high": 50.0, "order": 5}


def study_rows(ecg: Recording | PrintedPage) -> NDArray[np.float64]:
    """The study's input: the printed page's three rows, band-passed, shape (3, 5000), mV.

    A recording is printed first; what was digitised from a print is taken as it is.
    """
    page = print_page(ecg, step=DIGITISATION_STEP) if isinstance(ecg, Recording) else ecg.raw
    return bandpass(rows_from_print(page), ecg.fs, **STUDY_BAND)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="study-rows",
            rows=("I+aVR+V1+V4", "II+aVL+V2+V5", "III+aVF+V3+V6"),
            prepare=study_rows,
            parameters={"print_step_mv": DIGITISATION_STEP, "bandpass": STUDY_BAND},
            description="three rows of the printed 3 × 4 page, 0.5–50 Hz",
        ),
    )
}


def get_profile(name: str) -> Profile:
    """A profile by name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in PROFILES:
        raise ConfigurationError(f"no profile {name!r}; {did_you_mean(name, PROFILES)}")
    return PROFILES[name]


def standardise(ecg: Recording | PrintedPage) -> Recording | PrintedPage:
    """The first 10 s at 500 Hz; a printed page is what it should be, or it is refused.

    Raises:
        DataError: the recording is shorter than 10 s, or the page is not 10 s at 500 Hz.
    """
    wanted = round(SECONDS * RATE)
    if isinstance(ecg, PrintedPage):
        # Its quarters would no longer fall on the leads' borders after a cut.
        if ecg.fs != RATE or ecg.raw.shape[1] != wanted:
            raise DataError(
                f"the printed page has {ecg.raw.shape[1]} samples at {ecg.fs:g} Hz; "
                f"{wanted} at {RATE:g} Hz are needed",
                private=ecg.ecg_id,
                fix="Leave the ECG out with --on-error skip",
            )
        return ecg
    needed = round(SECONDS * ecg.fs)
    if ecg.signal.shape[1] < needed:
        raise DataError(
            f"the recording lasts {ecg.duration:.2f} s; {SECONDS:g} s are needed",
            private=ecg.ecg_id,
            fix="Leave the record out with --on-error skip",
        )
    for problem, found in (
        (f"a rate of {ecg.fs:g} Hz; {LOWEST_RATE:g} Hz are needed", ecg.fs < LOWEST_RATE),
        (f"values beyond {LARGEST:g} mV, as of another gain or unit", _largest(ecg) > LARGEST),
        ("not one lead that changes", not np.nanstd(ecg.signal, axis=1).any()),
    ):
        if found:
            raise DataError(
                f"the recording has {problem}",
                private=ecg.ecg_id,
                fix="Mend the header, or leave the record out with --on-error skip",
            )
    # Resample before the cut, so that the last samples are not at the signal's end.
    ahead = min(ecg.signal.shape[1], needed + round(ecg.fs))
    signal = resample(ecg.signal[:, :ahead], ecg.fs, RATE)[:, :wanted]
    return Recording(ecg.ecg_id, signal, RATE, ecg.leads)


def _largest(recording: Recording) -> float:
    return float(np.nanmax(np.abs(recording.signal)))

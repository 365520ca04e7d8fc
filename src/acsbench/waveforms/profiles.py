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
from acsbench.ecg.printed import DIGITISATION_STEP, print_page, rows_from_print
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError, DataError, did_you_mean

SECONDS = 10.0
RATE = 500.0
MICROVOLT = 1e-3


@dataclass(frozen=True)
class Profile:
    """A named preparation.

    Args:
        name: the profile's name.
        rows: names of the rows of the stored array.
        prepare: from a standardised recording to an array (rows, samples).
        parameters: everything that `prepare` depends on.
        unit, scale: of the stored integers.
    """

    name: str
    rows: tuple[str, ...]
    prepare: Callable[[Recording], NDArray[np.float64]]
    parameters: dict[str, Any]
    samples: int = round(SECONDS * RATE)
    fs: float = RATE
    unit: str = "mV"
    scale: float = MICROVOLT
    description: str = field(default="", compare=False)


STUDY_BAND: dict[str, Any] = {"low": 0.5, "high": 50.0, "order": 5}


def study_rows(recording: Recording) -> NDArray[np.float64]:
    """The study's input: the printed page's three rows, band-passed, shape (3, 5000), mV."""
    page = print_page(recording, step=DIGITISATION_STEP)
    return bandpass(rows_from_print(page), recording.fs, **STUDY_BAND)


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


def standardise(recording: Recording) -> Recording:
    """The first 10 s at 500 Hz.

    Raises:
        DataError: the recording is shorter than 10 s.
    """
    wanted = round(SECONDS * RATE)
    needed = round(SECONDS * recording.fs)
    if recording.signal.shape[1] < needed:
        raise DataError(
            f"the recording lasts {recording.duration:.1f} s; {SECONDS:g} s are needed",
            private=recording.ecg_id,
            fix="Leave the record out with --on-error skip",
        )
    # Resample before the cut, so that the last samples are not at the signal's end.
    ahead = min(recording.signal.shape[1], needed + round(recording.fs))
    signal = resample(recording.signal[:, :ahead], recording.fs, RATE)[:, :wanted]
    return Recording(recording.ecg_id, signal, RATE, recording.leads)

"""Preparation profiles: how an ECG is processed before it is stored.

The store records the profile with its parameters; each model needs a certain profile. Readers
return recordings or printed pages: `from_recording` and `from_print` describe what is done with
either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg import twelve_leads_from_print
from acsbench.ecg.filters import bandpass, decimate, fir_bandpass, resample
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, STRIPS, rows_of_each
from acsbench.errors import ConfigurationError, did_you_mean
from acsbench.waveforms.standard import LOWEST_RATE, RATE, SECONDS, StandardEcgs, together

MICROVOLT = 1e-3
Signals = NDArray[np.floating]


@dataclass(frozen=True)
class Profile:
    """A named preparation.

    Args:
        name: the profile's name.
        rows: names of the rows of the stored array.
        prepare: from ECGs to values of shape (ECGs, rows, samples), in the profile's unit, NaN
            where unknown.
        parameters: everything that the result depends on.
        samples, fs: length and rate of the stored signal.
        unit, scale: of the stored integers.
        masked: whether samples can be missing; then the store has a validity mask.
        description: one line for the command line.
    """

    name: str
    rows: tuple[str, ...]
    prepare: Callable[[StandardEcgs], Signals] = field(compare=False)
    parameters: dict[str, Any]
    samples: int = round(SECONDS * RATE)
    fs: float = RATE
    unit: str = "mV"
    scale: float = MICROVOLT
    masked: bool = False
    description: str = field(default="", compare=False)


def filter_words(processing: Mapping[str, Any]) -> str:
    """The filter of stored waveforms, for the footer of a page.

    Args:
        processing: of a store or a run: the profile's name and all its parameters.

    >>> filter_words({"profile": "study-rows", "bandpass": {"low": 0.5, "high": 50.0}})
    'filter: 0.5–50 Hz, prepared as study-rows'
    >>> filter_words({"profile": "leads", "from_print": "..."})
    'filter: none, prepared as leads'
    """
    bands = [processing[name] for name in ("bandpass", "fir_bandpass") if name in processing]
    words = " and ".join(f"{band['low']:g}–{band['high']:g} Hz" for band in bands)
    return f"filter: {words or 'none'}, prepared as {processing['profile']}"


STUDY_BAND: dict[str, Any] = {"low": 0.5, "high": 50.0, "order": 5}
HUBERT_BAND: dict[str, Any] = {"low": 0.05, "high": 47.0, "order": round(0.3 * RATE)}
HUBERT_DECIMATION = 5
PRINTED_FIRST = f"printed with a step of {DIGITISATION_STEP:g} mV, then as a page"
AS_MEASURED = "leads as measured"
PREDICTED = "leads as printed, elsewhere by regression on the strips"


def _study_rows(ecgs: StandardEcgs) -> Signals:
    # Single precision is a thousand times finer than the stored values.
    return bandpass(rows_of_each(ecgs.pages).astype(np.float32), RATE, **STUDY_BAND)


def _median_beat_leads(ecgs: StandardEcgs) -> Signals:
    pages = together(ecgs.pages)
    leads = twelve_leads_from_print(pages, method="median-beat", fs=RATE)
    # Stored as 0, as in the study; resampling needs to know the gaps.
    for strip, name in enumerate(STRIPS, start=len(LEADS)):
        leads[:, LEADS.index(name)][~np.isfinite(pages[:, strip])] = np.nan
    return leads


def _twelve_leads(ecgs: StandardEcgs) -> Signals:
    return ecgs.leads


def _as_hubert_expects(ecgs: StandardEcgs) -> Signals:
    """Filtered, each lead scaled to −1 to 1, each lead decimated to 100 Hz."""
    filtered = fir_bandpass(ecgs.leads, RATE, **HUBERT_BAND)
    lowest = np.fmin.reduce(filtered, axis=-1, keepdims=True)
    # As in HuBERT-ECG, for flat leads.
    extent = np.fmax.reduce(filtered, axis=-1, keepdims=True) - lowest + 1e-8
    return decimate(2 * (filtered - lowest) / extent - 1, HUBERT_DECIMATION)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="study-rows",
            rows=("I+aVR+V1+V4", "II+aVL+V2+V5", "III+aVF+V3+V6"),
            prepare=_study_rows,
            parameters={
                "from_recording": PRINTED_FIRST,
                "from_print": "three rows, each lead less its mode, missing samples as 0",
                "bandpass": STUDY_BAND,
            },
            description="three rows of the printed 3 × 4 page, 0.5–50 Hz",
        ),
        Profile(
            name="study-leads",
            rows=LEADS,
            prepare=_median_beat_leads,
            parameters={
                "from_recording": PRINTED_FIRST,
                "from_print": "each lead's median beat at every R-peak; V1, II, V5 as recorded",
            },
            description="twelve leads by the study's median beat, unfiltered",
        ),
        Profile(
            name="leads",
            rows=LEADS,
            prepare=_twelve_leads,
            parameters={"from_recording": AS_MEASURED, "from_print": PREDICTED},
            masked=True,
            description="twelve leads; of a print by regression on its rhythm strips",
        ),
        Profile(
            name="hubert",
            rows=LEADS,
            prepare=_as_hubert_expects,
            parameters={
                "from_recording": AS_MEASURED,
                "from_print": PREDICTED,
                "fir_bandpass": HUBERT_BAND,
                "each_lead": "from -1 to 1, then decimated by 5 by itself",
            },
            samples=round(SECONDS * RATE) // HUBERT_DECIMATION,
            fs=RATE / HUBERT_DECIMATION,
            unit="1",
            scale=2.0**-14,  # up to ±2: decimation overshoots ±1 a little
            masked=True,
            description="twelve leads for HuBERT-ECG: 0.05–47 Hz, −1 to 1, 100 Hz",
        ),
    )
}


def get_profile(name: str) -> Profile:
    """A profile by name; `leads@250` is `leads` resampled to 250 Hz.

    Raises:
        ConfigurationError: no profile has that name, or the rate is out of range.
    """
    base, resampled, rate = name.partition("@")
    if base not in PROFILES:
        raise ConfigurationError(f"no profile {base!r}; {did_you_mean(base, PROFILES)}")
    profile = PROFILES[base]
    if not resampled:
        return profile
    if not rate.isdecimal() or not LOWEST_RATE <= int(rate) <= profile.fs:
        raise ConfigurationError(
            f"profile {name!r}: the rate must be from {LOWEST_RATE:g} to {profile.fs:g} Hz"
        )
    fs = float(rate)
    return replace(
        profile,
        name=name,
        prepare=lambda ecgs: resample(profile.prepare(ecgs), profile.fs, fs),
        parameters={**profile.parameters, "resampled_hz": fs},
        samples=round(SECONDS * fs),
        fs=fs,
    )

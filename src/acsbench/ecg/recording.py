"""One ECG in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.leads import LEADS, canonical_lead


@dataclass(frozen=True, eq=False, init=False)
class Recording:
    """One ECG: leads × samples in millivolts.

    Args:
        ecg_id: identifies the ECG.
        signal: shape (leads, samples), mV, NaN where nothing was recorded; kept as float32.
        fs: sampling rate, Hz.
        leads: one name per row of `signal`, in any case and order; kept as
            `I II III aVR aVL aVF V1 … V6`, in the order given.

    Raises:
        ValueError: a lead is unknown or named twice, or the shapes do not fit.
    """

    ecg_id: str
    signal: NDArray[np.float32]
    fs: float
    leads: tuple[str, ...]

    def __init__(self, ecg_id: str, signal: ArrayLike, fs: float, leads: Sequence[str] = LEADS):
        array = np.asarray(signal, dtype=np.float32)
        if array.ndim != 2 or array.shape[0] != len(leads):
            raise ValueError(f"signal has shape {array.shape}; expected ({len(leads)}, samples)")
        if not (np.isfinite(fs) and fs > 0):
            raise ValueError(f"sampling rate {fs} Hz; expected a positive number")
        names = [canonical_lead(lead) for lead in leads]
        unknown = [lead for lead, name in zip(leads, names, strict=True) if name is None]
        if unknown:
            raise ValueError(f"unknown leads {unknown}; known are {', '.join(LEADS)}")
        known = tuple(name for name in names if name is not None)
        if len(set(known)) < len(known):
            raise ValueError(f"a lead is named twice in {list(leads)}")
        for name, value in zip(
            ("ecg_id", "signal", "fs", "leads"), (ecg_id, array, float(fs), known), strict=True
        ):
            object.__setattr__(self, name, value)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.fs

    def select(self, leads: Sequence[str]) -> NDArray[np.float32]:
        """The named leads in the order asked for, shape (leads, samples), mV.

        Raises:
            ValueError: a lead was not recorded.
        """
        missing = [lead for lead in leads if lead not in self.leads]
        if missing:
            raise ValueError(f"leads {', '.join(missing)} were not recorded")
        return self.signal[[self.leads.index(lead) for lead in leads]]

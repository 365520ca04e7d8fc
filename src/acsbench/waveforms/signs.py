"""Measured signs: what a cardiologist reads off each lead, as one flat row per ECG."""

from __future__ import annotations

from acsbench.ecg.measurements import measure
from acsbench.ecg.recording import Recording

MEASURED = ("st60", "t_amplitude")
"""Per-lead measurements that go into the table of signs, as `st60_V2` and so on, mV."""


def measured_signs(recording: Recording) -> dict[str, float]:
    """ST60 and T amplitude of each lead, mV, and heart rate, per minute."""
    table = measure(recording)
    signs = {
        f"{name}_{lead}": float(value)
        for name in MEASURED
        for lead, value in zip(table["lead"], table[name], strict=True)
    }
    return signs | {"heart_rate": float(table["heart_rate"].iloc[0])}

"""The table of measured signs: what a cardiologist reads from each lead, one row per ECG."""

from __future__ import annotations

from acsbench.ecg.criteria import evidence, judge, measured
from acsbench.ecg.measured_values import measured_values
from acsbench.ecg.recording import Recording

SIGNS = "signs"
"""Name of the folder, next to the profiles."""
SIGNS_TABLE = "signs.parquet"

MEASURED = ("st60", "t_amplitude")
"""Measurements of each lead, mV; their columns are `st60_V2` and so on."""

CONTENT = (*MEASURED, "heart_rate", "evidence")
"""What the table holds; a run that was trained on one content refuses another."""


def measured_signs(recording: Recording) -> dict[str, float]:
    """ST60 and T amplitude of each lead, mV, heart rate, per minute, and evidence for criteria.

    A recording has no age and sex: criteria that depend on them use the limits of a man of 40 or
    more. Models get age and sex as separate inputs.
    """
    values = measured_values(recording)
    signs = {
        f"{name}_{lead}": value
        for name in MEASURED
        for lead, value in zip(recording.leads, values[name].tolist(), strict=True)
    }
    findings = judge(measured(values, recording.leads))
    return signs | {"heart_rate": float(values["heart_rate"][0])} | evidence(findings)

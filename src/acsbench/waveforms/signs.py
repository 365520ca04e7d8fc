"""Measured signs: what a cardiologist reads off each lead, as one flat row per ECG."""

from __future__ import annotations

from acsbench.ecg.criteria import evidence, judge, measured
from acsbench.ecg.measured_values import measured_values
from acsbench.ecg.recording import Recording

MEASURED = ("st60", "t_amplitude")
"""Per-lead measurements that go into the table of signs, as `st60_V2` and so on, mV."""

CONTENT = (*MEASURED, "heart_rate", "evidence")
"""What the table of signs holds; a run that was trained on one table refuses another."""


def measured_signs(recording: Recording) -> dict[str, float]:
    """ST60 and T amplitude of each lead, mV, heart rate, per minute, and evidence for criteria.

    Age and sex belong to the tables, not to the recording: criteria whose limits depend on them
    take those of a man of 40 or more, and a model is told age and sex beside the evidence.
    """
    values = measured_values(recording)
    signs = {
        f"{name}_{lead}": value
        for name in MEASURED
        for lead, value in zip(recording.leads, values[name].tolist(), strict=True)
    }
    findings = judge(measured(values, recording.leads))
    return signs | {"heart_rate": float(values["heart_rate"][0])} | evidence(findings)

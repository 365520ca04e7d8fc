"""People with an acute occlusion and people without, each with one to four ECGs.

The disease is hidden: a patient has an acute lesion or not, and how much of it an ECG shows is
mostly little. Prevalence and severity were tuned so that a logistic regression on ST60 and T
amplitudes finds only some of the patients; they say nothing about real patients.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from acsbench.datasets.simulated.culprit import Culprit, Injury, Lesion
from acsbench.datasets.simulated.noise import draw_noise
from acsbench.datasets.simulated.person import Conduction, Person, draw_person, triple
from acsbench.datasets.simulated.rhythm import draw_rhythm
from acsbench.datasets.simulated.simulate import EcgParameters

PREVALENCE = 0.35
ECGS_PER_PATIENT = {1: 0.50, 2: 0.28, 3: 0.13, 4: 0.09}
CULPRITS = {Culprit.LAD: 0.43, Culprit.RCA: 0.37, Culprit.LCX: 0.20}
INJURIES = {Injury.OCCLUSION: 0.90, Injury.SUBENDOCARDIAL: 0.03, Injury.T_INVERSION: 0.07}
SEVERITY = (0.8, 3.0)
"""Parameters of the beta distribution of a patient's severity: half are below 0.16."""

# Independent random streams, so that no ECG depends on earlier draws.
_VISITS, _PATIENT, _ECG, _WAVEFORM = range(4)


def simulate_patients(n_ecgs: int, seed: int) -> tuple[pd.DataFrame, list[EcgParameters]]:
    """Draw patients with a given number of ECGs.

    Args:
        n_ecgs: number of ECGs.
        seed: fixes everything; with the same seed, a smaller number gives the first rows of a
            larger one.

    Returns:
        The table, one row per ECG: `ecg_id, patient_id, age` (whole years), `sex, acs` (0/1),
        and the hidden truth `culprit, injury` (missing without a lesion) and `severity`; and the
        parameters of each row, to simulate with the generator of `waveform_rng`.

    Raises:
        ValueError: `n_ecgs` is less than 1, or `seed` is negative.
    """
    if n_ecgs < 1 or seed < 0:
        raise ValueError(f"{n_ecgs} ECGs with seed {seed}; expected at least 1, and no negative")
    patients = _patient_of_each_ecg(n_ecgs, seed)
    rows, parameters = [], []
    person, state = None, None
    previous = -1
    for index, patient in enumerate(patients):
        if patient != previous or person is None:
            person, state = _draw_patient(np.random.default_rng([seed, _PATIENT, patient]))
            previous = patient
        ecg = _draw_ecg(np.random.default_rng([seed, _ECG, index]), index, person, state)
        parameters.append(ecg)
        rows.append(
            {
                "ecg_id": ecg.ecg_id,
                "patient_id": f"sim-p{patient:05d}",
                "age": int(person.age),
                "sex": person.sex,
                "acs": int(state is not None),
                "culprit": None if ecg.lesion is None else str(ecg.lesion.culprit),
                "injury": None if ecg.lesion is None else str(ecg.lesion.injury),
                "severity": 0.0 if ecg.lesion is None else ecg.lesion.severity,
            }
        )
    return pd.DataFrame(rows), parameters


def waveform_rng(seed: int, index: int) -> np.random.Generator:
    """Random generator for the waveform of the ECG in row `index`."""
    return np.random.default_rng([seed, _WAVEFORM, index])


def _patient_of_each_ecg(n_ecgs: int, seed: int) -> list[int]:
    rng = np.random.default_rng([seed, _VISITS])
    visits = rng.choice(list(ECGS_PER_PATIENT), n_ecgs, p=list(ECGS_PER_PATIENT.values()))
    return [int(patient) for patient in np.repeat(np.arange(n_ecgs), visits)[:n_ecgs]]


def _draw_patient(rng: np.random.Generator) -> tuple[Person, Lesion | None]:
    """A person and, for those with an acute lesion, how it looks on average."""
    person = draw_person(rng)
    risk = PREVALENCE * np.exp(
        0.15 * (person.age - 62) / 20 + (0.08 if person.sex == "male" else -0.08)
    )
    acute = rng.random() < risk
    lesion = draw_lesion(rng)
    return person, lesion if acute else None


def draw_lesion(rng: np.random.Generator) -> Lesion:
    """Draw an acute lesion, most of them mild."""
    culprit = list(CULPRITS)[rng.choice(3, p=list(CULPRITS.values()))]
    injury = list(INJURIES)[rng.choice(3, p=list(INJURIES.values()))]
    return Lesion(
        culprit=culprit,
        severity=float(rng.beta(*SEVERITY)),
        injury=injury,
        hours=float(2.5 * np.exp(rng.normal(0, 0.7))),
        turn=triple(rng.normal(0, 0.24, 3)),
    )


def _draw_ecg(
    rng: np.random.Generator, index: int, person: Person, lesion: Lesion | None
) -> EcgParameters:
    rhythm = draw_rhythm(rng, person.age, paced=person.conduction is Conduction.PACED)
    noise = draw_noise(rng)
    fluctuation = float(np.exp(rng.normal(0, 0.35)))
    if lesion is not None:
        lesion = replace(lesion, severity=min(1.0, lesion.severity * fluctuation))
        # Anterior infarcts quicken the heart, inferior ones slow it down.
        change = -0.15 if lesion.culprit is Culprit.RCA else 0.15
        rate = rhythm.rate * (1 + change * lesion.severity)
        rhythm = replace(rhythm, rate=float(np.clip(rate, 40, 160)))
    return EcgParameters(f"sim-e{index:06d}", person, rhythm, lesion, noise)

"""Circumstances of each ECG: rhythm, electrodes, noise, print.

What a table mentions is drawn for all ECGs at once; what only the waveform needs is drawn for each
ECG from its own random stream.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.disease import State, with_state
from acsbench.datasets.simulated.hearts import CONDUCTIONS, Hearts
from acsbench.datasets.simulated.lesions import Lesions
from acsbench.datasets.simulated.noise import Noise
from acsbench.datasets.simulated.people import People
from acsbench.datasets.simulated.person import Conduction
from acsbench.datasets.simulated.rhythm import RhythmKind, draw_rhythm
from acsbench.datasets.simulated.roster import NO_VISIT, Flags, Numbers, Roster
from acsbench.datasets.simulated.simulate import EcgParameters

MEDIAN_RATE = 80.0
SLOWEST, FASTEST = 42.0, 150.0
"""Heart rates, per minute."""
ARMS_SWAPPED_SHARE = 0.008
FLUCTUATION = 0.30
"""Standard deviation of the logarithm of severity from one ECG of a visit to the next."""
POOR_SHARE = 0.03
"""ECGs with several times the usual noise."""
MAINS = 60.0
"""Of Boston, Hz."""


@dataclass(frozen=True, eq=False)
class Ecgs:
    """n ECGs, one row each.

    Args:
        hearts: as at the time of the ECG.
        lesions: the same; severity 0 without one.
        rate: mean of the conducted beats, per minute, shape (n,).
        fibrillating: whether the atria do, shape (n,).
        ectopic_share: of beats, shape (n,).
        arms_swapped: the electrodes of the arms are interchanged, shape (n,).
        noise: factor on the usual noise, shape (n,).
    """

    hearts: Hearts
    lesions: Lesions
    rate: Array
    fibrillating: Flags
    ectopic_share: Array
    arms_swapped: Flags
    noise: Array

    def of(self, rows: Numbers) -> Ecgs:
        """Some of them."""
        return Ecgs(
            self.hearts.of(rows),
            self.lesions.of(rows),
            self.rate[rows],
            self.fibrillating[rows],
            self.ectopic_share[rows],
            self.arms_swapped[rows],
            self.noise[rows],
        )

    @property
    def paced(self) -> Flags:
        """Whether a pacemaker drives the ventricles, shape (n,)."""
        return self.hearts.conduction == CONDUCTIONS.index(Conduction.PACED)

    def parameters(self, row: int, ecg_id: str, rng: np.random.Generator) -> EcgParameters:
        """What to simulate for one of them.

        Args:
            row: its number.
            ecg_id: its id.
            rng: random generator for what no table mentions.
        """
        person = self.hearts.person(row)
        drawn = draw_rhythm(
            rng, person.age, person.conduction is Conduction.PACED, float(self.rate[row])
        )
        kind = RhythmKind.SINUS
        if person.conduction is Conduction.PACED:
            kind = RhythmKind.PACED
        elif self.fibrillating[row]:
            kind = RhythmKind.FIBRILLATION
        factor = float(self.noise[row])
        return EcgParameters(
            ecg_id,
            person,
            replace(
                drawn,
                kind=kind,
                rate=float(self.rate[row]),
                ectopic_share=float(self.ectopic_share[row]),
            ),
            self.lesions.lesion(row),
            Noise(
                wander=factor * float(0.012 * np.exp(rng.normal(0, 0.5))),
                muscle=factor * float(0.004 * np.exp(rng.normal(0, 0.5))),
                mains=factor * float(0.0015 * np.exp(rng.normal(0, 0.7))),
                mains_frequency=MAINS,
                hiss=0.002,
            ),
            arms_swapped=bool(self.arms_swapped[row]),
        )


def draw_ecgs(
    roster: Roster, people: People, hearts: Hearts, state: State, rng: np.random.Generator
) -> Ecgs:
    """Draw the circumstances of every ECG.

    Args:
        roster: the ECGs.
        people, hearts: of the patients.
        state: of the visits.
        rng: random generator.
    """
    count = len(roster.ecg_patient)
    at_visit = roster.ecg_visit != NO_VISIT
    visit = np.where(at_visit, roster.ecg_visit, 0)
    heart = with_state(hearts.of(roster.ecg_patient), state, visit, at_visit)
    heart = replace(heart, electrode_shift=np.clip(rng.normal(0, 0.2, count), -0.6, 0.6))

    lesions = state.lesions.of(visit)
    fluctuating = lesions.severity * np.exp(rng.normal(0, FLUCTUATION, count))
    severity = np.where(at_visit, np.minimum(1.0, fluctuating), 0.0)
    hours = lesions.hours + np.maximum(0.0, roster.ecg_hour)
    lesions = replace(lesions, severity=severity, hours=hours)

    years = people.age + 0.5
    prone = rng.random(len(years)) < 0.085 * np.exp(0.9 * (years - 65) / 20)
    fibrillating = prone[roster.ecg_patient] & (rng.random(count) < 0.6)
    # Of the patient, of the visit, of the moment.
    usual = np.exp(rng.normal(0, 0.13, len(years)))[roster.ecg_patient]
    rate = MEDIAN_RATE * usual * np.where(at_visit, state.rate_factor[visit], 1.0)
    rate *= np.exp(rng.normal(0, 0.07, count))
    # Anterior infarcts quicken the heart, inferior ones slow it down.
    rate *= 1 + np.array([0.15, -0.15, 0.15])[lesions.culprit] * severity
    rate = np.where(fibrillating, 1.12 * rate, rate)
    paced = heart.conduction == CONDUCTIONS.index(Conduction.PACED)
    rate = np.where(paced, np.clip(rate, 60, 90), np.clip(rate, SLOWEST, FASTEST))
    ectopic = rng.random(count) < 0.07 * np.exp(0.5 * (years - 60) / 20)[roster.ecg_patient]
    return Ecgs(
        hearts=heart,
        lesions=lesions,
        rate=rate,
        fibrillating=fibrillating & ~paced,
        ectopic_share=np.where(ectopic, rng.uniform(0.08, 0.25, count), 0.0),
        arms_swapped=rng.random(count) < ARMS_SWAPPED_SHARE,
        noise=np.where(rng.random(count) < POOR_SHARE, rng.uniform(3, 6, count), 1.0),
    )

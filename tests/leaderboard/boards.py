"""A small holdout and boards of it, for the tests of the exports."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.leaderboard.export.board import ExportedBoard
from acsbench.leaderboard.export.reference import Reference, Scoring
from acsbench.leaderboard.holdout import Holdout, holdout_of, public_part
from acsbench.leaderboard.settings import Limits, Settings

CLOSES_AT = datetime(2031, 5, 4, 15, 30, tzinfo=UTC)


def labels_table(ecgs: int = 400, seed: int = 1) -> pd.DataFrame:
    """Labels of patients with one to three ECGs; a fifth of the ECGs is not in the task MACE."""
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(ecgs), rng.integers(1, 4, ecgs))[:ecgs]
    acs = rng.random(ecgs) < 0.35
    mace = rng.random(ecgs) < 0.3
    return pd.DataFrame(
        {
            "ecg_id": [f"ecg{row:05d}" for row in rng.permutation(ecgs)],
            "patient_id": [f"patient{patient:04d}" for patient in patients],
            "acs": [str(int(label)) for label in acs],
            "mace": pd.Series(mace.astype(int).astype(str)).mask(rng.random(ecgs) < 0.2),
        }
    )


def predictions_for(table: pd.DataFrame, seed: int = 2) -> pd.DataFrame:
    """Predictions that are better than chance on both tasks, in another order."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"ecg_id": table["ecg_id"]})
    for task in ("acs", "mace"):
        signal = (table[task] == "1").to_numpy() * 0.8 + rng.normal(size=len(table))
        rows[task] = np.round(1 / (1 + np.exp(-signal)), 6)
    return rows.sample(frac=1, random_state=seed)


def exported_board(holdout: Holdout, **changes: object) -> ExportedBoard:
    """What the exporters take from a board."""
    settings = Settings.model_validate(
        {"title": "Chest pain: a trial", "partition_seed": 7, "organiser": "The trialists"}
        | changes
    )
    return ExportedBoard(
        settings=settings,
        reference=Reference(
            holdout,
            public_part(holdout, settings.public_share, settings.partition_seed),
            Scoring(
                tasks=settings.tasks,
                round_digits=settings.round_digits,
                max_upload_bytes=settings.max_upload_bytes,
            ),
        ),
        limits=Limits(per_day=4, total=60),
        opens_at=datetime(2030, 1, 2, tzinfo=UTC),
        closes_at=CLOSES_AT,
        rules="Play fair.",
        data="Twelve leads, ten seconds.",
    )


def holdout_and_submission(folder: Path) -> tuple[Holdout, Path]:
    """A holdout, and a file of predictions for it."""
    table = labels_table()
    submission = folder / "submission.csv"
    predictions_for(table).to_csv(submission, index=False)
    return holdout_of(table), submission

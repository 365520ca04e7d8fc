"""The worker: takes jobs from the database and scores them, and alone opens the labels."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from acsbench.errors import DataError
from acsbench.leaderboard.comparisons import compare_some
from acsbench.leaderboard.database.connect import Database, open_database
from acsbench.leaderboard.jobs import Claim, claim, fail, finish, holding
from acsbench.leaderboard.logs import log
from acsbench.leaderboard.scorecard import Scorecard
from acsbench.leaderboard.scoring import Scorer
from acsbench.leaderboard.settings import BoardFolder, Settings
from acsbench.leaderboard.standings import earlier_scorecard, keep_score, predictions_of

FAILED = "Scoring failed for a reason that lies with the board; the organiser can score it again"
"""What a team is told of an error that is not about its file."""

PAUSE_AFTER_ERROR = 5.0


def run_worker(
    folder: BoardFolder,
    lease_seconds: float = 60,
    poll_seconds: float = 0.5,
    until_idle: bool = False,
    stop: threading.Event | None = None,
) -> int:
    """Score what waits, until told to stop.

    Labels that change on the disk are read again before the next job. A database that cannot be
    reached for a while, or labels that are wrong for a while, are waited for.

    Args:
        folder: the board's.
        lease_seconds: after which another worker takes a job over from one that died.
        poll_seconds: between looks at an empty queue.
        until_idle: whether to end when nothing waits.
        stop: set by whoever wants it to end, between two jobs.

    Returns:
        How many jobs were finished.

    Raises:
        ConfigurationError: the database cannot be opened.
        DataError: the labels cannot be used.
    """
    stop = stop or threading.Event()
    database = open_database(folder.database_url)
    scorer = Scorer(folder)
    log("worker started", labels=scorer.versions.labels_digest[:12])
    finished = 0
    try:
        while not stop.is_set():
            try:
                if scorer.is_stale:
                    scorer = Scorer(folder)
                    log("labels read again", labels=scorer.versions.labels_digest[:12])
                claimed = claim(database, lease_seconds)
                if claimed is not None:
                    with holding(database, claimed, lease_seconds):
                        finished += score_job(database, folder.settings, scorer, claimed)
                elif not compare_some(database, scorer, folder.settings.tasks):
                    if until_idle:
                        break
                    stop.wait(poll_seconds)
            except Exception:
                # Whatever it is, the job's lease runs out and it is tried again; a worker that
                # ended here would leave everybody waiting.
                log("worker met an error", logging.ERROR, exc_info=True)
                if until_idle:
                    raise
                stop.wait(PAUSE_AFTER_ERROR)
    finally:
        database.dispose()
        log("worker stopped", finished=finished)
    return finished


def score_job(database: Database, settings: Settings, scorer: Scorer, claimed: Claim) -> bool:
    """Score a claimed job and keep its score; both or neither are done.

    Returns:
        Whether this worker finished the job.
    """
    started = time.monotonic()
    try:
        scorecard = _scorecard(database, scorer, claimed.submission_id)
    except DataError as error:
        log("submission cannot be scored", logging.WARNING, job=claimed.job_id)
        fail(database, claimed, error.problem)
        return True
    except SQLAlchemyError:
        raise  # the database's fault: the job can be done later
    except Exception:
        log("scoring failed", logging.ERROR, exc_info=True, job=claimed.job_id)
        fail(database, claimed, FAILED)
        return True
    with database.write() as session:
        ours = finish(session, claimed)
        if ours:
            keep_score(
                session,
                settings,
                claimed.submission_id,
                scorer.versions,
                scorecard,
                scorer.public_patients,
            )
    log(
        "submission scored" if ours else "job had been taken over",
        job=claimed.job_id,
        submission=claimed.submission_id,
        seconds=round(time.monotonic() - started, 3),
    )
    return ours


def _scorecard(database: Database, scorer: Scorer, submission_id: int) -> Scorecard:
    earlier = earlier_scorecard(database, submission_id, scorer.versions)
    if earlier is not None:
        return earlier
    return scorer.scorecard(predictions_of(database, scorer, submission_id))

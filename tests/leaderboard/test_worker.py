"""Every accepted upload is scored once, whatever dies when."""

from __future__ import annotations

import logging
import multiprocessing
import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from acsbench.errors import DataError
from acsbench.leaderboard import jobs, worker
from acsbench.leaderboard.audit import now
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Job, Score, Standing, Submission
from acsbench.leaderboard.database.types import JobState, SubmissionState
from acsbench.leaderboard.holdout import holdout_of, public_part
from acsbench.leaderboard.jobs import Claim
from acsbench.leaderboard.scoring import Scorer
from acsbench.leaderboard.standings import predictions_of
from acsbench.leaderboard.worker import run_worker, score_job
from acsbench.statistics import auroc
from tests.leaderboard.conftest import MakeSite, Site

WORKER = (sys.executable, "-c", "from acsbench.cli.main import main; main()", "leaderboard")


def _scores(database: Database) -> list[Score]:
    with database.read() as session:
        return list(session.scalars(select(Score).order_by(Score.id)))


def _jobs(database: Database) -> list[Job]:
    with database.read() as session:
        return list(session.scalars(select(Job).order_by(Job.id)))


def _claim(site: Site) -> Claim:
    claimed = jobs.claim(site.database, 60)
    assert claimed is not None
    return claimed


def _let_leases_run_out(site: Site) -> None:
    with site.database.write() as session:
        session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))


def _score(site: Site, claimed: Claim) -> bool:
    return score_job(site.database, site.folder.settings, Scorer(site.folder), claimed)


def test_a_submission_is_scored_on_both_parts_by_patients(site: Site) -> None:
    ada = site.member("Heart Lab")
    receipt = site.submit(ada, 1)
    assert site.score() == 1
    holdout = holdout_of(site.labels)
    public = public_part(holdout, 0.5, 7)
    with site.database.read() as session:
        kept = session.get_one(Submission, receipt.submission_id)
        standing = session.get_one(Standing, (receipt.submission_id, "acs"))
    [job] = _jobs(site.database)
    assert (kept.state, job.state, job.attempts) == (SubmissionState.SCORED, JobState.DONE, 1)
    predictions = predictions_of(site.database, Scorer(site.folder), kept.id)["acs"]
    for part, value in ((public, standing.shown), (~public, standing.private_value)):
        exact = auroc(holdout.labels["acs"][part], predictions[part], holdout.patients[part])
        assert value == pytest.approx(exact.value, abs=0.0005)
    assert standing.private_low < standing.private_value < standing.private_high
    assert standing.shown == round(standing.shown, 3)


def test_a_worker_that_dies_before_it_finishes_leaves_the_job_to_another(site: Site) -> None:
    site.submit(site.member("Heart Lab"), 1)
    dead = _claim(site)
    assert jobs.claim(site.database, 60) is None
    _let_leases_run_out(site)
    assert site.score() == 1
    [job] = _jobs(site.database)
    assert (job.state, job.attempts) == (JobState.DONE, 2)
    # It was merely slow: what it brings now is thrown away.
    assert not _score(site, dead)
    assert len(_scores(site.database)) == 1


def test_a_worker_that_dies_while_it_writes_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.submit(site.member("Heart Lab"), 1)
    keep = worker.keep_score

    def killed(*arguments: object) -> None:
        keep(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "keep_score", killed)
    with pytest.raises(KeyboardInterrupt):
        _score(site, _claim(site))
    assert _scores(site.database) == []
    monkeypatch.undo()
    _let_leases_run_out(site)
    assert site.score() == 1
    assert len(_scores(site.database)) == 1


def test_two_workers_never_claim_the_same_job(site: Site) -> None:
    members = [site.member(f"Team {number}") for number in range(8)]
    for member in members:
        site.submit(member, 1)
    claims: list[int] = []

    def work() -> None:
        while (claimed := jobs.claim(site.database, 60)) is not None:
            claims.append(claimed.job_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # PostgreSQL passes over rows that others look at: nobody waits, and what is left comes next.
    while (claimed := jobs.claim(site.database, 60)) is not None:
        claims.append(claimed.job_id)
    assert sorted(claims) == [job.id for job in _jobs(site.database)]


def test_jobs_of_a_team_are_claimed_in_the_order_of_its_submissions(site: Site) -> None:
    ada, eve = site.member("Heart Lab"), site.member("Another")
    first, second, third = (
        site.submit(user, 1, seed).submission_id for user, seed in ((ada, 1), (ada, 2), (eve, 3))
    )
    claimed = _claim(site)
    assert claimed.submission_id == first
    assert _claim(site).submission_id == third
    assert jobs.claim(site.database, 60) is None
    assert _score(site, claimed)
    assert _claim(site).submission_id == second


def test_the_database_itself_refuses_a_second_score(site: Site) -> None:
    site.submit(site.member("Heart Lab"), 1)
    site.score()
    [score] = _scores(site.database)
    with pytest.raises(IntegrityError), site.database.write() as session:
        session.add(
            Score(
                submission_id=score.submission_id,
                scoring_version=score.scoring_version,
                labels_digest=score.labels_digest,
                tasks_digest=score.tasks_digest,
                created_at=now(),
                is_current=False,
                scorecard={},
            )
        )
    two_jobs = [
        Job(
            submission_id=score.submission_id,
            team_id=1,
            state=JobState.QUEUED,
            created_at=now(),
            attempts=0,
        )
        for _ in range(2)
    ]
    with pytest.raises(IntegrityError), site.database.write() as session:
        session.add_all(two_jobs)


def test_a_job_over_which_workers_keep_dying_is_given_up(site: Site) -> None:
    receipt = site.submit(site.member("Heart Lab"), 1)
    with site.database.write() as session:
        session.execute(update(Job).values(attempts=jobs.MOST_ATTEMPTS))
    assert site.score() == 0
    [job] = _jobs(site.database)
    assert job.state is JobState.FAILED
    with site.database.read() as session:
        failed = session.get_one(Submission, receipt.submission_id)
    assert failed.state is SubmissionState.FAILED
    assert failed.problems == [jobs.GIVEN_UP]
    assert jobs.queue_state(site.database).failed == 1
    # The organiser may have it scored after all.
    assert jobs.rescore(site.database) == 1
    assert site.score() == 1
    with site.database.read() as session:
        assert session.get_one(Submission, receipt.submission_id).state is SubmissionState.SCORED


def test_what_is_given_up_keeps_no_worker_from_the_rest(site: Site) -> None:
    for team in ("Heart Lab", "Another", "Third"):
        site.submit(site.member(team), 1)
    with site.database.write() as session:
        session.execute(update(Job).where(Job.id < 3).values(attempts=jobs.MOST_ATTEMPTS))
    assert site.score() == 1
    states = [job.state for job in _jobs(site.database)]
    assert states == [JobState.FAILED, JobState.FAILED, JobState.DONE]


def test_a_job_that_takes_its_time_stays_with_its_worker(site: Site) -> None:
    site.submit(site.member("Heart Lab"), 1)
    claimed = jobs.claim(site.database, 0.01)
    assert claimed is not None
    with jobs.holding(site.database, claimed, 3):
        assert jobs.renew(site.database, claimed, 3)
        until = now() + timedelta(seconds=10)
        # Renewed after a second: the lease then ends later than the first one would have.
        first = _jobs(site.database)[0].lease_until
        while (lease := _jobs(site.database)[0].lease_until) == first and now() < until:
            time.sleep(0.05)
        assert lease is not None
        assert first is not None
        assert lease > first
    _let_leases_run_out(site)
    other = _claim(site)
    assert not jobs.renew(site.database, claimed, 3)
    assert jobs.renew(site.database, other, 3)


def test_an_error_in_scoring_fails_the_job_without_telling_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("patient 17 has label 1")

    monkeypatch.setattr(Scorer, "scorecard", broken)
    receipt = site.submit(site.member("Heart Lab"), 1)
    assert site.score() == 1
    with site.database.read() as session:
        failed = session.get_one(Submission, receipt.submission_id)
    assert failed.state is SubmissionState.FAILED
    assert failed.problems == [worker.FAILED]


def test_a_database_that_fails_for_a_while_fails_no_job(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.submit(site.member("Heart Lab"), 1)
    failures = iter([True])

    def flaky(*arguments: object) -> object:
        if next(failures, False):
            raise OperationalError("SELECT", {}, Exception("gone"))
        return predictions_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "predictions_of", flaky)
    monkeypatch.setattr(worker, "PAUSE_AFTER_ERROR", 0.01)
    stop = threading.Event()
    thread = threading.Thread(
        target=run_worker, args=(site.folder, 0.05, 0.01), kwargs={"stop": stop}
    )
    thread.start()
    until = time.monotonic() + 20
    while not _scores(site.database) and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    thread.join()
    assert len(_scores(site.database)) == 1


def test_scores_are_made_again_when_labels_change_and_old_ones_stay(site: Site) -> None:
    receipt = site.submit(site.member("Heart Lab"), 1)
    site.score()
    [first] = _scores(site.database)
    assert jobs.rescore(site.database) == 1
    site.score()
    assert [score.id for score in _scores(site.database)] == [first.id]

    original = site.folder.labels_file.read_text()
    changed = site.labels.copy()
    changed.loc[:9, "acs"] = changed.loc[:9, "acs"].map({"0": "1", "1": "0"})
    changed.to_csv(site.folder.labels_file, index=False)
    jobs.rescore(site.database)
    site.score()
    old, new = _scores(site.database)
    assert (old.id, old.is_current, new.is_current) == (first.id, False, True)
    assert old.labels_digest != new.labels_digest
    with site.database.read() as session:
        standing = session.get_one(Standing, (receipt.submission_id, "acs"))
    assert standing.score_id == new.id

    # Back to the first labels: their score is taken out again, not made a second time.
    site.folder.labels_file.write_text(original)
    jobs.rescore(site.database)
    site.score()
    old, new = _scores(site.database)
    assert (old.is_current, new.is_current) == (True, False)


def test_a_running_worker_reads_changed_labels(site: Site) -> None:
    scorer = Scorer(site.folder)
    assert not scorer.is_stale
    site.labels.iloc[:-1].to_csv(site.folder.labels_file, index=False)
    assert scorer.is_stale
    with pytest.raises(DataError, match="not those of holdout-ids"):
        Scorer(site.folder)


def test_rescoring_takes_waiting_jobs_along_in_order(site: Site) -> None:
    ada = site.member("Heart Lab")
    first = site.submit(ada, 1, 1).submission_id
    site.score()
    second = site.submit(ada, 1, 2).submission_id
    running = _claim(site)
    assert jobs.rescore(site.database) == 2
    assert _claim(site).submission_id == first
    # What was running is scored in its turn; its worker's result is thrown away.
    assert not _score(site, running)
    assert len(_scores(site.database)) == 1
    _let_leases_run_out(site)
    site.score()
    assert [score.submission_id for score in _scores(site.database)] == [first, second]


def test_the_queue_tells_what_waits(site: Site) -> None:
    assert jobs.queue_state(site.database) == jobs.QueueState(0, 0, 0, 0.0)
    site.submit(site.member("Heart Lab"), 1)
    site.submit(site.member("Another"), 1)
    _claim(site)
    state = jobs.queue_state(site.database)
    assert (state.waiting, state.running) == (1, 1)
    assert state.oldest_seconds > 0


def test_logs_hold_no_text_of_an_error(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from acsbench.leaderboard.logs import LOGGER, configure_logs

    def broken(*_: object) -> None:
        raise ValueError("patient 17 has label 1")

    monkeypatch.setattr(Scorer, "scorecard", broken)
    logger = logging.getLogger(LOGGER)
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    configure_logs()
    site.submit(site.member("Heart Lab"), 1)
    site.score()
    told = capsys.readouterr().err
    assert '"event": "scoring failed"' in told
    assert '"error": "ValueError"' in told
    assert "patient 17" not in told
    assert "Heart Lab" not in told


def _assert_each_scored_once(site: Site, receipts: list[int]) -> None:
    until = time.monotonic() + 60
    while jobs.queue_state(site.database).oldest_seconds and time.monotonic() < until:
        site.score()
        time.sleep(0.05)
    with site.database.read() as session:
        scored = dict(
            session.execute(
                select(Score.submission_id, func.count()).group_by(Score.submission_id)
            ).all()
        )
        standings = dict(
            session.execute(
                select(Standing.submission_id, func.count()).group_by(Standing.submission_id)
            ).all()
        )
    assert scored == dict.fromkeys(receipts, 1)
    assert standings == dict.fromkeys(receipts, 2)
    assert {job.state for job in _jobs(site.database)} == {JobState.DONE}


def test_killed_workers_lose_nothing_and_score_nothing_twice(site: Site) -> None:
    chance = random.Random(1)
    members = [site.member(f"Team {number}") for number in range(3)]
    receipts = [site.submit(members[n % 3], 1, seed=n).submission_id or 0 for n in range(6)]
    fork = multiprocessing.get_context("fork")
    for _ in range(4):
        process = fork.Process(target=run_worker, args=(site.folder, 0.2))
        process.start()
        time.sleep(chance.uniform(0.1, 0.6))
        process.kill()
        process.join()
    _assert_each_scored_once(site, receipts)


@pytest.mark.slow
def test_twenty_killed_workers_lose_nothing_while_uploads_go_on(site: Site) -> None:
    chance = random.Random(2)
    members = [site.member(f"Team {number}") for number in range(4)]
    receipts: list[int] = []

    def submit() -> None:
        for number in range(60):
            receipt = site.submit(members[number % 4], 1, seed=number)
            receipts.append(receipt.submission_id or 0)
            time.sleep(0.2)

    submitting = threading.Thread(target=submit)
    submitting.start()
    for _ in range(20):
        process = subprocess.Popen(
            [*WORKER, "worker", str(site.folder.path), "--lease", "1"], stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        assert b"worker started" in process.stderr.readline()
        time.sleep(chance.uniform(0, 2))
        process.kill()
        process.communicate()
    submitting.join()
    _assert_each_scored_once(site, receipts)


def test_a_worker_needs_a_board(tmp_path: Path, make_site: MakeSite) -> None:
    site = make_site()
    site.folder.labels_file.unlink()
    with pytest.raises(DataError, match="does not exist"):
        run_worker(site.folder)

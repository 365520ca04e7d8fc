from __future__ import annotations

import gzip
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import phases, submissions, teams
from acsbench.leaderboard.audit import now
from acsbench.leaderboard.database.tables import Job, Submission, User
from acsbench.leaderboard.database.types import JobState, SubmissionState
from acsbench.leaderboard.settings import Limits
from acsbench.leaderboard.submissions import NotAccepted, Receipt
from tests.leaderboard.conftest import MakeSite, Site

BAD = b"ecg_id,acs\nnobody,2\n"


def _count(site: Site, table: type[Submission] | type[Job]) -> int:
    with site.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_an_accepted_upload_is_kept_with_its_job(site: Site) -> None:
    ada = site.member("Heart Lab")
    content = site.upload(1)
    receipt = site.send(ada, content, "  ResNet  18 ")
    assert receipt == Receipt(receipt.submission_id, SubmissionState.QUEUED)
    with site.database.read() as session:
        kept = session.scalars(select(Submission)).one()
        job = session.scalars(select(Job)).one()
        assert kept.content is not None
        assert gzip.decompress(kept.content) == content
    assert (kept.model, kept.tasks, kept.size) == ("ResNet 18", ["acs", "mace"], len(content))
    assert (job.submission_id, job.state, job.attempts) == (kept.id, JobState.QUEUED, 0)


def test_a_refused_upload_is_kept_with_its_reasons_and_costs_nothing(site: Site) -> None:
    ada = site.member("Heart Lab")
    receipt = site.send(ada, BAD)
    assert receipt.state is SubmissionState.REFUSED
    assert receipt.problems
    [kept] = submissions.team_submissions(site.database, ada.team_id or 0)
    assert kept.id == receipt.submission_id
    assert tuple(kept.problems) == receipt.problems
    assert _count(site, Job) == 0
    assert submissions.allowance(site.database, ada.team_id or 0).today_left == 100


def test_not_all_refusals_are_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MOST_REFUSALS", 2)
    ada = site.member("Heart Lab")
    receipts = [site.send(ada, BAD + b"x" * number) for number in range(3)]
    assert [receipt.submission_id is None for receipt in receipts] == [False, False, True]
    assert receipts[2].problems
    assert _count(site, Submission) == 2


def test_the_same_file_again_is_the_same_submission(site: Site) -> None:
    ada, bob = site.member("Heart Lab"), site.member("Heart Lab", "Bob")
    first, again = site.submit(ada, 1), site.submit(bob, 1)
    assert again == Receipt(first.submission_id, SubmissionState.QUEUED, repeated=True)
    other = site.submit(site.member("Another"), 1)
    assert other.submission_id != first.submission_id
    assert not other.repeated
    assert _count(site, Job) == 2


def test_the_same_file_at_once_is_one_submission(site: Site) -> None:
    ada = site.member("Heart Lab")
    receipts: list[Receipt] = []
    threads = [
        threading.Thread(target=lambda: receipts.append(site.submit(ada, 1))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 6
    assert len({receipt.submission_id for receipt in receipts}) == 1
    assert _count(site, Job) == 1


def test_limits_hold_when_a_team_uploads_at_once(site: Site) -> None:
    phase = phases.current_phase(site.database)
    assert phase is not None
    phases.change_phase(site.database, phase.id, Limits(per_day=3, total=5), None)
    ada = site.member("Heart Lab")
    accepted, refused = [], []

    def upload(seed: int) -> None:
        try:
            accepted.append(site.submit(ada, 1, seed))
        except NotAccepted as error:
            refused.append(str(error))

    threads = [threading.Thread(target=upload, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(accepted), len(refused)) == (3, 5)
    assert "all 3 submissions of today" in refused[0]
    assert _count(site, Submission) == 3


def test_limits_count_days_and_the_whole_phase(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    phase = phases.current_phase(site.database)
    assert phase is not None
    phases.change_phase(site.database, phase.id, Limits(per_day=2, total=3), None)
    ada = site.member("Heart Lab")
    moment = datetime(2031, 5, 4, 23, 59, 59, tzinfo=UTC)
    monkeypatch.setattr(submissions, "now", lambda: moment)
    site.submit(ada, 1, 1)
    site.submit(ada, 1, 2)
    left = submissions.allowance(site.database, ada.team_id or 0)
    assert (left.today_left, left.total_left) == (0, 1)
    assert left.next_day == datetime(2031, 5, 5, tzinfo=UTC)
    with pytest.raises(NotAccepted, match="all 2 submissions of today"):
        site.submit(ada, 1, 3)
    moment += timedelta(seconds=1)
    site.submit(ada, 1, 3)
    with pytest.raises(NotAccepted, match="all 3 submissions of this phase"):
        site.submit(ada, 1, 4)
    assert site.submit(ada, 1, 3).repeated
    assert submissions.allowance(site.database, ada.team_id or 0).today_left == 0


def test_nothing_is_accepted_outside_a_phase(make_site: MakeSite) -> None:
    site = make_site()
    ada = site.member("Heart Lab")
    with pytest.raises(NotAccepted, match="No phase is open"):
        site.submit(ada, 1)
    assert submissions.allowance(site.database, ada.team_id or 0).phase is None
    phase = site.open_phase(opens_at=now() + timedelta(days=1))
    with pytest.raises(NotAccepted, match="opens on"):
        site.submit(ada, 1)
    phases.close_phase(site.database, phase.id)
    site.open_phase(opens_at=now() - timedelta(days=2), closes_at=now() - timedelta(days=1))
    with pytest.raises(NotAccepted, match="ended on"):
        site.submit(ada, 1)


def test_suspended_teams_and_organisers_cannot_submit(site: Site) -> None:
    ada = site.member("Heart Lab")
    teams.suspend_team(site.database, ada.team_id or 0)
    with pytest.raises(NotAccepted, match="suspended"):
        site.submit(ada, 1)
    organiser = teams.sign_up(site.database, site.organiser_token, "Chief", "a long password")
    with pytest.raises(ConfigurationError, match="no team"):
        site.submit(organiser, 1)


def test_a_team_selects_among_its_own_submissions(site: Site) -> None:
    ada, eve = site.member("Heart Lab"), site.member("Another")
    phase = phases.current_phase(site.database)
    assert phase is not None
    first = site.submit(ada, 1, 1).submission_id or 0
    second = site.submit(ada, 1, 2).submission_id or 0
    submissions.select_submission(site.database, ada, first, "acs")
    submissions.select_submission(site.database, ada, second, "acs")
    assert submissions.selections(site.database, ada.team_id or 0, phase.id) == {"acs": second}

    def refused(user: User, submission_id: int, task: str, words: str) -> None:
        with pytest.raises(ConfigurationError, match=words):
            submissions.select_submission(site.database, user, submission_id, task)

    refused(eve, first, "acs", "no such submission")
    refused(ada, 999, "acs", "no such submission")
    refused(ada, first, "age", "no predictions")
    phases.close_phase(site.database, phase.id)
    refused(ada, first, "mace", "phase is closed")


def test_one_phase_is_open_at_a_time_and_stays_closed(site: Site) -> None:
    phase = phases.current_phase(site.database)
    assert phase is not None
    with pytest.raises(ConfigurationError, match="close it before"):
        site.open_phase()
    phases.close_phase(site.database, phase.id)
    with pytest.raises(ConfigurationError, match="closed already"):
        phases.close_phase(site.database, phase.id)
    with pytest.raises(ConfigurationError, match="no longer matter"):
        phases.change_phase(site.database, phase.id, Limits(), None)
    second = site.open_phase()
    assert [each.id for each in phases.phases(site.database)] == [second.id, phase.id]
    current = phases.current_phase(site.database)
    assert current is not None
    assert current.id == second.id
    with pytest.raises(ConfigurationError, match="ends after it starts"):
        phases.change_phase(site.database, second.id, Limits(), now() - timedelta(days=1))
    with pytest.raises(ConfigurationError, match="no such phase"):
        phases.close_phase(site.database, 999)

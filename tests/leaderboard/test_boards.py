"""What is shown to whom, and when."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from acsbench.leaderboard import boards, phases, submissions, teams
from acsbench.leaderboard.boards import Ranking
from acsbench.leaderboard.database.tables import Comparison, Phase, Standing
from acsbench.leaderboard.released import Patients
from acsbench.leaderboard.rounding import rounded_scorecard
from acsbench.leaderboard.settings import Settings
from acsbench.leaderboard.standings import shown_score
from acsbench.statistics import Estimate
from tests.leaderboard.conftest import PASSWORD, MakeSite, Site


def _phase(site: Site) -> Phase:
    phase = phases.current_phase(site.database)
    assert phase is not None
    return phase


def _ranking(site: Site, task: str = "acs") -> Ranking:
    return boards.ranking(site.database, task, _phase(site))


def _standing(site: Site, submission_id: int | None, task: str = "acs") -> Standing:
    with site.database.read() as session:
        return session.get_one(Standing, (submission_id, task))


def test_teams_are_ranked_by_their_best_public_score(site: Site) -> None:
    ada, eve, bob = (site.member(team) for team in ("Strong", "Weak", "Middle"))
    for user, skill, seed in ((ada, 0.5, 1), (eve, 0.2, 2), (bob, 1.0, 3), (ada, 3.0, 4)):
        site.submit(user, skill, seed, f"model {seed}")
    site.score()
    found = _ranking(site)
    assert found.part == "public"
    assert [(row.rank, row.team, row.model) for row in found.rows] == [
        (1, "Strong", "model 4"),
        (2, "Middle", "model 3"),
        (3, "Weak", "model 2"),
    ]
    first = found.rows[0]
    assert (first.entries, found.rows[1].entries) == (2, 1)
    assert first.change == pytest.approx(first.value - _standing(site, 1).shown)
    assert found.rows[1].change is None
    assert first.low < first.value < first.high


def test_only_clear_differences_from_the_best_are_significant(site: Site) -> None:
    skills = {"Best": (3.0, 1), "Nearly": (2.9, 2), "Worst": (0.2, 3)}
    members = {team: site.member(team) for team in skills}
    for team, (skill, seed) in skills.items():
        site.submit(members[team], skill, seed)
    assert all(row.significant is None for row in _ranking(site).rows)
    site.score()
    # A test rests on exact scores: none is made before the phase closes.
    assert all(row.significant is None for row in _ranking(site).rows)
    with site.database.read() as session:
        assert not session.scalars(select(Comparison)).all()
    phases.close_phase(site.database, _phase(site).id)
    site.score()
    assert [(row.team, row.significant) for row in _ranking(site).rows] == [
        ("Best", None),
        ("Nearly", False),
        ("Worst", True),
    ]
    with site.database.read() as session:
        tests = session.scalars(select(Comparison)).all()
    assert {test.part for test in tests} == {"private"}
    assert len(tests) == 4  # two tasks
    site.score()
    with site.database.read() as session:
        assert len(session.scalars(select(Comparison)).all()) == 4


def test_a_closed_phase_is_compared_while_the_next_is_open(site: Site) -> None:
    for number, skill in enumerate((1, 1, 4)):
        site.submit(site.member(f"Team {number}"), skill, number)
    site.score()
    first = phases.close_phase(site.database, _phase(site).id)
    site.open_phase()
    site.score()
    found = boards.ranking(site.database, "acs", first)
    assert [row.significant for row in found.rows] == [None, True, True]


def test_equal_scores_share_a_rank_and_the_earlier_stands_first(site: Site) -> None:
    users = [site.member(team) for team in ("First", "Second", "Third")]
    contents = [site.upload(2, 1), site.upload(2, 1) + b"\n", site.upload(0.1, 2)]
    for user, content in zip(users, contents, strict=True):
        site.send(user, content)
    site.score()
    assert [(row.rank, row.team) for row in _ranking(site).rows] == [
        (1, "First"),
        (1, "Second"),
        (3, "Third"),
    ]


def test_private_scores_appear_when_the_phase_closes(site: Site) -> None:
    ada, eve = site.member("Heart Lab"), site.member("Another")
    organiser = teams.sign_up(site.database, site.organiser_token, "Chief", PASSWORD)
    mine = site.submit(ada, 1).submission_id or 0
    site.submit(eve, 2)
    site.score()
    before = boards.submission_view(site.database, mine, ada, 3)
    assert before is not None
    assert before.scorecard is None
    assert before.ranks == {"acs": 2, "mace": 2}
    assert boards.submission_view(site.database, mine, eve, 3) is None
    seen = boards.submission_view(site.database, mine, organiser, 3)
    assert seen is not None
    assert seen.scorecard is not None

    phases.close_phase(site.database, _phase(site).id)
    found = _ranking(site)
    assert found.part == "private"
    assert {row.submission_id: row.value for row in found.rows}[mine] == _standing(
        site, mine
    ).private_value
    after = boards.submission_view(site.database, mine, ada, 3)
    assert after is not None
    assert after.scorecard is not None
    assert set(after.scorecard.tasks["acs"]) == {"public", "private"}
    exact = boards.submission_view(site.database, mine, organiser, 3)
    assert exact is not None
    assert exact.scorecard is not None
    assert after.scorecard == rounded_scorecard(exact.scorecard, 3) != exact.scorecard
    assert boards.submission_view(site.database, mine, eve, 3) is None
    # The worker compares on the private part now.
    assert all(row.significant is None for row in found.rows)
    site.score()
    assert _ranking(site).rows[1].significant is not None


def test_after_the_phase_a_team_is_ranked_by_what_it_chose(site: Site) -> None:
    ada = site.member("Heart Lab")
    better = site.submit(ada, 3, 1).submission_id
    worse = site.submit(ada, 0.5, 2).submission_id or 0
    site.score()
    submissions.select_submission(site.database, ada, worse, "acs")
    assert _ranking(site).rows[0].submission_id == better
    phases.close_phase(site.database, _phase(site).id)
    assert _ranking(site, "acs").rows[0].submission_id == worse
    assert _ranking(site, "mace").rows[0].submission_id == better
    view = boards.submission_view(site.database, worse, ada, 3)
    assert view is not None
    assert view.selected == ("acs",)


def test_suspended_teams_leave_the_board(site: Site) -> None:
    ada = site.member("Heart Lab")
    site.submit(ada, 1)
    site.score()
    teams.suspend_team(site.database, ada.team_id or 0)
    assert _ranking(site).rows == ()


def test_a_new_phase_starts_with_an_empty_board(site: Site) -> None:
    ada = site.member("Heart Lab")
    site.submit(ada, 1)
    site.score()
    phases.close_phase(site.database, _phase(site).id)
    site.open_phase()
    assert _ranking(site).rows == ()
    site.submit(ada, 0.1)
    site.score()
    [row] = _ranking(site).rows
    assert (row.change, row.entries) == (None, 1)


def test_the_ladder_shows_a_teams_best_until_it_is_clearly_beaten(make_site: MakeSite) -> None:
    site = make_site(ladder=True, ladder_step=0.05)
    site.open_phase()
    ada = site.member("Heart Lab")
    first = site.submit(ada, 1.0, 1).submission_id
    worse = site.submit(ada, 0.3, 2).submission_id
    better = site.submit(ada, 3.0, 3).submission_id
    site.score()
    one, two, three = (_standing(site, each) for each in (first, worse, better))
    step = site.folder.settings.ladder_step
    assert round(one.shown / step) * step == pytest.approx(one.shown)
    assert (two.shown, two.shown_low, two.shown_high) == (
        one.shown,
        one.shown_low,
        one.shown_high,
    )
    assert (two.improved, two.best_submission_id) == (False, first)
    assert three.shown > one.shown
    assert (three.improved, three.best_submission_id) == (True, better)
    [row] = _ranking(site).rows
    assert (row.submission_id, row.entries) == (better, 3)


def test_shown_scores_tell_no_more_decimals_than_they_may() -> None:
    exact = Estimate(0.81372, 0.78914, 0.83831, 0.95, "DeLong, Wald", 900, 300, 450)
    patients = Patients(150, 310)
    plain = Settings(partition_seed=1, ladder=False, round_digits=2)
    shown = shown_score(plain, 0.9, exact, patients)
    assert shown is not None
    assert (shown.value, shown.low, shown.high) == (0.81, 0.75, 0.86)
    stepped = Settings(partition_seed=1, ladder_step=0.02)
    assert shown_score(stepped, 0.8, exact, patients) is None
    first = shown_score(stepped, None, exact, patients)
    assert first is not None
    assert first.value == 0.82


def test_a_step_that_rounding_would_hide_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller than the decimals"):
        Settings(partition_seed=1, ladder_step=0.0005, round_digits=3)

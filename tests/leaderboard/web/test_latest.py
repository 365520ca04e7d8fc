"""What is kept for many readers, and when it is made anew."""

from __future__ import annotations

import threading

import pytest

from acsbench.leaderboard import phases, teams
from acsbench.leaderboard.web.latest import LONGEST_SECONDS, Latest
from tests.leaderboard.conftest import Site
from tests.leaderboard.web.conftest import NewBrowser


def test_a_reader_sees_each_change_at_once(site: Site, browser_of: NewBrowser) -> None:
    reader = browser_of(site)
    user = site.member("Heart Lab")
    assert "No submission has been scored" in reader.get("/board/acs").text
    site.submit(user, 1.0)
    site.score()
    assert "Heart Lab" in reader.get("/board/acs").text
    assert "Heart Lab" in str(reader.get("/api/v1/board/acs").json()["rows"])
    teams.suspend_team(site.database, user.team_id or 0)
    assert "Heart Lab" not in reader.get("/board/acs").text
    teams.reinstate_team(site.database, user.team_id or 0)
    phases.close_phase(site.database, 1)
    assert "private part of the holdout, which no team" in reader.get("/board/acs").text


def test_what_one_sees_is_not_kept_for_another(quick_site: Site, browser_of: NewBrowser) -> None:
    quick_site.submit(quick_site.member("Heart Lab", "Ada"), 1.0)
    quick_site.score()
    ada, reader = browser_of(quick_site, "Ada"), browser_of(quick_site)
    for _ in range(2):
        assert "(your team)" in ada.get("/").text
        assert "(your team)" not in reader.get("/").text
        assert "Ada" not in reader.get("/").text


def test_one_thread_makes_and_the_others_wait() -> None:
    latest, made, started = Latest(), [], threading.Barrier(8)

    def make() -> int:
        made.append(1)
        return len(made)

    def read() -> None:
        started.wait()
        latest.get("page", (1, 1), make)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_nothing_is_kept_for_long_or_after_an_error() -> None:
    now = [0.0]
    latest = Latest(clock=lambda: now[0])

    assert latest.get("page", (1, 1), lambda: "old") == "old"
    now[0] = LONGEST_SECONDS
    with pytest.raises(ZeroDivisionError):
        latest.get("page", (1, 1), lambda: 1 / 0)
    assert latest.get("page", (1, 1), lambda: "new") == "new"

"""What the pages show, from the first upload to the end of the phase."""

from __future__ import annotations

import csv
import io

from acsbench.leaderboard import boards, phases
from tests.leaderboard.conftest import MakeSite, Site
from tests.leaderboard.web.conftest import NewBrowser, organiser


def test_from_upload_to_private_scores(site: Site, browser_of: NewBrowser) -> None:
    organiser(site)
    site.member("Heart Lab", "Ada")
    ada, olga = browser_of(site, "Ada"), browser_of(site, "Olga")

    bad = ada.send("/submit", {"model": "ResNet"}, file=b"ecg_id,acs\necg00001,1.5\nxyz,0.1\n")
    assert bad.status_code == 422
    assert "for 3 reasons" in bad.text
    assert "line 3: &#39;xyz&#39; is no ECG of the holdout" in bad.text
    assert "column acs: the numbers range from 0.1 to 1.5" in bad.text
    page = ada.send("/submit", {"model": "ResNet"}, file=site.upload(2.0))
    assert page.url.path.startswith("/submissions/")
    assert "Waiting to be scored" in page.text

    site.score()
    address = page.url.path
    page = ada.get(address)
    assert "AUROC, public part" in page.text
    hidden = ("AUROC, private part", "Brier score", "ROC curve", "Subgroups")
    assert not [words for words in hidden if words in page.text]
    assert [words for words in hidden[:3] if words not in olga.get(address).text] == []
    public = boards.ranking(site.database, "acs", phases.phases(site.database)[0]).rows[0]
    assert f"{public.value:.3f}" in ada.get("/board/acs").text

    assert "refused" in ada.get("/submissions").text
    unsure = olga.send("/organise/phases/1/close", form_on="/organise")
    assert "Say that you are sure" in unsure.text
    closed = olga.send("/organise/phases/1/close", {"sure": "yes"}, form_on="/organise")
    assert "The phase is closed" in closed.text

    page = ada.get(address)
    assert [words for words in hidden[:3] if words not in page.text] == []
    private = boards.ranking(site.database, "acs", phases.phases(site.database)[0]).rows[0]
    assert f"{private.value:.3f}" in ada.get("/board/acs").text
    late = ada.send("/submit", {"model": "S4"}, file=site.upload(2.5))
    assert late.status_code == 422
    assert "No phase is open" in late.text


def test_only_the_first_closed_phase_says_that_its_scores_were_new(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    user = quick_site.member("Heart Lab", "Ada")
    for strength in (1.0, 2.0):
        if strength == 2.0:
            quick_site.open_phase()
        quick_site.submit(user, strength)
        quick_site.score()
        current = phases.current_phase(quick_site.database)
        assert current is not None
        phases.close_phase(quick_site.database, current.id)
    new, known = "no team had seen scores of before", "an earlier phase had shown scores of it"
    first = browser_of(quick_site).get("/board/acs?phase=1").text
    second = browser_of(quick_site).get("/board/acs").text
    assert (new in first, known in first) == (True, False)
    assert (new in second, known in second) == (False, True)


def test_the_web_never_opens_the_labels(quick_site: Site, browser_of: NewBrowser) -> None:
    user = quick_site.member("Heart Lab", "Ada")
    organiser(quick_site)
    receipt = quick_site.submit(user, 2.0)
    quick_site.score()
    quick_site.folder.labels_file.unlink()

    ada, olga = browser_of(quick_site, "Ada"), browser_of(quick_site, "Olga")
    for address in ("/", "/board/mace", "/data", f"/submissions/{receipt.submission_id}"):
        assert ada.get(address).status_code == 200
    assert ada.send("/submit", {"model": "S4"}, file=quick_site.upload(1.0)).status_code == 200
    for address in ("/organise", "/organise/exports/submissions.csv", "/metrics"):
        assert olga.get(address).status_code == 200
    olga.send("/organise/phases/1/close", {"sure": "yes"}, form_on="/organise")
    assert "private part" in ada.get("/").text


def test_a_check_keeps_nothing(quick_site: Site, browser_of: NewBrowser) -> None:
    quick_site.member("Heart Lab", "Ada")
    ada = browser_of(quick_site, "Ada")

    good = ada.send("/submit/check", form_on="/submit", file=quick_site.upload(1.0))
    empty = ada.send("/submit/check", form_on="/submit")
    bad = ada.send("/submit/check", form_on="/submit", file=b"PK\x03\x04")

    assert "This file stands the check" in good.text
    assert (good.status_code, empty.status_code, bad.status_code) == (200, 422, 422)
    assert "Nothing has been submitted yet" in ada.get("/submissions").text


def test_a_repeated_file_is_the_same_submission(quick_site: Site, browser_of: NewBrowser) -> None:
    quick_site.member("Heart Lab", "Ada")
    ada = browser_of(quick_site, "Ada")

    first, again = (
        ada.send("/submit", {"model": "A"}, file=quick_site.upload(1.0)) for _ in range(2)
    )

    assert first.url.path == again.url.path
    assert "You have submitted this file before" in again.text


def test_the_ladder_tells_no_small_differences(make_site: MakeSite, browser_of: NewBrowser) -> None:
    site = make_site(ladder=True, ladder_step=0.05)
    site.open_phase()
    user = site.member("Heart Lab", "Ada")
    site.submit(user, 2.0, seed=1)
    site.score()
    second = site.submit(user, 1.9, seed=1)
    site.score()

    text = browser_of(site, "Ada").get(f"/submissions/{second.submission_id}").text

    assert "best of the team" in text
    assert "This submission is not clearly better" in text


def test_ties_and_changes_are_told(quick_site: Site, browser_of: NewBrowser) -> None:
    first, second = quick_site.member("Heart Lab"), quick_site.member("Other Lab")
    quick_site.submit(first, 1.0)
    quick_site.submit(first, 2.0)
    quick_site.submit(second, 1.95, seed=3)
    quick_site.submit(quick_site.member("Coin Flippers"), 0.0, seed=4)
    quick_site.score()

    text = browser_of(quick_site).get("/board/acs").text

    assert "no significant difference" not in text
    assert ">lower<" not in text
    assert text.count('class="up"') == 1
    assert text.count('<span class="soft">first</span>') == 2

    phase = phases.current_phase(quick_site.database)
    assert phase is not None
    phases.close_phase(quick_site.database, phase.id)
    quick_site.score()
    text = browser_of(quick_site).get("/board/acs").text

    assert text.count("no significant difference") == 1
    assert ">lower<" in text
    assert 'class="up"' not in text


def test_names_are_text_in_pages_and_spreadsheets(site: Site, browser_of: NewBrowser) -> None:
    names = ['=HYPERLINK("http://x")', "<script>alert(1)</script>", "@SUM(A1)"]
    for number, name in enumerate(names):
        site.submit(site.member(name, f"{name} {number}"), 1.0, seed=number, model=name)
    organiser(site)
    site.score()
    olga = browser_of(site, "Olga")

    for address in ("/", "/organise/teams", "/submissions/2", "/organise/teams/2"):
        assert "<script>alert" not in olga.get(address).text
        assert "&lt;script&gt;alert" in olga.get(address).text
    for name, header in (("submissions", "team"), ("board-acs-1", "team")):
        answer = olga.get(f"/organise/exports/{name}.csv")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert {row[header] for row in rows} == {
            name if name.startswith("<") else f"'{name}" for name in names
        }
        assert {row["model"] for row in rows} == {row[header] for row in rows}


def test_the_organiser_runs_the_board(site: Site, browser_of: NewBrowser) -> None:
    organiser(site)
    user = site.member("Heart Lab", "Ada")
    site.submit(user, 1.0)
    site.score()
    olga = browser_of(site, "Olga")

    changed = olga.send(
        "/organise/phases/1",
        {"per_day": 7, "total": 70, "closes_at": "2031-05-04T15:30"},
        form_on="/organise",
    )
    assert 'value="7"' in changed.text
    assert 'value="2031-05-04T15:30"' in changed.text
    assert "4 May 2031, 15:30 UTC" in browser_of(site).get("/").text
    past = {"per_day": 7, "total": 70, "closes_at": "1999-01-01T00:00"}
    assert olga.send("/organise/phases/1", past, form_on="/organise").status_code == 422
    odd = past | {"closes_at": "tomorrow"}
    assert "2026-12-24T18:00" in olga.send("/organise/phases/1", odd, form_on="/organise").text
    none = past | {"per_day": 0}
    assert olga.send("/organise/phases/1", none, form_on="/organise").status_code == 422
    again = {"name": "Second", "per_day": 1, "total": 1}
    assert "A phase is open" in olga.send("/organise/phases", again, form_on="/organise").text

    assert "again: 1" in olga.send("/organise/rescore", form_on="/organise").text
    invited = olga.send("/organise/teams/invite", {"team": "New Lab"}, form_on="/organise/teams")
    link = invited.text.split("/sign-up/")[1].split("<")[0]
    assert "New Lab" in browser_of(site).get(f"/sign-up/{link}").text
    assert "/sign-up/" not in olga.get("/organise/teams").text
    second = olga.send("/organise/teams/invite", {"organises": "yes"}, form_on="/organise/teams")
    assert "/sign-up/" in second.text
    reset = olga.send(f"/organise/users/{user.id}/reset", form_on="/organise/teams")
    link = reset.text.split("/sign-up/")[1].split("<")[0]
    assert "New password" in browser_of(site).get(f"/sign-up/{link}").text

    olga.send("/organise/teams/1/suspend", form_on="/organise/teams")
    assert "Heart Lab" not in browser_of(site).get("/").text
    olga.send("/organise/teams/1/reinstate", form_on="/organise/teams")
    assert "Heart Lab" in browser_of(site).get("/").text
    log = olga.get("/organise/audit").text
    for action in ("change phase", "rescore", "invite", "suspend team", "reinstate team"):
        assert action in log
    assert "Heart Lab" not in log


def test_a_team_selects_what_counts(quick_site: Site, browser_of: NewBrowser) -> None:
    user = quick_site.member("Heart Lab", "Ada")
    quick_site.submit(user, 2.0, seed=1)
    worse = quick_site.submit(user, 1.0, seed=2)
    quick_site.score()
    ada = browser_of(quick_site, "Ada")
    address = f"/submissions/{worse.submission_id}"

    page = ada.send(f"{address}/select", {"task": "acs"}, form_on=address)

    assert "Selected for the private part" in page.text
    assert page.text.count("Select for the private part") == 1, "the other task"
    phases.close_phase(quick_site.database, 1)
    row = boards.ranking(quick_site.database, "acs", phases.phases(quick_site.database)[0]).rows[0]
    assert row.submission_id == worse.submission_id


def test_a_new_board_says_that_it_waits(make_site: MakeSite, browser_of: NewBrowser) -> None:
    site = make_site(tasks=("acs",))
    organiser(site)

    assert "has not opened the board yet" in browser_of(site).get("/").text
    olga = browser_of(site, "Olga")
    opened = olga.send(
        "/organise/phases", {"name": "Main", "per_day": 3, "total": 9}, form_on="/organise"
    )
    assert "Main is open" in opened.text
    assert "No submission has been scored yet" in browser_of(site).get("/").text
    site.folder.rules_file.unlink()
    assert "<h1>Rules</h1>" in browser_of(site).get("/rules").text

"""Who gets in, and who sees what."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st

from acsbench.leaderboard import teams
from acsbench.leaderboard.web.app import PAGES
from acsbench.leaderboard.web.pages.entrance import local_address
from acsbench.leaderboard.web.sessions import own_form
from tests.leaderboard.conftest import PASSWORD, Site
from tests.leaderboard.web.conftest import NewBrowser, organiser


def test_an_invitation_works_once(site: Site, browser_of: NewBrowser) -> None:
    link = f"/sign-up/{teams.invite(site.database, 'Heart Lab')}"
    fields = {"name": "Ada", "password": PASSWORD, "again": PASSWORD}

    browser = browser_of(site)
    assert "Heart Lab" in browser.get(link).text
    differ = browser.send(link, fields | {"again": "another password"})
    assert differ.status_code == 422
    assert "The two passwords differ" in differ.text
    weak = browser.send(link, fields | {"password": "short", "again": "short"})
    assert "A password has 10" in weak.text
    page = browser.send(link, fields)
    assert page.status_code == 200
    assert "Ada, Heart Lab" in page.text

    assert browser_of(site).get(link).status_code == 404
    assert "Ada, Heart Lab" in browser_of(site, "Ada").get("/").text


def test_a_link_sets_a_new_password_and_ends_sessions(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    user = quick_site.member("Heart Lab", "Ada")
    before = browser_of(quick_site, "Ada")
    link = f"/sign-up/{teams.reset_link(quick_site.database, user.id)}"
    new = "a new and better one"

    page = browser_of(quick_site).send(link, {"password": new, "again": new})

    assert "Ada, Heart Lab" in page.text
    assert "Sign in" in before.get("/").text
    assert browser_of(quick_site).sign_in("Ada").status_code == 403
    assert browser_of(quick_site).sign_in("Ada", new).status_code == 200


def test_a_changed_password_ends_the_other_sessions(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    quick_site.member("Heart Lab", "Ada")
    here, elsewhere = browser_of(quick_site, "Ada"), browser_of(quick_site, "Ada")
    new = "a new and better one"
    fields = {"old": PASSWORD, "password": new, "again": new}

    wrong = here.send("/account/password", fields | {"old": "not it at all"}, form_on="/account")
    assert wrong.status_code == 422
    changed = here.send("/account/password", fields, form_on="/account")

    assert "The password is changed" in changed.text
    assert "The password is changed" not in here.get("/account").text
    assert elsewhere.get("/account").url.path == "/sign-in"


def test_unknown_name_and_wrong_password_look_the_same(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    quick_site.member("Heart Lab", "Ada")

    def answer(name: str) -> str:
        page = browser_of(quick_site).sign_in(name, "not the password")
        assert page.status_code == 403
        return re.sub(r'value="[^"]*"', "", page.text)

    assert answer("Ada") == answer("Nobody")


def test_names_with_odd_characters_are_unknown(site: Site, browser_of: NewBrowser) -> None:
    assert browser_of(site).sign_in("A\x00da").status_code == 422
    assert browser_of(site).sign_in("👩‍⚕️" * 100).status_code == 403


def test_guessing_passwords_is_slowed_down_for_that_name(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    for name in ("Ada", "Bo"):
        quick_site.member(name, name)
    browser = browser_of(quick_site)

    statuses = [browser.sign_in("Ada", f"guess {guess}").status_code for guess in range(7)]

    assert statuses == [403] * 5 + [429] * 2
    assert browser.sign_in(" aDA ").status_code == 429, "case and spaces make no other name"
    assert browser.sign_in("Bo").status_code == 200


def test_signing_in_starts_another_session(quick_site: Site, browser_of: NewBrowser) -> None:
    quick_site.member("Heart Lab", "Ada")
    browser = browser_of(quick_site)
    browser.get("/sign-in")
    planted = browser.client.cookies["acsbench"]
    form = browser.get("/sign-in").text

    browser.sign_in("Ada")

    assert browser.client.cookies["acsbench"] != planted
    token = re.search(r'form_token" value="([^"]+)"', form)
    assert token is not None
    stale = browser.client.post("/sign-out", data={"form_token": token.group(1)})
    assert stale.status_code == 403, "a token of the session before is worth nothing"


def test_signing_out_ends_the_session(quick_site: Site, browser_of: NewBrowser) -> None:
    quick_site.member("Heart Lab", "Ada")
    browser = browser_of(quick_site, "Ada")

    page = browser.send("/sign-out", form_on="/")

    assert "Sign in" in page.text
    assert "acsbench" not in browser.client.cookies


def test_the_way_back_after_signing_in_stays_on_the_site(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    quick_site.member("Heart Lab", "Ada")
    browser = browser_of(quick_site)
    asked = browser.get("/submissions")
    assert (asked.url.path, asked.url.query) == ("/sign-in", b"then=/submissions")

    for then, path in (("/submissions", "/submissions"), ("//evil.example/x", "/")):
        fields = {"name": "Ada", "password": PASSWORD, "then": then}
        page = browser_of(quick_site).send("/sign-in", fields)
        assert (page.url.host, page.url.path) == ("testserver", path)


def test_every_form_carries_a_token(quick_site: Site, browser_of: NewBrowser) -> None:
    assert len(_routes("POST")) > 12
    for route in _routes("POST"):
        assert own_form in [each.call for each in route.dependant.dependencies], route.path

    quick_site.member("Heart Lab", "Ada")
    browser = browser_of(quick_site, "Ada")
    for token in ("", "made up"):
        refused = browser.client.post("/sign-out", data={"form_token": token})
        assert refused.status_code == 403
    sent = {"sec-fetch-site": "cross-site"}
    text = browser.get("/").text
    token = re.search(r'form_token" value="([^"]+)"', text)
    assert token is not None
    data = {"form_token": token.group(1)}
    assert browser.client.post("/sign-out", data=data, headers=sent).status_code == 403
    assert "Ada" in browser.get("/").text


def test_members_do_not_find_the_organisers_pages(quick_site: Site, browser_of: NewBrowser) -> None:
    quick_site.member("Heart Lab", "Ada")
    addresses = [
        re.sub(r"\{\w+\}", "1", route.path)
        for route in _routes("GET")
        if route.path.startswith("/organise")
    ]
    assert len(addresses) >= 6
    for address in [*addresses, "/metrics"]:
        assert browser_of(quick_site, "Ada").get(address).status_code == 404, address
        assert browser_of(quick_site).get(address).url.path in ("/sign-in", "/metrics")


def test_a_team_does_not_find_the_submissions_of_another(
    site: Site, browser_of: NewBrowser
) -> None:
    own, other = site.member("Heart Lab", "Ada"), site.member("Other Lab", "Bo")
    ours, theirs = site.submit(own, 1.0), site.submit(other, 1.5)
    organiser(site)
    browser = browser_of(site, "Ada")

    assert browser.get(f"/submissions/{ours.submission_id}").status_code == 200
    there = browser.get(f"/submissions/{theirs.submission_id}")
    nowhere = browser.get("/submissions/99999")
    assert there.status_code == nowhere.status_code == 404
    # The tokens of the forms differ in any case.
    blank = re.compile(r'value="[^"]*"')
    assert blank.sub("", there.text) == blank.sub("", nowhere.text)
    select = f"/submissions/{theirs.submission_id}/select"
    assert browser.send(select, {"task": "acs"}, form_on="/").status_code == 404
    assert browser_of(site, "Olga").get(there.url.path).status_code == 200


@pytest.mark.parametrize("address", ["/submissions/0", "/submissions/x", f"/submissions/{10**30}"])
def test_numbers_that_no_row_has_are_not_found(
    quick_site: Site, browser_of: NewBrowser, address: str
) -> None:
    quick_site.member("Heart Lab", "Ada")
    assert browser_of(quick_site, "Ada").get(address).status_code == 404


def _routes(method: str) -> list[APIRoute]:
    routes = [route for pages in PAGES for route in pages.router.routes]
    return [r for r in routes if isinstance(r, APIRoute) and method in (r.methods or ())]


ELSEWHERE = (
    "//elsewhere.org",
    "///elsewhere.org",
    "////elsewhere.org",
    "/////elsewhere.org/submissions",
    "/\\elsewhere.org",
    "\\\\elsewhere.org",
    "https:elsewhere.org",
    "https://elsewhere.org",
    "https:///elsewhere.org",
    "javascript:alert(1)",
    "/\t/elsewhere.org",
    "/\n/elsewhere.org",
    "\t//elsewhere.org",
    "/%2Felsewhere.org",
    "%2F%2Felsewhere.org",
    "/%5Celsewhere.org",
    "/%09/elsewhere.org",
    "/submissions//elsewhere.org",
    "/submissions/..//elsewhere.org",
    "/.//elsewhere.org",
    "/..//elsewhere.org",
    "//ada@elsewhere.org",
    "/@elsewhere.org",
    "@elsewhere.org",
    "elsewhere.org",
    "/\u2215elsewhere.org",
    "/\uff0felsewhere.org",
    "/ /elsewhere.org",
    "/;/elsewhere.org",
    "/?then=//elsewhere.org",
    "/submissions\r\nLocation: https://elsewhere.org",
    "/submissions\n",
    "",
)


@pytest.mark.parametrize("then", ELSEWHERE)
def test_no_way_back_leaves_the_site(then: str) -> None:
    assert local_address(then) == "/"


@settings(deadline=None)
@given(st.text(alphabet="/\\.:@%?#;2Ff5Cc \t\r\na-_\x00\u2215", max_size=12))
def test_every_way_back_is_a_path_of_plain_segments(then: str) -> None:
    address = local_address(then)
    found = urlsplit(urljoin("https://board.example/sign-in", address))
    assert (found.scheme, found.netloc) == ("https", "board.example")
    assert address == "/" or all(segment.strip(" .") for segment in address.split("/")[1:])


@pytest.mark.parametrize("path", ["/", "/submissions", "/organise/teams/2", "/board/MACE 30d"])
def test_own_pages_are_ways_back(path: str) -> None:
    assert local_address(path) == path


@pytest.mark.parametrize("then", ["//[", "https://[", "/\\", "////elsewhere.org", "\x00"])
def test_an_address_that_is_none_leads_home(
    quick_site: Site, browser_of: NewBrowser, then: str
) -> None:
    quick_site.member("Heart Lab", "Ada")
    browser = browser_of(quick_site, "Ada")
    shown = browser.client.get("/sign-in", params={"then": then}, follow_redirects=False)
    assert (shown.status_code, shown.headers["location"]) == (303, "/")
    again = browser_of(quick_site)
    fields = {"name": "Ada", "password": PASSWORD, "then": then}
    assert again.send("/sign-in", fields).status_code == (422 if then == "\x00" else 200)


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "undefined", "idna", "rot13", "none"])
@pytest.mark.parametrize("field", ["form_token", "name", "then"])
def test_forms_in_odd_character_sets_are_refused(
    quick_site: Site, browser_of: NewBrowser, charset: str, field: str
) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n+2AA-\r\n--b--\r\n'
    kind = f"multipart/form-data; boundary=b; charset={charset}"
    answer = browser_of(quick_site).client.post(
        "/sign-in", content=body.encode(), headers={"Content-Type": kind}
    )
    assert answer.status_code in (400, 403, 422)

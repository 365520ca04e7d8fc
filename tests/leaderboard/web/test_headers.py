"""What surrounds every page: headers, cookies, limits, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from acsbench.leaderboard.web import site as web_site
from acsbench.leaderboard.web.body_limit import FORM_BYTES
from acsbench.leaderboard.web.headers import HEADERS
from acsbench.leaderboard.web.pages import board as board_page
from tests.leaderboard.conftest import MakeSite, Site
from tests.leaderboard.web.conftest import NewBrowser, organiser

ADDRESSES = ("/", "/rules", "/data", "/api", "/sign-in", "/healthz", "/nothing", "/static/nothing")


def test_every_answer_has_the_headers(
    quick_site: Site, browser_of: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of(quick_site)
    style = re.search(r'href="(/static/board.css[^"]*)"', browser.get("/").text)
    assert style is not None
    answers = [browser.get(address) for address in (*ADDRESSES, "/api/v1/submissions")]
    answers += [browser.client.post("/rules"), browser.get(style.group(1))]

    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(board_page.phases, "phases", fail)
    failed = browser.get("/")
    assert failed.status_code == 500
    assert "Something went wrong here" in failed.text
    assert "secret" not in failed.text

    for answer in [*answers, failed]:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, answer.url
        kept = "immutable" in answer.headers["cache-control"]
        assert kept == (str(answer.url).endswith(style.group(1)))
        assert "strict-transport-security" not in answer.headers


def test_https_is_remembered_and_guards_the_cookie(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    plain = browser_of(quick_site).get("/sign-in").headers["set-cookie"].lower()
    answer = browser_of(quick_site, scheme="https").get("/sign-in")
    secure = answer.headers["set-cookie"].lower()

    assert plain.startswith("acsbench=")
    assert secure.startswith("__host-acsbench=")
    assert "max-age=63072000" in answer.headers["strict-transport-security"]
    for cookie in (plain, secure):
        flags = {flag.strip() for flag in cookie.split(";")}
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert ("secure" in flags) == (cookie is secure)


def test_reading_the_board_sets_no_cookie(quick_site: Site, browser_of: NewBrowser) -> None:
    for address in ("/", "/rules", "/data"):
        assert "set-cookie" not in browser_of(quick_site).get(address).headers


def test_no_page_has_anything_inline_or_from_elsewhere(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    user = quick_site.member("Heart Lab", "Ada")
    quick_site.submit(user, 1.5)
    quick_site.send(user, b"nothing of the kind")
    organiser(quick_site)
    quick_site.score()
    pages = list(_crawl(browser_of(quick_site, "Ada").get))
    pages += _crawl(browser_of(quick_site, "Olga").get)

    assert len({address for address, _ in pages}) > 15
    for address, page in pages:
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), address
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", page), address
        outside = re.findall(r'(?:src|href|action)="(?!/|#)([^"]+)"', page)
        assert outside == [], address
        for field in re.findall(r"<(?:input|select|textarea)[^>]*>", page):
            if 'type="hidden"' not in field and 'type="checkbox"' not in field:
                name = re.search(r'\sid="([^"]+)"', field)
                assert name is not None, (address, field)
                assert f'for="{name.group(1)}"' in page, (address, field)
        assert page.count("<h1") == 1, address


def _crawl(get) -> Iterator[tuple[str, str]]:
    """Every page that links lead to, from the first one."""
    waiting, seen = ["/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = get(address)
        assert answer.status_code == 200, address
        if answer.headers["content-type"].startswith("text/html"):
            yield address, answer.text
            links = re.findall(r'<a [^>]*href="(/[^"#]*)"', answer.text)
            waiting += [link.replace("&amp;", "&") for link in links]


def test_texts_of_the_organiser_are_shown_without_their_html(
    quick_site: Site, browser_of: NewBrowser
) -> None:
    quick_site.folder.rules_file.write_text(
        "# House rules\n\n<script>alert(1)</script>\n\n[a](javascript:alert(1)) [b](https://x.org)\n"
        "\n| a | b |\n|---|--:|\n| 1 | 2 |\n"
    )
    text = browser_of(quick_site).get("/rules").text

    assert "<h1>House rules</h1>" in text
    assert "&lt;script&gt;alert(1)" in text
    assert 'href="javascript' not in text
    assert '<a href="https://x.org">b</a>' in text
    assert '<td class="right">2</td>' in text


def test_large_bodies_are_refused_while_they_arrive(
    make_site: MakeSite, browser_of: NewBrowser
) -> None:
    site = make_site(max_upload_bytes=100_000)
    site.open_phase()
    site.member("Heart Lab", "Ada")
    browser = browser_of(site, "Ada")
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
        while sent < 10_000_000:
            sent += 10_000
            yield b"0" * 10_000

    kind = {"content-type": "multipart/form-data; boundary=x"}
    for address in ("/submit", "/submit/check", "/api/v1/check", "/sign-in"):
        sent = 0
        answer = browser.client.post(address, content=endless(), headers=kind)
        assert answer.status_code == 413, address
    form = {"content-type": "application/x-www-form-urlencoded"}
    content = b"a" * (FORM_BYTES + 1)
    announced = browser.client.post("/sign-in", content=content, headers=form)
    assert announced.status_code == 413
    just = browser.send("/submit/check", {}, form_on="/submit", file=b"0" * 100_000)
    assert just.status_code == 422
    more = browser.send("/submit/check", {}, form_on="/submit", file=b"0" * 100_001)
    assert "larger than 100,000 bytes" in more.text


def test_static_addresses_follow_the_content() -> None:
    first = web_site.static_address("board.css")
    assert re.fullmatch(r"/static/board\.css\?v=[0-9a-f]{12}", first)
    assert first != web_site.static_address("board.js").replace("js", "css")

"""A board that runs, and Debian's Chromium to use it with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.leaderboard.live import LiveBoard, make_board, running

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SECONDS = 60


@pytest.fixture(scope="module")
def live_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBoard]:
    """A board without a phase and with one team, whose member has a token of the API."""
    with running(make_board(tmp_path_factory.mktemp("live"), teams=1, phase=None)) as board:
        yield board


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; the tests are skipped where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        reason = "needs the program chromium, as Debian's package of that name brings it"
        if os.environ.get("ACSBENCH_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # Its sandbox does not work for root, as which CI runs; it opens our own pages alone.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


class People:
    """Browser sessions on a board, and whatever went wrong in them.

    Args:
        browser: of all of them.
        board: that they use.
        screenshots: folder for pictures of the pages.
    """

    def __init__(self, browser: Browser, board: LiveBoard, screenshots: Path):
        self.browser, self.board, self.screenshots = browser, board, screenshots
        self.troubles: list[str] = []
        self.contexts: list[BrowserContext] = []

    def arrive(self, *, phone: bool = False, session: dict | None = None):
        """A page of a person who has not been here before, or with the session of one."""
        context = self.browser.new_context(
            base_url=self.board.url,
            viewport=PHONE if phone else DESKTOP,
            is_mobile=phone,
            storage_state=session,
        )
        context.set_default_timeout(1000 * SECONDS)
        context.on("console", lambda message: self._note(message.type, message.text))
        context.on("request", lambda request: self._check_address(request.url))
        self.contexts.append(context)
        return context.new_page()

    def picture(self, page, name: str) -> None:
        """Keep a picture of a whole page, to be looked at."""
        page.screenshot(path=self.screenshots / f"{name}.png", full_page=True)

    def _note(self, kind: str, text: str) -> None:
        # What a page's security policy forbids is told there, as are errors of scripts.
        if kind in ("error", "warning") and "status of 4" not in text:
            self.troubles.append(text)

    def _check_address(self, address: str) -> None:
        if not address.startswith((self.board.url, "data:")):
            self.troubles.append(f"a request to another place: {address}")


@pytest.fixture(scope="module")
def people(
    browser: Browser, live_board: LiveBoard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[People]:
    """Sessions that end with the tests."""
    people = People(browser, live_board, tmp_path_factory.mktemp("screenshots"))
    yield people
    for context in people.contexts:
        context.close()

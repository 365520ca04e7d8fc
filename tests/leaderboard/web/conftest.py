"""A browser without scripts, for the pages of a board."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from acsbench.leaderboard import score, teams
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.web.app import create_app
from tests.leaderboard.conftest import PASSWORD, MakeSite, Site

_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass(frozen=True)
class Browser:
    """Keeps cookies, follows redirects, and sends forms as they stand on a page."""

    client: TestClient

    def get(self, address: str) -> Any:
        return self.client.get(address)

    def send(
        self,
        address: str,
        fields: dict[str, object] | None = None,
        *,
        form_on: str = "",
        file: bytes | None = None,
    ) -> Any:
        """Send the form at `address`, found on that page unless it is on another."""
        token = _TOKEN.search(self.get(form_on or address).text)
        assert token is not None, f"no form on {form_on or address}"
        files = None if file is None else {"file": ("any.csv", file)}
        data = {"form_token": token.group(1)} | {k: str(v) for k, v in (fields or {}).items()}
        return self.client.post(address, data=data, files=files)

    def sign_in(self, name: str, password: str = PASSWORD) -> Any:
        return self.send("/sign-in", {"name": name, "password": password})


@pytest.fixture(autouse=True)
def _quick_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few resamples: the pages show the intervals whatever they are."""
    monkeypatch.setattr(score, "RESAMPLES", 20)


NewBrowser = Callable[..., Browser]


@pytest.fixture
def quick_site(make_site: MakeSite) -> Site:
    """A board on SQLite with a phase open, for what does not depend on the database."""
    made = make_site(ladder=False)
    made.open_phase()
    return made


def organiser(site: Site) -> User:
    """The organiser, signed up."""
    return teams.sign_up(site.database, site.organiser_token, "Olga", PASSWORD)


@pytest.fixture
def browser_of() -> Iterator[NewBrowser]:
    """Open a board in a new browser; with a name, signed in."""
    with ExitStack() as stack:
        apps: dict[object, object] = {}

        def new(site: Site, name: str | None = None, scheme: str = "http", **options) -> Browser:
            app = apps.setdefault(site.folder.path, create_app(site.folder.path))
            client = TestClient(app, base_url=f"{scheme}://testserver", **options)
            browser = Browser(stack.enter_context(client))
            if name is not None:
                assert browser.sign_in(name).status_code == 200
            return browser

        yield new

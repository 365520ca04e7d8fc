"""While a phase is open, labels change nothing that is published unless a shown score changes."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from acsbench.leaderboard import phases
from acsbench.leaderboard.database.tables import Score, Submission
from acsbench.leaderboard.database.types import SubmissionState
from acsbench.leaderboard.holdout import holdout_of, public_part
from acsbench.leaderboard.tokens import create_token
from tests.leaderboard.conftest import MakeSite, Site
from tests.leaderboard.web.conftest import NewBrowser, organiser

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.+Z]+|\d{1,2} \w+ \d{4}(, \d\d:\d\d UTC)?")
TOKENS = re.compile(r'name="form_token" value="[^"]+"|acsb[\w.-]{8,}')
ADDRESSES = (
    "/",
    "/board/acs",
    "/board/mace",
    "/board/acs?phase=1",
    "/rules",
    "/data",
    "/submissions",
    "/submissions/1",
    "/submissions/2",
    "/submissions/4",
    "/api/v1/board/acs",
    "/api/v1/board/mace",
)


def two_tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Labels, the same with those of two ECGs exchanged, and predictions close to each other there.

    One ECG per patient; both are in the public part.
    """
    rng = np.random.default_rng(4)
    acs = (rng.random(400) < 0.4).astype(int)
    table = pd.DataFrame({"ecg_id": [f"e{i:03d}" for i in range(400)], "acs": acs})
    table = table.assign(patient_id="p" + table["ecg_id"], mace=rng.permutation(acs))
    risk = np.round(1 / (1 + np.exp(-1.2 * acs - rng.normal(size=400))), 6)
    public = np.flatnonzero(public_part(holdout_of(table), seed=7))
    ordered = public[np.argsort(risk[public])]
    # Far from the middle, where an exchange moves the variance, of neighbours in rank.
    place = next(k for k in range(8, 80) if acs[ordered[k]] != acs[ordered[k + 1]])
    pair = ordered[[place, place + 1]]
    other = table.copy()
    other.loc[pair, "acs"] = table.loc[pair[::-1], "acs"].to_numpy()
    predictions = pd.DataFrame({"ecg_id": table["ecg_id"], "acs": risk, "mace": risk[::-1]})
    return table, other, predictions


def in_use(site: Site, predictions: pd.DataFrame) -> Site:
    """Three teams, of which the first submits twice; scored, with time for tests."""
    site.open_phase()
    organiser(site)
    users = [site.member(team, team) for team in ("Ada", "Bob", "Eve")]
    noise = np.random.default_rng(0).random(len(predictions))
    for user, weight in ((users[0], 0.3), (users[0], 0.0), (users[1], 0.6), (users[2], 0.9)):
        mixed = predictions.copy()
        for task in ("acs", "mace"):
            mixed[task] = (1 - weight) * mixed[task] + weight * noise
        site.send(user, mixed.to_csv(index=False).encode(), f"model {weight}")
    site.score()
    site.score()
    return site


def published(site: Site, browser_of: NewBrowser) -> dict[str, str]:
    """All that a stranger, a member and the board's export show."""
    found = {}
    ada = browser_of(site, "Ada")
    for address in ADDRESSES:
        found[f"stranger {address}"] = browser_of(site).get(address).text
        found[f"Ada {address}"] = ada.get(address).text
    olga = browser_of(site, "Olga")
    for task in ("acs", "mace"):
        address = f"/organise/exports/board-{task}-1.csv"
        found[address] = olga.get(address).text
    with site.database.read() as session:
        user = session.scalar(select(Submission).where(Submission.id == 1)).user_id
    token = create_token(site.database, user, "script")
    for address in ("/api/v1/submissions", "/api/v1/submissions/1", "/api/v1/submissions/2"):
        answer = ada.client.get(address, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        found[address] = answer.text
    return {key: TOKENS.sub("", MOMENT.sub("", text)) for key, text in found.items()}


def exact(site: Site) -> list[object]:
    with site.database.read() as session:
        cards = session.scalars(select(Score).order_by(Score.submission_id)).all()
        return [json.dumps(card.scorecard["tasks"]["acs"]["public"]["metrics"]) for card in cards]


def test_labels_that_leave_the_shown_scores_alone_change_no_page(
    make_site: MakeSite, browser_of: NewBrowser
) -> None:
    first, second, predictions = two_tables()
    one, other = (
        in_use(make_site(name, table), predictions)
        for name, table in (("one", first), ("other", second))
    )
    assert all(a != b for a, b in zip(exact(one), exact(other), strict=True))
    shown, also = published(one, browser_of), published(other, browser_of)
    assert shown == also
    assert all(len(text) > 50 for text in shown.values())
    row = json.loads(shown["stranger /api/v1/board/acs"])["rows"][0]
    assert row["low"] < row["value"] < row["high"]
    assert row["differs_from_best"] is None

    # Once the phase is closed, the difference shows.
    for site in (one, other):
        phase = phases.current_phase(site.database)
        assert phase is not None
        phases.close_phase(site.database, phase.id)
        site.score()
    pages = [browser_of(site, "Ada").get("/submissions/1").text for site in (one, other)]
    assert "All numbers" in pages[0]
    assert [page.count("Against the best") for page in pages] == [0, 0]
    assert "Against the best" in browser_of(one).get("/board/acs").text


@pytest.mark.parametrize("kind", ["labels", "one", "tiny", "huge", "two values"])
def test_no_file_that_stands_the_check_fails_in_scoring(make_site: MakeSite, kind: str) -> None:
    """What fails costs nothing and is told: a failure that depends on labels would tell them."""
    table, _, predictions = two_tables()
    acs = table["acs"].to_numpy()
    risk = {
        "labels": acs.astype(float),
        "one": (np.arange(400) == 3) * 1.0,
        "tiny": np.where(acs == 1, 5e-324, 0.0),
        "huge": np.where(acs == 1, 1.0, np.nextafter(1, 0)),
        "two values": 1.0 - acs,
    }[kind]
    site = make_site(table=table)
    site.open_phase()
    upload = predictions.assign(acs=risk, mace=risk).to_csv(index=False).encode()
    number = site.send(site.member("Ada"), upload).submission_id
    site.score()
    with site.database.read() as session:
        assert session.get_one(Submission, number).state is SubmissionState.SCORED

"""Damaged uploads: never an error of the server, and never a score for what is not right."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from acsbench.leaderboard import tokens
from acsbench.leaderboard.database.tables import Score, Submission
from acsbench.leaderboard.database.types import SubmissionState
from tests.leaderboard.conftest import MakeSite
from tests.leaderboard.web.conftest import NewBrowser

NASTY = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"PK\x03\x04",
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n\n",
    b"nan",
    b"inf",
    b"-1",
    b"1e999",
    b"0x1p-3",
    b"0,5",
    b"1.5",
    b"1_0",
    "٠.٥".encode(),
    b"\xe9",
    b"=1+1",
    b"ecg_id",
    b"probability",
    b"acs,acs",
    b"\n--boundary--\r\n",
    b"9" * 5000,
]
PLACE = st.floats(0, 1, allow_nan=False)


@st.composite
def mutations(draw: st.DrawFn):
    """A change of a file: what to do, where, and with which bytes."""
    kind = draw(st.sampled_from(["insert", "replace", "delete", "repeat", "swap", "cut", "encode"]))
    data = draw(st.sampled_from(NASTY) | st.binary(max_size=12))
    return kind, draw(PLACE), draw(PLACE), data


def mutated(content: bytes, change) -> bytes:
    kind, first, second, data = change
    start, end = sorted(round(place * len(content)) for place in (first, second))
    end = min(end, start + 40)
    lines = content.split(b"\n")
    here, there = (round(place * (len(lines) - 1)) for place in (first, second))
    match kind:
        case "insert":
            return content[:start] + data + content[start:]
        case "replace":
            return content[:start] + data + content[start + len(data) :]
        case "delete":
            return content[:start] + content[end:]
        case "repeat":
            return b"\n".join([*lines[:here], lines[there], *lines[here:]])
        case "swap":
            lines[here], lines[there] = lines[there], lines[here]
            return b"\n".join(lines)
        case "cut":
            return content[:start]
        case _:
            return content.decode("latin-1").encode(["utf-16", "utf-8-sig", "cp500"][len(data) % 3])


def is_right(content: bytes, ids: set[str]) -> bool:
    """Whether a file is a submission, read in another way than the board reads it."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
        header, *rows = [row for row in rows if row and (len(row) > 1 or row[0].strip())]
        table = [dict(zip(header, row, strict=True)) for row in rows]
        values = [[float(row[name]) for row in table] for name in header if name != "ecg_id"]
    except (ValueError, csv.Error, KeyError):
        return False
    return (
        sorted(header) in (["acs", "ecg_id", "mace"], ["acs", "ecg_id"], ["ecg_id", "mace"])
        and sorted(row["ecg_id"].strip() for row in table) == sorted(ids)
        and all(math.isfinite(v) and 0 <= v <= 1 for column in values for v in column)
    )


@pytest.mark.parametrize("examples", [150, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_uploads_get_an_answer_and_no_score(
    make_site: MakeSite, browser_of: NewBrowser, examples: int
) -> None:
    site = make_site(ladder=False)
    site.open_phase(per_day=10_000, total=10_000)
    browser = browser_of(site)
    user = site.member("Heart Lab")
    headers = {"Authorization": f"Bearer {tokens.create_token(site.database, user.id, 'fuzz')}"}
    good, ids = site.upload(1.0), set(site.folder.holdout_ids())
    assert is_right(good, ids)
    accepted: set[int] = set()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(mutations(), min_size=1, max_size=3))
    def upload(changes) -> None:
        content = good
        for change in changes:
            content = mutated(content, change)
        answer = browser.client.post(
            "/api/v1/submissions",
            files={"file": ("x.csv", content)},
            data={"model": "fuzz"},
            headers=headers,
        )
        if answer.status_code == 201:
            assert is_right(content, ids), content
            accepted.add(answer.json()["id"])
        else:
            # A limit of the phase would be 409.
            assert answer.status_code == 422, answer.text
            assert answer.json()["problems"]

    upload()

    scored = site.score()
    assert scored == len(accepted)
    with site.database.read() as session:
        assert session.scalar(select(func.count(Score.id))) == len(accepted)
        kinds = set(session.scalars(select(Submission.state).distinct()))
    assert kinds <= {SubmissionState.SCORED, SubmissionState.REFUSED}

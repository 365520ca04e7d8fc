from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import audit, teams, tokens
from acsbench.leaderboard.audit import now
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import ApiToken, Invitation, Team, User
from tests.leaderboard.conftest import PASSWORD


def _member(database: Database, team: str = "Heart Lab", name: str = "Ada") -> User:
    return teams.sign_up(database, teams.invite(database, team), name, PASSWORD)


def test_an_invitation_makes_a_member_once(database: Database) -> None:
    token = teams.invite(database, "Heart Lab")
    assert teams.invitation(database, token).team.name == "Heart Lab"
    ada = teams.sign_up(database, token, "Ada", PASSWORD)
    assert ada.team.name == "Heart Lab"
    assert not ada.is_organiser
    with pytest.raises(ConfigurationError, match="been used, has expired, or never was"):
        teams.sign_up(database, token, "Eve", PASSWORD)
    with pytest.raises(ConfigurationError, match="never was"):
        teams.invitation(database, token + "x")


def test_an_invitation_without_a_team_makes_an_organiser(database: Database) -> None:
    user = teams.sign_up(database, teams.invite(database, None), "Ada", PASSWORD)
    assert user.is_organiser
    assert user.team is None
    assert [each.id for each in teams.organisers(database)] == [user.id]


def test_an_invitation_expires(database: Database) -> None:
    token = teams.invite(database, "Heart Lab")
    with database.write() as session:
        session.execute(update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(ConfigurationError, match="has expired"):
        teams.sign_up(database, token, "Ada", PASSWORD)


def test_names_that_look_alike_are_one_team_and_two_members_cannot_share_one(
    database: Database,
) -> None:
    ada = _member(database)
    bob = _member(database, team=" HEART  lab ", name="Bob")
    assert ada.team_id == bob.team_id
    with pytest.raises(ConfigurationError, match="choose another"):
        _member(database, name="ａｄａ")


def test_a_failed_sign_up_does_not_use_the_invitation(database: Database) -> None:
    _member(database)
    token = teams.invite(database, "Heart Lab")
    for name, password, words in (
        ("ada", PASSWORD, "choose another"),
        ("Bob", "short", "10 to 200"),
        ("Bob the long", "bob the LONG", "differ"),
        (" \u200b ", PASSWORD, "1 to 80"),
        ("x" * 81, PASSWORD, "1 to 80"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            teams.sign_up(database, token, name, password)
    assert teams.sign_up(database, token, "Bob", PASSWORD).name == "Bob"


def test_signing_in_needs_name_and_password(database: Database) -> None:
    ada = _member(database)
    found = teams.sign_in(database, "ADA", PASSWORD)
    assert found is not None
    assert found.id == ada.id
    assert teams.sign_in(database, "Ada", PASSWORD + "!") is None
    assert teams.sign_in(database, "Nobody", PASSWORD) is None
    assert teams.sign_in(database, "Ada", "x" * 10_000) is None


def test_a_new_password_ends_all_sessions(database: Database) -> None:
    ada = _member(database)
    assert teams.user_of_session(database, ada.id, ada.session_key) is not None
    with pytest.raises(ConfigurationError, match="present password is wrong"):
        teams.change_password(database, ada.id, "wrong", "another long one")
    changed = teams.change_password(database, ada.id, PASSWORD, "another long one")
    assert teams.user_of_session(database, ada.id, ada.session_key) is None
    assert teams.user_of_session(database, ada.id, changed.session_key) is not None
    assert teams.user_of_session(database, 999, changed.session_key) is None
    assert teams.sign_in(database, "Ada", PASSWORD) is None


def test_a_lost_password_is_replaced_by_a_link_that_works_once(database: Database) -> None:
    ada = _member(database)
    token = teams.reset_link(database, ada.id)
    with pytest.raises(ConfigurationError, match="never was"):
        teams.sign_up(database, token, "Eve", PASSWORD)
    of_the_thief = tokens.create_token(database, ada.id, "laptop")
    changed = teams.reset_password(database, token, "another long one")
    assert tokens.user_of_token(database, of_the_thief) is None
    assert changed.id == ada.id
    assert changed.session_key != ada.session_key
    with pytest.raises(ConfigurationError, match="been used"):
        teams.reset_password(database, token, "a third long one")
    with pytest.raises(ConfigurationError, match="never was"):
        teams.reset_password(database, teams.invite(database, "Heart Lab"), "another long one")


def test_a_token_is_kept_as_a_hash_and_revoked_by_its_owner_alone(database: Database) -> None:
    ada, bob = _member(database), _member(database, name="Bob")
    token = tokens.create_token(database, ada.id, "laptop")
    found = tokens.user_of_token(database, token)
    assert found is not None
    assert found.id == ada.id
    with database.read() as session:
        kept = session.scalar(select(ApiToken))
    assert kept is not None
    assert token not in (kept.token_hash, kept.prefix)
    assert token.startswith(kept.prefix)
    assert kept.last_used_on is not None
    tokens.revoke_token(database, bob.id, kept.id)
    assert tokens.user_of_token(database, token) is not None
    tokens.revoke_token(database, ada.id, kept.id)
    assert tokens.user_of_token(database, token) is None
    assert tokens.tokens_of(database, ada.id)[0].revoked_at is not None


def test_tokens_have_a_limit(database: Database) -> None:
    ada = _member(database)
    for number in range(tokens.MOST_TOKENS):
        tokens.create_token(database, ada.id, f"token {number}")
    with pytest.raises(ConfigurationError, match="revoke one first"):
        tokens.create_token(database, ada.id, "one more")


def test_the_overview_counts_members_and_open_invitations(database: Database) -> None:
    _member(database)
    teams.invite(database, "Heart Lab")
    teams.invite(database, "Another")
    another, heart = teams.team_overview(database)
    assert (another.team.name, len(another.members), another.open_invitations) == ("Another", 0, 1)
    assert (heart.team.name, len(heart.members), heart.open_invitations) == ("Heart Lab", 1, 1)


def test_a_team_is_suspended_and_reinstated(database: Database) -> None:
    team_id = _member(database).team_id
    assert team_id is not None
    teams.suspend_team(database, team_id)
    with database.read() as session:
        assert session.get_one(Team, team_id).suspended_at is not None
    teams.reinstate_team(database, team_id)
    with database.read() as session:
        assert session.get_one(Team, team_id).suspended_at is None


def test_the_audit_log_tells_who_did_what_without_names(database: Database) -> None:
    ada = _member(database)
    events = audit.entries(database)
    assert [event.action for event in events] == ["sign up", "invite"]
    assert [event.user for event in events] == ["Ada", ""]
    assert events[0].details == {}
    assert events[1].details == {"team": ada.team_id}
    assert [each.id for each in audit.entries(database, limit=1, before_id=events[0].id)] == [
        events[1].id
    ]

"""Whatever is killed, every upload that was taken is scored, once."""

import pytest

from tests.leaderboard.kills import KILLED_ECGS, kill_and_upload
from tests.leaderboard.live import make_board, outcome, running, wait_until_scored


def check_nothing_is_lost(folder, database, *, kills, seed, teams=4):
    board = make_board(folder, ecgs=KILLED_ECGS, teams=teams, database=database)
    board.lease = 5
    with running(board):
        accepted, killed = kill_and_upload(board, kills, seed)
        wait_until_scored(board)
    assert killed["server"] > 0
    assert killed["worker"] > 0
    found = outcome(board)
    assert found.submissions == accepted
    assert found.scored_once == accepted


def test_uploads_survive_a_few_kills(tmp_path):
    check_nothing_is_lost(tmp_path, None, kills=2, seed=1, teams=2)


@pytest.mark.slow
def test_uploads_survive_twenty_kills(tmp_path, database_url):
    check_nothing_is_lost(tmp_path, database_url, kills=20, seed=1)

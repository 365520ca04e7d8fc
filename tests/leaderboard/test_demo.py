from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from acsbench.cli.demo import _show_board
from acsbench.errors import ConfigurationError
from acsbench.leaderboard.demo import demo_board
from acsbench.leaderboard.settings import open_folder
from tests.leaderboard.boards import labels_table


def without_times(rows):
    return [replace(row, received_at=None) for row in rows]


def predictions(folder, name, signal):
    table = labels_table()
    noise = np.random.default_rng(1).normal(size=len(table))
    risk = 1 / (1 + np.exp(-signal * (table["acs"] == "1") - noise))
    path = folder / f"{name}-acs.csv"
    pd.DataFrame({"ecg_id": table["ecg_id"], "probability": risk}).to_csv(path, index=False)
    return path


def test_every_model_is_ranked_as_a_team_and_a_second_call_adds_nothing(tmp_path):
    labels = tmp_path / "labels.csv"
    labels_table().to_csv(labels, index=False)
    files = {
        name: predictions(tmp_path, name, signal)
        for name, signal in (("logistic", 0.2), ("resnet18_1d", 2.0))
    }
    board = tmp_path / "board"
    rows = demo_board(board, labels, "acs", files, "Demo").rows
    assert [row.team for row in rows] == ["resnet18_1d", "logistic"]
    assert rows[0].low > rows[1].high
    # MACE is in the labels, and not predicted by the demo.
    assert open_folder(board).settings.tasks == ("acs",)
    assert demo_board(board, labels, "acs", files, "Demo").rows == rows


def test_the_demo_tells_how_the_board_is_opened(tmp_path, capsys):
    labels = tmp_path / "labels.csv"
    labels_table().to_csv(labels, index=False)
    _show_board(tmp_path / "board", labels, [predictions(tmp_path, "ResNet 18", 2.0)], 1)
    printed = capsys.readouterr().out
    assert "ResNet 18" in printed
    assert f"acsbench leaderboard serve {tmp_path / 'board'}" in printed


def test_the_partition_follows_from_the_seed_and_another_seed_is_refused(tmp_path):
    labels = tmp_path / "labels.csv"
    labels_table().to_csv(labels, index=False)
    files = {"logistic": predictions(tmp_path, "logistic", 1.0)}
    one, same, other = (
        without_times(demo_board(tmp_path / name, labels, "acs", files, "Demo", seed).rows)
        for name, seed in (("one", 4), ("same", 4), ("other", 5))
    )
    assert one == same != other
    assert open_folder(tmp_path / "one").settings.partition_seed == 4
    with pytest.raises(ConfigurationError, match="another partition"):
        demo_board(tmp_path / "one", labels, "acs", files, "Demo", 5)

import numpy as np

from acsbench.ecg.recorded import alike, runs


def test_runs_begin_and_end_where_the_choice_changes() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.array([False, True, False])) == [(1, 2)]
    assert runs(np.zeros(3, dtype=bool)) == []
    assert runs(np.ones(3, dtype=bool)) == [(0, 3)]


def test_recordings_of_the_same_samples_go_together() -> None:
    recorded = np.ones((5, 2, 4), dtype=bool)
    recorded[[1, 4], 0, 2] = False
    recorded[3, 1, 2] = False
    assert [numbers.tolist() for numbers in alike(recorded)] == [[0, 2], [1, 4], [3]]
    assert alike(recorded[:0]) == []

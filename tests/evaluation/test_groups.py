import numpy as np
import pandas as pd
import pytest

from acsbench.disclosure import shown_groups
from acsbench.errors import DataError
from acsbench.evaluation.groups import Grouping, groupings_of
from acsbench.evaluation.signs import any_of, read_signs


def by_name(table):
    return {grouping.name: grouping.members for grouping in groupings_of(table)}


def test_groups_by_hand():
    table = pd.DataFrame(
        {
            "sex": ["female", "male", None, "male"],
            "age": [49.9, 50.0, 75.0, np.nan],
            "race_black": pd.array([True, False, pd.NA, False], dtype="boolean"),
            "race_white": pd.array([False, True, pd.NA, False], dtype="boolean"),
            "has_lvh": pd.array([True, pd.NA, False, False], dtype="boolean"),
            "start_datetime": pd.to_datetime(
                ["2020-01-01 05:59", "2020-01-01 06:00", "2020-01-01 23:00", None]
            ),
        }
    )
    groups = by_name(table)
    assert groups["Sex"]["male"].tolist() == [False, True, False, True]
    assert {k: v.tolist().index(True) for k, v in groups["Age, years"].items()} == {
        "under 50": 0,
        "50 to 64": 1,
        "75 and over": 2,
    }
    assert groups["Race"]["White"].tolist() == [False, True, False, False]
    assert groups["Left ventricular hypertrophy (reading)"]["yes"].sum() == 1
    assert [m.tolist().index(True) for m in groups["Arrival"].values()] == [0, 1, 2]


def test_income_is_cut_in_thirds():
    table = pd.DataFrame({"agi_100k_to_200k": np.arange(30) / 100, "agi_above_200k": 0.1})
    thirds = by_name(table)["Home block’s returns above $100,000"]
    assert [int(member.sum()) for member in thirds.values()] == [10, 10, 10]


def test_what_is_not_known_makes_no_group():
    assert groupings_of(pd.DataFrame(index=range(5))) == []
    dates = pd.DataFrame({"start_datetime": pd.to_datetime(["2020-01-01", "2021-05-05"])})
    assert groupings_of(dates) == []
    assert groupings_of(pd.DataFrame({"sex": ["male"] * 4})) == []


def grouping(**sizes):
    """Groups of one ECG per patient, with the events and non-events given."""
    labels, owner = [], []
    for name, (events, others) in sizes.items():
        labels += [1] * events + [0] * others
        owner += [name] * (events + others)
    owner = np.array(owner)
    groups = {name: owner == name for name in sizes if name != "unknown"}
    return Grouping("g", groups), np.array(labels), np.arange(len(labels))


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ({"a": (20, 20), "b": (20, 20)}, {"a", "b"}),
        # Two groups: who knows the total and one of them knows the other.
        ({"a": (5, 20), "b": (20, 20)}, set()),
        # Of three, the next smallest goes with it, whatever it holds.
        ({"a": (5, 20), "b": (20, 20), "c": (30, 30)}, {"c"}),
        ({"a": (20, 0), "b": (20, 20), "c": (30, 30)}, {"c"}),
        ({"a": (4, 20), "b": (5, 20), "c": (15, 20), "d": (30, 30)}, {"d"}),
        ({"a": (6, 20), "b": (6, 20), "c": (30, 30)}, {"c"}),
        # A few of unknown value would follow from the total and all groups.
        ({"a": (20, 20), "b": (20, 20), "c": (30, 30), "unknown": (3, 3)}, {"c", "b"}),
        ({"a": (20, 20), "b": (20, 20), "unknown": (12, 12)}, {"a", "b"}),
    ],
)
def test_small_groups_cannot_be_worked_out(sizes, shown):
    made, labels, patients = grouping(**sizes)
    assert shown_groups(made.members, labels, patients) == shown
    rest = ~np.logical_or.reduce(
        [m for n, m in made.members.items() if n in shown] or [patients < 0]
    )
    for label in (0, 1):
        assert not 0 < (rest & (labels == label)).sum() < 11


def test_signs_of_both_datasets():
    twin = pd.DataFrame({"has_st_eleva": pd.array([True, pd.NA], dtype="boolean")})
    assert read_signs(twin)["ST elevation"].tolist() == [True, False]
    ptbxl = pd.DataFrame({"scp_TAB_": [0, 1, 0], "scp_NT_": [1, 0, 0], "scp_INVT": [0, 0, 0]})
    signs = read_signs(ptbxl)
    assert signs["T abnormality"].tolist() == [True, True, False]
    assert any_of(signs).tolist() == [True, True, False]


def test_signs_as_text_are_seen_and_other_text_is_refused():
    table = pd.DataFrame({"has_st_eleva": ["True", "no", None, "YES"], "source_row": [2, 3, 5, 8]})
    assert read_signs(table)["ST elevation"].tolist() == [True, False, False, True]
    table.loc[3, "has_st_eleva"] = "perhaps"
    with pytest.raises(DataError, match="neither yes nor no") as error:
        read_signs(table)
    assert (error.value.row, error.value.column) == (8, "has_st_eleva")

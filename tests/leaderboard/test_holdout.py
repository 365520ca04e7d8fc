import numpy as np
import pandas as pd
import pytest

from acsbench.errors import DataError
from acsbench.leaderboard.holdout import holdout_of, public_part, read_holdout, read_ids
from acsbench.leaderboard.subgroups import groupings

LABELS = pd.DataFrame(
    {
        "ecg_id": ["e1", "e2", "e3", "e4", "e5", "e6"],
        "patient_id": ["p1", "p1", "p2", "p3", "p4", "p4"],
        "acs": [1, 0, 0, 0, 1, np.nan],
        "sex": ["female", "female", "male", None, "male", "male"],
        "has_depress": [1, 0, 0, 0, 1, 1],
    }
)


def many(patients=2000):
    return holdout_of(
        pd.DataFrame(
            {
                "ecg_id": range(2 * patients),
                "patient_id": np.arange(2 * patients) // 2,
                "acs": np.arange(2 * patients) % 2,
            }
        )
    )


def test_columns_are_told_apart(tmp_path):
    LABELS.to_csv(tmp_path / "labels.csv", index=False)
    for holdout in (holdout_of(LABELS), read_holdout(tmp_path / "labels.csv")):
        assert holdout.tasks == ("acs",)
        assert holdout.ecg_ids == tuple(LABELS["ecg_id"])
        assert holdout.patients.tolist() == [0, 0, 1, 2, 3, 3]
        np.testing.assert_array_equal(holdout.labels["acs"], LABELS["acs"])
        assert list(holdout.covariates) == ["sex", "has_depress"]


def test_digest_tells_any_change():
    assert holdout_of(LABELS).digest == holdout_of(LABELS.copy()).digest
    digests = {holdout_of(LABELS).digest}
    for column, value in (
        ("acs", np.nan),
        ("patient_id", "p5"),
        ("sex", "female"),
        ("ecg_id", "e9"),
    ):
        changed = LABELS.copy()
        changed.loc[3, column] = value
        digests.add(holdout_of(changed).digest)
    assert len(digests) == 5


def test_patients_are_divided_whole_and_about_as_asked():
    holdout = many()
    public = public_part(holdout, 0.3, seed=1)
    assert (public[::2] == public[1::2]).all()
    assert abs(public.mean() - 0.3) < 0.04
    assert public_part(holdout, 0.0).sum() == 0
    assert public_part(holdout, 1.0).all()
    assert (public != public_part(holdout, 0.3, seed=2)).any()


def test_a_patient_stays_where_others_come_and_go():
    few, more = many(500), many(1000)
    np.testing.assert_array_equal(public_part(few), public_part(more)[:1000])


@pytest.mark.parametrize(
    ("change", "row", "column", "words"),
    [
        ({"acs": [1, 1, 0, 2, 1, 0]}, 5, "acs", "something else than 0 or 1"),
        ({"acs": ["1", "0", "yes", "0", "1", "1"]}, 4, "acs", "something else than 0 or 1"),
        ({"acs": [1, 1, 1, 1, 0, 0]}, None, "acs", "without the event"),
        ({"acs": [1, 1, 0, 0, np.nan, np.nan]}, None, "acs", "with the event"),
        (
            {"ecg_id": ["e1", "e2", "e3", "e3", "e5", "e6"]},
            5,
            "ecg_id",
            "a row above has the same id",
        ),
        (
            {"patient_id": ["p1", None, "p2", "p3", "p4", "p4"]},
            3,
            "patient_id",
            "the patient is missing",
        ),
    ],
)
def test_labels_that_cannot_be_used(change, row, column, words):
    with pytest.raises(DataError, match=words) as refused:
        holdout_of(LABELS.assign(**change), "labels.csv")
    assert (refused.value.file, refused.value.row, refused.value.column) == (
        "labels.csv",
        row,
        column,
    )
    assert "e3" not in str(refused.value)


@pytest.mark.parametrize("column", ["ecg_id", "patient_id", "acs"])
def test_columns_that_are_missing(column):
    with pytest.raises(DataError):
        holdout_of(LABELS.drop(columns=column))


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        (
            {"age": ["50", "NA", ">89", "old", "60", "7"]},
            "age",
            "the age is not a number from 0 to 120",
        ),
        ({"has_depress": ["1", "NA", "FALSE", "x", "0", "1"]}, "has_depress", "neither yes nor no"),
        ({"acs": ["1", "NA", "0", "none", "1", "0"]}, "acs", "something else than 0 or 1"),
    ],
)
def test_stray_words_of_typed_columns_are_refused(tmp_path, change, column, words):
    path = tmp_path / "labels.csv"
    LABELS.assign(**change).to_csv(path, index=False)
    with pytest.raises(DataError, match=words) as refused:
        read_holdout(path)
    assert (refused.value.row, refused.value.column) == (5, column)
    assert change[column][3] not in str(refused.value).replace(words, "").split("[")[0]


def test_words_for_missing_values_are_missing(tmp_path):
    path = tmp_path / "labels.csv"
    table = LABELS.assign(acs=["1", "0", "0", "NA", "1", "."], sex="N/A", race="null", age="nan")
    table.to_csv(path, index=False)
    holdout = read_holdout(path)
    assert np.isnan(holdout.labels["acs"]).tolist() == [False, False, False, True, False, True]
    assert holdout.covariates[["sex", "race", "age"]].isna().all(axis=None)
    assert holdout_of(LABELS.assign(acs=[True, False, False, False, True, None])).tasks == ("acs",)


def test_a_table_in_memory_with_a_column_twice_is_refused():
    with pytest.raises(DataError, match="'acs': the column is there twice"):
        holdout_of(pd.concat([LABELS, LABELS[["acs"]]], axis=1))


def test_ids_for_participants(tmp_path):
    path = tmp_path / "ids.csv"
    LABELS[["ecg_id"]].to_csv(path, index=False)
    assert read_ids(path) == tuple(LABELS["ecg_id"])
    path.write_text("ecg_id\ne1\ne1\n")
    with pytest.raises(DataError, match=r"row 3.*same id"):
        read_ids(path)
    path.write_text("id\ne1\n")
    with pytest.raises(DataError, match="no column 'ecg_id'"):
        read_ids(path)
    with pytest.raises(DataError, match="does not exist"):
        read_ids(tmp_path / "none.csv")


def test_flags_mean_the_same_however_they_are_written():
    expected = [1, 0, 0, 0, 1, 1]
    for yes, no in ((True, False), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("1", "0")):
        flags = pd.Series([yes, no, no, no, yes, yes], dtype=object)
        holdout = holdout_of(LABELS.assign(has_depress=flags))
        assert holdout.covariates["has_depress"].tolist() == expected


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("has_depress", "2", "yes nor no"),
        ("age", "old", "0 to 120"),
        ("age", "130", "0 to 120"),
    ],
)
def test_a_covariate_that_cannot_be_read_is_refused(tmp_path, column, cell, words):
    table = LABELS.assign(age="50").astype({column: object})
    table.loc[2, column] = cell
    table.to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(DataError, match=words) as error:
        read_holdout(tmp_path / "labels.csv")
    assert (error.value.row, error.value.column) == (4, column)


def test_the_oldest_may_be_a_class():
    ages = ["89", ">89", "90+", "", None, " 44 "]
    found = holdout_of(LABELS.assign(age=ages)).covariates["age"]
    np.testing.assert_array_equal(found, [89, 90, 90, np.nan, np.nan, 44])


def test_ages_are_read_as_written_or_refused_with_their_row():
    aged = LABELS.assign(age=["63", ">89", "90+", "", None, "054Y"])
    holdout = holdout_of(aged)
    (_, members), *_ = [g for g in groupings(holdout.covariates) if g[0] == "age"]
    oldest = next(rows for name, rows in members.items() if "75" in name)
    assert oldest.tolist() == [False, True, True, False, False, False]
    with pytest.raises(DataError) as raised:
        holdout_of(aged.assign(age=["63", "old", "1", "2", "3", "4"]), "labels.csv")
    assert "labels.csv" in str(raised.value)
    assert raised.value.row == 3
    assert "old" not in str(raised.value).replace("holdout", "")

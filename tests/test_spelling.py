import itertools

import pandas as pd
import pytest

from acsbench.errors import DataError
from acsbench.spelling import alike, check_patients, closest_ids, plain_ids


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12", "12.0"),
        ("12", "012"),
        ("P1", "p1"),
        ("P 1", "P1"),
        ("P007", "P7"),
        ("0", "00"),
        ("P 7", "P\xa07"),
        ("P7", "P\u200b7"),
        ("é", "é"),
        ("12", "１２"),
    ],
)
def test_spellings_of_one_id(one: str, other: str) -> None:
    assert len(set(plain_ids([one, other]))) == 1
    assert alike(pd.Series(["x", one, one, other])) == (1, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [("10", "1"), ("1.5", "1.05"), ("a01b1", "a1b01"), ("1.0.1", "1.1"), ("", "0")],
)
def test_different_ids(one: str, other: str) -> None:
    assert alike(pd.Series([one, other])) is None


def test_pseudonyms_of_one_length_are_never_alike() -> None:
    """Else a hospital with many of them would be refused by chance."""
    ids = pd.Series(["".join(letters) for letters in itertools.product("01ab", repeat=5)])
    assert alike(ids) is None


def test_patients_are_reported_with_both_rows() -> None:
    patients, rows = pd.Series(["12", "13", "12", "12.0"]), pd.Series([2, 3, 5, 8])
    check_patients(patients[:3], rows[:3], None)
    with pytest.raises(DataError, match=r"row 8, column 'patient_id'.*in row 2 only") as caught:
        check_patients(patients, rows, None)
    assert "'12' and '12.0'" in caught.value.message(show_ids=True)


def test_ids_that_are_meant() -> None:
    known = ["123", "ecg07", "a", "A"]
    found = closest_ids(["123.0", "00123", "7.npz", "b", "a "], known)
    assert found == {"123.0": "123", "00123": "123", "7.npz": "ecg07"}

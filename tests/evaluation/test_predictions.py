import numpy as np
import pandas as pd
import pytest

from acsbench.errors import AcsBenchError, DataError, DataErrors
from acsbench.evaluation import EvaluationCohort, read_predictions
from acsbench.evaluation.predictions import MOST_NAMED

TABLE = pd.DataFrame(
    {
        "ecg_id": ["a", "b", "c", "d", "7"],
        "patient_id": ["1", "2", "3", "4", "5"],
        "label": [0, 0, 1, 0, 1],
        "split": ["train", "valid", "test", "test", "valid"],
    }
)
ELSEWHERE = pd.DataFrame({"age": [50.0]}, index=["untested"])
COHORT = EvaluationCohort(TABLE, "t", 1, "hash", "note", "ecg", "d", False, covariates=ELSEWHERE)
GOOD = "ecg_id,probability\nd,0.5\nc,1\n7,0.25\nb,1e-3\n"


@pytest.fixture
def read(tmp_path):
    def inner(content, splits=()):
        path = tmp_path / "predictions.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_predictions(path, COHORT, splits)

    return inner


def problem(read, content, splits=()):
    with pytest.raises(AcsBenchError) as caught:
        read(content, splits)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n\n",
        GOOD.replace("ecg_id,probability", " ecg_id , probability "),
        GOOD.replace("7,0.25", '"7", 0.25 '),
        GOOD + "a,0.9\n",
        "probability,run,ecg_id\n" + "0.5,x,d\n1,x,c\n0.25,x,7\n1e-3,x,b\n",
    ],
)
def test_reads_what_is_there(read, content):
    probabilities = read(content)
    found = {key: value for key, value in probabilities.to_dict().items() if key != "a"}
    assert found == {"b": 0.001, "c": 1, "d": 0.5, "7": 0.25}
    assert probabilities.dtype == np.float64


def test_the_evaluated_split_is_enough(read):
    assert list(read("ecg_id,probability\nd,0.5\nc,1\n").index) == ["d", "c"]
    with_others = "ecg_id,probability\nd,0.5\nc,1\nuntested,0.2\na,0.3\n"
    assert read(with_others)["untested"] == 0.2
    assert list(read("ecg_id,probability\n7,0.5\nb,1\n", ["valid"]).index) == ["7", "b"]


def test_an_empty_line_before_the_header_counts_as_a_row(read):
    assert problem(read, "\n" + GOOD.replace("c,1", "c,2")).row == 4


def test_a_file_that_is_wrong_throughout_is_not_told_row_by_row(read):
    rows = "".join(f"x{number},0.5\n" for number in range(1000))
    error = problem(read, GOOD + rows)
    assert len(error.errors) == MOST_NAMED + 1
    assert f"{1000 - MOST_NAMED} further rows have such a fault" in str(error)


@pytest.mark.parametrize(
    ("content", "row", "column", "words"),
    [
        ("", None, None, "the file is empty"),
        (GOOD.replace(",", ";"), 1, None, "separated by semicolons"),
        (GOOD.replace(",", "\t"), 1, None, "separated by tabs"),
        (GOOD.replace("probability", "probabilty"), 1, "probability", "no column 'probability'"),
        (GOOD.replace("ecg_id", "id"), 1, "ecg_id", "no column 'ecg_id'"),
        ("ecg_id,ecg_id,probability\na,b,0.5\n", 1, "ecg_id", "the column is there twice"),
        (GOOD.replace("d,0.5", "d,0,5"), 2, "probability", "3 cells, and the header 2"),
        (GOOD.replace("c,1", "c,nan"), 3, "probability", "probability is missing"),
        (GOOD.replace("c,1", "c"), 3, "probability", "1 cell, and the header 2"),
        (GOOD.replace("c,1", "c,high"), 3, "probability", "not a number"),
        (GOOD.replace("c,1", "c,1.5"), 3, "probability", "outside 0 to 1"),
        (GOOD.replace("c,1", "c,-0.1"), 3, "probability", "outside 0 to 1"),
        (GOOD.replace("c,1", "c,inf"), 3, "probability", "outside 0 to 1"),
        (GOOD + "c,0.5\n", 6, "ecg_id", "predicted already in row 3"),
        (GOOD + "\nzz9,0.5\n", 7, "ecg_id", "not in the cohort"),
        (GOOD + ",0.5\n", 6, "ecg_id", "the id is empty"),
        ("ecg_id,probability\n", None, None, "a header and no rows"),
        (GOOD.replace("b,1e-3\n", ""), None, "ecg_id", "1 of 2 validation ECGs have no"),
        (GOOD.replace("c,1\n", ""), None, "ecg_id", "1 of 2 test ECGs have no"),
    ],
)
def test_says_what_is_wrong_and_where(read, content, row, column, words):
    error = problem(read, content)
    assert isinstance(error, DataError)
    assert words in error.problem
    assert (error.row, error.column) == (row, column)
    assert error.file.endswith("predictions.csv")
    assert error.fix


def test_ids_and_values_are_private(read):
    error = problem(read, GOOD + "zz9,0.75\n")
    assert "zz9" not in str(error)
    assert "zz9" in error.message(show_ids=True)
    error = problem(read, GOOD.replace("c,1", "c,1.5"))
    assert "1.5" not in str(error)
    assert "c: 1.5" in error.message(show_ids=True)
    error = problem(read, "ecg_id,probability\nd,0.5\n")
    assert "c" in error.message(show_ids=True).split("[")[1]


@pytest.mark.parametrize("other", ["7.0", "007", "A", "ecg7"])
def test_ids_that_are_spelt_otherwise_are_recognised(read, other):
    meant = "a" if other == "A" else "7"
    error = problem(read, GOOD.replace("7,0.25", f"{other},0.25"), ["test"])
    assert "an id differs from this one only in '.0', upper and lower case" in error.problem
    assert (error.row, error.column) == (4, "ecg_id")
    assert f"did you mean {meant!r}?" in error.message(show_ids=True)
    assert "did you mean" not in str(error)


@pytest.mark.parametrize(
    ("value", "words"),
    [('"0,5"', "decimal comma"), ("50%", "per cent"), ("1_0", "not a number"), (".", "missing")],
)
def test_numbers_are_written_in_one_way(read, value, words):
    error = problem(read, GOOD.replace("c,1", f"c,{value}"))
    assert words in error.problem
    assert (error.row, error.column) == (3, "probability")


def test_several_problems_come_together_in_order(read):
    error = problem(read, GOOD.replace("c,1", "c,2") + "zz9,0.5\nb,0.1\n")
    assert isinstance(error, DataErrors)
    assert [e.row for e in error.errors] == [3, 6, 7]


def test_not_text(read):
    assert "UTF-8" in problem(read, GOOD.encode("utf-16")).problem
    assert "zip archive" in problem(read, b"PK\x03\x04\xff\xfe\x00").problem


def test_no_file(tmp_path):
    for path, words in ((tmp_path / "none.csv", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(DataError, match=words):
            read_predictions(path, COHORT)

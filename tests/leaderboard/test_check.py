import os
import tracemalloc

import numpy as np
import pytest

from acsbench.errors import DataError
from acsbench.leaderboard import check_submission, check_upload
from acsbench.leaderboard.check import read_checked, read_upload
from acsbench.leaderboard.wording import LISTED

IDS = [f"ecg{k:02d}" for k in range(5)]
ROWS = "".join(f"{ecg_id},0.{k}\n" for k, ecg_id in enumerate(IDS))
VALUES = np.arange(5) / 10


def problems(text, ids=IDS, **options):
    content = text if isinstance(text, bytes) else text.encode()
    check = check_upload(content, ids, **options)
    assert check.ok == (check.problems == [])
    return check.problems


def only_problem(text, *words, ids=IDS):
    found = problems(text, ids)
    assert len(found) == 1, found
    for word in words:
        assert word in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "ecg_id,acs\n" + ROWS,
        "\ufeffecg_id,acs\n" + ROWS,
        "ecg_id,acs\r\n" + ROWS.replace("\n", "\r\n"),
        "ecg_id,acs\r" + ROWS.replace("\n", "\r"),
        "ecg_id,acs\n" + ROWS.rstrip("\n"),
        "\n\necg_id,acs\n\n" + ROWS + "\n  \n",
        '"ecg_id","acs"\n' + "".join(f'"ecg0{k}","0.{k}"\n' for k in range(5)),
        "acs,ecg_id\n" + "".join(f"0.{k},ecg0{k}\n" for k in range(5)),
        "ecg_id,acs\n" + "".join(f"ecg0{k}, {k}e-1\n" for k in reversed(range(5))),
        " ecg_id, acs\n" + ROWS.replace("ecg", " ecg"),
        ",ecg_id,acs\n" + "".join(f"{k},ecg0{k},0.{k}\n" for k in range(5)),
    ],
    ids=[
        *("plain", "bom", "crlf", "cr", "no-end", "blank", "quoted", "columns", "rows"),
        *("blanks", "row names"),
    ],
)
def test_forms_of_a_good_file(text):
    assert problems(text) == []
    predictions = read_upload(text.encode(), IDS)
    assert list(predictions) == ["acs"]
    np.testing.assert_array_equal(predictions["acs"], VALUES)


def test_both_tasks_in_one_file_and_one_column_for_all():
    both = "ecg_id,mace,acs\n" + "".join(f"ecg0{k},0.{k},0.{9 - k}\n" for k in range(5))
    predictions = read_upload(both.encode(), IDS)
    assert list(predictions) == ["acs", "mace"]
    np.testing.assert_array_equal(predictions["acs"], [0.9, 0.8, 0.7, 0.6, 0.5])
    np.testing.assert_array_equal(predictions["mace"], VALUES)
    common = ("ecg_id,probability\n" + ROWS).encode()
    assert list(read_upload(common, IDS)) == ["acs", "mace"]
    assert check_upload(common, IDS, tasks=("ptbxl-mi",)).tasks == ("ptbxl-mi",)


def test_check_counts_rows_and_tasks():
    check = check_upload(("ecg_id,acs\n" + ROWS).encode(), IDS)
    assert (check.ok, check.problems, check.tasks, check.n_rows) == (True, [], ("acs",), 5)


def test_everything_is_told_at_once_with_the_lines_of_an_editor():
    text = (
        "\ufeffecg_id,acs\r\n"
        "ecg00,0.1\r\n"
        "\r\n"
        "ecg00,0.2\r\n"
        '"two\r\nlines",0.3\r\n'
        "ecg01,nan\r\n"
        "ECG2,1.5\r\n"
        "ecg03,0,5\r\n"
    )
    assert problems(text) == [
        "line 9, column 'acs': the row has 3 cells, and the header 2; write decimals with a point "
        "(0.5, not 0,5)",
        "line 5: 'two\\r\\nlines' is no ECG of the holdout",
        "line 8: 'ECG2' is no ECG of the holdout; did you mean 'ecg02'?",
        "line 4: 'ecg00' was predicted already on line 2; keep one prediction for each ECG",
        "2 of the 5 ECGs of the holdout have no prediction: 'ecg02', 'ecg04'",
        "line 7, column acs: the prediction is missing",
        "line 8, column acs: '1.5' lies outside 0 to 1",
    ]


def test_of_each_kind_the_first_are_told_and_the_rest_counted():
    ids = [f"ecg{k}" for k in range(100)]
    twice = "".join(f"{ecg_id},0.5\n{ecg_id},x\n" for ecg_id in ids[:60])
    found = problems("ecg_id,acs\n" + twice, ids)
    assert len(found) == 2 * (LISTED + 1) + 1
    assert "40 further lines predict an ECG once more" in found
    assert "40 further lines of the column acs have no number in [0, 1]" in found
    missing = next(each for each in found if each.startswith("40 of the 100 ECGs"))
    assert missing.count("'ecg") == LISTED
    assert missing.endswith("and 20 more")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id,acs", "no column 'ecg_id'"),
        ("ecg_id,probabilty", "did you mean 'probability'?"),
        ("ecg_id,ACS", "did you mean 'acs'?"),
        ("ecg_id,comment", "no column with predictions"),
        ("ecg00,0.2", "there is no header"),
    ],
)
def test_headers_that_are_wrong(header, words):
    found = problems(f"{header}\n{ROWS}")
    assert any(words in each for each in found), found
    assert all(each.startswith("line 1: ") for each in found)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("ecg_id,acs,acs", "column 'acs': the column is there twice"),
        ("ecg_id,acs,ecg_id", "column 'ecg_id': the column is there twice"),
        ("ecg_id,acs,comment", "column 'comment' is not wanted"),
        ("ecg_id,acs,probability", "give either probability or acs"),
    ],
)
def test_columns_too_many(columns, words):
    rows = "".join(f"ecg0{k},0.{k},0.{k + 1}\n" for k in range(5))
    only_problem(f"{columns}\n{rows}", "line 1", words)


def test_faults_of_known_columns_are_told_beside_a_faulty_header():
    text = "ecg_id,acs,comment\n" + ROWS.replace("\n", ",x\n").replace("0.3", "7")
    assert [each[:6] for each in problems(text)] == ["line 1", "line 5"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ecg_id;acs\necg00;0,5\n", ["semicolons", "0.5, not 0,5"]),
        ("ecg_id\tacs\necg00\t0.5\n", ["tabs"]),
        ("ecg_id|acs\necg00|0.5\n", ["bars"]),
        ("", ["empty"]),
        (" \n\n", ["empty"]),
        ("\u00a0\n", ["empty"]),
        ("ecg_id,acs\n", ["a header and no rows"]),
        ('{"ecg00": 0.5}', ["JSON"]),
        ("<html></html>", ["web page"]),
        ("ecg_id,acs\n".encode("utf-16"), ["UTF-16"]),
        ("ecg_id,acs\n".encode("utf-16-le"), ["UTF-16"]),
        ("ecg_id,acs\nécg,0.5\n".encode("latin-1"), ["line 2", "Latin-1"]),
        (b"ecg_id,acs\necg00,0.5\n\0\n", ["line 3", "zero byte"]),
        (b"\x89HDF\r\n\x1a\n", ["HDF5"]),
        (b"PAR1\x15\x04", ["Parquet"]),
        (b"\x1f\x8b\x08\x00", ["gzip"]),
        (b"PK\x03\x04....xl/workbook.xml", ["Excel"]),
        (b"PK\x03\x04....arr_0.npy", ["npz"]),
        (b"PK\x03\x04....acs.csv", ["zip"]),
    ],
)
def test_files_of_another_kind(text, words):
    only_problem(text, *words)


def test_real_binary_files_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", VALUES)
    np.save(tmp_path / "a.npy", VALUES)
    assert "npz" in check_submission(tmp_path / "a.npz", IDS).problems[0]
    assert ".npy" in check_submission(tmp_path / "a.npy", IDS).problems[0]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is missing"),
        ("NaN", "is missing"),
        ("NULL", "is missing"),
        ("inf", "not finite"),
        ("1e999", "not finite"),
        ("-0.01", "outside 0 to 1"),
        ("1.0000001", "outside 0 to 1"),
        ('"0,5"', "decimal comma; write '0.5'"),
        ("50%", "per cent"),
        ("abc", "not a number"),
        ("0x1", "not a number"),
        ("1_0", "not a number"),
        ("٠.٥", "not a number"),
    ],
)
def test_values_that_are_no_probabilities(value, words):
    only_problem("ecg_id,acs\n" + ROWS.replace("0.3", value), "line 5", words)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([-2.5, 0.5, 1.5, -0.5, 3], "apply the sigmoid"),
        ([-2.5, -0.5, -1.5, -0.1, -3], "exp(x)"),
        ([20, 55, 1, 99, 0], "divide by 100"),
        ([20, 550, 1, 99, 0], "give probabilities"),
        ([0.5] * 5, "all predictions are 0.5"),
    ],
)
def test_columns_on_another_scale(values, words):
    rows = "".join(f"{ecg_id},{value}\n" for ecg_id, value in zip(IDS, values, strict=True))
    only_problem(f"ecg_id,acs\n{rows}", "acs", words)


def test_ids_spelt_otherwise_are_recognised():
    ids = ["ecg007", "ecg008"]
    found = problems("ecg_id,acs\n7.0,0.5\necg008,0.4\n", ids)
    assert "did you mean 'ecg007'?" in found[0]
    only_problem("ecg_id,acs\n ECG007,0.5\n7,0.4\n", "nor is any other", "'ecg007'", ids=ids)


def test_quotation_marks_without_partner_are_told_where_they_begin():
    found = problems("ecg_id,acs\n" + ROWS + '"ecg04,0.2\n\n\n')
    assert found[0].startswith("line 7: ")


def test_reading_stops_at_far_too_many_rows():
    found = problems("ecg_id,acs\n" + ROWS * 1000)
    assert found[0].startswith("line 1012: reading stopped here, after 1,010 rows")


def test_too_large_a_file_is_not_read():
    content = ("ecg_id,acs\n" + ROWS).encode()
    assert check_upload(content, IDS, max_bytes=len(content)).ok
    assert "larger than" in problems(content, max_bytes=len(content) - 1)[0]


def test_messages_are_short_and_hold_no_control_characters():
    text = "ecg_id,acs\n" + ROWS.replace("ecg03", "\x1b[2J\u202e" + "x" * 1000)
    for sentence in problems(text):
        assert sentence.isprintable()
        assert len(sentence) < 150


@pytest.mark.parametrize("path", ["missing.csv", "", "a\0b", "x" * 5000, "/dev/zero", None, 7.5])
def test_paths_without_a_file_raise_nothing(path):
    assert len(check_submission(path, IDS).problems) == 1


def test_folders_and_pipes_are_not_read(tmp_path):
    assert "folder" in check_submission(tmp_path, IDS).problems[0]
    os.mkfifo(tmp_path / "pipe")
    assert check_submission(tmp_path / "pipe", IDS).problems == ["this is no file"]


def test_a_bad_file_is_refused_with_all_reasons(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("ecg_id,acs\n" + ROWS.replace("0.1", "x").replace("ecg04", "ecg03"))
    with pytest.raises(DataError) as refused:
        read_checked(path, IDS)
    for problem in check_submission(path, IDS).problems:
        assert problem in str(refused.value)
    with pytest.raises(DataError, match="cannot be read"):
        read_checked(tmp_path / "none.csv", IDS)


def test_long_texts_that_are_no_numbers_are_not_searched_for_one():
    # Each of these took more than a minute where a digit could be matched in two ways.
    rows = "".join(f"e{k},{'1' * 9_000}x\n" for k in range(100))
    found = check_upload(f"ecg_id,acs\n{rows}".encode(), [f"e{k}" for k in range(100)])
    assert found.problems[0] == (
        f"line 2, column acs: '{'1' * 40}…' has 9,001 characters; write a number of at most 64"
    )
    exact = "0." + "1" * 62
    assert check_upload(f"ecg_id,acs\ne1,{exact}\ne2,0\n".encode(), ["e1", "e2"]).ok
    assert not check_upload(f"ecg_id,acs\ne1,{exact}1\ne2,0\n".encode(), ["e1", "e2"]).ok


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_of_no_reasonable_length_are_not_read(end):
    start = f"ecg_id,acs{end}e1,0.1{end}"
    for long in (",", "x", '"a",'):
        content = (start + long * 20_000 + end + "e2,0.2").encode()
        [problem] = check_upload(content, ["e1", "e2"]).problems
        assert problem.startswith("line 3: the line has more than 10,000 bytes")
    longest = f"{start}e2,0.2{' ' * 50}{end}".encode() + b" " * 10_000
    assert check_upload(longest, ["e1", "e2"]).ok
    assert not check_upload(longest + b" ", ["e1", "e2"]).ok


def test_a_value_cannot_go_over_the_rest_of_the_file():
    rows = '"\n",' * 100_000
    for content in (rows, f"ecg_id,acs\ne1,0.1\n{rows}"):
        tracemalloc.start()
        [problem, *_] = check_upload(content.encode(), ["e1", "e2"]).problems
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert "over more than 100 lines" in problem
        assert most < 5 * len(content)


def test_without_ids_there_is_nothing_to_check_against(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("ecg_id,acs\ne1,0.1\n")
    for none in (None, [], iter(())):
        assert check_submission(file, none).problems == [
            "no ids of the holdout were given to check it against"
        ]

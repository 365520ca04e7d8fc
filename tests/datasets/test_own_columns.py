from pathlib import Path

import pandas as pd
import pytest

from acsbench.cohort.build import select
from acsbench.cohort.task import Task
from acsbench.datasets import open_dataset
from acsbench.datasets.own_columns import own_column
from acsbench.datasets.wfdb_folder import open_wfdb_folder
from acsbench.errors import DataError


def column(*cells: str) -> pd.Series:
    return pd.Series(list(cells), name="own", dtype="str")


@pytest.mark.parametrize(
    ("cells", "kind", "known"),
    [
        (["0.1", "NA", "", "2", "."], "float64", 2),
        (["1", "0", "NaN", "1.0"], "boolean", 3),
        (["yes", "No", "null", "TRUE"], "boolean", 3),
        (["Y", "n", "NA", "y"], "boolean", 3),
        (["t", "f", "1", ""], "boolean", 3),
        (["F", "F", "F"], "str", 3),
        (["F", "M", "F"], "str", 3),
        (["T", "F", "U"], "str", 3),
        (["A", "NA", "B", ""], "str", 3),
        (["", "NA"], "boolean", 0),
        (["3E", "A1", "7"], "str", 3),
        (["2031-05-04", "NA", "2031-05-04 10:30", "."], "str", 2),
    ],
)
def test_a_column_has_the_type_of_its_cells(cells: list[str], kind: str, known: int) -> None:
    found = own_column(column(*cells))
    assert str(found.typed.dtype) == kind
    assert found.typed.notna().sum() == known
    assert not any(check.broken.any() for check in found.checks)


@pytest.mark.parametrize(
    ("cells", "wrong", "words"),
    [
        (["0.1", "0.2", "high", "3"], [2], "holds numbers"),
        (["0.1", "ND", "ND", "ND", "3"], [1, 2, 3], "holds numbers"),
        (["0.1", "<0.01", "3"], [1], "holds numbers"),
        (["0.1", "inf", "3"], [1], "holds numbers"),
        (["0,1", "0,2", "0,3"], [0, 1, 2], "decimal comma"),
        (["0.1", "0,2", "NA"], [1], "decimal comma"),
        (["yes", "no", "maybe"], [2], "yes and no"),
        (["2031-05-04", "04.05.2031", "soon"], [2], "holds dates"),
        (["1", "0", "1", "None"], [3], "yes and no"),
    ],
)
def test_a_stray_word_turns_no_column_into_text(
    cells: list[str], wrong: list[int], words: str
) -> None:
    found = [check for check in own_column(column(*cells)).checks if check.broken.any()]
    assert [list(check.broken[check.broken].index) for check in found] == [wrong]
    assert words in found[0].problem


def test_the_owner_can_say_what_words_mean() -> None:
    cells = column("0.1", "-99", "<LOD")
    assert own_column(cells, {"", "-99", "<lod"}).typed.notna().sum() == 1
    assert own_column(cells, as_text=True).typed.tolist() == cells.tolist()


def test_text_with_some_numbers_is_noted() -> None:
    assert "kept as text" in str(own_column(column("A", "B", "C", "1")).note)
    assert own_column(column("A", "B")).note is None


LABELS = "record,patient_id,norm,troponin\nr/1,p1,1,0.1\nr/2,p2,0,{word}\nr/3,p3,1,0.3\n"


def test_dataset_yaml_names_words_and_text(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS.format(word="<5"))
    (rejected,) = open_wfdb_folder(tmp_path).rejected
    assert (rejected.error.row, rejected.error.column) == (3, "troponin")
    assert "<5" not in str(rejected.error)
    assert "<5" in rejected.error.message(show_ids=True)
    (tmp_path / "dataset.yaml").write_text("missing_values: [<5]\n")
    assert open_wfdb_folder(tmp_path).tables.ecg["troponin"].notna().sum() == 2
    (tmp_path / "dataset.yaml").write_text("text_columns: [troponin]\n")
    assert open_wfdb_folder(tmp_path).tables.ecg["troponin"].tolist() == ["0.1", "<5", "0.3"]
    (tmp_path / "dataset.yaml").write_text("text_columns: troponin\n")
    with pytest.raises(DataError, match="list of text_columns"):
        open_wfdb_folder(tmp_path)


def test_dataset_yaml_allows_ids_that_differ_in_spelling_only(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("record,patient_id\nr/1,aB\nr/2,Ab\n")
    with pytest.raises(DataError, match="differs from the one in row 2"):
        open_wfdb_folder(tmp_path)
    (tmp_path / "dataset.yaml").write_text("exact_ids: true\n")
    assert open_wfdb_folder(tmp_path).tables.patient["patient_id"].tolist() == ["aB", "Ab"]


def test_records_of_ecgs_without_patients_may_differ_in_zeros_only(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("record\n1\n01\n")
    assert len(open_dataset("wfdb_folder", tmp_path, labelled=False).tables.ecg) == 2


def test_na_is_missing_where_r_writes_it(tmp_path: Path) -> None:
    text = (
        "record,patient_id,age,sex,fold,encounter_id,acs\n"
        "1,a,NA,NA,1,NA,NA\n2,b,50,female,2,v,1\n3,c,n/a,.,3,NA,0\n"
    )
    (tmp_path / "labels.csv").write_text(text)
    dataset = open_wfdb_folder(tmp_path)
    assert dataset.rejected == ()
    joined = dataset.tables.joined()
    for name in ("age", "sex", "encounter_id"):
        assert joined[name].notna().tolist() == [False, True, False]
    assert joined["acs"].notna().tolist() == [False, True, True]


def test_clutter_is_no_ecg(tmp_path: Path) -> None:
    for name in ("a.xml", "._a.xml", "__MACOSX/._a.xml", ".hidden/b.dcm", "~$a.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    dataset = open_dataset("wfdb_folder", tmp_path, labelled=False)
    assert dataset.tables.ecg["ecg_id"].tolist() == ["a.xml"]


def case(cases: Path, name: str, folder: Path) -> Path:
    folder.mkdir()
    (folder / "labels.csv").write_bytes((cases / "na-of-r" / name).read_bytes())
    return folder


def test_the_case_of_na_in_numbers(cases: Path, tmp_path: Path) -> None:
    task = Task(
        name="t",
        version=1,
        population="troponin.notna()",
        label="norm",
        unit="ecg",
        description="d",
    )
    chosen = []
    for name in ("troponin-NA.csv", "troponin-empty.csv"):
        dataset = open_wfdb_folder(case(cases, name, tmp_path / name))
        assert dataset.rejected == ()
        chosen.append(select(dataset.tables.joined(), task.population, task)["ecg_id"].tolist())
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 66


def test_the_case_of_patients_called_na(cases: Path, tmp_path: Path) -> None:
    dataset = open_wfdb_folder(case(cases, "patient-NA.csv", tmp_path / "a"))
    assert len(dataset.rejected) == 13
    assert {item.error.problem for item in dataset.rejected} == {"the patient is missing"}
    assert "NA" not in set(dataset.tables.patient["patient_id"])

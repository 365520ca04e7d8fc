"""The description as a whole: files, page, published figures, command line."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.cli.main import main
from acsbench.cohort.describe import describe, describe_splits
from acsbench.cohort.describe_page import comparison_cells
from acsbench.cohort.published import Comparison, published_for
from acsbench.cohort.task import load_task
from acsbench.datasets import Dataset, Rejected
from acsbench.datasets.schema import Tables
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError
from tests.datasets.builders import ptbxl_folder

FILES = {
    *("description.html", "table-one.tex", "missingness.csv", "flow.svg", "flow.png"),
    *("table-one-ecg.csv", "table-one-visit.csv", "table-one-patient.csv"),
}


def no_recording(path: Path, ecg_id: str) -> Recording:
    raise NotImplementedError


def hospital(name: str = "ed-bwh-ecg", patients: int = 2000, **fields) -> Dataset:
    """Each patient has a visit of two ECGs; a quarter is tested, half of these treated."""
    n = np.arange(patients)
    patient = pd.DataFrame(
        {
            "patient_id": n.astype(str),
            "sex": np.where(n % 3 == 0, "female", "male"),
            "race_black": pd.array(n % 5 == 0, dtype="boolean"),
        }
    )
    flags = {
        "exclude_modeling": n % 10 == 9,
        "cath_010_day": n % 4 == 0,
        "stent_or_cabg_010_day": n % 8 == 0,
        "macetrop_pos_or_death_030": n % 7 == 0,
    }
    encounter = pd.DataFrame(
        {"encounter_id": n.astype(str), "patient_id": n.astype(str), "age": 40.0 + n % 41}
        | {flag: pd.array(values, dtype="boolean") for flag, values in flags.items()}
    )
    ecg = pd.DataFrame(
        {
            "ecg_id": np.arange(2 * patients).astype(str),
            "patient_id": n.repeat(2).astype(str),
            "encounter_id": n.repeat(2).astype(str),
            "path": "x",
            "source_row": np.arange(2 * patients) + 2,
            "vent_rate": 60.0 + np.arange(2 * patients) % 30,
        }
    )
    tables = Tables(patient=patient, ecg=ecg, source=Path("ecg.csv"), encounter=encounter)
    defaults = {"tables": tables, "read": no_recording, "sources": (), "tasks": ("acs", "mace")}
    return Dataset(name=name, root=Path(), **(defaults | fields))


def test_files(tmp_path: Path) -> None:
    description = describe(hospital(simulated=True), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"beside-published.csv"}
    ecgs = pd.read_csv(tmp_path / "table-one-ecg.csv").set_index("variable")
    assert ecgs.loc["ecgs", ["Total", "Tested", "Untested"]].astype(int).tolist() == [
        *(3600, 1000, 2600)
    ]
    assert float(ecgs.loc["stent_or_cabg_010_day", "Tested"]) == pytest.approx(0.5, abs=0.01)
    assert float(ecgs.loc["stent_or_cabg_010_day", "Untested"]) == 0
    assert ecgs["simulated"].all()
    pd.testing.assert_frame_equal(
        description.table_one("visit"),
        pd.read_csv(tmp_path / "table-one-visit.csv", dtype=str, keep_default_na=False)[
            description.table_one("visit").columns
        ],
        check_dtype=False,
    )


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    describe(hospital())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("simulated", [True, False])
def test_every_part_says_if_no_patient_was_involved(tmp_path: Path, simulated) -> None:
    describe(hospital(simulated=simulated), tmp_path)
    html = (tmp_path / "description.html").read_text()
    assert ("No patient was involved" in html) == simulated
    assert ("(simulated).</b>" in html) == simulated
    assert ("SIMULATED" in (tmp_path / "flow.svg").read_text()) == simulated
    assert ("(simulated)" in (tmp_path / "table-one.tex").read_text()) == simulated


def test_page_is_one_file_with_everything_escaped(tmp_path: Path) -> None:
    describe(hospital(name="<b>ed & co", notes=("<script>",)), tmp_path)
    html = (tmp_path / "description.html").read_text()
    assert not re.search(r"(src|href)=\"(https?:)?//|@import|url\(http", html)
    assert "&lt;b&gt;ed &amp; co" in html
    assert "<script>" not in html
    assert html.count("<svg") == html.count("</svg>") == 1
    assert html.count("<table") == html.count("</table>")
    assert "None" not in html
    assert "nan" not in re.sub(r"<[^>]*>", "", html).split()


def test_small_cells_come_with_a_warning(tmp_path: Path) -> None:
    describe(hospital(patients=60), tmp_path)
    assert "&lt;11" in (tmp_path / "description.html").read_text()
    describe(hospital(patients=60), tmp_path, show_small_cells=True)
    html = (tmp_path / "description.html").read_text()
    assert "do not pass this page on" in html
    assert "&lt;11" not in html


def test_ecgs_that_could_not_be_used_are_told() -> None:
    rejected = tuple(Rejected(str(i), DataError("broken", fix="Mend it")) for i in range(40))
    assert "40 ECGs" in " ".join(describe(hospital(rejected=rejected)).notes)
    assert "<11 ECGs" in " ".join(describe(hospital(rejected=rejected[:3])).notes)


def test_published_figures_are_those_of_the_study() -> None:
    published = published_for(hospital())
    assert published is not None
    assert published.in_both == 628
    assert published.count("ecg", "Tested") == 3925
    assert {len(numbers) for numbers in published.figures.values()} == {3}
    assert published_for(hospital("ed-bwh-ecg (simulated twin)")) == published
    assert published_for(hospital("PTB-XL")) is None


def test_beside_the_published_figures() -> None:
    table = describe(hospital()).beside_published().set_index(["row", "column"])
    female = table.loc[("Female", "Total")]
    assert female["published"] == 0.561
    # Its standard error is that of a share of 73,392.
    assert female["published_se"] == pytest.approx(0.0018)
    shares = hospital().tables.joined().query("not exclude_modeling")["sex"].eq("female")
    here = shares.mean()
    difference = here - 0.561
    error = np.hypot(np.sqrt(0.561 * 0.439 / 73392), shares.std() / np.sqrt(3600))
    assert female["here"] == pytest.approx(here, abs=5e-4)
    assert female["in_se"] == pytest.approx(difference / error, abs=0.06)
    # Both ECGs of a patient say the same: standard errors grow by the root of 2.
    assert female["in_se_by_patient"] == pytest.approx(difference / error / np.sqrt(2), abs=0.06)
    # Counts are compared as shares of the files: 35,595 of 44,713 patients.
    patients = table.loc[("Patients", "Total")]
    assert patients["published"] == round(2000 * 35595 / 44713)
    assert patients["here"] == 1800
    read = table.loc[("Patients in the tables", "Total")]
    assert (read["published"], read["here"]) == (44713, 2000)
    assert np.isnan(read["in_se"])


def test_sizes_do_not_tell_who_has_no_ecg() -> None:
    dataset = hospital()
    ecg = dataset.tables.ecg
    fewer = Tables(
        patient=dataset.tables.patient,
        encounter=dataset.tables.encounter,
        ecg=ecg[~ecg["patient_id"].isin(["1", "2", "3"])].reset_index(drop=True),
        source=Path("ecg.csv"),
    )
    rows = set(describe(hospital(tables=fewer)).beside_published()["row"])
    assert "ECGs in the tables" in rows
    assert not rows & {"Patients in the tables", "Visits in the tables", "Patients", "Visits"}
    shown = describe(hospital(tables=fewer), show_small_cells=True).beside_published()
    assert "Patients in the tables" in set(shown["row"])


def test_other_datasets_and_columns_are_not_compared() -> None:
    assert not describe(hospital("another")).comparisons
    assert describe(hospital("another")).beside_published().empty
    assert not describe(hospital(), tasks=["acs"]).comparisons


@pytest.mark.parametrize(
    ("comparison", "texts"),
    [
        (
            ("Age", "Total", 54.91, 0.07, 54.81, 0.07, 2.0, 2),
            ("54.91 (0.070)", "−0.10", "−1.0", "−0.5"),
        ),
        (
            ("ECGs", "Total", 73392, 160.4, 73500, 160.4, 1.0, 0),
            ("73,392 (160)", "+108", "+0.5", "+0.5"),
        ),
        (("Stent", "Untested", 0, 0, 0, 0, 1.0, 3), ("0", "0", "0.0", "0.0")),
        (("Read", "Total", 10, np.nan, 12, np.nan, 1.0, 0), ("10", "+2", "–", "–")),
    ],
)
def test_a_comparison_as_text(comparison, texts) -> None:
    published, _, *rest = comparison_cells(Comparison(*comparison))
    assert (published, *rest) == texts


def prepared_table(n: int = 900) -> pd.DataFrame:
    numbers = np.arange(n)
    return pd.DataFrame(
        {
            "ecg_id": numbers.astype(str),
            "patient_id": (numbers // 2).astype(str),
            "age": 50.0 + numbers % 30,
            "label": (numbers % 3 == 0).astype(int),
            "split": np.select([numbers < 600, numbers < 700], ["train", "valid"], "test"),
        }
    )


def test_describe_by_split(tmp_path: Path) -> None:
    table = prepared_table()
    table.loc[890:, "split"] = "unused"
    description = describe_splits(
        table, load_task("ptbxl-mi"), [], tmp_path, dataset="PTB-XL", simulated=False
    )
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"table-one-visit.csv"}
    rows = description.table_one().set_index("variable")
    assert list(description.table.columns) == ["Total", "Training", "Validation", "Test"]
    assert rows.loc["ecgs", ["Total", "Test"]].tolist() == ["890", "190"]
    assert rows.loc["label", "Training"] == "0.333"
    # Every second patient has one ECG with the label, or more.
    assert (
        description.table_one("patient").set_index("variable").loc["label", "Training"] == "0.667"
    )


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ptbxl_folder(tmp_path / "ptbxl", 80)
    out = tmp_path / "out"
    assert run("describe", "ptbxl", data, "--out", out) == 0
    said = capsys.readouterr().out
    assert "All ECGs that were read" in said
    assert "Female" in said
    assert (out / "description.html").is_file()
    prepared = tmp_path / "prepared"
    assert run("prepare", "ptbxl", data, "--out", prepared, "--workers", 1) == 0
    capsys.readouterr()
    assert run("describe", prepared) == 0
    assert "Validation" in capsys.readouterr().out
    other = tmp_path / "norm.yaml"
    other.write_text(
        "name: norm\nversion: 1\npopulation: all\nlabel: norm\nunit: ecg\ndescription: Normal.\n"
    )
    both = ("--task", "ptbxl-mi", "--task", other)
    assert run("prepare", "ptbxl", data, "--out", tmp_path / "two", "--workers", 1, *both) == 0
    for _ in range(2):
        assert run("describe", tmp_path / "two", "--out", tmp_path / "pages") == 0
    assert (tmp_path / "pages" / "norm" / "description.html").is_file()
    page = (tmp_path / "pages" / "norm" / "description.html").read_text()
    assert "no patient is in two splits" in page
    assert "may be in two columns" not in page
    assert "may be in two columns" in (out / "description.html").read_text()
    assert run("describe", tmp_path / "two", "--out", data, "--task", "norm") == 2
    capsys.readouterr()
    assert run("describe", "ptbxl") == 2
    assert "name the dataset's folder" in capsys.readouterr().err
    assert run("describe", tmp_path / "nowhere") == 2

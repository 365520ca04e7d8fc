"""From CSV files and a prepared folder to a report; the folder is made of tables alone."""

from dataclasses import replace

import pandas as pd
import pytest
import yaml

from acsbench.cohort.task import load_task
from acsbench.errors import ConfigurationError, DataError
from acsbench.evaluation import inputs
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.inputs import evaluate_task, read_cohort
from acsbench.evaluation.topics import TOPICS


@pytest.fixture(scope="module")
def files(twin, guesses, tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    table = twin.table(twin.task("acs")).set_index("ecg_id")

    def write(name, strength, splits):
        """CSV of a model; `None` among the splits is the ECGs outside the task."""
        probabilities = guesses(strength)
        split = table["split"].reindex(probabilities.index)
        kept = split.isin([s for s in splits if s]) | (split.isna() & (None in splits))
        rows = probabilities[kept.to_numpy()].rename("probability").rename_axis("ecg_id")
        rows.reset_index().to_csv(folder / f"{name}.csv", index=False)
        return folder / f"{name}.csv"

    return write


def test_cohort_of_a_prepared_folder(twin):
    cohort = read_cohort(twin, twin.task("acs"), command="acsbench evaluate")
    assert cohort.evaluated == "test"
    assert cohort.provenance["Command"] == "acsbench evaluate"
    assert {"sex", "race_black", "has_lvh"} <= set(cohort.covariates)
    (mace,) = cohort.elsewhere
    assert mace.name == "mace"
    assert not set(mace.table["ecg_id"]) & set(cohort.table["ecg_id"])
    other = cohort.table.loc[cohort.table["split"] != "test", "patient_id"]
    assert not set(mace.table["patient_id"]) & set(other)


def test_the_study_split_has_no_test(twin, monkeypatch):
    table = twin.table(twin.task("acs"))
    table = table.assign(split=table["split"].replace("test", "valid"))
    monkeypatch.setattr(type(twin), "table", lambda self, task: table)
    assert read_cohort(twin, twin.task("acs")).evaluated == "valid"
    with pytest.raises(ConfigurationError, match="no ECGs in the split 'test'"):
        read_cohort(twin, twin.task("acs"), "test")


def test_what_a_file_holds_decides_what_is_told(twin, files, tmp_path, monkeypatch):
    """Test ECGs alone, with those of validation, and with those outside the task."""
    seen = []

    def collect(cohort, models, out, settings, waveforms):
        analysis = Analysis(cohort, models, replace(settings, resamples=20))
        sections = [section for topic in TOPICS if (section := topic(analysis)) is not None]
        seen.append({table.name for section in sections for table in section.tables})

    monkeypatch.setattr(inputs, "evaluate", collect)
    for name, splits in (
        ("test", ["test"]),
        ("thresholds", ["test", "valid"]),
        ("everything", ["test", "valid", "train", None]),
    ):
        evaluate_task(twin, "acs", [files(name, 0.8, splits)], tmp_path / "out")
    test, thresholds, everything = seen
    assert "thresholds" not in test
    assert thresholds - test >= {"thresholds", "rule-out", "at-common-threshold-rates"}
    assert everything - thresholds == {"outcome-elsewhere", "selection-sensitivity"}
    assert "selection-weighted" in test


@pytest.mark.parametrize(
    ("splits", "words"),
    [(["valid"], "test ECGs have no prediction"), ([None], "test ECGs have no prediction")],
)
def test_the_test_ecgs_are_needed(twin, files, tmp_path, splits, words):
    with pytest.raises(DataError, match=words):
        evaluate_task(twin, "acs", [files("few", 0.5, splits)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_refused(twin, files, tmp_path):
    path = files("same", 0.5, ["test"])
    with pytest.raises(ConfigurationError, match="two models are called 'same'"):
        evaluate_task(twin, "acs", [path, path], tmp_path / "out")


def test_a_folder_that_is_no_run(twin, tmp_path):
    with pytest.raises(DataError, match="no finished run"):
        evaluate_task(twin, "acs", [tmp_path], tmp_path / "out")


def test_strings_for_ids_are_kept(twin):
    cohort = read_cohort(twin, twin.task("acs"))
    assert cohort.table["ecg_id"].dtype == object
    assert pd.Index(cohort.covariates.index).is_unique


def test_runs_of_one_model_are_numbered(twin, files, tmp_path, monkeypatch):
    task = twin.task("acs")
    paths = [files("other", 0.2, ["test", "valid"])]
    for number in (1, 2):
        run = tmp_path / f"net-acs-{number}"
        run.mkdir()
        config = {
            "model": "net",
            "task": {"name": "acs", "digest": task.digest},
            "lineage": [{"split": twin.manifest().digests["acs"]}],
        }
        (run / "config.yaml").write_text(yaml.safe_dump(config))
        (run / "metrics.json").write_text('{"training": {}}')
        for split in ("valid", "test"):
            files(f"run{number}", 0.5, [split]).rename(run / f"predictions-{split}.csv")
        paths.append(run)
    given = []
    monkeypatch.setattr(inputs, "evaluate", lambda cohort, models, *_: given.extend(models))
    evaluate_task(twin, "acs", paths, tmp_path / "out")
    assert [model.name for model in given] == ["other", "net (1)", "net (2)"]
    assert given[2].notes == {"model": "net", "run": "net-acs-2"}
    given.clear()
    evaluate_task(twin, "acs", paths[:2], tmp_path / "out")
    assert [model.name for model in given] == ["other", "net"]


def test_a_task_says_whether_its_label_is_a_reading(twin):
    assert not read_cohort(twin, twin.task("acs")).label_is_reading
    reading = twin.task("acs").model_copy(update={"reference": "reading"})
    assert read_cohort(twin, reading).label_is_reading
    assert load_task("ptbxl-mi").reference == "reading"
    assert reading.digest == twin.task("acs").digest

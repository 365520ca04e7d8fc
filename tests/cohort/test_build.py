import pandas as pd
import pytest

from acsbench.cohort.build import Step, asked_for, build_cohort, select
from acsbench.cohort.task import Task, load_task
from acsbench.errors import ConfigurationError, DataError


def task(**fields: object) -> Task:
    defaults = {
        "name": "t",
        "version": 1,
        "population": "all",
        "label": "y",
        "unit": "ecg",
        "description": "made up",
    }
    return Task(**(defaults | fields))


@pytest.fixture
def joined() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ecg_id": list("abcdef"),
            "patient_id": list("112234"),
            "age": [50.0, 51, 60, 61, 70, 80],
            "y": pd.array([True, False, None, True, False, True], dtype="boolean"),
        }
    )


def test_every_step_is_counted(joined: pd.DataFrame) -> None:
    cohort = build_cohort(joined, task(population="age < 75"), "made up")
    assert cohort.flow == (
        Step("read", 6, 4),
        Step("population of t", 5, 3),
        Step("label known", 4, 3),
    )
    assert cohort.table["label"].tolist() == [1, 0, 1, 0]
    assert cohort.table.columns.tolist() == ["ecg_id", "patient_id", "age", "label"]
    fewer = cohort.without({"a", "b", "f"}, "readable")
    assert fewer.flow[-1] == Step("readable", 2, 2)


def test_the_flow_may_begin_with_rows_that_cannot_be_used(joined: pd.DataFrame) -> None:
    listed = pd.DataFrame({"patient_id": [*joined["patient_id"], "5", None]})
    cohort = build_cohort(joined, task(), "ecgs/labels.csv", listed)
    assert cohort.flow[:2] == (Step("rows of labels.csv", 8, 5), Step("read", 6, 4))


def test_columns_that_a_task_asks_for() -> None:
    mine = task(
        population="age > 1 and `my ward` == 'A'", steps=[{"name": "words", "keep": "y2.notna()"}]
    )
    columns = ["y", "y2", "age", "my ward", "words", "A", "ag", "name"]
    # A word in quotes counts as well: rather one column too many than one too few.
    assert asked_for(mine, columns) == {"y", "y2", "age", "my ward", "A"}


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"label": "yy"}, ConfigurationError, "did you mean 'y'"),
        ({"population": "weight > 3"}, ConfigurationError, "no column 'weight'; known are age, ec"),
        ({"population": "ages > 3"}, ConfigurationError, "no column 'ages'; did you mean 'age'"),
        ({"population": "age >"}, ConfigurationError, "cannot be evaluated"),
        ({"population": "(age > 1"}, ConfigurationError, "cannot be evaluated"),
        ({"population": "age"}, ConfigurationError, "neither true nor false"),
        ({"population": "age + 1"}, ConfigurationError, "neither true nor false"),
        ({"population": "@pd.io.common.os.getcwd() == age"}, ConfigurationError, "may use"),
        ({"population": "age.to_csv('x')"}, ConfigurationError, "may use"),
        ({"label": "age"}, DataError, "other than 0 and 1"),
        ({"population": "age > 100"}, DataError, "has 0 ECGs and not both labels"),
        ({"population": "y == 1"}, DataError, "has <11 ECGs and not both labels"),
    ],
)
def test_a_task_that_does_not_fit(joined, fields, error, words) -> None:
    with pytest.raises(error, match=words):
        build_cohort(joined, task(**fields), "made up")


def test_tasks_that_come_with_the_package() -> None:
    for name in ("ptbxl-mi", "simulated-acs"):
        assert load_task(name).name == name
    with pytest.raises(ConfigurationError, match="did you mean 'ptbxl-mi'"):
        load_task("ptbxl_mi")


def test_a_task_of_ones_own(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nversion: 2\n")
    with pytest.raises(DataError, match="label"):
        load_task(str(path))
    with pytest.raises(DataError, match="cannot be read"):
        load_task(str(tmp_path / "none.yaml"))


def test_digest_changes_with_any_field() -> None:
    digests = {
        task().digest,
        task(label="z").digest,
        task(description="other").digest,
        task(population="age > 1").digest,
    }
    assert len(digests) == 4
    assert task().digest == task().digest


def test_the_digest_of_a_task_without_steps_is_that_of_its_first_release() -> None:
    assert load_task("ptbxl-mi").digest == "6816cbdf6d6d"
    assert load_task("simulated-acs").digest == "fc3507f71525"


def test_steps_are_taken_in_order(joined: pd.DataFrame) -> None:
    steps = [{"name": "adults", "keep": "age > 50"}, {"name": "known", "keep": "y.notna()"}]
    cohort = build_cohort(joined, task(steps=steps), "made up")
    assert cohort.flow[1:3] == (Step("adults", 5, 4), Step("known", 4, 4))


def test_an_older_task_keeps_its_digest() -> None:
    """Runs and prepared folders of the first release name the tasks `acs` and `mace` so."""
    older = {
        "name": "mace",
        "version": 1,
        "exclusions": {
            "ECGs of a visit to the emergency department": "encounter_id.isna()",
            "patients not too frail or ill to be treated": "exclude_modeling",
        },
    }
    read = load_task("mace").model_dump(exclude={"name", "version", "steps"}) | older
    first = Task.model_validate(read)
    assert first.digest == "3d05d4b0cc25"
    assert Task.model_validate(first.model_dump()).digest == first.digest


def test_the_digest_covers_whom_a_step_keeps() -> None:
    rest = task().model_dump(exclude={"steps"})
    kept = Task.model_validate(rest | {"steps": [{"name": "adults", "keep": "age < 18"}]})
    excluded = Task.model_validate(rest | {"exclusions": {"adults": "age < 18"}})
    assert kept.digest != excluded.digest
    step = {"name": "adults", "keep": "age < 18", "exclusion": "age < 18"}
    with pytest.raises(ValueError, match="write keep alone"):
        Task.model_validate(rest | {"steps": [step]})


def test_exclusions_of_older_files_are_read_as_steps(joined: pd.DataFrame) -> None:
    table = joined.assign(
        ill=pd.array([True, False, None, False, None, False], dtype="boolean"),
        visit=["v", None, "w", "x", "y", "z"],
        weight=[50.0, 60, None, 90, 70, 40],
    )
    exclusions = {"well": "ill", "visit": "visit.isna()", "heavy": "weight < 55"}
    older = Task.model_validate(task().model_dump(exclude={"steps"}) | {"exclusions": exclusions})
    # A missing value excludes nobody, as before.
    assert [step.ecgs for step in build_cohort(table, older, "x").flow] == [6, 5, 4, 3, 3, 2]
    assert Task.model_validate(older.model_dump()) == older


@pytest.mark.parametrize("name", ["acs", "mace"])
def test_an_unknown_flag_excludes_nobody_from_the_study(name: str) -> None:
    steps = load_task(name).steps
    table = pd.DataFrame(
        {
            "encounter_id": ["a", None, "b", "c"],
            "exclude_modeling": pd.array([True, False, None, False], dtype="boolean"),
        }
    )
    for step in steps:
        table = select(table, step.keep, load_task(name))
    assert table["encounter_id"].tolist() == ["b", "c"]


def test_methods_that_a_query_may_call(joined: pd.DataFrame) -> None:
    cohort = build_cohort(joined, task(population="age.between(50, 75) and y.notna()"), "made up")
    assert cohort.table["ecg_id"].tolist() == ["a", "b", "d", "e"]


def test_an_error_tells_no_value_of_a_patient(joined: pd.DataFrame) -> None:
    with pytest.raises(ConfigurationError) as error:
        build_cohort(joined, task(population="patient_id.isin(age, 3)"), "made up")
    assert "50" not in str(error.value)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "Task", "a b"])
def test_a_task_has_a_name_that_is_no_path(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        task(name=name)

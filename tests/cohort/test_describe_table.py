"""Table 1: numbers by hand, and an attacker who reads what is printed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from acsbench.cohort.cells import COUNT, MISSING
from acsbench.cohort.levels import summarise
from acsbench.cohort.table_one import TableOne, table_one
from acsbench.cohort.table_text import latex, missing_rows, table_csv, table_rows, tex
from acsbench.cohort.variables import VARIABLES, Variable

TOTAL, TESTED, UNTESTED = "Total", "Tested", "Untested"


def columns_of(table: pd.DataFrame) -> dict[str, np.ndarray]:
    tested = table["cath_010_day"].to_numpy(dtype=bool)
    return {TOTAL: np.ones(len(table), dtype=bool), TESTED: tested, UNTESTED: ~tested}


@pytest.fixture
def six_ecgs() -> pd.DataFrame:
    """Six ECGs of four visits of three patients; the first patient is in both groups."""
    return pd.DataFrame(
        {
            "ecg_id": list("abcdef"),
            "patient_id": ["1", "1", "1", "2", "2", "3"],
            "encounter_id": ["v", "v", "w", "x", "x", "y"],
            "age": [50.0, 50, 52, 60, 60, 70],
            "sex": ["female", "female", "female", "male", "male", None],
            "cath_010_day": pd.array([1, 1, 0, 0, 0, 1], dtype="boolean"),
            "stent_or_cabg_010_day": pd.array([1, 1, 0, 0, 0, 0], dtype="boolean"),
            "vent_rate": [60.0, 62, np.nan, 80, 90, np.nan],
            "has_bbb": pd.array([1, 0, 0, 0, 0, None], dtype="boolean"),
        }
    )


def described(table: pd.DataFrame, **options) -> TableOne:
    return table_one(table, columns_of(table), **options)


def test_counts(six_ecgs) -> None:
    table = described(six_ecgs, show_small_cells=True)
    assert table.levels == ("ecg", "visit", "patient")
    counts = {level: [table.counts[level, c] for c in table.columns] for level in table.levels}
    assert counts == {"ecg": [6, 3, 3], "visit": [4, 2, 2], "patient": [3, 2, 2]}


@pytest.mark.parametrize(
    ("level", "column", "expected"),
    [
        # Ages of the ECGs, of the visits, and of the patients at their first ECG of the column.
        ("ecg", "age", [342 / 6, 170 / 3, 172 / 3]),
        ("visit", "age", [232 / 4, 60, 56]),
        ("patient", "age", [60, 60, 56]),
        ("ecg", "sex", [3 / 5, 1, 1 / 3]),
        ("visit", "sex", [2 / 3, 1, 1 / 2]),
        ("patient", "sex", [1 / 2, 1, 1 / 2]),
        # A patient has the outcome if any of the visits in the column has.
        ("ecg", "stent_or_cabg_010_day", [2 / 6, 2 / 3, 0]),
        ("visit", "stent_or_cabg_010_day", [1 / 4, 1 / 2, 0]),
        ("patient", "stent_or_cabg_010_day", [1 / 3, 1 / 2, 0]),
        ("ecg", "vent_rate", [292 / 4, 61, 85]),
        ("ecg", "has_bbb", [1 / 5, 1 / 2, 0]),
    ],
)
def test_means_and_shares(six_ecgs, level, column, expected) -> None:
    table = described(six_ecgs, show_small_cells=True)
    values = [table.summaries[column, level, c].value for c in table.columns]
    assert values == pytest.approx(expected)


def test_an_ecgs_own_values_are_described_for_ecgs_only(six_ecgs) -> None:
    table = described(six_ecgs, show_small_cells=True)
    assert [v.column for v in table.at("ecg")] == [
        *("age", "sex", "stent_or_cabg_010_day", "vent_rate", "has_bbb")
    ]
    assert [v.column for v in table.at("visit")] == ["age", "sex", "stent_or_cabg_010_day"]
    assert table.at("visit") == table.at("patient")


def test_missing_values(six_ecgs) -> None:
    table = described(six_ecgs, show_small_cells=True)
    rows = {row.title: row.cells for row in missing_rows(table)}
    assert rows["Female"] == ("1 (0.167)", "1 (0.333)", "0")
    assert rows["Ventricular rate, per minute"] == ("2 (0.333)", "1 (0.333)", "1 (0.333)")


def test_standard_errors_are_those_of_pandas_and_of_clusters(six_ecgs) -> None:
    table = described(six_ecgs, show_small_cells=True)
    age = six_ecgs["age"]
    found = table.summaries["age", "ecg", TOTAL]
    assert found.se == pytest.approx(age.sem())
    by_patient = (age - age.mean()).groupby(six_ecgs["patient_id"]).sum()
    assert found.se_clustered == pytest.approx(np.sqrt(3 / 2 * (by_patient**2).sum()) / 6)
    alone = table.summaries["age", "patient", TOTAL]
    assert alone.se_clustered == pytest.approx(alone.se)


def test_clustered_standard_error_covers_patients() -> None:
    rng = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(400):
        patients = np.repeat(np.arange(100), rng.integers(1, 6, 100))
        values = rng.standard_normal(100)[patients] + rng.standard_normal(len(patients))
        summary = summarise(values, patients)
        means.append(summary.value)
        errors.append(summary.se_clustered)
        assert summary.se < summary.se_clustered
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)


def test_nothing_known_and_nobody() -> None:
    nothing = summarise(np.array([np.nan]), np.array([0]))
    assert nothing.known == 0
    assert np.isnan(nothing.value)
    one = summarise(np.array([3.0]), np.array([0]))
    assert (one.known, one.value) == (1, 3.0)
    assert np.isnan(one.se)


def test_what_a_dataset_lacks_is_left_out() -> None:
    table = pd.DataFrame(
        {
            "ecg_id": list("abcd"),
            "patient_id": list("1122"),
            "age": [50.0, 51, 60, 61],
            "sex": None,
            "mi": [True, False, False, False],
        }
    )
    columns = {TOTAL: np.ones(4, dtype=bool)}
    found = table_one(table, columns, show_small_cells=True)
    assert found.levels == ("ecg", "patient")
    assert [v.column for v in found.variables] == ["age", "mi"]
    assert found.summaries["age", "patient", TOTAL].value == 55


def many(patients: int, tested: float, yes: float, unknown: float, seed: int) -> pd.DataFrame:
    """People with one to three visits of one to three ECGs."""
    rng = np.random.default_rng(seed)
    of_visit = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    of_ecg = np.repeat(np.arange(len(of_visit)), rng.integers(1, 4, len(of_visit)))
    sex = np.where(rng.random(patients) < yes, "female", "male").astype(object)
    sex[rng.random(patients) < unknown] = None
    patient = of_visit[of_ecg]
    return pd.DataFrame(
        {
            "ecg_id": np.arange(len(of_ecg)).astype(str),
            "patient_id": patient.astype(str),
            "encounter_id": of_ecg.astype(str),
            "sex": sex[patient],
            "age": 50.0 + patient,
            "cath_010_day": (rng.random(len(of_visit)) < tested)[of_ecg],
        }
    )


LEVELS = ("ecg", "visit", "patient")
VALUES = ("no", "yes", "unknown")
REGIONS = {TESTED: ("t", "both"), UNTESTED: ("u", "both"), TOTAL: ("t", "u", "both")}


class Reader:
    """Knows what is printed of the sex, that ECGs have visits and patients, and nothing else.

    `told` is how much was read: the totals, all counts, or everything.
    """

    def __init__(self, table: pd.DataFrame, printed: TableOne, told: str):
        self.unknowns = [
            (level, region, value)
            for level in LEVELS
            for region in ("t", "u", "both")
            for value in VALUES
        ]
        self.truth = self._count(table)
        self.rows, self.low, self.high = [], [], []
        for level in LEVELS[:2]:
            self.learn([u for u in self.unknowns if u[:2] == (level, "both")], 0, 0)
        self.read(printed, told)
        for inner, outer in (("patient", "visit"), ("visit", "ecg")):
            for column in REGIONS:
                for value in VALUES:
                    row = self.row(self.members(inner, column, value))
                    row -= self.row(self.members(outer, column, value))
                    self.rows.append(row)
                    self.low.append(-np.inf)
                    self.high.append(0)

    def _count(self, table: pd.DataFrame) -> np.ndarray:
        ids = {"ecg": "ecg_id", "visit": "encounter_id", "patient": "patient_id"}
        truth = dict.fromkeys(self.unknowns, 0)
        for level in LEVELS:
            for _, group in table.groupby(ids[level]):
                groups = set(group["cath_010_day"])
                region = "both" if len(groups) == 2 else "t" if True in groups else "u"
                sex = group["sex"].iloc[0]
                value = {"female": "yes", "male": "no"}.get(sex, "unknown")
                truth[level, region, value] += 1
        return np.array(list(truth.values()))

    def members(self, level: str, column: str, *values: str) -> list[tuple[str, str, str]]:
        return [
            u for u in self.unknowns if u[0] == level and u[1] in REGIONS[column] and u[2] in values
        ]

    def row(self, members) -> np.ndarray:
        return np.array([float(u in members) for u in self.unknowns])

    def learn(self, members, low: float, high: float) -> None:
        self.rows.append(self.row(members))
        self.low.append(low)
        self.high.append(high)

    def read(self, printed: TableOne, told: str) -> None:
        for column in [TOTAL] if told == "totals" else REGIONS:
            counts = [
                ((COUNT, level, column), self.members(level, column, *VALUES)) for level in LEVELS
            ]
            if told == "everything":
                counts.append((("sex", MISSING, column), self.members("ecg", column, "unknown")))
            for name, members in counts:
                count = self.row(members) @ self.truth
                if name not in printed.hidden.items:
                    self.learn(members, count, count)
                elif name in printed.hidden.under_11 and told != "totals":
                    self.learn(members, 1, 10)
            for level in LEVELS if told == "everything" else ():
                if ("sex", level, column) not in printed.hidden.items:
                    # A share of so few tells its numerator and its denominator.
                    for value in ("no", "yes"):
                        members = self.members(level, column, value)
                        count = self.row(members) @ self.truth
                        self.learn(members, count, count)

    def reach(self, members) -> tuple[float, float]:
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * self.row(members),
                constraints=LinearConstraint(np.array(self.rows), self.low, self.high),
                integrality=np.ones(len(self.unknowns)),
                bounds=Bounds(0, self.truth.sum() + 50),
                # HiGHS's presolve has been seen to lose solutions of these.
                options={"presolve": False},
            )
            assert found.status == 0
            ends.append(round(sign * found.fun))
        return ends[0], ends[1]

    def counts(self):
        for level in LEVELS:
            for column in REGIONS:
                yield self.members(level, column, *VALUES)
        for region in ("t", "u", "both"):
            yield [("patient", region, value) for value in VALUES]

    def values(self):
        for value in VALUES:
            for level in LEVELS:
                for column in REGIONS:
                    yield self.members(level, column, value)
            for region in ("t", "u", "both"):
                yield [("patient", region, value)]


@settings(max_examples=8, deadline=None)
@given(
    st.builds(
        many,
        patients=st.integers(12, 90),
        tested=st.sampled_from([0.03, 0.1, 0.3, 0.5]),
        yes=st.sampled_from([0.05, 0.2, 0.5, 0.97]),
        unknown=st.sampled_from([0.0, 0.02, 0.1]),
        seed=st.integers(0, 2**20),
    )
)
def test_a_reader_cannot_work_out_small_cells(table: pd.DataFrame) -> None:
    printed = described(table.drop(columns="age"))
    totals, counts, reader = (
        Reader(table, printed, told) for told in ("totals", "counts", "everything")
    )
    # What the totals tell of a count, and the counts of a value, was not to be hidden.
    for before, secrets in ((totals, reader.counts()), (counts, reader.values())):
        for members in secrets:
            if 0 < reader.row(members) @ reader.truth < 11:
                (low, high), (lowest, highest) = reader.reach(members), before.reach(members)
                assert low <= max(lowest, 1)
                assert high >= min(highest, 10)
                assert low < high


def test_the_printed_table_hides_what_is_hidden() -> None:
    table = many(60, 0.5, 0.93, 0.0, seed=1)
    found = described(table)
    assert ("sex", "patient", TOTAL) in found.hidden.items
    (cells,) = (row.cells for row in table_rows(found, "patient") if row.title == "Female")
    assert cells[0] == "not shown"
    csv = table_csv(found, "patient").set_index("variable")
    assert csv.loc["sex", TOTAL] == "not shown"
    assert csv.loc["sex", f"{TOTAL} s.e."] == ""
    assert "not shown" in latex(found, dict.fromkeys(LEVELS, "A caption"), [])
    shown = described(table, show_small_cells=True)
    assert "not shown" not in table_csv(shown, "patient").to_csv()


def test_a_column_of_few_shows_nothing() -> None:
    table = many(80, 0.02, 0.5, 0.0, seed=3)
    found = described(table)
    cells = {row.title: row.cells for row in table_rows(found, "ecg")}
    # All 80 patients have untested visits as well, so that theirs tells nothing.
    assert cells["Patients"] == ("80", "<11", "80")
    assert cells["Visits"][1:] == cells["ECGs"][1:] == ("<11", "not shown")
    assert cells["Age, years"][1:] == ("not shown", "not shown")
    assert cells["Age, years"][0][:2].isdigit()


def test_ecgs_of_few_patients_are_as_small_as_these() -> None:
    # 5 of 100 patients are male and have 6 ECGs each.
    ecgs = np.repeat(np.arange(100), np.where(np.arange(100) < 5, 6, 1))
    table = pd.DataFrame(
        {
            "ecg_id": np.arange(len(ecgs)).astype(str),
            "patient_id": ecgs.astype(str),
            "sex": np.where(ecgs < 5, "male", "female"),
        }
    )
    found = table_one(table, {TOTAL: np.ones(len(table), dtype=bool)})
    assert found.is_hidden("sex", "ecg", TOTAL)


def test_rows_of_one_family_tell_about_each_other() -> None:
    # 30 with a stent, 20 with a bypass, 47 with either: 3 have both, 27 and 17 one alone.
    n = np.arange(400)
    table = pd.DataFrame({"ecg_id": n.astype(str), "patient_id": n.astype(str)})
    table["stent_010_day"], table["cabg_010_day"] = n < 30, (n >= 27) & (n < 47)
    table["stent_or_cabg_010_day"] = n < 47
    found = table_one(table, {TOTAL: np.ones(len(table), dtype=bool)})
    hidden = {name[0] for name in found.hidden.items}
    assert hidden
    assert hidden <= {"stent_010_day", "cabg_010_day"}, "the sum of both is worth more"


def test_few_unknown_among_many_do_not_hide_a_share() -> None:
    n = np.arange(5000)
    table = pd.DataFrame({"ecg_id": n.astype(str), "patient_id": n.astype(str)})
    table["sex"] = pd.Series(np.where(n % 2, "male", "female")).where(n >= 3)
    columns = {TOTAL: n >= 0, "A": n < 2500, "B": n >= 2500}
    found = table_one(table, columns)
    assert not found.is_hidden("sex", "ecg", TOTAL)
    assert found.is_hidden("sex", MISSING, TOTAL)
    rows = {row.title: row.cells for row in missing_rows(found)}
    assert rows["Female"] == ("<11", "<11", "0")


def interval(text: str, units: int) -> tuple[float, float]:
    """What a printed share says of its numerator."""
    if "not shown" in text:
        return 0, units
    if text in "01":
        return int(text) * units, int(text) * units
    share, half = float(text.split()[0]), 0.5 * 10.0 ** -len(text.split()[0].partition(".")[2])
    return (share - half) * units, (share + half) * units


@settings(max_examples=30, deadline=None)
@given(
    tested=st.integers(1100, 30_000),
    untested=st.integers(1100, 30_000),
    yes=st.tuples(st.integers(0, 25), st.integers(0, 400)),
)
def test_rounded_shares_of_many_do_not_tell_small_cells(tested, untested, yes) -> None:
    n = np.arange(tested + untested)
    table = pd.DataFrame({"ecg_id": n.astype(str), "patient_id": n.astype(str)})
    table["has_bbb"] = (n < yes[0]) | ((n >= tested) & (n < tested + yes[1]))
    columns = {TOTAL: n >= 0, TESTED: n < tested, UNTESTED: n >= tested}
    found = table_one(table, columns)
    (cells,) = (row.cells for row in table_rows(found, "ecg") if row.section)
    total, of_tested, of_untested = (
        interval(text, mask.sum()) for text, mask in zip(cells, columns.values(), strict=True)
    )
    for count, own, others in ((yes[0], of_tested, of_untested), (yes[1], of_untested, of_tested)):
        if 0 < count < 11:
            assert max(own[0], total[0] - others[1]) <= 1
            assert min(own[1], total[1] - others[0]) >= 10


def test_means_of_few_are_hidden_with_what_gives_them_away() -> None:
    n = np.arange(300)
    table = pd.DataFrame({"ecg_id": n.astype(str), "patient_id": n.astype(str)})
    table["maxtrop_sameday"] = np.where(n < 6, 1.0, np.where(n >= 100, 0.1, np.nan))
    found = table_one(table, {TOTAL: n >= 0, "A": n < 100, "B": n >= 100})
    hidden = [found.is_hidden("maxtrop_sameday", "ecg", column) for column in found.columns]
    assert hidden == [False, True, True]


def test_shares_have_as_many_decimals_as_tell_nobody() -> None:
    n = np.arange(12_000)
    table = pd.DataFrame({"ecg_id": n.astype(str), "patient_id": n.astype(str)})
    table["has_bbb"] = n % 50 == 0
    found = table_one(table, {TOTAL: n >= 0, "A": n < 1000, "B": n >= 1000})
    (cells,) = (row.cells for row in table_rows(found, "ecg") if row.section)
    assert cells == ("0.0200 (0.0013)", "0.020 (0.004)", "0.0200 (0.0013)")


def test_latex_is_well_formed(six_ecgs) -> None:
    table = described(six_ecgs, show_small_cells=True)
    text = latex(table, dict.fromkeys(table.levels, "50 % of A & B"), ["<11 is small."])
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 3
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 3
    assert r"50 \% of A \& B" in text
    assert "$<$11" in text
    assert text.count("{") == text.count("}")
    body = [
        line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line
    ]
    assert {line.count("&") for line in body} == {3}


@pytest.mark.parametrize("character", list("&%$#_{}~^\\"))
def test_latex_has_no_bare_special_characters(character) -> None:
    assert tex(character) != character


def test_every_variable_is_described_once() -> None:
    columns = [variable.column for variable in VARIABLES]
    assert len(columns) == len(set(columns))
    assert all(v.about == "ecg" for v in VARIABLES if v.column.startswith("has_"))
    assert Variable("x", "X", "S", "visit").kind == "share"

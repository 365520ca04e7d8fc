import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.evaluation import ModelPredictions, Settings, evaluate
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.checklist import TO_COMPLETE
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics import TOPICS, population
from acsbench.files import sha256

FAST = Settings(resamples=20)


class Structure(HTMLParser):
    """Checks that tags are closed in order, and collects captions, links and tags."""

    VOID = frozenset({"meta", "br", "use", "path", "link"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.captions = [], set(), [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag in ("caption", "figcaption"):
            self.captions.append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if {"caption", "figcaption"} & set(self.open):
            self.captions[-1] += data


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    def inner(made, *strengths, out=None, settings=FAST):
        out = out or tmp_path_factory.mktemp("report") / "out"
        models = [
            made.model(f"model{i}", s, seed=i, notes={"class imbalance": f"weight {i}"})
            for i, s in enumerate(strengths)
        ]
        return evaluate(made.cohort, models, out, settings)

    return inner


@pytest.fixture(scope="module")
def few(make):
    """So few patients have the event that no figure is drawn, which is quick."""
    return make(patients=300, prevalence=0.05)


@pytest.fixture(scope="module")
def evaluation(run, study):
    """Three models on the made-up study, written once."""
    return run(study, 0.3, 2.0, 1.8)


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_writes_everything(evaluation, study):
    tables = {f"tables/{t.name}.csv" for s in evaluation.sections for t in s.tables}
    figures = {
        f"figures/{p.name}.{kind}"
        for s in evaluation.sections
        for p in s.pictures
        for kind in ("svg", "png")
    }
    assert names(evaluation.path) == {"report.html", "evaluation.json"} | tables | figures
    assert {"tables/discrimination.csv", "figures/roc.svg", "tables/tripod-ai.csv"} <= (
        tables | figures
    )
    assert list(evaluation.estimates) == ["model0", "model1", "model2"]
    results = pd.read_csv(evaluation.path / "tables" / "discrimination.csv")
    row = results[(results["model"] == "model1") & (results["metric"] == "auroc")].iloc[0]
    estimate = evaluation.estimates["model1"]["auroc"]
    assert (row["value"], row["low"], row["high"]) == pytest.approx(
        (estimate.value, estimate.low, estimate.high)
    )
    assert row["shown"] == f"{estimate}"
    assert row["n"] == len(study.cohort.split("test"))
    assert row["task_hash"] == "0123456789ab"
    assert evaluation.table("comparisons")["metric"].eq("auroc_difference").sum() == 3


def test_every_file_says_what_each_number_is_about(evaluation):
    """No heading is there twice, no key is empty, and a printed number is a number too."""
    paths = list((evaluation.path / "tables").glob("*.csv"))
    assert len(paths) > 15
    for path in paths:
        header, *_ = path.read_text(encoding="utf-8").partition("\n")
        columns = header.split(",")
        assert len(set(columns)) == len(columns), path.name
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "metric" not in columns:
            continue
        keys = columns[: columns.index("metric") + 1]
        assert not table[keys].eq("").any(axis=None), path.name
        assert not table.duplicated(keys).any(), path.name
        printed = table["shown"].str.fullmatch(r"[−\d,.]+( \(.*\))?")
        assert table.loc[printed, "value"].ne("").all(), path.name
        assert table.loc[~printed & table["value"].ne(""), "shown"].isin(["< 0.001"]).all()
        for count in ("n", "events", "groups"):
            assert table[count].str.fullmatch(r"\d*").all(), path.name


def test_json_has_the_origin_and_the_hashes(evaluation):
    folder = evaluation.path
    content = json.loads((folder / "evaluation.json").read_text())
    assert content["task"]["hash"] == "0123456789ab"
    assert content["provenance"]["version"].startswith("acsbench ")
    assert content["provenance"]["split"] == "seed 0"
    written = names(folder) - {"evaluation.json"}
    assert content["files"] == {name: sha256(folder / name) for name in written}
    assert set(content["models"]["model0"]) >= {"threshold", "auroc", "brier"}


def test_report_stands_alone(evaluation):
    text = evaluation.report.read_text(encoding="utf-8")
    structure = Structure(text)
    assert all(link.startswith("#") for link in structure.links)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert "script" not in structure.tags
    assert "svg" in structure.tags
    for words in ("Heads or tails.", "weight 2", "seed 0", "0123456789ab", "DeLong", "No skill"):
        assert words in text
    assert "simulated" not in text.partition("</style>")[2].lower()
    assert TO_COMPLETE in text
    for link in re.findall(r'href="#([^"]+)"', text):
        assert text.count(f'id="{link}"') == 1


def test_everything_is_escaped(run, make):
    made = make(
        prevalence=0.05, label_note="<b>bold</b> & more", dataset="<script>alert(1)</script>"
    )
    text = run(made, 2.0).report.read_text(encoding="utf-8")
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in text
    assert "<script" not in text
    assert "acsbench evaluate &lt;here&gt;" in text


def test_simulated_and_labels_are_told_on_every_table_and_figure(run, make):
    evaluation = run(make(simulated=True), 0.3, 2.0)
    text = evaluation.report.read_text(encoding="utf-8")
    captions = Structure(text).captions
    assert len(captions) > 15
    assert all("(simulated)" in caption for caption in captions)
    assert 'class="simulated"' in text
    figures = list((evaluation.path / "figures").glob("*.svg"))
    assert len(figures) == sum(len(section.pictures) for section in evaluation.sections) > 3
    for figure in figures:
        assert "SIMULATED" in figure.read_text()
        assert "Heads or tails." in figure.read_text()
    for table in (evaluation.path / "tables").glob("*.csv"):
        assert pd.read_csv(table)["simulated"].all()
    assert "simulated" in evaluation.summary[0]


def test_few_events_show_nothing(run, few):
    test = few.cohort.split("test")
    patients = test.loc[test["label"] == 1, "patient_id"].nunique()
    assert 1 < patients < 11
    evaluation = run(few, 2.0, 0.3)
    tables = {f"tables/{name}.csv" for name in ("splits", "levels", "flow", "tripod-ai")}
    assert names(evaluation.path) == {"report.html", "evaluation.json"} | tables
    assert evaluation.estimates == {}
    assert evaluation.comparisons == ()
    text = evaluation.report.read_text(encoding="utf-8")
    assert "Fewer than 11 patients" in text
    assert "&lt;11" in text
    levels = evaluation.table("levels")
    assert "<11" in set(levels["shown"])
    assert str(patients) not in set(levels["shown"])
    assert json.loads((evaluation.path / "evaluation.json").read_text())["models"] == {}


def test_small_cells_are_shown_on_demand(few):
    analysis = Analysis(few.cohort, [few.model("a", 2.0)], Settings(show_small_cells=True))
    assert not analysis.too_few
    levels = population(analysis).tables[1].rows
    test = few.cohort.split("test")
    patients = test.loc[test["label"] == 1, "patient_id"].nunique()
    assert next(row for row in levels if row["unit"] == "patients")["events"] == patients


@pytest.mark.parametrize(
    "kind", ["constant", "flag", "certain", "two", "no validation", "evaluated on validation"]
)
def test_odd_probabilities_are_handled(make, study, kind):
    """None of them stops the report, and it says what it could not do."""
    made = make(evaluated="valid") if kind == "evaluated on validation" else study
    usual = made.model("usual", 1.5)
    given = usual.probabilities
    labels = made.cohort.table.set_index("ecg_id")["label"].reindex(given.index)
    odd = {
        "constant": given * 0 + 0.3,
        "flag": (given > 0.5).astype(float),
        "certain": labels.astype(float),
        "two": given.round(1).clip(0.4, 0.5),
        "no validation": given.loc[list(made.cohort.split("test")["ecg_id"])],
    }.get(kind, given)
    analysis = Analysis(made.cohort, [ModelPredictions("odd", odd), usual], FAST)
    sections = [section for topic in TOPICS if (section := topic(analysis)) is not None]
    tables = {table.name: table for section in sections for table in section.tables}
    models = {row["model"] for row in tables["discrimination"].rows}
    assert {"odd", "usual"} <= models
    words = " ".join(paragraph for section in sections for paragraph in section.paragraphs)
    if kind == "constant":
        assert "odd gives every ECG the same probability" in words
        assert analysis.areas["odd"].value == 0.5
    judged = (
        {row["model"] for row in tables["thresholds"].rows} if "thresholds" in tables else set()
    )
    assert ("odd" in judged) == (kind not in ("no validation", "evaluated on validation"))
    if kind == "evaluated on validation":
        assert "No probabilities of validation ECGs were given" in words
    assert summarise(analysis, sections)


def test_statistics_are_those_of_the_labels(evaluation, study):
    """A number of most tables, worked out again from labels and probabilities alone."""
    test = study.cohort.split("test")
    labels = test["label"].to_numpy()
    made = study.model("model1", 2.0, seed=1).probabilities
    scores = made.loc[list(test["ecg_id"])].to_numpy()

    def value(table, metric, **where):
        rows = evaluation.table(table)
        for column, text in where.items():
            rows = rows[rows[column] == text]
        return rows.loc[rows["metric"] == metric, "value"].item()

    called = scores >= np.sort(scores)[::-1][labels.sum() - 1]
    assert value("accuracy-and-ppv", "accuracy", model="model1") == np.mean(called == labels)
    assert value("accuracy-and-ppv", "ppv", model="model1") == labels[called].mean()
    half = scores >= np.quantile(scores, 0.5, method="higher")
    top = value("event-rate-by-percentile", "event_rate", model="model1", percentile="50")
    assert top == pytest.approx(labels[half].mean(), abs=0.02)
    brier = value("brier-decomposition", "brier", model="model1")
    assert brier == pytest.approx(np.mean((scores - labels) ** 2))
    treat_all = value("net-benefit", "net_benefit", strategy="Treat all", threshold="0.20")
    assert treat_all == pytest.approx(labels.mean() - (1 - labels.mean()) * 0.25)


def test_results_do_not_depend_on_the_order_of_rows(run, make, study, tmp_path):
    shuffled = make(table=study.cohort.table.sample(frac=1, random_state=9))
    first = run(study, 1.0, 2.0, out=tmp_path / "a")
    second = run(shuffled, 1.0, 2.0, out=tmp_path / "b")
    assert names(first.path) == names(second.path)
    for name in names(first.path) - {"report.html", "evaluation.json"}:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


def test_an_earlier_evaluation_is_replaced(run, few, tmp_path):
    first = run(few, 2.0, out=tmp_path / "out")
    before = (first.path / "evaluation.json").read_bytes()
    run(few, 1.0, 2.0, out=tmp_path / "out")
    assert (first.path / "evaluation.json").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled(run, few, tmp_path):
    (tmp_path / "out").mkdir()
    assert run(few, 2.0, out=tmp_path / "out").report.is_file()


@pytest.mark.parametrize("name", ["notes.txt", "report.html", "evaluation.json"])
def test_other_files_are_left_alone(run, few, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(ConfigurationError, match="holds other files"):
        run(few, 2.0, out=tmp_path / "out")
    assert (out / name).read_text() == "mine"


def test_a_file_of_ones_own_in_an_evaluation_is_left_alone(run, few, tmp_path):
    folder = run(few, 2.0, out=tmp_path / "out").path
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds other files"):
        run(few, 2.0, out=tmp_path / "out")


def test_a_file_is_no_folder(run, few, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigurationError, match="is a file"):
        run(few, 2.0, out=tmp_path / "out")


def test_nothing_half_written_stays(run, few, tmp_path, monkeypatch):
    first = run(few, 2.0, out=tmp_path / "out")
    before = (first.path / "evaluation.json").read_bytes()

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("acsbench.evaluation.report.render", fail)
    with pytest.raises(KeyboardInterrupt):
        run(few, 1.0, 2.0, out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (first.path / "evaluation.json").read_bytes() == before


def test_predictions_are_checked_before_anything_is_written(study, tmp_path):
    probabilities = study.model("a", 1).probabilities.iloc[1:]
    with pytest.raises(DataError, match="no prediction"):
        evaluate(study.cohort, [ModelPredictions("a", probabilities)], tmp_path / "o")
    assert list(tmp_path.iterdir()) == []

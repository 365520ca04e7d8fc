import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.evaluation import ModelPredictions, evaluate
from acsbench.files import sha256

FILES = {
    "report.html",
    "results.csv",
    "comparisons.csv",
    "roc.svg",
    "roc.png",
    "evaluation.json",
}


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


@pytest.fixture
def run(tmp_path):
    def inner(made, *strengths, out=tmp_path / "out", **options):
        models = [
            made.model(f"model{i}", s, seed=i, notes={"class imbalance": f"weight {i}"})
            for i, s in enumerate(strengths)
        ]
        return evaluate(made.cohort, models, out, resamples=60, **options)

    return inner


def test_writes_everything(run, study):
    evaluation = run(study, 0.3, 2.0, 1.8)
    assert {path.name for path in evaluation.path.iterdir()} == FILES
    assert evaluation.report.is_file()
    assert list(evaluation.estimates) == ["model0", "model1", "model2"]
    results = pd.read_csv(evaluation.path / "results.csv")
    assert len(results) == 15
    row = results[(results["model"] == "model1") & (results["metric"] == "auroc")].iloc[0]
    estimate = evaluation.estimates["model1"]["auroc"]
    assert (row["value"], row["low"], row["high"]) == pytest.approx(
        (estimate.value, estimate.low, estimate.high)
    )
    assert row["n"] == len(study.cohort.split("test"))
    comparisons = pd.read_csv(evaluation.path / "comparisons.csv")
    assert len(comparisons) == 2
    assert set(comparisons["model_a"]) == {evaluation.comparisons[0].first}


def test_json_has_the_origin_and_the_hashes(run, study):
    folder = run(study, 2.0).path
    content = json.loads((folder / "evaluation.json").read_text())
    assert content["task"]["hash"] == "0123456789ab"
    assert content["provenance"]["version"].startswith("acsbench ")
    assert content["provenance"]["split"] == "seed 0"
    assert content["files"] == {name: sha256(folder / name) for name in FILES - {"evaluation.json"}}
    assert set(content["models"]["model0"]) >= {"threshold", "auroc", "brier"}


def test_report_stands_alone(run, study):
    text = run(study, 0.3, 2.0, 1.8).report.read_text(encoding="utf-8")
    structure = Structure(text)
    assert all(link.startswith("#") for link in structure.links)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert "script" not in structure.tags
    assert "svg" in structure.tags
    for words in ("Heads or tails.", "weight 2", "seed 0", "0123456789ab", "DeLong", "No skill"):
        assert words in text
    assert "simulated" not in text.partition("</style>")[2].lower()
    assert len(structure.captions) == 7


def test_everything_is_escaped(run, make):
    made = make(label_note="<b>bold</b> & more", dataset="<script>alert(1)</script>")
    text = run(made, 2.0).report.read_text(encoding="utf-8")
    assert "<b>bold" not in text
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in text
    assert "<script" not in text
    assert "acsbench evaluate &lt;here&gt;" in text


def test_simulated_is_said_on_every_table_and_figure(run, make):
    evaluation = run(make(simulated=True), 0.3, 2.0)
    text = evaluation.report.read_text(encoding="utf-8")
    captions = Structure(text).captions
    assert len(captions) == 7
    assert all("(simulated)" in caption for caption in captions)
    assert 'class="simulated"' in text
    assert "SIMULATED" in (evaluation.path / "roc.svg").read_text()
    assert pd.read_csv(evaluation.path / "results.csv")["simulated"].all()
    assert "simulated" in evaluation.summary[0]


def test_few_events_show_nothing(run, make):
    made = make(patients=300, prevalence=0.05)
    test = made.cohort.split("test")
    few = test.loc[test["label"] == 1, "patient_id"].nunique()
    assert 1 < few < 11
    evaluation = run(made, 2.0, 0.3)
    assert {p.name for p in evaluation.path.iterdir()} == FILES - {"roc.svg", "roc.png"}
    assert evaluation.estimates == {}
    assert evaluation.comparisons == ()
    text = evaluation.report.read_text(encoding="utf-8")
    assert "Too few events" in text
    assert "&lt;11" in text
    results = pd.read_csv(evaluation.path / "results.csv")
    assert results["value"].isna().all()
    assert set(results["events"]) == {"<11"}
    assert "0." not in json.dumps(
        json.loads((evaluation.path / "evaluation.json").read_text())["models"]
    )
    shown = run(made, 2.0, 0.3, show_small_cells=True)
    assert {path.name for path in shown.path.iterdir()} == FILES
    assert set(shown.results["events"]) == {str(test["label"].sum())}


def test_results_do_not_depend_on_the_order_of_rows(run, make, study, tmp_path):
    shuffled = make(table=study.cohort.table.sample(frac=1, random_state=9))
    first = run(study, 1.0, 2.0, out=tmp_path / "a")
    second = run(shuffled, 1.0, 2.0, out=tmp_path / "b")
    assert (first.path / "results.csv").read_bytes() == (second.path / "results.csv").read_bytes()
    assert (first.path / "roc.svg").read_bytes() == (second.path / "roc.svg").read_bytes()


def test_an_earlier_evaluation_is_replaced(run, study, tmp_path):
    first = run(study, 2.0)
    before = (first.path / "results.csv").read_bytes()
    run(study, 1.0, 2.0)
    assert (first.path / "results.csv").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled(run, study, tmp_path):
    (tmp_path / "out").mkdir()
    assert run(study, 2.0).report.is_file()


@pytest.mark.parametrize("name", ["notes.txt", "report.html", "evaluation.json"])
def test_other_files_are_left_alone(run, study, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(ConfigurationError, match="holds other files"):
        run(study, 2.0)
    assert (out / name).read_text() == "mine"


def test_a_file_of_ones_own_in_an_evaluation_is_left_alone(run, study):
    folder = run(study, 2.0).path
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="holds other files"):
        run(study, 2.0)


def test_a_file_is_no_folder(run, study, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigurationError, match="is a file"):
        run(study, 2.0)


def test_nothing_half_written_stays(run, study, tmp_path, monkeypatch):
    first = run(study, 2.0)
    before = (first.path / "evaluation.json").read_bytes()

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("acsbench.evaluation.report.render", fail)
    with pytest.raises(KeyboardInterrupt):
        run(study, 1.0, 2.0)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (first.path / "evaluation.json").read_bytes() == before


def test_predictions_are_checked_before_anything_is_written(study, tmp_path):
    model = study.model("a", 1)
    with pytest.raises(DataError, match="no prediction"):
        evaluate(
            study.cohort, [ModelPredictions("a", model.valid, model.test.iloc[1:])], tmp_path / "o"
        )
    assert list(tmp_path.iterdir()) == []

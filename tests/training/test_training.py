import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError, DataError
from acsbench.runs import WEIGHTS, open_run
from acsbench.statistics import auroc
from acsbench.training import fit
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import predict
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared, open_prepared, splits_of

TINY = TrainingConfig(
    epochs=2, batch_size=16, warmup_steps=2, options={"width": 4, "hidden": 8, "block_dropout": 0}
)
FILES = {
    "config.yaml",
    "model.safetensors",
    "metrics.json",
    "predictions-valid.csv",
    "predictions-test.csv",
    "environment.json",
    "MODEL_CARD.md",
}


def test_run_of_a_network(prepared: Prepared, runs: Path) -> None:
    lines: list[str] = []
    run = train(prepared, "resnet18_1d", TINY, runs, report=lines.append)
    assert {p.name for p in run.path.iterdir()} == FILES | {"history.csv"}
    assert [p.name for p in runs.iterdir()] == [run.path.name]
    assert run.path.name.startswith("resnet18_1d-simulated-acs-0-")
    assert run.config["processing"] == prepared.store("study-rows").processing
    history = pd.read_csv(run.path / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    # What is kept is the epoch that validated best, with its averaged weights.
    valid = splits_of(prepared.table(prepared.task()))["valid"]
    kept = auroc(valid["label"], run.predictions("valid"), groups=valid["patient_id"])
    assert kept.value == pytest.approx(history["valid_auroc"].max(), abs=1e-5)
    card = (run.path / "MODEL_CARD.md").read_text()
    assert "(simulated)" in card
    (result,) = ModelCard(card).data.eval_results
    assert (result.dataset_split, result.metric_type) == ("test", "roc_auc")
    metrics = json.loads((run.path / "metrics.json").read_text())["estimates"]
    assert result.metric_value == pytest.approx(metrics["test"]["auroc"]["value"], abs=5e-5)
    assert any("validation AUROC" in line for line in lines)


def test_run_of_a_tabular_model(prepared: Prepared, runs: Path) -> None:
    run = train(prepared, "logistic", TrainingConfig(), runs)
    assert {p.name for p in run.path.iterdir()} == FILES
    metrics = json.loads((run.path / "metrics.json").read_text())["estimates"]
    table = splits_of(prepared.table(prepared.task()))["test"]
    assert metrics["test"]["auroc"]["groups"] == table["patient_id"].nunique()
    assert metrics["test"]["auroc"]["low"] <= metrics["test"]["auroc"]["value"]


@pytest.mark.parametrize("model", ["resnet18_1d", "logistic"])
def test_same_seed_same_predictions(prepared: Prepared, tmp_path: Path, model: str) -> None:
    config = TINY if model == "resnet18_1d" else TrainingConfig()
    one, two = (train(prepared, model, config, tmp_path / name) for name in ("a", "b"))
    for name in ("predictions-test.csv", "model.safetensors"):
        assert (one.path / name).read_bytes() == (two.path / name).read_bytes()


def test_a_finished_run_is_not_trained_again(prepared: Prepared, runs: Path) -> None:
    first = train(prepared, "logistic", TrainingConfig(), runs)
    assert train(prepared, "logistic", TrainingConfig(), runs).path == first.path
    other = train(prepared, "logistic", TrainingConfig(options={"strength": 1.0}), runs)
    assert other.path != first.path


def test_predict_repeats_what_training_wrote(prepared: Prepared, runs: Path) -> None:
    for model, config in (("resnet18_1d", TINY), ("logistic", TrainingConfig())):
        run = train(prepared, model, config, runs)
        pd.testing.assert_series_equal(
            predict(run, prepared, "test"), run.predictions("test"), rtol=1e-6
        )
        everyone = predict(run, prepared, "all")
        assert everyone.index.tolist() == prepared.table(prepared.task())["ecg_id"].tolist()


def test_waveforms_of_another_preparation_are_refused(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(prepared, "resnet18_1d", TINY, runs)
    config = run.config | {"processing": {"profile": "study-rows", "bandpass": "other"}}
    (run.path / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigurationError, match="prepared as"):
        predict(open_run(run.path), prepared, "test")


def test_an_unknown_split_of_ecgs(prepared: Prepared, runs: Path) -> None:
    run = train(prepared, "logistic", TrainingConfig(), runs)
    with pytest.raises(ConfigurationError, match="contains no ECG"):
        predict(run, prepared, "unused")


def test_an_error_leaves_nothing_behind(
    prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "model_card", broken)
    with pytest.raises(KeyboardInterrupt):
        train(prepared, "logistic", TrainingConfig(), runs)
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda r: (r / "metrics.json").unlink(), "not a finished run"),
        (lambda r: (r / "config.yaml").write_text("a: ["), "configuration cannot be read"),
        (lambda r: (r / "config.yaml").write_text("a: 1"), "configuration cannot be read"),
        (lambda r: (r / WEIGHTS).write_bytes(b"x"), "weights cannot be read"),
        (lambda r: (r / WEIGHTS).unlink(), "weights cannot be read"),
    ],
)
def test_a_damaged_run_is_refused(prepared: Prepared, runs: Path, damage, words) -> None:
    run = train(prepared, "logistic", TrainingConfig(), runs)
    damage(run.path)
    with pytest.raises(DataError, match=words):
        predict(open_run(run.path), prepared, "test")


def test_the_time_budget_ends_training_after_the_first_epoch(
    prepared: Prepared, runs: Path
) -> None:
    config = TINY.model_copy(update={"epochs": 50, "max_minutes": 1e-3})
    run = train(prepared, "resnet18_1d", config, runs)
    assert len(pd.read_csv(run.path / "history.csv")) == 1
    notes = json.loads((run.path / "metrics.json").read_text())["training"]
    assert notes["stopped by the time budget"] == "yes"


def test_training_stops_when_validation_no_longer_improves(prepared: Prepared, runs: Path) -> None:
    config = TINY.model_copy(update={"epochs": 40, "patience": 1, "learning_rate": 1e-9})
    run = train(prepared, "resnet18_1d", config, runs)
    assert len(pd.read_csv(run.path / "history.csv")) < 40


def test_weights_of_events_are_taken_out_of_the_odds(prepared: Prepared, runs: Path) -> None:
    run = train(prepared, "resnet18_1d", TINY, runs)
    labels = splits_of(prepared.table(prepared.task()))["train"]["label"]
    weight = (labels == 0).sum() / (labels == 1).sum()
    assert run.config["event_weight"] == pytest.approx(weight)
    plain = open_run(run.path)
    plain.config["event_weight"] = 1.0
    weighted, unweighted = predict(run, prepared, "test"), predict(plain, prepared, "test")
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    np.testing.assert_allclose(
        logit(unweighted) - logit(weighted), np.log(weight), rtol=0, atol=1e-4
    )


def test_another_split_of_the_same_ecgs_is_refused(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    from acsbench.evaluation.inputs import evaluate_task

    run = train(prepared, "logistic", TrainingConfig(), runs)
    dataset = open_dataset("wfdb_folder", prepared.path.parent / "ecgs")
    other = prepare(dataset, tmp_path / "other", tasks=["simulated-acs"], seed=9)
    with pytest.raises(ConfigurationError, match="splits these ECGs differently"):
        predict(run, other, "test")
    with pytest.raises(ConfigurationError, match="another split of the patients"):
        evaluate_task(other, None, [run.path], tmp_path / "report")


def test_a_changed_shard_is_noticed_before_prediction(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    run = train(prepared, "resnet18_1d", TINY, runs)
    copy = open_prepared(Path(shutil.copytree(prepared.path, tmp_path / "copy")))
    shard = copy.path / "waveforms" / "study-rows" / "shard-00000.npy"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(DataError, match="has changed since it was written"):
        predict(run, copy, "test")

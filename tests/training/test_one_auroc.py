"""The AUROC of a run, of its CSV files and of its ONNX file is one number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from acsbench.runs import Run, predictions_csv, read_probabilities
from acsbench.statistics import auroc
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.onnx import export_onnx
from acsbench.training.predict import predict
from acsbench.training.predictors import open_trained, probabilities_of
from acsbench.waveforms.prepared import Prepared, splits_of
from tests.cli.test_cli import run as acsbench
from tests.training.networks import Certain, registered

STILL = TrainingConfig(epochs=1, steps_per_epoch=1, learning_rate=1e-30, weight_decay=0)


def certain(prepared: Prepared, runs: Path) -> Run:
    with registered("certain", Certain):
        return train(prepared, "certain", STILL.model_copy(update={"augment": False}), runs)


def test_logits_far_from_0_are_ranked(prepared: Prepared, runs: Path) -> None:
    run = certain(prepared, runs)
    weight = run.config["event_weight"]
    history = pd.read_csv(run.path / "history.csv")
    metrics = json.loads((run.path / "metrics.json").read_text())["estimates"]
    for split in ("valid", "test"):
        part = splits_of(prepared.table(prepared.task()))[split]
        probabilities = run.predictions(split)
        assert 0 < probabilities.min() < 1e-16
        assert (probabilities > 1 - 1e-7).any()
        value = metrics[split]["auroc"]["value"]
        table = pd.read_csv(run.path / f"predictions-{split}.csv")
        outside = roc_auc_score(part["label"], table["probability"])
        assert value == pytest.approx(outside, abs=1e-12)
        assert probabilities.nunique() > 0.6 * len(part)
        if split == "valid":
            assert history["valid_auroc"].iloc[0] == pytest.approx(value, abs=5e-7)
    assert weight > 1
    with registered("certain", Certain):
        again = predict(run, prepared, "test")
    assert (again == run.predictions("test")).all()


def test_an_onnx_file_ranks_as_its_run_does(prepared: Prepared, runs: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = certain(prepared, runs)
    with registered("certain", Certain):
        export_onnx(run, tmp_path / "m.onnx")
        out = tmp_path / "p.csv"
        assert acsbench("predict", tmp_path / "m.onnx", "--data", prepared.path, "--out", out) == 0
        found = predict(open_trained(tmp_path / "m.onnx"), prepared, "test")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    one = {"waveforms": np.zeros((1, 3, 5000), dtype=np.float32)}
    probability, logit = session.run(None, one)
    assert logit == -40
    assert probability == pytest.approx(expit(-40 - np.log(run.config["event_weight"])), rel=1e-12)
    assert [output.name for output in session.get_outputs()] == ["probability", "logit"]
    assert {output.type for output in session.get_outputs()} == {"tensor(double)"}
    part = splits_of(prepared.table(prepared.task()))["test"]
    of_run = auroc(part["label"], run.predictions("test")).value
    for probabilities in (found, read_probabilities(out)):
        assert auroc(part["label"], probabilities).value == pytest.approx(of_run, abs=1e-12)
    np.testing.assert_allclose(found, run.predictions("test"), rtol=1e-4)


def test_an_onnx_file_of_an_earlier_version_still_predicts(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = certain(prepared, runs)
    with registered("certain", Certain):
        export_onnx(run, tmp_path / "m.onnx")
        model = onnx.load(tmp_path / "m.onnx")
        del model.graph.output[1]
        onnx.save(model, tmp_path / "m.onnx")
        found = predict(open_trained(tmp_path / "m.onnx"), prepared, "test")
    np.testing.assert_allclose(found, run.predictions("test"), rtol=1e-4)


def test_probabilities_are_those_of_double_precision() -> None:
    logits = np.float32([-40, -39.999, -17, 0, 14, 14.001, 17, 20, 20.001, 30])
    found = probabilities_of(logits, 1.0)
    np.testing.assert_array_equal(found, expit(logits.astype(np.float64)))
    assert len(set(found)) == len(found)
    less = expit(logits.astype(np.float64) - np.log(4))
    np.testing.assert_array_equal(probabilities_of(logits, 4.0), less)


def test_a_csv_keeps_every_digit_and_every_id(tmp_path: Path) -> None:
    ids = ["nan", "None", "NA", "001", "1e5", "1.0", "null", "x y"]
    values = expit(np.array([20, 20.001, -40, -40.001, 0.1, 30, 31, 1e-9]))
    written = pd.Series(values, index=pd.Index(ids, name="ecg_id"), name="probability")
    (tmp_path / "p.csv").write_text(predictions_csv(written))
    again = read_probabilities(tmp_path / "p.csv")
    assert list(again.index) == ids
    assert (again.to_numpy() == values).all()

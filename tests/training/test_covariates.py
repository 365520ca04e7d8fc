"""A network with covariates trains and predicts only where there are any."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError
from acsbench.training.fit import train
from acsbench.training.onnx import export_onnx
from acsbench.training.predict import predict
from acsbench.training.predictors import open_trained
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.cli.test_cli import run as acsbench
from tests.datasets.builders import wfdb_folder
from tests.training.networks import Plain, registered
from tests.training.test_divergence import QUICK

TOLD = QUICK.model_copy(update={"covariates": ("age", "sex"), "epochs": 1})


def test_a_dataset_without_troponin(
    prepared: Prepared, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "resnet6", "--data", prepared.path, "--runs", runs]
    assert acsbench(*words, "--set", "covariates=[age,sex,troponin]") == 2
    told = capsys.readouterr().err.replace("\n", " ")
    assert "needs the covariate troponin" in told
    assert "no column 'maxtrop_sameday'" in told
    assert not runs.exists() or not list(runs.iterdir())


@pytest.mark.parametrize("lacking", ["column", "values"])
def test_ecgs_without_a_covariate_are_not_predicted(
    prepared: Prepared, runs: Path, tmp_path: Path, lacking: str
) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", 12)
    labels = pd.read_csv(folder / "labels.csv", dtype=str)
    other = labels.drop(columns="age") if lacking == "column" else labels.assign(age="")
    other.to_csv(folder / "labels.csv", index=False)
    dataset = open_dataset("wfdb_folder", folder, labelled=False)
    unknown = prepare(dataset, tmp_path / "prepared", signs=False)
    with registered("plain", Plain):
        run = train(prepared, "plain", TOLD, runs)
        with pytest.raises(ConfigurationError, match="needs the covariate age, but"):
            predict(run, unknown, "all")
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
        export_onnx(run, tmp_path / "m.onnx")
        with pytest.raises(ConfigurationError, match="needs the covariate age, but"):
            predict(open_trained(tmp_path / "m.onnx"), unknown, "all")

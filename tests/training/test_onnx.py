"""Networks as ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from acsbench.errors import ConfigurationError, DataError
from acsbench.models import list_models
from acsbench.models.registry import model_info
from acsbench.runs import WEIGHTS, Run
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.onnx import export_onnx
from acsbench.training.predict import predict
from acsbench.training.predictors import fresh_network, open_trained
from acsbench.waveforms.prepared import Prepared
from acsbench.waveforms.profiles import PROFILES
from tests.cli.test_cli import run as acsbench
from tests.contract.test_models import SMALL
from tests.training.test_training import TINY

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

NETWORKS = [name for name in list_models() if model_info(name).kind == "network"]


def untrained(
    name: str, folder: Path, covariates: tuple[str, ...] = ()
) -> tuple[Run, torch.nn.Module]:
    """A run as far as exporting one needs it."""
    torch.manual_seed(0)
    config = TrainingConfig(options=SMALL.get(name, {}), covariates=covariates)
    processing = {"profile": model_info(name).input}
    content = {
        "model": name,
        "processing": processing,
        "event_weight": 3.0,
        "training": config.model_dump(mode="json"),
    }
    network = fresh_network(content).eval()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / WEIGHTS)
    return Run(folder, content), network


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_says_the_same_in_onnxruntime(name: str, tmp_path: Path) -> None:
    run, network = untrained(name, tmp_path)
    export_onnx(run, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    profile = PROFILES[model_info(name).input]
    generator = torch.Generator().manual_seed(0)
    for size in (1, 3):
        waveforms = 0.3 * torch.randn(size, len(profile.rows), profile.samples, generator=generator)
        with torch.no_grad():
            expected = torch.sigmoid(network(waveforms)[:, 0] - np.log(3.0))
        (found,) = session.run(["probability"], {"waveforms": waveforms.numpy()})
        assert found.shape == (size,)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_a_network_with_covariates(tmp_path: Path) -> None:
    run, network = untrained("resnet18_1d", tmp_path, ("age", "troponin"))
    with torch.no_grad():
        network.combine.weight.copy_(torch.tensor([[1.0, 0.01, 0.02, 0.3, 0.4]]))
    save_file(network.state_dict(), tmp_path / WEIGHTS)
    export_onnx(run, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    waveforms = torch.randn(3, 3, 5000, generator=torch.Generator().manual_seed(0))
    covariates = torch.tensor([[50.0, 1.0], [float("nan"), 2.0], [70.0, float("nan")]])
    with torch.no_grad():
        expected = torch.sigmoid(network(waveforms, covariates)[:, 0] - np.log(3.0))
    inputs = {"waveforms": waveforms.numpy(), "covariates": covariates.numpy()}
    np.testing.assert_allclose(session.run(None, inputs)[0], expected, rtol=0, atol=1e-4)


def test_predictions_of_an_onnx_file_are_those_of_its_run(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    run = train(prepared, "resnet18_1d", TINY.model_copy(update={"epochs": 1}), runs)
    export_onnx(run, tmp_path / "m.onnx")
    assert open_trained(tmp_path / "m.onnx").config == run.config
    out = tmp_path / "p.csv"
    assert acsbench("predict", tmp_path / "m.onnx", "--data", prepared.path, "--out", out) == 0
    found = predict(open_trained(tmp_path / "m.onnx"), prepared, "test")
    np.testing.assert_allclose(found, run.predictions("test"), rtol=0, atol=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {"m.onnx", "p.csv", runs.name}


def test_what_is_no_onnx_file_of_ours_is_refused(
    prepared: Prepared, runs: Path, tmp_path: Path
) -> None:
    import onnx

    with pytest.raises(DataError, match="does not exist"):
        open_trained(tmp_path / "nowhere.onnx")
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(DataError, match="cannot be read"):
        open_trained(tmp_path / "junk.onnx")
    identity = onnx.helper.make_node("Identity", ["x"], ["y"])
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy")
    stranger = onnx.helper.make_model(
        onnx.helper.make_graph([identity], "g", [x], [y]),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=10,
    )
    onnx.save(stranger, tmp_path / "stranger.onnx")
    with pytest.raises(DataError, match="does not contain the configuration"):
        open_trained(tmp_path / "stranger.onnx")
    table = train(prepared, "logistic", TrainingConfig(), runs)
    with pytest.raises(ConfigurationError, match="not a network"):
        export_onnx(table, tmp_path / "m.onnx")

"""Published weights in our own form."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from acsbench.cli.main import main
from acsbench.cohort.task import load_task
from acsbench.errors import ConfigurationError, DataError
from acsbench.files import sha256
from acsbench.models import create_model, load_published
from acsbench.runs import Run, open_run
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.imported import import_published
from acsbench.training.predict import predict
from acsbench.waveforms.prepared import Prepared

FILES = {"config.yaml", "model.safetensors", "metrics.json", "environment.json", "MODEL_CARD.md"}


def network_of(run: Run) -> torch.nn.Module:
    network: torch.nn.Module = create_model(run.model, **run.config["training"]["options"])
    network.load_state_dict(load_file(run.path / "model.safetensors"))
    return network.eval()


@pytest.mark.parametrize("name", ["resnet6", "resnet18_1d", "resnet50_1d", "ecgomi", "state"])
def test_a_network_of_the_study(vectors: Path, tmp_path: Path, name: str) -> None:
    run = import_published(vectors / f"{name}.ckpt", tmp_path / "run")
    assert {p.name for p in run.path.iterdir()} == FILES
    assert open_run(run.path).config == run.config
    assert run.model == {"state": "s4"}.get(name, name)
    assert run.config["processing"]["profile"] == "study-rows"
    digest = sha256(vectors / f"{name}.ckpt")
    assert run.config["source"]["sha256"] == {f"{name}.ckpt": digest}
    assert json.loads((run.path / "metrics.json").read_text())["estimates"] == {}
    with np.load(vectors / f"{name}.npz") as vector, torch.no_grad():
        logits = network_of(run)(torch.from_numpy(vector["input"])).numpy()
        np.testing.assert_allclose(logits, vector["logits"], rtol=1e-6, atol=1e-4)
    card = (run.path / "MODEL_CARD.md").read_text()
    assert digest in card
    assert "Its training patients are unknown" in card


def test_the_fault_of_the_published_loader_can_be_kept(vectors: Path, tmp_path: Path) -> None:
    run = import_published(vectors / "state.ckpt", tmp_path / "run", reload="published")
    assert run.config["source"]["reload"] == "published"
    with np.load(vectors / "state.npz") as vector, torch.no_grad():
        logits = network_of(run)(torch.from_numpy(vector["input"])).numpy()
        expected = vector["logits_published_reload"]
        np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-4)


def test_hubert_keeps_its_score_and_its_licence(vectors: Path, tmp_path: Path) -> None:
    path = vectors / "hubert_finetuned.pt"
    run = import_published(path, tmp_path / "run", load_task("acs"))
    assert run.config["processing"]["profile"] == "study-leads"
    assert run.config["task"]["name"] == "acs"
    with np.load(vectors / "hubert_finetuned.npz") as vector, torch.no_grad():
        flat = torch.from_numpy(vector["flat_100hz"]).float()
        logits = network_of(run)(flat).numpy()
        np.testing.assert_allclose(logits, vector["logits"][:, :1], rtol=1e-6, atol=1e-4)
    head = yaml.safe_load((run.path / "MODEL_CARD.md").read_text().split("---")[1])
    assert head["license"] == "cc-by-nc-4.0"


def test_it_predicts(prepared: Prepared, vectors: Path, tmp_path: Path) -> None:
    run = import_published(vectors / "resnet18_1d.ckpt", tmp_path / "run")
    found = predict(run, prepared, "test")
    store = prepared.store("study-rows")
    waveforms = torch.from_numpy(store.read(store.positions(list(found.index))))
    with torch.no_grad():
        expected = torch.sigmoid(load_published(vectors / "resnet18_1d.ckpt")(waveforms))[:, 0]
    np.testing.assert_allclose(found.to_numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)


def test_it_is_trained_on(prepared: Prepared, vectors: Path, tmp_path: Path) -> None:
    start = import_published(vectors / "resnet18_1d.ckpt", tmp_path / "start")
    settings: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-12, "weight_decay": 0.0}
    # Options that change no tensor may differ from those of the published model.
    options = {"width": 8, "hidden": 32, "dropout": 0.0}
    config = TrainingConfig(**settings, options=options)
    run = train(prepared, "resnet18_1d", config, tmp_path / "runs", init=start)
    before, after = (load_file(each.path / "model.safetensors") for each in (start, run))
    torch.testing.assert_close(after["head.4.weight"], before["head.4.weight"], rtol=0, atol=1e-6)
    with pytest.raises(ConfigurationError, match="the run to start from is resnet18_1d"):
        train(prepared, "resnet18_1d", TrainingConfig(**settings), tmp_path / "runs", init=start)


def test_nothing_is_replaced_or_left_behind(vectors: Path, tmp_path: Path) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"x")
    with pytest.raises(DataError):
        import_published(tmp_path / "x.ckpt", tmp_path / "run")
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        import_published(vectors / "resnet6.ckpt", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.ckpt"]


def test_the_command(vectors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: object) -> str:
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        assert not stop.value.code
        return capsys.readouterr().out

    listed = said("models")
    for text in ("resnet50_1d", "23,238,657", "hubert-large", "boosted-trees", "study-rows"):
        assert text in listed
    shown = said("models", "show", "hubert-large")
    for text in ("188,628,865", "CC BY-NC 4.0", "Coppola"):
        assert text in shown
    assert "import" in said("models", "--help")
    words = ("models", "import", vectors / "resnet6.ckpt", "--out", tmp_path / "run")
    told = said(*words, "--task", "acs")
    assert "resnet6 -> " in told
    assert "study-rows" in told
    assert open_run(tmp_path / "run").config["task"]["name"] == "acs"


def test_a_model_of_many_outputs_is_refused(vectors: Path, tmp_path: Path) -> None:
    from transformers import HubertConfig

    with torch.serialization.safe_globals([HubertConfig]):
        checkpoint = torch.load(vectors / "hubert_finetuned.pt", weights_only=True)
    state = checkpoint["model_state_dict"]
    for name in ("classifier.2.weight", "classifier.2.bias"):
        state[name] = torch.cat([state[name], state[name]])
    torch.save(checkpoint, tmp_path / "x.pt")
    with pytest.raises(DataError, match="4 outputs"):
        import_published(tmp_path / "x.pt", tmp_path / "run")
    assert not (tmp_path / "run").exists()

"""What a pre-training is good for: transformers, fine-tuning, a second iteration."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import HubertModel

from acsbench.cohort.task import Task
from acsbench.errors import ConfigurationError, DataError
from acsbench.models import create_model, load_published
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.init import open_start
from acsbench.training.predict import check_fit
from acsbench.training.pretraining.config import pretraining_config
from acsbench.training.pretraining.crops import gather
from acsbench.training.pretraining.describe import latents
from acsbench.training.pretraining.encoder import take_encoder
from acsbench.training.pretraining.pretrain import pretrain
from acsbench.waveforms.prepared import Prepared
from tests.contract.test_models import HUBERT
from tests.training.pretraining.conftest import QUICK, two_tasks

# So small that the weights stay where they were.
STILL = TrainingConfig(
    epochs=1,
    batch_size=8,
    learning_rate=1e-12,
    weight_decay=0,
    steps_per_epoch=1,
    augment=False,
    options=HUBERT | {"front_widths": [16] * 5},
)


def test_the_folder_tells_all(first: Path) -> None:
    assert {path.name for path in first.iterdir()} - {"lock"} == {
        "MODEL_CARD.md",
        "codebooks",
        "codebooks.png",
        "config.json",
        "environment.json",
        "history.csv",
        "metrics.json",
        "model.safetensors",
        "pretraining.yaml",
    }
    history = pd.read_csv(first / "history.csv")
    assert history["step"].tolist() == [3, 6, 9]
    assert history.notna().all(axis=None)
    accuracy = json.loads((first / "metrics.json").read_text())["masked accuracy"]
    assert set(accuracy) == {"5", "8"}
    assert {"value", "low", "high", "groups"} <= set(accuracy["5"]["network"])
    card = (first / "MODEL_CARD.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["library_name"] == "transformers"
    assert "(simulated)" in card
    assert (first / "codebooks.png").read_bytes().startswith(b"\x89PNG")


def test_transformers_loads_it_and_sees_what_was_trained(first: Path, prepared: Prepared) -> None:
    encoder, told = HubertModel.from_pretrained(first, output_loading_info=True)
    assert not any(told.values())
    network = create_model("hubert-tiny", **STILL.options)
    take_encoder(network, first)
    leads = torch.from_numpy(gather(prepared, QUICK).crops.read(np.arange(2)))
    with torch.no_grad():
        expected = network.eval().hubert(leads).last_hidden_state
        torch.testing.assert_close(encoder.eval()(leads).last_hidden_state, expected)
        # In train mode nothing but dropout happens: nothing is masked unasked.
        torch.testing.assert_close(masked_nowhere(encoder, leads), expected)


def masked_nowhere(encoder: HubertModel, leads: torch.Tensor) -> torch.Tensor:
    """The output in train mode, without dropout."""
    encoder.train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.0
    return encoder(leads).last_hidden_state


def test_it_is_read_as_the_authors_folders_are(first: Path) -> None:
    ours, theirs = create_model("hubert-tiny", **STILL.options), load_published(first)
    take_encoder(ours, first)
    for name, value in ours.hubert.state_dict().items():
        torch.testing.assert_close(theirs.hubert.state_dict()[name], value, rtol=0, atol=0)


def test_fine_tuning_starts_from_the_encoder(first: Path, prepared: Prepared, runs: Path) -> None:
    start = open_start(first)
    run = train(prepared, "hubert-tiny", STILL, runs, task="older", init=start)
    before, after = (
        load_file(first / "model.safetensors"),
        load_file(run.path / "model.safetensors"),
    )
    del before["masked_spec_embed"]
    for name, value in before.items():
        torch.testing.assert_close(after[f"hubert.{name}"], value, rtol=0, atol=1e-6)
    assert [step["task"] for step in run.config["lineage"]] == ["older", "simulated-acs", "older"]
    fresh = train(prepared, "hubert-tiny", STILL, runs, task="older")
    assert fresh.path != run.path
    head = "classifier.0.weight"
    torch.testing.assert_close(
        load_file(fresh.path / "model.safetensors")[head], after[head], rtol=0, atol=1e-6
    )
    check_fit(run, prepared)
    # What was fine-tuned can be trained on, for the other task.
    train(prepared, "hubert-tiny", STILL, runs, task="simulated-acs", init=open_start(run.path))


def test_an_encoder_of_another_size_is_refused(first: Path, prepared: Prepared, runs: Path) -> None:
    wider = STILL.model_copy(update={"options": STILL.options | {"feed_forward": 32}})
    with pytest.raises(ConfigurationError, match="new model is hubert-tiny with"):
        train(prepared, "hubert-tiny", wider, runs, task="older", init=open_start(first))
    with pytest.raises(ConfigurationError, match="another size"):
        take_encoder(create_model("hubert-tiny", **wider.options), first)


def test_patients_of_another_split_are_refused(first: Path, ecgs: Path, runs: Path) -> None:
    other = two_tasks(ecgs, "study")
    with pytest.raises(ConfigurationError, match="whose split is not in"):
        train(other, "hubert-tiny", STILL, runs, task="older", init=open_start(first))


def test_each_iteration_is_judged_alone(
    first: Path, prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = open_start(first)
    steps = {step["task"]: step for step in start.config["lineage"]}
    # The first iteration knew one task; that the second left the other's patients out is too late.
    start.config["lineage"] = [
        steps["simulated-acs"] | {"pretraining": 1},
        *(step | {"pretraining": 2} for step in steps.values()),
    ]
    monkeypatch.setattr(Prepared, "table", swapped("older"))
    with pytest.raises(ConfigurationError, match=r"patients .* validation or test"):
        train(prepared, "hubert-tiny", STILL, runs, task="older", init=start)


def swapped(name: str) -> Callable[[Prepared, Task], pd.DataFrame]:
    """A task's table with training and validation exchanged."""
    whole = Prepared.table

    def table(self: Prepared, task: Task) -> pd.DataFrame:
        found = whole(self, task)
        if task.name == name:
            found["split"] = found["split"].replace({"train": "valid", "valid": "train"})
        return found

    return table


def test_patients_of_a_task_that_came_later_are_refused(
    first: Path, prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = open_start(first)
    known = [step for step in start.config["lineage"] if step["task"] == "simulated-acs"]
    start.config["lineage"] = known
    monkeypatch.setattr(Prepared, "table", swapped("older"))
    with pytest.raises(ConfigurationError, match=r"patients .* validation or test"):
        train(prepared, "hubert-tiny", STILL, runs, task="older", init=start)


def test_patients_of_the_fine_tuning_in_between_are_refused(
    first: Path, prepared: Prepared, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = train(prepared, "hubert-tiny", STILL, runs, task="older", init=open_start(first))
    monkeypatch.setattr(Prepared, "table", swapped("simulated-acs"))
    with pytest.raises(ConfigurationError, match=r"patients .* validation or test"):
        train(prepared, "hubert-tiny", STILL, runs, task="simulated-acs", init=tuned)


def test_an_unfinished_pretraining_is_no_start(first: Path, tmp_path: Path) -> None:
    record = (first / "pretraining.yaml").read_text()
    (tmp_path / "pretraining.yaml").write_text(record)
    with pytest.raises(DataError, match="not a finished pre-training"):
        open_start(tmp_path)
    with pytest.raises(DataError, match="not a finished run"):
        open_start(first / "codebooks")


def test_the_second_iteration_clusters_latents(
    first: Path, prepared: Prepared, tmp_path: Path
) -> None:
    again = QUICK.model_copy(update={"layer": 2, "epochs": 1, "learning_rate": 1e-12})
    second = pretrain(prepared, again, tmp_path / "second", earlier=first)
    assert second.config["from"] is not None
    with np.load(second.path / "codebooks" / "5.npz") as codebook:
        assert codebook["centres"].shape == (5, HUBERT["width"])
    # It goes on from the earlier weights, unless it is told not to.
    before, after = (load_file(path / "model.safetensors") for path in (first, second.path))
    name = "encoder.layers.0.attention.q_proj.weight"
    torch.testing.assert_close(after[name], before[name], rtol=0, atol=1e-6)
    afresh = again.model_copy(update={"keep_weights": False})
    third = pretrain(prepared, afresh, tmp_path / "third", earlier=first)
    assert not torch.allclose(load_file(third.path / "model.safetensors")[name], before[name])
    books = [(run.path / "codebooks" / "8.npz").read_bytes() for run in (second, third)]
    assert books[0] == books[1]


def test_latents_are_those_of_the_layer_named(first: Path, prepared: Prepared) -> None:
    encoder = HubertModel.from_pretrained(first).eval()
    crops = gather(prepared, QUICK).crops.read(np.arange(2))
    seen: list[torch.Tensor] = []
    encoder.encoder.layers[0].register_forward_hook(lambda *hook: seen.append(hook[2]))
    found = latents(encoder, 1, crops)
    assert found.shape == (2, 93, HUBERT["width"])
    np.testing.assert_allclose(found, seen[0])


def test_an_earlier_network_and_its_layer_belong_together(
    first: Path, prepared: Prepared, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="together"):
        pretrain(prepared, QUICK, tmp_path / "x", earlier=first)
    layered = QUICK.model_copy(update={"layer": 1})
    with pytest.raises(ConfigurationError, match="together"):
        pretrain(prepared, layered, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_wrong_settings_are_told_in_words() -> None:
    with pytest.raises(ConfigurationError, match="size: Input should be 'tiny'"):
        pretraining_config(size="huge")
    with pytest.raises(ConfigurationError, match=r"codebooks.1: Input should be greater"):
        pretraining_config(codebooks=[100, 1])
    with pytest.raises(ConfigurationError, match="no setting 'epoch'; did you mean 'epochs'"):
        pretraining_config(epoch=3)
    with pytest.raises(ConfigurationError, match="codebooks: all codebooks must have different"):
        pretraining_config(codebooks=[5, 5])
    for frozen in ({"freeze_front": True}, {"freeze_layers": 2}):
        with pytest.raises(ConfigurationError, match=r"options: freeze_.* random weights"):
            pretraining_config(options=frozen)
    assert pretraining_config(options={"freeze_front": False, "freeze_layers": 0})


def test_a_mask_of_everything_is_refused_before_anything_is_done(
    prepared: Prepared, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="can hide all 93 frames"):
        pretrain(prepared, QUICK.model_copy(update={"mask_length": 93}), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_command(prepared: Prepared, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    from acsbench.cli.main import main

    words = ["pretrain", "hubert", "--size", "tiny", "--data", prepared.path]
    words += ["--out", tmp_path / "out", "--codebooks", "5"]
    settings = QUICK.model_dump(mode="json")
    names = ("crops", "valid_share", "cluster_batches", "projection", "batch_size")
    chosen = {name: settings[name] for name in names} | {"epochs": 1, "steps_per_epoch": 1}
    for name, value in chosen.items():
        words += ["--set", f"{name}={value}"]
    for name, value in settings["options"].items():
        words += ["--set", f"options.{name}={value}"]
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "5 codes, masked accuracy of the network: " in said
    assert "pre-trained: " in said
    assert (tmp_path / "out" / "config.json").is_file()

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from acsbench.datasets import open_dataset
from acsbench.datasets.simulated.wfdb_writer import write_record
from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError
from acsbench.runs import WEIGHTS, Run
from acsbench.training.attribution import flat, integrated_gradients
from acsbench.training.config import TrainingConfig
from acsbench.training.explain import explain, rank_correlation, typical_ecgs
from acsbench.training.fit import train
from acsbench.training.predict import predict
from acsbench.training.predictors import load_network, stored_waveforms
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.cli.test_cli import run as acsbench

pytest.importorskip("captum")


class Square(nn.Module):
    """The square of a weighted sum, of which integrated gradients are known in closed form."""

    def __init__(self, weights: Tensor):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.weights).sum(dim=(1, 2))[:, None].square()


def test_integrated_gradients_equal_their_closed_form() -> None:
    torch.manual_seed(0)
    x, weights = torch.randn(2, 3, 40, dtype=torch.double), torch.randn(3, 40, dtype=torch.double)
    start = flat(x)
    np.testing.assert_allclose(start[..., 0], x.median(dim=-1).values)
    sums = ((x + start) * weights).sum(dim=(1, 2))
    expected = (x - start) * weights * sums[:, None, None]
    found = integrated_gradients(Square(weights), (x,))
    np.testing.assert_allclose(found, expected.detach(), atol=1e-9)


def test_integrated_gradients_equal_a_fine_sum_over_the_path() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv1d(3, 4, 7), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 34, 1)
    ).double()
    x = torch.randn(1, 3, 40, dtype=torch.double)
    start, total = flat(x), torch.zeros(1, 3, 40, dtype=torch.double)
    steps = 2000
    for step in range(steps):
        point = (start + (step + 0.5) / steps * (x - start)).requires_grad_()
        network(point).sum().backward()
        assert point.grad is not None
        total += point.grad / steps
    found = integrated_gradients(network, (x,))
    np.testing.assert_allclose(found, (x - start) * total, atol=1e-5)


def test_only_what_a_network_looks_at_moves_it() -> None:
    weights = torch.zeros(3, 100)
    weights[1, 30:40] = 1.0
    found = integrated_gradients(Square(weights), (torch.randn(1, 3, 100),))[0]
    assert found[1, 30:40].abs().min() > 0
    found[1, 30:40] = 0
    assert not found.any()


def test_covariates_are_told_and_not_explained() -> None:
    class Told(nn.Module):
        def forward(self, waveforms: Tensor, covariates: Tensor) -> Tensor:
            return waveforms.sum(dim=(1, 2))[:, None] * covariates

    x = torch.randn(2, 3, 50, dtype=torch.double)
    told = torch.tensor([[2.0], [-1.0]], dtype=torch.double)
    found = integrated_gradients(Told(), (x, told))
    np.testing.assert_allclose(found, (x - flat(x)) * told[:, :, None], atol=1e-9)


PLANTED = {("V2", "ST–T"), ("V3", "ST–T")}


def planted_folder(folder: Path, ecgs: int = 80) -> Path:
    """Regular beats on twelve leads; every second ECG has ST elevation in V2 and V3."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = []
    time = np.arange(5000)
    for number in range(ecgs):
        event = number % 2
        signal = rng.normal(0, 0.01, (12, 5000))
        first, interval = rng.integers(150, 400), rng.integers(350, 500)
        for peak in range(first, 5000, interval):
            for shift, height, width in ((-80, 0.1, 12), (0, 1.0, 5), (130, 0.2, 22)):
                sizes = height * rng.uniform(0.9, 1.1, (12, 1))
                signal += sizes * np.exp(-0.5 * ((time - peak - shift) / width) ** 2)
            segment = slice(max(peak + 25, 0), peak + 110)
            signal[LEADS.index("V2") : LEADS.index("V3") + 1, segment] += 0.4 * event
        write_record(folder, Recording(f"record{number:03d}", signal, 500.0, LEADS))
        rows.append({"record": f"record{number:03d}", "patient_id": f"p{number}", "st": event})
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    (folder / "dataset.yaml").write_text("name: planted\nsimulated: true\n")
    (folder / "st.yaml").write_text(
        "name: st\nversion: 1\npopulation: all\nlabel: st\nunit: ecg\ndescription: Planted.\n"
    )
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("explain")
    dataset = open_dataset("wfdb_folder", planted_folder(folder / "ecgs"))
    task = str(folder / "ecgs" / "st.yaml")
    return prepare(dataset, folder / "prepared", tasks=[task], signs=False)


@pytest.fixture(scope="module")
def trained(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Run:
    options = {"width": 8, "hidden": 16, "block_dropout": 0.0, "dropout": 0.0}
    config = TrainingConfig(epochs=1, augment=False, options=options)
    run = train(prepared, "resnet6", config, tmp_path_factory.mktemp("runs"))
    network = load_network(run).train()
    table = prepared.table(prepared.task()).query("split != 'test'")
    seen = next(iter(stored_waveforms(prepared, table, run.config).in_order()))
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        logits = network(seen.waveforms)[:, 0]
        labels = torch.tensor(table["label"].to_numpy()[: len(logits)], dtype=torch.float32)
        nn.functional.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()
    save_file(network.state_dict(), run.path / WEIGHTS)
    (run.path / "predictions-test.csv").unlink()
    return run


def test_the_planted_sign_is_found_and_fresh_weights_do_not_find_it(
    prepared: Prepared, trained: Run
) -> None:
    risks = predict(trained, prepared, "test")
    labels = prepared.table(prepared.task()).set_index("ecg_id")["label"].reindex(risks.index)
    assert roc_auc_score(labels, risks) > 0.9
    found = list(explain(trained, prepared, typical_ecgs(trained, prepared, "test", 3)))
    raised = sum(each.by_part for each in found if each.event)
    largest = raised.melt(ignore_index=False).nlargest(2, "value")
    assert set(zip(largest.index, largest["variable"], strict=True)) == PLANTED
    for each in found:
        assert abs(each.control) < 0.5
        assert rank_correlation(each.effects, each.effects) == pytest.approx(1.0)
    assert abs(np.mean([each.control for each in found])) < 0.25


def test_parts_add_up_to_the_prediction(prepared: Prepared, trained: Run) -> None:
    table = prepared.table(prepared.task())
    ids = list(table.loc[table["split"] == "test", "ecg_id"])[:3]
    risks = predict(trained, prepared, "test")
    labels = table.set_index("ecg_id")["label"]
    done: list[tuple[int, int]] = []
    for each in explain(trained, prepared, ids, lambda *counts: done.append(counts)):
        assert each.probability == pytest.approx(risks[each.ecg_id], abs=1e-6)
        assert each.probability == pytest.approx(1 / (1 + np.exp(-each.logit)))
        assert each.event == bool(labels[each.ecg_id])
        moved = each.by_part.to_numpy().sum()
        assert moved + each.unexplained == pytest.approx(each.logit - each.flat_logit, abs=1e-4)
        assert abs(each.unexplained) < 0.05 * max(abs(each.logit - each.flat_logit), 1)
        assert each.signal.shape == each.effects.shape == (12, 5000)
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_typical_ecgs_have_the_median_risk_of_their_kind(prepared: Prepared, trained: Run) -> None:
    table = prepared.table(prepared.task()).set_index("ecg_id")
    risks = predict(trained, prepared, "test")
    first, second = typical_ecgs(trained, prepared, "test", 1)
    for ecg, event in ((first, True), (second, False)):
        assert bool(table.loc[ecg, "label"]) == event
        kind = risks[table["label"].reindex(risks.index) == event]
        distances = (kind - kind.median()).abs()
        assert distances[ecg] == distances.min()


def test_what_cannot_be_explained_is_refused(
    prepared: Prepared, trained: Run, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="1 of the chosen ECGs") as told:
        list(explain(trained, prepared, ["nobody-7"]))
    assert "nobody" not in str(told.value)
    with pytest.raises(ConfigurationError, match="has no gradients"):
        list(explain(replace(trained, config=trained.config | {"model": "logistic"}), prepared, []))
    task = trained.config["task"] | {"name": "other"}
    with pytest.raises(ConfigurationError, match="--ecg"):
        typical_ecgs(replace(trained, config=trained.config | {"task": task}), prepared, "test", 1)


def test_even_maps_have_no_rank() -> None:
    assert np.isnan(rank_correlation(np.zeros((2, 5)), np.arange(10.0).reshape(2, 5)))
    assert np.isnan(rank_correlation(np.full((2, 5), np.nan), np.zeros((2, 5))))


def test_a_network_that_ignores_the_ecg_has_no_map(
    prepared: Prepared, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deaf = tmp_path / trained.path.name
    shutil.copytree(trained.path, deaf)
    state = load_file(deaf / WEIGHTS)
    last = [name for name, value in state.items() if name.endswith("weight") and value.ndim == 2]
    state[last[-1]] = torch.zeros_like(state[last[-1]])
    save_file(state, deaf / WEIGHTS)
    ecg = typical_ecgs(trained, prepared, "test", 1)[0]
    (found,) = explain(replace(trained, path=deaf), prepared, [ecg])
    assert np.isnan(found.control)
    assert not np.nansum(np.abs(found.effects))
    out = tmp_path / "pages"
    words = ("explain", deaf, "--data", prepared.path, "--format", "svg", "--ecg", ecg)
    assert acsbench(*words, "--out", out) == 0
    assert "no influence found" in capsys.readouterr().out
    page = (out / "event-1.svg").read_text()
    assert "No influence found" in page
    assert "Orange raised" not in page
    table = pd.read_csv(out / "explanations.csv")
    assert table["correlation_with_fresh_weights"].isna().all()


def test_pages_say_how_the_waveforms_were_filtered(prepared: Prepared, trained: Run) -> None:
    (found,) = explain(trained, prepared, typical_ecgs(trained, prepared, "test", 1)[:1])
    assert found.processing == "filter: 0.5–50 Hz, prepared as study-rows"
    assert found.unit == "mV"


def test_the_command_hides_ids_unless_asked(
    prepared: Prepared, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("explain", trained.path, "--data", prepared.path, "--format", "svg")
    assert acsbench(*words, "--n", 1, "--out", tmp_path / "a") == 0
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {"event-1.svg", "no-event-1.svg", "explanations.csv", "effects.csv"}
    ids = typical_ecgs(trained, prepared, "test", 1)
    told = capsys.readouterr().out
    told += "".join(path.read_text() for path in (tmp_path / "a").iterdir())
    assert not [ecg for ecg in ids if ecg in told]
    assert "SIMULATED" in told
    effects = pd.read_csv(tmp_path / "a" / "effects.csv")
    assert effects.groupby("ecg").size().eq(48).all()
    assert acsbench(*words, "--ecg", ids[0], "--out", tmp_path / "b", "--show-ids") == 0
    assert (tmp_path / "b" / f"event-{ids[0].replace('/', '_')}.svg").is_file()
    assert acsbench(*words, "--out", tmp_path / "c") == 2
    assert acsbench(*words[:2], *words[1:], "--n", 1, "--out", tmp_path / "c") == 2
    assert "give one run, not" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_effects_that_are_nan_are_not_no_influence(
    prepared: Prepared, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecg = typical_ecgs(trained, prepared, "test", 1)[0]
    monkeypatch.setattr(
        "acsbench.training.explain.integrated_gradients",
        lambda network, inputs: inputs[0] * torch.nan,
    )
    with pytest.raises(ConfigurationError, match="NaN or infinite"):
        list(explain(trained, prepared, [ecg]))

"""Every registered model keeps the same contract; a model without a test cannot exist."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file as save_tensors

from acsbench.errors import ConfigurationError
from acsbench.models import create_model, list_models
from acsbench.models.registry import READINGS, SIGNS, model_info
from acsbench.waveforms.profiles import PROFILES

NETWORKS = [name for name in list_models() if model_info(name).kind == "network"]
TABULAR = [name for name in list_models() if model_info(name).kind == "tabular"]
HUBERT = {
    "layers": 2,
    "width": 32,
    "heads": 4,
    "feed_forward": 64,
    "hidden": 16,
    "front_widths": (16,) * 5,
    "position_kernel": 16,
    "position_groups": 4,
    "dropout": 0.0,
}
SMALL = {
    "resnet6": {"width": 4, "hidden": 8},
    "resnet18_1d": {"width": 4, "hidden": 8},
    "resnet50_1d": {"width": 2, "hidden": 8},
    "ecgomi": {"width": 4},
    "s4": {"width": 16, "depth": 2, "state": 16},
    "hubert-tiny": HUBERT,
    "hubert-small": HUBERT,
    "hubert-base": HUBERT | {"layers": 3},
    "hubert-large": HUBERT | {"layers": 4},
}
"""Options that make a network small enough for a quick test."""
HUBERTS = ("hubert-tiny", "hubert-small", "hubert-base", "hubert-large")
RATES = dict.fromkeys(HUBERTS, 4e-3)
"""Learning rates of networks that do not learn at 0.01."""
LONG_ENOUGH = dict.fromkeys(HUBERTS, 500) | {"resnet50_1d": 1000, "s4": 500}
"""Samples that are learnt by heart: one crop of networks that crop, fewer of slow ones."""


def make(name: str, seed: int = 0):
    torch.manual_seed(seed)
    return create_model(name, **SMALL.get(name, {}))


def batch(name: str, size: int, seed: int = 0) -> torch.Tensor:
    profile = PROFILES[model_info(name).input]
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(size, len(profile.rows), profile.samples, generator=generator)


def test_list() -> None:
    assert set(NETWORKS) | set(TABULAR) == set(list_models())
    assert {
        "resnet6",
        "resnet18_1d",
        "resnet50_1d",
        "ecgomi",
        "s4",
        "hubert-tiny",
        "hubert-small",
        "hubert-base",
        "hubert-large",
        "flags-logistic",
        "logistic",
        "boosted-trees",
    } <= set(list_models())


@pytest.mark.parametrize("name", list_models())
def test_what_is_known_about_a_model(name: str) -> None:
    info = model_info(name)
    assert info.input in PROFILES or info.input in (SIGNS, READINGS)
    for text in (info.summary, info.paper, info.licence):
        assert text.strip()


def test_a_wrong_name_or_option_is_told_in_words() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'resnet18_1d'"):
        create_model("resnet18")
    with pytest.raises(ConfigurationError, match="widht"):
        create_model("resnet18_1d", widht=3)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_size_that_is_told_is_that_of_the_network(name: str) -> None:
    with torch.device("meta"):  # the largest would take seconds to draw its weights
        network = create_model(name)
    assert sum(p.numel() for p in network.parameters()) == model_info(name).parameters


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("resnet6", 0.453985),
        ("ecgomi", 0.210783),
        ("resnet18_1d", 2.254273),
        ("resnet50_1d", 23.238657),
        ("s4", 2.372097),
        ("hubert-small", 30.7),
        ("hubert-base", 93.6),
        ("hubert-large", 188.6),
    ],
)
def test_a_network_of_the_study_has_its_size(name: str, millions: float) -> None:
    digits = 6 if millions != round(millions, 1) else 1
    assert round(model_info(name).parameters / 1e6, digits) == millions


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_one_logit_for_any_batch_size(name: str, size: int) -> None:
    logits = make(name).eval()(batch(name, size))
    assert logits.shape == (size, 1)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_an_ecg_does_not_depend_on_its_batch(name: str) -> None:
    network = make(name).eval()
    waveforms = batch(name, 4)
    with torch.no_grad():
        together = network(waveforms)
        alone = torch.cat([network(one[None]) for one in waveforms])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_trained_tensor_gets_a_gradient(name: str) -> None:
    network = make(name).train()
    network(batch(name, 4)).square().sum().backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None, label
        assert torch.isfinite(parameter.grad).all(), label


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_same_weights(name: str) -> None:
    one, same, other = make(name).state_dict(), make(name).state_dict(), make(name, 1).state_dict()
    assert all(torch.equal(one[k], same[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_and_loaded_it_says_the_same(name: str, tmp_path) -> None:
    network, again = make(name).eval(), make(name, seed=1).eval()
    save_tensors(network.state_dict(), tmp_path / "m.safetensors")
    again.load_state_dict(load_tensors(tmp_path / "m.safetensors"))
    waveforms = batch(name, 2)
    with torch.no_grad():
        assert torch.equal(network(waveforms), again(waveforms))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_is_learnt_by_heart(name: str) -> None:
    network, waveforms = make(name), batch(name, 8)[..., : LONG_ENOUGH.get(name)]
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout1d | torch.nn.Dropout2d):
            module.p = 0.0
    labels = torch.tensor([0.0, 1.0] * 4)[:, None]
    optimizer = torch.optim.Adam(network.parameters(), lr=RATES.get(name, 1e-2))
    for _ in range(150):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(waveforms), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.02:
            break
    assert loss < 0.02


@pytest.mark.parametrize("name", NETWORKS)
def test_another_shape_is_refused_in_words(name: str) -> None:
    rows = batch(name, 1).shape[1]
    for shape in ((2, rows + 1, 5000), (rows, 5000), (2, 1, rows, 5000)):
        with pytest.raises(ConfigurationError, match="takes"):
            make(name)(torch.zeros(shape))


def table(name: str, rows: int = 300, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of which the first tells the label, with some missing."""
    rng = np.random.default_rng(seed)
    features = create_model(name).features
    values = rng.normal(size=(rows, len(features)))
    labels = (values[:, 0] + rng.normal(0, 0.5, rows) > 0).astype(int)
    values[rng.random(values.shape) < 0.05] = np.nan
    return pd.DataFrame(values, columns=list(features)), labels


@pytest.mark.parametrize("name", TABULAR)
def test_a_tabular_model_learns_saves_and_loads(name: str, tmp_path) -> None:
    model, (features, labels) = create_model(name), table(name)
    model.fit(features, labels, seed=0)
    probabilities = model.predict(features)
    assert probabilities.shape == (300,)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert probabilities[labels == 1].mean() > probabilities[labels == 0].mean() + 0.3
    save_arrays(
        {k: np.ascontiguousarray(v) for k, v in model.state().items()}, tmp_path / "m.safetensors"
    )
    again = create_model(name)
    again.load_state(load_arrays(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict(features), probabilities)


@pytest.mark.parametrize("name", TABULAR)
def test_a_tabular_model_takes_unknown_features_and_names_missing_ones(name: str) -> None:
    model, (features, labels) = create_model(name), table(name)
    features[features.columns[-1]] = np.nan
    model.fit(features, labels, seed=0)
    assert np.isfinite(model.predict(features)).all()
    with pytest.raises(ConfigurationError, match=features.columns[0]):
        model.predict(features.drop(columns=features.columns[0]))
    with pytest.raises(ConfigurationError, match="not fitted"):
        create_model(name).predict(features)

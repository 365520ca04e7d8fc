from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import decimate
from torch import Tensor

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.models.hubert import HubertEcg
from acsbench.models.hubert_crops import crops_at, even_starts, flattened_decimation, random_starts
from tests.contract.test_models import HUBERT


def tiny(**options: Any) -> HubertEcg:
    torch.manual_seed(0)
    network: HubertEcg = create_model("hubert-small", **HUBERT, **options)
    return network


def shown_to(network: HubertEcg, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Output and crops, where the logit of a crop is its very first sample."""
    shown: list[Tensor] = []

    def logits(flat: Tensor) -> Tensor:
        shown.append(flat.reshape(len(flat), 12, -1))
        return flat[:, :1]

    network._logits = logits  # type: ignore[method-assign]
    return network(x), shown


def ramps(batch: int, samples: int) -> Tensor:
    """Every sample tells its ECG, lead and place."""
    ecg, lead = torch.arange(batch)[:, None, None], torch.arange(12)[None, :, None]
    return (100_000 * ecg + 10_000 * lead + torch.arange(samples)).double()


def test_decimation_end_to_end_is_the_studys(vectors: Path) -> None:
    with np.load(vectors / "hubert_finetuned.npz") as vector:
        flat = flattened_decimation(torch.from_numpy(vector["leads_500hz"])).flatten(1)
        np.testing.assert_allclose(flat.numpy(), vector["flat_100hz"], rtol=0, atol=1e-8)


def test_decimation_end_to_end_is_scipys_up_to_both_ends() -> None:
    leads = np.random.default_rng(0).normal(3, 1, (2, 12, 5000))
    expected = decimate(leads.reshape(2, -1), 5, axis=1).reshape(2, 12, 1000)
    found = flattened_decimation(torch.from_numpy(leads))
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-8)
    single = flattened_decimation(torch.from_numpy(leads).float())
    np.testing.assert_allclose(single.numpy(), expected, rtol=0, atol=2e-5)


def test_crops_of_each_ecg() -> None:
    crops = crops_at(ramps(3, 20), torch.tensor([0, 7, 15]), 5)
    assert crops.shape == (3, 12, 5)
    for number, start in enumerate((0, 7, 15)):
        assert torch.equal(crops[number], ramps(3, 20)[number, :, start : start + 5])


def test_starts() -> None:
    assert even_starts(500, 1) == [250]
    assert even_starts(500, 5) == [0, 125, 250, 375, 500]
    assert even_starts(0, 3) == [0, 0, 0]
    assert random_starts(500, 3, seed=1) == random_starts(500, 3, seed=1)
    assert random_starts(500, 3, seed=1) != random_starts(500, 3, seed=2)
    many = random_starts(500, 20_000, seed=0)
    assert (min(many), max(many)) == (0, 500)


def test_leads_are_laid_end_to_end() -> None:
    _, (flat,) = shown_to(tiny(crop_count=1).eval(), ramps(2, 500))
    assert torch.equal(flat, ramps(2, 500))


def test_even_crops_are_averaged() -> None:
    out, shown = shown_to(tiny().eval(), ramps(2, 1000))
    assert [crop[0, 0, 0].item() for crop in shown] == [0, 250, 500]
    assert out[:, 0].tolist() == [250, 100_250]


def test_random_crops_give_the_largest() -> None:
    out, shown = shown_to(tiny(crops="random", crop_seed=5).eval(), ramps(2, 1000))
    starts = [crop[0, 0, 0].item() for crop in shown]
    assert starts == random_starts(500, 3, seed=5)
    assert out[:, 0].tolist() == [max(starts), 100_000 + max(starts)]


def test_training_sees_one_random_crop_of_each_ecg() -> None:
    torch.manual_seed(1)
    _, (crop,) = shown_to(tiny().train(), ramps(200, 1000))
    ecg = 1e5 * torch.arange(200, dtype=torch.float64)
    starts = crop[:, 0, 0] - ecg
    assert torch.equal(crop[:, 11, 499], ecg + 110_000 + starts + 499)
    assert len(starts.unique()) > 100
    assert 0 <= starts.min() < 20
    assert 480 < starts.max() <= 500


def test_like_the_study_leads_are_decimated_end_to_end() -> None:
    torch.manual_seed(0)
    leads = torch.randn(2, 12, 5000)
    _, shown = shown_to(tiny(input="study-leads", crop_count=1).eval(), leads)
    torch.testing.assert_close(shown[0], flattened_decimation(leads)[:, :, 250:750])
    _, (crop,) = shown_to(tiny(input="study-leads").train(), leads[:, :, :2500])
    torch.testing.assert_close(crop, flattened_decimation(leads[:, :, :2500]))


def test_flat_input_is_taken_as_it_is() -> None:
    network, leads = tiny().eval(), torch.randn(2, 12, 500)
    with torch.no_grad():
        torch.testing.assert_close(network(leads.flatten(1)), network(leads), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "shape", [(2, 12, 499), (2, 12, 1001), (2, 12, 5000), (2, 6001), (12, 5000)]
)
def test_other_lengths_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="takes"):
        tiny()(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input": "leads"}, "input='leads'"),
        ({"crops": "all"}, "crops='all'"),
        ({"crop_count": 0}, "crop_count=0"),
        ({"freeze_layers": 3}, "freeze_layers=3 of 2"),
        ({"heads": 5}, "for 5 heads"),
        ({"position_groups": 5}, "for 5 position_groups"),
        ({"front_strides": (4, 2)}, "front of 5 widths, 5 kernels and 2 strides"),
        ({"dropout": 1.5}, "dropout=1.5"),
        ({"dropout": "none"}, "not supported between"),
        ({"feed_forward": 0}, "feed_forward=0"),
    ],
)
def test_impossible_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        create_model("hubert-small", **HUBERT | options)


def frozen(network: HubertEcg) -> set[str]:
    return {name for name, p in network.named_parameters() if not p.requires_grad}


def test_freezing() -> None:
    assert frozen(tiny()) == set()
    front = frozen(tiny(freeze_front=True))
    assert front
    assert all("feature_extractor" in name for name in front)
    network = tiny(freeze_layers=1).train()
    left = {name for name, p in network.named_parameters() if p.requires_grad}
    assert all("encoder.layers.1." in name or "classifier" in name for name in left)
    network(torch.randn(2, 12, 500)).sum().backward()
    assert all((p.grad is None) == (not p.requires_grad) for p in network.parameters())


def test_learning_rates_fall_from_layer_to_layer() -> None:
    network = tiny()
    groups = network.parameter_groups(1e-3, 0.5)
    assert [group["lr"] for group in groups] == [1e-3, 5e-4, 2.5e-4, 1.25e-4]
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in network.parameters())
    (first, *_) = groups[1]["params"]
    assert first is next(network.hubert.encoder.layers[1].parameters())
    half_frozen = tiny(freeze_layers=1).parameter_groups(1e-3, 0.5)
    assert [group["lr"] for group in half_frozen] == [1e-3, 5e-4]


def test_outputs() -> None:
    assert tiny(outputs=2).eval()(torch.zeros(3, 6000)).shape == (3, 2)

"""The study's reload of S4, applied to a network of ours."""

from pathlib import Path

import numpy as np
import pytest
import torch

from acsbench.models import create_model, load_published
from acsbench.recipes.reload import reload_as_published


def test_the_study_s_logits_follow_from_the_trained_network(vectors: Path) -> None:
    network = load_published(vectors / "state.ckpt")
    with np.load(vectors / "state.npz") as vector, torch.no_grad():
        inputs = torch.from_numpy(vector["input"])
        np.testing.assert_allclose(network(inputs).numpy(), vector["logits"], atol=5e-6, rtol=0)
        reload_as_published(network, inputs.shape[-1])
        expected = vector["logits_published_reload"]
        np.testing.assert_allclose(network(inputs).numpy(), expected, atol=5e-6, rtol=0)


@pytest.mark.parametrize(("patch", "changes"), [(1, True), (4, True), (5, False)])
def test_a_kernel_of_1024_samples_is_reloaded_rightly(patch: int, changes: bool) -> None:
    torch.manual_seed(0)
    network = create_model("s4", width=8, depth=1, patch=patch).eval()
    inputs = torch.randn(2, 3, 5000)
    with torch.no_grad():
        before = network(inputs)
        reload_as_published(network, 5000)
        same = torch.allclose(network(inputs), before, atol=1e-7)
    assert same is not changes

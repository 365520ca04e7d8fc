"""S4 without Fourier transforms, as it is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.models.s4 import LongConvolution
from acsbench.models.s4_matrices import MatrixConvolution, without_fourier_transforms


@pytest.mark.parametrize("length", [1, 2, 3, 37, 300, 4999, 5000])
def test_matrices_convolve_as_fourier_transforms_do(length: int) -> None:
    torch.manual_seed(0)
    layer = LongConvolution(3, 8).double().eval()
    u = torch.randn(2, length, 3, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(MatrixConvolution(layer, length)(u), layer(u))


def test_the_copy_says_the_same_and_the_network_stays_as_it_was() -> None:
    torch.manual_seed(0)
    network = create_model("s4", width=8, depth=2, state=8, patch=3).train()
    x = torch.randn(2, 3, 1000)
    copied = without_fourier_transforms(torch.nn.Sequential(network), x)
    assert not any(isinstance(module, LongConvolution) for module in copied.modules())
    assert network.training
    assert sum(isinstance(module, LongConvolution) for module in network.modules()) == 2
    with torch.no_grad():
        torch.testing.assert_close(copied(x), network.eval()(x))


def test_another_network_is_copied_as_it_is() -> None:
    torch.manual_seed(0)
    network = create_model("ecgomi", width=2).eval()
    x = torch.randn(1, 3, 5000)
    with torch.no_grad():
        torch.testing.assert_close(without_fourier_transforms(network, x)(x), network(x))


def test_exporting_the_network_as_it_is_is_refused_in_words() -> None:
    network = create_model("s4", width=4, depth=1, state=4).eval()
    with pytest.raises(ConfigurationError, match="without_fourier_transforms"):
        torch.export.export(network, (torch.zeros(1, 3, 50),), strict=False)


@pytest.mark.slow
def test_onnxruntime_says_the_same(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    network = create_model("s4", width=8, depth=2, state=16).eval()
    x = torch.randn(2, 3, 5000)
    program = torch.onnx.export(
        without_fourier_transforms(network, x),
        (x,),
        dynamo=True,
        verbose=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    program.save(tmp_path / "s4.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "s4.onnx")
    (name,) = (given.name for given in session.get_inputs())
    for batch in (1, 5):
        x = torch.randn(batch, 3, 5000)
        with torch.no_grad():
            expected = network(x).numpy()
        np.testing.assert_allclose(session.run(None, {name: x.numpy()})[0], expected, atol=1e-4)

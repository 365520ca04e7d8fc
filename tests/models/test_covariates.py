import pytest
import torch
from torch import nn

from acsbench.errors import ConfigurationError
from acsbench.models.covariates import WithCovariates

NAN = float("nan")


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 1))


@pytest.fixture
def waveforms() -> torch.Tensor:
    return torch.randn(3, 3, 4, generator=torch.Generator().manual_seed(1))


def test_it_begins_as_the_network_alone(network: nn.Module, waveforms: torch.Tensor) -> None:
    told = WithCovariates(network, 2)
    covariates = torch.tensor([[50.0, 1.0], [NAN, 0.0], [80.0, NAN]])
    torch.testing.assert_close(told(waveforms, covariates), network(waveforms))


def test_known_values_are_standardised_and_missing_ones_flagged(
    network: nn.Module, waveforms: torch.Tensor
) -> None:
    told = WithCovariates(network, 2)
    told.standardise_by(torch.tensor([[40.0, 1.0], [60.0, NAN], [NAN, 1.0]]))
    torch.testing.assert_close(told.mean, torch.tensor([50.0, 1.0]))
    torch.testing.assert_close(told.spread, torch.tensor([10.0, 1.0]))  # one that never differs
    with torch.no_grad():
        told.combine.weight.copy_(torch.tensor([[0.0, 1.0, 10.0, 100.0, 1000.0]]))
    covariates = torch.tensor([[70.0, 0.0], [NAN, 1.0], [50.0, NAN]])
    expected = torch.tensor([[2.0 - 10.0], [100.0], [1000.0]])
    torch.testing.assert_close(told(waveforms, covariates), expected)


def test_a_covariate_that_is_never_known_changes_nothing(
    network: nn.Module, waveforms: torch.Tensor
) -> None:
    told = WithCovariates(network, 1)
    told.standardise_by(torch.full((5, 1), NAN))
    assert torch.isfinite(told(waveforms, torch.tensor([[3.0], [NAN], [0.0]]))).all()


def test_another_number_of_covariates_is_refused(
    network: nn.Module, waveforms: torch.Tensor
) -> None:
    with pytest.raises(ConfigurationError, match="takes 2 covariates"):
        WithCovariates(network, 2)(waveforms, torch.zeros(3, 1))

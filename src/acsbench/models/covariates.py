"""A network that also takes covariates of the patient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError


class WithCovariates(nn.Module):
    """Adds covariates to a network after its last layer, as the study does.

    One linear layer combines the network's logit, the standardised covariates and a flag for
    each missing covariate. Its initial weights return the logit alone.

    Args:
        network: from waveforms to (batch, 1) logits.
        count: number of covariates.

    Shapes:
        waveforms as the network takes them; covariates (batch, count), NaN where unknown;
        output (batch, 1), logits.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, network: nn.Module, count: int):
        super().__init__()
        self.network = network
        self.count = count
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.combine = nn.Linear(1 + 2 * count, 1)
        with torch.no_grad():
            self.combine.weight.zero_()
            self.combine.weight[0, 0] = 1.0
            self.combine.bias.zero_()

    def standardise_by(self, covariates: Tensor) -> None:
        """Set mean and standard deviation from the covariates of the training ECGs.

        Args:
            covariates: shape (ECGs, count), NaN where unknown. A covariate without values gets
                mean 0; one without variation gets standard deviation 1.
        """
        known = torch.isfinite(covariates)
        number = known.sum(dim=0)
        values = torch.where(known, covariates, 0.0).double()
        mean = values.sum(dim=0) / number.clamp(min=1)
        squares = torch.where(known, (values - mean).square(), 0.0).sum(dim=0)
        spread = (squares / number.clamp(min=1)).sqrt()
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 0, spread, 1.0))

    def forward(self, waveforms: Tensor, covariates: Tensor) -> Tensor:
        """From waveforms and covariates to (batch, 1).

        Raises:
            ConfigurationError: the number of covariates is wrong.
        """
        if covariates.ndim != 2 or covariates.shape[1] != self.count:
            raise ConfigurationError(
                f"the network takes {self.count} covariates, not {tuple(covariates.shape[1:])}"
            )
        missing = torch.isnan(covariates)
        standardised = (torch.nan_to_num(covariates) - self.mean) / self.spread
        standardised = standardised.masked_fill(missing, 0.0)
        logit = self.network(waveforms)
        values = torch.cat([logit, standardised.to(logit), missing.to(logit)], dim=1)
        combined: Tensor = self.combine(values)
        return combined

    def parameter_groups(self, learning_rate: float, decay: float) -> list[dict[str, Any]]:
        """Groups of the network, and the last layer at the full learning rate."""
        last = {"params": list(self.combine.parameters()), "lr": learning_rate}
        return [*self.network.parameter_groups(learning_rate, decay), last]  # type: ignore[operator]

"""Integrated gradients: the effect of each sample of an ECG on a network's logit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError

STEPS = 64
"""Points between the flat ECG and the ECG at which gradients are computed."""
_BATCH = 32


def flat(waveforms: Tensor) -> Tensor:
    """ECGs in which each row is constant at its median; same shape."""
    return waveforms.median(dim=-1, keepdim=True).values.expand_as(waveforms).contiguous()


def logits_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """The network's logit of each ECG, shape (batch,)."""
    with torch.no_grad():
        logits: Tensor = network(*inputs)[:, 0]
    return logits


def integrated_gradients(network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """Effect of each sample on the logit, relative to the flat ECG.

    The effects add up to the difference between the logits of the ECG and of the flat ECG, except
    for the error of `STEPS` steps.

    Args:
        network: network in eval mode; its first logit is explained.
        inputs: waveforms (batch, rows, samples), and covariates if the network takes them.

    Returns:
        Shape (batch, rows, samples), in units of the logit: positive where a sample raises it.

    Raises:
        ConfigurationError: captum is not installed.

    References:
        Sundararajan et al., Axiomatic attribution for deep networks, ICML (2017).
    """
    try:
        from captum.attr import IntegratedGradients
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "explanations need captum: pip install 'acsbench[explain]'"
        ) from error
    waveforms, others = inputs[0], inputs[1:]

    def logit(ecgs: Tensor, *covariates: Tensor) -> Tensor:
        first: Tensor = network(ecgs, *covariates)[:, 0]
        return first

    effects: Tensor = IntegratedGradients(logit).attribute(
        waveforms,
        baselines=flat(waveforms),
        additional_forward_args=others or None,
        n_steps=STEPS,
        internal_batch_size=max(_BATCH, len(waveforms)),
    )
    return effects.detach()

"""How far each sample of an ECG moved a network's logit: integrated gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError

STEPS = 64
"""Points on the way from the flat ECG to the ECG at which gradients are taken."""
_BATCH = 32


def flat(waveforms: Tensor) -> Tensor:
    """The ECGs with every row a straight line at its median; shape as given."""
    return waveforms.median(dim=-1, keepdim=True).values.expand_as(waveforms).contiguous()


def logits_of(network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """The network's logit of each ECG, shape (batch,)."""
    with torch.no_grad():
        logits: Tensor = network(*inputs)[:, 0]
    return logits


def integrated_gradients(network: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """How far each sample moved the logit away from that of the flat ECG.

    The difference between the logits of the ECG and of the flat ECG is shared out over the
    samples, so that they add up to it, but for what the steps between the two are too coarse for.

    Args:
        network: in eval mode; from the inputs to (batch, 1 or more) logits, of which the first
            is explained.
        inputs: waveforms (batch, rows, samples), and covariates if the network takes them.

    Returns:
        Shape (batch, rows, samples), in units of the logit: positive where the sample raised it.

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

    def logit(ecgs: Tensor, *told: Tensor) -> Tensor:
        first: Tensor = network(ecgs, *told)[:, 0]
        return first

    effects: Tensor = IntegratedGradients(logit).attribute(
        waveforms,
        baselines=flat(waveforms),
        additional_forward_args=others or None,
        n_steps=STEPS,
        internal_batch_size=max(_BATCH, len(waveforms)),
    )
    return effects.detach()

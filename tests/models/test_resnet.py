import pytest
import torch
from torch import nn

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.models.layers import channels_last
from acsbench.models.resnet import ResidualBlock


class PlainBlock(nn.Module):
    """The study's block in one-dimensional layers."""

    def __init__(self, channels_in: int, channels_out: int, stride: int):
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, 7, stride, 3)
        self.norm = nn.BatchNorm1d(channels_out)
        self.shortcut = nn.Sequential(
            nn.Conv1d(channels_in, channels_out, 1, stride), nn.BatchNorm1d(channels_out)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.relu(self.norm(self.conv(x))) + self.shortcut(x))


def test_a_step_of_training_is_that_of_plain_layers() -> None:
    torch.manual_seed(0)
    plain, ours = PlainBlock(4, 6, 2), ResidualBlock(4, 6, 7, 2, nn.Identity())
    ours.load_state_dict(plain.state_dict())
    x, weights = torch.randn(5, 4, 103), torch.randn(5, 6, 52)
    for block, waveforms in ((plain, x), (ours, channels_last(x))):
        (block(waveforms).reshape(5, 6, -1) * weights).sum().backward()
    theirs = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs[name].grad, rtol=1e-4, atol=1e-4)
    for name, statistic in ours.named_buffers():
        torch.testing.assert_close(statistic, dict(plain.named_buffers())[name])


def test_resnet18_takes_any_number_of_samples_and_the_others_one() -> None:
    x = torch.zeros(2, 3, 1234)
    assert create_model("resnet18_1d", width=4).eval()(x).shape == (2, 1)
    for name in ("resnet6", "ecgomi"):
        assert create_model(name, width=4, samples=1234).eval()(x).shape == (2, 1)
        with pytest.raises(ConfigurationError, match=r"takes \(batch, 3, 5000\)"):
            create_model(name, width=4)(x)


def test_whole_channels_are_dropped_if_wanted() -> None:
    torch.manual_seed(0)
    network = create_model("resnet18_1d", width=8, drop_channels=True, block_dropout=0.5)
    out = network.groups[0][0].dropout(torch.ones(4, 8, 1, 50))
    assert set(out.flatten().tolist()) == {0.0, 2.0}
    assert torch.equal(out, out[..., :1].expand_as(out))

import pytest
import torch
from torch import nn

from acsbench.models.layers import Conv, Dropout, channels_last


@pytest.mark.parametrize("channels", [1, 3, 4, 8, 12])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(7, 2, 3), (7, 1, 3), (1, 1, 0), (1, 2, 0), (1, 3, 0), (1, 2, 1), (2, 2, 0)],
)
def test_convolution_and_its_gradients_equal_the_one_dimensional(
    channels: int, kernel: int, stride: int, padding: int
) -> None:
    torch.manual_seed(0)
    ours = Conv(channels, 6, kernel, stride, padding)
    plain = nn.Conv1d(channels, 6, kernel, stride, padding)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(3, channels, 1250, requires_grad=True)
    found = ours(channels_last(x)).squeeze(2)
    torch.testing.assert_close(found, plain(x), rtol=1e-5, atol=1e-6)
    plain.double()
    (found**2).sum().backward()
    again = x.detach().double().requires_grad_()
    expected = plain(again)
    (expected**2).sum().backward()
    for one, other in (
        (found, expected),
        (x.grad, again.grad),
        (ours.weight.grad, plain.weight.grad),
        (ours.bias.grad, plain.bias.grad),
    ):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(0)
    dropout, share = Dropout(p), round(256 * p) / 256
    out = dropout(torch.ones(401, 1001))  # not a multiple of eight
    assert (out == 0).double().mean().item() == pytest.approx(share, abs=0.003)
    torch.testing.assert_close(out.max().item(), 1 / (1 - share))
    # Neither in a row nor in a column do drops come together.
    dropped = (out == 0).double() - share
    for step in (1, 8, 64):
        together = (dropped[:, step:] * dropped[:, :-step]).mean() / (share * (1 - share))
        assert abs(together.item()) < 0.01


def test_dropout_of_channels_last_keeps_their_order_in_memory() -> None:
    torch.manual_seed(0)
    x = channels_last(torch.randn(3, 5, 40)).requires_grad_()
    out = Dropout(0.5)(x)
    assert out.stride() == x.stride()
    kept = out != 0
    torch.testing.assert_close(out[kept], 2 * x[kept])
    out.sum().backward()
    torch.testing.assert_close(x.grad, 2.0 * kept)


def test_dropout_of_any_view() -> None:
    torch.manual_seed(0)
    x = torch.ones(64, 64).expand(3, 64, 64).transpose(0, 2)[:, ::2]
    out = Dropout(0.5)(x)
    assert set(out.unique().tolist()) == {0.0, 2.0}
    # Values that are one in memory are dropped one by one.
    assert not torch.equal(out[..., 0], out[..., 1])


def test_dropout_does_nothing_in_eval_mode_or_without_a_share() -> None:
    x = torch.randn(4, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_dropout_repeats_with_its_seed() -> None:
    x = torch.ones(100)
    torch.manual_seed(3)
    one = Dropout(0.5)(x)
    torch.manual_seed(3)
    assert torch.equal(Dropout(0.5)(x), one)

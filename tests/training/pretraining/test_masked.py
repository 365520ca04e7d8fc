"""What is hidden, what counts in the loss, and whether it can be learnt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from acsbench.errors import ConfigurationError
from acsbench.models import create_model
from acsbench.models.hubert_pretraining import (
    MaskedCodePredictor,
    masked_hits,
    masked_loss,
    random_mask,
)
from tests.contract.test_models import HUBERT

CODEBOOKS = (6, 9)


def predictor() -> MaskedCodePredictor:
    torch.manual_seed(0)
    return MaskedCodePredictor(create_model("hubert-tiny", **HUBERT), CODEBOOKS, projection=16)


def some_codes(batch: int, frames: int = 93) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    each = [torch.randint(size, (batch, frames), generator=generator) for size in CODEBOOKS]
    return torch.stack(each, dim=1)


def test_a_third_of_the_frames_is_hidden_anywhere() -> None:
    mask = random_mask(4000, 93, 0.33, 1, torch.Generator().manual_seed(0))
    assert mask.sum(dim=1).unique().tolist() == [31]
    share = mask.float().mean(dim=0)
    # Five standard errors of a share over 4000 rows.
    assert (share - 31 / 93).abs().max() < 5 * (31 / 93 * 62 / 93 / 4000) ** 0.5


@pytest.mark.parametrize(("share", "length"), [(0.33, 93), (0.33, 200), (0.999, 1), (0.9, 50)])
def test_a_mask_that_may_hide_everything_is_refused(share: float, length: int) -> None:
    with pytest.raises(ConfigurationError, match="can hide all 93 frames"):
        random_mask(2, 93, share, length)


def test_the_largest_mask_leaves_a_frame_open() -> None:
    assert random_mask(50, 93, 0.98, 1).sum(dim=1).unique().tolist() == [91]
    assert random_mask(50, 93, 0.33, 92).sum(dim=1).unique().tolist() == [92]


def test_spans_have_their_length_unless_they_overlap() -> None:
    mask = random_mask(200, 93, 0.3, 5, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(mask.int(), (1, 1)).diff(dim=1)
    for row in padded:
        lengths = (row == -1).nonzero() - (row == 1).nonzero()
        assert lengths.min() >= 5
    assert mask.sum(dim=1).max() == 6 * 5
    assert random_mask(3, 93, 0.001, 1).sum(dim=1).tolist() == [1, 1, 1]


def test_logits_are_cosines_over_a_tenth() -> None:
    network = predictor().eval()
    leads, mask = torch.randn(2, 6000), random_mask(2, 93, 0.33, 1)
    with torch.no_grad():
        logits = network(leads, mask)
        frames = network.encoder(leads, mask_time_indices=mask).last_hidden_state
        for number, codes in enumerate(CODEBOOKS):
            assert logits[number].shape == (2, 93, codes)
            projected = network.projections[number](frames)[:, :, None]
            cosine = cosine_similarity(projected, network.embeddings[number].weight, dim=-1)
            torch.testing.assert_close(logits[number], cosine / 0.1)


def test_a_hidden_frame_is_hidden_and_the_others_are_not() -> None:
    network = predictor().eval()
    leads = torch.randn(1, 6000)
    seen: list[Tensor] = []
    layers = network.encoder.encoder
    layers.register_forward_pre_hook(lambda _, args, kwargs: seen.append(args[0]), with_kwargs=True)
    mask = torch.zeros(1, 93, dtype=torch.bool)
    mask[0, [3, 50]] = True
    with torch.no_grad():
        network(leads, torch.zeros_like(mask))
        network(leads, mask)
    open_, hidden = seen
    torch.testing.assert_close(hidden[~mask], open_[~mask], rtol=0, atol=0)
    assert (hidden[mask] == network.encoder.masked_spec_embed).all()


def test_the_loss_counts_masked_frames_only() -> None:
    network = predictor().eval()
    codes, mask = some_codes(3), random_mask(3, 93, 0.33, 1)
    logits = [each.requires_grad_() for each in network(torch.randn(3, 6000), mask)]
    loss = masked_loss(logits, codes, mask)
    for gradient in torch.autograd.grad(loss, logits):
        assert (gradient[~mask] == 0).all()
        assert (gradient[mask].abs().sum(dim=1) > 0).all()
    others = codes.clone()
    others[(~mask)[:, None].expand_as(codes)] = 0
    assert not torch.equal(others, codes)
    assert masked_loss(logits, others, mask) == loss
    assert torch.equal(masked_hits(logits, others, mask), masked_hits(logits, codes, mask))
    changed = codes.clone()
    changed[mask[:, None].expand_as(codes)] = 0
    assert masked_loss(logits, changed, mask) != loss


def test_the_loss_is_the_mean_over_codebooks_of_what_one_would_write_down() -> None:
    network = predictor().eval()
    codes, mask = some_codes(2), random_mask(2, 93, 0.33, 1)
    with torch.no_grad():
        logits = network(torch.randn(2, 6000), mask)
        by_hand = [
            -torch.log_softmax(each[row, frame], dim=0)[codes[row, number, frame]]
            for number, each in enumerate(logits)
            for row, frame in mask.nonzero().tolist()
        ]
        loss = masked_loss(logits, codes, mask)
    torch.testing.assert_close(loss, torch.stack(by_hand).mean())


def test_codes_of_other_codebooks_or_frames_are_refused_in_words() -> None:
    network, mask = predictor(), random_mask(2, 93, 0.33, 1)
    logits = network(torch.randn(2, 6000), mask)
    for wrong in (some_codes(2)[:, :1], some_codes(2, frames=92), some_codes(1)):
        for use in (masked_loss, masked_hits):
            with pytest.raises(
                ConfigurationError, match="expected is 2 crops, 2 codebooks, 93 frames"
            ):
                use(logits, wrong, mask)


def test_one_batch_is_learnt_by_heart() -> None:
    network = predictor().train()
    leads, frames = torch.randn(4, 1500), 23
    codes, mask = some_codes(4, frames), random_mask(4, frames, 0.33, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    for _ in range(120):
        optimizer.zero_grad()
        logits = network(leads, mask)
        loss = masked_loss(logits, codes, mask)
        loss.backward()
        optimizer.step()
    assert masked_hits(logits, codes, mask).all()
    assert loss < 0.3

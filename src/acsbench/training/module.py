"""What one training step and one validation of a network are."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torchmetrics.classification import BinaryAUROC

from acsbench.training.augment import augment
from acsbench.training.config import TrainingConfig


class BinaryClassifier(L.LightningModule):
    """A network with one logit, trained on 0/1 labels.

    Args:
        network: from (batch, rows, samples) to (batch, 1) logits.
        config: learning rate, augmentation and so on.
        event_weight: weight of an event in the loss.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig, event_weight: float):
        super().__init__()
        self.network = network
        self.config = config
        self.loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(event_weight))
        self.valid_auroc = BinaryAUROC()

    def forward(self, waveforms: Tensor) -> Tensor:
        """Logits, shape (batch,)."""
        logits: Tensor = self.network(waveforms)[:, 0]
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Loss of a batch."""
        waveforms, labels = batch
        if self.config.augment:
            waveforms = augment(waveforms)
        loss: Tensor = self.loss(self(waveforms), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Loss and AUROC of the validation ECGs."""
        waveforms, labels = batch
        logits = self(waveforms).float()
        self.valid_auroc.update(logits, labels.int())
        size = len(labels)
        self.log("valid_loss", self.loss(logits, labels), batch_size=size, sync_dist=True)
        self.log("valid_auroc", self.valid_auroc, batch_size=size)

    def configure_optimizers(self) -> Any:
        """AdamW with a warm-up to a constant rate."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )
        warmup = max(1, self.config.warmup_steps)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / warmup)
        )
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

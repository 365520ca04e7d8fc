"""Make the priors from which twelve leads are reconstructed (`acsbench/ecg/lead_priors.npz`).

Each record is cut as it would be printed, once as recorded and once without wander (0.5–50 Hz).
The prior's mean and covariance start from expectation-maximisation over the whole ten seconds,
which the patients of the training folds show, and are then moved by gradient descent on what
counts: the error over the samples that are not printed, of weights fitted to those that are.

    OMP_NUM_THREADS=1 python benchmarks/lead_priors.py --out src/acsbench/ecg/lead_priors.npz
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from _ptbxl import add_folder, read
from acsbench.ecg.filters import bandpass
from acsbench.ecg.lead_priors import FIRST_SHARE, LEAST_NOISE, LEAST_POWER, PREDICTED, ROUNDS
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, STRIPS
from acsbench.ecg.rpeaks import detect_r_peaks
from acsbench.ecg.strip_features import FEATURES, strip_features

PRINTED = {"I": (0, 1), "V2": (2,), "V3": (2,), "V4": (3,), "V6": (3,)}
"""Quarters that tell about a lead; I follows from II and any other limb lead."""

STEP = 2  # 250 Hz


@dataclass(frozen=True, eq=False)
class Quarters:
    """Moments of each quarter of n ECGs, as of `acsbench.ecg.lead_priors.Moments`.

    Attributes:
        gram: shape (n, 4, features, features).
        projection: shape (n, 4, features, leads).
        energy: shape (n, 4, leads).
        samples: in a quarter.
    """

    gram: NDArray[np.float32]
    projection: NDArray[np.float32]
    energy: NDArray[np.float32]
    samples: int

    def summed(self, lead: int, quarters: list[int]) -> tuple[torch.Tensor, ...]:
        """Gram, projection and energy of some quarters of a lead, records first."""
        gram = self.gram[:, quarters].sum(axis=1)
        projection = self.projection[..., lead][:, quarters].sum(axis=1)
        energy = self.energy[..., lead][:, quarters].sum(axis=1)
        return tuple(map(torch.from_numpy, (gram, projection, energy)))


def quarters_of(signals: list[NDArray[np.float64]], fs: float) -> Quarters:
    """Moments of ECGs of shape (12, samples), all of one length."""
    n, predicted = len(signals), [LEADS.index(lead) for lead in PREDICTED]
    samples = signals[0].shape[1] // STEP // 4
    gram = np.empty((n, 4, FEATURES, FEATURES), np.float32)
    projection = np.empty((n, 4, FEATURES, len(predicted)), np.float32)
    energy = np.empty((n, 4, len(predicted)), np.float32)
    for number, signal in enumerate(signals):
        signal = np.round(signal / DIGITISATION_STEP) * DIGITISATION_STEP
        strips = signal[[LEADS.index(lead) for lead in STRIPS]]
        features = strip_features(strips[None], [detect_r_peaks(strips, fs)], fs)
        columns = next(features.columns(STEP))
        leads = signal[predicted, ::STEP].astype(np.float32)
        for quarter in range(4):
            part = slice(quarter * samples, (quarter + 1) * samples)
            gram[number, quarter] = columns[:, part] @ columns[:, part].T
            projection[number, quarter] = columns[:, part] @ leads[:, part].T
            energy[number, quarter] = np.square(leads[:, part]).sum(axis=1)
    return Quarters(gram, projection, energy, samples)


def expectation_maximisation(
    quarters: Quarters, lead: int, rounds: int = 6, inflation: float = 10.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and covariance of a lead's weights over records, from the whole ten seconds."""
    gram, projection, energy = (
        part.double().numpy() for part in quarters.summed(lead, [0, 1, 2, 3])
    )
    mean, precision = np.zeros(FEATURES), 100 * np.eye(FEATURES)
    noise = np.full(len(gram), 0.001)
    for _ in range(rounds):
        scale = 1 / (inflation * noise)
        scatter = np.linalg.inv(gram * scale[:, None, None] + precision)
        weights = (scatter @ (projection * scale[:, None] + precision @ mean)[..., None])[..., 0]
        error = squared_error(*map(torch.from_numpy, (weights, gram, projection, energy))).numpy()
        noise = error / (4 * quarters.samples) + LEAST_NOISE
        clean = noise < np.quantile(noise, 0.98)
        mean = weights[clean].mean(axis=0)
        centred = weights[clean] - mean
        covariance = centred.T @ centred / clean.sum() + scatter[clean].mean(axis=0)
        precision = np.linalg.inv(covariance)
    return mean, covariance


def squared_error(
    weights: torch.Tensor, gram: torch.Tensor, projection: torch.Tensor, energy: torch.Tensor
) -> torch.Tensor:
    fitted = (gram @ weights[..., None])[..., 0]
    error = energy - 2 * (weights * projection).sum(1) + (weights * fitted).sum(1)
    return error.clamp(min=0)


class Prior(torch.nn.Module):
    """`acsbench.ecg.lead_priors.fit_weights` for one lead of many records, differentiable."""

    def __init__(self, mean: NDArray[np.float64], covariance: NDArray[np.float64]):
        super().__init__()
        spread = np.sqrt(np.diag(covariance))
        root = np.linalg.cholesky(covariance) / spread[:, None]
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float32))
        self.mean = torch.nn.Parameter(torch.tensor(mean, dtype=torch.float32))
        self.root = torch.nn.Parameter(torch.tensor(root, dtype=torch.float32))
        self.noise = torch.nn.Parameter(torch.tensor([np.log(20.0), 1.0], dtype=torch.float32))

    def factor(self) -> torch.Tensor:
        """A root of the covariance, lower triangular."""
        return self.spread[:, None] * torch.tril(self.root)

    def forward(
        self, gram: torch.Tensor, projection: torch.Tensor, energy: torch.Tensor, samples: int
    ) -> torch.Tensor:
        """Weights, shape (records, features)."""
        factor = self.factor()
        white = factor.T @ gram @ factor
        target = (projection - gram @ self.mean) @ factor
        power = energy / samples + LEAST_POWER
        weights = self.mean.expand(len(gram), -1)
        for number in range(ROUNDS):
            residual = squared_error(weights.detach(), gram, projection, energy) / samples
            residual = residual * (FIRST_SHARE if number == 0 else 1.0) + LEAST_NOISE
            exponent = self.noise[1]
            noise = torch.exp(self.noise[0]) * residual**exponent * power ** (1 - exponent)
            with torch.set_grad_enabled(number == ROUNDS - 1 and torch.is_grad_enabled()):
                system = torch.eye(FEATURES) + white / noise[:, None, None]
                scaled = (target / noise[:, None])[..., None]
                scatter = torch.cholesky_solve(scaled, torch.linalg.cholesky(system))
                weights = self.mean + scatter[..., 0] @ factor.T
        return weights


def fine_tune(
    prior: Prior, quarters: Quarters, lead: int, epochs: int, rate: float, batch: int = 64
) -> None:
    """Minimise the error over what is not printed, relative to the lead's power."""
    printed = list(PRINTED[PREDICTED[lead]])
    hidden = [quarter for quarter in range(4) if quarter not in printed]
    seen, unseen = quarters.summed(lead, printed), quarters.summed(lead, hidden)
    n, generator = len(seen[0]), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(
        [
            {"params": [prior.mean], "lr": 0.03 * rate},
            {"params": [prior.root], "lr": rate},
            {"params": [prior.noise], "lr": 3 * rate},
        ],
        betas=(0.9, 0.99),
    )
    steps = epochs * (n // batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda k: min(1, (k + 1) / 20) * 0.5 * (1 + np.cos(np.pi * k / steps))
    )
    for _ in range(epochs):
        for rows in torch.randperm(n, generator=generator)[: n // batch * batch].split(batch):
            weights = prior(*(part[rows] for part in seen), quarters.samples * len(printed))
            count = quarters.samples * len(hidden)
            error = squared_error(weights, *(part[rows] for part in unseen)) / count
            power = unseen[2][rows] / count + LEAST_POWER
            # The logarithm minds good records, the root bad ones; neither is ruled by the worst.
            loss = 0.5 * torch.log(error + 1e-5) + (error / power).clamp(max=4).sqrt()
            optimiser.zero_grad()
            loss.mean().backward()
            torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
            optimiser.step()
            schedule.step()


def hidden_error(prior: Prior, quarters: Quarters, lead: int) -> NDArray[np.float32]:
    """Root mean square error of each record over what is not printed, mV."""
    printed = list(PRINTED[PREDICTED[lead]])
    hidden = [quarter for quarter in range(4) if quarter not in printed]
    with torch.no_grad():
        weights = prior(*quarters.summed(lead, printed), quarters.samples * len(printed))
        error = squared_error(weights, *quarters.summed(lead, hidden))
    return torch.sqrt(error / (quarters.samples * len(hidden))).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_folder(parser)
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--checked-on", type=int, nargs="+", default=[5], help="folds to report")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.01)
    options = parser.parse_args()

    def moments(folds: list[int]) -> list[Quarters]:
        signals = [record.signal for record in read(options.ptb_xl, folds)]
        fs = 500.0
        return [quarters_of(signals, fs), quarters_of([bandpass(s, fs) for s in signals], fs)]

    raw, filtered = moments(options.folds)
    both = Quarters(
        *(
            np.concatenate([getattr(raw, k), getattr(filtered, k)])
            for k in ("gram", "projection", "energy")
        ),
        samples=raw.samples,
    )
    checked = dict(zip(("as recorded", "0.5-50 Hz"), moments(options.checked_on), strict=True))
    learned = []
    for lead, name in enumerate(PREDICTED):
        prior = Prior(*expectation_maximisation(both, lead))
        before = {kind: hidden_error(prior, part, lead) for kind, part in checked.items()}
        fine_tune(prior, both, lead, options.epochs, options.rate)
        for kind, part in checked.items():
            error = hidden_error(prior, part, lead)
            print(
                f"{name:3s} {kind:12s} RMSE over what is not printed: median"
                f" {np.median(before[kind]):.4f} -> {np.median(error):.4f} mV,"
                f" mean {before[kind].mean():.4f} -> {error.mean():.4f}",
                flush=True,
            )
        learned.append(prior)
    np.savez_compressed(
        options.out,
        mean=np.stack([prior.mean.detach().numpy() for prior in learned]),
        factor=np.stack([prior.factor().detach().numpy() for prior in learned]),
        noise_level=np.array([prior.noise[0].item() for prior in learned], np.float32),
        noise_exponent=np.array([prior.noise[1].item() for prior in learned], np.float32),
        origin="PTB-XL 1.0.3, Wagner et al., doi 10.13026/kfzx-aw45, CC BY 4.0",
    )


if __name__ == "__main__":
    main()

from pathlib import Path

import pytest

from acsbench.errors import ConfigurationError
from acsbench.training import trainer as loggers
from acsbench.training.fit import train
from acsbench.training.trainer import Hardware
from acsbench.waveforms.prepared import Prepared
from tests.training.test_training import TINY


def test_tensorboard_gets_the_figures_of_each_epoch(prepared: Prepared, runs: Path) -> None:
    pytest.importorskip("tensorboardX")
    run = train(prepared, "resnet18_1d", TINY, runs, hardware=Hardware(logger="tensorboard"))
    (events,) = (runs / "logs").rglob("events.out.tfevents.*")
    written = events.read_bytes()
    for name in ("train_loss", "valid_loss", "valid_auroc"):
        assert written.count(name.encode()) == 2
    # It is another folder's business: the run is what it would have been.
    assert not list(run.path.rglob("events*"))


@pytest.mark.parametrize("name", ["wandb", "mlflow", "tensorboard"])
def test_a_logger_that_is_not_installed_is_told_with_its_extra(
    name: loggers.LoggerName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"acsbench\[loggers\]"):
        loggers.make_logger(name, tmp_path, "run")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_loggers_are_lightning_s_own(
    name: loggers.LoggerName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lightning.pytorch.loggers as lightning_s

    made: dict[str, object] = {}
    monkeypatch.setattr(loggers, "find_spec", lambda _: object())
    kind = {"wandb": "WandbLogger", "mlflow": "MLFlowLogger"}[name]
    monkeypatch.setattr(lightning_s, kind, lambda **options: made.update(options) or kind)
    assert loggers.make_logger(name, tmp_path, "my-run") == kind
    assert "my-run" in made.values()

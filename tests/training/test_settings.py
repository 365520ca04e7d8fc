import re
from pathlib import Path

import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.models import create_model, list_models
from acsbench.models.registry import model_info
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.shipped import config_of, settings_of, training_config
from acsbench.training.trainer import Hardware
from acsbench.waveforms.prepared import Prepared

NETWORKS = [name for name in list_models() if model_info(name).kind == "network"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("which", ["default", "study"])
def test_every_network_has_settings_of_its_own(name: str, which: str) -> None:
    settings = settings_of(name, which)
    assert settings
    config = training_config(settings)
    if which == "study":
        assert not config.augment
        assert config.average_decay == 0
        assert config.precision == "bf16-mixed"
    if "hubert" not in name:  # as large as their names say
        create_model(name, **config.options)


def test_the_study_trains_resnet18_with_adam_on_balanced_batches() -> None:
    config = training_config(settings_of("resnet18_1d", "study"))
    assert (config.optimizer, config.learning_rate) == ("adam", 1e-4)
    assert (config.schedule, config.imbalance) == ("plateau", "balanced-sampler")
    assert config.options == {}


def test_the_study_fine_tunes_hubert_for_7000_steps() -> None:
    config = training_config(settings_of("hubert-large", "study"))
    assert config.steps_per_epoch is not None
    assert config.steps_per_epoch * config.epochs == 7000
    assert config.warmup_steps == 0.08 * 7000
    assert config.options["freeze_front"]


def test_later_settings_win_and_options_are_merged() -> None:
    config = training_config(
        {"epochs": 5, "options": {"width": 8, "hidden": 4}}, {"seed": 3}, {"options": {"width": 16}}
    )
    assert (config.epochs, config.seed, config.options) == (5, 3, {"width": 16, "hidden": 4})


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("epochs: 3\nbetas: [0.8, 0.9]\n")
    config = training_config(settings_of("resnet18_1d", str(tmp_path / "mine.yaml")))
    assert (config.epochs, config.betas) == (3, (0.8, 0.9))
    (tmp_path / "list.yaml").write_text("- 3\n")
    with pytest.raises(DataError, match="does not contain settings"):
        settings_of("resnet18_1d", str(tmp_path / "list.yaml"))
    with pytest.raises(DataError, match="cannot be read"):
        settings_of("resnet18_1d", str(tmp_path / "nowhere.yaml"))


@pytest.mark.parametrize(
    ("model", "settings", "words"),
    [
        ("logistic", {"epochs": 3}, "does not use the setting 'epochs'. It uses seed, options.fea"),
        ("logistic", {"epochs": 30}, "does not use the setting 'epochs'"),  # the default as well
        ("boosted-trees", {"learning_rate": 0.1}, "did you mean 'options.learning_rate'"),
        ("flags-logistic", {"covariates": ["age"]}, "does not use the setting 'covariates'"),
        ("logistic", {"max_minutes": 3}, "does not use the setting 'max_minutes'"),
        ("logistic", {"strength": 3}, "did you mean 'options.strength'"),
        ("resnet6", {"width": 3}, "did you mean 'options.width'"),
        ("resnet6", {"epoch": 3}, "did you mean 'epochs'"),
        ("boosted-trees", {"options": {"tree": 3}}, "no option 'tree'; did you mean 'trees'"),
    ],
)
def test_settings_that_a_model_does_not_use_are_refused(
    model: str, settings: dict, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        config_of(model, "default", settings)


def test_settings_that_a_model_uses() -> None:
    assert config_of("logistic", "default", {"seed": 3, "options": {"strength": 1.0}}).seed == 3
    assert config_of("resnet6", "study", {"epochs": 3}).epochs == 3


def test_a_file_of_settings_is_checked_as_well(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("epochs: 3\n")
    with pytest.raises(ConfigurationError, match="does not use the setting 'epochs'"):
        config_of("logistic", str(tmp_path / "mine.yaml"))


def test_training_refuses_what_a_tabular_model_does_not_use(prepared: Prepared, runs: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not use the setting 'patience'"):
        train(prepared, "logistic", TrainingConfig(patience=3), runs)
    with pytest.raises(ConfigurationError, match="remove --devices"):
        train(prepared, "logistic", TrainingConfig(), runs, hardware=Hardware(devices=2))
    for options in ({"strength": -1}, {"strength": "x"}, {"features": []}):
        with pytest.raises(ConfigurationError):
            train(prepared, "logistic", TrainingConfig(options=options), runs)
    with pytest.raises(ConfigurationError, match="cannot be fitted with the options"):
        train(prepared, "boosted-trees", TrainingConfig(options={"trees": 0}), runs)
    assert not runs.exists() or not list(runs.iterdir())


@pytest.mark.parametrize("options", [{"width": -1}, {"width": "a"}, {"width": 1.5}])
def test_a_network_that_cannot_be_made(options: dict) -> None:
    with pytest.raises(ConfigurationError, match="'ecgomi' cannot be built with the options"):
        create_model("ecgomi", **options)


def test_wrong_settings_are_told_in_words() -> None:
    with pytest.raises(ConfigurationError, match="epochs: Input should be greater"):
        training_config({"epochs": 0})
    with pytest.raises(ConfigurationError, match="no setting 'epoch'; did you mean 'epochs'"):
        training_config({"epoch": 3})
    with pytest.raises(ConfigurationError, match="covariates"):
        training_config({"covariates": ["macetrop_pos_or_death_030"]})
    with pytest.raises(ConfigurationError, match="choose default, study"):
        settings_of("resnet18_1d", "studdy")
    with pytest.raises(ConfigurationError, match="is not a network"):
        settings_of("logistic", "study")

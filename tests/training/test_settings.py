from pathlib import Path

import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.models import create_model, list_models
from acsbench.models.registry import model_info
from acsbench.training.shipped import settings_of, training_config

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
    with pytest.raises(DataError, match="no settings"):
        settings_of("resnet18_1d", str(tmp_path / "list.yaml"))
    with pytest.raises(DataError, match="cannot be read"):
        settings_of("resnet18_1d", str(tmp_path / "nowhere.yaml"))


def test_wrong_settings_are_told_in_words() -> None:
    with pytest.raises(ConfigurationError, match="epochs: Input should be greater"):
        training_config({"epochs": 0})
    with pytest.raises(ConfigurationError, match="no setting 'epoch'; did you mean 'epochs'"):
        training_config({"epoch": 3})
    with pytest.raises(ConfigurationError, match="covariates"):
        training_config({"covariates": ["macetrop_pos_or_death_030"]})
    with pytest.raises(ConfigurationError, match="choose default, study"):
        settings_of("resnet18_1d", "studdy")
    with pytest.raises(ConfigurationError, match="fitted in one go"):
        settings_of("logistic", "study")

"""How models, our own and a user's, are registered and named."""

import importlib.util
import linecache
from pathlib import Path

import pytest

from acsbench.errors import ConfigurationError
from acsbench.models import create_model, list_models, registry
from acsbench.models.registry import NOT_STATED, count_parameters, model_info
from tests.cli.test_cli import run as acsbench

MODEL = '''\
"""A model in a file of its own."""

from torch import nn

from acsbench.models.registry import register_model


@register_model(
    "one-layer", kind="network", input="study-rows", summary="one layer", paper="none"
)
def one_layer(steps: int = 4) -> nn.Module:
    return nn.Sequential(nn.AdaptiveMaxPool1d(steps), nn.Flatten(), nn.Linear(3 * steps, 1))
'''


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    list_models()
    monkeypatch.setattr(registry, "_MODELS", dict(registry._MODELS))


def registered(path: Path, text: str) -> registry.ModelInfo:
    """What is known of `one-layer` after a file of that content was run."""
    registry._MODELS.pop("one-layer", None)
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return model_info("one-layer")


def test_the_code_of_a_users_model_is_that_of_its_file(tmp_path: Path) -> None:
    first = registered(tmp_path / "mine.py", MODEL).code
    assert first is not None
    assert registered(tmp_path / "copy.py", MODEL).code == first
    # The layer stands outside of the builder in most files; any change counts.
    assert registered(tmp_path / "mine.py", MODEL + "\nSTEPS = 5\n").code != first


def test_the_code_of_a_model_of_a_notebook_is_that_of_its_cell() -> None:
    codes = []
    for number, text in enumerate((MODEL, MODEL, MODEL.replace("Max", "Avg"))):
        registry._MODELS.pop("one-layer", None)
        cell = f"<cell {number}>"
        linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
        exec(compile(text, cell, "exec"), {"__name__": "__main__"})
        codes.append(model_info("one-layer").code)
    assert codes[0] is not None
    assert codes[0] == codes[1] != codes[2]


def test_a_model_typed_into_a_prompt_has_no_code() -> None:
    exec(compile(MODEL, "<stdin>", "exec"), {"__name__": "__main__"})
    assert model_info("one-layer").code is None


def test_our_own_models_are_told_by_the_version() -> None:
    for name in list_models():
        assert model_info(name).code is None
        assert model_info(name).licence.startswith("Apache-2.0")


def test_nothing_is_claimed_for_a_users_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert registered(tmp_path / "mine.py", MODEL).licence == NOT_STATED
    assert count_parameters("one-layer") == 13
    assert acsbench("models", "show", "one-layer") == 0
    said = capsys.readouterr().out
    assert "parameters: 13\n" in said
    assert "licence: not stated\n" in said
    needy = MODEL.replace("steps: int = 4", "steps: int")
    registered(tmp_path / "mine.py", needy)
    assert acsbench("models", "show", "one-layer") == 0
    assert "parameters: not stated\n" in capsys.readouterr().out
    assert acsbench("models", "show", "logistic") == 0
    assert "parameters: depends on the data\n" in capsys.readouterr().out


def test_a_wrong_option_is_told_with_the_right_one() -> None:
    with pytest.raises(ConfigurationError, match="no option 'widht'; did you mean 'width'"):
        create_model("resnet18_1d", widht=8)


def test_an_unknown_model_may_be_the_users_own() -> None:
    words = r"no model 'one-layer': .* run the file that registers it in place of acsbench"
    with pytest.raises(ConfigurationError, match=words):
        model_info("one-layer")

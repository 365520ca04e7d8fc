"""The documentation's site: built without a warning, nothing fetched from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acsbench.cli.main import app
from acsbench.models import list_models
from tests.conftest import ROOT

mkdocs_config = pytest.importorskip("mkdocs.config")
mkdocs_build = pytest.importorskip("mkdocs.commands.build")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    config = mkdocs_config.load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    mkdocs_build.build(config)  # a broken link or anchor raises
    return folder


def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text()
    names = [command.name for command in app.registered_commands]
    names += [group.name for group in app.registered_groups]
    for name in names:
        assert f"acsbench {name}" in page
    told = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    options = set(re.findall(r"--[a-z][a-z-]+", told.output)) - {"--help"}
    assert options
    assert not [option for option in options if option not in page]


def test_every_model_is_in_the_reference(site: Path) -> None:
    page = (site / "reference" / "models.html").read_text()
    assert not [name for name in list_models() if f'id="{name}"' not in page]


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text()
        fetched = re.findall(r"<(?:script|img|iframe)[^>]+src=\"https?:[^\"]+", html)
        fetched += re.findall(r"<link[^>]+stylesheet[^>]+href=\"https?:[^\"]+", html)
        assert not fetched, page.name

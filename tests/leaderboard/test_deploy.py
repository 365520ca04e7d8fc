"""The container files name commands, options and files that exist."""

import re
from pathlib import Path

import pytest
import typer
import yaml

from acsbench.cli.leaderboard import app

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")


def parse(words):
    """Parse a command line without running it; unknown options raise."""
    name, *arguments = words
    command = typer.main.get_command(app).commands[name]
    return command.make_context(name, arguments).params


@pytest.mark.parametrize("service", ["web", "worker"])
def test_services_run_commands_that_exist(service):
    assert parse(COMPOSE["services"][service]["command"])["board"] == Path("/boards/board")


def test_the_web_server_runs_without_the_worker_and_without_the_labels():
    web = COMPOSE["services"]["web"]
    assert parse(web["command"])["worker"] is False
    assert "/dev/null:/boards/board/private/labels.csv:ro" in web["volumes"]


def test_nothing_but_the_proxy_on_this_machine_reaches_the_server():
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in COMPOSE["services"]["database"]


def test_the_image_is_built_of_files_that_exist_and_runs_a_command_that_does():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert names
    assert all((ROOT / name).exists() for name in names)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert all(f"!{name}" in ignored for name in names)
    command = yaml.safe_load(re.findall(r"^CMD (\[.+\])$", CONTAINERFILE, re.MULTILINE)[-1])
    assert parse(command)["host"] == "0.0.0.0"


def test_it_does_not_run_as_root():
    assert re.findall(r"^USER (\d+)$", CONTAINERFILE, re.MULTILINE) == ["10001"]

"""The commands are a contract: each is documented, each answers ``--help`` in Chinese, no setting is a secret."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from admin.cli import wuguan
from tenant.settings import Settings

DOCS = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
SOURCE = (Path(__file__).parents[2] / "tenant" / "settings.py").read_text()


def _commands(group: click.Group, path: str = "wuguan") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(_commands(wuguan))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_its_heading_and_every_option_is_written_down(path: str) -> None:
    heading = f"### `{path}`"
    assert heading in DOCS, f"docs/commands.md has no heading {heading}"
    passage = DOCS.split(heading, 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
    for parameter in COMMANDS[path].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--json":
                assert option in passage, f"{path} {option} is not documented"


def test_every_heading_is_a_command() -> None:
    assert set(re.findall(r"^### `(wuguan [^`]+)`$", DOCS, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_help_is_in_chinese(path: str) -> None:
    result = CliRunner().invoke(wuguan, [*path.split()[1:], "--help"])
    assert result.exit_code == 0
    assert re.search(r"[\u4e00-\u9fff]", COMMANDS[path].help or ""), f"{path} --help has no Chinese"


def test_every_setting_is_documented() -> None:
    names = set(re.findall(r'"((?:WUGUAN_|DATABASE_|BROKER_)[A-Z_]+)"', SOURCE)) - {"WUGUAN_DEMO"}
    assert names
    assert len(names) <= len(fields(Settings)) + 1
    for name in names:
        assert f"`{name}`" in DOCS, f"docs/commands.md does not tell of {name}"

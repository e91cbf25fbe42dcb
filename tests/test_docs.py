"""What the documents say is what the program does."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import discord
import pytest
from discord import app_commands

from bot.client import INTENTS
from bot.commands import COMMANDS
from bot.settings import DESCRIPTIONS
from tests.program import DATELINE, REPOSITORY, dateline

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def help_of(*command: str) -> str:
    """What the installed program says of itself."""
    run = subprocess.run(
        [DATELINE, *command, "--help"], capture_output=True, encoding="utf-8", check=True
    )
    return run.stdout


def subcommands() -> list[str]:
    """The commands that `dateline --help` lists."""
    return re.findall(r"^    ([a-z]+) ", help_of(), re.MULTILINE)


def test_every_setting_is_in_the_readme_the_example_and_the_help_and_no_other() -> None:
    """Whoever reads one of the three knows them all."""
    table = README.partition("## Settings")[2].partition("##")[0]
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")

    assert list(DESCRIPTIONS) == re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)
    assert list(DESCRIPTIONS) == re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)
    assert all(name in help_of() for name in DESCRIPTIONS)


def test_every_command_is_in_the_readme_and_no_other() -> None:
    """The table of commands is the program's own list."""
    table = README.partition("## The command line")[2].partition("##")[0]
    documented = re.findall(r"^\| .*?\|", table, re.MULTILINE)
    names = set(re.findall(r"`dateline ([a-z]+)", " ".join(documented)))

    assert set(subcommands()) == names


@pytest.mark.parametrize(
    "command",
    [
        *("ask", "chat", "timeline", "index", "sources", "source", "check", "evaluate"),
        *("run", "health"),
    ],
)
def test_every_option_in_the_readme_exists(command: str) -> None:
    """Whoever copies an option from the README may not be told that there is none."""
    table = README.partition("## The command line")[2].partition("##")[0]
    rows = [line for line in table.splitlines() if re.match(rf"\|.*`dateline {command}\b", line)]
    options = set(re.findall(r"--[a-z-]+", " ".join(rows)))

    assert command in subcommands()
    assert all(option in help_of(command) for option in options)
    assert all(option in help_of(command) for option in ("--corpus", "--index"))


def test_the_two_commands_are_one_line_each_and_hold_together() -> None:
    """They are what a newcomer pastes; `.ci/run` runs them as they stand here."""
    lines = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    ask, test, torch = lines

    assert ask.startswith("python3 -m venv .venv && .venv/bin/pip install . && ")
    assert ["ask", "Who gave Kim the car?"] == shlex.split(ask)[-2:]
    assert test.endswith('install -e ".[test]" && .venv/bin/python -m pytest')
    assert "whl/cpu" in torch
    assert README.index(ask) < README.index(test) < README.index(torch)


def test_the_transcript_is_what_the_program_prints(tmp_path: Path) -> None:
    """The first thing people see must be true."""
    transcript = README.partition("```console\n")[2].partition("```")[0]
    said = [line for line in transcript.splitlines() if line and not line.startswith("$ ")]
    commands = re.findall(r"^\$ dateline (.*)$", transcript, re.MULTILINE)
    printed = "".join(dateline(*shlex.split(command), home=tmp_path).out for command in commands)

    assert said == [line for line in printed.splitlines() if line]


def test_every_slash_command_and_option_is_described_and_in_the_readme() -> None:
    """Discord shows the descriptions as people type."""
    commands = (
        command
        for top in COMMANDS
        for command in (top.walk_commands() if isinstance(top, app_commands.Group) else [top])
    )
    for command in commands:
        if isinstance(command, app_commands.ContextMenu):
            assert f"*Apps › {command.name}*" in README
            continue
        assert f"`/{command.qualified_name}`" in README
        assert command.description
        assert isinstance(command, app_commands.Command)  # there are no groups in groups
        for option in command.parameters:
            assert option.description not in ("", "…")
            assert f"`{option.name}`" in README or option.required


def test_the_invite_link_asks_for_the_permissions_that_are_explained_and_no_other() -> None:
    """Whoever runs a server wants to know why."""
    table = README.partition("| permission | number | for |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^ *\| \*([A-Z].+?)\* \| (\d+) \|", table, re.MULTILINE))
    flags = [name.lower().replace(" ", "_").replace("channels", "channel") for name in rows]
    numbers = [discord.Permissions(**{flag: True}).value for flag in flags]

    assert 6 == len(rows)
    assert list(map(str, numbers)) == list(rows.values())
    assert [str(sum(numbers))] == re.findall(r"permissions=(\d+)", README)


def test_the_readme_names_the_intents_that_the_client_asks_for_and_no_other() -> None:
    """Whoever sees “intents” in the portal must know that there is nothing to switch on."""
    named = re.search(r"Dateline asks for (.+?), which", README)
    assert named is not None
    flags = [name.lower().replace(" ", "_") for name in re.findall(r"\*(.+?)\*", named[1])]
    asked = discord.Intents(**dict.fromkeys([f.replace("direct", "dm") for f in flags], True))

    assert INTENTS == asked


def test_the_map_in_the_readme_names_every_module_and_no_other() -> None:
    """A stranger finds the file by it."""
    drawn = README.partition("## Where things live\n\n```\n")[2].partition("```")[0]
    names = set(re.findall(r"\b([a-z_]+\.py)\b", drawn))
    files = {
        path.name
        for package in ("bot", "retrieval")
        for path in (REPOSITORY / package).glob("*.py")
        if not path.name.startswith("__")
    }
    folders = {
        f"{path.parent.name}/"
        for package in ("bot", "retrieval")
        for path in (REPOSITORY / package).glob("*/__init__.py")
    }

    assert files == names
    assert all(folder in drawn for folder in folders)


def test_the_version_has_its_place_in_the_changelog() -> None:
    """Unreleased changes stand above the last release."""
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert "## [Unreleased]" in changelog
    assert "dateline" == project["name"]
    assert (
        "dateline 0.1.0\n"
        == subprocess.run(
            [DATELINE, "--version"], capture_output=True, encoding="utf-8", check=True
        ).stdout
    )

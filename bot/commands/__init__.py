"""One file for each thing a person can do with a command."""

from typing import Any

from discord import app_commands

from bot.commands.about import about
from bot.commands.ask import ask
from bot.commands.coverage import coverage
from bot.commands.find import find
from bot.commands.sources import source, sources
from bot.commands.timeline import timeline

COMMANDS: tuple[
    app_commands.Command[Any, ..., None] | app_commands.Group | app_commands.ContextMenu, ...
] = (ask, find, timeline, sources, source, about, coverage)
"""Every command that the bot registers."""

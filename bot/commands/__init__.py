"""One file for each thing a person can do with a slash command."""

from typing import Any

from discord import app_commands

from bot.commands.about import about
from bot.commands.ask import ask
from bot.commands.sources import source, sources
from bot.commands.timeline import timeline

COMMANDS: tuple[app_commands.Command[Any, ..., None], ...] = (ask, timeline, source, sources, about)
"""Every command that the bot registers."""

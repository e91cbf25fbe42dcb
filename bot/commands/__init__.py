"""One file for each thing a person can do with a slash command."""

from typing import Any

from discord import app_commands

from bot.commands.ask import ask
from bot.commands.coverage import coverage
from bot.commands.sources import source, sources

COMMANDS: tuple[app_commands.Command[Any, ..., None] | app_commands.Group, ...] = (
    ask,
    coverage,
    source,
    sources,
)
"""Every command that the bot registers."""

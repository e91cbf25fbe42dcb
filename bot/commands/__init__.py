"""One file for each thing a person can do with a command."""

from typing import Any

from discord import app_commands

from bot.commands.ask import ask
from bot.commands.find import find
from bot.commands.sources import source, sources

COMMANDS: tuple[app_commands.Command[Any, ..., None] | app_commands.ContextMenu, ...] = (
    *(ask, source, sources),
    find,
)
"""Every command that the bot registers."""

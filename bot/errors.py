"""What a person reads for each failure; one table."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.escaping import escape, shorten
from retrieval.errors import CorpusError, IndexBusyError, QuestionError, RetrievalError

log = logging.getLogger(__name__)

LOST = (aiohttp.ClientError, OSError, TimeoutError)
"""What a lost connection raises; discord.py passes it on and does not try again."""
_MAX_SENTENCE = 900  # escaping can double it, and a message holds 2,000


class GoneError(Exception):
    """What a button or a choice refers to is no longer in the coverage as it was."""


class StoppingError(Exception):
    """The bot is about to leave Discord."""


class ReloadingError(Exception):
    """The coverage is being reloaded already."""


class ReloadError(Exception):
    """The coverage could not be reloaded and stays as it was; `__cause__` says why."""


class NoSuchArticleError(Exception):
    """No article has this title or id."""


class NotADateError(app_commands.AppCommandError):
    """What was typed for a date is none; the message says how to write one."""


def sentence(error: BaseException) -> str:
    """What to tell the person whose request failed. Never names internals.

    A failure that is not in the table gets a reference, which is logged with the traceback.
    """
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    match error:
        case QuestionError() | NotADateError():
            return _capitalised(str(error))
        case GoneError():
            return "The coverage has changed since this was shown. Please ask again."
        case NoSuchArticleError():
            named = shorten(str(error), _MAX_SENTENCE // 2)
            return f"There is no article {named} in the coverage. Choose one from the list."
        case StoppingError():
            return "I am just being restarted. Please ask again in a minute."
        case ReloadingError():
            return "The coverage is being reloaded already. Please wait until that is done."
        case ReloadError():
            why = _why_not_reloaded(error.__cause__)
            return f"The coverage stays as it was: {why}{_reference(error)}."
        case RetrievalError():
            return f"The coverage cannot be read just now{_reference(error)}."
        case discord.Forbidden():
            return f"Discord does not let me do that here{_reference(error)}."
        case _:
            return f"Something went wrong on my side{_reference(error)}."


def _why_not_reloaded(cause: BaseException | None) -> str:
    match cause:
        case CorpusError():
            return "the folder of articles cannot be read"
        case IndexBusyError():
            return "another process is writing the index, try again in a minute"
        case _:
            return "the index cannot be brought up to date"


def _reference(error: BaseException) -> str:
    """A short reference, logged with the traceback so that an operator finds what happened."""
    code = secrets.token_hex(2)
    log.error("failed ref=%s", code, exc_info=error)
    return f" (ref {code})"


def _capitalised(text: str) -> str:
    """The text as a sentence of its own."""
    text = shorten(text[:1].upper() + text[1:], _MAX_SENTENCE)
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


async def despite_a_lost_connection(request: Callable[[], Awaitable[object]]) -> None:
    """Makes a request that can be made twice, and makes it once more if the connection is lost.

    Raises:
        discord.HTTPException: Discord refuses it.
        LOST: the connection is lost again.
    """
    try:
        await request()
    except LOST as error:
        log.warning("connection lost, trying again: %s", error)
        await request()


async def tell(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Tells the one who asked, and nobody else, that it failed and what to do."""
    text = escape(sentence(error))
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(text, ephemeral=True)
        else:
            await interaction.edit_original_response(content=text)
    except (discord.HTTPException, *LOST) as failure:
        log.error("failure could not be told: %s", failure)

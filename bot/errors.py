"""What a person reads for each failure; one table."""

import logging
import math
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import aiohttp
import discord
from discord import app_commands

from bot.escaping import escape, shorten
from bot.limits import Rate
from bot.phrases import plural
from retrieval.errors import CorpusError, IndexBusyError, QuestionError, RetrievalError

log = logging.getLogger(__name__)

LOST = (aiohttp.ClientError, OSError, TimeoutError)
"""What a lost connection raises; discord.py passes it on and does not try again."""
_ACKNOWLEDGED = 40060  # Discord's code: this interaction has had its first response
_GONE = {10003, 10008, 10015, 10062, 50027}  # its codes: channel, message, interaction, token
_MAX_SENTENCE = 900  # escaping can double it, and a message holds 2,000


class GoneError(Exception):
    """What a button or a choice refers to is no longer in the coverage as it was."""


class OutdatedError(Exception):
    """A button is of a version of the bot that is no longer, or not yet, running."""


class StoppingError(Exception):
    """The bot is about to leave Discord."""


class BusyError(Exception):
    """The queue is full; says for how many seconds, as far as can be told."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"the queue is full for about {wait_s} s")
        self.wait_s = wait_s


class CooldownError(Exception):
    """This person, or this server, has asked as often as they may for now."""

    def __init__(self, whose: Literal["user", "server"], rate: Rate, left_s: float) -> None:
        super().__init__(f"the {whose} has asked {rate.questions} times in {rate.seconds} s")
        self.whose = whose
        self.rate = rate
        self.left_s = left_s


class ReloadingError(Exception):
    """The coverage is being reloaded already."""


class ReloadError(Exception):
    """The coverage could not be reloaded and stays as it was; `__cause__` says why."""


class NoSuchArticleError(Exception):
    """No article has this title or id."""


class NotADateError(app_commands.AppCommandError):
    """What was typed for a date is none; the message says how to write one."""


_SENTENCES: dict[type[BaseException], str] = {
    GoneError: "The coverage has changed since this was shown. Please ask again.",
    OutdatedError: "This button is of another version of me. Please ask again.",
    StoppingError: "I am just being restarted. Please ask again in a minute.",
    ReloadingError: "The coverage is being reloaded already. Please wait until that is done.",
}


def sentence(error: BaseException) -> str:
    """What to tell the person whose request failed. Never names internals.

    A failure that is not in the table gets a reference, which is logged with the traceback.
    """
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if (said := _SENTENCES.get(type(error))) is not None:
        return said
    match error:
        case QuestionError() | NotADateError():
            return _capitalised(str(error))
        case NoSuchArticleError():
            named = shorten(str(error), _MAX_SENTENCE // 2)
            return f"There is no article {named} in the coverage. Choose one from the list."
        case BusyError():
            return (
                "I am busy: more questions have come than I can take. "
                f"Please try again in {_duration(error.wait_s)}."
            )
        case CooldownError():
            asker = "You have" if error.whose == "user" else "This server has"
            return (
                f"{asker} asked {plural(error.rate.questions, 'question')} within "
                f"{_duration(error.rate.seconds)}. Please try again in {_duration(error.left_s)}."
            )
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


def _duration(seconds: float) -> str:
    """Rounded up, so that whoever waits so long has waited long enough."""
    if seconds <= 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{math.ceil(seconds / 60)} min"


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


async def acknowledge(
    interaction: discord.Interaction[Any], *, ephemeral: bool = False, update: bool = False
) -> None:
    """Promises Discord an answer; once more if the connection is lost.

    The first promise may have arrived although its connection broke; then it counts.

    Args:
        interaction: what to answer.
        ephemeral: only the one who asked will see the answer.
        update: the answer will take the place of the message whose button was pressed.
    """

    async def promise() -> None:
        await interaction.response.defer(thinking=not update, ephemeral=ephemeral)

    try:
        await promise()
    except LOST as lost:
        log.warning("connection lost, trying again: %s", lost)
        try:
            await promise()
        except discord.HTTPException as error:
            if error.code != _ACKNOWLEDGED:
                raise
            interaction.extras["acknowledged"] = (
                discord.InteractionResponseType.deferred_message_update
                if update
                else discord.InteractionResponseType.deferred_channel_message
            )


async def tell(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Tells the one who asked, and nobody else, that it failed and what to do."""
    cause = getattr(error, "original", error)
    if isinstance(cause, discord.HTTPException) and cause.code in _GONE:
        log.info("nobody is left to answer code=%d", cause.code)
        return
    text = escape(sentence(error))
    response = interaction.extras.get("acknowledged", interaction.response.type)
    try:
        if response is None:
            await interaction.response.send_message(text, ephemeral=True)
        elif response is discord.InteractionResponseType.deferred_message_update:
            # A button was pressed: the message that it stands on stays as it is.
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.edit_original_response(content=text)
    except (discord.HTTPException, *LOST) as failure:
        log.error("failure could not be told: %s", failure)

"""Opt-in: two thumbs below an answer, whose `custom_id` says all they need: v:up:<quotes>."""

import asyncio
import re
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.buttons import find_quotes, quotes_reference
from bot.errors import LOST, tell
from bot.escaping import unescape
from bot.feedback import Feedback, Verdict
from retrieval.types import Answer

if TYPE_CHECKING:
    from bot.client import DatelineClient

_EMOJI: dict[Verdict, str] = {"up": "👍", "down": "👎"}
_ROW = 2  # below the ways to look closer
_OFF = "Nothing was noted: this bot keeps no feedback any more."
_NEW = "Thank you. The question, the quotes and your thumb were noted, but not who you are."
_KNOWN = "Thank you, that has been noted already."
_HEADING = re.compile(r"\*\*(.+?)\*\*\n", re.DOTALL)  # the question above an answer to a command


class Thumb(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=re.compile(r"v:(?P<verdict>up|down):(?P<of>[\w.,-]*)"),
):
    """A button that notes what people think of an answer."""

    def __init__(self, verdict: Verdict, of: str) -> None:
        self.verdict: Verdict = verdict
        self.of = of
        super().__init__(
            discord.ui.Button(custom_id=f"v:{verdict}:{of}", emoji=_EMOJI[self.verdict], row=_ROW)
        )

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button as it was when its message was sent, perhaps before a restart."""
        return cls("up" if match["verdict"] == "up" else "down", match["of"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Notes the verdict and thanks the one who pressed, and nobody else."""
        try:
            await self._note(interaction)
        except Exception as error:  # discord.py would only log it, and the button would hang
            await tell(interaction, error)

    async def _note(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        client = interaction.client
        message = interaction.message
        if client.feedback is None or message is None:
            await interaction.response.send_message(_OFF, ephemeral=True)
            return
        with client.working():
            await interaction.response.defer(thinking=True, ephemeral=True)
            quotes = find_quotes(client.library, self.of) if self.of else []
            is_new = await asyncio.to_thread(
                client.feedback.note_verdict,
                self.verdict,
                await _question(client, message),
                quotes,
                who=(message.id, interaction.user.id),
            )
            await interaction.edit_original_response(content=_NEW if is_new else _KNOWN)


def add_thumbs(view: discord.ui.View, feedback: Feedback | None, answer: Answer) -> None:
    """Puts thumbs below an answer if feedback is switched on; silence can be wrong too."""
    reference = quotes_reference(answer.quotes) if answer.quotes else ""
    if feedback is None or reference is None:
        return
    for verdict in _EMOJI:
        view.add_item(Thumb(verdict, reference))


async def _question(client: discord.Client, message: discord.Message) -> str | None:
    """What an answer answers: its heading, or the message it replies to; None if that is gone."""
    if heading := _HEADING.match(message.content):
        return unescape(heading[1])
    reference = message.reference
    if reference is None or reference.message_id is None or client.user is None:
        return None
    channel = client.get_partial_messageable(reference.channel_id)
    try:
        asked = await channel.fetch_message(reference.message_id)
    except (discord.HTTPException, *LOST):
        return None
    return re.sub(rf"<@!?{client.user.id}>", " ", asked.content).strip() or None

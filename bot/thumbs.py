"""Opt-in: two thumbs below an answer, whose `custom_id` says all they need: v:up:<quotes>."""

import asyncio
import re
from typing import TYPE_CHECKING, Self

import discord

from bot.buttons import Stateless
from bot.errors import acknowledge, despite_a_lost_connection
from bot.feedback import Feedback, Verdict
from bot.messages import stated_question
from bot.references import find_quotes, quotes_reference
from retrieval.types import Answer

if TYPE_CHECKING:
    from bot.client import DatelineClient

_EMOJI: dict[Verdict, str] = {"up": "👍", "down": "👎"}
_ROW = 2  # below the ways to look closer
_OFF = "Nothing was noted: this bot keeps no feedback any more."
_NEW = "Thank you. The question, the quotes and your thumb were noted, but not who you are."
_KNOWN = "Thank you, that has been noted already."


class Thumb(
    Stateless,
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
    def found(cls, match: re.Match[str]) -> Self:
        """The button that a `custom_id` names."""
        return cls("up" if match["verdict"] == "up" else "down", match["of"])

    async def press(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        """Notes the verdict and thanks the one who pressed, and nobody else."""
        client = interaction.client
        message = interaction.message
        if client.feedback is None or message is None:
            await interaction.response.send_message(_OFF, ephemeral=True)
            return
        with client.working():
            await acknowledge(interaction, ephemeral=True)
            quotes = (
                await asyncio.to_thread(find_quotes, client.library, self.of) if self.of else []
            )
            is_new = await asyncio.to_thread(
                client.feedback.note_verdict,
                self.verdict,
                stated_question(message),
                quotes,
                who=(message.id, interaction.user.id),
            )
            await despite_a_lost_connection(
                lambda: interaction.edit_original_response(content=_NEW if is_new else _KNOWN)
            )


def add_thumbs(view: discord.ui.View, feedback: Feedback | None, answer: Answer) -> None:
    """Puts thumbs below an answer if feedback is switched on; silence can be wrong too."""
    reference = quotes_reference(answer.quotes) if answer.quotes else ""
    if feedback is None or reference is None:
        return
    for verdict in _EMOJI:
        view.add_item(Thumb(verdict, reference))

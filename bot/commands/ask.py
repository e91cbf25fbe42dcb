"""/ask: a question with filters, answered with quotes."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.buttons import quotes_view
from bot.cards import MAX_CHOICE, answer_message
from bot.errors import NotADateError, despite_a_lost_connection
from bot.escaping import shorten
from bot.feedback import note_gap
from bot.thumbs import add_thumbs
from retrieval.dates import PartialDate
from retrieval.engine import MAX_QUESTION
from retrieval.types import Filters

if TYPE_CHECKING:
    from bot.client import DatelineClient

_MAX_CHOICES = 25  # Discord's limit


class DateTransformer(app_commands.Transformer):
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD` → a date; Discord has no type for it."""

    async def transform(self, interaction: discord.Interaction[Any], value: Any, /) -> PartialDate:
        """The date that was typed.

        Raises:
            NotADateError: it is none.
        """
        try:
            return PartialDate.from_iso(str(value))
        except ValueError as error:
            raise NotADateError(str(error)) from None


@app_commands.command(description="Ask the coverage; the answer is quotes, word for word and dated")
@app_commands.describe(
    question="What do you want to know?",
    after="Only articles published then or later: 2024, 2024-02 or 2024-02-20",
    before="Only articles published then or earlier: 2024, 2024-02 or 2024-02-20",
    source="Only articles from this source",
    private="Show the answer to me only",
)
async def ask(
    interaction: "discord.Interaction[DatelineClient]",
    question: app_commands.Range[str, 1, MAX_QUESTION],
    after: app_commands.Transform[PartialDate, DateTransformer] | None = None,
    before: app_commands.Transform[PartialDate, DateTransformer] | None = None,
    source: str | None = None,
    private: bool = False,
) -> None:
    """Acknowledges at once, answers when the answer is there."""
    client = interaction.client
    with client.working():
        await interaction.response.defer(thinking=True, ephemeral=private)
        answer = await client.answer(question, Filters(after, before, source))
        shown = answer_message(answer, repeat_question=True)
        view = quotes_view(answer.quotes, answer.nearest, len(shown.pages))
        feedback = None if private or interaction.guild_id is None else client.feedback
        add_thumbs(view, feedback, answer)
        await despite_a_lost_connection(
            lambda: interaction.edit_original_response(
                content=shown.content,
                embeds=list(shown.pages[0]) if shown.pages else [],
                view=view,
            )
        )
        await note_gap(feedback, answer)


@ask.autocomplete("source")
async def complete_source(
    interaction: "discord.Interaction[DatelineClient]", typed: str
) -> list[app_commands.Choice[str]]:
    """Sources whose name holds what was typed, in order of the alphabet."""
    key = typed.strip().casefold()
    names = sorted({article.source for article in interaction.client.library.in_order})
    found = [name for name in names if key in name.casefold()][:_MAX_CHOICES]
    # A value cut short still finds its source: the engine takes a part of a name.
    return [
        app_commands.Choice(name=shorten(name, MAX_CHOICE), value=_start(name)) for name in found
    ]


def _start(name: str) -> str:
    """As much of a name as the value of a choice may hold, in UTF-16 units of two bytes."""
    return name.encode("utf-16-le")[: 2 * MAX_CHOICE].decode("utf-16-le", "ignore")

"""/ask: a question with filters, answered with quotes."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.buttons import answer_view
from bot.cards import MAX_CHOICE, MAX_CONTENT, answer_message
from bot.errors import NotADateError, acknowledge, despite_a_lost_connection
from bot.escaping import length, shorten
from bot.feedback import Feedback, note_gap
from bot.thumbs import add_thumbs
from retrieval.dates import PartialDate
from retrieval.engine import MAX_QUESTION, checked
from retrieval.types import Answer, Filters

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
    """Acknowledges at once, answers when the answer is there; mistakes concern the asker only."""
    client = interaction.client
    filters = Filters(after, before, source)
    # Where others may add articles, the engine alone knows all sources.
    filters.checked(() if client.engine.is_shared else client.library.sources)
    checked(question)
    with client.working(), client.asking(interaction.user.id, interaction.guild_id):
        await acknowledge(interaction, ephemeral=private)
        answer = await client.answer(question, filters)
        is_here = client.get_guild(interaction.guild_id or 0) is not None
        is_public = is_here and not private
        await show(
            interaction,
            answer,
            note=_how_to_follow_up(client) if is_public else "",
            feedback=client.feedback if is_public else None,
        )


async def show(
    interaction: "discord.Interaction[DatelineClient]",
    answer: Answer,
    *,
    note: str = "",
    feedback: Feedback | None = None,
) -> None:
    """Puts an answer in the place of "is thinking…".

    Args:
        interaction: what asked.
        answer: what the engine found.
        note: what to say below it.
        feedback: where silence and thumbs are noted; None for nowhere.
    """
    shown = answer_message(answer)
    note = f"\n-# {note}" if note else ""
    view = answer_view(answer, len(shown.pages))
    add_thumbs(view, feedback, answer)
    await despite_a_lost_connection(
        lambda: interaction.edit_original_response(
            content=shorten(shown.content, MAX_CONTENT - length(note)) + note,
            embeds=list(shown.pages[0]) if shown.pages else [],
            view=view,
        )
    )
    await note_gap(feedback, answer)


def _how_to_follow_up(client: discord.Client) -> str:
    """What a reply needs for us to read it, where we see any.

    To Discord a reply to a command's answer does not mention us, as one to an ordinary message
    does: https://github.com/discord/discord-api-docs/issues/5395
    """
    return f"To ask on, reply to this and mention {client.user.mention}." if client.user else ""


@ask.autocomplete("source")
async def complete_source(
    interaction: "discord.Interaction[DatelineClient]", typed: str
) -> list[app_commands.Choice[str]]:
    """Sources whose name holds what was typed, in order of the alphabet."""
    key = typed.strip().casefold()
    names = interaction.client.library.sources
    found = [name for name in names if key in name.casefold()][:_MAX_CHOICES]
    # A value cut short still finds its source: the engine takes a part of a name.
    return [
        app_commands.Choice(name=shorten(name, MAX_CHOICE), value=_start(name)) for name in found
    ]


def _start(name: str) -> str:
    """As much of a name as the value of a choice may hold, in UTF-16 units of two bytes."""
    return name.encode("utf-16-le")[: 2 * MAX_CHOICE].decode("utf-16-le", "ignore")

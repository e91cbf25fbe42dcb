"""/sources and /source: what the coverage holds, and one article whole."""

from itertools import islice
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.buttons import article_view, pager
from bot.cards import article_pages, choice_name, sources_message, sources_pages
from bot.commands.ask import DateTransformer, complete_source
from bot.errors import GoneError, NoSuchArticleError, acknowledge, despite_a_lost_connection
from bot.library import Library
from bot.references import filters_reference, find_filters
from retrieval.dates import PartialDate
from retrieval.types import Article, Filters, article_key

if TYPE_CHECKING:
    from bot.client import DatelineClient

_MAX_CHOICES = 25  # Discord's limit


@app_commands.command(description="List the articles that answers are quoted from")
@app_commands.describe(
    after="Only articles published then or later: 2024, 2024-02 or 2024-02-20",
    before="Only articles published then or earlier: 2024, 2024-02 or 2024-02-20",
    source="Only articles from this source",
)
@app_commands.autocomplete(source=complete_source)
async def sources(
    interaction: "discord.Interaction[DatelineClient]",
    after: app_commands.Transform[PartialDate, DateTransformer] | None = None,
    before: app_commands.Transform[PartialDate, DateTransformer] | None = None,
    source: str | None = None,
) -> None:
    """Ten articles a page, in order of date, for the one who asked."""
    library = interaction.client.library
    # Through its reference, so that every page is narrowed to the very same.
    reference = filters_reference(Filters(after, before, source))
    filters = find_filters(reference)
    listed = library.admitted(filters)
    shown = sources_message(listed, library.summary, filters=filters, superseded=library.newer)
    await interaction.response.send_message(
        shown.content,
        embeds=list(shown.pages[0]) if shown.pages else [],
        view=pager("s", reference, 0, sources_pages(listed)),
        ephemeral=True,
    )


@app_commands.command(description="Show one article, whole, with its date and source")
@app_commands.describe(article="Begin to type its title, its date or its source")
async def source(interaction: "discord.Interaction[DatelineClient]", article: str) -> None:
    """The article, paged, for the one who asked."""
    client = interaction.client
    with client.working():
        await acknowledge(interaction, ephemeral=True)
        found = await client.in_worker(_find, client.library, article)
        newest = client.library.newest(found)
        pages = await client.in_worker(article_pages, found, newest)
        await despite_a_lost_connection(
            lambda: interaction.edit_original_response(
                embeds=list(pages[0]), view=article_view(found, 0, len(pages), newest)
            )
        )


@source.autocomplete("article")
async def complete_article(
    interaction: "discord.Interaction[DatelineClient]", typed: str
) -> list[app_commands.Choice[str]]:
    """Articles whose date, title or source holds every word that was typed, newest first."""
    return [
        app_commands.Choice(name=choice_name(article), value=article_key(article))
        for article in islice(interaction.client.library.matching(typed), _MAX_CHOICES)
    ]


def _find(library: Library, wanted: str) -> Article:
    """The article that was chosen from the list, or typed: its id, or words of its title.

    Raises:
        NoSuchArticleError: none matches, or several do.
    """
    try:
        return library.find(wanted)
    except GoneError:
        pass
    by_id = [article for article in library.in_order if article.article_id == wanted.strip()]
    found = by_id or list(islice(library.matching(wanted), 2))
    if not wanted.strip() or len(found) != 1:
        raise NoSuchArticleError(f"“{wanted}”")
    return found[0]

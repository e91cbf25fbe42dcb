"""/coverage: for those who run a server: what is answered from, reloading it, what is missing."""

import asyncio
import io
import logging
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.errors import acknowledge, despite_a_lost_connection
from bot.escaping import escape, length, shorten
from bot.feedback import GAPS, Gap, latest_gaps
from bot.library import MAX_LISTED
from bot.phrases import named, plural, summary_phrase
from retrieval.engine import Engine
from retrieval.errors import CorpusError
from retrieval.survey import Survey, survey
from retrieval.types import Article, Places

if TYPE_CHECKING:
    from bot.client import DatelineClient

log = logging.getLogger(__name__)

_MAX_LISTED = 3_000  # characters of one list, of the 4,096 that a card holds
_MAX_LINE = 200
_MAX_GAPS = 20
_COLOUR = 0x2B6CB0
_REASONS = {
    "nothing_relevant": "nothing on this",
    "weak": "only things near it",
    "outside_window": "not in those days",
    "empty_corpus": "no articles yet",
}
_NO_FILE = " But I may not attach it here: that needs the permission *Attach Files*."
_OFF = (
    "The list of unanswered questions is off. To turn it on, whoever runs this bot sets "
    "`DATELINE_FEEDBACK` to a folder and starts it again."
)

coverage = app_commands.Group(
    name="coverage",
    description="For those who run this server: what is answered from, and what is missing",
    default_permissions=discord.Permissions(manage_guild=True),
    guild_only=True,
    # Said in full, or what holds for all other commands would: people may install the bot for
    # themselves, and there the permissions of a server do not count.
    allowed_contexts=app_commands.AppCommandContext(
        guild=True, dm_channel=False, private_channel=False
    ),
    allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
)


@coverage.command(description="What answers are quoted from, how fresh it is and what is left out")
async def status(interaction: "discord.Interaction[DatelineClient]") -> None:
    """Compares what is answered from with the corpus folder as it is now."""
    client = interaction.client
    with client.working(), client.asking(interaction.user.id, interaction.guild_id):
        await acknowledge(interaction, ephemeral=True)
        await _show_status(interaction, "")


@coverage.command(description="Take up new, changed and deleted articles; answering goes on")
async def reload(interaction: "discord.Interaction[DatelineClient]") -> None:
    """Says what has changed once it is answered from."""
    client = interaction.client
    with client.working(), client.asking(interaction.user.id, interaction.guild_id):
        await acknowledge(interaction, ephemeral=True)
        started = time.monotonic()
        before = await asyncio.to_thread(_compared, client.engine)
        await client.reload()
        seconds = time.monotonic() - started
        after = await asyncio.to_thread(_compared, client.engine)
        changes = changes_phrase(before, after) or "nothing has changed"
        log.info("reloaded articles=%d s=%.1f", client.engine.summary.articles, seconds)
        await _show_status(interaction, f"**Reloaded in {seconds:.1f} s:** {changes}.")


@coverage.command(description="The questions that the coverage could not answer, latest first")
async def gaps(interaction: "discord.Interaction[DatelineClient]") -> None:
    """The latest, counted, and all of them as a file."""
    client = interaction.client
    with client.working(), client.asking(interaction.user.id, interaction.guild_id):
        await acknowledge(interaction, ephemeral=True)
        if client.feedback is None:
            await interaction.edit_original_response(content=_OFF)
            return
        written = await asyncio.to_thread(client.feedback.gaps_file)
        found = await asyncio.to_thread(latest_gaps, written)

        said = gaps_phrase(found)
        cards = [gaps_card(found)] if found else []

        async def show() -> None:
            files = [discord.File(io.BytesIO(written), GAPS)] if found else []
            await interaction.edit_original_response(content=said, embeds=cards, attachments=files)

        try:
            await despite_a_lost_connection(show)
        except discord.Forbidden:
            await interaction.edit_original_response(content=said + _NO_FILE, embeds=cards)


async def _show_status(interaction: "discord.Interaction[DatelineClient]", heading: str) -> None:
    client = interaction.client
    card = await asyncio.to_thread(_status, client.engine, client.places)
    await despite_a_lost_connection(
        lambda: interaction.edit_original_response(content=heading or None, embed=card)
    )


def _status(engine: Engine, places: Places) -> discord.Embed:
    listed = engine.summary.articles <= MAX_LISTED or not engine.is_shared
    return status_card(engine, _survey(places) if listed else None, listed=listed)


def _compared(engine: Engine) -> Sequence[Article]:
    """The articles that a change is told by; none where they are too many to look at."""
    too_many = engine.is_shared and engine.summary.articles > MAX_LISTED
    return () if too_many else engine.articles


def _survey(places: Places) -> Survey | None:
    """What the corpus folder holds now; None when it cannot be read."""
    try:
        return survey(places)
    except CorpusError:
        return None


def status_card(engine: Engine, found: Survey | None, *, listed: bool = True) -> discord.Embed:
    """What is answered from, how that differs from the corpus folder, and what was left out.

    Only the first of it where there are too many articles to list.
    """
    size = plural(engine.summary.passages, "passage")
    if listed:
        size += f", {plural(len({article.source for article in engine.articles}), 'source')}"
    lines = [
        f"**Answers are quoted from** {escape(summary_phrase(engine.summary))}: {size}.",
        f"**Index built** {discord.utils.format_dt(engine.built, 'f')}, "
        f"{discord.utils.format_dt(engine.built, 'R')}.",
    ]
    if not listed:
        return discord.Embed(description="\n".join(lines), colour=_COLOUR)
    if undated := sum(article.published is None for article in engine.articles):
        lines.append(
            f"**Without a date:** {plural(undated, 'article')}, which no time window finds."
        )
    if found is None:
        lines.append("**The folder of articles cannot be read just now.** Answers go on.")
        return discord.Embed(description="\n".join(lines), colour=_COLOUR)
    changes = changes_phrase(engine.articles, [article for article, _ in found.articles])
    if changes:
        lines.append(f"**Changed since:** {changes}. `/coverage reload` takes it up.")
    else:
        lines.append("**Up to date** with the folder of articles.")
    if found.refused:
        lines.append(f"**Left out ({len(found.refused):,}), and why:**")
        lines += _listed(f"- {escape(shorten(str(error), _MAX_LINE))}" for error in found.refused)
    return discord.Embed(description="\n".join(lines), colour=_COLOUR)


def changes_phrase(before: Iterable[Article], now: Iterable[Article]) -> str:
    """How one state of the coverage differs from another: "1 new, 2 deleted"; empty if not."""
    old = {article.article_id: article for article in before}
    new = {article.article_id: article for article in now}
    counts = {
        "new": len(new.keys() - old.keys()),
        "changed": sum(new[key] != old[key] for key in new.keys() & old.keys()),
        "deleted": len(old.keys() - new.keys()),
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def gaps_phrase(found: Sequence[Gap]) -> str:
    """How many questions the coverage could not answer."""
    if not found:
        return "So far the coverage has answered every question that was asked here in public."
    asked = sum(gap.times for gap in found)
    return (
        f"**Unanswered: {plural(asked, 'question')}, {len(found):,} different.** "
        "The latest first; all that are kept stand in the file."
    )


def gaps_card(found: Sequence[Gap]) -> discord.Embed:
    """The latest questions, one a line, with how often and when they were asked."""
    lines = _listed(
        f"- {escape(named(shorten(' '.join(gap.question.split()), _MAX_LINE)))} — "
        f"{f'{gap.times:,} times, last ' if gap.times > 1 else ''}{escape(gap.day)}, "
        f"{_REASONS.get(gap.reason, 'unanswered')}"
        for gap in found[:_MAX_GAPS]
    )
    return discord.Embed(description="\n".join(lines), colour=_COLOUR)


def _listed(lines: Iterable[str]) -> list[str]:
    """As many lines as one card has room for, and how many more there are."""
    kept: list[str] = []
    more = used = 0
    for line in lines:
        used += length(line) + 1
        if used <= _MAX_LISTED and not more:
            kept.append(line)
        else:
            more += 1
    return [*kept, f"- … and {more:,} more"] if more else kept

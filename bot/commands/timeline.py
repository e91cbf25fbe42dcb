"""/timeline: the passages on a topic in order of date, as a picture and as a list."""

import hashlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands

from bot.buttons import Stateless
from bot.cards import MAX_CONTENT, Shown, paged, quote_cards
from bot.commands.ask import DateTransformer
from bot.errors import GoneError, acknowledge, despite_a_lost_connection
from bot.escaping import escape, length, shorten
from bot.phrases import plural, timeline_phrase
from bot.picture import OTHERS, Picture, draw, source_colours
from retrieval.dates import PartialDate
from retrieval.engine import Engine
from retrieval.errors import QuestionError
from retrieval.types import Filters, Timeline

if TYPE_CHECKING:
    from bot.client import DatelineClient

MAX_TOPIC = 60  # of the 100 characters of a custom_id, 33 of which say the rest
_CARDS_A_PAGE = 5  # as much as people read before they turn a page
_FILE = "timeline.png"


@app_commands.command(description="What the coverage says on a topic, in order of date")
@app_commands.describe(
    topic="A few words, such as: sanctions",
    after="Only articles published then or later: 2024, 2024-02 or 2024-02-20",
    before="Only articles published then or earlier: 2024, 2024-02 or 2024-02-20",
    private="Show the timeline to me only",
)
async def timeline(
    interaction: "discord.Interaction[DatelineClient]",
    topic: app_commands.Range[str, 1, MAX_TOPIC],
    after: app_commands.Transform[PartialDate, DateTransformer] | None = None,
    before: app_commands.Transform[PartialDate, DateTransformer] | None = None,
    private: bool = False,
) -> None:
    """Acknowledges at once, draws in the worker thread."""
    client = interaction.client
    if length(topic) > MAX_TOPIC:
        raise QuestionError(f"the topic is longer than {MAX_TOPIC} characters; emoji count as two")
    with client.working(), client.asking(interaction.user.id, interaction.guild_id):
        await acknowledge(interaction, ephemeral=private)
        may_attach = interaction.app_permissions.attach_files
        found, picture = await client.in_worker(
            _made, client.engine, topic, Filters(after, before), draw_it=may_attach
        )
        shown = timeline_message(found, lacks_picture=not may_attach)

        async def send() -> None:
            await interaction.edit_original_response(
                content=shown.content,
                attachments=[_file(picture)] if picture else [],
                embeds=list(shown.pages[0]) if shown.pages else [],
                view=turner(found, 0, len(shown.pages)),
            )

        await despite_a_lost_connection(send)


def _made(
    engine: Engine, topic: str, filters: Filters, *, draw_it: bool
) -> tuple[Timeline, Picture | None]:
    found = engine.timeline(topic, filters)
    return found, draw(found) if draw_it else None


def _file(picture: Picture) -> discord.File:
    return discord.File(io.BytesIO(picture.png), _FILE, description=picture.alt)


def timeline_message(found: Timeline, *, lacks_picture: bool = False) -> Shown:
    """A card for each quote, with the number and the colour it has in the picture.

    Args:
        found: what the engine found.
        lacks_picture: Discord does not let us attach one here.
    """
    lines = [f"**{escape(found.topic)}**", f"-# {escape(timeline_phrase(found))}"]
    undated = sum(quote.article.published is None for quote in found.quotes)
    if undated and undated == len(found.quotes):
        lines.append("-# None of them has a date, so there is no picture.")
    elif undated:
        lines.append(f"-# {plural(undated, 'passage')} without a date: last, and not drawn.")
    if found.quotes and lacks_picture:
        lines.append("-# For the picture I need the permission *Attach Files* here.")
    return Shown(shorten("\n".join(lines), MAX_CONTENT), timeline_pages(found))


def timeline_pages(found: Timeline) -> tuple[tuple[discord.Embed, ...], ...]:
    """The cards, five a page."""
    colours = source_colours(found.quotes)
    cards = []
    for number, quote in enumerate(found.quotes, start=1):
        for card in quote_cards(quote, colour=colours.get(quote.article.source, OTHERS)):
            cards.append(card.set_author(name=f"{number} · {card.author.name}"))
    return paged(cards, _CARDS_A_PAGE)


@dataclass(frozen=True)
class _Reference:
    """What a button knows: enough to find the timeline again, and to see that it has changed."""

    after: str
    before: str
    digest: str
    topic: str

    @classmethod
    def to(cls, found: Timeline) -> Self:
        after, before = found.filters.after, found.filters.before
        return cls(str(after or ""), str(before or ""), _digest(found), found.topic)

    def __str__(self) -> str:
        return f"{self.after}:{self.before}:{self.digest}:{self.topic}"

    def filters(self) -> Filters:
        """The window.

        Raises:
            GoneError: it is none; no button of ours says so.
        """
        try:
            after = PartialDate.from_iso(self.after) if self.after else None
            before = PartialDate.from_iso(self.before) if self.before else None
        except ValueError:
            raise GoneError from None
        return Filters(after, before)


def _digest(found: Timeline) -> str:
    """Four characters that stand for the quotes as they are now."""
    text = "\0".join(f"{quote.article.article_id}\0{quote.text}" for quote in found.quotes)
    return hashlib.sha256(text.encode()).hexdigest()[:4]


class TimelineButton(
    Stateless,
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=re.compile(
        r"tl(?P<side>[<>])(?P<page>\d{1,2}):(?P<after>[\d-]{0,10}):(?P<before>[\d-]{0,10})"
        r":(?P<digest>[0-9a-f]{4}):(?P<topic>.+)",
        re.DOTALL,
    ),
):
    """A button that shows another page of the list, which is found anew: nothing is stored."""

    def __init__(self, side: str, page: int, of: _Reference, **looks: Any) -> None:
        self.page, self.of = page, of
        super().__init__(discord.ui.Button(custom_id=f"tl{side}{page}:{of}", row=0, **looks))

    @classmethod
    def found(cls, match: re.Match[str]) -> Self:
        """The button that a `custom_id` names."""
        reference = _Reference(match["after"], match["before"], match["digest"], match["topic"])
        return cls(match["side"], int(match["page"]), reference)

    async def press(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        """Turns the page in place; the picture stays."""
        client = interaction.client
        with client.working(), client.asking(interaction.user.id, interaction.guild_id):
            await acknowledge(interaction, update=True)
            filters = self.of.filters()
            found = await client.in_worker(client.engine.timeline, self.of.topic, filters)
            pages = timeline_pages(found)
            if _digest(found) != self.of.digest or self.page >= len(pages):
                raise GoneError
            await despite_a_lost_connection(
                lambda: interaction.edit_original_response(
                    embeds=list(pages[self.page]), view=turner(found, self.page, len(pages))
                )
            )


def turner(found: Timeline, page: int, pages: int) -> discord.ui.View:
    """Buttons to the pages before and after; none when there is but one page."""
    view = discord.ui.View(timeout=None)
    if pages > 1:
        reference = _Reference.to(found)
        back, on = max(0, page - 1), min(pages - 1, page + 1)
        label, is_last = f"{page + 1}/{pages} ▶", page == pages - 1
        view.add_item(TimelineButton("<", back, reference, label="◀", disabled=page == 0))
        view.add_item(TimelineButton(">", on, reference, label=label, disabled=is_last))
    return view

"""What survives a restart: buttons whose `custom_id` says all they need.

    <what>:<page>:<of what>
    q quotes · m more passages · n nearest passages · c what stands around one of some quotes
    o which article to open · a one article · s sources

and, in other files, `v:<verdict>:<of what>` of a thumb and `tl<side><page>:…` of a timeline.

`references.py` says how quotes are named.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.cards import (
    Shown,
    article_pages,
    choice_name,
    context,
    context_message,
    more_message,
    nearest_message,
    page_at,
    quote_pages,
    sources_message,
    sources_pages,
)
from bot.errors import GoneError, acknowledge, despite_a_lost_connection, tell
from bot.escaping import shorten
from bot.library import Library
from bot.references import (
    find_each,
    find_filters,
    place_of,
    quotes_reference,
    reference_to_some,
    required,
)
from retrieval.types import (
    Answer,
    Article,
    Quote,
    article_key,
)

if TYPE_CHECKING:
    from bot.client import DatelineClient

MAX_CUSTOM_ID = 100  # Discord's limit
_MAX_LABEL = 80  # Discord's limit, like the next
_MAX_ROWS = 5
_MAX_STEPS = 9  # how often *More context* can be pressed


class Stateless(ABC):
    """What every button of ours is: made anew from its `custom_id`, and answered whatever fails."""

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button as it was when its message was sent, perhaps before a restart."""
        return cls.found(match)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Does what is pressed for, or tells the one who pressed why not."""
        try:
            await self.press(interaction)
        except Exception as error:  # discord.py would only log it, and the button would hang
            await tell(interaction, error)

    @classmethod
    @abstractmethod
    def found(cls, match: re.Match[str]) -> Self:
        """The button that a `custom_id` names."""

    @abstractmethod
    async def press(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        """What it is pressed for."""


class PageButton(
    Stateless,
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=re.compile(
        r"(?P<what>[qmncoas]):(?P<page>\d{1,4}):(?P<of>[\w.,-]*)"
        r"(?:\+(?P<steps>\d))?(?P<side>[<>!]?)"
    ),
):
    """A button that shows a page of something, in place or, with "!", to the one who presses.

    Args:
        what: a letter, see above.
        page: from 0; of context, which of the quotes.
        of: what it is a page of, by its key or its quotes.
        side: "!" opens; others only keep two buttons to the same page apart.
        steps: of context, how far it goes; see `around`.
        looks: how the button looks.
    """

    def __init__(
        self, what: str, page: int, of: str, side: str = "", steps: int = 1, **looks: Any
    ) -> None:
        self.what, self.page, self.of, self.side, self.steps = what, page, of, side, steps
        far = f"+{steps}" if steps > 1 else ""
        super().__init__(discord.ui.Button(custom_id=f"{what}:{page}:{of}{far}{side}", **looks))

    @classmethod
    def found(cls, match: re.Match[str]) -> Self:
        """The button that a `custom_id` names."""
        steps = int(match["steps"] or 1)
        return cls(match["what"], int(match["page"]), match["of"], match["side"], steps)

    async def press(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        """Turns the page in place, or opens it for the one who pressed only."""
        with interaction.client.working():
            await (self._open_article if self.what == "a" else self._turn)(interaction)

    async def _turn(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        library = interaction.client.library
        # Where articles are in Milvus, finding them takes as long as Milvus does.
        found = await asyncio.to_thread(self._found, library)
        shown, view = self._shown(library, found)
        cards = list(shown.pages[0]) if shown.pages else []
        if self.side == "!":
            await interaction.response.send_message(
                shown.content, embeds=cards, view=view, ephemeral=True
            )
            return
        if self.what == "q" and self.view is not None:
            for item in self.view.children:  # the buttons below stay
                if not (getattr(item, "custom_id", None) or "q:").startswith("q:"):
                    view.add_item(item)
        await interaction.response.edit_message(embeds=cards, view=view)

    async def _open_article(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        key, _, start = self.of.partition(".")
        library = interaction.client.library
        article = await asyncio.to_thread(library.find, key)
        newest = library.newest(article)
        opens = self.side == "!"
        await acknowledge(interaction, ephemeral=opens, update=not opens)
        # A long article takes a while to page.
        pages = await interaction.client.in_worker(article_pages, article, newest)
        page = page_at(pages, int(start, 36)) if start else self.page
        if page >= len(pages):
            raise GoneError
        view = article_view(article, page, len(pages), newest)
        await despite_a_lost_connection(
            lambda: interaction.edit_original_response(
                content=None, embeds=list(pages[page]), view=view
            )
        )

    def _found(self, library: Library) -> Sequence[Quote | None]:
        """The quotes that this button is about, None for each that is gone; blocks."""
        return () if self.what == "s" else find_each(library, self.of)

    def _shown(
        self, library: Library, found: Sequence[Quote | None]
    ) -> tuple[Shown, discord.ui.View]:
        """The page that this button leads to, alone, and the buttons below it.

        Args:
            library: what can be listed.
            found: what `_found` gave.

        Raises:
            GoneError: there is no such page any more.
        """
        match self.what:
            case "s":
                filters = find_filters(self.of)
                listed = library.admitted(filters)
                shown = sources_message(listed, library.summary, self.page, filters, library.newer)
                if not shown.pages:
                    raise GoneError
                return shown, pager("s", self.of, self.page, sources_pages(listed))
            case "c":
                return self._context(found)
            case "o":
                left = [quote for quote in found if quote is not None]
                return Shown("**Which article?**"), _articles_view(left)
        quotes = [required(quote) for quote in found]
        shown = {"n": nearest_message, "m": more_message}.get(self.what, _quotes)(quotes)
        if self.page >= len(shown.pages):
            raise GoneError
        view = pager(self.what, self.of, self.page, len(shown.pages))
        if self.what != "q":
            _add_closer_looks(view, quotes, self.of)
        return Shown(shown.content, (shown.pages[self.page],)), view

    def _context(self, quotes: Sequence[Quote | None]) -> tuple[Shown, discord.ui.View]:
        if self.page >= len(quotes):
            raise GoneError
        quote = required(quotes[self.page])
        view = pager("c", self.of, self.page, len(quotes))
        further = self.steps + 1
        if further <= _MAX_STEPS and context(quote, further) != context(quote, self.steps):
            view.add_item(
                PageButton("c", self.page, self.of, steps=further, label="More context", row=1)
            )
        view.add_item(PageButton("a", 0, place_of(quote), "!", label="Open article", row=1))
        return context_message(quote, self.steps), view


def pager(what: str, of: str, page: int, pages: int) -> discord.ui.View:
    """Buttons to the pages before and after; none when there is but one page."""
    view = discord.ui.View(timeout=None)
    if pages > 1:
        before, after = max(0, page - 1), min(pages - 1, page + 1)
        label = f"{page + 1}/{pages} ▶"
        view.add_item(PageButton(what, before, of, "<", label="◀", disabled=page == 0, row=0))
        view.add_item(
            PageButton(what, after, of, ">", label=label, disabled=page == pages - 1, row=0)
        )
    return view


def article_view(
    article: Article, page: int, pages: int, newest: Article | None = None
) -> discord.ui.View:
    """The buttons below a page of an article: other pages, and its newest version if any."""
    view = pager("a", article_key(article), page, pages)
    if newest is not None:
        button = PageButton("a", 0, article_key(newest), label="Newest version", row=1)
        view.add_item(button)
    return view


def answer_view(answer: Answer, pages: int) -> discord.ui.View:
    """The buttons below an answer: other pages, and ways to look closer.

    Args:
        answer: what is shown.
        pages: how many its quotes take.
    """
    if answer.abstained:
        view = discord.ui.View(timeout=None)
        if reference := reference_to_some(answer.nearest):
            view.add_item(PageButton("n", 0, reference, "!", label="Nearest passages"))
        return view
    reference = quotes_reference(answer.quotes)
    if reference is None:
        return discord.ui.View(timeout=None)
    view = pager("q", reference, 0, pages)
    _add_closer_looks(view, answer.quotes, reference)
    if more := reference_to_some(answer.more):
        view.add_item(PageButton("m", 0, more, "!", label="More passages", row=1))
    return view


def _add_closer_looks(view: discord.ui.View, quotes: Sequence[Quote], reference: str) -> None:
    """Adds the buttons to what stands around these quotes, and to their articles."""
    view.add_item(PageButton("c", 0, reference, "!", label="More context", row=1))
    if len({article_key(quote.article) for quote in quotes}) > 1:
        button = PageButton("o", 0, reference, "!", label="Open article", row=1)
    else:
        button = PageButton("a", 0, place_of(quotes[0]), "!", label="Open article", row=1)
    view.add_item(button)


def _articles_view(quotes: Sequence[Quote]) -> discord.ui.View:
    """A button to the article of each quote, in a row of its own."""
    view = discord.ui.View(timeout=None)
    places: dict[str, Quote] = {}
    for quote in quotes:
        places.setdefault(article_key(quote.article), quote)
    for row, quote in enumerate(list(places.values())[:_MAX_ROWS]):
        label = shorten(choice_name(quote.article), _MAX_LABEL)
        view.add_item(PageButton("a", 0, place_of(quote), label=label, row=row))
    if not view.children:
        raise GoneError
    return view


def _quotes(quotes: Sequence[Quote]) -> Shown:
    return Shown("", quote_pages(quotes))

"""What survives a restart: buttons whose `custom_id` says all they need.

    <what>:<page>:<of what>
    q quotes · n nearest passages · s sources · a one article

and, in `bot.thumbs`, v:<verdict>:<of what>.

Quotes are named by article key, start and length, so that no question and no database is needed.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.cards import (
    Shown,
    article_pages,
    nearest_message,
    quote_pages,
    sources_message,
    sources_pages,
)
from bot.errors import GoneError, tell
from retrieval.survey import date_order
from retrieval.types import Article, CorpusSummary, Quote, Span

if TYPE_CHECKING:
    from bot.client import DatelineClient

MAX_CUSTOM_ID = 100  # Discord's limit
_MAX_QUOTES = 4  # a quote takes at most 22 characters of the custom_id
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=100_000)
def article_key(article: Article) -> str:
    """Ten characters that stand for an article as it is now: another text has another key."""
    digest = hashlib.sha256(f"{article.article_id}\0{article.text}".encode()).digest()
    return base64.urlsafe_b64encode(digest)[:10].decode()


class Library:
    """Articles by their keys, and in order of date."""

    def __init__(self, articles: Iterable[Article], summary: CorpusSummary) -> None:
        self.summary = summary
        self.by_key = {article_key(article): article for article in articles}
        self.in_order = sorted(self.by_key.values(), key=date_order)

    def find(self, key: str) -> Article:
        """The article with this key.

        Raises:
            GoneError: there is none, or its text has changed since the key was made.
        """
        try:
            return self.by_key[key]
        except KeyError:
            raise GoneError from None


def quotes_reference(quotes: Sequence[Quote]) -> str | None:
    """A short name for up to four quotes; None when there are more, or none."""
    if not 0 < len(quotes) <= _MAX_QUOTES:
        return None
    return ",".join(
        f"{article_key(quote.article)}{_base36(quote.span.start)}."
        f"{_base36(quote.span.end - quote.span.start)}"
        for quote in quotes
    )


def find_quotes(library: Library, reference: str) -> list[Quote]:
    """The quotes that `quotes_reference` named.

    Raises:
        GoneError: one of their articles is gone or has changed.
    """
    quotes = []
    for part in reference.split(","):
        article = library.find(part[:10])
        start, _, count = part[10:].partition(".")
        try:
            span = Span(int(start, 36), int(start, 36) + int(count, 36))
        except ValueError:
            raise GoneError from None
        if span.end > len(article.text):
            raise GoneError
        quotes.append(Quote(article, span, score=0.0))
    return quotes


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


class PageButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=re.compile(r"(?P<what>[qnsa]):(?P<page>\d{1,4}):(?P<of>[\w.,-]*)(?P<side>[<>!]?)"),
):
    """A button that shows another page of what it belongs to, or opens the nearest passages."""

    def __init__(self, what: str, page: int, of: str, side: str = "", **looks: Any) -> None:
        self.what, self.page, self.of = what, page, of
        super().__init__(discord.ui.Button(custom_id=f"{what}:{page}:{of}{side}", row=0, **looks))

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The button as it was when its message was sent, perhaps before a restart."""
        return cls(match["what"], int(match["page"]), match["of"], match["side"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Turns the page in place; the nearest passages open for the one who pressed only."""
        try:
            await self._turn(interaction)
        except Exception as error:  # discord.py would only log it, and the button would hang
            await tell(interaction, error)

    async def _turn(self, interaction: "discord.Interaction[DatelineClient]") -> None:
        client = interaction.client
        if self.what == "a":  # a long article takes a while to page
            await interaction.response.defer()
            _, page, pages = await client.in_worker(self._page, client.library)
            view = pager(self.what, self.of, self.page, pages)
            await interaction.edit_original_response(embeds=page, view=view)
            return
        content, page, pages = self._page(client.library)
        view = pager(self.what, self.of, self.page, pages)
        for thumb in self._thumbs():
            view.add_item(thumb)
        if self.what == "n" and self.page == 0 and not _is_own(interaction):
            await interaction.response.send_message(content, embeds=page, view=view, ephemeral=True)
        else:
            await interaction.response.edit_message(embeds=page, view=view)

    def _thumbs(self) -> list[discord.ui.Button[Any]]:
        """The thumbs on the message that this button stands on."""
        beside = self.view.children if self.view is not None and self.what == "q" else ()
        return [
            item
            for item in beside
            if isinstance(item, discord.ui.Button) and (item.custom_id or "").startswith("v:")
        ]

    def _page(self, library: Library) -> tuple[str, list[discord.Embed], int]:
        """What stands above the page this button leads to, the page, and how many there are.

        Raises:
            GoneError: there is no such page any more.
        """
        match self.what:
            case "s":
                shown = sources_message(library.in_order, library.summary, self.page)
                if not shown.pages:
                    raise GoneError
                return shown.content, list(shown.pages[0]), sources_pages(library.in_order)
            case "a":
                shown = Shown("", article_pages(library.find(self.of)))
            case "n":
                shown = nearest_message(find_quotes(library, self.of))
            case _:
                shown = Shown("", quote_pages(find_quotes(library, self.of)))
        if self.page >= len(shown.pages):
            raise GoneError
        return shown.content, list(shown.pages[self.page]), len(shown.pages)


def _is_own(interaction: discord.Interaction[Any]) -> bool:
    """Whether the button stands on a message that shows the nearest passages already."""
    return interaction.message is not None and bool(interaction.message.embeds)


def pager(what: str, of: str, page: int, pages: int) -> discord.ui.View:
    """Buttons to the pages before and after; none when there is but one page."""
    view = discord.ui.View(timeout=None)
    if pages > 1:
        view.add_item(PageButton(what, max(0, page - 1), of, "<", label="◀", disabled=page == 0))
        view.add_item(
            PageButton(
                what,
                min(pages - 1, page + 1),
                of,
                ">",
                label=f"{page + 1}/{pages} ▶",
                disabled=page == pages - 1,
            )
        )
    return view


def quotes_view(quotes: Sequence[Quote], nearest: Sequence[Quote], pages: int) -> discord.ui.View:
    """The buttons below an answer: other pages, or the nearest passages when it abstains."""
    view = discord.ui.View(timeout=None)
    if quotes and pages > 1 and (reference := quotes_reference(quotes)):
        return pager("q", reference, 0, pages)
    if not quotes and (reference := quotes_reference(nearest)):
        view.add_item(PageButton("n", 0, reference, "!", label="Nearest passages"))
    return view

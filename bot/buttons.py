"""What survives a restart: buttons whose `custom_id` says all they need.

    <what>:<page>:<of what>
    q quotes · m more passages · n nearest passages · c what stands around one of some quotes
    o which article to open · a one article · s sources

and, in other files, `v:<verdict>:<of what>` of a thumb and `tl<side><page>:…` of a timeline.

Quotes are named by article key, span and highlight, so that no question and no database is needed.
"""

import asyncio
import base64
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
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
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError
from retrieval.types import (
    Answer,
    Article,
    CorpusSummary,
    Filters,
    Quote,
    Span,
    article_key,
    date_order,
)

if TYPE_CHECKING:
    from bot.client import DatelineClient
    from retrieval.engine import Engine

MAX_CUSTOM_ID = 100  # Discord's limit
_MAX_REFERENCE = 88  # of it: the rest says what is done with the quotes
_MAX_SOURCE = 51  # bytes of a source in a custom_id: 68 characters beside two dates
_MAX_LABEL = 80  # Discord's limit, like the next
_MAX_ROWS = 5
_MAX_QUOTES = 9  # no more can fit
_KEY_BYTES = 6  # of an article in a reference; a million articles are told apart
_MAX_STEPS = 9  # how often *More context* can be pressed
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _short_key(article: Article) -> bytes:
    """The start of its key."""
    return base64.urlsafe_b64decode(article_key(article)[:8])


MAX_LISTED = 50_000
"""Articles that lists are made of. A coverage of more, which is in Milvus, is only asked."""


class Library:
    """Articles by their keys, and in order of date."""

    def __init__(
        self,
        articles: Iterable[Article],
        summary: CorpusSummary,
        find: Callable[[str], Article | None] = lambda key: None,
        newer: Mapping[str, Sequence[Article]] | None = None,
    ) -> None:
        """What can be listed and found.

        Args:
            articles: what is listed.
            summary: of all that answers are quoted from.
            find: finds others by the start of their key.
            newer: the newer versions of superseded articles, the newest last, by `article_id`.
        """
        self.summary = summary
        self.newer = newer or {}
        self._find = find
        self.by_key = {article_key(article): article for article in articles}
        self.in_order = sorted(self.by_key.values(), key=date_order)
        self.sources = sorted({article.source for article in self.in_order})
        self._described = [
            (f"{article.published or ''} {article.title} {article.source}".casefold(), article)
            for article in reversed(self.in_order)
        ]
        self._by_short_key = {_short_key(article): article for article in self.in_order}

    def admitted(self, filters: Filters) -> list[Article]:
        """The articles that the filters let in, in order of date.

        Raises:
            QuestionError: no source is named so; the window ends before it begins.
        """
        if self.summary.articles > len(self.in_order):
            raise QuestionError(
                f"there are {self.summary.articles:,} articles, too many to list; ask about them"
            )
        checked = filters.checked(self.sources)
        return [article for article in self.in_order if checked.admits(article)]

    def matching(self, typed: str) -> Iterator[Article]:
        """Articles whose date, title or source holds every word that was typed, newest first."""
        words = typed.casefold().split()
        for described, article in self._described:
            if all(word in described for word in words):
                yield article

    def find(self, key: str) -> Article:
        """The article with this key.

        Raises:
            GoneError: there is none, or its text has changed since the key was made.
        """
        if (article := self.look_up(key)) is None:
            raise GoneError
        return article

    def look_up(self, key: str) -> Article | None:
        """The article with this key; None if there is none."""
        return self.by_key.get(key) or self._find(key)

    def get(self, short_key: bytes) -> Article | None:
        """The article whose key begins so, as references name it; None if there is none."""
        key = base64.urlsafe_b64encode(short_key).decode()
        return self._by_short_key.get(short_key) or self._find(key)

    def newest(self, article: Article) -> Article | None:
        """The newest version of an article that was superseded; None for others."""
        return next(reversed(self.newer.get(article.article_id, ())), None)

    @classmethod
    def of(cls, engine: "Engine") -> "Library":
        """What an engine answers from; blocks."""
        if not engine.is_shared:
            return cls(engine.articles, engine.summary, newer=engine.newer)
        listed = engine.articles if engine.summary.articles <= MAX_LISTED else ()
        return cls(listed, engine.summary, engine.find, engine.newer)


def filters_reference(filters: Filters) -> str:
    """A short name for filters; of a long source as much as fits, which still finds it."""
    source = (filters.source or "").strip().encode()[:_MAX_SOURCE].decode(errors="ignore")
    parts = [str(filters.after or ""), str(filters.before or ""), _encoded(source)]
    return ",".join(parts) if any(parts) else ""


def find_filters(reference: str) -> Filters:
    """The filters that `filters_reference` named.

    Raises:
        GoneError: it names none.
    """
    after, before, source = ([*reference.split(","), "", ""])[:3]
    try:
        return Filters(
            PartialDate.from_iso(after) if after else None,
            PartialDate.from_iso(before) if before else None,
            base64.urlsafe_b64decode(source + "=" * (-len(source) % 4)).decode() or None,
        )
    except ValueError:
        raise GoneError from None


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def quotes_reference(quotes: Sequence[Quote]) -> str | None:
    """A short name for some quotes, about four; None when they are too many, or none.

    What does not fit is left out: first where near-copies stand, then what is highlighted.
    """
    if not 0 < len(quotes) <= _MAX_QUOTES:
        return None
    for also_in, highlight in ((9, True), (3, True), (2, True), (1, True), (0, True), (0, False)):
        packed = base64.urlsafe_b64encode(_packed(quotes, also_in, highlight=highlight))
        if len(reference := packed.rstrip(b"=").decode()) <= _MAX_REFERENCE:
            return reference
    return None


def _packed(quotes: Sequence[Quote], also_in: int, *, highlight: bool) -> bytes:
    """The keys of articles, then numbers: each quote's article, span, highlight, near-copies."""
    named = [(quote.article, *quote.also_in[:also_in]) for quote in quotes]
    keys = list(dict.fromkeys(_short_key(article) for articles in named for article in articles))
    numbers: list[int] = []
    for quote, articles in zip(quotes, named, strict=True):
        first, *others = (keys.index(_short_key(article)) for article in articles)
        numbers += [first, quote.span.start, quote.span.end - quote.span.start]
        if highlight and quote.highlight is not None:
            numbers += [quote.highlight.end - quote.highlight.start, quote.highlight.start]
        else:
            numbers.append(0)
        numbers += [len(others), *others]
    return bytes([len(keys)]) + b"".join(keys) + b"".join(map(_varint, numbers))


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; every byte but the last one has its highest bit set."""
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*packed, number])


def _numbers(packed: bytes) -> Iterator[int]:
    """The numbers that `_varint` made this from."""
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number without its end")


def find_quotes(library: Library, reference: str) -> list[Quote]:
    """The quotes that `quotes_reference` named, in this version or in the one before it.

    Raises:
        GoneError: one of their articles is gone or has changed.
    """
    return [_require(quote) for quote in _find_each(library, reference)]


def _require(quote: Quote | None) -> Quote:
    if quote is None:
        raise GoneError
    return quote


def _find_each(library: Library, reference: str) -> list[Quote | None]:
    """Likewise, None for each quote whose article is gone or has changed.

    Raises:
        GoneError: this names no quotes.
    """
    try:
        quotes = (_read_old if "." in reference else _read)(library, reference)
    except (ValueError, IndexError):
        raise GoneError from None
    if not quotes:
        raise GoneError
    return quotes


def _read(library: Library, reference: str) -> list[Quote | None]:
    padding = "=" * (-len(reference) % 4)
    packed = base64.b64decode(reference + padding, altchars=b"-_", validate=True)
    end = 1 + packed[0] * _KEY_BYTES
    articles = [library.get(packed[at : at + _KEY_BYTES]) for at in range(1, end, _KEY_BYTES)]
    numbers = deque(_numbers(packed[end:]))
    take = numbers.popleft
    quotes = []
    while numbers:
        article, start, size = articles[take()], take(), take()
        marked = take()
        highlight = Span(at := take(), at + marked) if marked else None
        others = [articles[take()] for _ in range(take())]
        also_in = tuple(other for other in others if other is not None)
        quotes.append(_quote(article, Span(start, start + size), highlight, also_in))
    return quotes


def _read_old(library: Library, reference: str) -> list[Quote | None]:
    """Of version 0.1: without what is highlighted and where near-copies stand."""
    quotes = []
    for part in reference.split(","):
        start, _, size = part[10:].partition(".")
        span = Span(int(start, 36), int(start, 36) + int(size, 36))
        quotes.append(_quote(library.look_up(part[:10]), span))
    return quotes


def _quote(
    article: Article | None,
    span: Span,
    highlight: Span | None = None,
    also_in: tuple[Article, ...] = (),
) -> Quote | None:
    """The quote; None without its article.

    Raises:
        ValueError: there is nothing to see, or it ends after the article or its highlight after it.
    """
    if article is None:
        return None
    quote = Quote(article, span, 0.0, highlight, also_in)
    too_far = span.end > len(article.text) or (highlight and highlight.end > len(quote.text))
    if too_far or not quote.text.strip():
        raise ValueError(f"no quote at {span}")
    return quote


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


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
        return () if self.what == "s" else _find_each(library, self.of)

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
        quotes = [_require(quote) for quote in found]
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
        quote = _require(quotes[self.page])
        view = pager("c", self.of, self.page, len(quotes))
        further = self.steps + 1
        if further <= _MAX_STEPS and context(quote, further) != context(quote, self.steps):
            view.add_item(
                PageButton("c", self.page, self.of, steps=further, label="More context", row=1)
            )
        view.add_item(PageButton("a", 0, _place(quote), "!", label="Open article", row=1))
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
        if reference := _reference_to_some(answer.nearest):
            view.add_item(PageButton("n", 0, reference, "!", label="Nearest passages"))
        return view
    reference = quotes_reference(answer.quotes)
    if reference is None:
        return discord.ui.View(timeout=None)
    view = pager("q", reference, 0, pages)
    _add_closer_looks(view, answer.quotes, reference)
    if more := _reference_to_some(answer.more):
        view.add_item(PageButton("m", 0, more, "!", label="More passages", row=1))
    return view


def _add_closer_looks(view: discord.ui.View, quotes: Sequence[Quote], reference: str) -> None:
    """Adds the buttons to what stands around these quotes, and to their articles."""
    view.add_item(PageButton("c", 0, reference, "!", label="More context", row=1))
    if len({article_key(quote.article) for quote in quotes}) > 1:
        button = PageButton("o", 0, reference, "!", label="Open article", row=1)
    else:
        button = PageButton("a", 0, _place(quotes[0]), "!", label="Open article", row=1)
    view.add_item(button)


def _articles_view(quotes: Sequence[Quote]) -> discord.ui.View:
    """A button to the article of each quote, in a row of its own."""
    view = discord.ui.View(timeout=None)
    places: dict[str, Quote] = {}
    for quote in quotes:
        places.setdefault(article_key(quote.article), quote)
    for row, quote in enumerate(list(places.values())[:_MAX_ROWS]):
        label = shorten(choice_name(quote.article), _MAX_LABEL)
        view.add_item(PageButton("a", 0, _place(quote), label=label, row=row))
    if not view.children:
        raise GoneError
    return view


def _place(quote: Quote) -> str:
    """The article of a quote, and where in it to open."""
    return f"{article_key(quote.article)}.{_base36(quote.span.start)}"


def _reference_to_some(quotes: Sequence[Quote]) -> str | None:
    """A reference to as many of them as fit, without highlight: they may not answer."""
    plain = [replace(quote, highlight=None) for quote in quotes]
    references = (quotes_reference(plain[:count]) for count in range(len(plain), 0, -1))
    return next((reference for reference in references if reference), None)


def _quotes(quotes: Sequence[Quote]) -> Shown:
    return Shown("", quote_pages(quotes))

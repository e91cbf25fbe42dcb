"""Answers and articles → what Discord shows: escaped, dated, within every limit. Pure functions."""

import unicodedata
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import discord

from bot.escaping import emphasise, escape, length, shorten, unescape
from bot.links import link_to
from bot.messages import question_line
from bot.phrases import (
    ABSTAINED,
    CORRECTION,
    SUPERSEDED,
    also_in_phrase,
    date_phrase,
    filters_phrase,
    named,
    order_phrase,
    place_phrase,
    plural,
    reason_sentence,
    scope_phrase,
    summary_phrase,
)
from retrieval.context import around, place
from retrieval.types import Answer, Article, CorpusSummary, Filters, Quote, Span

# Discord's limits: https://discord.com/developers/docs/resources/message
MAX_CONTENT = 2_000
MAX_EMBEDS = 10
MAX_EMBED_TOTAL = 6_000
MAX_TITLE = 256
MAX_CHOICE = 100

_MAX_DESCRIPTION = 3_500  # of 4,096: leaves room for title and footer in the total of a message
_MAX_BOLD = 40  # that marks of bold may take: ten lines of it
_MAX_NAME = 200  # of 256 for an author's name, 2,048 for a footer: one line on a wide screen
_MAX_CORRECTION = 300  # of 1,024 for a field: what was wrong; the article has it whole
_MAX_DERIVED = 70  # of a title that is the article's first sentence: below it stands the quote
_ARTICLES_A_PAGE = 10
_COLOUR = 0x2B6CB0
_NEAR_COLOUR = 0x8A8F98  # grey: these do not answer
_BLANKS = " \n\t\u3000"  # words end at these
_MAX_DRAWN = 40  # characters drawn as one; more than any script or emoji needs


@dataclass(frozen=True)
class Shown:
    """A message of one or more pages; all show the same content above their cards."""

    content: str
    pages: tuple[tuple[discord.Embed, ...], ...] = ()


def answer_message(answer: Answer) -> Shown:
    """An answer: a card for each quote, or why the coverage is silent.

    The question stands above: Discord hides what was typed after a command, and whoever replies
    asks on from it.
    """
    lines = [question_line(answer.question)]
    if answer.abstained:
        lines.append(f"**{ABSTAINED}** {escape(reason_sentence(answer))}")
    lines.append(f"-# {escape(_scope(answer))}")
    return Shown(shorten("\n".join(lines), MAX_CONTENT), quote_pages(answer.quotes))


def nearest_message(quotes: Sequence[Quote]) -> Shown:
    """What came nearest to a question that the coverage does not answer."""
    return Shown(
        "**Nearest passages.** They do not answer the question.",
        quote_pages(quotes, colour=_NEAR_COLOUR),
    )


def more_message(quotes: Sequence[Quote]) -> Shown:
    """What was read beside the quotes of an answer."""
    return Shown(
        "**More passages**, the likeliest first. They may not answer the question.",
        quote_pages(quotes, colour=_NEAR_COLOUR),
    )


def context_message(quote: Quote, steps: int) -> Shown:
    """A quote, in bold, with what stands around it; `steps` as in `around`."""
    article = quote.article
    span = context(quote, steps)
    parts = cut(span.of(article.text), _MAX_DESCRIPTION)
    inside = Span(quote.span.start - span.start, quote.span.end - span.start)
    card = _article_card(article, _bold(parts[0], inside, 0), quote.text, _COLOUR)
    _add_correction(card, article)
    notes = [_place(article, span)]
    if len(parts) > 1:  # only a quote can be that long
        notes.append(f"part 1 of {len(parts)} of this quote")
    if footer := " · ".join(note for note in notes if note):
        card.set_footer(text=footer)
    return Shown("**More context.** The quote is in bold.", ((card,),))


def context(quote: Quote, steps: int) -> Span:
    """As much of the text around a quote as one card can show; `steps` as in `around`."""
    return around(quote.article, quote.span, steps, _MAX_DESCRIPTION, _escaped_length)


def quote_pages(
    quotes: Iterable[Quote], *, colour: int = _COLOUR
) -> tuple[tuple[discord.Embed, ...], ...]:
    """Cards in order, on as few pages as Discord's limits for one message allow."""
    return paged(card for quote in quotes for card in quote_cards(quote, colour=colour))


def quote_cards(quote: Quote, *, colour: int = _COLOUR) -> list[discord.Embed]:
    """One card for a quote; several when it is too long for one, each with its part of it.

    The descriptions, un-escaped and joined, are the quote.
    """
    parts = cut(quote.text, _MAX_DESCRIPTION)
    cards = []
    start = 0
    for number, part in enumerate(parts, start=1):
        description = _bold(part, quote.highlight, start)
        start += len(part)
        card = _article_card(quote.article, description, part, colour)
        notes = [_place(quote.article, quote.span), also_in_phrase(quote.also_in)]
        if number == 1:
            _add_correction(card, quote.article)
        if len(parts) > 1:
            notes.append(f"part {number} of {len(parts)} of this quote")
        if footer := " · ".join(note for note in notes if note):
            card.set_footer(text=shorten(footer, _MAX_NAME))
        cards.append(card)
    return cards


@lru_cache(maxsize=16)  # a press on a button asks again for all pages, which a long article feels
def article_pages(
    article: Article, newest: Article | None = None
) -> tuple[tuple[discord.Embed, ...], ...]:
    """The whole article, word for word, one card a page, its metadata on the first.

    Args:
        article: what is shown.
        newest: its newest version, if that is another article.
    """
    parts = cut(article.text, _MAX_DESCRIPTION)
    pages = []
    for number, part in enumerate(parts, start=1):
        card = _article_card(article, escape(part), "", _COLOUR)
        card.set_footer(text=shorten(_metadata(article), _MAX_NAME))
        if number == 1:
            _add_correction(card, article)
            if newest is not None:
                card.add_field(name=SUPERSEDED, value=escape(_named_version(newest)), inline=False)
        else:
            card.set_footer(text=f"part {number} of {len(parts)}")
        pages.append((card,))
    return tuple(pages)


def page_at(pages: Sequence[Sequence[discord.Embed]], start: int) -> int:
    """On which page of an article the character number `start` of its text stands."""
    for number, (card,) in enumerate(pages):
        start -= len(unescape(card.description or ""))
        if start < 0:
            return number
    return 0


def sources_message(
    articles: Sequence[Article],
    summary: CorpusSummary,
    page: int = 0,
    filters: Filters | None = None,
    superseded: Container[str] = (),
) -> Shown:
    """What the corpus holds, in order of date: one page of ten articles.

    Args:
        articles: those that the filters let in.
        summary: of the whole corpus.
        page: from 0.
        filters: what the list was narrowed to.
        superseded: the ids of articles of which there is a newer version.
    """
    content = f"**The coverage:** {escape(summary_phrase(summary))}"
    if filters is not None and (only := filters_phrase(filters)):
        content += f"; {len(articles) or 'none'} {escape(only)}"
    start = page * _ARTICLES_A_PAGE
    lines = [
        f"`{date_phrase(article)}` **{escape(named(shorten(article.title, 120)))}**"
        f" — {escape(named(shorten(article.source, 60)))}"
        f"{' · superseded' if article.article_id in superseded else ''}"
        for article in articles[start : start + _ARTICLES_A_PAGE]
    ]
    if not lines:
        return Shown(content)
    card = discord.Embed(description="\n".join(lines), colour=_COLOUR)
    card.set_footer(text="/source shows one of them whole")
    return Shown(content, ((card,),))


def sources_pages(articles: Sequence[Article]) -> int:
    """How many pages the list of articles has."""
    return -(-len(articles) // _ARTICLES_A_PAGE)


def choice_name(article: Article) -> str:
    """An article as one line of a list of at most 100 characters, date first."""
    return shorten(f"{date_phrase(article)} · {article.title}", MAX_CHOICE)


def cut(text: str, limit: int) -> list[str]:
    """`text` in pieces that are at most `limit` long once escaped, cut between words.

    Joined, they are the text. Words longer than the limit are cut where they must be. A piece of
    nothing but white space, which would show as an empty card, comes only of such a run longer
    than half the limit.
    """
    pieces: list[str] = []
    start = 0
    while start < len(text):
        end = _piece_end(text, start, limit)
        pieces.append(text[start:end])
        start = end
    return pieces


def _piece_end(text: str, start: int, limit: int) -> int:
    """Where the piece that begins at `start` ends."""
    end = min(start + limit, len(text))  # escaping never shortens, so no more than this can fit
    while length(escape(text[start:end])) > limit:
        end = start + (end - start) * 9 // 10
    if end == len(text):
        return end
    visible = start + len(text[start:end].rstrip())
    if len(text) - end <= limit and text[end:].isspace() and visible - start > 1:
        end = visible - 1  # keeps something to show for the last piece
    blank = max(text.rfind(char, start, end) for char in _BLANKS)
    if text[start : blank + 1].strip():
        return blank + 1
    for whole in range(end, max(start, end - _MAX_DRAWN), -1):
        if not _drawn_as_one(text[whole - 1], text[whole]):
            return whole
    return end


def _drawn_as_one(before: str, after: str) -> bool:
    """Whether two neighbours are parts of one character as people see it."""
    return (
        before + after == "\r\n"
        or unicodedata.category(after).startswith("M")  # accents, vowel signs, emoji presentation
        or "\u200d" in (before, after)  # joins emoji into families
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # flags of regions
        or "\U0001f1e6" <= min(before, after) <= max(before, after) <= "\U0001f1ff"  # flags
    )


def _article_card(article: Article, description: str, at: str, colour: int) -> discord.Embed:
    """A card whose title opens the article on the web, at these words if there are any."""
    title = article.title
    if article.title_derived:
        title = f"{named(shorten(title, _MAX_DERIVED))} (title derived)"
    card = discord.Embed(
        title=shorten(escape(shorten(title, _MAX_NAME)), MAX_TITLE),
        url=link_to(article.url or "", at),
        description=description,
        colour=colour,
    )
    card.set_author(name=shorten(f"{date_phrase(article)} · {article.source}", _MAX_NAME))
    return card


def _add_correction(card: discord.Embed, article: Article) -> None:
    """Says what an article corrects, below what is quoted of it."""
    if article.correction is not None:
        words = shorten(article.correction.of(article.text), _MAX_CORRECTION)
        card.add_field(name=CORRECTION, value=escape(words), inline=False)


def _bold(part: str, span: Span | None, start: int) -> str:
    """A part of a text, escaped; what of it lies in `span` of that text is in bold.

    Args:
        part: stands in the text from `start` on.
        span: what to emphasise; None for nothing.
        start: counted from where `span` is counted from.
    """
    plain = escape(part)
    if span is None:
        return plain
    first, last = max(0, span.start - start), min(len(part), span.end - start)
    if first >= last:
        return plain
    marked = emphasise(part, Span(first, last))
    return marked if length(marked) - length(plain) <= _MAX_BOLD else plain


def _place(article: Article, span: Span) -> str:
    return place_phrase(*place(article, span))


def _escaped_length(text: str) -> int:
    return length(escape(text))


def _metadata(article: Article) -> str:
    facts = [
        f"date from {named(article.published_from)}" if article.published_from else "",
        f"updated {article.updated}" if article.updated else "",
        f"by {named(article.author)}" if article.author else "",
        f"id {article.article_id}",
    ]
    return " · ".join(fact for fact in facts if fact)


def _named_version(article: Article) -> str:
    updated = f", updated {article.updated}" if article.updated else ""
    title = named(shorten(article.title, _MAX_NAME - len(updated)))
    return f"{date_phrase(article)} · {title}{updated}"


def _scope(answer: Answer) -> str:
    count = plural(len(answer.quotes), "quote")
    order = f", {order_phrase(answer)}" if len(answer.quotes) > 1 else ""
    return (f"{count}{order}. " if answer.quotes else "") + scope_phrase(answer)


def paged(
    cards: Iterable[discord.Embed], most: int = MAX_EMBEDS
) -> tuple[tuple[discord.Embed, ...], ...]:
    """Cards in order on as few pages as can be, of at most `most` cards each."""
    pages: list[list[discord.Embed]] = []
    used = 0
    for card in cards:
        size = _size(card)
        if not pages or used + size > MAX_EMBED_TOTAL or len(pages[-1]) == most:
            pages.append([])
            used = 0
        pages[-1].append(card)
        used += size
    return tuple(tuple(page) for page in pages)


def _size(card: discord.Embed) -> int:
    """What a card may count towards the 6,000 characters that the cards of one message may have.

    Room for a footer and for bold is always kept: a button may know a quote without them, and has
    to find it on the same page.
    """
    texts = [card.title, escape(unescape(card.description or "")), card.author.name]
    texts += [text for field in card.fields for text in (field.name, field.value)]
    return sum(length(text or "") for text in texts) + _MAX_BOLD + _MAX_NAME

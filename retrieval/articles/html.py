"""A web page → its article: the main text, fixed when it is read, with its title and dates."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from retrieval.articles.boilerplate import OtherArticles, is_furniture
from retrieval.articles.main_text import Piece, main_text
from retrieval.articles.markup import has_markup, reduce_markup
from retrieval.articles.names import bare
from retrieval.articles.page import Block, PageError, blocks, parse, visible
from retrieval.articles.page_dates import Found, Surroundings, page_dates
from retrieval.articles.page_facts import page_facts
from retrieval.articles.plain_text import first_words, lay_out
from retrieval.articles.titles import derive_title, reads_like_a_headline
from retrieval.errors import ArticleError
from retrieval.types import Article, Span

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# What a site says instead of its article; counted only where little else is said.
_REFUSAL = re.compile(
    r"enable (?:javascript|js|cookies)|javascript (?:is )?(?:disabled|required|aktivieren)|captcha|"
    r"are you a (?:robot|human)|access denied|403 forbidden|404|page not found|"
    r"unusual traffic|checking your browser|accept (?:all )?cookies",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"\w[\W_]*[.!?…。！？؟।։።]")
_LITTLE = 400  # characters
_AN_ARTICLE = 500  # characters; a shorter <article> among others is a teaser


def read_html(
    path: str, data: bytes, notes: tuple[str, ...] = (), url: str | None = None
) -> Article:
    """The article that a web page holds, in whatever encoding.

    `url` is where the page was fetched, if that is known: the address that a page states for
    itself is preferred, and a date in either counts. The article's text is what the extractor
    takes for it, in the page's own words; its headings are in it and left out of quotes by span.

    Raises:
        ArticleError: there is no article in it, or it is no web page.
    """
    try:
        page = parse(data)
        shown = blocks(page.root)
        pieces = _without_furniture(main_text(page.root, shown, url))
    except PageError as error:
        raise ArticleError(path, str(error)) from error
    pieces, others = _first_article(pieces, shown)
    if others:
        notes += (f"{others + 1} articles on one page: only the first is read",)
    around = Surroundings.of(page.root, shown, [piece.block for piece in pieces])
    facts = page_facts(page.root, around, [url, page.saved_from])
    text = "\n\n".join(piece.text for piece in pieces)
    layout = lay_out(text)
    left_out = _left_out(pieces, shown, layout.left_out, facts.title)
    opening = first_words(text, left_out)
    if (opening is None or _is_no_article(text)) and (told := _told(around.objects)):
        notes += ("its text stands only in the page's JSON-LD: perhaps no browser shows it",)
        text, layout = told, lay_out(told)
        left_out = layout.left_out
        opening = first_words(text, left_out)
    if opening is None or _is_no_article(text):
        raise ArticleError(path, _why_none(page.root, text))
    in_text = None
    if layout.published is not None and layout.published_from is not None:
        in_text = Found(layout.published, layout.published_from)
    dates = page_dates(page.root, around, facts.addresses, in_text)
    published, updated = dates.published, dates.updated
    if facts.not_free:
        notes += ("not free to read, it says: perhaps only its beginning is on the page",)
    return Article(
        article_id=bare(path),
        text=text,
        title=facts.title or derive_title(text, opening),
        title_derived=facts.title is None,
        published=published.date if published else None,
        published_from=published.place if published else None,
        updated=updated.date if updated else None,
        source=facts.source or path,
        url=facts.url,
        author=facts.author,
        left_out=tuple(left_out),
        notes=notes + page.notes,
        updated_from=updated.place if updated else None,
    )


def _told(objects: Sequence[dict[str, object]]) -> str:
    """The text that JSON-LD says is the article's, reduced to its words; "" if there is none."""
    found = (body for one in objects if isinstance(body := one.get("articleBody"), str))
    body = next(found, "")
    words = reduce_markup(body) if has_markup(body) else body
    return visible(re.sub(r"\r\n?|\n", "\v", words))


def _without_furniture(pieces: list[Piece]) -> list[Piece]:
    """What is left once share buttons and lists of other articles' headlines are gone."""
    others = OtherArticles([piece.text for piece in pieces])
    return [
        piece
        for number, piece in enumerate(pieces)
        if not (others.owns(number) or is_furniture(piece.text))
    ]


def _first_article(pieces: list[Piece], shown: Sequence[Block]) -> tuple[list[Piece], int]:
    """The pieces of the page's first article, and how many whole articles there are beside it.

    There are several where several `<article>` elements are long and each is dated otherwise.
    """
    groups = [
        (article, list(group))
        for article, group in groupby(pieces, lambda piece: _article_of(shown[piece.block].element))
    ]
    long = [
        (article, group)
        for article, group in groups
        if article is not None and sum(len(piece.text) for piece in group) >= _AN_ARTICLE
    ]
    days = {time[:10] for article, _ in long for time in article.xpath(".//time/@datetime")[:1]}
    if len(long) < 2 or len(days) < len(long):
        return pieces, 0
    return long[0][1], len(long) - 1


def _article_of(element: "HtmlElement") -> "HtmlElement | None":
    """The outermost `<article>` around it."""
    return next(iter([*element.iterancestors("article")][-1:]), None)


def _left_out(
    pieces: Sequence[Piece], shown: Sequence[Block], metadata: Sequence[Span], title: str | None
) -> list[Span]:
    """The spans of headings, and of what reads as metadata; ordered."""
    found: list[Span] = []
    start = at = 0
    for piece in pieces:
        end = start + len(piece.text)
        heading = shown[piece.block].heading is not None and reads_like_a_headline(piece.text)
        whole = heading or piece.text == title
        if whole:
            found.append(Span(start, end))
        while at < len(metadata) and metadata[at].start < end:
            span = metadata[at]
            if not whole and span.end > start:
                found.append(Span(max(span.start, start), min(span.end, end)))
            if span.end > end:
                break
            at += 1
        start = end + len("\n\n")
    return found


def _is_no_article(text: str) -> bool:
    """Whether this little text is no sentence, or says only that there is no article here."""
    return len(text) < _LITTLE and (
        _SENTENCE.search(text) is None or _REFUSAL.search(text) is not None
    )


def _why_none(root: "HtmlElement", text: str) -> str:
    if text:
        return f"there is no article in it, only {' '.join(text.split())[:80]!r}"
    if root.find(".//frameset") is not None:
        return "there is no article in it: it only names the frames in which other pages are shown"
    return "there is no article in it"

"""Paragraphs taken out of a document → its article: the text is theirs, a blank line between."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from retrieval.articles.fields import Fields, article_from_fields
from retrieval.articles.names import bare
from retrieval.articles.plain_text import lay_out
from retrieval.dates import PartialDate
from retrieval.errors import ArticleError
from retrieval.types import Article, Span

MAX_TEXT = 5_000_000  # code points; War and Peace has 3.2 million
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a document."""

    text: str
    heading: int | None = None
    """0 for the title, 1 for a heading of the first level, and so on; None for prose."""


def read_paragraphs(
    path: str,
    paragraphs: Iterable[Paragraph],
    *,
    url: str | None = None,
    published: PartialDate | None = None,
    published_from: str | None = None,
    notes: tuple[str, ...] = (),
) -> Article:
    """The article that these paragraphs are. Its text is fixed here, and quoted from.

    White space around a paragraph and characters that no text holds are not part of it. Headings
    are left out by span; the highest is the title. The date and address given here count where
    the text states none.

    Raises:
        ArticleError: there is no text in them, or nothing but headings and metadata.
    """
    kept = [
        (words, paragraph.heading)
        for paragraph in paragraphs
        if (words := _UNREADABLE.sub("", paragraph.text).strip())
    ]
    if not kept:
        raise ArticleError(path, "there is no text in it")
    text = "\n\n".join(words for words, _ in kept)
    layout = lay_out(text)
    headings: list[tuple[int, str]] = []
    start = 0
    for words, level in kept:
        span = Span(start, start + len(words))
        start = span.end + 2
        if level is None:
            continue
        headings.append((level, " ".join(words.split())))
        if not any(span.start < other.end and other.start < span.end for other in layout.left_out):
            layout.left_out.append(span)
    layout.left_out.sort()
    top = [heading for heading in headings if heading[0] <= 1]
    if top:
        layout.stated["title"] = min(top, key=lambda heading: heading[0])[1]
    if url:
        layout.stated.setdefault("url", url)
    if layout.published is None:
        layout.published, layout.published_from = published, published_from
    return article_from_fields(path, bare(path), text, Fields("", {}), layout, notes)

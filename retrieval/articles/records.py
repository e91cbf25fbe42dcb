"""A record (a JSON object) → its article."""

import re
from collections.abc import Mapping

from retrieval.articles.decoding import require_text
from retrieval.articles.fields import Fields, article_from_fields, is_whole
from retrieval.articles.html import read_html
from retrieval.articles.markup import has_markup, is_page, reduce_markup
from retrieval.articles.plain_text import Layout, lay_out
from retrieval.errors import ArticleError
from retrieval.types import Article, Span

_TEXT = (
    *("text", "body", "content", "maintext", "articlebody", "bodytext", "fulltext", "articletext"),
    *("contenttext", "article", "story", "contenthtml", "bodyhtml", "html"),
)
_SUMMARY = ("summary", "description", "abstract", "leadparagraph", "excerpt", "snippet")
_ID = ("id", "article_id", "_id")
_INSIDE = ("rendered", "text", "html", "plain", "#text", "value")
"""Where an object that stands for a text has it: WordPress's `content: {rendered: …}`."""
_CUT_OFF = re.compile(r"\s*\[\+\d+ chars\]\s*\Z")  # NewsAPI's free plan


def read_record(
    path: str,
    fallback_id: str,
    record: object,
    notes: tuple[str, ...] = (),
    *,
    place: str = "field",
    line: int | None = None,
) -> Article:
    """The article that a record holds, its text reduced to words where it is markup.

    Raises:
        ArticleError: it holds none, or what is no text.
    """
    if not isinstance(record, dict):
        raise ArticleError(path, "not a JSON object", line)
    inner = record.get("_source")  # Elasticsearch
    fields = Fields(place, {**inner, **record} if isinstance(inner, dict) else record)
    key, text, is_summary = _find_text(fields)
    if not text:
        raise ArticleError(path, "a record without text, body, content or the like", line)
    own_id = next((fields.values[name] for name in _ID if _has_id(fields.values, name)), None)
    article_id = fallback_id if own_id is None else str(own_id)
    _require(path, text, line)
    if is_page(text):
        page = read_html(path, text.encode(), url=fields.text("url"))
        text, layout = page.text, _layout(page)
    else:
        if has_markup(text):
            text = reduce_markup(text)
            _require(path, text, line)
        layout = lay_out(text)
    if is_summary:
        layout.notes.append(f"the record holds only a summary ({place} {key})")
    _set_aside_cut(text, layout)
    return article_from_fields(path, article_id, text, fields, layout, notes, line)


def has_full_text(record: Mapping[str, object]) -> bool:
    """Whether a record has the text of an article, and not only a summary."""
    return any(_text_of(value) for _, value in Fields("", record).all(_TEXT))


def _find_text(fields: Fields) -> tuple[str, str, bool]:
    """The field that holds the text, the text, and whether it is but a summary."""
    for names, is_summary in ((_TEXT, False), (_SUMMARY, True)):
        for key, value in fields.all(names):
            if text := _text_of(value):
                return key, text, is_summary
    return "", "", False


def _text_of(value: object, depth: int = 3) -> str:
    """A text, or the paragraphs of one; looked for `depth` deep."""
    if isinstance(value, str):
        return value if value.strip() else ""
    if isinstance(value, list) and depth:
        return "\n\n".join(text for part in value if (text := _text_of(part, depth - 1)))
    if isinstance(value, dict) and depth:
        texts = (_text_of(value.get(name), depth - 1) for name in _INSIDE)
        return next((text for text in texts if text), "")
    return ""


def _has_id(values: Mapping[str, object], name: str) -> bool:
    value = values.get(name)
    return value != "" and isinstance(value, str | int | float)


def _require(path: str, text: str, line: int | None) -> None:
    try:
        require_text(text)
    except ValueError as error:
        raise ArticleError(path, str(error), line) from error
    if not is_whole(text):
        raise ArticleError(path, "its text holds half of a surrogate pair", line)


def _layout(page: Article) -> Layout:
    """What a web page says of itself."""
    stated = {
        "title": None if page.title_derived else page.title,
        "source": page.source,
        "url": page.url,
        "author": page.author,
    }
    return Layout(
        left_out=list(page.left_out),
        published=page.published,
        published_from=page.published_from,
        updated=page.updated,
        updated_from=page.updated_from,
        stated={name: value for name, value in stated.items() if value},
        notes=list(page.notes),
    )


def _set_aside_cut(text: str, layout: Layout) -> None:
    """Leaves out the mark with which a news API cuts a text off: "… [+1234 chars]"."""
    match = _CUT_OFF.search(text, max(0, len(text) - 100))
    if match is None or any(span.end > match.start() for span in layout.left_out):
        return
    layout.left_out.append(Span(match.start(), match.end()))
    layout.notes.append(f"cut off by whoever made the record: {match[0].strip()}")

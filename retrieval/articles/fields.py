"""Named fields (front matter, JSON records) → an article's metadata."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from retrieval.articles.markup import has_markup, reduce_markup
from retrieval.articles.plain_text import Layout, first_words
from retrieval.articles.titles import derive_title
from retrieval.dates import PartialDate, from_epoch, read_date
from retrieval.errors import ArticleError
from retrieval.types import Article

NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "headline", "webtitle", "articletitle"),
    "published": (
        *("published", "date", "publishedat", "datepublished", "pubdate", "datetime"),
        *("publisheddate", "publishdate", "publicationdate", "datepublish", "publishedon"),
        *("publishedtime", "articlepublishedtime", "webpublicationdate", "datetimepub"),
        *("dateposted", "postedat", "posted", "issued"),
    ),
    "updated": (
        *("updated", "updatedat", "modified", "datemodified", "lastmod", "lastmodified"),
        *("modifiedat", "datemodify", "modifieddate", "updateddate", "dateupdated"),
        *("lastupdated", "articlemodifiedtime"),
    ),
    "source": (
        *("source", "publisher", "publication", "outlet", "site", "sourcename", "sitename"),
        *("provider", "sourcedomain", "sourcehostname", "hostname", "domain", "cleanurl"),
        "sourceid",
    ),
    "url": ("url", "link", "permalink", "weburl", "articleurl", "canonicalurl", "mainentityofpage"),
    "author": ("author", "authors", "byline", "creator", "writer", "authorname"),
}
"""What each piece of metadata may be called, the first one present winning.

Written without capitals and punctuation: "publishedat" is `publishedAt` and `published_at`.
"""
_WRAPPERS = ("fields", "attributes", "thread", "article", "metadata", "meta")
"""Objects in a record that hold fields of it."""
_INSIDE = ("name", "title", "rendered", "main", "original", "$date", "$numberLong", "@id", "#text")
"""Where an object that stands for one value has it: `source: {name: …}`."""
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Fields:
    """Names and values as an article's file states them, and what to call that place."""

    place: str
    values: Mapping[str, object]

    @cached_property
    def _known(self) -> Mapping[str, tuple[str, object]]:
        """Each field by its simplified name; what stands in an object within comes second."""
        known: dict[str, tuple[str, object]] = {}
        for key, value in self.values.items():
            known.setdefault(_simply(key), (key, value))
        for wrapper in _WRAPPERS:
            outer, held = known.get(wrapper, ("", None))
            if isinstance(held, dict):
                for key, value in held.items():
                    known.setdefault(_simply(key), (f"{outer}.{key}", value))
        return known

    def all(self, names: Iterable[str]) -> Iterator[tuple[str, object]]:
        """The fields with these names, in their order: each as it is called here, and its value."""
        return (self._known[name] for name in names if name in self._known)

    def find(self, name: str) -> tuple[str, str] | None:
        """The field's own name and its value as text; None when absent or empty."""
        return next(self._texts(name), None)

    def text(self, name: str) -> str | None:
        """The value alone."""
        found = self.find(name)
        return found[1] if found else None

    def date(self, name: str, notes: list[str]) -> tuple[PartialDate, str] | None:
        """The first date and where it was read; values that are no dates leave a note instead."""
        found = list(self._texts(name))
        for key, value in found:
            if (stated := read_date(value) or from_epoch(value)) is not None:
                return stated, f"{self.place} {key}"
        if found:
            notes.append(f"{self.place} {found[0][0]} is not a date: {found[0][1]!r}")
        return None

    def _texts(self, name: str) -> Iterator[tuple[str, str]]:
        numbers = name not in ("author", "source")  # there they are keys of another table
        for key, value in self.all(NAMES[name]):
            if text := _as_text(value, numbers):
                yield key, text


def _simply(name: str) -> str:
    return re.sub(r"[ _:.-]+", "", name).casefold()


def _as_text(value: object, numbers: bool, depth: int = 3) -> str:
    """A value as text on one line: words, a number of some sensible size, or several of them.

    Lists and objects are looked into `depth` deep.
    """
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list) and depth:
        texts = (_as_text(part, numbers, depth - 1) for part in value)
        return ", ".join(text for text in texts if text)
    if isinstance(value, dict) and depth:
        texts = (_as_text(value.get(name), numbers, depth - 1) for name in _INSIDE)
        return next((text for text in texts if text), "")
    if numbers and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < 1 << 64 else ""
    return ""


def is_whole(text: str) -> bool:
    """Whether no half of a surrogate pair is in it: such text cannot be stored or shown."""
    return _HALF.search(text) is None


def article_from_fields(
    path: str,
    article_id: str,
    text: str,
    fields: Fields,
    layout: Layout,
    notes: tuple[str, ...],
    line: int | None = None,
) -> Article:
    """The article whose metadata the fields state; what they leave out, its text may state.

    Raises:
        ArticleError: nothing is left of the text once metadata and boilerplate are set aside, or
            a field holds what is not text.
    """
    for name, value in {"id": article_id, **{name: fields.text(name) for name in NAMES}}.items():
        if value is not None and not is_whole(value):
            raise ArticleError(path, f"its {name} holds half of a surrogate pair", line)
    opening = first_words(text, layout.left_out)
    if opening is None:
        raise ArticleError(path, "there is no article in it, only metadata", line)
    found = [*notes, *layout.notes]
    published = fields.date("published", found)
    if published is None and layout.published and layout.published_from:
        published = layout.published, layout.published_from
    updated = fields.date("updated", found)
    if updated is None and layout.updated and layout.updated_from:
        updated = layout.updated, layout.updated_from
    title = fields.text("title")
    if title and has_markup(title):
        title = " ".join(reduce_markup(title).split())
    title = title or layout.stated.get("title")
    source, url = _source_and_url(fields)
    return Article(
        article_id=article_id,
        text=text,
        title=title or derive_title(text, opening),
        title_derived=title is None,
        published=published[0] if published else None,
        published_from=published[1] if published else None,
        updated=updated[0] if updated else None,
        source=source or layout.stated.get("source") or path,
        url=url or layout.stated.get("url"),
        author=fields.text("author") or layout.stated.get("author"),
        left_out=tuple(layout.left_out),
        notes=tuple(found),
        updated_from=updated[1] if updated else None,
    )


def _source_and_url(fields: Fields) -> tuple[str | None, str | None]:
    """Who published it, and where: an address given as the source holds both."""
    source, url = fields.text("source"), fields.text("url")
    if source is None or not re.match(r"https?://", source):
        return source, url
    try:
        address = urlsplit(source)
        host = (address.hostname or "").removeprefix("www.")
    except ValueError:  # "http://[": no address at all
        return source, url
    return host or source, url or (source if address.path.strip("/") else None)

"""Named fields (front matter, JSON records) → an article's metadata."""

from collections.abc import Mapping
from dataclasses import dataclass

from retrieval.articles.plain_text import Layout, first_words
from retrieval.articles.titles import derive_title
from retrieval.dates import PartialDate, read_date
from retrieval.errors import ArticleError
from retrieval.types import Article

NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "headline"),
    "published": ("published", "date", "published_at", "date_published", "pubdate", "datetime"),
    "updated": ("updated", "updated_at", "modified", "date_modified", "lastmod"),
    "source": ("source", "publisher", "publication", "outlet", "site"),
    "url": ("url", "link", "permalink"),
    "author": ("author", "authors", "byline"),
}
"""What each piece of metadata may be called, the first one present winning."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values as an article's file states them, and what to call that place."""

    place: str
    values: Mapping[str, object]

    def find(self, name: str) -> tuple[str, str] | None:
        """The field's own name and its value as text; None when absent or empty."""
        lowered = {key.casefold(): (key, value) for key, value in self.values.items()}
        for alias in NAMES[name]:
            key, value = lowered.get(alias, (alias, None))
            parts = value if isinstance(value, list) else [value]
            text = ", ".join(" ".join(str(part).split()) for part in parts if _is_plain(part))
            if text:
                return key, text
        return None

    def text(self, name: str) -> str | None:
        """The value alone."""
        found = self.find(name)
        return found[1] if found else None

    def date(self, name: str, notes: list[str]) -> tuple[PartialDate, str] | None:
        """The date and where it was read; a value that is no date leaves a note instead."""
        found = self.find(name)
        if found is None:
            return None
        stated = read_date(found[1])
        if stated is None:
            notes.append(f"{self.place} {found[0]} is not a date: {found[1]!r}")
            return None
        return stated, f"{self.place} {found[0]}"


def _is_plain(value: object) -> bool:
    """Whether a value can stand as text: words, or a number of some sensible size."""
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() <= 64
    return isinstance(value, str) and bool(value.strip())


def is_whole(text: str) -> bool:
    """Whether no half of a surrogate pair is in it: such text cannot be stored or shown."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


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
    title = fields.text("title") or layout.stated.get("title")
    return Article(
        article_id=article_id,
        text=text,
        title=title or derive_title(text, opening),
        title_derived=title is None,
        published=published[0] if published else None,
        published_from=published[1] if published else None,
        updated=updated[0] if updated else layout.updated,
        source=fields.text("source") or layout.stated.get("source") or path,
        url=fields.text("url") or layout.stated.get("url"),
        author=fields.text("author") or layout.stated.get("author"),
        left_out=tuple(layout.left_out),
        notes=tuple(found),
    )

"""A `.json` file → its articles: one record, or a list of them wherever exporters put it."""

import json
from collections.abc import Iterator, Mapping

from retrieval.articles.names import bare
from retrieval.articles.records import has_full_text, read_record
from retrieval.errors import ArticleError
from retrieval.types import Article

_LISTS = (
    *("articles", "items", "docs", "results", "data", "entries", "posts", "news", "stories"),
    *("records", "hits", "response", "@graph"),
)
"""What an object may call its list of records, or another object that holds it."""


def read_json(path: str, text: str, notes: tuple[str, ...]) -> Iterator[Article | ArticleError]:
    """The articles of a JSON file, in order, and an error for each record that is none.

    An article's id is its record's own, or path and number; that of a file of one is its path.

    Raises:
        ArticleError: it is not JSON.
    """
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArticleError(path, f"not JSON ({error})") from error
    records = _records(loaded)
    if records is None:
        yield read_record(path, bare(path), loaded, notes)
        return
    if not records:
        raise ArticleError(path, "there is no record in it")
    for number, record in enumerate(records, start=1):
        try:
            yield read_record(path, f"{bare(path)}#{number}", record, notes)
        except ArticleError as error:
            yield ArticleError(path, f"record {number}: {error.reason}")


def _records(loaded: object, depth: int = 3) -> list[object] | None:
    """The records of a list, or of one that an object holds; None if it is no more than one."""
    if isinstance(loaded, list):
        return loaded
    if not isinstance(loaded, dict) or not depth or has_full_text(loaded):
        return None
    for name in _LISTS:
        held = loaded.get(name)
        if isinstance(held, dict) and has_full_text(held):
            return [held]
        if (found := _records(held, depth - 1)) is not None:
            return _from_feed(loaded, found)
    return None


def _from_feed(feed: Mapping[str, object], records: list[object]) -> list[object]:
    """The items of a JSON Feed, each with the feed's name as its source."""
    if not str(feed.get("version")).startswith("https://jsonfeed.org/"):
        return records
    source = {"source": feed.get("title")}
    return [{**source, **record} if isinstance(record, dict) else record for record in records]

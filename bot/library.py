"""The coverage as lists and buttons need it: its articles by their keys, and in order of date."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.errors import GoneError
from retrieval.errors import QuestionError
from retrieval.types import Article, CorpusSummary, Filters, article_key, date_order

if TYPE_CHECKING:
    from retrieval.engine import Engine

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
        self._by_short_key = {short_key(article): article for article in self.in_order}

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

    def get(self, start: bytes) -> Article | None:
        """The article whose key begins so, as references name it; None if there is none."""
        key = base64.urlsafe_b64encode(start).decode()
        return self._by_short_key.get(start) or self._find(key)

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


def short_key(article: Article) -> bytes:
    """The start of its key."""
    return base64.urlsafe_b64decode(article_key(article)[:8])

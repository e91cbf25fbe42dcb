"""What every index can do; its implementations stand beside this file."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings
from retrieval.types import Article, CorpusSummary, Filters, Passage

Embed = Callable[[], Embeddings]
"""Gives the embedding of one question, shape `(1, dimensions)`."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The passages that a question finds, in corpus order, with what is known of each."""

    passages: Sequence[Passage]
    dense: npt.NDArray[np.float64]
    """The cosine of question and passage."""
    lexical: npt.NDArray[np.float64]
    """BM25 of the passage; 0 where it shares no word with the question."""
    article: npt.NDArray[np.float64]
    """BM25 of its whole article, title included."""
    shared: npt.NDArray[np.float64]
    """The summed rarity of the question's stems that its article holds, however long it is.

    As in a corpus of at least a hundred articles.
    """


class Index(Protocol):
    """Passages and their embeddings, searchable by meaning and by words.

    Corpus order is that of article ids, and in an article that of its passages. Every method
    blocks and is safe to call from several threads.
    """

    @property
    def articles(self) -> Sequence[Article]:
        """In order of `article_id`; read where they are looked at."""

    @property
    def sources(self) -> Collection[str]:
        """The names of all sources."""

    @property
    def summary(self) -> CorpusSummary:
        """How much there is, and from when to when."""

    @property
    def built(self) -> datetime:
        """When it was last written, in UTC."""

    def alike(self) -> Sequence[Article]:
        """Articles among which are all that `retrieval.copies.newer_versions` is about."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes may change what it holds while it is open."""

    def find(self, key: str) -> Article | None:
        """The article whose `article_key` begins so; None if there is none."""

    def count(self, filters: Filters) -> int:
        """How many articles the filters let in."""

    def pool(self, embed: Embed, words: Sequence[str], filters: Filters, k: int) -> Pool:
        """The best `k` passages by each of the three scores, of those that the filters let in.

        Args:
            embed: embeds the question; called once, while its words are looked up.
            words: its stems. A passage that shares none with it, or stands in an article that
                shares none, is not among the best by that score.
            filters: applied before anything is ranked.
            k: at least 1. Of equals, the first in corpus order are the best.
        """

    def first_told(self, words: Sequence[str]) -> PartialDate | None:
        """The earliest date of a passage with all these stems, at least one; None if none has."""

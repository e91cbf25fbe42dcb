"""What every index can do; its implementations stand beside this file."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from retrieval.embedder import Embeddings
from retrieval.types import Article, CorpusSummary, Filters, Passage


class Index(Protocol):
    """Passages and their embeddings, searchable by meaning and by words.

    Rows number the passages from 0 in corpus order. Every method blocks and is safe to call from
    several threads.
    """

    @property
    def articles(self) -> Sequence[Article]:
        """In order of `article_id`."""

    @property
    def sources(self) -> Collection[str]:
        """The names of all sources."""

    @property
    def passages(self) -> Sequence[Passage]:
        """In order of row."""

    @property
    def summary(self) -> CorpusSummary:
        """How much there is, and from when to when."""

    @property
    def built(self) -> datetime:
        """When it was last written, in UTC."""

    def alike(self) -> Sequence[Article]:
        """Articles among which are all that `retrieval.copies.newer_versions` is about."""

    def admitted(self, filters: Filters) -> npt.NDArray[np.bool_]:
        """Which rows the filters let in, shape `(len(passages),)`."""

    def nearest(
        self, embedding: Embeddings, k: int, admitted: npt.NDArray[np.bool_]
    ) -> list[tuple[int, float]]:
        """The `k` admitted rows nearest to one embedding of shape `(1, dimensions)`.

        With their cosines, best first; fewer when fewer are admitted; equal ones in corpus order.
        """

    def word_scores(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """BM25 of every row for stemmed words, shape `(len(passages),)`; 0 where none occurs."""

    def article_scores(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """As `word_scores`, of the whole article, title included, that each row stands in."""

    def cosines(self, embedding: Embeddings, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """The cosine of one embedding and each of these rows, shape `(len(rows),)`."""

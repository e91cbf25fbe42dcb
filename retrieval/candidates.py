"""Question → candidates, from dense and BM25 search, fused."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.embedder import Embedder, Embeddings
from retrieval.index.protocol import Index
from retrieval.types import Candidate, Filters
from retrieval.words import stems

Scores = npt.NDArray[np.float64]

POOL = 50  # taken from each search before fusing; more changed no answer on the development sets
ALL = 3 * POOL
# For the reader, which has time for 40 passages at most, and near-copies of them.
MOST = 64
# What dense search, BM25 of the passage and BM25 of its whole article are worth. An article on the
# matter lifts those of its passages that do not name it again.
_DENSE, _LEXICAL, _ARTICLE = 0.5, 0.2, 0.3


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Candidates, best first, and the milliseconds that embedding took, and searching besides."""

    candidates: tuple[Candidate, ...]
    embed_ms: float
    retrieve_ms: float


def retrieve(
    index: Index, embedder: Embedder, question: str, filters: Filters, most: int = MOST
) -> Retrieved:
    """The passages most likely to answer, among those the filters let in; blocks.

    They are the best `POOL` of each search, in the order of their scores, which are scaled to
    0..1 over all of them and averaged. Equal scores keep corpus order.

    Args:
        index: what is searched.
        embedder: the one the index was built with.
        question: in natural language.
        filters: what is let in.
        most: so many of them at most; the texts of the others are not even read from disk.
    """
    started = time.perf_counter()
    embed_ms = 0.0

    def embed() -> Embeddings:
        nonlocal embed_ms
        begun = time.perf_counter()
        embedding = embedder.embed_queries([question])
        embed_ms = 1e3 * (time.perf_counter() - begun)
        return embedding

    pool = index.pool(embed, stems(question), filters, POOL)
    fused = (
        _DENSE * _scaled(pool.dense)
        + _LEXICAL * _scaled(pool.lexical)
        + _ARTICLE * _scaled(pool.article)
    )
    candidates = tuple(
        Candidate(
            passage=pool.passages[position],
            dense=float(pool.dense[position]),
            lexical=float(pool.lexical[position]),
            article=float(pool.article[position]),
            shared=float(pool.shared[position]),
            score=float(fused[position]),
        )
        for position in np.argsort(-fused, kind="stable")[:most]
    )
    whole_ms = 1e3 * (time.perf_counter() - started)
    return Retrieved(candidates, embed_ms, whole_ms - embed_ms)


def _scaled(scores: Scores) -> Scores:
    """`scores` stretched to 0..1, so that the best becomes 1.

    What becomes 0 is the lowest of many, but at most half of the best: of the few passages of a
    time window all may be good.
    """
    if scores.size == 0 or scores.max() <= 0:
        return np.zeros_like(scores)
    best = float(scores.max())
    lowest = min(float(scores.min()), best / 2)
    return (scores - lowest) / (best - lowest)

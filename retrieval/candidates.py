"""Question → candidates, from dense and BM25 search, fused."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval.embedder import Embedder
from retrieval.index.protocol import Index
from retrieval.types import Candidate, Filters
from retrieval.words import stems

Scores = npt.NDArray[np.float64]

POOL = 50  # taken from each search before fusing; more changed no answer on the development sets
CANDIDATES = 10  # handed on, enough to hold the answer and few enough to read at once
_DENSE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Candidates, best first, and the milliseconds that embedding and searching took."""

    candidates: tuple[Candidate, ...]
    embed_ms: float
    retrieve_ms: float


def retrieve(
    index: Index, embedder: Embedder, question: str, filters: Filters, k: int = CANDIDATES
) -> Retrieved:
    """The `k` passages most likely to answer, among those the filters let in; blocks.

    Scores of both searches are scaled to 0..1 over the question's own pool and averaged. Equal
    scores keep corpus order. Fewer than `k` when fewer are let in.
    """
    started = time.perf_counter()
    embedding = embedder.embed_queries([question])
    embedded = time.perf_counter()
    admitted = index.admitted(filters)
    lexical = np.where(admitted, index.word_scores(stems(question)), 0.0).astype(np.float64)
    rows = {row for row, _ in index.nearest(embedding, POOL, admitted)}
    rows.update(int(row) for row in np.argsort(-lexical, kind="stable")[:POOL] if lexical[row] > 0)
    pool = sorted(rows)
    dense = index.cosines(embedding, pool)
    fused = _DENSE_SHARE * _scaled(dense.astype(np.float64)) + (1 - _DENSE_SHARE) * _scaled(
        lexical[pool]
    )
    best = np.argsort(-fused, kind="stable")[:k]
    candidates = tuple(
        Candidate(
            passage=index.passages[pool[position]],
            dense=float(dense[position]),
            lexical=float(lexical[pool[position]]),
            score=float(fused[position]),
        )
        for position in best
    )
    done = time.perf_counter()
    return Retrieved(candidates, 1e3 * (embedded - started), 1e3 * (done - embedded))


def _scaled(scores: Scores) -> Scores:
    """`scores` moved and stretched to 0..1; all equal ones become 0."""
    if scores.size == 0:
        return scores
    spread = float(scores.max() - scores.min())
    return (scores - scores.min()) / spread if spread > 0 else np.zeros_like(scores)

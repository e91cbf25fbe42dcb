"""BM25 as inner products of sparse vectors, and as exact scores.

A document's vector holds `f / (f + K)` for each stem, where `f` is how often it occurs and `K`
depends on the document's length and on how long documents are on average. That average moves with
every article, and vectors in Milvus should not have to. They are made with a fixed one, so that an
inner product finds nearly the right documents, and from each of those `f` is won back and scored
with the average of the day.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

USUAL_PASSAGE, USUAL_ARTICLE = 40, 250  # stems, in news; what vectors are made with
_K1, _B = 1.5, 0.75  # as in the index in a folder
_NOWHERE = 0  # a dimension of its own, so that no vector is empty

Sparse = dict[int, float]


@lru_cache(maxsize=200_000)
def dimension(stem: str) -> int:
    """The dimension that stands for a stem, from 1 on; two of a million share one by chance."""
    raw = hashlib.blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(raw, "little") % (2**32 - 2) + 1


def document_vector(stems: Sequence[str], usual: float) -> Sparse:
    """The vector of a document, made as if documents had `usual` stems on average."""
    saturation = _saturation(len(stems), usual)
    counts = Counter(map(dimension, stems))
    return {dim: f / (f + saturation) for dim, f in counts.items()} or {_NOWHERE: 1.0}


def score(
    question: Mapping[int, float],
    vector: Mapping[int, float],
    length: int,
    usual: float,
    mean: float,
) -> float:
    """BM25 of a document.

    Args:
        question: what each stem of the question is worth, as often as it is asked.
        vector: the document's, as it was made.
        length: how many stems it has.
        usual: what its vector was made with.
        mean: how many stems documents have on average.
    """
    made, now = _saturation(length, usual), _saturation(length, mean)
    total = 0.0
    for dim, worth in question.items():
        if weight := vector.get(dim, 0.0):
            f = round(weight * made / (1 - weight))
            total += worth * f / (f + now)
    return total


def _saturation(length: int, mean: float) -> float:
    return _K1 * ((1 - _B) + _B * length / mean)

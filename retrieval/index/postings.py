"""BM25 over several segments: the scores are those of one index of all that counts in them.

What depends on other segments (how many documents hold a word, how long they are on average) is
summed up when a question is asked, so a new segment changes nothing in those that are there.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_K1, _B = 1.5, 0.75

Ints = npt.NDArray[np.integer]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Postings:
    """The postings of one segment. Documents are numbered from 0."""

    terms: npt.NDArray[np.uint64]
    """A digest of each stem, ascending."""
    starts: Ints
    """Where each one's postings begin, and where the last ones end."""
    documents: Ints
    """For each posting, in which document its stem is; ascending within a stem."""
    counts: Ints
    """And how often."""
    lengths: Ints
    """How many stems each document has."""

    def find(self, term: np.uint64) -> tuple[Ints, Ints]:
        """The documents that hold a stem, ascending, and how often each does."""
        place = int(np.searchsorted(self.terms, term))
        if place == len(self.terms) or self.terms[place] != term:
            return self.documents[:0], self.counts[:0]
        found = slice(int(self.starts[place]), int(self.starts[place + 1]))
        return self.documents[found], self.counts[found]


def postings(documents: Iterable[Sequence[str]]) -> Postings:
    """The postings of documents, each given as its stems."""
    ids: dict[str, int] = {}
    lengths: list[int] = []
    stems: list[int] = []
    for document in documents:
        lengths.append(len(document))
        stems += (ids.setdefault(stem, len(ids)) for stem in document)
    terms = np.array([_digest(stem) for stem in ids], dtype=np.uint64)
    place = np.empty(len(ids), dtype=np.int64)
    place[np.argsort(terms)] = np.arange(len(ids))
    owners = np.repeat(np.arange(len(lengths)), lengths)
    keys = place[np.array(stems, dtype=np.int64)] << 32 | owners
    keys, counts = np.unique(keys, return_counts=True)
    return _packed(np.sort(terms), keys >> 32, keys & 0xFFFFFFFF, counts, np.array(lengths))


def merge_postings(parts: Sequence[tuple[Postings, Ints]]) -> Postings:
    """The postings of several segments as those of one.

    Args:
        parts: each with the new number of each of its documents; -1 for one that is left out.
    """
    lengths = np.zeros(1 + max(int(places.max(initial=-1)) for _, places in parts), dtype=np.int32)
    terms, documents, counts = [], [], []
    for part, places in parts:
        lengths[places[places >= 0]] = part.lengths[places >= 0]
        moved = places[part.documents]
        counting = moved >= 0
        documents.append(moved[counting])
        counts.append(part.counts[counting])
        terms.append(np.repeat(part.terms, np.diff(part.starts))[counting])
    known, places = np.unique(np.concatenate(terms), return_inverse=True)
    all_documents = np.concatenate(documents)
    order = np.lexsort((all_documents, places))
    return _packed(
        known, places[order], all_documents[order], np.concatenate(counts)[order], lengths
    )


def _packed(
    terms: npt.NDArray[np.uint64],
    places: Ints,
    documents: Ints,
    counts: Ints,
    lengths: Ints,
) -> Postings:
    """Args: places: which of the terms each posting is of, ascending."""
    return Postings(
        terms=terms,
        starts=np.searchsorted(places, np.arange(len(terms) + 1)).astype(np.int64),
        documents=documents.astype(np.int32),
        counts=counts.astype(np.min_scalar_type(int(counts.max(initial=0)))),
        lengths=lengths.astype(np.int32),
    )


class Lexicon:
    """The postings of several segments, as one."""

    def __init__(self, parts: Sequence[tuple[Postings, Ints]], size: int) -> None:
        """What to search in.

        Args:
            parts: each segment's, with the number of each of its documents among all; -1 for one
                that does not count.
            size: how many count.
        """
        self._parts = [(part, places, bool((places < 0).any())) for part, places in parts]
        self._size = size
        total = sum(int(part.lengths[places >= 0].sum()) for part, places in parts)
        self._average = total / size if size else 0.0

    def scores(self, stems: Sequence[str]) -> Scores:
        """BM25 (Lucene's) of every document for stems, shape `(size,)`; 0 where none occurs."""
        scores = np.zeros(self._size, dtype=np.float32)
        for stem in stems:
            found = list(self._find(_digest(stem)))
            holding = sum(len(documents) for documents, _, _ in found)
            if not holding:
                continue
            rarity = np.float32(math.log(1 + (self._size - holding + 0.5) / (holding + 0.5)))
            for documents, counts, lengths in found:
                saturation = _K1 * ((1 - _B) + _B * lengths / self._average)
                # To single precision before it is added: then the order of segments is no matter.
                scores[documents] += (rarity * (counts / (saturation + counts))).astype(np.float32)
        return scores

    def _find(self, term: np.uint64) -> Iterable[tuple[Ints, Ints, Ints]]:
        """The documents that hold a term, how often, and how long they are, by segment."""
        for part, places, has_deleted in self._parts:
            documents, counts = part.find(term)
            if not len(documents):
                continue
            lengths, documents = part.lengths[documents], places[documents]
            if has_deleted:
                counting = documents >= 0
                documents, counts, lengths = (
                    documents[counting],
                    counts[counting],
                    lengths[counting],
                )
            yield documents, counts, lengths


@lru_cache(maxsize=200_000)
def _digest(stem: str) -> np.uint64:
    """What stands for a stem on disk; that two of a million share one is a chance of 1 in 10**7."""
    raw = hashlib.blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.uint64(int.from_bytes(raw, "little"))

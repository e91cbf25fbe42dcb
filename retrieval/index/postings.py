"""BM25 over several segments: the scores are those of one index of all that counts in them.

What depends on other segments (how many documents hold a word, how long they are on average) is
summed up when a question is asked, so a new segment changes nothing in those that are there.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_K1, _B = 1.5, 0.75
_FEW = 1_024  # postings that are counted sooner than it is found out that they need not be
_LOOK_UP = 16  # postings that are counted in the time that one is looked up
_ROUNDING = 1e-4  # more than sums of single precision are off
MANY = 100  # documents; of two, one is no other story for lacking one of three words

Ints = npt.NDArray[np.integer]
Scores = npt.NDArray[np.float32]
_NONE: Ints = np.empty(0, dtype=np.int32)


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

    def __init__(self, parts: Sequence[tuple[Postings, Ints]], owners: Ints, locals_: Ints) -> None:
        """What to search in.

        Args:
            parts: each segment's, with the number of each of its documents among all; -1 for one
                that does not count.
            owners: of each document among all, which segment it is in.
            locals_: and its number there.
        """
        self._parts = [part for part, _ in parts]
        self._moves = [(places, bool((places < 0).any())) for _, places in parts]
        self.owners, self.locals = owners, locals_
        self.lengths = np.zeros(len(owners), dtype=np.int32)
        for part, places in parts:
            self.lengths[places[places >= 0]] = part.lengths[places >= 0]
        total = int(self.lengths.sum(dtype=np.int64))
        self.average = total / len(owners) if total else 1.0
        self.saturation = _saturation(self.lengths, self.average).astype(np.float32)

    def find(self, stem: str) -> "Term":
        """The postings of a stem."""
        digest = _digest(stem)
        inside = [part.find(digest) for part in self._parts]
        holding = sum(
            int((places[documents] >= 0).sum()) if has_deleted else len(documents)
            for (documents, _), (places, has_deleted) in zip(inside, self._moves, strict=True)
        )
        size = len(self.owners)
        return Term(
            inside,
            self._moves,
            holding,
            np.float32(rarity(size, holding)),
            np.float32(rarity(max(size, MANY), holding)),
        )


@dataclass(frozen=True, slots=True)
class Term:
    """The postings of one stem in several segments."""

    inside: Sequence[tuple[Ints, Ints]]
    """For each segment, the documents that hold it, ascending, as numbered there; and how often."""
    moves: Sequence[tuple[Ints, bool]]
    """For each segment, the numbers of its documents among all; and whether any does not count."""
    holding: int
    """How many documents that count hold it."""
    rarity: np.float32
    """More than it adds to the score of any."""
    rarity_among_many: np.float32
    """Its rarity as if there were `MANY` documents, unless there are more."""

    def among_all(self) -> Iterator[tuple[Ints, Ints]]:
        """Of each segment the documents that count and hold it, as numbered among all; how often.

        Not done before it is needed: the commonest stems have the most, and are seldom counted.
        """
        for (documents, counts), (places, has_deleted) in zip(self.inside, self.moves, strict=True):
            numbers = places[documents]
            if has_deleted:
                counting = numbers >= 0
                yield numbers[counting], counts[counting]
            else:
                yield numbers, counts

    def counts(self, owners: Ints, locals_: Ints) -> Ints:
        """How often each of some documents holds it.

        Args:
            owners: of each document, which segment it is in.
            locals_: and its number there.
        """
        found = np.zeros(len(owners), dtype=np.int32)
        for number, inside in enumerate(self.inside):
            mine = np.flatnonzero(owners == number)
            if len(mine):
                found[mine] = _look_up(inside, locals_[mine])
        return found

    def documents(self) -> Ints:
        """Those that hold it, as numbered among all, in no order."""
        return np.concatenate([_NONE, *(documents for documents, _ in self.among_all())])


class Query:
    """BM25 (Lucene's) of documents for the stems of one question."""

    def __init__(self, lexicon: Lexicon, stems: Sequence[str]) -> None:
        self._lexicon = lexicon
        known = {stem: lexicon.find(stem) for stem in dict.fromkeys(stems)}
        self._terms = [known[stem] for stem in stems if known[stem].holding]
        weights = (
            (term, float(term.rarity) * stems.count(stem))
            for stem, term in known.items()
            if term.holding
        )
        self._rarest_first = sorted(weights, key=lambda pair: pair[0].holding)

    def scores(self, documents: Ints) -> Scores:
        """Of each of these documents; 0 for one that holds no stem."""
        return self.scores_and_shared(documents)[0]

    def scores_and_shared(self, documents: Ints) -> tuple[Scores, Scores]:
        """Likewise, and the summed rarity of the stems that each holds, however often.

        That sum takes the corpus for one of at least `MANY` documents.
        """
        lexicon = self._lexicon
        scores = np.zeros(len(documents), dtype=np.float32)
        shared = np.zeros_like(scores)
        owners, locals_ = lexicon.owners[documents], lexicon.locals[documents]
        saturation = _saturation(lexicon.lengths[documents], lexicon.average)
        for number in np.unique(owners).tolist():
            mine = np.flatnonzero(owners == number)
            here, saturated = locals_[mine], saturation[mine]
            for term in self._terms:
                counts = _look_up(term.inside[number], here)
                # To single precision before it is added: then the order of segments is no matter.
                scores[mine] += (term.rarity * (counts / (saturated + counts))).astype(np.float32)
                shared[mine] += term.rarity_among_many * (counts > 0)
        return scores, shared

    def best(self, k: int, admitted: npt.NDArray[np.bool_] | None) -> Ints:
        """The documents with the best `k` scores above 0, best first; of equals, the first.

        Args:
            k: how many.
            admitted: which documents may be among them; None for all.
        """
        found = self._promising(k, admitted)
        return found[np.lexsort((found, -self.scores(found)))[:k]]

    def _promising(self, k: int, admitted: npt.NDArray[np.bool_] | None) -> Ints:
        """Documents among which the best `k` are.

        Stems are counted from the rarest on. Once those that are left, which most documents hold,
        are worth less than what the best have already, documents that hold nothing else need not
        be looked at, and fewer of the others with each stem: Turtle and Flood (1995), Query
        Evaluation: Strategies and Optimizations.
        """
        lexicon = self._lexicon
        sums = np.zeros(len(lexicon.owners), dtype=np.float32)
        seen = _NONE
        all_seen = False  # those among which the best are
        left = whole = sum(weight for _, weight in self._rarest_first)
        slack = _ROUNDING * whole
        for term, weight in self._rarest_first:
            # No sum exceeds what was counted, so none exceeds what is left before that is the less.
            if len(seen) > k and term.holding > _FEW and left < whole / 2:
                least = np.partition(sums[seen], -k)[-k] - slack
                all_seen = all_seen or least > left
                if all_seen:
                    seen = seen[sums[seen] >= least - left]
            if all_seen and _LOOK_UP * len(seen) < term.holding:
                counts = term.counts(lexicon.owners[seen], lexicon.locals[seen])
                gain = counts / (lexicon.saturation[seen] + counts)
                sums[seen] += (weight * gain).astype(np.float32)
            else:
                for documents, counts in term.among_all():
                    let_in: npt.NDArray[np.bool_] | slice = slice(None)
                    if all_seen:
                        let_in = sums[documents] > 0
                    elif admitted is not None:
                        let_in = admitted[documents]
                    documents, counts = documents[let_in], counts[let_in]
                    before = sums[documents]
                    if not all_seen:
                        seen = np.concatenate([seen, documents[before == 0]])
                    gain = counts / (lexicon.saturation[documents] + counts)
                    sums[documents] = before + np.float32(weight) * gain
            left -= weight
        if len(seen) > k:
            seen = seen[sums[seen] >= np.partition(sums[seen], -k)[-k] - slack]
        return np.asarray(seen)


def rarity(documents: int, holding: int) -> float:
    """How much a stem is worth that so many of all documents hold: Lucene's."""
    return math.log(1 + (documents - holding + 0.5) / (holding + 0.5))


def _look_up(postings: tuple[Ints, Ints], documents: Ints) -> Ints:
    """How often each document of a segment holds a stem, given by its postings there."""
    holding, counts = postings
    if not len(holding):
        return np.zeros(len(documents), dtype=np.int32)
    places = np.searchsorted(holding, documents)
    places[places == len(holding)] = 0
    return np.where(holding[places] == documents, counts[places], 0)


def _saturation(lengths: Ints, average: float) -> npt.NDArray[np.floating]:
    return _K1 * ((1 - _B) + _B * lengths / average)


@lru_cache(maxsize=200_000)
def _digest(stem: str) -> np.uint64:
    """What stands for a stem on disk; that two of a million share one is a chance of 1 in 10**7."""
    raw = hashlib.blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.uint64(int.from_bytes(raw, "little"))

"""A reader that needs no weights: a passage answers as surely as it holds the question's words."""

from collections.abc import Sequence

from retrieval.reader import Reading
from retrieval.types import Candidate
from retrieval.words import stems


class WordReader:
    """Deterministic and instant; takes each passage whole and points at nothing in it."""

    name = "a reader of words"
    threshold = 0.5

    def read(self, question: str, candidates: Sequence[Candidate]) -> list[Reading]:
        """A reading of each candidate, best first; the share of the words is its probability."""
        words = set(stems(question))
        readings = []
        for candidate in candidates:
            passage = candidate.passage
            share = len(words & set(stems(passage.text))) / max(1, len(words))
            readings.append(Reading(passage, passage.span, None, share, share, candidate.shared))
        return sorted(readings, key=lambda reading: -reading.score)

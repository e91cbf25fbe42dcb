"""Question + passages → which sentences answer, how surely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.types import Candidate, Passage, Span


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one passage."""

    passage: Passage
    span: Span
    """One to three adjacent sentences of the passage, in the article's text."""
    highlight: Span | None
    """The answering words in the article's text, inside `span`; None if the reader cannot tell."""
    score: float
    """How it ranks among the readings of one question; higher is better."""
    probability: float
    """How likely these sentences are to answer the question, 0 to 1, on an absolute scale."""
    shared: float
    """How much of the question's words its article holds, as its candidate says."""


class Reader(Protocol):
    """The second stage: it alone judges whether a passage answers."""

    @property
    def name(self) -> str:
        """What people may call it, with what tells its weights from others."""

    @property
    def threshold(self) -> float:
        """Below this probability the coverage is said not to answer."""

    def read(self, question: str, candidates: Sequence[Candidate]) -> list[Reading]:
        """One reading for each candidate it reads, best first; blocks.

        It may read fewer than it is given; no candidates give no readings.
        """

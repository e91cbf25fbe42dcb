"""The first reader: the sentence most like the question, word by word.

It knows what is about the question, not what answers it; a trained reader takes its place behind
the same protocol.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.embedder import Embedder, Embeddings
from retrieval.reader import Reading
from retrieval.types import Candidate, Passage, Span
from retrieval.words import stems

# All numbers were chosen on development data: 2,979 questions over 317 paragraphs of Wikipedia
# (half of them unanswerable) and 2,636 over 910 passages.

# Passages read for a question; 10 instead of 6 left quote@1 as it was and take longer.
READ = 6
# What a sentence's score is made of. quote@1 0.814 on the paragraphs; with the cosine of whole
# sentences in place of word-by-word likeness 0.790.
_LIKENESS_WEIGHT, _SHARE_WEIGHT, _PASSAGE_WEIGHT = 2.0, 0.8, 0.2
# Logistic regression of "the coverage answers" on the likeness and on the passage's cosine, fitted
# to the 2,636 questions and 1,600 off-topic ones.
_LIKENESS_ODDS, _COSINE_ODDS, _BIAS = 2.9, 4.55, -4.77
# At this probability 92 to 99 % of off-topic questions meet silence, and 4 to 7 % of answerable
# ones. Questions that tempt, about the right thing and still not answered, mostly pass: AUROC 0.57
# to 0.67.
THRESHOLD = 0.2
MAX_SENTENCES = 3
_AS_GOOD = 0.93  # a neighbour that scores this share of the best sentence belongs to the quote
# A sentence that begins like this leans on the one before it.
_LEANS = re.compile(
    r"[\"'“‘(]*(?:he|she|it|they|his|her|its|their|this|that|these|those|such|there|"
    r"but|and|so|yet|however|also|instead|likewise|moreover|then|both|neither|the (?:latter|former)"
    r")\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SimilarityReader:
    """Ranks sentences by likeness, by the share of the question's words they hold, by passage.

    Likeness is the mean, over the question's word pieces, of the best cosine with any of the
    sentence's: late interaction as in ColBERT (Khattab and Zaharia, 2020), untrained.

    Attributes:
        embedder: embeds the words of the sentences it reads, at each question.
        threshold: probability under which the coverage is said not to answer.
    """

    embedder: Embedder
    threshold: float = THRESHOLD

    def read(self, question: str, candidates: Sequence[Candidate]) -> list[Reading]:
        """One reading for each of the first `READ` candidates, best first; blocks."""
        candidates = candidates[:READ]
        texts = [
            sentence.of(candidate.passage.article.text)
            for candidate in candidates
            for sentence in candidate.passage.sentences
        ]
        if not texts:
            return []
        wanted = set(stems(question))
        asked, *found = self.embedder.embed_words([question, *texts])
        likeness = np.array([_likeness(asked, words) for words in found])
        shares = np.array([_share(wanted, text) for text in texts])
        readings: list[Reading] = []
        start = 0
        for candidate in candidates:
            rows = slice(start, start + len(candidate.passage.sentences))
            start = rows.stop
            scores = (
                _LIKENESS_WEIGHT * likeness[rows]
                + _SHARE_WEIGHT * shares[rows]
                + _PASSAGE_WEIGHT * candidate.score
            )
            best = int(np.argmax(scores))
            odds = (
                _LIKENESS_ODDS * float(likeness[rows][best])
                + _COSINE_ODDS * candidate.dense
                + _BIAS
            )
            readings.append(
                Reading(
                    passage=candidate.passage,
                    span=_widened(candidate.passage, best, scores.tolist()),
                    highlight=None,
                    score=float(scores[best]),
                    probability=1 / (1 + math.exp(-odds)),
                )
            )
        return sorted(readings, key=lambda reading: -reading.score)


def _likeness(asked: Embeddings, words: Embeddings) -> float:
    """How well each piece of the question finds its like; 0 when either has no pieces."""
    return float((asked @ words.T).max(axis=1).mean()) if asked.size and words.size else 0.0


def _share(wanted: set[str], text: str) -> float:
    """The share of the wanted words that the text holds; 0 when none is wanted."""
    return len(wanted & set(stems(text))) / len(wanted) if wanted else 0.0


def _widened(passage: Passage, best: int, scores: Sequence[float]) -> Span:
    """The best sentence, with the one before it that it leans on and neighbours as good as it."""
    first = last = best
    text = passage.article.text
    while first > 0 and last - first + 1 < MAX_SENTENCES:
        leans = _LEANS.match(passage.sentences[first].of(text)) is not None
        if not leans and scores[first - 1] < _AS_GOOD * scores[best]:
            break
        first -= 1
    while last + 1 < len(scores) and last - first + 1 < MAX_SENTENCES:
        if scores[last + 1] < _AS_GOOD * scores[best]:
            break
        last += 1
    return Span(passage.sentences[first].start, passage.sentences[last].end)

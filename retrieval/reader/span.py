"""The reader we ship: a small network that points at the answer, and says if there is none."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.errors import ModelError
from retrieval.model import find_model
from retrieval.reader import Reading
from retrieval.reader.network import Judgement, Network, Pair, Tokens, batch, context_of
from retrieval.reader.windows import cut
from retrieval.types import Article, Candidate, Passage, Span

# Code points read for one question, titles and the question included: about 1,000 tokens, six of
# the longest windows. Fewer lose answers, more take longer.
_BUDGET = 4_600
_MOST = 40  # passages, however short
# Candidates whose score is under this share of the best one's are not read. Of 729 passages that
# answer questions of three development sets, three are under 0.45, and none between that and this.
_NEAR = 0.5
_ABOUT_ARTICLE = 60  # code points of title and date, usually
_START = 60  # tokens that could be read in the time that another batch takes to start
_LONGEST_ANSWER = 40  # tokens
_WEIGHTS = Path(__file__).with_name("reader.safetensors")
DIGEST = "2c548f43b026992d9731e23836d391a5786c9f1e0aeea46dc77ecfb058d5f0a2"
THRESHOLD = 0.25
MAX_SENTENCES = 3
# Logistic regression of "these words answer" on what the network and the search say.
_SPAN_ODDS, _ANSWERS_ODDS, _SCORE_ODDS, _BIAS = 0.082, 0.288, 2.468, -2.805
# A sentence that begins like this leans on the one before it.
_LEANS = re.compile(
    r"[\"'“‘(]*(?:he|she|it|they|his|her|its|their|this|that|these|those|such|there|"
    r"but|and|so|yet|however|also|instead|likewise|moreover|then|both|neither|the (?:latter|former)"
    r")\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """The best answer the network sees in one passage.

    Attributes:
        sentence: which of the passage's sentences holds it.
        words: the answering words, in code points of the passage; empty if none of it was read.
        span: log-odds of these words against the null span.
        answers: log-odds that the passage answers, from the other head.
    """

    sentence: int
    words: Span
    span: float
    answers: float


class SpanReader:
    """Reads passages with the trained network. Safe to share between threads."""

    name = f"Dateline’s own reader, SHA-256 {DIGEST[:12]}…"

    def __init__(self, model: Path, weights: bytes, threshold: float) -> None:
        """Builds the network; blocks.

        Args:
            model: folder of the embedding model whose word embeddings it shares.
            weights: what the training wrote.
            threshold: probability under which the coverage is said not to answer.
        """
        self.threshold = threshold
        self._tokens = Tokens(model)
        self._network = Network(model, weights)

    @classmethod
    def shipped(cls, threshold: float | None = None) -> "SpanReader":
        """The reader that comes with us, its weights checked; blocks.

        Args:
            threshold: instead of the shipped one.

        Raises:
            ModelError: the weights are missing or not the published ones.
        """
        try:
            weights = _WEIGHTS.read_bytes()
        except OSError as error:
            raise ModelError(
                f"the reader's weights {_WEIGHTS} cannot be read ({error.strerror}); "
                "install Dateline again"
            ) from error
        digest = hashlib.sha256(weights).hexdigest()
        if digest != DIGEST:
            raise ModelError(
                f"the weights in {_WEIGHTS} are not the published ones (SHA-256 {digest[:12]}…, "
                f"not {DIGEST[:12]}…); install Dateline again"
            )
        return cls(find_model().folder, weights, THRESHOLD if threshold is None else threshold)

    def read(self, question: str, candidates: Sequence[Candidate]) -> list[Reading]:
        """One reading for each of the first candidates, best first; blocks."""
        readings = []
        for candidate, found in zip(candidates, self.find(question, candidates), strict=False):
            odds = (
                _SPAN_ODDS * found.span
                + _ANSWERS_ODDS * found.answers
                + _SCORE_ODDS * candidate.score
                + _BIAS
            )
            probability = 1 / (1 + math.exp(-odds))
            passage = candidate.passage
            start = passage.span.start
            readings.append(
                Reading(
                    passage=passage,
                    span=_widened(passage, found.sentence),
                    highlight=Span(start + found.words.start, start + found.words.end)
                    if found.words.end
                    else None,
                    score=odds,
                    probability=probability,
                    shared=candidate.shared,
                )
            )
        return sorted(readings, key=lambda reading: -reading.score)

    def find(self, question: str, candidates: Sequence[Candidate]) -> list[Found]:
        """What the network sees in each of the first candidates, as many as it has time for."""
        near = [c for c in candidates[:_MOST] if c.score >= _NEAR * candidates[0].score]
        passages = [candidate.passage for candidate in near]
        windows = cut(passages, _BUDGET, len(question) + _ABOUT_ARTICLE)
        abouts = [_about(window.article) for window in windows]
        pairs = self._tokens.pair(
            question,
            [
                about + window.span.of(window.article.text)
                for about, window in zip(abouts, windows, strict=True)
            ],
        )
        found: dict[int, Found] = {}
        order = sorted(range(len(pairs)), key=lambda n: len(pairs[n].ids))
        for group in _grouped(order, [len(pair.ids) for pair in pairs]):
            judged = self._network(*batch([pairs[n] for n in group]))
            for row, n in enumerate(group):
                for member in windows[n].members:
                    before = len(abouts[n]) - windows[n].span.start
                    found[member] = _best(judged, row, pairs[n], passages[member], before)
        return [found[n] for n in range(len(found))]


def _grouped(order: Sequence[int], lengths: Sequence[int]) -> list[Sequence[int]]:
    """Batches that take the least time together: few, and with little padding.

    Args:
        order: numbers of pairs, the shortest first.
        lengths: tokens of each pair.
    """
    costs, begins = [0], [0]  # of the best batches for the first pairs; where the last one begins
    for end, last in enumerate(order, 1):
        cost, begin = min(
            (costs[begin] + (end - begin) * lengths[last] + _START, begin) for begin in range(end)
        )
        costs.append(cost)
        begins.append(begin)
    groups = []
    end = len(order)
    while end:
        groups.append(order[begins[end] : end])
        end = begins[end]
    return groups


def _about(article: Article) -> str:
    return context_of(None if article.title_derived else article.title, article.published)


def _widened(passage: Passage, best: int) -> Span:
    """The best sentence, with those before it that it leans on, or with its whole correction.

    A correction repeats what was wrong; half of it would tell that alone.
    """
    if (corrects := _correction(passage, best)) is not None:
        return corrects
    first = best
    text = passage.article.text
    while first > 0 and best - first + 1 < MAX_SENTENCES:
        if _LEANS.match(passage.sentences[first].of(text)) is None:
            break
        first -= 1
    return Span(passage.sentences[first].start, passage.sentences[best].end)


def _correction(passage: Passage, best: int) -> Span | None:
    """The sentences around the best one in which the article states its correction, if any do."""
    correction = passage.article.correction
    if correction is None:
        return None
    stating = [
        number
        for number, sentence in enumerate(passage.sentences)
        if sentence.start < correction.end and correction.start < sentence.end
    ]
    if best not in stating:
        return None
    first = max(stating[0], best - MAX_SENTENCES + 1)
    last = min(stating[-1], first + MAX_SENTENCES - 1)
    return Span(passage.sentences[first].start, passage.sentences[last].end)


def _best(judged: Judgement, row: int, pair: Pair, passage: Passage, shift: int) -> Found:
    """The likeliest words of a passage within one sentence.

    Args:
        judged: what the network says of a batch.
        row: which of its pairs this is.
        pair: the question and the window in which the passage stands.
        passage: of which the words are looked for.
        shift: code points by which the pair's text is ahead of the article's.
    """
    null = float(judged.start[row, 0] + judged.end[row, 0])
    answers = float(judged.answers[row])
    begins, ends = passage.span.start + shift, passage.span.end + shift
    inside = np.flatnonzero((pair.offsets[:, 0] < ends) & (pair.offsets[:, 1] > begins))
    if not len(inside):  # nothing of it was read
        return Found(0, Span(0, 0), -null, answers)
    offsets = np.maximum(pair.offsets[inside] - begins, 0)
    first, last = pair.first + int(inside[0]), pair.first + int(inside[-1]) + 1
    start, end = judged.start[row, first:last], judged.end[row, first:last]
    stops = [sentence.end - passage.span.start for sentence in passage.sentences[:-1]]
    sentence_of = np.searchsorted(stops, offsets[:, 0], side="right")
    same = sentence_of[:, None] == sentence_of[None, :]
    allowed = np.tril(np.triu(same), _LONGEST_ANSWER - 1)
    scores = np.where(allowed, start[:, None] + end[None, :], -np.inf)
    begin, finish = divmod(int(scores.argmax()), len(inside))
    return Found(
        sentence=int(sentence_of[begin]),
        words=Span(int(offsets[begin, 0]), int(offsets[finish, 1])),
        span=float(scores[begin, finish]) - null,
        answers=answers,
    )

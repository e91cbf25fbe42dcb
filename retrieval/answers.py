"""What was read → quotes in order, or silence with a reason."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from retrieval.copies import gist
from retrieval.reader import Reading
from retrieval.types import Article, Candidate, Passage, Quote, Reason, Span, date_order
from retrieval.words import stems

# Beside the best quote stand those whose log-odds are at most this much lower, and which are at
# least this share of the threshold: the other side is often told in fewer words. Chosen on the
# development set `coverage` and on the two sides of the seeds.
_MARGIN = 1.8
_FAINT = 0.45
# A second quote of one article has to come this near to the best one, for it is no other side: of
# quotes that people see, 0.44 instead of 0.37 answer on that set, for 2 questions of 230.
_AGAIN = 0.8
# What stands in an article that holds less than this share of what the best one's holds of the
# question's words tells another story: the newest flood and not the one asked for. Each word counts
# by its rarity and not by how often it stands there, so that a long report weighs as much as a
# brief. Of quotes that people see, 0.57 instead of 0.47 answer on Wikipedia, on `coverage` 0.44
# instead of 0.41.
_SAME_STORY = 0.6
# Under this cosine of question and passage nothing was even about it: on the seeds, questions about
# something else come to 0.05 to 0.22, those about the car that it does not answer to 0.39 to 0.67.
_RELATED = 0.3
# A passage whose search score is under this share of the best one's is on something else: on a news
# corpus of 105 articles, other floods than the one asked for come to less.
_ON_TOPIC = 0.5
Read = TypeVar("Read", Reading, Candidate)


def choose(
    readings: Sequence[Reading],
    threshold: float,
    top_k: int,
    *,
    relevance: float = 1.0,
    newest_first: bool = False,
) -> tuple[tuple[Quote, ...], Reason | None]:
    """At most `top_k` quotes in order of date, or none and the reason why.

    Every article has its say before any has a second one, so that both sides are heard; what tells
    another story is left out. Near-copies of a quote in other articles are named with it instead of
    being shown.

    Args:
        readings: best first.
        threshold: the probability the best reading must reach for the coverage to answer at all.
        top_k: at least 1.
        relevance: the best cosine of the question and any passage.
        newest_first: the newest that answer are wanted, and in that order.
    """
    if not readings or readings[0].probability < threshold:
        return (), "weak" if readings and relevance >= _RELATED else "nothing_relevant"
    best = _odds(readings[0].probability)
    story = [r for r in readings if r.shared >= _SAME_STORY * readings[0].shared]
    good: list[Reading] = []
    heard: set[str] = set()
    for reading in story:
        article = reading.passage.article.article_id
        least = best - (_AGAIN if article in heard else _MARGIN)
        if reading.probability >= _FAINT * threshold and _odds(reading.probability) >= least:
            good.append(reading)
            heard.add(article)
    if newest_first:
        quotes = collapse([as_quote(reading) for reading in good])
        return tuple(sorted(quotes, key=_newest)[:top_k]), None
    quotes = collapse([as_quote(reading) for reading in _by_turns(good)])[:top_k]
    return tuple(sorted(quotes, key=_day)), None


def nearest(readings: Sequence[Reading], top_k: int) -> tuple[Quote, ...]:
    """The `top_k` best of what was read, best first, near-copies named with the first."""
    return tuple(collapse([as_quote(reading) for reading in readings])[:top_k])


def further(readings: Sequence[Reading], quotes: Sequence[Quote], top_k: int) -> tuple[Quote, ...]:
    """The `top_k` best of what was read beside the quotes, none of them a near-copy of one."""
    quoted = {gist(quote.article, quote.span) for quote in quotes}
    found = collapse([as_quote(reading) for reading in readings])
    return tuple(q for q in found if gist(q.article, q.span) not in quoted)[:top_k]


def on_topic(candidates: Sequence[Candidate], topic: str, limit: int) -> tuple[Quote, ...]:
    """At most `limit` passages on a topic, in order of date; undated ones last.

    On the topic is a passage that holds all its words, or means nearly the same. As in `choose`,
    every article has its say before any has a second one, and near-copies are named with the
    oldest of them.

    Args:
        candidates: best first.
        topic: a few words, or a sentence.
        limit: at least 1.
    """
    words = set(stems(topic))
    least = _ON_TOPIC * max((candidate.score for candidate in candidates), default=0.0)
    found = [
        candidate
        for candidate in candidates
        if (candidate.dense >= _RELATED and candidate.score >= least)
        or (words and words.issubset(stems(candidate.passage.text)))
    ]
    quotes = [
        Quote(
            candidate.passage.article, candidate.passage.span, min(max(candidate.dense, 0.0), 1.0)
        )
        for candidate in _by_turns(found)
    ]
    return tuple(sorted(collapse(quotes)[:limit], key=_reading_order))


def _odds(probability: float) -> float:
    """Its log-odds, of at most 20 either way."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def as_quote(reading: Reading) -> Quote:
    """The quote that a reading makes."""
    highlight = None
    if reading.highlight is not None:
        start = reading.span.start
        highlight = Span(reading.highlight.start - start, reading.highlight.end - start)
    return Quote(
        article=reading.passage.article,
        span=reading.span,
        score=reading.probability,
        highlight=highlight,
    )


def _by_turns(readings: Sequence[Read]) -> list[Read]:
    """Each article's best reading first, then each one's second; in each round best first."""
    heard: Counter[str] = Counter()
    rounds: list[int] = []
    for reading in readings:
        rounds.append(heard[reading.passage.article.article_id])
        heard[reading.passage.article.article_id] += 1
    return [readings[i] for i in sorted(range(len(readings)), key=rounds.__getitem__)]


def _day(quote: Quote) -> date:
    """Where a quote stands in order of date; undated ones come last."""
    published = quote.article.published
    return date.max if published is None else published.first_day


def _reading_order(quote: Quote) -> tuple[date, str, str, int]:
    """By day, source and place in the article: what one paper said on one day stands together."""
    article = quote.article
    return _day(quote), article.source, article.article_id, quote.span.start


def _newest(quote: Quote) -> int:
    """Likewise, the newest first; undated ones come last here too."""
    published = quote.article.published
    return 0 if published is None else -published.last_day.toordinal()


def distinct(
    candidates: Sequence[Candidate],
) -> tuple[list[Candidate], Mapping[str, Sequence[Passage]]]:
    """Candidates without near-copies, which would be read in vain, and the near-copies of each.

    Of each set the oldest stays, with the best of their scores and the most that one of their
    articles shares with the question; its near-copies stand under its `passage_id`.
    """
    sets: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        sets[gist(candidate.passage.article, candidate.passage.span)].append(candidate)
    kept: list[Candidate] = []
    copies: dict[str, Sequence[Passage]] = {}
    for same in sets.values():
        first, *others = sorted((c.passage for c in same), key=lambda p: _age(p.article, p.span))
        oldest = next(candidate for candidate in same if candidate.passage is first)
        best, most = max(c.score for c in same), max(c.shared for c in same)
        kept.append(replace(oldest, score=best, shared=most))
        copies[first.passage_id] = others
    return kept, copies


def in_copies(
    readings: Sequence[Reading], copies: Mapping[str, Sequence[Passage]]
) -> list[Reading]:
    """The readings, each followed by what it says of the near-copies that were not read."""
    return [
        told
        for reading in readings
        for told in (reading, *_retold(reading, copies.get(reading.passage.passage_id, ())))
    ]


def _retold(reading: Reading, copies: Sequence[Passage]) -> Iterator[Reading]:
    """The same reading of the same sentences in other passages; what it highlights is not told."""
    span = reading.span
    count = sum(span.start <= s.start and s.end <= span.end for s in reading.passage.sentences)
    read = gist(reading.passage.article, span)
    for copy in copies:
        starts = range(len(copy.sentences) - count + 1)
        spans = (Span(copy.sentences[n].start, copy.sentences[n + count - 1].end) for n in starts)
        same = next((own for own in spans if gist(copy.article, own) == read), None)
        if same is not None:
            yield replace(reading, passage=copy, span=same, highlight=None)


def collapse(quotes: Sequence[Quote]) -> list[Quote]:
    """`quotes` without near-copies: of each set the oldest stays and names the others' articles.

    The order is that of each set's best member.
    """
    told: dict[str, list[Quote]] = defaultdict(list)
    for quote in quotes:
        told[gist(quote.article, quote.span)].append(quote)
    return [_told_once(same) for same in told.values()]


def _age(article: Article, span: Span) -> tuple[tuple[bool, str, str], Span]:
    """Sorts near-copies, the oldest first."""
    return date_order(article), span


def _told_once(same: Sequence[Quote]) -> Quote:
    """The oldest of near-copies, with the articles of the others, oldest first."""
    oldest, *others = sorted(same, key=lambda quote: _age(quote.article, quote.span))
    articles = {quote.article.article_id: quote.article for quote in others}
    articles.pop(oldest.article.article_id, None)
    return replace(oldest, also_in=tuple(articles.values()))

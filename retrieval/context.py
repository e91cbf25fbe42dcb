"""A span of an article → what stands around it, and in which paragraph it is."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from retrieval.passages import paragraphs
from retrieval.sentences import split_sentences
from retrieval.types import Article, Span


def place(article: Article, span: Span) -> tuple[int, int, int]:
    """The first and the last paragraph that `span` is in, and how many there are; from 1.

    All are 0 for an article without a paragraph.
    """
    starts = [paragraph.start for paragraph in paragraphs(article)]
    if not starts:
        return 0, 0, 0
    first = max(1, bisect_right(starts, span.start))
    return first, max(first, bisect_left(starts, span.end)), len(starts)


def around(
    article: Article, quote: Span, steps: int, limit: int, measure: Callable[[str], int] = len
) -> Span:
    """The quote with what stands before and after it.

    The first step takes the rest of its paragraph, or as many of its sentences as fit. Each
    further one takes a paragraph before and one after, as long as both fit; so does the first if
    the quote is a whole paragraph. What is left out of the article is never taken, nor skipped.

    Args:
        article: where the quote stands.
        quote: its span.
        steps: at least 1.
        limit: how long the result may be, unless the quote itself is longer.
        measure: how long a text is; never less than its code points.
    """

    def fits(span: Span) -> bool:
        return span.end - span.start <= limit and measure(span.of(article.text)) <= limit

    near = _between_left_out(article, quote)
    own = _overlapping(near, quote)
    if not own:
        return quote
    first, last = own[0], own[-1]
    shown = _joined(near[first], quote, near[last])
    if not fits(shown):
        return _grown(article, quote, shown, limit, fits)
    for _ in range(steps if shown == quote else steps - 1):
        first, last = max(0, first - 1), min(len(near) - 1, last + 1)
        wider = _joined(near[first], shown, near[last])
        if not fits(wider):
            break
        shown = wider
    return shown


def _between_left_out(article: Article, quote: Span) -> list[Span]:
    """The paragraphs that nothing left out separates from the quote."""
    start = max((span.end for span in article.left_out if span.end <= quote.start), default=0)
    end = min(
        (span.start for span in article.left_out if span.start >= quote.end),
        default=len(article.text),
    )
    return [span for span in paragraphs(article) if start <= span.start and span.end <= end]


def _grown(
    article: Article, quote: Span, paragraph: Span, limit: int, fits: Callable[[Span], bool]
) -> Span:
    """The quote with as many sentences on both sides as fit, by turns."""
    # Farther than the limit nothing fits, and splitting a very long paragraph takes its time.
    reach = Span(
        max(paragraph.start, quote.start - limit - 1), min(paragraph.end, quote.end + limit + 1)
    )
    sentences = split_sentences(article.text, reach)
    own = _overlapping(sentences, quote)
    if not own:
        return quote
    before, after = sentences[: own[0]], sentences[own[-1] + 1 :]
    shown = _joined(sentences[own[0]], quote, sentences[own[-1]])
    if not fits(shown):
        return quote
    while before or after:
        if before and not fits(_joined(before[-1], shown)):
            before = []
        if before:
            shown = _joined(before.pop(), shown)
        if after and not fits(_joined(shown, after[0])):
            after = []
        if after:
            shown = _joined(shown, after.pop(0))
    return shown


def _overlapping(spans: Sequence[Span], quote: Span) -> list[int]:
    """Which of the spans share a character with the quote."""
    return [
        number
        for number, span in enumerate(spans)
        if span.start < quote.end and quote.start < span.end
    ]


def _joined(*spans: Span) -> Span:
    """From the first of their starts to the last of their ends."""
    return Span(min(span.start for span in spans), max(span.end for span in spans))

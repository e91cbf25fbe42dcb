"""Candidates → the windows that are read: passages of one article with the text before them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.passages import paragraphs
from retrieval.types import Article, Passage, Span

MAX_WINDOW = 900  # code points, about 200 tokens; what is cut from one article is read together
# Paragraphs of news are a sentence or two, which leave to those before them whom they speak of.
_BEFORE = 300  # code points


@dataclass(frozen=True, slots=True)
class Window:
    """Text that is read at once, and which of the candidates stand in it."""

    article: Article
    span: Span
    members: tuple[int, ...]


def cut(passages: Sequence[Passage], budget: int, overhead: int) -> list[Window]:
    """The windows of the first passages, as many as the budget allows, but of one at least.

    Args:
        passages: the best first.
        budget: code points that may be read, with what each window costs besides its text.
        overhead: what it costs: the question and what is said of the article.
    """
    by_article: dict[str, list[int]] = {}
    windows: dict[str, list[Window]] = {}
    spent = 0
    for number, passage in enumerate(passages):
        key = passage.article.article_id
        members = [*by_article.get(key, ()), number]
        now = _merged(passages, members)
        cost = _cost(now, overhead) - _cost(windows.get(key, []), overhead)
        if windows and spent + cost > budget:
            break
        spent += cost
        by_article[key], windows[key] = members, now
    return [window for of_article in windows.values() for window in of_article]


def _cost(windows: Sequence[Window], overhead: int) -> int:
    return sum(window.span.end - window.span.start + overhead for window in windows)


def _merged(passages: Sequence[Passage], members: Sequence[int]) -> list[Window]:
    """The windows of passages of one article, in its order; those that touch are one."""
    merged: list[Window] = []
    for number in sorted(members, key=lambda n: passages[n].span):
        passage = passages[number]
        span = _with_text_before(passage)
        if merged:
            last = merged[-1]
            between = passage.article.text[last.span.end : span.start]
            touches = not between or between.isspace()
            if touches and span.end - last.span.start <= MAX_WINDOW:
                whole = Span(last.span.start, max(span.end, last.span.end))
                merged[-1] = Window(passage.article, whole, (*last.members, number))
                continue
        merged.append(Window(passage.article, span, (number,)))
    return merged


def _with_text_before(passage: Passage) -> Span:
    """The passage and the whole paragraphs before it, as far as they go without a gap."""
    text = passage.article.text
    spans = paragraphs(passage.article)
    start = passage.span.start
    for paragraph in reversed(spans[: bisect_left(spans, passage.span)]):
        if passage.span.start - paragraph.start > _BEFORE:
            break
        if paragraph.end < start and not text[paragraph.end : start].isspace():
            break  # something is left out between them
        start = paragraph.start
    return Span(start, passage.span.end)

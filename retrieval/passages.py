"""Articles → sentence-aligned passages."""

from functools import lru_cache
from itertools import pairwise

from retrieval.sentences import split_paragraphs, split_sentences
from retrieval.types import Article, Passage, Span

MAX_PASSAGE = 600  # code points, about 130 tokens: two passages to the model's 256
SETTINGS = f"articles 2, paragraphs in sentences of at most {MAX_PASSAGE} 2"
"""Recorded with an index: what was read or cut in other ways cannot be mixed.

Raise the first 1 when articles are read differently, the last one when they are cut differently.
"""


@lru_cache(maxsize=256)  # every card of a quote asks
def paragraphs(article: Article) -> tuple[Span, ...]:
    """The paragraphs of an article, in order, without what is left out."""
    edges = [Span(0, 0), *article.left_out, Span(len(article.text), len(article.text))]
    return tuple(
        paragraph
        for before, after in pairwise(edges)
        for paragraph in split_paragraphs(article.text, Span(before.end, after.start))
    )


def split(article: Article) -> tuple[Passage, ...]:
    """The passages of an article, in order; none overlaps another or what is left out.

    Every visible character that is not left out belongs to exactly one. A paragraph longer than
    `MAX_PASSAGE` becomes several passages of about equal length; a longer sentence stays whole.
    """
    passages: list[Passage] = []
    for paragraph in paragraphs(article):
        sentences = split_sentences(article.text, paragraph)
        passages += (Passage(article, group) for group in _grouped(sentences))
    return tuple(passages)


def _grouped(sentences: list[Span]) -> list[tuple[Span, ...]]:
    """Consecutive sentences, in the fewest groups that fit and of about equal length."""
    length = sentences[-1].end - sentences[0].start
    wanted = length / -(-length // MAX_PASSAGE)
    groups: list[list[Span]] = [[sentences[0]]]
    for sentence in sentences[1:]:
        start = groups[-1][0].start
        too_long = sentence.end - start > MAX_PASSAGE
        long_enough = (groups[-1][-1].end + sentence.end) / 2 - start > wanted
        if too_long or long_enough:
            groups.append([sentence])
        else:
            groups[-1].append(sentence)
    return [tuple(group) for group in groups]

"""What is missing or odd in articles, for whoever keeps a corpus."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from retrieval.copies import kept_text, near_copies, newer_versions
from retrieval.types import Article

Kind = Literal[
    "undated",
    "imprecise",
    "future",
    "short",
    "copy",
    "superseded",
    "language",
    "untitled",
    "corrected",
    "article",
]

_SHORT = 20  # words; one sentence of news has more
_SAMPLE = 300  # words that show what language it is
_ENGLISH = re.compile(  # its commonest words
    "the|of|and|to|in|a|is|was|that|for|on|with|as|it|at|by|he|be|from|his|said|are|has|have|not|"
    "an|they|were|but|who|which|this|their|will|been|its|had|or|she|her|we|you|i|after"
)
# Such words are 0.23 and more of 528 English articles, and up to 0.13 of news in its neighbours.
_LEAST_ENGLISH = 0.16
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something about one article that its owner may want to know."""

    kind: Kind
    finding: str
    """A phrase without the article: "states no date"."""
    is_wrong: bool = True
    """Whether it can and should be mended."""
    other: str | None = None
    """The article that it is a copy of or superseded by, by `article_id`."""


def oddities(
    articles: Sequence[Article], today: date, *, english: bool = True
) -> Mapping[str, Sequence[Oddity]]:
    """What is odd about each article, by `article_id`, in order; nothing for most; blocks.

    Args:
        articles: of one corpus.
        today: the day after which no article can have been published.
        english: the model knows no other language.
    """
    copied, newer = near_copies(articles), newer_versions(articles)
    found: dict[str, Sequence[Oddity]] = {}
    for article in articles:
        key = article.article_id
        odd = [*_of_dates(article, today), *_of_text(article, english=english)]
        versions = newer.get(key, ())
        if key in copied and not _are_versions(copied[key].article_id, key, newer):
            other = copied[key].article_id
            odd.append(Oddity("copy", f"a near-copy of {other}", other=other))
        if versions:
            other = versions[-1].article_id
            odd.append(Oddity("superseded", f"superseded by {other}", False, other))
        odd += (Oddity("article", note) for note in article.notes)
        found[key] = odd
    return found


def _are_versions(one: str, other: str, newer: Mapping[str, Sequence[Article]]) -> bool:
    return any(
        later.article_id in (one, other) for key in (one, other) for later in newer.get(key, ())
    )


def _of_dates(article: Article, today: date) -> list[Oddity]:
    published, updated = article.published, article.updated
    odd = []
    if published is None:
        odd.append(Oddity("undated", "states no date"))
    elif published.month is None:
        odd.append(Oddity("imprecise", f"states only a year, {published}, or an ambiguous date"))
    if published and published.first_day > today:
        odd.append(Oddity("future", f"is dated {published}, which is still to come"))
    if updated and updated.first_day > today:
        odd.append(Oddity("future", f"was updated {updated}, which is still to come"))
    if updated and published and updated.last_day < published.first_day:
        odd.append(Oddity("article", f"was updated {updated}, before it was published"))
    return odd


def _of_text(article: Article, *, english: bool) -> list[Oddity]:
    words = _WORD.findall(kept_text(article).casefold())
    odd = []
    if english and not reads_as_english(words):
        odd.append(Oddity("language", "does not read as English"))
    elif len(words) < _SHORT:
        count = f"{len(words)} word{'' if len(words) == 1 else 's'}"
        odd.append(Oddity("short", f"holds no more than {count}"))
    if article.title_derived:
        odd.append(Oddity("untitled", "states no title", False))
    if article.correction is not None:
        odd.append(Oddity("corrected", "states a correction", False))
    return odd


def reads_as_english(words: Sequence[str]) -> bool:
    """Whether these words, in lower case, are those of an English text, or too few to tell.

    Told by the share of words such as "the" and "of"; and by the script, for not every one has
    blanks between its words.
    """
    sample = words[:_SAMPLE]
    letters = "".join(sample)[:2_000]
    if sum(char > "\u024f" for char in letters) > len(letters) / 2:
        return False
    share = sum(map(bool, map(_ENGLISH.fullmatch, sample))) / max(1, len(sample))
    return len(sample) < _SHORT or share >= _LEAST_ENGLISH

"""Articles, quotes and answers to test with; texts full of what Discord reads as markup."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from retrieval.asked_times import AskedTime
from retrieval.dates import PartialDate
from retrieval.types import (
    Answer,
    Article,
    CorpusSummary,
    Filters,
    Quote,
    Reason,
    Span,
    Timing,
)

DAY = PartialDate(2024, 2, 20)
FRAGMENTS = (
    *(
        "*",
        "**",
        "_",
        "__",
        "~~",
        "||",
        "`",
        "```py\n",
        "\\",
        "\\*",
        "¯\\_(ツ)_/¯",
    ),  # emphasis, code
    *("> ", ">>> ", "# ", "### ", "-# ", "- ", "+ ", "* ", "1. ", "12) ", "٣. ", "."),  # lines
    *(
        "\n",
        "\r\n",
        "\r",
        "\f",
        "\v",
        "\t",
        " ",
        "   ",
        "\u00a0",
        "\u2028",
        "\u3000",
    ),  # white space
    *("<@1>", "<@!1>", "<@&1>", "<#1>", "@everyone", "@here", "</ask:1>", "<id:home>"),  # mentions
    *("<t:1:R>", "<:e:1>", "<a:e:1>", ":smile:", ":)", "[a](https://b.c)"),  # objects, links
    *("https://a.b/c_d_e", "<https://a.b>", "<mailto:a@b.c>", "discord.gg/abc"),  # addresses
    *("\u200b", "\u200d", "\ufeff", "\u202e", "\u2067", "שלום", "مرحبا"),  # unseen, right to left
    *("e\u0301", "👨‍👩‍👧‍👦", "👍🏽", "🇰🇷", "❤️", "𝔘", "漢字"),  # more than one unit a character
    *("word", "Kim", "Feb 20", "3.5", "well-known", "a"),  # what news is mostly made of
)

_FIRST = 0xE000  # of the characters that stand for a fragment, or for some of any text
_PARTS = "".join(chr(_FIRST + number) for number in range(2 * len(FRAGMENTS)))


def _put_together(parts: str, text: str) -> str:
    """Half of `_PARTS` stand for a fragment each, the others for the next characters of `text`."""
    found = []
    for part in parts:
        number = ord(part) - _FIRST
        if number < len(FRAGMENTS):
            found.append(FRAGMENTS[number])
        else:
            size = number % 10 + 1
            found.append(text[:size])
            text = text[size:]
    return "".join(found)


_CHARACTERS = st.characters(exclude_categories=["Cs"])
any_text = st.text(_CHARACTERS, max_size=40)
_long_text = st.text(_CHARACTERS, min_size=10, max_size=150)
# Two draws for a text: one for each fragment would take ten times as long.
messy_texts = st.builds(_put_together, st.text(_PARTS, max_size=16), _long_text)
"""Any text without halves of surrogate pairs, rich in markup and in what surrounds it."""

titles = st.builds(_put_together, st.text(_PARTS, min_size=1, max_size=12), _long_text).map(
    lambda text: " ".join(f"T{text}".split())
)
"""One line, as all metadata is once an article is read."""


@st.composite
def long_texts(draw: st.DrawFn, max_size: int = 12_000) -> str:
    """Texts of an article's length, with a word in them; long because they repeat themselves."""
    seed = draw(messy_texts) + "word"
    return (draw(messy_texts) + seed * draw(st.integers(1, 900)) + draw(messy_texts))[:max_size]


@st.composite
def articles(draw: st.DrawFn, max_text: int = 12_000) -> Article:
    """Any article that could be read."""
    text = draw(long_texts(max_text).filter(lambda text: any(map(str.isalnum, text))))
    size = draw(st.sampled_from([1, 1, 1, 60]))
    return make_article(
        text,
        article_id=draw(titles),
        title=draw(titles) * size,
        title_derived=draw(st.booleans()),
        published=draw(dates),
        published_from=draw(st.none() | titles),
        updated=draw(dates),
        source=draw(titles) * size,
        url=draw(st.none() | titles | titles.map(lambda text: f"https://a.b/{text * size}")),
        author=draw(st.none() | titles),
        correction=draw(st.none() | st.just(Span(0, len(text.rstrip())))),
    )


dates = st.none() | st.sampled_from([DAY, PartialDate(2024, 3), PartialDate(2023), PartialDate(1)])


@st.composite
def listed_articles(draw: st.DrawFn) -> Article:
    """Any article, as lists show it: without its text."""
    size = draw(st.sampled_from([1, 1, 1, 60]))
    return make_article(
        article_id=draw(titles),
        title=draw(titles) * size,
        source=draw(titles) * size,
        published=draw(dates),
    )


@st.composite
def quotes(draw: st.DrawFn, max_text: int = 9_000) -> Quote:
    """Any quote: a stretch of an article that begins and ends with something to see."""
    article = draw(articles(max_text))
    text = article.text
    start = draw(st.integers(0, len(text) // 2).filter(lambda at: text[at:].strip()))
    end = draw(st.integers(start + 1, len(text)).filter(lambda at: text[start:at].strip()))
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end = start + len(text[start:end].rstrip())
    others = draw(st.lists(titles, max_size=5))
    marked = draw(st.integers(0, end - start - 1))
    return Quote(
        article,
        Span(start, end),
        score=draw(st.floats(0, 1)),
        highlight=draw(
            st.none() | st.integers(marked + 1, end - start).map(lambda end: Span(marked, end))
        ),
        also_in=tuple(make_article("word", source=name) for name in others),
    )


def make_article(text: str = "Kim rode in a car.", **changes: Any) -> Article:
    """A plain article; whatever matters to a test is named in `changes`."""
    facts: dict[str, Any] = {
        "article_id": "kim",
        "title": "Kim rides",
        "title_derived": False,
        "published": DAY,
        "published_from": None,
        "updated": None,
        "source": "The Daily",
        "url": None,
        "author": None,
        "left_out": (),
        "correction": None,
    }
    return Article(text=text, **{**facts, **changes})


def make_quote(text: str = "Kim rode in a car.", *, score: float = 0.9, **changes: Any) -> Quote:
    """The whole text of an article as one quote; `changes` are the article's."""
    return Quote(make_article(text, **changes), Span(0, len(text)), score)


def make_answer(
    quotes: Sequence[Quote] = (),
    *,
    question: str = "Who rode?",
    reason: Reason | None = None,
    nearest: Sequence[Quote] = (),
    more: Sequence[Quote] = (),
    filters: Filters | None = None,
    asked_time: AskedTime | None = None,
    summary: CorpusSummary | None = None,
) -> Answer:
    """An answer with these quotes, or one that abstains."""
    return Answer(
        question=question,
        filters=filters or Filters(),
        asked_time=asked_time,
        quotes=tuple(quotes),
        reason=reason,
        confidence=quotes[0].score if quotes else 0.0,
        nearest=tuple(nearest),
        corpus=summary or CorpusSummary(2, 18, DAY, PartialDate(2024, 3, 18)),
        timing=Timing(6.123, 0.456, 31.04, 38.26),
        more=tuple(more),
    )

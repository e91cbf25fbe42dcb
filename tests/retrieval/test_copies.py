"""Copies: told once where all words agree, never where one differs that could matter."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from retrieval.answers import collapse
from retrieval.copies import gist, near_copies, newer_versions, resemblance
from retrieval.types import Article, Quote, Span
from tests.retrieval.making import make_article

_REPORT = "At least 14 people were killed when a wall of water swept through the valley."
_STORY = (
    "KESSIM – At least 14 people were killed when a wall of water swept through villages in the "
    "valley in the early hours of Saturday. Rescuers found most of them in the lower town, where "
    "the river had left its bed before midnight. The dam above had been opened without a warning, "
    "two farmers said. “We heard it before we saw it,” said Ada Brenn, who lives by the bridge. "
    "The governor flew in by helicopter and promised 2,300 people a bed for the night."
)


def _quote(text: str, **facts: Any) -> Quote:
    return Quote(make_article(text, **facts), Span(0, len(text)), 0.5)


def _gist(text: str, **facts: Any) -> str:
    quote = _quote(text, **facts)
    return gist(quote.article, quote.span)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"SEOUL, March 18 (Reuters) – {_REPORT}", _REPORT),  # with and without a dateline
        (f"SEOUL, March 18 (Reuters) – {_REPORT}", f"SEOUL (AFP) - {_REPORT}"),
        (f"PORT ELLERY, B.C. — {_REPORT}", f"Geneva (AFP) — {_REPORT}"),
        ("“It’s over,” he said.", '"It\'s over", he said'),  # typography
        ("He walked out — at once.", "He walked out, at once."),
        ("It cost 1,500 crowns.", "It cost 1500 crowns."),
        ("The well-known co\u00adoperation ended.", "The well known cooperation ended."),
        ("He was tired, he told reporters.", "He was tired, he said."),  # to whom
        ("He was tired, he told Reuters.", "He was tired, he said."),
        ("He was tired, he told the Aske Courier.", "He was tired, he said."),  # the paper itself
        ("Nine died, police have said.", "Nine died, police said."),
        ("Nine died, according to police.", "Nine died, police said."),
        ("Police said that nine died.", "Police said nine died."),
    ],
)
def test_dateline_attribution_and_typography_make_no_other_report(one: str, other: str) -> None:
    """Each paper that prints an agency's text changes these."""
    assert _gist(one, source="Aske Courier") == _gist(other, source="Aske Courier")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It fell by 5%.", "It fell by 5."),  # a sign
        ("It was -5 degrees.", "It was 5 degrees."),
        ("It cost $5m.", "It cost £5m."),
        ("It grew by 1.5 metres.", "It grew by 15 metres."),
        ("Kim gave the car.", "Kim gave the car?"),
        ("He was told to go.", "He was to go."),  # not an attribution
        ("He told Putin to go.", "He told Xi to go."),
        ("Nine died, police said.", "Nine died, the army said."),  # who said it
        ("KIM: I will go.", "PUTIN: I will go."),  # who speaks, and no dateline
        ("He said a few came.", "He said few came."),
    ],
)
def test_what_could_matter_makes_another_report(one: str, other: str) -> None:
    """Who reads one of them has not read the other."""
    assert _gist(one) != _gist(other)


def test_a_source_without_a_word_is_nobody_to_be_told() -> None:
    """Else every "told" would be an attribution."""
    assert "he told putin" == _gist("He told Putin.", source="—")


def test_a_dateline_stands_at_the_head_of_an_article_only() -> None:
    """Below, such words are the article's own."""
    text = "Nine died. NATO – The alliance did not act."
    article = make_article(text)

    assert gist(article, Span(11, len(text))).startswith("nato")
    assert gist(make_article(text, left_out=(Span(0, 11),)), Span(11, len(text))).startswith("the")


_words = st.sampled_from(
    ["Kim", "Putin", "police", "car", "12", "40", "gave", "fell", "said", "not", "no", "on", "May"]
)
_sentences = st.lists(_words, min_size=4, max_size=20)


@given(_sentences, st.data())
def test_one_other_number_prevents_a_collapse(words: list[str], data: st.DataObject) -> None:
    """Twelve dead and forty dead are two reports, however long the rest is."""
    at = data.draw(st.integers(0, len(words)))
    one, other = data.draw(st.lists(st.integers(0, 10_000), min_size=2, max_size=2, unique=True))
    texts = [" ".join([*words[:at], str(number), *words[at:]]) for number in (one, other)]

    found = collapse([_quote(text, article_id=text) for text in texts])

    assert texts == [quote.text for quote in found]


@given(_sentences, st.sampled_from(["not", "never", "no", "denied"]), st.data())
def test_one_more_negation_prevents_a_collapse(
    words: list[str], negation: str, data: st.DataObject
) -> None:
    """It turns a report into its contrary."""
    at = data.draw(st.integers(0, len(words)))
    texts = [" ".join(words), " ".join([*words[:at], negation, *words[at:]])]

    found = collapse([_quote(text, article_id=text) for text in texts])

    assert texts == [quote.text for quote in found]


@given(_sentences, st.data())
def test_another_name_prevents_a_collapse(words: list[str], data: st.DataObject) -> None:
    """Who did it is what a report is about."""
    at = data.draw(st.integers(0, len(words)))
    texts = [" ".join([*words[:at], name, *words[at:]]) for name in ("Reuters", "Brenn")]

    found = collapse([_quote(text, article_id=text) for text in texts])

    assert 2 == len(found) or f"told {texts[0]}" in f"told {' '.join(words)}"


_copies = st.lists(
    st.builds(
        lambda day, text, number: _quote(text, article_id=str(number), published=day),
        st.sampled_from([None, "2024", "2024-02", "2024-02-20", "2024-03-18"]),
        st.sampled_from([_REPORT, f"SEOUL (AP) – {_REPORT}", _REPORT.upper(), "It was new."]),
        st.integers(0, 9),
    ),
    max_size=8,
    unique_by=lambda quote: quote.article.article_id,
)


@given(_copies, st.randoms(use_true_random=False))
def test_what_is_collapsed_does_not_depend_on_the_order(quotes: list[Quote], random: Any) -> None:
    """The same question must not have two answers."""
    shuffled = random.sample(quotes, len(quotes))

    def told(given_quotes: Sequence[Quote]) -> list[tuple[str, list[str]]]:
        return sorted(
            (quote.article.article_id, [article.article_id for article in quote.also_in])
            for quote in collapse(given_quotes)
        )

    assert told(quotes) == told(shuffled)


@given(_copies)
def test_the_oldest_copy_is_shown_and_names_the_others_oldest_first(quotes: list[Quote]) -> None:
    """Who had it first is part of the news."""
    for quote in collapse(quotes):
        articles = [quote.article, *quote.also_in]
        days = [a.published.first_day.isoformat() if a.published else "9999" for a in articles]
        assert sorted(days) == days
    named = [a.article_id for q in collapse(quotes) for a in (q.article, *q.also_in)]
    assert sorted(quote.article.article_id for quote in quotes) == sorted(named)


def test_a_copied_article_is_found_and_the_oldest_named() -> None:
    """Three papers print the agency's story, each in its way; one more has its own."""
    articles = [
        make_article(_STORY, article_id="agency", published="2024-03-18"),
        make_article(
            _STORY.replace("KESSIM – ", "").replace("killed", "drowned"),
            article_id="copy",
            published="2024-03-19",
        ),
        make_article(_STORY.replace("“", '"'), article_id="late", published="2024-03-20"),
        make_article("The harvest was good. " * 20, article_id="own", published="2024-03-01"),
        make_article("— …", article_id="wordless"),
    ]

    for given_articles in (articles, articles[::-1]):
        found = near_copies(given_articles)
        assert {"copy": "agency", "late": "agency"} == {
            copy: oldest.article_id for copy, oldest in found.items()
        }
    assert {} == near_copies([])


@given(st.lists(st.sampled_from(_STORY.split()), min_size=12, max_size=60), st.integers(0, 200))
def test_copies_are_found_among_any_other_articles(words: list[str], others: int) -> None:
    """However many there are, and however short it is."""
    text = " ".join(words)
    articles = [
        make_article(f"{number} " * 30, article_id=f"{number:04}") for number in range(others)
    ]

    found = near_copies([make_article(text, article_id="x", published="2024"), *articles,
                         make_article(text.upper(), article_id="y")])  # fmt: skip

    assert {"y": "x"} == {copy: oldest.article_id for copy, oldest in found.items()}


def test_resemblance_is_the_share_of_common_runs_of_three_words() -> None:
    """It can be counted by hand."""
    one, other = make_article("a b c d e"), make_article("A “b” c – d X")

    assert 0.5 == resemblance(one, other)  # abc, bcd; cde, cdx
    assert 1.0 == resemblance(one, one)
    assert 0.0 == resemblance(make_article("—"), make_article("—"))


def _version(text: str = _STORY, **facts: Any) -> Article:
    return make_article(text, **{"source": "Aske Courier", "published": "2024-03-18", **facts})


_OLD = _version(article_id="old", title="Flood kills 14 in Kessim")
_NEW_TEXT = _STORY.replace("14", "23") + " A fund has been set up."


@pytest.mark.parametrize(
    "newer",
    [
        _version(_NEW_TEXT, title="Flood kills 23 in Kessim", published="2024-03-19"),
        _version(_NEW_TEXT, title="UPDATE 1-Flood kills nine in Kessim", updated="2024-03-18"),
        _version(_NEW_TEXT, title=_OLD.title, published="2024-03-17", updated="2024-03-25"),
        _version(_STORY, title=_OLD.title, correction=Span(0, 9)),  # it says that it is newer
    ],
)
def test_a_newer_version_supersedes(newer: Article) -> None:
    """The toll of the first hour must not stand beside that of the second day."""
    found = newer_versions([newer, _OLD])

    assert {"old": (newer,)} == found


@pytest.mark.parametrize(
    "other",
    [
        _version(_NEW_TEXT, title=_OLD.title, source="The Post", updated="2024-03-19"),  # outlet
        _version(_NEW_TEXT, title="Fund set up", published="2024-03-19"),  # headline
        _version(_NEW_TEXT, title=_OLD.title, published="2024-03-22"),  # a series
        _version("The water fell. " * 30, title=_OLD.title, published="2024-03-19"),  # words
        _version(_NEW_TEXT, title=_OLD.title),  # nothing says which is newer
        _version(_NEW_TEXT, title=_OLD.title, published="2024"),  # nor does a year
        _version(_NEW_TEXT, title=_OLD.title, published=None),
    ],
)
def test_what_may_be_another_article_supersedes_nothing(other: Article) -> None:
    """What is superseded by mistake is coverage that is silently not there."""
    assert {} == newer_versions([other, _OLD])


def test_a_file_name_is_no_outlet() -> None:
    """Records without a source share their file's name, whoever wrote them."""
    old = _version(article_id="old", source="articles.jsonl")

    assert {} == newer_versions([old, _version(source="articles.jsonl", published="2024-03-19")])


@pytest.mark.parametrize(
    ("url", "text", "source", "expected"),
    [
        ("http://www.aske.example/flood/#top", _NEW_TEXT, "Aske Courier", True),  # the same page
        ("https://aske.example/flood", _STORY[:200] + " New." * 30, "Aske Courier", True),
        ("https://aske.example/flood?page=2", _NEW_TEXT, "Aske Courier", False),  # another
        ("https://aske.example/flood", "The water fell. " * 30, "Aske Courier", False),  # a front
        ("https://aske.example/flood", _NEW_TEXT, "The Post", False),  # a shared address
        ("https://aske.example/flood", _NEW_TEXT, "b.txt", True),  # states no source
    ],
)
def test_an_address_has_one_article(url: str, text: str, source: str, expected: bool) -> None:
    """A page that is saved twice is one article, whatever its headline is by then."""
    old = _version(article_id="old", url="https://aske.example/flood")
    new = _version(text, title="Other", url=url, source=source, published="2024-04-30")

    assert expected is bool(newer_versions([old, new]))


def test_all_newer_versions_are_named_the_newest_last() -> None:
    """In a time window the newest may not count, and the one before it does."""
    days = ["2024-03-18", "2024-03-19", "2024-03-20"]
    versions = [_version(article_id=day, published=day) for day in days]

    found = newer_versions(versions[::-1])

    assert {days[0]: tuple(versions[1:]), days[1]: (versions[2],)} == found


@given(st.lists(st.sampled_from([None, "2024-03-18", "2024-03-19", "2024-03"]), max_size=6))
def test_nothing_supersedes_itself_in_a_circle(days: list[str | None]) -> None:
    """Else an article could vanish with all its versions."""
    assume(days)
    versions = [_version(article_id=str(n), published=day) for n, day in enumerate(days)]

    found = newer_versions(versions)

    assert len(found) < len(versions)

"""The JSON that programs rely on: these keys, these shapes, nothing more or less."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from bot.check import check
from bot.contract import answer_json, check_json, quote_json, source_json, sources_json
from bot.settings import Settings
from retrieval.dates import PartialDate
from retrieval.errors import ArticleError
from retrieval.survey import Survey, survey
from retrieval.types import Answer, CorpusSummary, Filters, Places, Quote, Reason, Span
from tests.bot.samples import make_answer, make_article, make_quote, quotes
from tests.conftest import Corpus

ARTICLE_KEYS = {
    "id", "title", "title_derived", "published", "updated", "source", "url", "author", "passages",
    "correction", "superseded_by",
}  # fmt: skip
QUOTE_KEYS = {
    "article_id", "title", "source", "url", "published", "start", "end", "text", "highlight",
    "score", "also_in", "correction",
}  # fmt: skip


def full_answer() -> Answer:
    """An answer with one quote in which every field says something."""
    article = make_article("It is said: Kim rode in a car. Twice.", url="https://example.org/a")
    quote = Quote(
        article,
        Span(12, 30),
        score=0.934567,
        highlight=Span(9, 17),
        also_in=(make_article(article_id="lee"),),
    )
    return make_answer(
        [quote], question="Who rode?", filters=Filters(PartialDate(2024), PartialDate(2024, 3))
    )


def test_an_answer_is_what_the_contract_says() -> None:
    """A program that reads answers breaks at the first key that moves."""
    expected = {
        "id": 7,
        "question": "Who rode?",
        "abstained": False,
        "reason": None,
        "window": {"after": "2024", "before": "2024-03"},
        "confidence": 0.9346,
        "quotes": [
            {
                "article_id": "kim",
                "title": "Kim rides",
                "source": "The Daily",
                "url": "https://example.org/a",
                "published": "2024-02-20",
                "start": 12,
                "end": 30,
                "text": "Kim rode in a car.",
                "highlight": [9, 17],
                "score": 0.9346,
                "also_in": ["lee"],
                "correction": None,
            }
        ],
        "nearest": [],
        "corpus": {"articles": 2, "passages": 18, "first": "2024-02-20", "last": "2024-03-18"},
        "timing_ms": {"embed": 6.1, "retrieve": 0.5, "read": 31.0, "total": 38.3},
    }

    assert expected == answer_json(full_answer(), question_id=7)


def test_keys_stand_in_the_documented_order() -> None:
    """People read the JSON, too."""
    answer = answer_json(full_answer())

    expected = [
        "id", "question", "abstained", "reason", "window", "confidence", "quotes", "nearest",
        "corpus", "timing_ms",
    ]  # fmt: skip
    assert expected == list(answer)


@pytest.mark.parametrize("reason", ["nothing_relevant", "weak", "outside_window", "empty_corpus"])
def test_silence_has_the_same_keys(reason: Reason) -> None:
    """A reader of the contract need not look whether a key is there."""
    silent = make_answer(
        reason=reason, nearest=[make_quote()], summary=CorpusSummary(0, 0, None, None)
    )

    answer = answer_json(silent)

    assert list(answer_json(full_answer())) == list(answer)
    assert (True, reason, []) == (answer["abstained"], answer["reason"], answer["quotes"])
    assert [quote_json(make_quote())] == answer["nearest"]
    assert {"articles": 0, "passages": 0, "first": None, "last": None} == answer["corpus"]
    assert {"after": None, "before": None} == answer["window"]
    assert answer["id"] is None


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (PartialDate(2024, 2, 20), "2024-02-20"),  # to the day
        (PartialDate(2024, 2), "2024-02"),  # to the month
        (PartialDate(2024), "2024"),  # to the year
        (PartialDate(812), "0812"),  # four digits always
        (None, None),  # not at all
    ],
)
def test_a_date_is_as_precise_as_the_article(
    published: PartialDate | None, expected: str | None
) -> None:
    """Precision that was made up cannot be told from the real one."""
    assert expected == quote_json(make_quote(published=published))["published"]


@given(quotes())
def test_start_and_end_lead_to_the_words_in_the_source(quote: Quote) -> None:
    """Whoever verifies a quote needs the article, two numbers, and no knowledge of us."""
    found = json.loads(json.dumps(quote_json(quote)))
    source = json.loads(json.dumps(source_json(quote.article, 1)))

    assert QUOTE_KEYS == set(found)
    assert source["text"][found["start"] : found["end"]] == found["text"]


def test_a_highlight_counts_from_the_start_of_the_quote() -> None:
    """It marks words in the quote that is shown, not in the article."""
    (quote,) = answer_json(full_answer())["quotes"]

    start, end = quote["highlight"]
    assert "in a car" == quote["text"][start:end]


def test_a_correction_is_given_in_its_own_words() -> None:
    """Whoever shows the quote has to show that, too."""
    quote = make_quote("Nine died.\n\nCorrection: ten", correction=Span(12, 27))

    assert "Correction: ten" == quote_json(quote)["correction"]
    assert "Correction: ten" == source_json(quote.article, 1)["correction"]


def test_a_quote_without_highlight_or_copies_says_so() -> None:
    """Null and an empty list are said, not left out."""
    quote = quote_json(make_quote())

    assert QUOTE_KEYS == set(quote)
    assert (None, [], None) == (quote["highlight"], quote["also_in"], quote["url"])


def test_a_source_is_the_listed_one_with_its_text() -> None:
    """The list and the article must not disagree."""
    article = make_article(
        published_from='line "Published: 20th Feb 2024"',
        updated=PartialDate(2024, 3),
        updated_from="front matter updated",
        author="A",
    )
    found = Survey(((article, 3),), ())

    listed, whole = sources_json(found)["articles"][0], source_json(article, 3)

    assert ARTICLE_KEYS == set(listed)
    expected = {
        "published_from": 'line "Published: 20th Feb 2024"',
        "updated_from": "front matter updated",
        "text": article.text,
    }
    assert {**listed, **expected} == whole
    assert ("2024-02-20", "2024-03", 3) == (listed["published"], listed["updated"], 3)


def test_a_superseded_article_names_the_newest_version() -> None:
    """Whoever cites it has to know that there is another one."""
    text = "Nine died in the flood, the city said, and more are missing."
    old, new = (
        make_article(text, article_id=key, published=PartialDate(2024, 3, day))
        for key, day in (("old", 18), ("new", 19))
    )
    found = Survey(((old, 1), (new, 1)), ())

    listed = sources_json(found)["articles"]

    assert ["new", None] == [article["superseded_by"] for article in listed]
    assert "new" == source_json(old, 1, found.newer["old"])["superseded_by"]


def test_a_check_gives_every_article_with_all_that_is_odd(seeds: Path, corpus: Corpus) -> None:
    """A corpus is mended by a program that reads this."""
    folder = corpus({"a.txt": "Kim rode.", "b.xyz": ""})
    settings = Settings.from_environ({}, corpus=folder, index=folder.parent / "index")

    found = json.loads(json.dumps(check_json(check(settings))))

    assert ["checks", "articles", "refused"] == list(found)
    assert {"state": "note", "what": "undated", "finding": "a states no date"} in found["checks"]
    (article,) = found["articles"]
    assert ("a", None, None) == (article["id"], article["published"], article["published_from"])
    assert {"what": "undated", "finding": "states no date", "wrong": True, "other": None} in (
        article["odd"]
    )
    assert ["undated", "short", "untitled"] == [oddity["what"] for oddity in article["odd"]]
    assert ["b.xyz"] == [refused["path"] for refused in found["refused"]]


def test_sources_are_in_order_of_date_with_what_was_refused() -> None:
    """What could not be read is part of what the corpus holds."""
    found = Survey(
        ((make_article(), 1), (replace(make_article(), article_id="b", published=None), 2)),
        (ArticleError("a.jsonl", "not JSON", 3), ArticleError("b.pdf", "not a kind of file")),
    )

    sources = sources_json(found)

    assert {"articles", "refused"} == set(sources)
    assert [("kim", 1), ("b", 2)] == [(a["id"], a["passages"]) for a in sources["articles"]]
    expected = [
        {"path": "a.jsonl", "line": 3, "reason": "not JSON"},
        {"path": "b.pdf", "line": None, "reason": "not a kind of file"},
    ]
    assert expected == sources["refused"]


def test_the_seeds_are_listed(seeds: Path, tmp_path: Path) -> None:
    """The real corpus, through the real reader."""
    sources = sources_json(survey(Places(seeds, tmp_path / "index")))

    assert ["2024-02-20", "2024-03-18"] == [a["published"] for a in sources["articles"]]
    assert all(ARTICLE_KEYS == set(article) for article in sources["articles"])
    assert all(article["passages"] > 0 for article in sources["articles"])
    assert [] == sources["refused"]

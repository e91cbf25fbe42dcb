"""A timeline: what is on the topic and nothing else, in order of date, each thing once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval.answers import on_topic
from retrieval.dates import PartialDate
from retrieval.engine import Engine
from retrieval.errors import QuestionError
from retrieval.reader.span import SpanReader
from retrieval.types import Candidate, Filters, Quote, Timeline
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_candidate, make_index, make_passage

_FLOOD = "A flood swept through the Kessim Valley at night."


def _candidate(
    text: str, article_id: str, published: str | None, *, dense: float = 0.6, score: float = 0.9
) -> Candidate:
    return make_candidate(make_passage(text, article_id, published), dense, score)


def _ids(quotes: tuple[Quote, ...]) -> list[str]:
    return [quote.article.article_id for quote in quotes]


def test_passages_come_in_order_of_date_with_the_undated_last() -> None:
    """The best score does not come first: a timeline is read along time."""
    found = on_topic(
        [
            _candidate("A flood, undated.", "undated", None, score=1.0),
            _candidate("A flood in May.", "day", "2024-05-06"),
            _candidate("A flood that year.", "year", "2023"),
            _candidate("A flood in October.", "month", "2023-10"),
        ],
        "flood",
        limit=9,
    )

    assert ["year", "month", "day", "undated"] == _ids(found)


@pytest.mark.parametrize(
    ("dense", "score", "text", "expected"),
    [
        (0.6, 0.9, "The river rose.", True),  # means it
        (0.29, 0.9, "The river rose.", False),  # only the search's best of a poor lot
        (0.6, 0.49, "The river rose.", False),  # far behind the best
        (0.0, 0.0, "A Valley, and a flood.", True),  # says it
        (0.0, 0.0, "A flood elsewhere.", False),  # says half of it
    ],
)
def test_on_the_topic_is_what_means_it_or_says_all_of_it(
    dense: float, score: float, text: str, expected: bool
) -> None:
    """Names are missed by meaning, paraphrases by words."""
    best = _candidate(_FLOOD, "best", "2023", score=1.0)
    other = _candidate(text, "other", "2024", dense=dense, score=score)

    found = on_topic([best, other], "valley floods", limit=9)

    assert expected == ("other" in _ids(found))


def test_a_topic_without_a_telling_word_is_not_said_by_every_passage() -> None:
    """No word at all stands in any text."""
    assert () == on_topic([_candidate("Rain.", "a", "2024", dense=0.0)], "the of", limit=9)


def test_every_article_has_its_place_before_any_has_a_second() -> None:
    """One long article must not push the others off the axis."""
    long = [_candidate(f"Flood report {number}.", "long", "2024-01-01") for number in range(5)]
    short = _candidate("Flood: the mayor resigns.", "short", "2024-02-02", score=0.6)

    found = on_topic([*long, short], "flood", limit=2)

    assert ["long", "short"] == _ids(found)


def test_near_copies_take_one_place_and_are_named() -> None:
    """A wire story printed by ten papers is one event, told first by the oldest."""
    first = _candidate(_FLOOD, "first", "2023-10-21", score=0.8)
    copy = _candidate(_FLOOD.upper(), "copy", "2023-10-22", score=0.9)

    (quote,) = on_topic([copy, first], "flood", limit=9)

    assert "first" == quote.article.article_id
    assert ["copy"] == [article.article_id for article in quote.also_in]


@pytest.fixture
def timeline(tmp_path: Path, reader: SpanReader) -> Callable[..., Timeline]:
    """Timelines of four small articles, one of them undated and one on something else."""
    texts = {
        "spring": "Date: 2024-03-01\nSource: Post\n\nThe flood took the bridge.",
        "autumn": "Date: 2023-10-21\nSource: Wire\n\nA flood came at night.",
        "undated": "The flood is remembered in a song.",
        "match": "Date: 2024-01-01\nSource: Post\n\nThe match ended in a draw.",
    }
    return Engine(make_index(tmp_path, texts), HashingEmbedder(), reader).timeline


def test_the_engine_finds_what_is_on_the_topic(timeline: Callable[..., Timeline]) -> None:
    """Whole passages, word for word, in order."""
    found = timeline(" flood ")

    assert "flood" == found.topic
    assert ["autumn", "spring", "undated"] == _ids(found.quotes)
    assert "A flood came at night." == found.quotes[0].text
    assert 4 == found.corpus.articles


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(after=PartialDate(2024)), ["spring"]),  # an undated article is in no window
        (Filters(before=PartialDate(2023, 10)), ["autumn"]),
        (Filters(source="post"), ["spring"]),
        (Filters(after=PartialDate(2025)), []),
    ],
)
def test_filters_hold_before_anything_is_ranked(
    timeline: Callable[..., Timeline], filters: Filters, expected: list[str]
) -> None:
    """What is outside takes nobody's place."""
    assert expected == _ids(timeline("flood", filters, limit=1).quotes)


def test_a_topic_that_the_coverage_does_not_have_is_an_empty_timeline(
    timeline: Callable[..., Timeline],
) -> None:
    """Silence is an answer here too."""
    assert () == timeline("zeppelin").quotes


@pytest.mark.parametrize(
    ("topic", "changes"),
    [
        (" ", {}),
        ("🚗", {}),
        ("flood", {"limit": 0}),
        ("flood", {"filters": Filters(source="Reuters")}),
        ("flood", {"filters": Filters(PartialDate(2024), PartialDate(2023))}),
    ],
)
def test_what_cannot_be_asked_is_refused(
    timeline: Callable[..., Timeline], topic: str, changes: dict[str, object]
) -> None:
    """With the sentences of `Engine.answer`."""
    with pytest.raises(QuestionError):
        timeline(topic, **changes)

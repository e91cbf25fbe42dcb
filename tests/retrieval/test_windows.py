"""What the reader reads at once: every passage once, in its article, with the text before it."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.passages import split
from retrieval.reader.windows import _BEFORE, MAX_WINDOW, Window, cut
from retrieval.types import Article, Passage, Span
from tests.retrieval.making import make_article

_PLENTY = 1_000_000


def _texts(windows: list[Window]) -> list[str]:
    return [window.span.of(window.article.text) for window in windows]


def test_a_passage_is_read_with_the_paragraphs_before_it() -> None:
    """“They put it at seven” says nothing without them."""
    article = make_article("The court sat on Monday.\n\nIt heard the bank.\n\nThey said seven.")
    first, second, third = split(article)

    assert [article.text] == _texts(cut([third], _PLENTY, 0))
    assert ["The court sat on Monday.\n\nIt heard the bank."] == _texts(cut([second], _PLENTY, 0))
    assert ["The court sat on Monday."] == _texts(cut([first], _PLENTY, 0))


def test_only_so_much_before_a_passage_is_read() -> None:
    """Its own words should not be a small part of what is judged."""
    article = make_article(f"{'Long ago. ' * 40}\n\nA tram came.\n\nIt was red.")
    *_, last = split(article)

    assert ["A tram came.\n\nIt was red."] == _texts(cut([last], _PLENTY, 0))


def test_what_is_left_out_of_an_article_is_not_read() -> None:
    """Nor is what stands before it: the two were never neighbours."""
    text = "The court sat.\n\nAdvertisement\n\nIt was red."
    article = make_article(text, left_out=(Span(16, 29),))
    *_, last = split(article)

    assert ["It was red."] == _texts(cut([last], _PLENTY, 0))


def test_neighbours_are_read_once() -> None:
    """In one window, whichever was thought the better."""
    article = make_article("One came.\n\nTwo came.\n\nThree came.")
    one, two, three = split(article)

    (window,) = cut([three, one, two], _PLENTY, 0)

    assert (article.text, {0, 1, 2}) == (window.span.of(article.text), set(window.members))


_paragraph = st.integers(5, 700).map(lambda length: ("word " * length)[:length].strip() + ".")
_corpus = st.lists(st.lists(_paragraph, min_size=1, max_size=6), min_size=1, max_size=4)


def _passages(corpus: list[list[str]]) -> list[Passage]:
    articles: list[Article] = [
        make_article("\n\n".join(paragraphs), article_id=str(number))
        for number, paragraphs in enumerate(corpus)
    ]
    return [passage for article in articles for passage in split(article)]


@given(_corpus, st.randoms(use_true_random=False), st.integers(0, 4000))
def test_each_passage_stands_in_one_window_and_the_first_are_read(
    corpus: list[list[str]], rng: object, budget: int
) -> None:
    """However they lie, and however little may be read."""
    passages = _passages(corpus)
    rng.shuffle(passages)  # type: ignore[attr-defined]

    windows = cut(passages, budget, 60)

    members = [number for window in windows for number in window.members]
    assert sorted(members) == list(range(len(members)))
    assert members
    for window in windows:
        for number in window.members:
            passage = passages[number]
            assert passage.article is window.article
            assert window.span.start <= passage.span.start
            assert passage.span.end <= window.span.end
    longest = max(passage.span.end - passage.span.start for passage in passages)
    # A sentence that is longer than a passage should be still has the text before it.
    assert all(w.span.end - w.span.start <= max(MAX_WINDOW, longest + _BEFORE) for w in windows)
    assert len(members) == 1 or sum(w.span.end - w.span.start + 60 for w in windows) <= budget

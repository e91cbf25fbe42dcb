"""Records: the fields that scrapers and news APIs use, and text that is markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.records import read_record
from retrieval.errors import ArticleError
from retrieval.passages import split
from retrieval.types import Article

_PROSE = "The ferry to Holm will stop running in June. The island protests."


def _facts(article: Article) -> tuple[object, ...]:
    published = article.published and str(article.published)
    return article.title, published, article.source, article.url, article.author


@pytest.mark.parametrize(
    ("record", "published_from"),
    [
        (  # NewsAPI
            {
                "source": {"id": None, "name": "Gazette"},
                "author": "Jo Berg",
                "title": "Ferry",
                "description": "A ferry stops.",
                "url": "https://x.org/1",
                "publishedAt": "2024-03-18T09:30:00Z",
                "content": _PROSE,
            },
            "field publishedAt",
        ),
        (  # The Guardian
            {
                "webTitle": "Ferry",
                "webPublicationDate": "2024-03-18T09:30:00Z",
                "webUrl": "https://x.org/1",
                "fields": {
                    "body": f"<p>{_PROSE}</p>",
                    "byline": "Jo Berg",
                    "publication": "Gazette",
                },
            },
            "field webPublicationDate",
        ),
        (  # news-please
            {
                "maintext": _PROSE,
                "date_publish": "2024-03-18 09:30:00",
                "date_download": "2025-01-01 00:00:00",
                "authors": ["Jo Berg"],
                "source_domain": "Gazette",
                "title": "Ferry",
                "url": "https://x.org/1",
            },
            "field date_publish",
        ),
        (  # schema.org
            {
                "@type": "NewsArticle",
                "headline": "Ferry",
                "articleBody": _PROSE,
                "datePublished": "2024-03-18T23:59:00+09:00",
                "author": [{"@type": "Person", "name": "Jo Berg"}],
                "publisher": {"@type": "Organization", "name": "Gazette"},
                "mainEntityOfPage": {"@id": "https://x.org/1"},
            },
            "field datePublished",
        ),
        (  # WordPress
            {
                "date": "2024-03-18T09:30:00",
                "link": "https://x.org/1",
                "title": {"rendered": "Ferry"},
                "content": {"rendered": f"<p>{_PROSE}</p>\n", "protected": False},
                "author": 7,
                "byline": "Jo Berg",
                "publisher": "Gazette",
            },
            "field date",
        ),
        (  # Elasticsearch
            {
                "_id": "1",
                "_source": {
                    "text": _PROSE,
                    "title": "Ferry",
                    "published": 1710754200,
                    "source": "Gazette",
                    "url": "https://x.org/1",
                    "author": "Jo Berg",
                },
            },
            "field published",
        ),
        (  # MongoDB, trafilatura
            {
                "text": _PROSE,
                "title": "Ferry",
                "date": {"$date": {"$numberLong": "1710754200000"}},
                "source-hostname": "Gazette",
                "link": "https://x.org/1",
                "author": "Jo Berg",
            },
            "field date",
        ),
    ],
)
def test_the_fields_of_common_exporters_are_known(
    record: dict[str, object], published_from: str
) -> None:
    """Nobody renames the fields of an export before trying a program."""
    article = read_record("a.json", "a", record)

    assert ("Ferry", "2024-03-18", "Gazette", "https://x.org/1", "Jo Berg") == _facts(article)
    assert (_PROSE, published_from) == (article.text, article.published_from)


@pytest.mark.parametrize(
    ("value", "published"),
    [
        (1710754200, "2024-03-18"),  # seconds
        (1710754200.5, "2024-03-18"),
        ("1710754200000", "2024-03-18"),  # milliseconds
        (20240318, "2024-03-18"),  # a date written as a number
        (2024, "2024"),
        (171075420, None),  # 1975: it can be anything
        (17107542000000, None),
        (True, None),
        ([[[["2024-03-18"]]]], None),
    ],
)
def test_seconds_are_a_date_only_where_they_can_be_nothing_else(
    value: object, published: str | None
) -> None:
    """A number taken for a date is a date made up."""
    article = read_record("a.json", "a", {"text": _PROSE, "date": value})

    assert published == (article.published and str(article.published))


def test_a_field_that_is_no_date_gives_way_to_one_that_is() -> None:
    """Exporters write "yesterday" for people beside the date for programs."""
    article = read_record("a.json", "a", {"text": _PROSE, "date": "now", "pubDate": "2024-03-18"})

    assert ("field pubDate", ()) == (article.published_from, article.notes)


def test_an_address_as_the_source_names_the_site() -> None:
    """Trafilatura writes the page's address there."""
    article = read_record("a.json", "a", {"text": _PROSE, "source": "https://www.x.org/1"})

    assert ("x.org", "https://www.x.org/1") == (article.source, article.url)


def test_markup_in_the_text_is_reduced_to_its_words() -> None:
    """A quote with tags in it would be nobody's words."""
    markup = "<p>Kim&rsquo;s <b>car</b>\nis new.</p><script>x()</script>It cost<br>5."

    assert "Kim’s car is new.\n\nIt cost\n5." == read_record("a", "a", {"body": markup}).text


def test_a_whole_page_is_read_as_one() -> None:
    """A crawler that stores pages stores their menus, too."""
    page = (
        "<!DOCTYPE html><html><head><title>Ferry</title></head><body><nav>Home</nav>"
        f"<article><h1>Ferry</h1><p>{_PROSE} {_PROSE}</p><p>{_PROSE}</p></article></body></html>"
    )
    article = read_record("a.json", "a", {"html": page, "date": "2024-03-18", "id": 5})

    assert (True, False) == (_PROSE in article.text, "Home" in article.text)
    assert ("5", "field date") == (article.article_id, article.published_from)


def test_a_plain_text_is_left_as_it_is() -> None:
    """Less-than signs and ampersands are not markup."""
    text = "AT&T fell by <5% & rose again:\n  if a < b and c > d."

    assert text == read_record("a", "a", {"text": text}).text


def test_a_summary_counts_where_there_is_nothing_else_and_is_noted() -> None:
    """Who reads a quote of it should be able to learn that it is not the article."""
    article = read_record("a", "a", {"title": "Ferry", "content": None, "description": _PROSE})

    assert (_PROSE, ("the record holds only a summary (field description)",)) == (
        article.text,
        article.notes,
    )


def test_the_mark_of_a_text_cut_off_is_never_quoted() -> None:
    """NewsAPI's free plan gives 200 characters and says how many more there were."""
    article = read_record("a", "a", {"content": f"{_PROSE} The mayor… [+1234 chars]"})

    assert " [+1234 chars]" == article.left_out[-1].of(article.text)
    assert ("cut off by whoever made the record: [+1234 chars]",) == article.notes


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["<p>It melts.", "&#0;", "<html>", "http://[", "2024-03-18", "1710754200"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "rendered", "$date", "text"]), inner, max_size=2)
    ),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["id", "text", "body", "html", "title", "date", "updated", "source", "url", "author", "_source"]
)


@given(st.dictionaries(_KEYS, _VALUES))
def test_any_record_is_an_article_or_an_article_error(record: dict[str, object]) -> None:
    """Exports hold every type in every field."""
    try:
        article = read_record("a.json", "a", record)
    except ArticleError:
        return

    assert split(article)

"""Markdown: front matter and headings are metadata, the rest is quoted as it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.markdown import read_markdown
from retrieval.errors import ArticleError
from retrieval.passages import split
from retrieval.types import Article

_PROSE = "The ferry to Holm will stop running in June. The island protests."


def _quotable(article: Article) -> list[str]:
    return [passage.text for passage in split(article)]


def test_front_matter_states_the_metadata() -> None:
    """It is what static-site generators write, so most Markdown news has it."""
    article = read_markdown(
        "a/ferry.md",
        "---\ntitle: 'Ferry: the end'\ndate: 2024-03-18\nupdated: 2024-03-19T08:00:00Z\n"
        f"publisher: Gazette\nauthor: [Jo, Lena]\nlink: https://x.org/1\n---\n{_PROSE}\n",
    )

    assert ("a/ferry", "Ferry: the end", False, "2024-03-18", "front matter date") == (
        article.article_id,
        article.title,
        article.title_derived,
        str(article.published),
        article.published_from,
    )
    assert ("2024-03-19", "Gazette", "Jo, Lena", "https://x.org/1") == (
        str(article.updated),
        article.source,
        article.author,
        article.url,
    )
    assert [_PROSE] == _quotable(article)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_headings_are_left_out_whatever_ends_the_line(newline: str) -> None:
    """A heading quoted as if it were reported would be the editor's voice as fact."""
    lines = ["# Ferry to close #", "", _PROSE, "", "## What happens next", "", "They vote."]
    article = read_markdown("ferry.md", newline.join(lines))

    assert ("Ferry to close", [_PROSE, "They vote."]) == (article.title, _quotable(article))


def test_a_date_that_is_none_is_noted_and_the_text_is_asked() -> None:
    """The operator learns of the typo, and the article keeps the date its text states."""
    article = read_markdown("a.md", f"---\ndate: soon\n---\nPublished: 20 Feb 2024\n\n{_PROSE}\n")

    assert ("2024-02-20", ("front matter date is not a date: 'soon'",)) == (
        str(article.published),
        article.notes,
    )


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ("title: [", "its front matter is not YAML"),  # syntax
        ("- a\n- b", "its front matter is not a list of `name: value` lines"),  # no mapping
        ("date: !!timestamp soon", "its front matter is not YAML"),  # PyYAML's own stumbles
        ("n: !!int ''", "its front matter is not YAML"),
        ("x: !!python/object:os.system {}", "its front matter is not YAML"),  # runs nothing
        ('title: "\\ud800"', "its title holds half of a surrogate pair"),  # cannot be stored
        ("a: &a [x, x]\nb: &b [*a, *a]\nauthor: [*b, *b]", "it has an alias"),  # a bomb
        ("a: &a {x: x}\nb: {<<: [*a, *a]}", "it has an alias"),
    ],
)
def test_broken_front_matter_refuses_the_article(front: str, reason: str) -> None:
    """Guessing on would date and name the article wrongly."""
    with pytest.raises(ArticleError, match=reason):
        read_markdown("a.md", f"---\n{front}\n---\n{_PROSE}\n")


def test_values_that_are_no_text_are_passed_over() -> None:
    """Huge numbers may not cost more than a glance."""
    front = f"author: [[], Jo]\ntitle: 0x{'f' * 6000}\nsource: true"
    article = read_markdown("a.md", f"---\n{front}\n---\n{_PROSE}")

    assert ("Jo", "a.md", True) == (article.author, article.source, article.title_derived)


def test_an_article_of_headings_alone_is_refused() -> None:
    """There would be nothing to quote."""
    with pytest.raises(ArticleError, match="only metadata"):
        read_markdown("a.md", "---\ntitle: x\n---\n# One\n\n## Two\n")


@given(st.text(alphabet=st.sampled_from("-#:\n\r ab[]{}*&!'\"\t.0"), max_size=80))
def test_any_markdown_is_an_article_or_an_article_error(text: str) -> None:
    """Files come from strangers."""
    try:
        article = read_markdown("a.md", f"---\n{text}")
    except ArticleError:
        return

    assert all(passage.text in article.text for passage in split(article))

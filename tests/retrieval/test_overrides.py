"""Sidecars and coverage.yaml: what is stated beside an article's file, and when it is noticed."""

import gzip
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.articles import read_file, scan
from retrieval.index.building import build
from retrieval.index.folder import FolderIndex
from retrieval.index.freshness import is_current
from retrieval.index.storage import read_manifest
from retrieval.types import Article
from tests.conftest import Corpus
from tests.fakes.hashing_embedder import HashingEmbedder

_TEXT = "Title: Ferry\nPublished: 2024-03-18\n\nThe ferry to Holm will stop running in June.\n"
_BARE = "The ferry to Holm will stop running in June. The island protests against it.\n"


def _read(folder: Path) -> tuple[dict[str, Article], list[str]]:
    files, refused = scan(folder)
    found = [read_file(folder, file) for file in files]
    errors = [*refused, *(error for each in found for error in each.refused)]
    articles = {article.article_id: article for each in found for article in each.articles}
    return articles, [str(error) for error in errors]


@pytest.mark.parametrize(
    ("file", "sidecar"),
    [
        ("n/a.txt", "n/a.meta.yaml"),
        ("n/a.txt", "n/a.txt.meta.yaml"),
        ("n/a.txt.gz", "n/a.meta.yaml"),
        ("n/a.txt.gz", "n/a.txt.meta.yaml"),
    ],
)
def test_a_sidecar_counts_whatever_the_article_says(
    corpus: Corpus, file: str, sidecar: str
) -> None:
    """It is how an operator corrects what was read wrongly."""
    text = gzip.compress(_TEXT.encode()) if file.endswith(".gz") else _TEXT.encode()
    stated = "headline: Farewell\npublishedAt: 2024-03-19\nsource: Gazette\nlink: https://x.org/1\n"
    stated += "updated: 2024-03-20\n"
    articles, errors = _read(corpus({file: text, sidecar: stated}))
    article = articles["n/a"]

    assert ("Farewell", "2024-03-19", "Gazette", "https://x.org/1") == (
        article.title,
        str(article.published),
        article.source,
        article.url,
    )
    assert f"sidecar {sidecar[2:]} publishedAt" == article.published_from
    assert f"sidecar {sidecar[2:]} updated" == article.updated_from
    assert ([], {"n/a"}) == (errors, set(articles))


def test_a_coverage_file_states_defaults_and_corrections_for_what_is_below(corpus: Corpus) -> None:
    """A folder of exports shares its source; one file in it may be another's."""
    folder = corpus(
        {
            "coverage.yaml": "source: All\nauthor: Jo\ndate: 2020",
            "n/coverage.yaml": (
                "source: Gazette\nfiles:\n  '*.md': {source: Notes}\n"
                "  b.md: {date: 2021}\n  'sub/*': {source: Sub}\n"
            ),
            "n/a.txt": _TEXT,
            "n/b.md": _BARE,
            "n/sub/c.md": _BARE,
            "n/a.meta.yaml": "author: Lena",
            "d.txt": f"Source: Own\n\n{_BARE}",
        }
    )
    articles, errors = _read(folder)

    assert [] == errors
    assert {
        "d": ("Own", "Jo", "2020", "coverage.yaml date"),
        "n/a": ("Gazette", "Lena", "2024-03-18", 'line "Published: 2024-03-18"'),
        "n/b": ("Notes", "Jo", "2021", "n/coverage.yaml b.md date"),
        "n/sub/c": ("Sub", "Jo", "2020", "coverage.yaml date"),
    } == {
        article_id: (a.source, a.author, str(a.published), a.published_from)
        for article_id, a in articles.items()
    }


def test_a_sidecar_holds_for_all_articles_of_a_file(corpus: Corpus) -> None:
    """An export of a year has one source."""
    lines = "\n".join(json.dumps({"text": text}) for text in ("One.", "Two."))
    articles, _ = _read(corpus({"a.jsonl": lines, "a.meta.yaml": "source: Gazette"}))

    assert ["Gazette", "Gazette"] == [article.source for article in articles.values()]


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("title: [", "not YAML ("),
        ("- a", "not a list of `name: value` lines"),
        ("titel: Ferry", "it states none of title, published, updated, source, url, author"),
        ("", "there is no text in it"),
        ('title: "\\ud800"', "it holds half of a surrogate pair"),
        ("a: &a [x]\ntitle: [*a, *a]", "not YAML (it has an alias, which is not read here)"),
        (f"title: {'x' * 2_000_000}", "more than 1"),
        (b"\0\0\0", "not text (it holds NUL bytes)"),
    ],
)
def test_what_cannot_be_understood_is_named_and_the_articles_are_read_without_it(
    corpus: Corpus, stated: str | bytes, reason: str
) -> None:
    """A slip in one of them must not hide a folder of articles."""
    folder = corpus({"a.txt": _TEXT, "a.meta.yaml": stated, "n/b.txt": _TEXT})
    (folder / "n/coverage.yaml").write_bytes((folder / "a.meta.yaml").read_bytes())
    articles, errors = _read(folder)

    assert ["Ferry", "Ferry"] == [article.title for article in articles.values()]
    assert 2 == len(errors)
    assert errors[0].startswith(f"n/coverage.yaml: {reason}")
    assert errors[0].endswith("; the articles are read without it")
    assert errors[1].startswith(f"a.txt: read without a.meta.yaml: {reason}")


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("files: [a.txt]", "its `files` do not name files and what holds for them"),
        ("files: {a.txt: Gazette}", "its `files` do not name files and what holds for them"),
        ("files: {a.txt: {titel: x}}", "it states none of title"),
        (
            "files:\n" + "\n".join(f"  '*{n}': {{source: x}}" for n in range(1_001)),
            "more than 1,000 patterns",
        ),
    ],
)
def test_the_files_of_a_coverage_file_are_checked(corpus: Corpus, stated: str, reason: str) -> None:
    """What would never take effect has to be said."""
    _, errors = _read(corpus({"a.txt": _TEXT, "coverage.yaml": stated}))

    assert [f"coverage.yaml: {reason}"] == [error[: 15 + len(reason)] for error in errors]


def test_a_sidecar_of_nothing_is_named(corpus: Corpus) -> None:
    """Its name was mistyped, or its article is gone."""
    _, errors = _read(corpus({"a.txt": _TEXT, "b.meta.yaml": "title: B"}))

    assert [
        "b.meta.yaml: a sidecar of no file; it has to be called as a file beside it is"
    ] == errors


def test_a_date_that_is_none_is_noted_and_the_articles_own_stays(corpus: Corpus) -> None:
    """A wrong correction must not undate an article."""
    articles, _ = _read(corpus({"a.txt": _TEXT, "a.meta.yaml": "date: last week"}))

    assert "2024-03-18" == str(articles["a"].published)
    assert ("sidecar a.meta.yaml date is not a date: 'last week'",) == articles["a"].notes


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_no_sidecar_leads_out_of_the_corpus(corpus: Corpus, tmp_path: Path) -> None:
    """Else a corpus from a stranger could have the bot show other files."""
    (tmp_path / "secret").write_text("title: secret")
    folder = corpus({"a.txt": _TEXT, "n/b.txt": _TEXT})
    (folder / "a.meta.yaml").symlink_to(tmp_path / "secret")
    (folder / "n/coverage.yaml").symlink_to(tmp_path / "secret")
    articles, errors = _read(folder)

    assert {"Ferry"} == {article.title for article in articles.values()}
    assert [
        f"{path}: a link that leads out of the corpus folder"
        for path in ("a.meta.yaml", "n/coverage.yaml")
    ] == errors


def test_a_change_of_what_is_stated_is_noticed(corpus: Corpus, tmp_path: Path) -> None:
    """Else a corrected date would show only after a rebuild."""
    folder = corpus({"a.txt": _TEXT, "b.txt": f"{_BARE}It rains.", "n/c.txt": f"{_BARE}It snows."})
    index = tmp_path / "index"

    def changed() -> tuple[str, ...]:
        assert not is_current(folder, read_manifest(index))
        changes = build(folder, index, HashingEmbedder())
        assert is_current(folder, read_manifest(index))
        assert 0 == changes.embedded
        return changes.changed

    build(folder, index, HashingEmbedder())
    (folder / "a.meta.yaml").write_text("date: 2024-03-19")
    assert ("a",) == changed()
    (folder / "a.meta.yaml").write_text("date: 2024-03-20")
    os.utime(folder / "a.meta.yaml", ns=(1, 1))
    assert ("a",) == changed()
    (folder / "coverage.yaml").write_text("files: {b.txt: {source: Gazette}}")
    assert ("b",) == changed()
    (folder / "coverage.yaml").write_text("source: Gazette")
    assert ("a", "n/c") == changed()
    (folder / "a.meta.yaml").unlink()
    assert ("a",) == changed()
    (folder / "coverage.yaml").unlink()
    assert ("a", "b", "n/c") == changed()
    published = {
        p.article.article_id: p.article.published for p in FolderIndex.open(index).passages
    }
    assert ("2024-03-18", None) == (str(published["a"]), published["b"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text("tiledafs:-[]{}*&<! \n'\"#|>0/.", max_size=60),
        st.dictionaries(
            st.sampled_from(["title", "date", "files", "source"]),
            st.recursive(
                st.none() | st.text(max_size=9) | st.integers() | st.floats(),
                lambda inner: st.dictionaries(st.sampled_from(["*", "a.txt", "date"]), inner),
                max_leaves=4,
            ),
        ).map(json.dumps),
    )
)
def test_whatever_is_stated_the_article_is_read(tmp_path: Path, stated: str | bytes) -> None:
    """Files come from strangers."""
    data = stated if isinstance(stated, bytes) else stated.encode()
    for name, content in (
        ("a.txt", _TEXT.encode()),
        ("a.meta.yaml", data),
        ("coverage.yaml", data),
    ):
        (tmp_path / name).write_bytes(content)
    articles, _ = _read(tmp_path)

    assert _TEXT == articles["a"].text

"""The corpus folder: every file is an article, or is refused with a reason."""

import gzip
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.articles import formats, read_file, scan
from retrieval.articles.corpus import CorpusFile
from retrieval.errors import ArticleError, CorpusError
from retrieval.passages import split
from retrieval.types import Article
from tests.conftest import Corpus


def _paths(folder: Path) -> tuple[list[str], list[str]]:
    files, refused = scan(folder)
    return [file.path for file in files], [str(error) for error in refused]


def test_files_are_found_in_folders_and_in_order(corpus: Corpus) -> None:
    """Ids and order must not depend on the file system."""
    folder = corpus(
        {"b.txt": "B", "a/z.MD": "Z", "a/y.jsonl": "{}", "a/.x.txt": "X", ".g/h.txt": ""}
    )

    assert (["a/y.jsonl", "a/z.MD", "b.txt"], []) == _paths(folder)


def test_other_files_are_refused_by_name(corpus: Corpus) -> None:
    """Silence about an .odt would leave its owner wondering why it is never quoted."""
    folder = corpus({"a.txt": "A", "b.odt": b"PK", "README": "r"})
    reason = f"not a kind of file that is read here ({formats.KNOWN})"

    assert (["a.txt"], [f"README: {reason}", f"b.odt: {reason}"]) == _paths(folder)


def test_a_missing_corpus_is_said_with_what_to_do(tmp_path: Path) -> None:
    """It is the first thing that goes wrong for a newcomer."""
    with pytest.raises(CorpusError, match=r"no corpus folder at .*gone; give .* --corpus"):
        scan(tmp_path / "gone")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_lead_nowhere_outside_the_corpus(corpus: Corpus, tmp_path: Path) -> None:
    """Else a corpus from a stranger could have the bot quote /etc/passwd."""
    (tmp_path / "secret.txt").write_text("secret")
    folder = corpus({"a.txt": "A"})
    (folder / "inside.txt").symlink_to(folder / "a.txt")
    (folder / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "broken.txt").symlink_to(folder / "gone.txt")
    (folder / "up").symlink_to(tmp_path)

    assert (
        ["a.txt", "inside.txt"],
        [
            "broken.txt: cannot be read (No such file or directory)",
            "outside.txt: a link that leads out of the corpus folder",
        ],
    ) == _paths(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_name_that_is_not_utf_8_is_refused_in_printable_form(corpus: Corpus) -> None:
    """It can be neither stored as an id nor printed."""
    folder = corpus({"a.txt": "A"})
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("C")

    assert (["a.txt"], ["caf\\xe9.txt: its name is not UTF-8; rename it"]) == _paths(folder)


def test_what_is_no_ordinary_file_is_refused(corpus: Corpus) -> None:
    """Reading a pipe would wait for ever."""
    folder = corpus({"a.txt": "A"})
    os.mkfifo(folder / "pipe.txt")

    assert (["a.txt"], ["pipe.txt: not an ordinary file"]) == _paths(folder)


def test_a_file_too_large_for_an_article_is_refused(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stray database dump must not fill the memory."""
    monkeypatch.setitem(formats._FORMATS, ".txt", replace(formats._FORMATS[".txt"], max_bytes=3))
    folder = corpus({"a.txt": "Four", "b.jsonl": '{"text": "B"}'})

    assert (
        ["b.jsonl"],
        [
            "a.txt: too large for one article (4 bytes; at most 3); "
            "split it into one file an article"
        ],
    ) == _paths(folder)


def test_a_file_gone_since_the_scan_is_an_article_error(tmp_path: Path) -> None:
    """Folders change while they are read."""
    with pytest.raises(ArticleError, match=r"a\.txt: cannot be read \(No such file"):
        read_file(tmp_path, CorpusFile("a.txt", 1, 1))


def test_the_encoding_is_noted_when_it_was_guessed(golden: Path) -> None:
    """A wrong guess is the operator's to notice."""
    (article,) = read_file(golden, CorpusFile("latin-1.txt", 0, 0)).articles

    assert ("not UTF-8: read as cp1252",) == article.notes
    assert "Le maire était désolé." in article.text


def test_the_golden_corpus_is_read_whole(golden: Path) -> None:
    """Everything that has ever broken a reader, in one place."""
    files, unread = scan(golden)
    articles: list[Article] = []
    refused = [str(error) for error in unread]
    for file in files:
        try:
            read = read_file(golden, file)
        except ArticleError as error:
            refused.append(str(error))
        else:
            articles += read.articles
            refused += map(str, read.refused)

    assert [
        ("copy-first", "2024-03-14"),
        ("copy-later", "2024-03-16"),
        ("discord-markup", "2024-03-11"),
        ("emoji", "2024-03-03"),
        ("endless-paragraph", "2024-03-12"),
        ("front-matter", "2024-03-18"),
        ("latin-1", "2024-03-21"),
        ("no-break-space", "2024-03-07"),
        ("one-word", "None"),
        ("right-to-left", "2024-03-05"),
        ("undated", "None"),
        ("windows-newlines", "2024-03-09"),
        ("wire-1", "2024-03-19"),
        ("wire-2", "2024-03-20"),
        ("wire/records#7", "None"),
        ("wire-1", "None"),
    ] == [(article.article_id, str(article.published)) for article in articles]
    assert [
        "not-an-article.csv: not a kind of file",
        "empty.txt: there is no text in it",
        "wire/records.jsonl, line 3: a record without",
        "wire/records.jsonl, line 4: not JSON",
        "wire/records.jsonl, line 5: not a JSON object",
        "wire/records.jsonl, line 9: its text holds half",
    ] == [
        next((start for start in _STARTS if message.startswith(start)), message)
        for message in refused
    ]


_STARTS = (
    "not-an-article.csv: not a kind of file",
    "wire/records.jsonl, line 3: a record without",
    "wire/records.jsonl, line 4: not JSON",
    "wire/records.jsonl, line 5: not a JSON object",
    "wire/records.jsonl, line 9: its text holds half",
)


def test_plain_text_is_kept_to_the_byte(golden: Path) -> None:
    """Verbatim means that the quote is found in the file as it is on disk."""
    for file in scan(golden)[0]:
        if not file.path.endswith(".txt") or file.path in ("empty.txt", "latin-1.txt"):
            continue
        (article,) = read_file(golden, file).articles

        assert (golden / file.path).read_bytes() == article.text.encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    data=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: text.encode())),
    suffix=st.sampled_from([".txt", ".md", ".jsonl"]),
)
def test_any_bytes_are_articles_or_article_errors(tmp_path: Path, data: bytes, suffix: str) -> None:
    """Nothing that lies in a corpus folder can stop the rest from being read."""
    (tmp_path / f"a{suffix}").write_bytes(data)
    try:
        read = read_file(tmp_path, CorpusFile(f"a{suffix}", len(data), 0))
    except ArticleError:
        return

    assert read.articles or read.refused
    assert all(split(article) for article in read.articles)


def test_a_compressed_file_is_read_as_what_it_holds(corpus: Corpus) -> None:
    """Archives of coverage come that way; its article is called what it was before."""
    folder = corpus({})
    (folder / "a.txt.gz").write_bytes(gzip.compress(b"Kim rode a horse.\n"))

    (article,) = read_file(folder, CorpusFile("a.txt.gz", 0, 0)).articles

    assert ("a", "Kim rode a horse.\n") == (article.article_id, article.text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(b"x" * 6_000_000, mtime=0), "more than 5,000,000 bytes once unpacked"),
        (gzip.compress(b"Kim rode a horse.", mtime=0)[:-9], "the compressed file is cut off"),
        (b"Kim rode a horse.", "not a gzip file"),
    ],
)
def test_a_compressed_file_that_is_a_bomb_or_broken_is_refused(
    corpus: Corpus, data: bytes, reason: str
) -> None:
    """A thousandfold of its size must not fill the memory."""
    folder = corpus({})
    (folder / "a.txt.gz").write_bytes(data)

    with pytest.raises(ArticleError, match=reason):
        read_file(folder, CorpusFile("a.txt.gz", 0, 0))

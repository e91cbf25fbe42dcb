"""PDFs: lines become paragraphs, what repeats on pages is left away, file dates are no dates."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.articles import pdf
from retrieval.articles.pdf import read_pdf
from retrieval.articles.pdf_layout import Line, read_pages
from retrieval.errors import ArticleError
from retrieval.passages import split
from tests.retrieval.documents import lines_down, make_pdf, pdf_of

_BODY = [
    "The ferry to Holm will stop running in June, the county said on",
    "Monday. The island protests, and its mayor wants to go to court over the",
    "well-known contract, which runs until the end of the next year.",
    "A new bridge is to be built. Nobody knows who pays for it, or when the",
    "building of it begins.",
]
_TEXT = (
    "The ferry to Holm will stop running in June, the county said on Monday. The island protests, "
    "and its mayor wants to go to court over the well-known contract, which runs until the end of "
    "the next year.\n\n"
    "A new bridge is to be built. Nobody knows who pays for it, or when the building of it begins."
)


def test_wrapped_lines_are_put_together_to_paragraphs() -> None:
    """A quote that ends with the line is half a sentence."""
    head = [
        (60, 780, 20, "Ferry to Holm will close"),
        *lines_down(750, ["Published: 18 March 2024"]),
    ]
    article = read_pdf("a/ferry.pdf", make_pdf([[*head, *lines_down(730, _BODY)]]))

    assert ("a/ferry", "Ferry to Holm will close", "2024-03-18") == (
        article.article_id,
        article.title,
        str(article.published),
    )
    assert f"Ferry to Holm will close\n\nPublished: 18 March 2024\n\n{_TEXT}" == article.text
    assert _TEXT.replace("\n\n", " ") == " ".join(passage.text for passage in split(article))


def test_the_dates_of_the_file_are_not_the_articles() -> None:
    """A PDF printed today of an article of last year would be dated today."""
    article = read_pdf("a.pdf", make_pdf([lines_down(780, _BODY)]))

    assert (None, None) == (article.published, article.updated)


def test_what_repeats_on_pages_is_left_away_and_its_date_counts_last() -> None:
    """A page number in the middle of a sentence would be quoted with it."""
    pages = [
        [
            (60, 810, 8, "The Gazette | 18 March 2024"),
            *lines_down(780, lines),
            (300, 20, 8, f"Page {number} of 2"),
        ]
        for number, lines in ((1, _BODY[:2]), (2, _BODY[2:]))
    ]
    article = read_pdf("a.pdf", make_pdf(pages))

    assert (_TEXT, "2024-03-18") == (article.text, str(article.published))
    assert 'running head, line "The Gazette | 18 March 2024"' == article.published_from


def test_what_a_browser_prints_around_a_page_is_no_date_but_an_address() -> None:
    """Its date is when somebody printed the page."""
    page = [
        (30, 820, 8, "11/22/2024, 3:04 PM"),
        *lines_down(780, _BODY),
        (30, 15, 8, "https://x.org/ferry"),
        (520, 15, 8, "1/1"),
    ]
    article = read_pdf("a.pdf", make_pdf([page], title="Ferry"))

    assert (_TEXT, None, "https://x.org/ferry") == (article.text, article.published, article.url)


@pytest.mark.parametrize(
    ("above", "below", "elsewhere", "whole"),
    [
        ("The govern-", "ment fell.", "", "The government fell."),
        ("The Franco-", "German plan.", "", "The Franco-German plan."),  # before a capital
        ("The years 2019-", "2020 were hot.", "", "The years 2019-2020 were hot."),
        ("A well-", "known plan.", "It is well-known.", "A well-known plan."),
        ("A Russian-", "made car.", "Russian cars are made.", "A Russian-made car."),
    ],
)
def test_broken_words_are_made_whole(above: str, below: str, elsewhere: str, whole: str) -> None:
    """A word in two halves is found by no search."""
    lines = [above, below, "", elsewhere]
    article = read_pdf("a.pdf", make_pdf([lines_down(780, lines)]))

    assert whole == article.text.split("\n\n")[0]


def test_columns_are_read_one_after_the_other() -> None:
    """Across both, no sentence would make sense."""
    left = lines_down(780, _BODY[:2], left=40, size=7)
    right = lines_down(780, _BODY[2:], left=320, size=7)
    article = read_pdf("a.pdf", make_pdf([[*left, *right]]))

    assert _TEXT == article.text


def test_a_title_counts_where_it_stands_on_the_page() -> None:
    """Half of all PDFs are called "Microsoft Word - Document1"."""
    page = lines_down(780, ["Ferry to close", "", *_BODY])
    right = read_pdf("a.pdf", make_pdf([page], title="Ferry to close - The Gazette"))
    wrong = read_pdf("a.pdf", make_pdf([lines_down(780, _BODY)], title="Document1"))

    assert ("Ferry to close", False) == (right.title, right.title_derived)
    assert wrong.title_derived


_LOCKED = (
    b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <"
    + b"00" * 32
    + b"> /U <"
    + b"11" * 32
    + b"> >> /ID [<00> <00>]"
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a PDF"),
        (b"%PDF-1.7\n\0\0\0", "not a PDF"),
        (make_pdf([lines_down(780, _BODY)])[:300], "there is no text in it|not a PDF"),
        (make_pdf([lines_down(780, _BODY)], trailer=_LOCKED), "encrypted; save it without"),
        (make_pdf([[], []]), "there is no text in it, at most pictures of text"),
        (pdf_of([b"BT /F 1 Tf"]), "there is no text in it"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    """Scanned and locked PDFs are the common ones; their owner can mend that."""
    with pytest.raises(ArticleError, match=f"^a.pdf: ({reason})"):
        read_pdf("a.pdf", data)


def test_more_pages_than_a_book_has_are_not_read() -> None:
    """A page costs milliseconds, and a PDF can have a million."""
    pages = [[(60, 400, 10, f"The ferry stops {number} times.")] for number in range(501)]
    article = read_pdf("a.pdf", make_pdf(pages))

    assert ("only the first 500 of its 501 pages are read",) == article.notes
    assert article.text.endswith("The ferry stops 499 times.")


def test_what_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF can be made to take forever."""
    monkeypatch.setattr(pdf, "_LIMIT_S", 0.001)

    with pytest.raises(ArticleError, match="reading it takes too long"):
        read_pdf("a.pdf", make_pdf([lines_down(780, _BODY)]))


@pytest.mark.parametrize("ending", ["os.abort()", "raise MemoryError", "print('no JSON')"])
def test_a_reader_that_dies_is_an_article_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """What is fatal to it must not be fatal to the bot."""
    child = tmp_path / "child.py"
    child.write_text(f"import os\n{ending}")
    monkeypatch.setattr(pdf, "_CHILD", child)

    with pytest.raises(ArticleError, match="too much memory, or it is broken"):
        read_pdf("a.pdf", b"%PDF-")


def test_the_reader_of_pdfs_stays_out_of_this_process() -> None:
    """It is machine code, and 100 ms to import."""
    read_pdf("a.pdf", make_pdf([lines_down(780, _BODY)]))

    assert "pypdfium2" not in sys.modules


_NUMBERS = st.floats(-1e6, 1e6)
_LINES = st.builds(
    Line,
    page=st.integers(0, 3),
    text=st.text("ab .-\xad1•", min_size=1).filter(str.strip),
    left=_NUMBERS,
    bottom=_NUMBERS,
    right=_NUMBERS,
    top=_NUMBERS,
    height=st.floats(0, 1e3),
)


@given(st.lists(_LINES, min_size=1, max_size=20), st.none() | st.text())
def test_any_lines_become_paragraphs(lines: list[Line], title: str | None) -> None:
    """PDFs put letters anywhere."""
    pages = read_pages(sorted(lines, key=lambda line: line.page), title)

    assert not any("\xad" in paragraph.text for paragraph in pages.paragraphs)


_GOOD = make_pdf([lines_down(780, _BODY)] * 2, title="Ferry")


@settings(max_examples=6, deadline=None)  # each starts a process
@given(st.integers(0, len(_GOOD) - 1), st.binary(min_size=1, max_size=4))
def test_any_damage_is_an_article_or_an_article_error(place: int, damage: bytes) -> None:
    """One broken PDF must not stop the rest from being read."""
    try:
        article = read_pdf("a.pdf", _GOOD[:place] + damage + _GOOD[place + len(damage) :])
    except ArticleError:
        return

    assert split(article)

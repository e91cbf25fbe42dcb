"""Word documents: their paragraphs are the text, headings are left out, properties are no dates."""

from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_BZIP2, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.docx import read_docx
from retrieval.errors import ArticleError
from retrieval.passages import split
from retrieval.types import Article
from tests.retrieval.documents import docx_of, make_docx

_PROSE = "The ferry to Holm will stop running in June. The island protests."


def _quotable(article: Article) -> list[str]:
    return [passage.text for passage in split(article)]


def test_paragraphs_are_the_text_and_headings_are_left_out() -> None:
    """The styles are called by other names in a Word in another language."""
    article = read_docx(
        "a/ferry.docx",
        make_docx(
            [
                ("Titel", "Ferry to close"),
                "By Lena Orvik",
                "Published: 18 March 2024",
                _PROSE,
                ("berschrift2", "What happens next"),
                "They vote.",
            ]
        ),
    )

    assert ("a/ferry", "Ferry to close", "2024-03-18", "Lena Orvik") == (
        article.article_id,
        article.title,
        str(article.published),
        article.author,
    )
    assert [_PROSE, "They vote."] == _quotable(article)
    assert f"Published: 18 March 2024\n\n{_PROSE}\n\nWhat happens next" in article.text


def test_the_first_heading_is_the_title_where_no_paragraph_is_styled_so() -> None:
    """Many writers never use the style Title."""
    article = read_docx("a.docx", make_docx([("berschrift1", "Ferry"), _PROSE]))

    assert ("Ferry", [_PROSE]) == (article.title, _quotable(article))


def test_only_what_a_reader_sees_is_text() -> None:
    """What was struck out must not be quoted, and a text box is stored twice."""
    article = read_docx(
        "a.docx",
        docx_of(
            "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>The ferry</w:t></w:r>"
            "<w:del><w:r><w:delText> never</w:delText><w:t> not</w:t></w:r></w:del>"
            "<w:ins><w:r><w:tab/><w:t>stops.</w:t><w:br/><w:t>The island </w:t></w:r></w:ins>"
            "<w:r><w:instrText>DATE</w:instrText><w:t>pro</w:t></w:r><w:r><w:t>tests.</w:t></w:r>"
            "</w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>A cell.</w:t></w:r></w:p></w:tc></w:tr>"
            "</w:tbl>"
            '<w:p><w:r><mc:AlternateContent xmlns:mc="m"><mc:Choice><w:p><w:r><w:t>A box.</w:t>'
            "</w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>A box.</w:t></w:r></w:p>"
            "</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        ),
    )

    assert "The ferry\tstops.\nThe island protests.\n\nA cell.\n\nA box." == article.text


def _entity_bomb() -> bytes:
    bomb = b'<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><b>&b;</b>'
    return make_docx([], document=bomb)


def _packed_otherwise() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_BZIP2) as archive:
        archive.writestr("word/document.xml", "<a/>")
    return file.getvalue()


def _climbing_out() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("../../word/document.xml", "<a/>")
    return file.getvalue()


def _with_a_password() -> bytes:
    data = bytearray(make_docx([_PROSE], styles=b"<a/>"))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(mark, start + 1)) >= 0:
            data[start + flags] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "not a Word document, or a broken one"),
        (lambda: b"PK\x03\x04 and no more", "not a Word document, or a broken one"),
        (lambda: make_docx([_PROSE])[:-40], "not a Word document, or a broken one"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted, or an old .doc"),
        (lambda: make_docx([]), "there is no text in it"),
        (lambda: make_docx([("Titel", "Ferry")]), "there is no article in it, only metadata"),
        (lambda: make_docx([], document=b"<a>"), "a broken Word document"),
        (_entity_bomb, "it declares a document type"),
        (_climbing_out, "there is none in the archive"),
        (_packed_otherwise, "packed in a way that Word does not use"),
        (_with_a_password, "a broken one .*encrypted"),
    ],
)
def test_what_is_no_document_is_refused_with_a_reason(
    make: Callable[[], bytes], reason: str
) -> None:
    """A folder of documents has broken and locked ones in it."""
    with pytest.raises(ArticleError, match=f"^a.docx: .*{reason}"):
        read_docx("a.docx", make())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A kilobyte of archive can hold a megabyte of letters; nobody wrote that many."""
    body = f"<w:p><w:r><w:t>{'A car. ' * 1_000_000}</w:t></w:r></w:p>"

    with pytest.raises(ArticleError, match="more than 5,000,000 characters of text"):
        read_docx("a.docx", docx_of(body))


_GOOD = make_docx([("Titel", "Ferry"), "Published: 18 March 2024", _PROSE])


@given(st.integers(0, len(_GOOD) - 1), st.binary(min_size=1, max_size=4))
def test_any_damage_is_an_article_or_an_article_error(place: int, damage: bytes) -> None:
    """One broken document must not stop the rest from being read."""
    try:
        article = read_docx("a.docx", _GOOD[:place] + damage + _GOOD[place + len(damage) :])
    except ArticleError:
        return

    assert split(article)

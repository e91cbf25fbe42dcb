"""Bytes: read as what they are, or refused with the reason."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles.decoding import decode


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("naïve – 🚗".encode(), ("naïve – 🚗", "utf-8")),  # what nearly all files are
        ("\ufeffKim".encode(), ("Kim", "utf-8")),  # Windows Notepad's mark is no word
        ("\ufeffKim".encode("utf-16-le"), ("Kim", "utf-16-le")),  # Windows "Unicode"
        ("\ufeffKim".encode("utf-16-be"), ("Kim", "utf-16-be")),  # the other way round
        ("\ufeffKim".encode("utf-32-le"), ("Kim", "utf-32-le")),  # whose mark begins like UTF-16's
        ("Kim rode".encode("utf-16-le"), ("Kim rode", "utf-16-le")),  # no mark, zeros tell
        ("Kim rode".encode("utf-16-be"), ("Kim rode", "utf-16-be")),
        ("“café” — £5".encode("cp1252"), ("“café” — £5", "cp1252")),  # old Windows
        (b"a\r\nb\rc\n", ("a\r\nb\rc\n", "utf-8")),  # newlines stay as they are
    ],
)
def test_text_is_decoded_exactly(data: bytes, expected: tuple[str, str]) -> None:
    """A quote is verbatim only if the decoding is."""
    assert expected == decode(data)


def test_cyrillic_is_not_taken_for_accented_latin() -> None:
    """Reading it as cp1252 would give no error and no readable word."""
    text = "Председатель правительства посетил завод и осмотрел новый автомобиль. " * 3
    decoded, _ = decode(text.encode("cp1251"))

    assert text == decoded


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "there is no text in it"),  # empty
        (b"\xef\xbb\xbf \r\n", "there is no text in it"),  # only a mark and space
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not text (it holds NUL bytes)"),  # an image
        (b"\x1f\x8b\x08\xff\xfe\x01", "not text (it holds binary data)"),  # an archive
        (b"Kim\x07", "not text (it holds the control character U+0007)"),  # a bell
        (b"\xff\xfeK", "broken utf-16-le at byte 0"),  # half a character
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    """The operator reads it in `dateline check`."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        decode(data)


@pytest.mark.parametrize("bad", [b"\x92", b"\xa0", b"\xe2\x80"])
def test_utf8_with_a_bad_byte_is_refused_and_not_read_as_nonsense(bad: bytes) -> None:
    """Every apostrophe of a quote would come out as “‚Äô”."""
    data = "North Korea’s leader said “yes” – twice.".encode() + bad + b" He left."

    with pytest.raises(ValueError, match="broken UTF-8 at byte 48; save it again"):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_are_refused(data: bytes) -> None:
    """A stray file must not end a run."""
    try:
        text, encoding = decode(data)
    except ValueError:
        return

    assert text.strip()
    if encoding.startswith("utf") or encoding == "cp1252":  # others hold bytes that mean the same
        assert data.endswith(text.encode(encoding))

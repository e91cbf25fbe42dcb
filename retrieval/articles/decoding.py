"""Bytes of unknown encoding → text, or a reason why they are none."""

import codecs
import re

_BOMS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes that no text in any encoding of bytes uses; tab, newlines, form feed and escape are left.
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_WESTERN = frozenset(
    "àâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßÀÂÄÁÃÅÆÇÉÈÊËÍÎÏÑÓÒÔÖÕØŒÚÙÛÜ’‘“”–—…•€£©®°§«»¿¡½¼\xa0"
)
_SAMPLE = 100_000  # bytes looked at when an encoding has to be guessed


def decode(data: bytes) -> tuple[str, str]:
    """The text in `data` and the encoding it was in ("utf-8", "cp1252", …).

    A byte-order mark decides and is dropped; else UTF-8 if it fits; else UTF-16 if every other
    byte is zero; else the likeliest 8-bit or Asian encoding. Newlines stay as they are.

    Raises:
        ValueError: the bytes are no text, or there is none in them; the message says which.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _checked(_strictly(data[len(mark) :], encoding), encoding)
    if b"\x00" in data:
        if (wide := _utf16_without_mark(data)) is None:
            raise ValueError("not text (it holds NUL bytes)")
        return _checked(_strictly(data, wide), wide)
    try:
        return _checked(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        if _CONTROL.search(data):
            raise ValueError("not text (it holds binary data)") from None
    _refuse_broken_utf8(data)
    from charset_normalizer import from_bytes  # here, for most corpora have no use for it

    best = from_bytes(data, steps=10, chunk_size=1024).best()
    if best is None:
        raise ValueError("the text is in no encoding known here; save it as UTF-8")
    encoding = _western(data) or best.encoding
    return _checked(_strictly(data, encoding), encoding)


def _refuse_broken_utf8(data: bytes) -> None:
    """Refuses UTF-8 with a few bad bytes: in any other encoding it would be read as nonsense."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(char > "\x7f" for char in text) - broken > broken:
        where = len(text.partition("\ufffd")[0].encode())
        raise ValueError(f"broken UTF-8 at byte {where:,}; save it again as UTF-8")


def _western(data: bytes) -> str | None:
    """cp1252 if what is not ASCII in `data` reads as Western European letters and punctuation.

    Guessers take short Latin-1 texts for their Eastern European siblings, which share most
    letters; a lone é among ASCII words is French or Spanish far more often.
    """
    try:
        text = data[:_SAMPLE].decode("cp1252")
    except UnicodeDecodeError:
        return None
    foreign = [char for char in text if ord(char) > 127]
    words = re.findall(r"[^\W\d_]+", text)
    mixed = [word for word in words if not word.isascii()]
    if not all(char in _WESTERN for char in foreign):
        return None
    # Cyrillic, Greek or Hebrew read as cp1252 is words made of accented letters alone.
    accented = sum(sum(not char.isascii() for char in word) for word in mixed)
    return "cp1252" if accented <= 0.4 * max(1, sum(map(len, mixed))) else None


def _utf16_without_mark(data: bytes) -> str | None:
    sample = data[: _SAMPLE - _SAMPLE % 2]
    zeros_odd = sample[1::2].count(0) / max(1, len(sample) // 2)
    zeros_even = sample[0::2].count(0) / max(1, len(sample) // 2)
    if zeros_odd > 0.7 and zeros_even < 0.05:
        return "utf-16-le"
    if zeros_even > 0.7 and zeros_odd < 0.05:
        return "utf-16-be"
    return None


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"broken {encoding} at byte {error.start:,}") from error


def require_text(text: str) -> None:
    """Refuses what nobody can read.

    Raises:
        ValueError: there is nothing to see in `text`, or a control character that no text holds.
    """
    if not text.strip("\ufeff \t\r\n\x0b\x0c\x1b\x85\xa0\u2028\u2029\u200b"):
        raise ValueError("there is no text in it")
    if found := _CONTROL_TEXT.search(text):
        raise ValueError(f"not text (it holds the control character U+{ord(found[0]):04X})")


def _checked(text: str, encoding: str) -> tuple[str, str]:
    require_text(text)
    return text, encoding

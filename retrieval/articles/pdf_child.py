"""A PDF on standard input → its lines as JSON on standard output, in a process of its own.

Reading a PDF is endless, hungry or fatal if somebody wants it to be; here it can end no process
but this one. It is started by its path, imports nothing of ours and opens no file.
"""

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from typing import Any

CPU_S = 10  # of processor time; a book of 500 pages takes two
MEMORY_BYTES = 1_000_000_000
MAX_PAGES = 500
MAX_CHARS = 5_000_000
MAX_LINES = 100_000
_HYPHENS = (0x02, 0xAD, 0xFFFE)  # what PDFium may put where a word is broken between two lines


def main() -> None:
    """Writes {"pages", "read", "title", "lines"} or {"error"}; `read` is how many pages were.

    A line is [page, text, left, bottom, right, top, height]: the page counts from 0, the rest are
    points from the lower left corner, and the height is that of its first letter's font. In the
    text, U+00AD stands where a word was broken and goes on in the line below.
    """
    _limit_this_process()
    data = sys.stdin.buffer.read()
    json.dump(_read(data), sys.stdout)


def _limit_this_process() -> None:
    """Bounds memory and processor time where the system can: not on Windows, in part on macOS."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, limit in ((resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_AS, MEMORY_BYTES)):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (limit, limit + 1))  # at the second one it is killed


def _read(data: bytes) -> dict[str, object]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        return {
            "error": "encrypted; save it without a password"
            if encrypted
            else "not a PDF, or broken"
        }
    lines: list[list[object]] = []
    chars = 0
    read = min(len(document), MAX_PAGES)
    for number in range(read):
        try:
            text = document[number].get_textpage()
            chars += text.count_chars()
            if chars > MAX_CHARS or len(lines) > MAX_LINES:
                return {"error": f"more than {MAX_CHARS:,} characters or {MAX_LINES:,} lines"}
            lines += ([number, *line] for line in _lines(pypdfium2.raw, text))
        except pypdfium2.PdfiumError:
            continue  # a page that cannot be read has no lines
    title = document.get_metadata_value("Title")
    return {"pages": len(document), "read": read, "title": title, "lines": lines}


def _lines(raw: Any, text: Any) -> Iterator[list[object]]:
    """The lines of a page, in the order in which they were set."""
    places: list[int] = []
    words = ""
    for place in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, place)
        char = "\xad" if code in _HYPHENS else chr(code) if 0 < code < 0x110000 else ""
        if char not in "\r\n":
            words += char
            if not char.isspace():
                places.append(place)
        elif raw.FPDFText_IsGenerated(text, place) and places:
            yield _line(text, words, places[0], places[-1])
            places, words = [], ""
    if places:
        yield _line(text, words, places[0], places[-1])


def _line(text: Any, words: str, first: int, last: int) -> list[object]:
    left, bottom, _, top = text.get_charbox(first, loose=True)
    height = top - bottom
    _, bottom, right, _ = text.get_charbox(last, loose=True)
    places = (left, bottom, right, top, height)
    return [words.strip(), *(round(place, 1) if math.isfinite(place) else 0.0 for place in places)]


if __name__ == "__main__":
    main()

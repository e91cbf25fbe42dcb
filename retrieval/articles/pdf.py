"""A `.pdf` file → its article, read in a process of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from retrieval.articles.extracted import read_paragraphs
from retrieval.articles.pdf_layout import Line, read_pages
from retrieval.articles.plain_text import lay_out
from retrieval.errors import ArticleError
from retrieval.types import Article

_CHILD = Path(__file__).with_name("pdf_child.py")
_LIMIT_S = 60  # on a busy machine; the child stops itself after 10 s of processor time

_OUT_OF_TIME = [-getattr(signal, name, 0) or None for name in ("SIGXCPU", "SIGKILL")]
"""How the child then ends; None on Windows, where it has no limit of its own."""


def read_pdf(path: str, data: bytes) -> Article:
    """The article that a PDF holds.

    Its text is put together here: wrapped lines to paragraphs, broken words made whole, without
    what repeats at the top and the bottom of pages. A date that repeats there counts where the
    text states none. The PDF's own dates are when the file was made and saved, and are not read.

    Raises:
        ArticleError: it is broken, encrypted or no PDF, takes too much time or memory, or has no
            text, but pictures at most.
    """
    found = _run(path, data)
    lines = [Line(*values) for values in found["lines"] if values[1]]
    if not lines:
        raise ArticleError(
            path, "there is no text in it, at most pictures of text; recognise it (OCR) first"
        )
    pages = read_pages(lines, found["title"])
    notes = []
    if found["read"] < found["pages"]:
        notes.append(f"only the first {found['read']} of its {found['pages']:,} pages are read")
    heads = map(lay_out, pages.running)
    dated = next(((h.published, h.published_from) for h in heads if h.published), (None, None))
    return read_paragraphs(
        path,
        pages.paragraphs,
        url=pages.url,
        published=dated[0],
        published_from=dated[1] and f"running head, {dated[1]}",
        notes=tuple(notes),
    )


def _run(path: str, data: bytes) -> dict[str, Any]:
    """What the process that reads PDFs finds in this one."""
    try:
        child = subprocess.run(  # noqa: S603  # our own file, by its path
            [sys.executable, "-P", str(_CHILD)],
            input=data,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
        found: dict[str, Any] = json.loads(child.stdout)
    except subprocess.TimeoutExpired as error:
        raise ArticleError(path, "reading it takes too long") from error
    except ValueError as error:
        too_long = child.returncode in _OUT_OF_TIME
        reason = "takes too long" if too_long else "takes too much memory, or it is broken"
        raise ArticleError(path, f"reading it {reason}") from error
    if "error" in found:
        raise ArticleError(path, found["error"])
    return found

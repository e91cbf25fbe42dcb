"""A `.docx` file → its article: the paragraphs of the document, headings left out by span.

A `.docx` is a ZIP archive of XML files. Two of them are read, by name, piece by piece; nothing is
ever unpacked onto the disk.
"""

import re
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Protocol
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from retrieval.articles.extracted import MAX_TEXT, Paragraph, read_paragraphs
from retrieval.errors import ArticleError
from retrieval.types import Article

_OLE = b"\xd0\xcf\x11\xe0"  # the older container, which an encrypted document is put into
_MAX_XML_BYTES = 200_000_000  # Word spends up to a hundred bytes on a word
_PIECE = 65_536
_UNSEEN = {"del", "moveFrom", "Fallback", "instrText", "delText"}
"""What is struck out, said a second time for old readers, or computed from."""
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_HEADING = re.compile(r"(title|heading) ?(\d?)", re.IGNORECASE)


def read_docx(path: str, data: bytes) -> Article:
    """The article that a Word document holds.

    Its title is the paragraph in the style Title, or else the first Heading 1. The dates among
    the document's properties are when the file was made and saved, and are not read.

    Raises:
        ArticleError: it is broken, encrypted or no Word document, or there is no text in it.
    """
    if data.startswith(_OLE):
        raise ArticleError(path, "encrypted, or an old .doc; save it as .docx, without a password")
    styles = _Styles()
    document = _Document(styles.names)
    try:
        with ZipFile(BytesIO(data)) as archive:
            if "word/styles.xml" in archive.namelist():
                _parse(archive, "word/styles.xml", styles)
            _parse(archive, "word/document.xml", document)
    except KeyError as error:
        raise ArticleError(path, "not a Word document (there is none in the archive)") from error
    except (BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        # RuntimeError: there is a password
        raise ArticleError(path, f"not a Word document, or a broken one ({error})") from error
    except expat.ExpatError as error:
        raise ArticleError(path, f"a broken Word document ({error})") from error
    return read_paragraphs(path, document.paragraphs)


class _Handler(Protocol):
    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...


def _parse(archive: ZipFile, name: str, handler: _Handler) -> None:
    """Tells `handler` of each element, by its name without the namespace, and of each text.

    Raises:
        ValueError: the file is too large, or declares entities, which Word never does.
    """

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: handler.start(
        _local(name), {_local(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: handler.end(_local(name))
    parser.CharacterDataHandler = handler.text
    left = _MAX_XML_BYTES
    if archive.getinfo(name).compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError("packed in a way that Word does not use")
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise ValueError(f"more than {_MAX_XML_BYTES:,} bytes once unpacked")
            parser.Parse(piece)
    parser.Parse(b"", True)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Styles:
    """What each style is called whatever the language of the Word that wrote it."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._style = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "style":
            self._style = attributes.get("styleId", "")
        elif name == "name" and self._style:
            self.names.setdefault(self._style, attributes.get("val", ""))

    def end(self, name: str) -> None:
        if name == "style":
            self._style = ""

    def text(self, data: str) -> None:
        pass


class _Document:
    """Collects the paragraphs of a document; one in a text box comes before the one around it."""

    def __init__(self, styles: Mapping[str, str]) -> None:
        self.paragraphs: list[Paragraph] = []
        self._styles = styles
        self._open: list[tuple[list[str], list[int | None]]] = []
        self._unseen = 0
        self._in_text = False
        self._left = MAX_TEXT

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in _UNSEEN:
            self._unseen += 1
        elif name == "p":
            self._open.append(([], [None]))
        elif name == "pStyle" and self._open:
            self._open[-1][1][0] = self._level(attributes.get("val", ""))
        elif name == "t":
            self._in_text = True
        elif name in _MARKS and not self._unseen and self._open:
            self._open[-1][0].append(_MARKS[name])

    def end(self, name: str) -> None:
        if name in _UNSEEN:
            self._unseen -= 1
        elif name == "t":
            self._in_text = False
        elif name == "p" and self._open:
            pieces, (level,) = self._open.pop()
            self.paragraphs.append(Paragraph("".join(pieces), level))

    def text(self, data: str) -> None:
        if not self._in_text or self._unseen or not self._open:
            return
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"more than {MAX_TEXT:,} characters of text")
        self._open[-1][0].append(data)

    def _level(self, style: str) -> int | None:
        match = _HEADING.fullmatch(self._styles.get(style, style))
        return int(match[2] or 0) if match else None

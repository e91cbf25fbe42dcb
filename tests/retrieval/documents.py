"""PDFs and Word documents made by hand, with nothing in them but what is given."""

import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Set = tuple[float, float, float, str]
"""Words on a page: points from the left and from the bottom, size, text in Latin-1."""

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def make_pdf(
    pages: Iterable[Sequence[Set]], *, title: str | None = None, trailer: bytes = b""
) -> bytes:
    """A PDF in Helvetica. `trailer` goes into its trailer as it is."""
    return pdf_of(
        [
            b"\n".join(
                b"BT /F %g Tf %g %g Td (%s) Tj ET" % (size, left, bottom, _string(words))
                for left, bottom, size, words in page
            )
            for page in pages
        ],
        b"/Title (%s) /CreationDate (D:20200101000000Z)" % _string(title or ""),
        trailer,
    )


def pdf_of(streams: Sequence[bytes], info: bytes = b"", trailer: bytes = b"") -> bytes:
    """A PDF with these content streams, one a page."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(streams)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(streams)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(streams):
        packed = zlib.compress(stream)
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R >> >> >>" % (5 + 2 * number),
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        ]
    objects.append(b"<< %s >>" % info)
    data, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return bytes(data) + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info %d 0 R %s >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, size - 1, trailer, len(data))
    )


def _string(words: str) -> bytes:
    data = words.encode("cp1252")
    return data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def lines_down(top: float, lines: Iterable[str], left: float = 60, size: float = 10) -> list[Set]:
    """Lines set one below the other; "" is a gap."""
    return [
        (left, top - 1.2 * size * number, size, line) for number, line in enumerate(lines) if line
    ]


def make_docx(paragraphs: Iterable[str | tuple[str, str]], **parts: bytes) -> bytes:
    """A Word document; a paragraph may come with the id of its style.

    `parts` replace what is in the archive: `document` and `styles`.
    """
    pairs = [("", p) if isinstance(p, str) else p for p in paragraphs]
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
        f'<w:r><w:t xml:space="preserve">{escape(words)}</w:t></w:r></w:p>'
        for style, words in pairs
    )
    return docx_of(body, **parts)


def docx_of(body: str, **parts: bytes) -> bytes:
    """A Word document with this body, in the markup of its own."""
    styles = (
        f'<w:styles {_W}><w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>'
        '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style></w:styles>'
    )
    contents = {
        "styles": styles.encode(),
        "document": f"<w:document {_W}><w:body>{body}</w:body></w:document>".encode(),
        **parts,
    }
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(f"word/{name}.xml", data)
    return file.getvalue()

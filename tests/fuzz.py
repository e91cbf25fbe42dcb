"""Fuzzing of every kind of file: `python -m tests.fuzz --minutes 10 pdf docx`; not for pytest.

Files of each kind are changed by chance, byte by byte and inside what is packed, put into a corpus
and read from there. What is found is anything but articles and ArticleErrors: another exception, a
text that cannot be stored or shown, more than ten seconds of processor time. What found it is kept
in `--keep`. With atheris (`pip install atheris`) inputs that reach new code are changed further.
`--from FOLDER` adds files of the kind to start from. Exit status 1 when anything is found.
"""

import argparse
import contextlib
import copy
import gzip
import importlib.util
import io
import json
import logging
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.types import Article

_KINDS = (
    *("txt", "md", "html", "pdf", "docx", "json", "jsonl", "feed", "warc", "gz", "warc.gz"),
    *("sidecar", "coverage"),
)
_SLOW_S = 10.0
_MAX_BYTES = 200_000  # of an input; what only size breaks has tests of its own
_MEMORY_MB = 4_096
_PROSE = "The ferry to Holm will stop running in June, said Jo Berg. The island protests loudly. "
_TOKENS = (
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\x1f\x8b", b"\r\n", b"\n\n"),
    *(b"\xe2\x80\xae", b"\xe2\x80\xa8", b"-1", b"99999999999999999999", b"1e999", b"NaN", b"null"),
    *(b"31.12.9999", b"03/04/2024", b"2024-02-30", b"0000-00-00", b"\\ud800", b"{}", b"[]", b'"'),
)
_MARKUP = (
    *(b"<", b">", b"&", b"&#0;", b"&#xD800;", b"<!ENTITY a 'b'>", b"]]>", b"<![CDATA[", b"<!--"),
    *(b"-->", b"<p>", b"</p>", b"<html>", b"<body>", b"<div>", b"</div>", b"<table><tr><td>"),
    *(b"<script>", b"<svg>", b"<template>", b"<noscript>", b"<frameset>", b"<select>", b"<title>"),
    *(b"<article>", b"</article>", b"<plaintext>", b"<h1>", b"<ul><li>" * 50, b"<b>" * 200),
    *(b"<time datetime=2024-02-20>", b"<link rel=canonical href='//x:y:z'>", b"<base href='//['>"),
    *(b"<meta property='og:url' content='http://[::1'>", b"<meta charset=utf-7>", b"<br>" * 50),
    b'<script type="application/ld+json">{"@type":"Article","datePublished":["x"],"headline":{},'
    b'"author":[1,{"name":[]}],"publisher":[[]],"articleBody":[{}]}</script>',
)
_PACKED = (
    *(b"PK\x01\x02", b"stream", b"endstream", b"endobj", b"/Encrypt", b"/Kids [1 0 R]", b"<<"),
    *(b"chunked", b"gzip", b"Content-Length: 5\r\n", b"WARC/1.0\r\n", b"HTTP/1.1 200 OK\r\n"),
)
_YAML = (b"*a", b"&a ", b"<<: ", b"!!python/object:os.system ", b"? ", b"- ", b": ", b"---\n", b"|")
_TEXTS = (
    "",
    " ",
    "<p>&#0;&amp;",
    "2024-02-30",
    "http://[::1",
    "\u202e",
    "9" * 30,
    "Title",
    "x " * 999,
)
_JSON = ('"', "{}", "[]", "-0.0", "1e400", "true", '"\\ud800"', '"<p>&amp;"', "[[[[1]]]]", "{")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what one is called, and how it begins."""

    name: str
    seeds: Sequence[bytes]
    inside: "Callable[[bytes, random.Random], bytes] | None" = None
    """Changes what is packed in it."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Other files of the corpus."""


def _kinds() -> dict[str, Kind]:
    from tests.retrieval import test_docx, test_feed, test_pdf, test_warc
    from tests.retrieval.documents import make_docx, make_pdf, pdf_of

    page = (
        '<html lang="de"><head><title>Ferry | News</title><meta name="date" content="2024-02-20">'
        '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2024-02-20"}'
        "</script></head><body><nav>Menu</nav><article><h1>Ferry</h1><p>Von Jo, 20. Mai 2024</p>"
        f"<p>{_PROSE * 4}</p><h2>More</h2><p>{_PROSE * 3}</p></article></body></html>"
    ).encode()
    text = f"Ferry to close\nBy Jo Berg | 20 Feb 2024\nUpdated: 21 Feb 2024\n\n{_PROSE * 3}\n\n"
    text += "Also read:\nA headline\n\nCorrection: An earlier version of this article was wrong.\n"
    yaml = (
        b"title: 'Ferry: end'\ndate: 2024-03-18\nauthor: [Jo, {name: Lena}]\nurl: https://x.org/1\n"
    )
    record = {
        "id": 1,
        "title": "T<b>x</b>",
        "publishedAt": "2024-03-18T00:00:00Z",
        "content": "<p>The ferry &amp; more.</p> [+12 chars]",
        "source": {"name": "G"},
        "author": [{"name": "x"}],
    }
    wrapped = {"_source": {"text": ["a", "b c d."], "date": 1710754200, "fields": {"byline": "Jo"}}}
    whole = {"body": page.decode(), "url": "https://x.org/2024/02/20/x"}
    lines = b"\n".join(json.dumps(each).encode() for each in (record, wrapped, whole))
    coverage = (
        b'source: G\nlanguage: de\nfiles:\n  "*.txt": {date: 2024-03-18}\n  a.txt: {title: T}\n'
    )
    pdfs = [test_pdf._GOOD, make_pdf([[(60, 780, 20, "Ferry"), (60, 740, 10, _PROSE)]], title="F")]
    streams = [b"BT /F 9 Tf 60 780 Td (%s) Tj 0 -12 Td (b-) Tj ET q 1 0 0 1 9 9 cm Q" % b"x y " * 9]
    docs = [test_docx._GOOD, make_docx([("Titel", "Ferry"), "By Jo Berg", _PROSE])]
    feeds = [each.encode() for each in (test_feed._RSS, test_feed._ATOM, test_feed._RDF)]
    other = {"a.txt": text.encode()}
    return {
        "txt": Kind(
            "a.txt", [text.encode(), text.encode("utf-16"), "é à ü: ".encode("cp1252") * 9]
        ),
        "md": Kind("a.md", [b"---\n%s---\n# Ferry\n\n%s" % (yaml, text.encode())]),
        "html": Kind("a.html", [page], _in_page),
        "pdf": Kind("a.pdf", [*pdfs, pdf_of(streams)], _in_pdf),
        "docx": Kind("a.docx", docs, _in_zip),
        "json": Kind(
            "a.json", [json.dumps({"articles": [record, wrapped, whole]}).encode()], _in_json
        ),
        "jsonl": Kind("a.jsonl", [lines], _in_lines),
        "feed": Kind("a.xml", feeds, _in_tree),
        "warc": Kind("a.warc", [test_warc._GOOD]),
        "gz": Kind("a.html.gz", [gzip.compress(page)], _in_gzip),
        "warc.gz": Kind("a.warc.gz", [gzip.compress(test_warc._GOOD)], _in_gzip),
        "sidecar": Kind("a.meta.yaml", [yaml], beside=other),
        "coverage": Kind("coverage.yaml", [coverage], beside=other),
    }


def mutate(data: bytes, dice: random.Random) -> bytes:
    """`data` changed in a few places, or in many."""
    changed = bytearray(data)
    tokens = dice.choice((_TOKENS, _MARKUP, _PACKED, _YAML))
    for _ in range(dice.choice((1, 1, 2, 3, 8, 30))):
        place = dice.randrange(len(changed) + 1)
        end = place + dice.choice((1, 2, 8, 64, 500, 5_000))
        what = dice.randrange(8)
        if what == 0:
            changed[place:end] = b""
        elif what == 1:
            changed[place:place] = dice.choice(tokens)
        elif what == 2:
            token = dice.choice(tokens)
            changed[place : place + len(token)] = token
        elif what == 3:  # once more somewhere else
            other = dice.randrange(len(changed) + 1)
            changed[place:place] = changed[other : other + end - place]
        elif what == 4:  # many times
            changed[place:place] = changed[place : place + 20] * dice.randrange(1, 50)
        elif what == 5 and dice.random() < 0.2:
            changed = changed[:place]
        elif place < len(changed):
            changed[place] = (
                changed[place] ^ 1 << dice.randrange(8) if what == 6 else dice.randrange(256)
            )
    return bytes(changed[:_MAX_BYTES])


def _in_tree(data: bytes, dice: random.Random) -> bytes:
    """Elements left out, moved, doubled and filled with something else; still well-formed."""
    from lxml import etree

    tree = etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False))
    elements = list(tree.iter(etree.Element))
    for _ in range(dice.choice((1, 2, 5, 20))):
        one, other = dice.choice(elements), dice.choice(elements)
        what = dice.randrange(5)
        if what == 0 and one.getparent() is not None:
            one.getparent().remove(one)
        elif what == 1 and one not in other.iterancestors() and one is not other:
            other.append(copy.deepcopy(one))
        elif what == 2:
            one.tag = other.tag
        elif what == 3 and one.attrib:
            one.set(dice.choice(one.attrib.keys()), dice.choice(_TEXTS))
        else:
            one.text = dice.choice((*_TEXTS, other.text or ""))
    return bytes(etree.tostring(tree)[:_MAX_BYTES])


def _in_zip(data: bytes, dice: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w", 8) as new:
        for name in old.namelist():
            held = old.read(name)
            if dice.random() < 0.6:
                held = (_in_tree if dice.random() < 0.8 else mutate)(held, dice)
            new.writestr(name, held)
    return packed.getvalue()


def _in_page(data: bytes, dice: random.Random) -> bytes:
    from lxml import etree, html

    return _in_tree(etree.tostring(html.document_fromstring(data)), dice)


def _in_gzip(data: bytes, dice: random.Random) -> bytes:
    return gzip.compress(mutate(gzip.decompress(data), dice), 1)


def _in_pdf(data: bytes, dice: random.Random) -> bytes:
    """Another PDF, its content streams and properties changed."""
    from tests.retrieval.documents import pdf_of

    stream = (
        b"BT /F 9 Tf 60 780 Td (%s) Tj 0 -12 Td (and more-) Tj 0 -12 TD (over) Tj ET" % data[:200]
    )
    streams = [mutate(stream, dice) for _ in range(dice.randrange(1, 5))]
    return pdf_of(streams, mutate(b"/Title (Ferry) /Author (Jo)", dice))


def _in_json(data: bytes, dice: random.Random) -> bytes:
    """Values replaced by values of other kinds."""
    text = json.dumps(json.loads(data), indent=0)
    lines = text.split("\n")
    for _ in range(dice.choice((1, 2, 5))):
        place = dice.randrange(len(lines))
        key, colon, _ = lines[place].rpartition(": ")
        lines[place] = f"{key}{colon}{dice.choice(_JSON)}," if colon else dice.choice(lines)
    return "\n".join(lines).encode()


def _in_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = dice.randrange(len(lines))
    with contextlib.suppress(ValueError):
        lines[place] = _in_json(lines[place], dice).replace(b"\n", b" ")
    return b"\n".join(lines)


class Run:
    """The inputs of one kind, being read one after another."""

    def __init__(self, name: str, kind: Kind, keep: Path, until: float) -> None:
        self._name = name
        self._kind = kind
        self._keep = keep
        self._until = until
        self._folder = Path(tempfile.mkdtemp(prefix="dateline-fuzz-"))
        for other, data in kind.beside.items():
            (self._folder / other).write_bytes(data)
        self._counts: Counter[str] = Counter()
        self._known: set[str] = set()
        self._slowest = 0.0

    def one(self, data: bytes) -> None:
        """Reads an input, and notes what is found; ends the process when time is up."""
        if time.monotonic() > self._until:
            self.end()
        (self._folder / self._kind.name).write_bytes(data)
        started = time.process_time()
        try:
            self._counts.update(_read_all(self._folder))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._found(data, f"{type(error).__name__} {place.filename}:{place.lineno}")
        took = time.process_time() - started
        self._slowest = max(took, self._slowest)
        if took > _SLOW_S:
            self._found(data, f"slow {took:.0f}")
        self._counts["inputs"] += 1

    def _found(self, data: bytes, what: str) -> None:
        if what in self._known:
            return
        self._known.add(what)
        kept = self._keep / f"{len(self._known)}-{self._kind.name}"
        kept.write_bytes(data)
        print(f"{self._name}: {what}, kept in {kept}")  # noqa: T201
        traceback.print_exc()

    def end(self) -> None:
        """Says what was read, and ends the process."""
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(  # noqa: T201
            f"{self._name}: {len(self._known)} found in {self._counts['inputs']:,} inputs, "
            f"{self._counts['articles']:,} articles, {self._counts['refused']:,} refused; "
            f"slowest {self._slowest:.1f} s, peak {memory} MB",
            flush=True,
        )
        os._exit(bool(self._known))  # libFuzzer would say that it crashed


def _read_all(corpus: Path) -> Mapping[str, int]:
    """Reads a corpus as an index does, and requires of its articles what their readers rely on."""
    from retrieval.articles import read_file, scan
    from retrieval.articles.overrides import read_coverage
    from retrieval.errors import ArticleError
    from retrieval.oddities import oddities
    from retrieval.passages import split

    read_coverage.cache_clear()
    files, refused = scan(corpus)
    articles: list[Article] = []
    for file in files:
        try:
            found = read_file(corpus, file)
        except ArticleError as error:
            refused.append(error)
            continue
        assert found.articles or found.refused, "neither articles nor a reason"
        articles += found.articles
        refused += found.refused
    for article in articles:
        repr(article).encode()
        end = 0
        for span in article.left_out:
            assert end <= span.start <= span.end <= len(article.text), "spans out of order"
            end = span.end
        assert article.title.strip(), "no title"
        for passage in split(article):
            assert passage.text == article.text[passage.span.start : passage.span.end]
    for each in refused:
        str(each).encode()
        assert "\n" not in each.reason, "more than one line"
    from datetime import date

    oddities(list({a.article_id: a for a in articles}.values())[:50], date(2026, 1, 1))
    return {"articles": len(articles), "refused": len(refused)}


def _run(name: str, options: argparse.Namespace) -> None:
    """Fuzzes one kind in this process, and ends it."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    keep = options.keep / name
    keep.mkdir(parents=True, exist_ok=True)
    kind = _kinds()[name]
    suffix = "".join(Path(kind.name).suffixes)
    seeds = [*kind.seeds, *_given(options.start, suffix)]
    run = Run(name, kind, keep, time.monotonic() + 60 * options.minutes)
    for seed in seeds:
        run.one(seed)

    def change(data: bytes, _max_size: int, chance: int) -> bytes:
        dice = random.Random(chance)
        data = data if dice.random() < 0.5 else dice.choice(seeds)
        if kind.inside is not None and dice.random() < 0.6:
            with contextlib.suppress(Exception):  # what is no such file any more has no inside
                return kind.inside(data, dice)
        return mutate(data, dice)

    if importlib.util.find_spec("atheris") is None:
        for chance in iter(lambda: random.getrandbits(32), -1):
            run.one(change(random.choice(seeds), _MAX_BYTES, chance))
    import atheris

    with tempfile.TemporaryDirectory() as held:
        for number, seed in enumerate(seeds):
            Path(held, str(number)).write_bytes(seed)
        limits = (f"-max_len={_MAX_BYTES}", f"-rss_limit_mb={_MEMORY_MB}", "-timeout=120")
        arguments = [sys.argv[0], *limits, f"-artifact_prefix={keep}/", held]
        atheris.Setup(arguments, run.one, custom_mutator=change)
        atheris.Fuzz()


def _given(folder: Path | None, suffix: str) -> Iterator[bytes]:
    for path in sorted(folder.rglob(f"*{suffix}")) if folder else ():
        if path.stat().st_size <= _MAX_BYTES:
            yield path.read_bytes()


def main() -> int:
    """Fuzzes each kind in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=_KINDS, choices=_KINDS, metavar="KIND")
    parser.add_argument("--minutes", type=float, default=10, help="for each kind")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "dateline-fuzz"))
    parser.add_argument("--from", dest="start", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if len(options.kinds) > 1:
        given = [word for word in sys.argv[1:] if word not in _KINDS]
        command = [sys.executable, "-m", "tests.fuzz", *given]
        return max(
            subprocess.run([*command, name], check=False).returncode for name in options.kinds
        )
    instrumented = contextlib.nullcontext()
    if importlib.util.find_spec("atheris") is not None:
        import atheris

        libraries = ["retrieval", "htmldate", "trafilatura", "yaml"]
        instrumented = atheris.instrument_imports(include=libraries)
    with instrumented:
        _run(options.kinds[0], options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""An RSS or Atom file → its articles, one an entry; the full content before a summary."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate
from io import BytesIO
from itertools import islice
from typing import Any

from retrieval.articles.decoding import decode
from retrieval.articles.names import bare
from retrieval.articles.records import read_record
from retrieval.dates import read_date
from retrieval.errors import ArticleError
from retrieval.types import Article

_ROOTS = ("rss", "RDF", "feed")
_ENTRIES = ("item", "entry")
_CORE = {  # "" is RSS 2.0
    *("", "http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "http://purl.org/rss/1.0/"),
    "http://my.netscape.com/rdf/simple/0.9/",
}
_MODULES = {
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("guid", "id"),
    "title": ("title", "dc:title"),
    "published": ("published",),
    "pubDate": ("pubDate",),
    "issued": ("issued", "dcterms:issued"),
    "date": ("dc:date",),
    "updated": ("updated", "modified", "dcterms:modified"),
    "author": ("dc:creator", "author"),
    "source": ("source", "dc:publisher"),
    "link": ("link",),
    "text": ("content:encoded", "content", "description", "summary"),
}
"""The fields of a record, and what each is called in an entry, the first one there counting."""
_DATES = ("published", "pubDate", "issued", "date", "updated")
_DECLARED = re.compile(
    rb"\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"'](?P<name>iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|"
    rb"shift_jis|euc-jp|euc-kr|iso-2022-jp|gb2312|gbk|gb18030|big5)[\"']",
    re.IGNORECASE,
)
_MAX_ELEMENTS = 1_000  # of an entry; it has a dozen
_NUMBERED = re.compile(r"&#(?:(?P<ten>\d{1,9})|[xX](?P<sixteen>[\da-fA-F]{1,8}));")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]\w{1,30};")


def read_feed(path: str, data: bytes) -> Iterator[Article | ArticleError]:
    """The articles of a feed, in its order, and an error for each entry that is none.

    An article's id is the file's path and the entry's own id. An entry that states only when it
    was updated is dated by that.

    Raises:
        ArticleError: it is no feed.
    """
    from lxml import etree  # here, for most corpora have no use for it

    feed, number, is_feed = "", 0, False
    reading = etree.iterparse(
        BytesIO(_as_utf8(path, data)),
        events=("start", "end"),
        tag=[f"{{*}}{name}" for name in (*_ROOTS, "title", *_ENTRIES)],
        recover=True,  # of what is cut off, the entries before are read
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for event, element in reading:
            name = _name(element)
            if event == "start":
                is_feed = is_feed or (element.getparent() is None and name in _ROOTS)
            elif not is_feed:
                break
            elif name == "title" and _name(element.getparent()) in ("channel", "feed"):
                feed = feed or _words(element)
            elif name in _ENTRIES:
                number += 1
                try:
                    yield _read_entry(path, number, element, feed)
                except ArticleError as error:
                    yield ArticleError(path, f"entry {number}: {error.reason}")
                element.clear()
    except etree.XMLSyntaxError as error:
        raise ArticleError(path, f"not XML ({error})") from error
    if not is_feed:
        raise ArticleError(path, "not an RSS or Atom feed")
    if reading.error_log:
        reason = f"not well-formed ({reading.error_log[0].message}); read as far as it can be"
        yield ArticleError(path, reason)


def _as_utf8(path: str, data: bytes) -> bytes:
    """The XML in UTF-8, without its declaration, HTML's named characters and halves of surrogates.

    Raises:
        ArticleError: it is no text, or declares entities: no feed has any, and a bomb is made of
            them.
    """
    declared = _DECLARED.match(data)
    try:
        text = data.decode(declared["name"].decode()) if declared else decode(data)[0]
    except ValueError as error:
        raise ArticleError(path, str(error)) from error
    if "<!ENTITY" in text:
        raise ArticleError(path, "it declares entities")
    text = re.sub(r"\A\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)
    text = _NUMBERED.sub(_if_whole, text)  # lxml makes broken UTF-8 of a half
    return _NAMED.sub(lambda match: html.unescape(match[0]), text.strip()).encode()


def _if_whole(match: re.Match[str]) -> str:
    code = int(match["ten"]) if match["ten"] else int(match["sixteen"], 16)
    return "" if 0xD800 <= code <= 0xDFFF else match[0]


def _name(element: Any) -> str:  # lxml has no types
    """What an element is called: without a prefix where it is RSS's or Atom's own."""
    if element is None or not isinstance(element.tag, str):
        return ""
    space, _, name = element.tag.rpartition("}")
    if space[1:] in _CORE or name == "RDF":
        return str(name)
    return f"{_MODULES.get(space[1:], '?')}:{name}"


def _read_entry(path: str, number: int, entry: Any, feed: str) -> Article:
    stated: dict[str, str] = {}
    for element in islice(entry, _MAX_ELEMENTS):
        value = _value(element)
        # of several links the first, of several contents the longest
        name = _name(element)
        if value and (name not in stated or (name == "content" and len(value) > len(stated[name]))):
            stated[name] = value
    record: dict[str, object] = {"source": feed}
    for field, names in _FIELDS.items():
        found = next((stated[name] for name in names if name in stated), None)
        if found is not None:
            record[field] = _as_date(found) if field in _DATES else found
    own_id = " ".join(str(record.pop("id", None) or record.get("link") or number).split())
    article = read_record(path, f"{bare(path)}#{own_id}", record, place="feed")
    if article.published is None and article.updated is not None:
        return replace(article, published=article.updated, published_from="feed updated")
    return article


def _value(element: Any) -> str:
    name = _name(element)
    if not name:  # "&foo;", which nothing has declared
        return ""
    if name == "link":
        if element.get("rel", "alternate") != "alternate":
            return ""
        return str(element.get("href") or _words(element))
    if name in ("author", "source"):  # of Atom, where they hold elements
        inner = [child for child in element if _name(child) in ("name", "title")]
        return _words(inner[0] if inner else element)
    if name == "content" and len(element):  # XHTML
        from lxml import etree

        return "".join(etree.tostring(c, encoding="unicode", with_tail=False) for c in element)
    return "".join(element.itertext()).strip()


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _as_date(value: str) -> str:
    """The date in a form that is read here; RFC 822 has years of two digits."""
    if read_date(value) is None and (parsed := parsedate(value)) is not None:
        return "{:04}-{:02}-{:02}".format(*parsed[:3])
    return value

"""What a web page says of its article beside dates: title, source, author, address."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from retrieval.articles.page import visible
from retrieval.articles.page_dates import Surroundings

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MAX_NAME = 300  # characters; a longer title, source or author is none
_MAX_AUTHORS = 20
_AUTHORS = ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "byl")
_MAX_AUTHORS = 20
_AUTHORS = ("author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "byl")
_BETWEEN = re.compile(r"\s+(?:[|–—·•»«:-]|::|\|\|)\s+|\s*[|»]\s*")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """Each None where the page does not state it."""

    title: str | None
    source: str | None
    """Its publisher, or else the host it was published on."""
    author: str | None
    url: str | None
    addresses: tuple[str, ...]
    """All that are known of it."""
    not_free: bool
    """It says that one has to pay to read it."""


def page_facts(root: "HtmlElement", around: Surroundings, known: Sequence[str | None]) -> PageFacts:
    """What the page states; `known` are addresses that are known from elsewhere."""
    objects = around.objects
    metas = _metas(root)
    base = next((address for address in known if address), "")
    stated = [*root.xpath("//link[@rel='canonical']/@href"), metas.get("og:url", "")]
    addresses = [address for one in [*stated, *known] if (address := _address(one, base))]
    source = _first(
        metas.get("og:site_name"),
        *(_name(one.get("publisher")) for one in objects),
        metas.get("application-name"),
        metas.get("dc.publisher"),
        metas.get("publisher"),
    )
    host = urlsplit(addresses[0]).hostname if addresses else None
    return PageFacts(
        title=_title(root, around, metas, objects, source),
        source=source or (host.removeprefix("www.") if host else None),
        author=_author(root, metas, objects),
        url=addresses[0] if addresses else None,
        addresses=tuple(addresses),
        not_free=any(str(one.get("isAccessibleForFree")).lower() == "false" for one in objects),
    )


def _metas(root: "HtmlElement") -> dict[str, str]:
    """What `<meta>` elements say, by name in lower case; of several the first."""
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        for attribute in ("property", "name", "itemprop"):
            name = meta.get(attribute)
            if name and (content := _clean(meta.get("content"))):
                found.setdefault(name.strip().lower(), content)
    return found


def _clean(value: object) -> str | None:
    text = visible(value) if isinstance(value, str) else ""
    return " ".join(text.split()) if 0 < len(text) <= _MAX_NAME else None


def _first(*values: str | None) -> str | None:
    return next((text for value in values if (text := _clean(value))), None)


def _name(value: object) -> str | None:
    if isinstance(value, list):
        return _name(value[0]) if value else None
    if isinstance(value, dict):
        value = value.get("name")
    return _clean(value)


def _address(value: str | None, base: str) -> str | None:
    """An absolute address on the web; None for anything else."""
    try:
        whole = urljoin(base, (value or "").strip())
        parts = urlsplit(whole)
        ours = parts.scheme in ("http", "https") and parts.hostname and len(whole) <= 2_048
    except ValueError:
        return None
    return whole if ours and not re.search(r"\s", whole) else None


def _title(
    root: "HtmlElement",
    around: Surroundings,
    metas: dict[str, str],
    objects: Sequence[dict[str, object]],
    source: str | None,
) -> str | None:
    """The headline on the page where the page's title names it too; else what is stated."""
    stated = [
        title
        for title in (
            *(_clean(one.get("headline")) for one in objects),
            metas.get("og:title"),
            metas.get("citation_title"),
            metas.get("dc.title"),
            metas.get("twitter:title"),
            _clean(root.findtext(".//title")),
        )
        if title
    ]
    headlines = list(_headlines(around))
    for headline in headlines:
        if any(_same(headline, title) for title in stated):
            return headline
    for title in stated:
        if shorter := _without_source(title, source):
            return shorter
    return headlines[0] if headlines else None


def _headlines(around: Surroundings) -> Iterator[str]:
    """The page's headlines, those nearest above the article first."""
    levels = ("h1", "h2")
    for level in levels:
        found = [
            (abs(place - around.first), block.text)
            for place, block in enumerate(around.blocks[: around.last + 1])
            if block.heading == level and len(block.text) <= _MAX_NAME
        ]
        yield from (" ".join(text.split()) for _, text in sorted(found, key=lambda pair: pair[0]))


def _same(headline: str, title: str) -> bool:
    """Whether a title is this headline, perhaps with the site's name beside it."""
    mine, theirs = _key(headline), _key(title)
    return mine == theirs or (len(mine) >= 10 and mine in (_key(p) for p in _halves(title)))


def _key(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _halves(title: str) -> Iterator[str]:
    """What stands before and after each mark between headline and site."""
    for match in _BETWEEN.finditer(title):
        yield title[: match.start()]
        yield title[match.end() :]


def _without_source(title: str, source: str | None) -> str:
    """The title without the site's name before or after it."""
    if source is None:
        return title
    for match in _BETWEEN.finditer(title):
        before, after = title[: match.start()], title[match.end() :]
        if _key(after) == _key(source) and before:
            return before
        if _key(before) == _key(source) and after:
            return after
    return title


def _author(
    root: "HtmlElement", metas: dict[str, str], objects: Sequence[dict[str, object]]
) -> str | None:
    for one in objects:
        authors = one.get("author")
        people = authors if isinstance(authors, list) else [authors]
        if names := [name for person in people[:_MAX_AUTHORS] if (name := _name(person))]:
            return _clean(", ".join(dict.fromkeys(names)))
    for name in _AUTHORS:
        if (author := metas.get(name)) and "://" not in author:
            return author
    from trafilatura.metadata import extract_author

    try:
        return _clean(extract_author(root))
    except Exception:  # whatever it stumbles over, nothing states an author as such
        return None

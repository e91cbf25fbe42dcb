"""When a web page says that its article appeared and was updated, and where it says so.

Publication is read from the first of: JSON-LD, `<meta>` (and `itemprop`), `<time>` and what stands
by the headline or below the article, the address, data in scripts, htmldate's own search. A date
that is only a year or a month gives way to a whole one further down that agrees with it.
"""

import json
import re
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from retrieval.articles.page import Block
from retrieval.articles.written_dates import Order, find_dates, slashed
from retrieval.dates import PartialDate, from_epoch, read_date

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_PUBLISHED = (  # noqa: SIM905 - else a line for each
    "article:published_time og:article:published_time og:published_time "
    "article:published article:published_date article:publicationdate "
    "article.published datepublished rnews:datepublished parsely-pub-date "
    "sailthru.date shareaholic:article_published_time citation_online_date "
    "citation_publication_date citation_date dc.date.issued dcterms.issued "
    "dc.date.publication dcterms.created dc.date.created dc.created dc:created "
    "dcterms.date dc.date dc:date originalpublicationdate article_date_original "
    "publication_date publication-date publicationdate published_date published-date "
    "publisheddate date_published published_time publish_date publish-date "
    "publishdate publish_time published og:publish_date og:pubdate og:datepublished "
    "pubdate pub_date bt:pubdate rbpubdate ptime pdate displaydate "
    "mediator_published_time cxenseparse:recs:publishtime "
    "dcsext.articlefirstpublished vr:published_time twt- published-at "
    "analyticsattributes.articledate article:post_date article.created "
    "article:created doc_date content_create_date dateposted date_created datecreated "
    "created creation_date creationdate release_date video:release_date og:regdate "
    "gentime date"
).split()
_UPDATED = (  # noqa: SIM905 - else a line for each
    "article:modified_time og:article:modified_time og:modified_time og:updated_time "
    "article:modified article:modified_date article:post_modified datemodified "
    "dateupdate date_modified dcterms.modified dc.date.modified dc.modified "
    "modified_time modificationdate bt:moddate updated_time revision_date last- "
    "modified lastmodified lastmod lastdate modified"
).split()
_ARTICLE_TYPES = re.compile(r"(?:Article|Posting|Report|Review|Story|Recipe)$")
_PAGE_TYPES = re.compile(r"(?:Page|CreativeWork)$")
_MAX_JSON = 3_000_000  # characters of JSON-LD; what is longer is no metadata
_MAX_NODES = 10_000
_MAX_METAS = 1_000

_UPDATE_WORDS = re.compile(
    r"updat|modif|revis|correct|geändert|aktualis|bearbeit|stand\b|mis à jour|maj\b|actualiz|"
    r"aggiornat|atualiz|alterad|bijgewerkt|gewijzigd|uppdater|opdater|oppdater|ändrad|endret|"
    r"päivit|muokat|aktualiz|zmieni|upraven|frissít|módosít|обновл|оновл|измен|güncel|更新|"
    r"수정|تحديث|ενημέρωσ",
    re.IGNORECASE,
)
_PUBLISH_WORDS = re.compile(
    r"publi|posted|post(?:ed)? on|erstellt|veröffentl|erschien|datum|eingestellt|mis en ligne|"
    r"pubbl|geplaatst|gepost|julkais|opublik|dodan|zveřej|megjelen|опубл|yayın|発表|公開|掲載|"
    r"등록|입력|发布|發布|نشر|δημοσ|publicerad|publisert|offentlig",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"comment|kommentar|commentaire|related|recommend|sidebar|widget|teaser|most[-_]?read|popular|"
    r"latest|recent|carousel|slider|promo|newsletter|breaking|ticker|masthead|weather|wetter|"
    r"copyright|calendar|kalender|archive|similar|more[-_]|events?[-_]|disqus|\bnav|menu|footer-?nav",
    re.IGNORECASE,
)
_PUBLISHED_CLASS = re.compile(
    r"publish|pubdate|entry-date|entry-time|post-?date|date-?post|posted|created|dt-published|"
    r"article-?date|date-?article|story-?date|news-?date|parution",
    re.IGNORECASE,
)
_UPDATED_CLASS = re.compile(r"updat|modif|revis", re.IGNORECASE)
_DATE_CLASS = re.compile(
    r"date|datum|time(?!line)|byline|publish|posted|meta\b|fecha|info|dateline|stamp|submitted|"
    r"subline|author|parution|calendar-o|clock",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d{2})(?P<mark>[/_.-])(?P<m>0?[1-9]|1[0-2]|[a-z]{3,9})"
    r"(?:(?P=mark)(?P<d>0?[1-9]|[12]\d|3[01])(?!\d))?(?=\D|$)|"
    r"(?<!\d)(?P<y2>20\d{2})(?P<m2>0[1-9]|1[0-2])(?P<d2>0[1-9]|[12]\d|3[01])(?!\d)",
    re.IGNORECASE,
)
_IN_SCRIPT = re.compile(
    r"""["']?(?:date_?published|published_?(?:at|on|date|time)?|publish_?(?:date|time|ed_?at)|"""
    r"""publication_?date|pub_?date|first_?published(?:_?at)?|original_?publish_?date|"""
    r"""article_?(?:publish(?:ed)?_?)?date)["']?\s*[:=]\s*["'](?P<value>[^"']{6,40})["']|"""
    r"""["'](?:date_?published|published_?(?:at|on|date|time)|publish_?(?:date|time)|"""
    r"""publication_?date|pub_?date)["']\s*:\s*(?P<epoch>\d{10,13})\b""",
    re.IGNORECASE,
)
_MAX_TRIED = 500
_NEAR = 8  # blocks beside headline and article in which a byline may stand
_WORDS, _FEW_WORDS = 20, 10  # beside a date, in a byline and in what may be one
# Beside a copyright; or today's date, which mastheads show with a greeting.
_NOT_OURS = re.compile(
    r"©|\(c\)|copyright|welcome|willkommen|bienvenu|benvenut|log ?in|sign in|anmelden|"
    r"\b(?:today|heute|hoy|aujourd|oggi|hoje|сегодня)\b",
    re.IGNORECASE,
)
_SHORT = 200  # characters; a longer block is prose, and its dates are those of what it tells
_TIMES = ("time", "abbr", "relative-time")
_STAMPS = ("data-timestamp", "data-time", "data-datetime", "data-date", "data-seconds")
_HOLD_DATES = ("datetime", "content", "title", *_STAMPS)
_DATED = (*_TIMES, "span", "div", "p", "li", "dd", "a", "strong", "em", "h4", "h5", "small")


class Found(NamedTuple):
    """A date and where it was read, for people."""

    date: PartialDate
    place: str


@dataclass(frozen=True, slots=True)
class PageDates:
    """What a page says of its article's dates."""

    published: Found | None
    updated: Found | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the article stands among the blocks of its page, and what the page says beside them."""

    blocks: Sequence[Block]
    first: int
    """The block with the article's first words."""
    last: int
    containers: "frozenset[HtmlElement]"
    """What the article's first words stand in."""
    language: str | None
    order: Order | None
    objects: Sequence[dict[str, object]]
    """Those in the page's JSON-LD, articles first."""

    @property
    def headline(self) -> int:
        """The last main heading above the article's first words, or these."""
        headings = [i for i in range(self.first + 1) if self.blocks[i].heading == "h1"]
        return headings[-1] if headings else self.first

    @classmethod
    def of(
        cls, root: "HtmlElement", blocks: Sequence[Block], taken: Sequence[int]
    ) -> "Surroundings":
        """Those of the article whose blocks are `taken`."""
        language = _language(root)
        first, last = (taken[0], taken[-1]) if taken else (0, max(0, len(blocks) - 1))
        inside = blocks[first].element if blocks else root
        containers = frozenset((inside, *inside.iterancestors()))
        order = _order(language, blocks)
        return cls(blocks, first, last, containers, language, order, _json_ld(root))


def _language(root: "HtmlElement") -> str | None:
    """The language the page says it is in, such as "de" or "en-us"."""
    for value in (
        root.get("lang"),
        root.get("{http://www.w3.org/XML/1998/namespace}lang"),
        root.get("xml:lang"),
        *root.xpath("//meta[@property='og:locale' or @http-equiv='content-language']/@content"),
    ):
        if value and re.fullmatch(r"[A-Za-z]{2,3}(?:[-_].*)?", value.strip()):
            return str(value).strip().replace("_", "-").lower()
    return None


def _order(language: str | None, blocks: Sequence[Block]) -> Order | None:
    """Which number of `03/04/2024` is the day on this page; None where nothing on it tells."""
    pairs = [pair for block in blocks if "/" in block.text for pair in slashed(block.text)]
    day_first = any(first > 12 >= second for first, second in pairs)
    month_first = any(second > 12 >= first for first, second in pairs)
    if day_first != month_first:
        return "dmy" if day_first else "mdy"
    if language is None or language in ("en", "en-ca"):
        return None
    if language.startswith(("en-us", "en-ph")):
        return "mdy"
    return None if language[:2] in ("zh", "ja", "ko", "hu", "fa") else "dmy"


def page_dates(
    root: "HtmlElement", around: Surroundings, urls: Sequence[str], in_text: Found | None
) -> PageDates:
    """When the article of the page appeared and was updated, as the page says.

    `root` still holds the scripts of the page; `in_text` is what the article's own lines state.
    Nothing is taken from the day on which it is read.
    """
    updated = _first(_stated(root, around, "updated"))
    published = _chosen(chain(_published(root, around, urls), [in_text] if in_text else []))
    address = _first(_in_address(urls, whole=True))
    if published and address and address.date.last_day < published.date.first_day:
        published = address  # an address is given once; what else is stated may be renewed
    if published is None and updated is not None:
        published = Found(updated.date, f"{updated.place}, when it was updated")
    if published is None or (published.date.month is not None and published.date.day is None):
        published = _chosen([one for one in (published, searched(root, around)) if one])
    return PageDates(published, updated)


def _published(root: "HtmlElement", around: Surroundings, urls: Sequence[str]) -> Iterator[Found]:
    yield from _stated(root, around, "published")
    yield from _in_address(urls, whole=True)
    yield from _near_headline(around)
    yield from _unlabelled(root, around)
    yield from _in_address(urls, whole=False)
    yield from _in_scripts(root, around)


def _first(found: Iterable[Found]) -> Found | None:
    return next(iter(found), None)


def _chosen(found: Iterable[Found]) -> Found | None:
    """The first date, or a whole one after it that agrees with what the first leaves open."""
    first: Found | None = None
    for one in found:
        if first is None:
            first = one
        if first.date.day is not None:
            return first
        if one.date.day is not None and _agrees(one.date, first.date):
            return one
    return first


def _agrees(whole: PartialDate, part: PartialDate) -> bool:
    return whole.year == part.year and part.month in (None, whole.month)


def _stated(root: "HtmlElement", around: Surroundings, kind: str) -> Iterator[Found]:
    """What markup says, most explicit first; `kind` is "published" or "updated"."""
    published = kind == "published"
    yield from _in_json(around, "datePublished" if published else "dateModified")
    yield from _in_meta(root, around, _PUBLISHED if published else _UPDATED)
    yield from _in_elements(root, around, kind)
    if published:
        yield from _in_json(around, "dateCreated")


def _read(value: str | None, around: Surroundings) -> PartialDate | None:
    """The date that an attribute or a field holds; None unless it is a likely one."""
    if not value or len(value) > 200:
        return None
    value = value.strip()
    if found := find_dates(value, around.language, around.order):
        stated: PartialDate | None = found[0].date
    else:
        stated = read_date(value) or from_epoch(value)
    return stated if stated is not None and 1600 <= stated.year <= 2100 else None


def _json_ld(root: "HtmlElement") -> list[dict[str, object]]:
    """Every object in the page's JSON-LD, those of articles first, each before what is in it."""
    nodes: list[dict[str, object]] = []
    for script in root.xpath("//script[contains(@type, 'ld+json')]"):
        text = (script.text or "").strip()[:_MAX_JSON].removeprefix("<!--").removesuffix("-->")
        try:
            todo = deque([json.loads(text.rstrip("; \n"), strict=False)])
        except (ValueError, RecursionError):
            continue
        for _ in range(_MAX_NODES):
            node = todo.popleft() if todo else None
            if isinstance(node, list):
                todo.extendleft(reversed(node))
            elif isinstance(node, dict):
                nodes.append(node)
                todo.extend(value for name, value in node.items() if name not in _OTHERS)
    return sorted(nodes, key=_rank)


_OTHERS = frozenset(
    ("comment", "review", "hasPart", "isPartOf", "itemListElement", "citation", "mentions",
     "author", "publisher", "image", "video", "associatedMedia", "isBasedOn", "about", "breadcrumb",
     "relatedLink", "subjectOf", "logo", "liveBlogUpdate", "itemReviewed", "blogPost")
)  # fmt: skip
"""What of an object is about other things than the article."""


def _rank(node: dict[str, object]) -> int:
    types = node.get("@type")
    names = [str(name) for name in (types if isinstance(types, list) else [types])]
    if any(_ARTICLE_TYPES.search(name) for name in names):
        return 0
    return 1 if any(_PAGE_TYPES.search(name) for name in names) else 2


def _in_json(around: Surroundings, name: str) -> Iterator[Found]:
    for node in around.objects:
        value = node.get(name)
        if isinstance(value, int | float):
            value = str(value)  # seconds since 1970
        if _rank(node) < 2 and isinstance(value, str) and (stated := _read(value, around)):
            yield Found(stated, f"JSON-LD {name}")


def _in_meta(root: "HtmlElement", around: Surroundings, names: Sequence[str]) -> Iterator[Found]:
    """Dates in `<meta>`, in the order of `names`."""
    ranks = {name: rank for rank, name in enumerate(names)}
    found: list[tuple[int, Found]] = []
    for meta in islice(root.iter("meta"), _MAX_METAS):
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            name = (meta.get(attribute) or "").strip()
            rank = ranks.get(name.lower())
            # What the server says of the file is not what the page says of the article.
            if rank is None or (attribute == "http-equiv" and name.lower() == "date"):
                continue
            if stated := _read(meta.get("content") or meta.get("datetime"), around):
                found.append((rank, Found(stated, f"meta {name}")))
    yield from (one for _, one in sorted(found, key=lambda pair: pair[0]))


def _in_elements(root: "HtmlElement", around: Surroundings, kind: str) -> Iterator[Found]:
    """Dates of elements that say which date they are; those by the headline before others.

    Where others state several, they are those of other articles.
    """
    name, wanted = (
        ("datePublished", _PUBLISHED_CLASS)
        if kind == "published"
        else ("dateModified", _UPDATED_CLASS)
    )
    beside: list[Found] = []
    others: list[Found] = []
    near = frozenset(_near(root, around))
    for element in root.iter(*_DATED):
        names = f"{element.get('class', '')} {element.get('id', '')}"
        if name.lower() in element.get("itemprop", "").lower() or (
            kind == "published" and "pubdate" in element.attrib
        ):
            label = f"itemprop {name}"
        elif element.tag in _TIMES and wanted.search(names):
            # WordPress marks what was never changed as both "published" and "updated".
            if kind == "updated" and _PUBLISHED_CLASS.search(names):
                continue
            label = f"<{element.tag} class={element.get('class')!r}>"
        else:
            continue
        if not _elsewhere(element, around) and (stated := _read_element(element, around)):
            (beside if element in near else others).append(Found(stated, label))
    yield from beside
    if len({found.date for found in others}) <= 2:
        yield from others


def _near(root: "HtmlElement", around: Surroundings) -> "list[HtmlElement]":
    """The elements that stand by the headline and the article's first words."""
    if not around.blocks:
        return []
    order = list(root.iter())
    top = around.blocks[max(0, around.headline - _NEAR)].element
    bottom = around.blocks[min(around.first + _NEAR, len(around.blocks) - 1)].element
    start, end = order.index(top), order.index(bottom) + sum(1 for _ in bottom.iter())
    return order[start:end]


def _unlabelled(root: "HtmlElement", around: Surroundings) -> Iterator[Found]:
    """Dates of elements by the headline that show them as "3 hours ago"."""
    for element in _near(root, around):
        if (element.tag in _TIMES or any(name in element.attrib for name in _STAMPS)) and not (
            _UPDATED_CLASS.search(f"{element.get('class', '')} {element.get('id', '')}")
            or _elsewhere(element, around)
        ):
            for name in ("datetime", *_STAMPS):
                if stated := _read(element.get(name), around):
                    yield Found(stated, f"<{element.tag} {name}>")


def _read_element(element: "HtmlElement", around: Surroundings) -> PartialDate | None:
    """The date in an element's attributes, or else in its words."""
    for attribute in _HOLD_DATES:
        if stated := _read(element.get(attribute), around):
            return stated
    words = " ".join(element.text_content().split())
    return _read(words, around) if len(words) <= 80 else None


def _elsewhere(element: "HtmlElement", around: Surroundings) -> bool:
    """Whether this stands in a part of the page that is about other articles, or comments."""
    for one in (element, *element.iterancestors()):
        if one in around.containers:
            return False
        if one.tag in ("aside", "nav", "footer") or _ELSEWHERE.search(
            f"{one.get('class', '')} {one.get('id', '')}"
        ):
            return True
    return False


def _in_address(urls: Sequence[str], *, whole: bool) -> Iterator[Found]:
    """Dates in addresses: with a day if `whole`, else months."""
    for url in urls:
        path = re.sub(r"^[a-z]+://[^/]*", "", url, flags=re.IGNORECASE)
        for match in _ADDRESS.finditer(path):
            stated = _from_address(match)
            if stated is not None and (stated.day is not None) is whole:
                yield Found(stated, f"the address {match[0]}")


def _from_address(match: re.Match[str]) -> PartialDate | None:
    from retrieval.articles.written_dates import month_named

    year, month, day = (match[name] or match[f"{name}2"] for name in ("y", "m", "d"))
    number = int(month) if month.isdigit() else month_named(month, "en")
    # `2024.02` in an address is a version or a size more often than a month.
    if number is None or (day is None and match["mark"] != "/"):
        return None
    try:
        return PartialDate(int(year), number, int(day) if day else None)
    except ValueError:
        return None


def _near_headline(around: Surroundings) -> Iterator[Found]:
    """Dates that stand visibly beside the article: below the headline first, then at its end."""
    end = len(around.blocks)
    beside = range(around.headline, min(around.first + 2, end))
    above = range(around.headline - 1, max(-1, around.headline - 4), -1)
    below = range(around.last, min(around.last + _NEAR, end))
    for places in (beside, above, below, range(end)):
        for place in places:
            block = around.blocks[place]
            marked = _is_date_place(block)
            if len(block.text) > _SHORT or (places == range(end) and not marked):
                continue
            if places != beside and _elsewhere(block.element, around):
                continue
            yield from _in_line(block.text, around, marked=marked)


def _in_line(line: str, around: Surroundings, *, marked: bool) -> Iterator[Found]:
    """Dates in a line that is no prose and does not say that something was updated then."""
    for written in find_dates(line, around.language, around.order):
        before = line[max(0, written.start - 40) : written.start]
        says = _PUBLISH_WORDS.search(before)
        rest = line[: written.start] + line[written.end :]
        if (_UPDATE_WORDS.search(before) and not says) or _NOT_OURS.search(rest):
            continue
        if says or (
            len(rest.split()) <= (_WORDS if marked else _FEW_WORDS) and written.date.year >= 1990
        ):
            shown = line if len(line) <= 80 else line[written.start : written.end]
            yield Found(written.date, f'line "{" ".join(shown.split())}"')


def _is_date_place(block: Block) -> bool:
    return any(
        one.tag == "time" or _DATE_CLASS.search(f"{one.get('class', '')} {one.get('id', '')}")
        for one in [block.element, *block.element.iterancestors()][:3]
    ) or any(True for _ in block.element.iter("time"))


def _in_scripts(root: "HtmlElement", around: Surroundings) -> Iterator[Found]:
    for script in root.iter("script"):
        for match in _IN_SCRIPT.finditer(script.text or ""):
            if stated := _read(match["value"] or match["epoch"], around):
                yield Found(
                    stated, f"data in a script, {match[0].partition(':')[0].strip(chr(34))}"
                )
                break


def searched(root: "HtmlElement", around: Surroundings) -> Found | None:
    """What htmldate finds on a page where nothing states a date as such.

    It makes a year, of a copyright for one, the first of January: unless the page names that day,
    such a find is nothing. The first of a month that the page does not name is the month, and
    `03/04/2024` the year.
    """
    from htmldate import find_date
    from lxml import html

    texts = [block.text[:2_000] for block in around.blocks]
    # Each short text with a number in it is tried in two hundred languages.
    extensive = sum(any(char.isdigit() for char in text) for text in texts) <= _MAX_TRIED
    with warnings.catch_warnings(action="ignore"):  # of time zones that a parser does not know
        try:
            found = find_date(deepcopy(root), original_date=True, extensive_search=extensive)
        except Exception:  # whatever it stumbles over, the page has no date that is stated
            return None
    if found is None:
        return None
    day = PartialDate.from_iso(found)
    if not any(
        written.date == day
        for text in texts
        for written in find_dates(text, around.language, around.order)
    ):
        if any((day.day, day.month) in (pair, pair[::-1]) for t in texts for pair in slashed(t)):
            day = PartialDate(day.year)
        elif day.day == 1 and not any(
            form in html.tostring(root, encoding="unicode")
            for form in (found, found.replace("-", "/"), found.replace("-", ""))
        ):
            if day.month == 1:
                return None
            day = PartialDate(day.year, day.month)
    return Found(day, "a search of the whole page by htmldate")

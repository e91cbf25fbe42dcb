"""Articles that tell the same in the same words: near-copies, and newer versions of one."""

import re
import unicodedata
import zlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from retrieval.articles.formats import format_of
from retrieval.types import Article, Span, date_order

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.uint32]

NEAR_COPY = 0.5
"""Articles with this part of their runs of three words in common are near-copies.

Of the pairs in a news corpus of 105 articles, those that copy have 0.61 and more, others 0.02.
"""
_REWRITTEN = 0.2  # what a rewritten version still has in common with the one at the same address
_UPDATED_WITHIN = timedelta(days=3)  # stories are updated for days, series have one title for years
_LATER_LOOKED_AT = 8  # versions after each one, lest a thousand with one title take for ever
_BINS, _BAND = 128, 3  # of a sketch; bins that have to agree before two articles are compared

_CHANGING = re.compile(  # what a headline may change and stay the same
    r"[\W\d_]+|\b(?:(?:update|correct)(?:ed|ion)?|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"eleven|twelve|dozens?)\b"
)
_MARKS = re.compile(rb"\xe2\x80[\x80-\xbf]|\xc2[\xa0\xab\xbb]")  # “ ” – … « » and the like
_SPACED = bytes(code if code > 127 or chr(code).isalnum() else 32 for code in range(256))

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# A word; a number, with the minus before it; a sign. Most of what is no sign is not even found.
_TOKEN = re.compile(
    r"[^\W\d]\w*|(?:(?<![^\s(])[-–−](?=\d))?\d+(?:[.,]\d+)*\w*|[?%$+<=>|~]|[^\w\s\x00-\x7f]"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_DATELINE = re.compile(  # "SEOUL, March 18 (Reuters) – ", "PORT ELLERY, B.C. — ", "Geneva (AFP) - "
    r"\W*(?:[A-Z][A-Z.’' /-]*[A-Z.](?:,[^\n–—:()]{1,40}){0,3}(?: ?\([^()\n]{1,40}\))?"
    r"|[A-Z][\w.’' /-]{1,40}(?:,[^\n–—:()]{1,40}){0,3} \([^()\n]{1,40}\))"
    r"\s*[–—-]+\s+(?=\W*[A-Z\d])"
)
_AGENCIES = (
    "(?:the )?(?:associated press|ap|agence france presse|afp|bbc|bloomberg|cnn|dpa|reuters|tass|"
    "xinhua|yonhap)"
)


@lru_cache(maxsize=8_192)  # the passages that questions find are the same again and again
def gist(article: Article, span: Span) -> str:
    """What makes two quotes copies of each other: all they say but where and by whom it was told.

    One other word, number or sign can turn a report into its contrary, so all of them have to
    agree. Left out are punctuation and other typography, the dateline, and how a report says that
    somebody "said", "told reporters" or told the paper itself. Such words stay after "was" or
    "is": who was told to go is not who was to go.

    Example:
        >>> gist(article, span)  # SEOUL (Yonhap) – “Kim was not there,” he told Yonhap.
        'kim was not there he'
    """
    text = span.of(article.text)
    if _opens(article, span.start) and (dateline := _DATELINE.match(text)):
        text = text[dateline.end() :]
    words = " ".join(_tokens(text))
    return " ".join(_told(article.source).sub(" ", words).split()) or words or text


@lru_cache(maxsize=1_024)
def _told(source: str) -> re.Pattern[str]:
    """How a report of this source says that somebody said something."""
    own = " ".join(_tokens(source)) or "reporters"
    listener = f"(?:reporters|journalists|{_AGENCIES}|(?:the )?{re.escape(own)})"
    return re.compile(
        r"\b(?=ha[svd]|sa[iy]|told|acc)"  # looked for first: it is eight times as fast
        r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )(?<!\bbeen )(?<!\bbeing )"
        rf"(?:(?:has |have |had )?(?:said|says?|told {listener})(?: that)?|according to)\b"
    )


def _opens(article: Article, start: int) -> bool:
    """Whether nothing of the article but what is left out stands before `start`."""
    end = 0
    for span in article.left_out:
        if span.start >= start:
            break
        if any(map(str.isalnum, article.text[end : span.start])):
            return False
        end = span.end
    return not any(map(str.isalnum, article.text[end:start]))


def _tokens(text: str) -> Iterator[str]:
    """Words, numbers and signs in lower case, without punctuation other than "?" and "%"."""
    plain = unicodedata.normalize("NFC", text.translate(_UNSEEN)).casefold()
    for found in _TOKEN.findall(plain):
        if found.isalnum():
            yield found
        elif len(found) > 1 or found == "_":
            if found[0] in "-–−":
                yield "-"
                found = found[1:]
            yield found.replace(",", "") if _THOUSANDS.fullmatch(found) else found
        elif found.isascii() or unicodedata.category(found) in ("Sc", "Sm", "So"):
            yield found


def near_copies(articles: Iterable[Article]) -> Mapping[str, Article]:
    """For each near-copy the oldest article that it is one of, by `article_id`; blocks.

    Found by MinHash with one permutation (Li, Owen and Zhang 2012): the runs of three words of an
    article are hashed into 128 bins, of which each keeps its smallest hash. Articles in which three
    neighbouring bins agree are compared by all of them, which tells their resemblance to about
    0.04. It takes about 0.2 ms an article.
    """
    import numpy as np  # here, for `dateline --help` has no use for it

    found = [
        (a, _sketch(runs)) for a in sorted(articles, key=date_order) if (runs := _runs(a)).size
    ]
    if not found:
        return {}
    ordered = [article for article, _ in found]
    sketches = np.stack([sketch for _, (sketch, _) in found])
    filled = np.stack([own for _, (_, own) in found])
    copied: dict[int, int] = {}
    for band in range(0, _BINS - _BAND + 1, _BAND):
        keys = np.ascontiguousarray(sketches[:, band : band + _BAND]).view(f"V{4 * _BAND}").ravel()
        _, oldest, group = np.unique(keys, return_index=True, return_inverse=True)
        ones = oldest[group]  # the first of those that agree in this band
        others = np.flatnonzero(ones != np.arange(len(ordered)))
        ones = ones[others]
        agree = (sketches[ones] == sketches[others]) & filled[ones] & filled[others]
        either = filled[ones] | filled[others]
        alike = agree.sum(axis=1) >= NEAR_COPY * either.sum(axis=1)
        for one, other in zip(ones[alike].tolist(), others[alike].tolist(), strict=True):
            copied[other] = min(one, copied.get(other, one))
    return {ordered[other].article_id: ordered[one] for other, one in sorted(copied.items())}


def _sketch(runs: "Numbers") -> tuple["Numbers", "npt.NDArray[np.bool_]"]:
    """The smallest hash in each bin, and which bins have one; the others borrow the next one's."""
    import numpy as np

    sketch = np.zeros(_BINS, dtype=np.uint32)
    filled = np.zeros(_BINS, dtype=np.bool_)
    bins = (runs >> np.uint32(32 - (_BINS - 1).bit_length())).astype(np.intp)
    sketch[bins[::-1]] = runs[::-1]  # of equal bins the last one assigned stays: the smallest
    filled[bins] = True
    own = np.flatnonzero(filled)
    return sketch[own[np.searchsorted(own, np.arange(_BINS)) % own.size]], filled


@lru_cache(maxsize=64)  # an article is compared with its neighbours
def _runs(article: Article) -> "Numbers":
    """Hashes of all runs of three words, in order, each once; of fewer words the only one."""
    import numpy as np

    plain = _MARKS.sub(b" ", kept_text(article).casefold().encode()).translate(_SPACED)
    words = np.array(list(map(zlib.crc32, plain.split())), dtype=np.uint32)
    if words.size < 3:
        words = np.resize(words, 3 if words.size else 0)
    if not words.size:
        return words
    mixed = words[:-2] * np.uint32(0x9E3779B1) + words[1:-1] * np.uint32(0x85EBCA77)
    mixed += words[2:] * np.uint32(0xC2B2AE3D)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x2C1B3C6D)
    mixed ^= mixed >> np.uint32(12)
    mixed.sort()
    once: Numbers = mixed[np.append(True, mixed[1:] != mixed[:-1])]
    return once


def kept_text(article: Article) -> str:
    """What is left of its text, with a blank for each stretch that is left out."""
    edges = [0, *(edge for span in article.left_out for edge in (span.start, span.end)), None]
    return " ".join(
        article.text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)
    )


def resemblance(one: Article, other: Article) -> float:
    """The part of their runs of three words that two articles have in common, 0 to 1."""
    import numpy as np

    ours, theirs = _runs(one), _runs(other)
    common = np.intersect1d(ours, theirs, assume_unique=True).size
    return common / max(1, ours.size + theirs.size - common)


def newer_versions(articles: Iterable[Article]) -> Mapping[str, tuple[Article, ...]]:
    """For each article that was superseded its newer versions, the newest last, by `article_id`.

    A newer version has the address of the older one; or the source that both state, its headline
    but for the numbers in it, half of its runs of three words, and a date of publication at most
    three days later. And it is later: by its latest date, or on the same day by saying that it was
    updated or corrected where the other says nothing. Another outlet's copy is no version.
    """
    groups: dict[tuple[str, str], list[Article]] = defaultdict(list)
    for article in articles:
        for by, shared in version_keys(article).items():
            groups[by, shared].append(article)
    newer: dict[str, dict[str, Article]] = defaultdict(dict)
    for (by, _), group in groups.items():
        group.sort(key=_age)
        for older in group:
            after = bisect_right(group, _age(older)[:2], key=lambda article: _age(article)[:2])
            for later in group[after : after + _LATER_LOOKED_AT]:
                if _is_later(later, older) and _is_version(later, older, by):
                    newer[older.article_id][later.article_id] = later
    return {key: tuple(sorted(later.values(), key=_age)) for key, later in newer.items()}


def version_keys(article: Article) -> dict[str, str]:
    """What an article has in common with other versions of it, by "address" or "headline"."""
    keys = {}
    if article.url:
        keys["address"] = _address(article.url)
    if format_of(article.source) is None:  # else a file's name stands in for it
        headline = "".join(_CHANGING.split(article.title.casefold()))
        keys["headline"] = f"{article.source.casefold()}\n{headline}"
    return keys


def _address(url: str) -> str:
    """What tells pages apart: the address without scheme, "www.", fragment or last slash."""
    return re.sub(r"^\w+://(?:www\.)?", "", url.strip().partition("#")[0]).rstrip("/")


def _age(article: Article) -> tuple[date, bool, str]:
    """Sorts versions of one article, the oldest first, undated ones before all."""
    latest = article.updated or article.published
    first = date.min if latest is None else latest.first_day
    return first, _says_it_is_newer(article), article.article_id


def _says_it_is_newer(article: Article) -> bool:
    return article.updated is not None or article.correction is not None


def _is_later(later: Article, older: Article) -> bool:
    ours, theirs = later.updated or later.published, older.updated or older.published
    if ours and theirs and (ours.first_day > theirs.last_day or theirs.first_day > ours.last_day):
        return ours.first_day > theirs.first_day
    return _says_it_is_newer(later) and not _says_it_is_newer(older)


def _is_version(later: Article, older: Article, by: str) -> bool:
    """Whether the two, found together by "address" or "headline", are one article."""
    if by == "address":
        stated = {a.source.casefold() for a in (later, older) if format_of(a.source) is None}
        return len(stated) < 2 and resemblance(later, older) >= _REWRITTEN
    ours, theirs = later.published, older.published
    if ours and theirs and ours.first_day - theirs.last_day > _UPDATED_WITHIN:
        return False
    return resemblance(later, older) >= NEAR_COPY

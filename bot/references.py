"""Short names for quotes and filters, for `custom_id`s that have to say all by themselves.

Quotes are named by article key, span and highlight, so that no question and no database is needed.
"""

import base64
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.errors import GoneError
from bot.library import Library, short_key
from retrieval.dates import PartialDate
from retrieval.types import Article, Filters, Quote, Span, article_key

_MAX_REFERENCE = 88  # of the 100 that Discord allows: the rest says what is done with the quotes
_MAX_SOURCE = 51  # bytes of a source in a custom_id: 68 characters beside two dates
_MAX_QUOTES = 9  # no more can fit
_KEY_BYTES = 6  # of an article in a reference; a million articles are told apart
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def filters_reference(filters: Filters) -> str:
    """A short name for filters; of a long source as much as fits, which still finds it."""
    source = (filters.source or "").strip().encode()[:_MAX_SOURCE].decode(errors="ignore")
    parts = [str(filters.after or ""), str(filters.before or ""), _encoded(source)]
    return ",".join(parts) if any(parts) else ""


def find_filters(reference: str) -> Filters:
    """The filters that `filters_reference` named.

    Raises:
        GoneError: it names none.
    """
    after, before, source = ([*reference.split(","), "", ""])[:3]
    try:
        return Filters(
            PartialDate.from_iso(after) if after else None,
            PartialDate.from_iso(before) if before else None,
            base64.urlsafe_b64decode(source + "=" * (-len(source) % 4)).decode() or None,
        )
    except ValueError:
        raise GoneError from None


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def quotes_reference(quotes: Sequence[Quote]) -> str | None:
    """A short name for some quotes, about four; None when they are too many, or none.

    What does not fit is left out: first where near-copies stand, then what is highlighted.
    """
    if not 0 < len(quotes) <= _MAX_QUOTES:
        return None
    for also_in, highlight in ((9, True), (3, True), (2, True), (1, True), (0, True), (0, False)):
        packed = base64.urlsafe_b64encode(_packed(quotes, also_in, highlight=highlight))
        if len(reference := packed.rstrip(b"=").decode()) <= _MAX_REFERENCE:
            return reference
    return None


def reference_to_some(quotes: Sequence[Quote]) -> str | None:
    """A reference to as many of them as fit, without highlight: they may not answer."""
    plain = [replace(quote, highlight=None) for quote in quotes]
    references = (quotes_reference(plain[:count]) for count in range(len(plain), 0, -1))
    return next((reference for reference in references if reference), None)


def place_of(quote: Quote) -> str:
    """The article of a quote, and where in it to open."""
    return f"{article_key(quote.article)}.{_base36(quote.span.start)}"


def _packed(quotes: Sequence[Quote], also_in: int, *, highlight: bool) -> bytes:
    """The keys of articles, then numbers: each quote's article, span, highlight, near-copies."""
    named = [(quote.article, *quote.also_in[:also_in]) for quote in quotes]
    keys = list(dict.fromkeys(short_key(article) for articles in named for article in articles))
    numbers: list[int] = []
    for quote, articles in zip(quotes, named, strict=True):
        first, *others = (keys.index(short_key(article)) for article in articles)
        numbers += [first, quote.span.start, quote.span.end - quote.span.start]
        if highlight and quote.highlight is not None:
            numbers += [quote.highlight.end - quote.highlight.start, quote.highlight.start]
        else:
            numbers.append(0)
        numbers += [len(others), *others]
    return bytes([len(keys)]) + b"".join(keys) + b"".join(map(_varint, numbers))


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; every byte but the last one has its highest bit set."""
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*packed, number])


def _numbers(packed: bytes) -> Iterator[int]:
    """The numbers that `_varint` made this from."""
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number without its end")


def find_quotes(library: Library, reference: str) -> list[Quote]:
    """The quotes that `quotes_reference` named, in this version or in the one before it.

    Raises:
        GoneError: one of their articles is gone or has changed.
    """
    return [required(quote) for quote in find_each(library, reference)]


def required(quote: Quote | None) -> Quote:
    """The quote; raises GoneError if it is gone."""
    if quote is None:
        raise GoneError
    return quote


def find_each(library: Library, reference: str) -> list[Quote | None]:
    """Likewise, None for each quote whose article is gone or has changed.

    Raises:
        GoneError: this names no quotes.
    """
    try:
        quotes = (_read_old if "." in reference else _read)(library, reference)
    except (ValueError, IndexError):
        raise GoneError from None
    if not quotes:
        raise GoneError
    return quotes


def _read(library: Library, reference: str) -> list[Quote | None]:
    padding = "=" * (-len(reference) % 4)
    packed = base64.b64decode(reference + padding, altchars=b"-_", validate=True)
    end = 1 + packed[0] * _KEY_BYTES
    articles = [library.get(packed[at : at + _KEY_BYTES]) for at in range(1, end, _KEY_BYTES)]
    numbers = deque(_numbers(packed[end:]))
    take = numbers.popleft
    quotes = []
    while numbers:
        article, start, size = articles[take()], take(), take()
        marked = take()
        highlight = Span(at := take(), at + marked) if marked else None
        others = [articles[take()] for _ in range(take())]
        also_in = tuple(other for other in others if other is not None)
        quotes.append(_quote(article, Span(start, start + size), highlight, also_in))
    return quotes


def _read_old(library: Library, reference: str) -> list[Quote | None]:
    """Of version 0.1: without what is highlighted and where near-copies stand."""
    quotes = []
    for part in reference.split(","):
        start, _, size = part[10:].partition(".")
        span = Span(int(start, 36), int(start, 36) + int(size, 36))
        quotes.append(_quote(library.look_up(part[:10]), span))
    return quotes


def _quote(
    article: Article | None,
    span: Span,
    highlight: Span | None = None,
    also_in: tuple[Article, ...] = (),
) -> Quote | None:
    """The quote; None without its article.

    Raises:
        ValueError: there is nothing to see, or it ends after the article or its highlight after it.
    """
    if article is None:
        return None
    quote = Quote(article, span, 0.0, highlight, also_in)
    too_far = span.end > len(article.text) or (highlight and highlight.end > len(quote.text))
    if too_far or not quote.text.strip():
        raise ValueError(f"no quote at {span}")
    return quote


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"

"""A list of feeds → their entries as articles in the corpus, one file each.

    <corpus>/feeds/<feed>/<two digits>/<number>.json

Feeds are asked only where an operator lists them, each no oftener than its `every` says. What they
said last is remembered in `feeds.json` in the index folder. Entries that a feed no longer shows
stay in the corpus.
"""

import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.errors import ArticleError, FeedError, FeedListError
from retrieval.fetching import Fetched, Fetcher, retry_after
from retrieval.types import Article, Places

FOLDER = "feeds"
_STATE = "feeds.json"
_EVERY = re.compile(r"(\d{1,4}) ?(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DEFAULT_S = 3600.0
_LEAST_S = 300.0
_MOST_S = 86400.0  # after failures
_MAX_WAIT_S = 60.0  # between two looks at the list, which may have changed
_MAX_LIST_BYTES = 1_000_000

Told = Callable[[str, int, FeedError | None], None]
"""Told the address of each feed that was asked, how many articles of it are new or changed, and
what went wrong."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of the list."""

    url: str
    source: str | None
    """What its articles' source is; None for what it says itself."""
    every_s: float


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of one feed."""

    due: float = 0.0
    """When it may be asked again, in seconds since 1970."""
    failures: int = 0
    """In a row."""
    validators: Mapping[str, str] = field(default_factory=dict)
    """The headers by which it tells whether it has changed."""


def read_list(path: Path) -> tuple[list[Feed], str]:
    """The feeds that a file lists, and how whoever lists them can be reached.

    contact: news@example.org     # optional: told to every host
    feeds:
      - url: https://example.org/rss
        source: Gazette           # optional: else what the feed says
        every: 30m                # optional: else 1h; at least 5m

    Raises:
        FeedListError: it cannot be understood; the message says why.
    """
    from retrieval.articles.yaml_fields import read_yaml

    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise FeedListError(path, "too large")
        stated = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FeedListError(path, f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise FeedListError(path, str(error)) from error
    listed = stated.get("feeds", [])
    if not isinstance(listed, list):
        raise FeedListError(path, "`feeds:` is not a list")
    feeds = [_feed(path, number, each) for number, each in enumerate(listed, start=1)]
    contact = str(stated.get("contact") or "")
    if not contact.isascii() or not contact.isprintable():
        raise FeedListError(path, "`contact:` holds what no header of a request may hold")
    return feeds, contact


def _feed(path: Path, number: int, stated: object) -> Feed:
    if not isinstance(stated, dict) or not isinstance(stated.get("url"), str):
        raise FeedListError(path, f"feed {number} has no url")
    if unknown := stated.keys() - {"url", "source", "every"}:
        raise FeedListError(path, f"feed {number}: no such thing as {sorted(unknown)[0]!r}")
    url = stated["url"].strip()
    if not re.fullmatch(r"https?://[!-~]+", url):
        raise FeedListError(path, f"feed {number}: {url!r} is not an address on the web")
    every = stated.get("every")
    seconds = _DEFAULT_S
    if every is not None:
        match = _EVERY.fullmatch(str(every).strip())
        seconds = int(match[1]) * _UNITS[match[2]] if match else 0
        if seconds < _LEAST_S:
            raise FeedListError(
                path, f"feed {number}: `every: {every}`; give a time from 5m on, as 30m, 2h or 1d"
            )
    source = stated.get("source")
    return Feed(url, str(source) if source else None, seconds)


class Poller:
    """Asks the feeds of a list when each is due."""

    def __init__(self, listed: Path, places: Places, told: Told, fetcher: Fetcher | None = None):
        """Of several processes with one index, one at a time asks.

        Args:
            listed: the list of feeds, which is read again each time.
            places: where articles go, and where is remembered what was asked.
            told: hears of each feed that was asked.
            fetcher: by default one that is as polite as it should be.
        """
        self._listed, self._places, self._told, self._fetcher = listed, places, told, fetcher

    def run(self, stop: threading.Event, failed: Callable[[FeedListError], None]) -> None:
        """Asks until it is told to stop; blocks. A list that cannot be understood is said once."""
        said = ""
        while not stop.is_set():
            wait_s = _MAX_WAIT_S
            try:
                wait_s = min(wait_s, self.poll())
                said = ""
            except FeedListError as error:
                if str(error) != said:
                    failed(error)
                said = str(error)
            stop.wait(max(1.0, wait_s))

    def poll(self) -> float:
        """Asks the feeds that are due; blocks. Gives in how many seconds the next one is.

        Raises:
            FeedListError: the list cannot be understood.
        """
        feeds, contact = read_list(self._listed)
        fetcher = self._fetcher or Fetcher(contact)
        if self._fetcher is None or self._fetcher.agent != fetcher.agent:
            self._fetcher = fetcher
        try:
            self._places.state.mkdir(parents=True, exist_ok=True)
            with FileLock(self._places.state / "feeds.lock", timeout=0):
                known = self._remembered()
                for feed in feeds:
                    before = known.get(feed.url, _Known())
                    if before.due <= time.time():
                        known[feed.url] = self._ask(feed, before, fetcher)
                        self._remember({each.url: known.get(each.url, _Known()) for each in feeds})
        except Timeout:
            return _MAX_WAIT_S  # another process is at it
        except OSError as error:
            raise FeedListError(
                self._places.state, f"cannot be written ({error.strerror})"
            ) from error
        return min((known[feed.url].due - time.time() for feed in feeds), default=_MAX_WAIT_S)

    def _ask(self, feed: Feed, known: _Known, fetcher: Fetcher) -> _Known:
        wanted_s = 0.0
        try:
            found = fetcher.get(feed.url, known.validators)
            wanted_s = retry_after(found)
            if found.status == 304:
                self._told(feed.url, 0, None)
                return replace(known, due=time.time() + max(feed.every_s, wanted_s), failures=0)
            if found.status != 200:
                raise FeedError(feed.url, f"the host answers {found.status}", wanted_s)
            new = self._store(feed, found)
        except FeedError as error:
            self._told(feed.url, 0, error)
            failures = known.failures + 1
            backing_off_s = min(_MOST_S, feed.every_s * 2 ** min(failures, 20))
            wait_s = max(feed.every_s, backing_off_s, min(error.retry_after_s, 7 * _MOST_S))
            return replace(known, due=time.time() + wait_s, failures=failures)
        self._told(feed.url, new, None)
        headers = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        validators = {
            asked: found.headers[said] for said, asked in headers.items() if said in found.headers
        }
        return _Known(time.time() + max(feed.every_s, wanted_s), 0, validators)

    def _store(self, feed: Feed, found: Fetched) -> int:
        """Writes the entries as files; gives how many are new or changed."""
        from retrieval.articles.feed import read_feed

        name = _name(feed.url)
        new = 0
        try:
            for article in read_feed(f"{FOLDER}/{name}.xml", found.body):
                if isinstance(article, Article):
                    new += _write(self._places.corpus / FOLDER / name, feed, article)
        except ArticleError as error:
            raise FeedError(feed.url, error.reason) from error
        except OSError as error:
            raise FeedError(
                feed.url, f"its articles cannot be written ({error.strerror}: {error.filename})"
            ) from error
        return new

    def _remembered(self) -> dict[str, _Known]:
        try:
            loaded = json.loads((self._places.state / _STATE).read_text(encoding="utf-8"))
            return {url: _Known(**known) for url, known in loaded.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # then all are asked once more than they need

    def _remember(self, known: Mapping[str, _Known]) -> None:
        text = json.dumps({url: asdict(each) for url, each in known.items()})
        _replace(self._places.state / _STATE, text)


def _name(url: str) -> str:
    """What a feed's folder is called: readable, and no other feed's."""
    readable = re.sub(r"[^a-z0-9]+", "-", url.partition("://")[2].lower()).strip("-")[:60]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"


def _write(folder: Path, feed: Feed, article: Article) -> bool:
    """Writes an article as a record, unless the very same is there already."""
    digest = hashlib.sha256(article.article_id.encode()).hexdigest()
    path = folder / digest[:2] / f"{digest[2:18]}.json"
    record = {
        "id": article.article_id,
        "title": None if article.title_derived else article.title,
        "published": article.published and str(article.published),
        "updated": article.updated and str(article.updated),
        "source": feed.source or article.source,
        "url": article.url,
        "author": article.author,
        "text": article.text,
    }
    stated = {name: value for name, value in record.items() if value}
    text = json.dumps(stated, ensure_ascii=False, indent=1) + "\n"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.read_text(encoding="utf-8") == text:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, text)
    return True


def _replace(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)

"""A web address → what is there, fetched as a polite guest does."""

import email.utils
import http.client
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from retrieval import __version__
from retrieval.errors import FeedError

MAX_BYTES = 10_000_000  # of one feed, unpacked
_TIMEOUT_S = 30.0  # for one address, from beginning to end
_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_ROBOTS_S = 24 * 3600.0  # how long a robots.txt is taken to hold, as RFC 9309 allows
_MAX_ROBOTS_BYTES = 500_000  # of which RFC 9309 wants as much read
_APART_S = 1.0  # between two requests to one host, unless its robots.txt wants more
_MAX_APART_S = 60.0
_NAME = "Dateline"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """With names in lower case."""


class Fetcher:
    """Fetches by http and https, slowly for each host, and only what its robots.txt allows."""

    def __init__(self, contact: str = "", wait: Callable[[float], object] = time.sleep) -> None:
        """How it behaves.

        Args:
            contact: an address at which whoever runs this can be reached; told to every host.
            wait: passes so many seconds.
        """
        self.agent = f"{_NAME}/{__version__} ({contact or 'reads feeds for a news archive'})"
        self._wait = wait
        self._robots: dict[str, tuple[float, RobotFileParser]] = {}
        self._last: dict[str, float] = {}
        # Nothing that opens files or follows redirects by itself; every status is an answer.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
        ):
            self._opener.add_handler(handler)

    def get(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """What is there, redirects followed; blocks for half a minute at most, and its turn.

        Raises:
            FeedError: it cannot be had; the message says why.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            host = _host(url)
            robots = self._rules(host)
            if not robots.can_fetch(_NAME, url):
                raise FeedError(url, "its robots.txt does not allow it")
            delay = robots.crawl_delay(_NAME)
            apart = min(_MAX_APART_S, max(_APART_S, float(delay or 0)))
            found = self._request(url, headers, MAX_BYTES, apart)
            if found.status not in _REDIRECTS:
                return found
            url = urljoin(url, found.headers.get("location", ""))
        raise FeedError(url, f"more than {_MAX_REDIRECTS} redirects")

    def _rules(self, host: str) -> RobotFileParser:
        """What a host's robots.txt allows; everything without one, nothing while it fails."""
        known = self._robots.get(host)
        if known is not None and time.monotonic() - known[0] < _ROBOTS_S:
            return known[1]
        rules = RobotFileParser()
        url = f"{host}/robots.txt"
        for _ in range(_MAX_REDIRECTS + 1):
            found = self._request(url, {}, _MAX_ROBOTS_BYTES, 0)
            if found.status not in _REDIRECTS:
                break
            url = urljoin(url, found.headers.get("location", ""))
            _host(url)
        if found.status == 200:
            rules.parse(found.body.decode("utf-8", "replace").splitlines())
        elif found.status == 429 or found.status >= 500:
            raise FeedError(
                url,
                f"the host answers {found.status}",
                _retry_after(found.headers.get("retry-after")),
            )
        else:
            rules.parse([])
        self._robots[host] = time.monotonic(), rules
        return rules

    def _request(
        self, url: str, headers: Mapping[str, str], max_bytes: int, apart_s: float
    ) -> Fetched:
        host = _host(url)
        since = time.monotonic() - self._last.get(host, float("-inf"))
        if since < apart_s:
            self._wait(apart_s - since)
        end = time.monotonic() + _TIMEOUT_S
        request = urllib.request.Request(  # noqa: S310  # _host() lets in http and https alone
            url, headers={"User-Agent": self.agent, "Accept-Encoding": "gzip", **headers}
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                body = bytearray()
                while chunk := response.read1(65_536):
                    body += chunk
                    if len(body) > max_bytes:
                        raise FeedError(url, f"more than {max_bytes:,} bytes")
                    if time.monotonic() > end:
                        raise FeedError(url, f"not all there after {_TIMEOUT_S:.0f} seconds")
                return Fetched(
                    response.status, _unpacked(url, bytes(body), found, max_bytes), found
                )
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise FeedError(url, f"it cannot be reached ({reason})") from error
        finally:
            self._last[host] = time.monotonic()


def _host(url: str) -> str:
    """The scheme and the host of an address.

    Raises:
        FeedError: it is none that we fetch from.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FeedError(url, "not an address that begins with http:// or https://")
    return f"{parts.scheme}://{parts.netloc}"


def _unpacked(url: str, body: bytes, headers: Mapping[str, str], max_bytes: int) -> bytes:
    if headers.get("content-encoding", "").lower() not in ("gzip", "x-gzip"):
        return body
    try:
        unpacked = zlib.decompressobj(wbits=31).decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise FeedError(url, f"what came is not gzip ({error})") from error
    if len(unpacked) > max_bytes:
        raise FeedError(url, f"more than {max_bytes:,} bytes once unpacked")
    return unpacked


def retry_after(fetched: Fetched) -> float:
    """For how many seconds a host asks to be left alone; 0 if it does not say."""
    return _retry_after(fetched.headers.get("retry-after"))


def _retry_after(value: str | None) -> float:
    if value is None:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0

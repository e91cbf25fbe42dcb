"""Feeds: what they show becomes articles, and their hosts have a polite guest."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from retrieval import __version__, fetching
from retrieval.articles import read_file, scan
from retrieval.errors import FeedError, FeedListError
from retrieval.feeds import Poller, read_list
from retrieval.fetching import Fetcher
from retrieval.types import Article, Places

Reply = tuple[int, dict[str, str], bytes]


def rss(*entries: tuple[str, str]) -> bytes:
    """A feed of entries, each with its id and its text."""
    items = "".join(
        f"<item><guid>{guid}</guid><title>On {guid}</title><pubDate>Mon, 18 Mar 2024 09:00:00 GMT"
        f"</pubDate><link>https://example.org/{guid}</link><description>{text}</description></item>"
        for guid, text in entries
    )
    return f"<rss version='2.0'><channel><title>Tarn News</title>{items}</channel></rss>".encode()


class Host:
    """A web server on loopback that answers what a test tells it to, and remembers requests."""

    def __init__(self) -> None:
        self.pages: dict[str, Reply | Callable[[dict[str, str]], Reply]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                host.asked.append((self.path, headers))
                page = host.pages.get(self.path, (404, {}, b""))
                status, sent, body = page(headers) if callable(page) else page
                self.send_response(status)
                for name, value in sent.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def times(self, path: str) -> int:
        """How often a page was asked for."""
        return [asked for asked, _ in self.asked].count(path)

    def close(self) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that serves a feed at /rss."""
    host = Host()
    host.pages["/rss"] = 200, {}, rss(("a", "The tram opened."), ("b", "Rain fell."))
    yield host
    host.close()


class Polled:
    """A list with one feed, a corpus, and what was told of it."""

    def __init__(self, folder: Path, url: str, more: str = "") -> None:
        self.places = Places(folder / "corpus", folder / "index")
        self.places.corpus.mkdir(exist_ok=True)
        listed = folder / "feeds.yaml"
        listed.write_text(f"feeds:\n  - url: {url}\n{more}", encoding="utf-8")
        self.told: list[tuple[int, str]] = []
        self.poller = Poller(listed, self.places, self._hear, Fetcher(wait=lambda seconds: None))

    def _hear(self, url: str, new: int, error: FeedError | None) -> None:
        self.told.append((new, str(error or "")))

    def articles(self) -> dict[str, Article]:
        """What the corpus holds, by the entries' ids."""
        files, refused = scan(self.places.corpus)
        assert [] == refused
        found = [a for file in files for a in read_file(self.places.corpus, file).articles]
        return {article.article_id.rpartition("#")[2]: article for article in found}

    def make_due(self) -> None:
        """Lets the time pass after which the feed may be asked again."""
        state = self.places.state / "feeds.json"
        known = json.loads(state.read_text())
        state.write_text(json.dumps({url: {**each, "due": 0} for url, each in known.items()}))


def test_entries_become_articles_and_stay_when_the_feed_drops_them(
    host: Host, tmp_path: Path
) -> None:
    """A feed shows the last twenty; an archive keeps them all."""
    polled = Polled(tmp_path, f"{host.url}/rss", "    source: Gazette\n")
    polled.poller.poll()
    first = polled.articles()
    host.pages["/rss"] = 200, {}, rss(("b", "Much rain fell."), ("c", "Snow fell."))
    polled.make_due()
    polled.poller.poll()
    second = polled.articles()

    assert [(2, ""), (2, "")] == polled.told
    assert {"a": "The tram opened.", "b": "Rain fell."} == {k: a.text for k, a in first.items()}
    assert ("On a", "2024-03-18", "Gazette", "https://example.org/a") == (
        first["a"].title,
        str(first["a"].published),
        first["a"].source,
        first["a"].url,
    )
    assert {"a": "The tram opened.", "b": "Much rain fell.", "c": "Snow fell."} == {
        key: article.text for key, article in second.items()
    }


def test_a_feed_is_asked_only_when_it_is_due(host: Host, tmp_path: Path) -> None:
    """Also by another process, and after a restart."""
    for _ in range(3):
        wait_s = Polled(tmp_path, f"{host.url}/rss", "    every: 30m\n").poller.poll()

    assert 1 == host.times("/rss")
    assert 1_790 < wait_s <= 1_800


def test_a_feed_that_has_not_changed_is_not_sent_again(host: Host, tmp_path: Path) -> None:
    """Most of the time nothing is new, and the host should not pay for it."""

    def page(headers: dict[str, str]) -> Reply:
        if headers.get("if-none-match") == '"x"':
            return 304, {}, b""
        dated = {"ETag": '"x"', "Last-Modified": "Mon, 18 Mar 2024 09:00:00 GMT"}
        return 200, dated, rss(("a", "The tram opened."))

    host.pages["/rss"] = page
    polled = Polled(tmp_path, f"{host.url}/rss")
    for _ in range(3):
        polled.poller.poll()
        polled.make_due()

    asked = [headers for path, headers in host.asked if path == "/rss"]
    assert [(1, ""), (0, ""), (0, "")] == polled.told
    assert [None, '"x"', '"x"'] == [headers.get("if-none-match") for headers in asked]
    assert "Mon, 18 Mar 2024 09:00:00 GMT" == asked[1]["if-modified-since"]


def test_a_host_that_fails_is_asked_ever_more_seldom(host: Host, tmp_path: Path) -> None:
    """And at its old pace once it answers again."""
    feed = host.pages["/rss"]
    host.pages["/rss"] = 500, {}, b""
    polled = Polled(tmp_path, f"{host.url}/rss")
    waits = []
    for _ in range(7):
        polled.poller.poll()
        (known,) = json.loads((polled.places.state / "feeds.json").read_text()).values()
        waits.append(round((known["due"] - time.time()) / 3600))
        polled.make_due()
    host.pages["/rss"] = feed
    polled.poller.poll()

    assert [2, 4, 8, 16, 24, 24, 24] == waits
    assert (0, f"{host.url}/rss: the host answers 500") == polled.told[0]
    assert (2, "") == polled.told[-1]
    (known,) = json.loads((polled.places.state / "feeds.json").read_text()).values()
    assert 0 == known["failures"]


@pytest.mark.parametrize(("status", "hours"), [(429, 30), (503, 30), (200, 30), (304, 30)])
def test_a_host_that_names_a_time_is_left_alone_until_then(
    host: Host, tmp_path: Path, status: int, hours: int
) -> None:
    """Who does not listen is shut out."""
    host.pages["/rss"] = status, {"Retry-After": str(hours * 3600)}, rss(("a", "Rain fell."))
    polled = Polled(tmp_path, f"{host.url}/rss")
    polled.poller.poll()
    (known,) = json.loads((polled.places.state / "feeds.json").read_text()).values()

    assert hours == round((known["due"] - time.time()) / 3600)


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ((200, {}, b"User-agent: *\nDisallow: /rss"), False),
        ((200, {}, b"User-agent: Dateline\nDisallow: /\n\nUser-agent: *\nAllow: /"), False),
        ((200, {}, b"User-agent: *\nDisallow: /private"), True),
        ((404, {}, b""), True),
        ((403, {}, b""), True),  # "unavailable", says RFC 9309
        ((500, {}, b""), False),  # nobody knows what it would say
    ],
)
def test_robots_txt_is_obeyed(host: Host, tmp_path: Path, robots: Reply, allowed: bool) -> None:
    """Hosts say there what they do not want."""
    host.pages["/robots.txt"] = robots
    polled = Polled(tmp_path, f"{host.url}/rss")
    polled.poller.poll()

    assert int(allowed) == host.times("/rss")
    assert allowed is ((2, "") == polled.told[0])


def test_it_says_who_it_is(host: Host) -> None:
    """So that whoever minds can ask."""
    Fetcher("news@example.org").get(f"{host.url}/rss", {})

    agents = {headers["user-agent"] for _, headers in host.asked}
    assert {f"Dateline/{__version__} (news@example.org)"} == agents


def test_a_host_is_not_asked_twice_in_a_second(host: Host) -> None:
    """Or in as many as its robots.txt says."""
    host.pages["/robots.txt"] = 200, {}, b"User-agent: *\nCrawl-delay: 7"
    waited: list[float] = []
    fetcher = Fetcher(wait=waited.append)
    for _ in range(2):
        fetcher.get(f"{host.url}/rss", {})

    assert [7, 7] == [round(seconds) for seconds in waited]


def test_redirects_are_followed_a_few_times_and_never_to_files(host: Host, tmp_path: Path) -> None:
    """A feed that moved is found; one that leads astray is not."""
    (tmp_path / "secret").write_bytes(rss(("s", "A secret.")))
    host.pages["/moved"] = 301, {"Location": "/rss"}, b""
    host.pages["/loop"] = 302, {"Location": "/loop"}, b""
    host.pages["/astray"] = 302, {"Location": f"file://{tmp_path}/secret"}, b""
    fetcher = Fetcher(wait=lambda seconds: None)

    assert fetcher.get(f"{host.url}/moved", {}).body == fetcher.get(f"{host.url}/rss", {}).body
    with pytest.raises(FeedError, match="more than 5 redirects"):
        fetcher.get(f"{host.url}/loop", {})
    with pytest.raises(FeedError, match="not an address that begins with http"):
        fetcher.get(f"{host.url}/astray", {})


def test_what_is_too_much_or_too_slow_is_given_up(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bad host must not fill the memory, or keep all others waiting."""
    monkeypatch.setattr(fetching, "MAX_BYTES", 10_000)
    monkeypatch.setattr(fetching, "_TIMEOUT_S", 0.3)
    bomb = gzip.compress(bytes(1_000_000))

    def slow(headers: dict[str, str]) -> Reply:
        time.sleep(1)
        return 200, {}, b""

    host.pages["/long"] = 200, {}, bytes(20_000)
    host.pages["/bomb"] = 200, {"Content-Encoding": "gzip"}, bomb
    host.pages["/broken"] = 200, {"Content-Encoding": "gzip"}, b"no gzip"
    host.pages["/slow"] = slow
    fetcher = Fetcher(wait=lambda seconds: None)

    for path, why in {
        "/long": "more than 10,000 bytes",
        "/bomb": "more than 10,000 bytes once unpacked",
        "/broken": "not gzip",
        "/slow": "cannot be reached",
    }.items():
        with pytest.raises(FeedError, match=why):
            fetcher.get(host.url + path, {})


def test_a_packed_feed_is_read(host: Host) -> None:
    """It is a tenth of the size."""
    packed = gzip.compress(rss(("a", "Rain fell.")))
    host.pages["/rss"] = 200, {"Content-Encoding": "gzip"}, packed

    assert rss(("a", "Rain fell.")) == Fetcher().get(f"{host.url}/rss", {}).body


@pytest.mark.parametrize(
    ("body", "why"), [(b"<html></html>", "not an RSS or Atom feed"), (b"", ""), (b"\0\1", "")]
)
def test_what_is_no_feed_is_said(host: Host, tmp_path: Path, body: bytes, why: str) -> None:
    """Hosts answer with pages that say "moved" or "log in"."""
    host.pages["/rss"] = 200, {}, body
    polled = Polled(tmp_path, f"{host.url}/rss")
    polled.poller.poll()

    assert 0 == polled.told[0][0]
    assert polled.told[0][1].startswith(f"{host.url}/rss: ")
    assert why in polled.told[0][1]


def test_a_host_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Networks fail."""
    host = Host()
    host.close()
    polled = Polled(tmp_path, f"{host.url}/rss")
    polled.poller.poll()

    assert "cannot be reached" in polled.told[0][1]


def test_two_processes_do_not_ask_at_once(host: Host, tmp_path: Path) -> None:
    """Many bots may share one corpus."""
    polled = Polled(tmp_path, f"{host.url}/rss")
    polled.places.state.mkdir()
    with FileLock(polled.places.state / "feeds.lock"):
        polled.poller.poll()

    assert [] == host.asked


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("feeds: 5", "not a list"),
        ("feeds: [5]", "feed 1 has no url"),
        ("feeds: [{url: 'file:///etc/passwd'}]", "not an address on the web"),
        ("feeds: [{url: 'https://a b'}]", "not an address on the web"),
        ("feeds: [{url: https://a.org, every: 1m}]", "from 5m on"),
        ("feeds: [{url: https://a.org, every: often}]", "from 5m on"),
        ("feeds: [{url: https://a.org, sauce: x}]", "no such thing as 'sauce'"),
        ('contact: "a\\r\\nb"', "no header"),
        ("feeds: [", "not YAML"),
        ("- url: https://a.org", "name: value"),
    ],
)
def test_a_list_that_cannot_be_understood_is_said(tmp_path: Path, text: str, why: str) -> None:
    """With what to do."""
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(FeedListError, match=rf"feeds\.yaml: .*{why}.*; mend it, or unset"):
        read_list(path)
    with pytest.raises(FeedListError, match="cannot be read"):
        read_list(tmp_path / "gone.yaml")

"""Web pages: the article in the page's own words, its dates as stated, and nothing else."""

import contextlib
import gzip
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.links import link_to
from retrieval.articles import read_file, scan
from retrieval.articles.html import read_html
from retrieval.errors import ArticleError
from retrieval.passages import split
from retrieval.types import Article

_FIRST = (
    "The ferry to Holm will stop running in June, the county said on Monday, because the pier "
    "needs repairs that nobody has yet agreed to pay for."
)
_SECOND = (
    "“We were not asked,” said Lena Orvik, who has lived on the island for forty years and takes "
    "the boat to her work at the hospital in Sund every day."
)
_THIRD = (
    "A bridge was promised in 1998. The county’s engineers now put its cost at 90 million crowns, "
    "four times what was written into the budget."
)
_BODY = f"<p>{_FIRST}</p><p>{_SECOND}</p><p>{_THIRD}</p>"


def _page(head: str = "", body: str = _BODY, above: str = "", lang: str = "") -> bytes:
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">{head}</head><body>'
        f"<nav><a href=/>Home</a><a href=/news>News</a></nav><article><h1>Ferry to Holm ends</h1>"
        f"{above}{body}</article><footer>© 2009 The Gazette</footer></body></html>"
    ).encode()


def _read(data: bytes, url: str | None = None) -> Article:
    return read_html("news/ferry.html", data, url=url)


def _quotable(article: Article) -> list[str]:
    return [passage.text for passage in split(article)]


class _Shown(HTMLParser):
    """The text nodes of a page that a browser shows, in order."""

    _INLINE = ("a", "b", "i", "sup", "script", "style")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.nodes: list[str] = []
        self._unseen = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in ("script", "style")
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in ("script", "style")
        self._break(tag)

    def _break(self, tag: str) -> None:
        if tag not in self._INLINE:
            self.nodes.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.nodes.append(data)

    @property
    def text(self) -> str:
        """All of it, each white space one blank."""
        return " ".join("".join(self.nodes).replace("\xad", "").split())


def test_a_page_gives_its_article_and_what_it_says_of_it() -> None:
    """The whole of what an answer shows: words, title, date, source, address."""
    article = _read(
        _page(
            '<title>Ferry to Holm ends | The Gazette</title><link rel="canonical" '
            'href="https://gazette.example/ferry"><meta property="og:site_name" '
            'content="The Gazette"><meta name="author" content="Jo Berg"><meta '
            'property="article:published_time" content="2024-02-20T23:30:00-05:00">'
            '<meta property="article:modified_time" content="2024-02-22T08:00:00Z">'
        )
    )

    assert ("news/ferry", "Ferry to Holm ends", False) == (
        article.article_id,
        article.title,
        article.title_derived,
    )
    assert ("2024-02-20", "meta article:published_time") == (
        str(article.published),
        article.published_from,
    )
    assert ("2024-02-22", "meta article:modified_time") == (
        str(article.updated),
        article.updated_from,
    )
    assert ("The Gazette", "https://gazette.example/ferry", "Jo Berg") == (
        article.source,
        article.url,
        article.author,
    )
    assert [_FIRST, _SECOND, _THIRD] == _quotable(article)


def test_pages_are_read_from_a_folder_packed_or_not(tmp_path: Path) -> None:
    """Saved pages are large and text, so people keep them packed."""
    (tmp_path / "a.htm").write_bytes(_page())
    (tmp_path / "b.html.gz").write_bytes(gzip.compress(_page()))

    files, refused = scan(tmp_path)
    articles = [article for file in files for article in read_file(tmp_path, file).articles]

    assert [] == refused
    assert ["a", "b"] == [article.article_id for article in articles]
    assert [[_FIRST, _SECOND, _THIRD]] * 2 == [_quotable(article) for article in articles]


_MARKED_UP = (
    "<p>The ferry<sup>[1]</sup> to <a href=x><b>H</b>olm</a>&nbsp;will stop run&shy;ning"
    "&#10;in June, the  county <i>said</i> on Monday,<br>because its pier needs repairs."
    "</p>"
    "<h2>What now</h2><ul><li>The county votes in May, after the last hearing on the island.</li>"
    "<li>The boat’s crew of four is offered work in Sund, twenty miles from home.</li></ul>"
    "<blockquote><p>“We were not asked,” wrote the islanders &amp; their mayor in a letter.</p>"
    "</blockquote><table><tr><td>Passengers in the year 2023</td><td>41,000 of them</td></tr>"
    "</table><div>The harbour office did not answer on Monday<script>var a = 'x'</script>, and its "
    "telephone was not staffed in the afternoon.</div><p>Kolonne – «så» sa hun, og 漢字 and "
    "e\u0301tude stay as they are on the page that was saved.</p>"
)


def test_every_sentence_stands_on_the_page_word_for_word() -> None:
    """A reader who opens the page must find the very words; an extractor may not mend them."""
    page = _page(body=_MARKED_UP + _BODY)
    shown = _Shown(page.decode()).text
    article = _read(page)
    sentences = [
        " ".join(span.of(article.text).split())
        for passage in split(article)
        for span in passage.sentences
    ]

    assert len(sentences) > 8
    assert [] == [sentence for sentence in sentences if sentence not in shown]
    assert "ferry[1] to Holm will stop running in June, the county said on Monday," in sentences[0]
    assert "e\u0301tude stay as they are on the page that was saved." in " ".join(sentences)


def test_the_lead_is_part_of_the_article() -> None:
    """It says most in fewest words, and extractors take it for furniture."""
    lead = (
        "<p class=article__lead>The island of Holm loses its only ferry, and asks for a bridge.</p>"
    )
    buttons = "<div class=share><a>Share</a></div><p class=caption>The pier in a storm, 2019.</p>"

    assert ["The island of Holm loses its only ferry, and asks for a bridge.", _FIRST] == _quotable(
        _read(_page(above=lead + buttons))
    )[:2]


def test_a_link_to_a_quote_names_words_of_one_block() -> None:
    """A text fragment that crosses from one paragraph into the next is found by no browser."""
    page = _page(body=_MARKED_UP + _BODY)
    shown = _Shown(page.decode()).text
    for text in _quotable(_read(page)):
        link = link_to("https://gazette.example/ferry", text)
        assert link is not None
        words = unquote(link.partition(":~:text=")[2]).split(",")

        assert all(" ".join(edge.split()) in shown for edge in (words[0], words[-1]))


def test_headings_are_in_the_text_and_never_quoted() -> None:
    """A heading is the editor's voice; whoever reads the whole article wants it where it was."""
    article = _read(_page(body=f"<p>{_FIRST}</p><h2>What happens next</h2><p>{_SECOND}</p>"))

    assert "\n\nWhat happens next\n\n" in article.text
    assert [_FIRST, _SECOND] == _quotable(article)


@pytest.mark.parametrize(
    "beside",
    [
        "<div class=cookie-banner><p>We use cookies to give you the best experience.</p></div>",
        "<div class=share-buttons><a>Share on Facebook</a><a>Share on X</a></div>",
        "<aside><h3>Related articles</h3><ul><li><a href=a>Pier closed again</a></li></ul></aside>",
        "<section id=comments><h3>1 comment</h3><p>What a shame, says oarsman66.</p></section>",
        "<figure><img src=a.jpg><figcaption>The pier. Photo: J. Berg</figcaption></figure>",
        "<p hidden>Words that no reader sees on this page of the newspaper.</p>",
        "<p>Also read: Pier closed again</p>",
        "<script>document.write('Never read')</script><style>p { color: red }</style>",
    ],
)
def test_what_stands_beside_the_article_is_left_out(beside: str) -> None:
    """None of it is reporting."""
    assert [_FIRST, _SECOND, _THIRD] == _quotable(_read(_page(body=_BODY + beside)))


_LD = (
    '<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": '
    '"WebPage", "datePublished": "2020-01-01"}, {"@type": "NewsArticle", "datePublished": '
    '"2024-01-01T23:59:00-05:00", "comment": {"datePublished": "2024-01-05"}}]}</script>'
)
_META = '<meta property="article:published_time" content="2024-02-02">'
_TIME = '<time datetime="2024-03-03" itemprop="datePublished">3 March</time>'
_LINE = "<p class=byline>By Jo Berg | 4 April 2024</p>"
_AS_SHOWN = 'line "By Jo Berg | 4 April 2024"'
_URL = "https://gazette.example/2024/05/05/ferry"


@pytest.mark.parametrize(
    ("page", "url", "published", "place"),
    [
        # each stage gives way to those above it
        (_page(_LD + _META), None, "2024-01-01", "JSON-LD datePublished"),
        (_page(_META, above=_TIME), None, "2024-02-02", "meta article:published_time"),
        (_page(above=_TIME + _LINE), _URL, "2024-03-03", "itemprop datePublished"),
        (_page(above=_LINE), _URL, "2024-05-05", "the address 2024/05/05"),
        (_page(above=_LINE), None, "2024-04-04", _AS_SHOWN),
        # what is less than a day gives way to a day that agrees with it, and to no other
        (_page(above=_LINE), "https://g.example/2024/04/x", "2024-04-04", _AS_SHOWN),
        (_page(), "https://g.example/2024/06/ferry", "2024-06", "the address 2024/06"),
        # an address is given once, a stamp is renewed
        (_page(_META), "https://g.example/2023/12/31/x", "2023-12-31", "the address 2023/12/31"),
        (_page(_META), _URL, "2024-02-02", "meta article:published_time"),
    ],
)  # fmt: skip
def test_dates_are_taken_by_precedence(
    page: bytes, url: str | None, published: str, place: str
) -> None:
    """What markup says beats what is shown, and what is shown beats a guess."""
    article = _read(page, url)

    assert (published, place) == (str(article.published), article.published_from)


@pytest.mark.parametrize(
    ("stated", "lang", "published"),
    [
        ("Veröffentlicht am 20. Februar 2024 um 9:30 Uhr", "de", "2024-02-20"),
        ("Publié le 1er mars 2024 à 9h30", "fr", "2024-03-01"),
        ("20 de febrero de 2024", "es", "2024-02-20"),
        ("20 lutego 2024", "", "2024-02-20"),  # no language is stated
        ("2024年2月20日", "ja", "2024-02-20"),
        ("20 февраля 2024 г., 10:00", "ru", "2024-02-20"),
        ("20 فبراير 2024", "ar", "2024-02-20"),
        ("Feb. 20, 2024", "en", "2024-02-20"),
        ("20/02/2024", "en", "2024-02-20"),  # no month 20
        ("03/04/2024", "en", "2024"),  # March or April
        ("03/04/2024", "en-US", "2024-03-04"),  # the page says whose custom it follows
        ("03/04/2024", "fr", "2024-04-03"),
        ("03/04/2024</p><p>First printed 25/03/2024", "en", "2024-04-03"),  # it shows its custom
    ],
)
def test_dates_are_read_in_the_language_of_the_page(stated: str, lang: str, published: str) -> None:
    """Half the world's news is dated in words or figures that English does not use."""
    assert published == str(_read(_page(above=f"<p class=date>{stated}</p>", lang=lang)).published)


@pytest.mark.parametrize(
    ("head", "above"),
    [
        ('<script type="application/ld+json">{"@type":"NewsArticle","datePublished":1710237600000}'
         "</script>", ""),
        ('<meta property="article:published_time" content="1710237600">', ""),
        ('<script>var page = {"publication_date": 1710237600};</script>', ""),
        ("", '<p><span data-timestamp="1710237600">3 hours ago</span></p>'),
        ("", '<p><time datetime="2024-03-12T10:00Z">3 hours ago</time></p>'),
    ],
)  # fmt: skip
def test_a_date_that_only_programs_read_counts(head: str, above: str) -> None:
    """The script that shows "3 hours ago" has it from there."""
    assert "2024-03-12" == str(_read(_page(head, above=above)).published)


@pytest.mark.parametrize(
    "page",
    [
        _page(),  # © 2009 in its footer is no date of this article
        _page(above="<p>3 hours ago</p>"),  # of when?
        _page(above='<p><span class=updated data-timestamp="1710237600">x</span></p>'),
        _page(above="<p>12 March</p>"),  # of which year?
        _page("<!-- Page saved with SingleFile saved date: Sat Nov 22 2025 -->"),
        _page(body=_BODY + "<p>The law was passed on 14 August 1935 by a narrow vote.</p>"),
    ],
)
def test_a_page_that_states_no_date_has_none(page: bytes) -> None:
    """Never today's date, the copyright's, or that of what the article is about."""
    assert _read(page).published is None


def test_an_update_is_not_taken_for_the_publication() -> None:
    """A correction years later would move the article to the wrong end of every timeline."""
    line = "<p class=meta>Updated 22 February 2024. Published 20 February 2024.</p>"
    stamped = '<time class=updated datetime="2024-03-01">1 March 2024</time>'
    article = _read(_page(above=line + stamped))

    assert ("2024-02-20", "2024-03-01") == (str(article.published), str(article.updated))


def test_the_only_date_counts_even_if_it_is_of_the_update() -> None:
    """The text is as it was then; the page says so, and `published_from` does."""
    article = _read(_page('<meta property="article:modified_time" content="2024-02-22">'))

    assert ("2024-02-22", "meta article:modified_time, when it was updated") == (
        str(article.published),
        article.published_from,
    )


def test_text_that_stands_only_in_json_ld_is_read_and_said() -> None:
    """Pages that a script fills hold it nowhere else; so saved, they show nothing at all."""
    told = '"<p>The ferry &amp; the pier.</p><p>It\\u00adstops in\\u200b June.</p>"'
    shell = "<p>Please enable JavaScript to read this.</p>"
    head = '<script type="application/ld+json">{"@type":"NewsArticle","articleBody":%s}</script>'
    article = _read(_page(head % told, body=shell))

    assert "The ferry & the pier.\n\nItstops in June." == article.text
    assert "only in the page's JSON-LD" in article.notes[0]
    assert _FIRST in _read(_page(head % told)).text


def test_the_first_of_several_articles_is_read() -> None:
    """The others have dates of their own, which their quotes would not carry."""
    posts = "".join(
        f"<article><h2>Post {day}</h2><time datetime=2024-02-{day}>{day} Feb 2024</time>"
        f"{_BODY.replace('June', f'June {day}')}{_BODY}</article>"
        for day in (21, 14, 10)
    )
    article = _read(f"<html><body><h1>Blog</h1>{posts}</body></html>".encode())

    assert ["June 21" in article.text, "June 14" in article.text] == [True, False]
    assert "2024-02-21" == str(article.published)
    assert ("3 articles on one page: only the first is read",) == article.notes


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "there is no HTML in it"),
        (b"Just words.", "there is no HTML in it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "there is no HTML in it"),
        (b"<html></html>", "there is no article in it"),
        (b"<html><frameset><frame src=a></frameset></html>", "it only names the frames"),
        (b"<html><body><nav><a href=/>Home</a></nav></body></html>", "there is no article in it"),
        (b"<html><body><p>Please enable JavaScript to read this page.</p>", "only 'Please enable"),
        (b"<p>a</p>" * 40_000, "more than 30,000 elements"),
        (b"<p " + b" ".join(b"a%d" % i for i in range(2_000)) + b">a", "1,000 attributes"),
        (b"<p>" + b"word " * 1_100_000, "more than 5,000,000 characters"),
    ],
)
def test_what_is_no_article_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    """Whoever saved the page must learn why it is not in the answers."""
    with pytest.raises(ArticleError, match=reason):
        _read(data)


_LAUGHS = "".join(f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 12))


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 100_000 + _page(),
        b"<html><body>" + b"<b><div>" * 10_000 + _BODY.encode(),
        _page(f"<script type='application/ld+json'>{'[' * 100_000}</script>"),
        _page(f"<script type='application/ld+json'>[{'[],' * 500_000}[]]</script>"),
        _page(above=f"<p class='{'date ' * 100_000}'>x</p>"),
        _page(above="<p>" + "1/1/" * 100_000),
        _page(above=f"<img src='data:image/png;base64,{'A' * 6_000_000}'>"),
        f"<!DOCTYPE html [<!ENTITY l0 'ha'>{_LAUGHS}]><p>&l11;</p>{_BODY}".encode(),
        _page().replace(b"ferry", b"fe\0rry"),
        _page().replace(b"utf-8", b"utf-16"),
    ],
    ids=range(10),
)
def test_a_hostile_page_is_read_or_refused_in_bounded_time(page: bytes) -> None:
    """One page may not keep thousands of others out of the index."""
    started = time.process_time()
    with contextlib.suppress(ArticleError):
        assert _FIRST[:20] in _read(page).text

    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("declared", "encoding", "note"),
    [
        ("utf-8", "utf-8", ()),
        ("iso-8859-1", "utf-8", ()),  # declared wrongly
        ("iso-8859-1", "cp1252", ()),  # as browsers read it
        ("windows-1252", "cp1252", ()),
        ("nonsense", "cp1252", ("not UTF-8: read as cp1252",)),
        ("utf-8", "utf-16", ()),  # a byte-order mark decides
    ],
)
def test_pages_are_decoded_as_browsers_do(
    declared: str, encoding: str, note: tuple[str, ...]
) -> None:
    """Half of the old web says it is in another encoding than it is."""
    page = _page().decode().replace('"utf-8"', f'"{declared}"').encode(encoding)
    article = _read(page)

    assert [_FIRST, _SECOND, _THIRD] == _quotable(article)
    assert note == article.notes


_TAGS = st.sampled_from(
    ["p", "div", "article", "h1", "h2", "li", "ul", "table", "td", "tr", "br", "a", "script", "svg",
     "time datetime='2024-02-20'", "meta name=date content='2024-13-01'", "title", "blockquote",
     "script type='application/ld+json'", "pre", "html", "head", "body", "frameset", "!--", "span"]
)  # fmt: skip
_PIECES = st.lists(
    st.one_of(
        _TAGS.map(lambda tag: f"<{tag}>"),
        _TAGS.map(lambda tag: f"</{tag.split()[0]}>"),
        st.text(max_size=20),
        st.sampled_from(
            [_FIRST, _SECOND, '{"@type":"Article","datePublished":"2024-02-20"}', "&#xD800;", "\0",
             "20 Feb 2024", "03/04/2024", "<![CDATA[", "<p", "x='", "&lt;p&gt;", "&#0;", "\ud83d"]
        ),
    ),
    max_size=60,
)  # fmt: skip
_SOUP = _PIECES.map(lambda pieces: "".join(pieces).encode("utf-8", "replace"))


@settings(deadline=None)
@given(page=st.one_of(st.binary(max_size=300), _SOUP))
def test_any_bytes_give_an_article_or_a_reason(page: bytes) -> None:
    """Whatever was saved, the rest of the corpus is read."""
    with contextlib.suppress(ArticleError):
        article = _read(page)
        words = f"{article.title} {article.author} {article.source} {article.text}"
        words.encode("utf-8")

        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", words)
        assert all(passage.text.strip() for passage in split(article))

"""Feeds: one article an entry, its full content before a summary, its dates as they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.articles import FileArticles
from retrieval.articles.formats import read
from retrieval.passages import split
from retrieval.types import Article
from tests.retrieval.making import as_stream

_RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>The &amp; Gazette</title><image><title>Logo</title></image>
<item><title>Ferry &amp;amp; bridge</title><media:title>A picture</media:title>
<description>A teaser.</description>
<content:encoded><![CDATA[<p>The ferry to&nbsp;Holm stops.</p><p>They protest.]]></content:encoded>
<pubDate>Tue, 20 Feb 2024 23:30:00 -0500</pubDate><dc:creator>Jo Berg</dc:creator>
<guid isPermaLink="false">g1</guid><link>https://x.org/1</link></item>
<item><title>Ice</title><description>It &lt;b&gt;melts&lt;/b&gt;.</description>
<pubDate>Tue, 20 Feb 24 23:30 EST</pubDate><source url="https://y.org">Agency</source></item>
</channel></rss>"""

_ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Gazette</title>
<updated>2025-01-01T00:00:00Z</updated>
<entry><id>tag:x.org,1</id><title type="html">A &lt;i&gt;ferry&lt;/i&gt;</title>
<published>2024-03-18T08:00:00+09:00</published><updated>2024-03-19T08:00:00Z</updated>
<author><name>Jo Berg</name><email>jo@x.org</email></author>
<link rel="self" href="https://x.org/feed"/><link href="https://x.org/1"/>
<summary>A teaser.</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>The ferry &mdash; it stops.</p><script>x()</script><p>They protest.</p></div></content></entry>
<entry><id>2</id><updated>2024-03-19T08:00:00Z</updated>
<content type="html">It froze &amp;amp; melted.</content></entry>
</feed>"""

_RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Gazette</title></channel>
<item><title>Ferry</title><link>https://x.org/1</link><description>It stops.</description>
<dc:date>2024-03-18T08:00:00Z</dc:date></item></rdf:RDF>"""


def _read(feed: str | bytes, path: str = "a/wire.xml") -> FileArticles:
    data = feed if isinstance(feed, bytes) else feed.encode()
    return read(path, as_stream(data), len(data))


def _facts(article: Article) -> tuple[object, ...]:
    date = article.published and str(article.published)
    return article.article_id, article.title, date, article.published_from, article.source


def test_rss_is_read_with_its_full_content() -> None:
    """The description is a teaser wherever there is more."""
    found = _read(_RSS)
    first, second = found.articles

    assert ("a/wire#g1", "Ferry & bridge", "2024-02-20", "feed pubDate", "The & Gazette") == (
        _facts(first)
    )
    assert ("The ferry to Holm stops.\n\nThey protest.", "Jo Berg", "https://x.org/1") == (
        first.text,
        first.author,
        first.url,
    )
    assert ("a/wire#2", "Ice", "2024-02-20", "feed pubDate", "Agency") == _facts(second)
    assert ("It melts.", ()) == (second.text, found.refused)


def test_atom_is_read_and_dated_by_its_update_where_it_states_no_more() -> None:
    """Many feeds state only that; the date of the feed itself is no entry's."""
    first, second = _read(_ATOM, "wire.atom").articles

    assert ("wire#tag:x.org,1", "A ferry", "2024-03-18", "feed published", "Gazette") == (
        _facts(first)
    )
    assert ("The ferry — it stops.\n\nThey protest.", "Jo Berg", "https://x.org/1") == (
        first.text,
        first.author,
        first.url,
    )
    assert ("2024-03-19", "feed updated", "It froze & melted.") == (
        str(second.published),
        second.published_from,
        second.text,
    )


def test_rss_1_is_read() -> None:
    """Journals still publish it."""
    (article,) = _read(_RDF, "wire.rss").articles

    assert ("wire#https://x.org/1", "Ferry", "2024-03-18", "feed date", "Gazette") == (
        _facts(article)
    )


def test_the_declared_encoding_counts() -> None:
    """Guessing takes short Cyrillic texts for something else."""
    feed = _RDF.replace("It stops.", "Паром встал.")
    data = b'\n<?xml version="1.0" encoding="windows-1251"?>' + feed.encode("windows-1251")

    assert "Паром встал." == _read(data).articles[0].text


def test_of_a_feed_cut_off_the_entries_before_are_read() -> None:
    """A download that broke off has good articles in it."""
    found = _read(_RSS[: _RSS.index("<item><title>Ice")])

    assert ["a/wire#g1"] == [article.article_id for article in found.articles]
    assert ["a/wire.xml: not well-formed"] == [str(e)[:27] for e in found.refused]


def test_half_a_surrogate_pair_is_passed_over() -> None:
    """It can be written down, but is no letter."""
    found = _read(_RDF.replace("It stops.", "It &#xD800;&#56320;stops &#33;"))

    assert ["It stops !"] == [article.text for article in found.articles]


def test_a_character_that_nobody_has_declared_costs_no_entry() -> None:
    """Found by fuzzing: between the parts of an entry it is no element, and has no words."""
    found = _read(
        "<rss><channel><item>&foo;<description>A ferry.</description></item></channel></rss>"
    )

    assert ["A ferry."] == [article.text for article in found.articles]


def test_a_reason_is_one_line_whatever_the_parser_quotes() -> None:
    """Found by fuzzing: the parser shows what follows the break, newlines included."""
    found = _read(_RSS.replace("]]>", "]"))

    assert not any("\n" in str(error) for error in found.refused)


@pytest.mark.parametrize(
    ("feed", "reason"),
    [
        ("<html><body><p>Hello.</p></body></html>", "a/wire.xml: not an RSS or Atom feed"),
        ("Hello.", "a/wire.xml: not an RSS or Atom feed"),
        ("<item><description>Hello.</description></item>", "a/wire.xml: not an RSS or Atom feed"),
        (b"<rss>\0\0\0", "a/wire.xml: not text (it holds NUL bytes)"),
        ('<rss version="2.0"><channel/></rss>', "a/wire.xml: there is no record in it"),
        ("<rss><channel><item><title>A</title></item></channel></rss>", "a/wire.xml: entry 1: a"),
        (
            '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>',
            "a/wire.xml: it declares entities",
        ),
        (
            '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss>&a;</rss>',
            "a/wire.xml: it declares entities",
        ),
        ("<rss>" + "<item>" * 10_000, "a/wire.xml: not well-formed"),  # deep
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(feed: str | bytes, reason: str) -> None:
    """Configuration and bombs are XML, too."""
    found = _read(feed)

    assert ((), True) == (found.articles, str(found.refused[0]).startswith(reason))


@given(
    st.sampled_from([_RSS, _ATOM, _RDF]),
    st.integers(0, 1_000),
    st.text("<>&;/\"'=! ax]", min_size=1, max_size=9),
)
def test_any_damage_is_articles_or_article_errors(feed: str, place: int, damage: str) -> None:
    """One broken feed must not stop the rest from being read."""
    found = _read(feed[:place] + damage + feed[place + len(damage) :])

    assert found.articles or found.refused
    assert all(split(article) for article in found.articles)

"""Cards: whole, dated, and within every limit that Discord has."""

import time

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards import (
    answer_message,
    article_pages,
    choice_name,
    cut,
    nearest_message,
    quote_pages,
    sources_message,
    sources_pages,
)
from bot.escaping import escape, unescape
from retrieval.dates import PartialDate
from retrieval.types import Article, CorpusSummary, Filters, Quote
from tests.bot.rendering import active, length, refusals, shown
from tests.bot.samples import (
    articles,
    long_texts,
    make_answer,
    make_article,
    make_quote,
    messy_texts,
    quotes,
    titles,
)

SUMMARY = CorpusSummary(2, 18, PartialDate(2024, 2, 20), PartialDate(2024, 3, 18))


def described(pages: tuple[tuple[discord.Embed, ...], ...]) -> str:
    """All descriptions of all pages, un-escaped and joined."""
    return "".join(unescape(card.description or "") for page in pages for card in page)


@settings(max_examples=25)
@given(st.lists(quotes(), min_size=1, max_size=4))
def test_quotes_are_shown_whole_within_every_limit(given_quotes: list[Quote]) -> None:
    """What Discord would cut or refuse is an answer that nobody gets."""
    pages = quote_pages(given_quotes)

    assert "".join(quote.text for quote in given_quotes) == described(pages)
    for page in pages:
        assert [] == refusals("", page)
        assert all((card.description or "").strip() for card in page)
        assert all(active(card.description or "") == [] for card in page)


@given(articles())
def test_an_article_is_shown_whole_within_every_limit(article: Article) -> None:
    """A source that is looked up is read to its end, its metadata included."""
    pages = article_pages(article)

    assert article.text == described(pages)
    for page in pages:
        assert [] == refusals("", page)
        assert all((card.description or "").strip() for card in page)
        assert all(active(card.description or "") == [] for card in page)
        assert all(active(card.title or "") == [] for card in page)


@settings(max_examples=25)
@given(st.lists(articles(60), max_size=25))
def test_the_list_of_sources_is_within_every_limit(held: list[Article]) -> None:
    """Titles may be of any length; ten of them still make a message."""
    messages = [sources_message(held, SUMMARY, page) for page in range(sources_pages(held))]

    cards = [card for message in messages for (card,) in message.pages]
    lines = [line for card in cards for line in (card.description or "").split("\n")]
    assert len(held) == len(lines)
    for message in messages:
        assert [] == refusals(message.content, message.pages[0])


@pytest.mark.parametrize(("page", "expected"), [(0, 0), (1, 10), (2, None), (9_999, None)])
def test_a_page_of_sources_begins_where_the_last_one_ended(page: int, expected: int | None) -> None:
    """Every article is on one page; beyond the last there is none."""
    held = [make_article(title=f"Title {number}") for number in range(15)]

    message = sources_message(held, SUMMARY, page)

    described = [card.description or "" for (card,) in message.pages]
    first = [text.partition("\n")[0] for text in described]
    assert first == ([] if expected is None else [f"`2024-02-20` **Title {expected}** — The Daily"])


@settings(max_examples=25)
@given(titles, titles, st.lists(quotes(600), max_size=4), st.booleans())
def test_an_answer_is_within_every_limit(
    question: str, source: str, given_quotes: list[Quote], repeat: bool
) -> None:
    """The question and the filters are of any length, too."""
    answer = make_answer(
        given_quotes, question=question * 30, filters=Filters(source=source * 40), reason="weak"
    )

    message = answer_message(answer, repeat_question=repeat)

    for page in message.pages or ((),):
        assert [] == refusals(message.content, page)


@given(messy_texts, messy_texts, st.booleans())
def test_nothing_that_was_typed_becomes_markup_above_an_answer(
    question: str, source: str, repeat: bool
) -> None:
    """The bot speaks in the channel: nobody may make it ping, link or shout."""
    answer = make_answer(question=question, filters=Filters(source=source), reason="weak")

    content = answer_message(answer, repeat_question=repeat).content

    frame = answer_message(
        make_answer(question="Q", filters=Filters(source="S"), reason="weak"),
        repeat_question=repeat,
    ).content
    assert active(frame) == active(content)


def test_an_answer_names_what_it_was_asked_of() -> None:
    """An answer is only worth as much as the coverage behind it."""
    answer = make_answer(
        [make_quote(), make_quote("It was new.")],
        question="Who rode *what*?",
        filters=Filters(after=PartialDate(2024), source="The Daily"),
    )

    message = answer_message(answer, repeat_question=True)

    expected = (
        "**Who rode *what*?**\n"
        "-# 2 quotes, oldest first. Asked of 2 articles, 2024-02-20 to 2024-03-18; "
        "only from 2024 on, in The Daily."
    )
    assert expected == shown(message.content)


def test_silence_is_said_with_its_reason() -> None:
    """No quote is not no answer."""
    message = answer_message(make_answer(reason="nothing_relevant"), repeat_question=False)

    expected = (
        "**The coverage does not say.** Nothing in it is about this.\n"
        "-# Asked of 2 articles, 2024-02-20 to 2024-03-18."
    )
    assert expected == shown(message.content)
    assert () == message.pages


def test_the_nearest_passages_are_set_apart() -> None:
    """Whoever opens them must not take them for an answer."""
    near, answered = nearest_message([make_quote()]), quote_pages([make_quote()])

    assert "do not answer" in near.content
    assert near.pages[0][0].colour != answered[0][0].colour


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (PartialDate(2024, 2, 20), "2024-02-20 · The Daily"),  # to the day
        (PartialDate(2024, 2), "2024-02 · The Daily"),  # to the month
        (PartialDate(2024), "2024 · The Daily"),  # to the year
        (None, "undated · The Daily"),  # not at all
    ],
)
def test_every_card_of_a_quote_carries_date_and_source(
    published: PartialDate | None, expected: str
) -> None:
    """A long quote's second card may be all that somebody sees or passes on."""
    pages = quote_pages([make_quote("word " * 2_000, published=published)])

    cards = [card for page in pages for card in page]
    assert len(cards) > 1
    assert {expected} == {card.author.name for card in cards}


def test_near_copies_are_named_on_the_card() -> None:
    """Who else carried the words tells how far they went."""
    others = tuple(make_article(source=f"Paper {number}") for number in range(5))
    quote = make_quote()

    ((card,),) = quote_pages([Quote(quote.article, quote.span, 0.9, also_in=others)])

    expected = "also in Paper 0 (2024-02-20), Paper 1 (2024-02-20), Paper 2 (2024-02-20) and 2 more"
    assert expected == card.footer.text


def test_the_first_page_of_an_article_carries_its_metadata() -> None:
    """Where a date was read is how one knows whether to believe it."""
    article = make_article(
        "word " * 2_000,
        title_derived=True,
        published_from='line "Published: 20th Feb 2024"',
        updated=PartialDate(2024, 3),
        author="A. Writer",
    )

    pages = article_pages(article)

    footers = [page[0].footer.text for page in pages]
    first = 'date from line "Published: 20th Feb 2024" · updated 2024-03 · by A. Writer · id kim'
    assert [first, "part 2 of 3", "part 3 of 3"] == footers
    assert "Kim rides (title derived)" == pages[0][0].title


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a_b?c=d&e=%20#f", "https://example.org/a_b?c=d&e=%20#f"),  # as it is
        ("HTTPS://example.org:8080", "HTTPS://example.org:8080"),  # with a port, in capitals
        ("https://example.org/a b", "https://example.org/a%20b"),  # a space, which is refused
        ("https://example.org/привет", "https://example.org/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"),
        ("https://example.org/100%", "https://example.org/100%25"),  # a percent sign of its own
        ("https://exa_mple.org/", None),  # an underscore in the host, which is refused
        ("http://intranet/a", None),  # a host without a dot, which is refused
        ("https://user@example.org/", None),  # hides where it leads
        ("javascript:alert(1)", None),  # not of the web
        ("https://", None),  # cut short
        ("https://example.org/" + "a" * 2_048, None),  # longer than Discord takes
        (None, None),  # none at all
    ],
)
def test_only_links_that_discord_takes_are_sent(url: str | None, expected: str | None) -> None:
    """One address that Discord finds ill formed, and it refuses the whole answer."""
    ((card,),) = quote_pages([make_quote(url=url)])

    assert expected == card.url
    assert [] == refusals("", [card])


def test_footers_do_not_move_quotes_between_pages() -> None:
    """A button knows quotes without the near-copies: it must find the pages it was made for."""
    others = tuple(make_article(source="Paper " * 20) for _ in range(3))
    bare = [make_quote("x" * 2_900), make_quote("y" * 2_900)]
    full = [Quote(quote.article, quote.span, 0.9, also_in=others) for quote in bare]

    pages, rebuilt = (
        [[card.description for card in page] for page in quote_pages(given)]
        for given in (full, bare)
    )

    assert pages == rebuilt


@given(articles(60))
def test_a_choice_names_date_and_title_within_its_limit(article: Article) -> None:
    """Discord refuses a whole list for one long line."""
    name = choice_name(article)

    assert 1 <= length(name) <= 100
    assert name.startswith(str(article.published or "undated"))


@given(long_texts(6_000), st.sampled_from([40, 200, 3_500]))
def test_pieces_joined_are_the_text(text: str, limit: int) -> None:
    """A text that needs several cards loses nothing between them."""
    pieces = cut(text, limit)

    assert text == "".join(pieces)
    assert all(0 < length(escape(piece)) <= limit for piece in pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two three", ["one two ", "three"]),  # between words
        ("a\nbbbbbbbbbb", ["a\n", "bbbbbbbbbb"]),  # between lines
        ("aaaaaaaaaa12", ["aaaaaaaaaa", "12"]),  # a word longer than a piece
        ("x" * 10 + "\n\n", ["x" * 9, "x\n\n"]),  # blank lines at the end are no piece
        ("one two34\n\n\n", ["one ", "two34\n\n\n"]),  # nor after a word
        ("  " + "x" * 12, ["  " + "x" * 8, "xxxx"]),  # blanks at the start are no piece
        ("x" * 9 + "e\u0301" + "y", ["x" * 9, "e\u0301y"]),  # letter and accent
        ("x" * 8 + "👨\u200d👩", ["x" * 8, "👨\u200d👩"]),  # an emoji joined from two
        ("x" * 7 + "👍🏽", ["x" * 7, "👍🏽"]),  # an emoji with its skin tone
        ("x" * 7 + "🇰🇷", ["x" * 7, "🇰🇷"]),  # a flag
        ("x" * 9 + "\r\ny", ["x" * 9, "\r\ny"]),  # the two parts of a newline
        ("漢字" * 6, ["漢字" * 5, "漢字"]),  # a script without blanks
        ("漢字\u3000" * 4, ["漢字\u3000" * 3, "漢字\u3000"]),  # but with ideographic ones
        ("*********", ["*****", "****"]),  # what escaping makes longer
        ("e" + "\u0301" * 15, ["e" + "\u0301" * 9, "\u0301" * 6]),  # more accents than a piece
        ("", []),  # nothing
    ],
)
def test_a_text_is_cut_where_it_shows_least(text: str, expected: list[str]) -> None:
    """Half a character at the edge of a card is not what the article says."""
    assert expected == cut(text, 10)


def test_a_part_that_begins_with_a_list_mark_is_escaped() -> None:
    """What stood inside a line in the article may stand at the start of one on a card."""
    text = "word " * 699 + "in " + "1. May " * 600

    cards = [card for page in quote_pages([make_quote(text)]) for card in page]

    assert [] == [mark for card in cards for mark in active(card.description or "")]
    assert (cards[1].description or "").startswith(("1\\. May", "May 1. May"))


def test_a_long_article_is_paged_at_once() -> None:
    """Pages are made while Discord waits three seconds, and everyone else with it."""
    article = make_article("Kim * rode " * 50_000)
    started = time.perf_counter()

    pages = article_pages(article)

    assert len(pages) > 150
    assert time.perf_counter() - started < 2.5

"""Cards: whole, dated, and within every limit that Discord has."""

import time
from dataclasses import replace

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards import (
    answer_message,
    article_pages,
    choice_name,
    context_message,
    cut,
    more_message,
    nearest_message,
    page_at,
    quote_pages,
    sources_message,
    sources_pages,
)
from bot.escaping import escape, unescape
from retrieval.dates import PartialDate
from retrieval.types import Article, CorpusSummary, Filters, Quote, Span
from tests.bot.rendering import active, bold, length, refusals, shown, without_bold
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
        assert all(active(without_bold(card.description or "")) == [] for card in page)


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
@given(titles, titles, st.lists(quotes(600), max_size=4))
def test_an_answer_is_within_every_limit(
    question: str, source: str, given_quotes: list[Quote]
) -> None:
    """The question and the filters are of any length, too."""
    answer = make_answer(
        given_quotes, question=question * 30, filters=Filters(source=source * 40), reason="weak"
    )

    message = answer_message(answer)

    for page in message.pages or ((),):
        assert [] == refusals(message.content, page)


@given(messy_texts, messy_texts)
def test_nothing_that_was_typed_becomes_markup_above_an_answer(question: str, source: str) -> None:
    """The bot speaks in the channel: nobody may make it ping, link or shout."""
    answer = make_answer(question=question, filters=Filters(source=source), reason="weak")

    content = answer_message(answer).content

    frame = answer_message(
        make_answer(question="Q", filters=Filters(source="S"), reason="weak"),
    ).content
    assert active(frame) == active(content)


def test_an_answer_names_what_it_was_asked_of() -> None:
    """An answer is only worth as much as the coverage behind it."""
    answer = make_answer(
        [make_quote(), make_quote("It was new.")],
        question="Who rode *what*?",
        filters=Filters(after=PartialDate(2024), source="The Daily"),
    )

    message = answer_message(answer)

    expected = (
        "**Who rode *what*?**\n"
        "-# 2 quotes, oldest first. Asked of 2 articles, 2024-02-20 to 2024-03-18; "
        "only from 2024 on, in The Daily."
    )
    assert expected == shown(message.content)


def test_a_single_quote_has_no_order() -> None:
    """What says nothing is not said."""
    message = answer_message(make_answer([make_quote()]))

    assert "-# 1 quote. Asked of 2 articles" in message.content


def test_a_derived_title_leaves_the_eye_to_the_quote() -> None:
    """It is the article's first sentence, and would be longer and bolder than the quote."""
    quote = make_quote(title="Kim rode in a car " * 8, title_derived=True)

    ((card,),) = quote_pages([quote])

    assert (
        "Kim rode in a car Kim rode in a car Kim rode in a car Kim rode in a… (title derived)"
        == (card.title)
    )


def test_silence_is_said_with_its_reason() -> None:
    """No quote is not no answer."""
    message = answer_message(make_answer(reason="nothing_relevant"))

    expected = (
        "**Who rode?**\n"
        "**The coverage does not say.** Nothing in it is about this.\n"
        "-# Asked of 2 articles, 2024-02-20 to 2024-03-18."
    )
    assert expected == shown(message.content)
    assert () == message.pages


def test_the_nearest_passages_are_set_apart() -> None:
    """Whoever opens them must not take them for an answer."""
    near, answered = nearest_message([make_quote()]), quote_pages([make_quote()])
    more = more_message([make_quote()])

    assert "do not answer" in near.content
    assert "may not answer" in more.content
    assert near.pages[0][0].colour == more.pages[0][0].colour != answered[0][0].colour


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
    assert f"¶ 1 of 1 · {expected}" == card.footer.text


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


def test_a_correction_stands_on_the_first_card_of_its_article() -> None:
    """Whoever quotes the article on has to know that it was wrong once."""
    text = "word " * 1_000 + "*Correction:* ten " + "word " * 100
    quote = make_quote(text, correction=Span(5_000, len(text)))

    for pages in (quote_pages([quote]), article_pages(quote.article)):
        first, *others = [card for page in pages for card in page]
        (field,) = first.fields
        assert "The article states a correction" == field.name
        assert (field.value or "").startswith(r"\*Correction\:\* ten word")
        assert (field.value or "").endswith("…")
        assert [] == [field for card in others for field in card.fields]
    ((card,),) = context_message(make_quote("Ten.", correction=Span(0, 4)), 1).pages
    assert ["Ten."] == [field.value for field in card.fields]


def test_the_title_of_a_quote_opens_its_page_at_the_quote() -> None:
    """Whoever doubts a quote is one tap away from it, not at the head of a long page."""
    ((card,),) = quote_pages([make_quote(url="https://example.org/a")])

    assert "https://example.org/a#:~:text=Kim%20rode%20in%20a%20car." == card.url
    assert [] == refusals("", [card])


def test_the_title_of_an_article_opens_its_page_at_the_top() -> None:
    """It is shown from its beginning here, too."""
    ((card,),) = article_pages(make_article(url="https://example.org/a"))

    assert "https://example.org/a" == card.url


def test_the_answering_words_are_bold() -> None:
    """On a phone one reads the bold words first, and often nothing else."""
    quote = make_quote("Kim rode in a *car*.")

    ((card,),) = quote_pages([replace(quote, highlight=Span(9, 19))])

    assert r"Kim rode **in a \*car\***." == card.description


def test_answering_words_that_run_over_two_cards_are_bold_on_both() -> None:
    """A quote that is too long for a card loses no emphasis where it is cut."""
    quote = make_quote("word " * 1_000)

    pages = quote_pages([replace(quote, highlight=Span(3_495, 3_504))])

    assert [["word"], ["word"]] == [bold(card.description or "") for page in pages for card in page]


def test_words_on_very_many_lines_are_not_emphasised() -> None:
    """The marks would take the room that Discord gives to the text."""
    text = "a\n" * 1_700 + "a"

    ((card,),) = quote_pages([replace(make_quote(text), highlight=Span(0, len(text)))])

    assert [] == bold(card.description or "")
    assert [] == refusals("", [card])


def test_a_card_says_where_in_its_article_the_quote_stands() -> None:
    """The first paragraph is news, the ninth is background."""
    text = "One.\n\nTwo, too.\n\nThree."
    article = make_article(text)
    spans = [Span(0, 4), Span(10, 14), Span(6, 24)]

    cards = [card for page in quote_pages([Quote(article, s, 0.9) for s in spans]) for card in page]

    assert ["¶ 1 of 3", "¶ 2 of 3", "¶ 2–3 of 3"] == [card.footer.text for card in cards]


@settings(max_examples=50)
@given(quotes(), st.integers(1, 9))
def test_context_is_the_article_around_the_quote_within_every_limit(
    quote: Quote, steps: int
) -> None:
    """What is added is word for word, too, and the quote stands out in it."""
    shown = context_message(quote, steps)

    ((card,),) = shown.pages
    described = unescape(card.description or "")
    assert described in quote.article.text
    assert quote.text in described or quote.text.startswith(described)
    assert [] == refusals(shown.content, [card])
    assert [] == active(without_bold(card.description or ""))


def test_each_step_of_context_shows_more() -> None:
    """First the rest of the paragraph, then the paragraphs beside it."""
    text = "One.\n\nTwo. Kim rode. He did.\n\nThree."
    quote = Quote(make_article(text), Span(11, 20), 0.9)

    found = [context_message(quote, steps).pages[0][0] for steps in (1, 2)]

    assert ["Two. **Kim rode.** He did.", text.replace("Kim rode.", "**Kim rode.**")] == [
        card.description for card in found
    ]
    assert ["¶ 2 of 3", "¶ 1–3 of 3"] == [card.footer.text for card in found]


def test_an_article_opens_on_the_page_of_the_quote() -> None:
    """A reader who wants to see the quote in its place does not turn ten pages first."""
    pages = article_pages(make_article("wo*d " * 2_000))

    found = [page_at(pages, start) for start in (0, 3_000, 9_999, 10_000)]

    assert [0, 1, len(pages) - 1, 0] == found


def test_footers_and_bold_do_not_move_quotes_between_pages() -> None:
    """A button may know quotes without them: it must find the pages it was made for."""
    others = tuple(make_article(source="Paper " * 20) for _ in range(3))
    bare = [make_quote("x" * 2_900), make_quote("y" * 2_900)]
    full = [replace(quote, highlight=Span(0, 99), also_in=others) for quote in bare]

    pages, rebuilt = (
        [[without_bold(card.description or "") for card in page] for page in quote_pages(given)]
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
    started = time.process_time()

    pages = article_pages(article)

    assert len(pages) > 150
    assert time.process_time() - started < 2.5

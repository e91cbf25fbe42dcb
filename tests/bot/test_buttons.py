"""Buttons and choices: what they carry fits, and leads back to the very same words."""

import base64
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.buttons import PageButton, answer_view, pager
from bot.cards import quote_pages
from bot.commands.ask import complete_source
from bot.commands.sources import complete_article
from bot.errors import GoneError
from bot.library import Library
from bot.references import find_quotes, quotes_reference
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError
from retrieval.types import Article, CorpusSummary, Filters, Quote, Span, article_key
from tests.bot.rendering import length, refusals
from tests.bot.samples import make_answer, make_article, make_quote, quotes, titles

SUMMARY = CorpusSummary(1, 1, None, None)
# To type checkers these may be methods of a group of commands.
CHOOSE_SOURCE: Any = complete_source
CHOOSE_ARTICLE: Any = complete_article


def as_reference(packed: bytes) -> str:
    """These bytes as a `custom_id` carries them."""
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def library(*articles: Article) -> Library:
    """A library of these articles."""
    return Library(articles, SUMMARY)


def asking(held: Library) -> Any:
    """As much of an interaction as a list of choices looks at."""
    return SimpleNamespace(client=SimpleNamespace(library=held))


def buttons(view: discord.ui.View) -> list[PageButton]:
    """The buttons in a view, in order."""
    return [item for item in view.children if isinstance(item, PageButton)]


def ids(view: discord.ui.View) -> list[str]:
    """Their `custom_id`s."""
    return [button.item.custom_id or "" for button in buttons(view)]


def labels(view: discord.ui.View) -> list[str]:
    """What stands on them."""
    return [button.item.label or "" for button in buttons(view)]


@given(
    st.lists(quotes(900), min_size=1, max_size=4, unique_by=lambda quote: quote.article.article_id)
)
def test_a_reference_leads_back_to_the_same_words(given_quotes: list[Quote]) -> None:
    """After a restart nothing is remembered: the button alone has to know its quotes."""
    held = library(*(quote.article for quote in given_quotes))

    found = find_quotes(held, quotes_reference(given_quotes) or "")

    assert [(quote.article, quote.span) for quote in given_quotes] == [
        (quote.article, quote.span) for quote in found
    ]


def test_a_reference_keeps_highlight_and_near_copies() -> None:
    """Turning a page must not take from a quote what stood on its card."""
    quote, other = make_quote(), make_article(article_id="other")
    full = replace(quote, highlight=Span(9, 17), also_in=(other,))

    (found,) = find_quotes(library(quote.article, other), quotes_reference([full]) or "")

    assert (Span(9, 17), (other,)) == (found.highlight, found.also_in)


def test_of_what_does_not_fit_the_words_go_last() -> None:
    """Where near-copies stand is left out first, then what is highlighted, never a quote."""
    texts = ["x" * 70_000, "y" * 70_000, "z" * 70_000, "w" * 70_000]
    copies = [make_article(article_id=f"copy{number}") for number in range(9)]
    full = [
        Quote(
            make_article(text, article_id=text[0]),
            Span(60_000, 69_000),
            0.9,
            highlight=Span(8_000, 8_900),
            also_in=tuple(copies),
        )
        for text in texts
    ]
    held = library(*(quote.article for quote in full), *copies)

    found = [find_quotes(held, quotes_reference(full[:count]) or "") for count in (1, 2, 3, 4)]

    assert [[quote.span for quote in full[: len(some)]] for some in found] == [
        [quote.span for quote in some] for some in found
    ]
    assert [3, 3, 1, 0] == [len(some[0].also_in) for some in found]
    assert [True, True, True, False] == [some[0].highlight is not None for some in found]


def test_a_near_copy_that_is_gone_is_not_named() -> None:
    """The quote stands all the same."""
    quote, other = make_quote(), make_article(article_id="other")
    reference = quotes_reference([replace(quote, also_in=(other,))]) or ""

    (found,) = find_quotes(library(quote.article), reference)

    assert (quote.text, ()) == (found.text, found.also_in)


@pytest.mark.parametrize("count", [0, 10])
def test_only_as_many_quotes_as_fit_are_referred_to(count: int) -> None:
    """A reference cut short would lead to other words."""
    assert quotes_reference([make_quote()] * count) is None


def test_a_reference_of_the_version_before_still_leads_to_its_quotes() -> None:
    """Answers that were given before an update are still on people's screens."""
    first, second = make_article("Kim rode in a car."), make_article("He did.", article_id="b")
    reference = f"{article_key(first)}9.8,{article_key(second)}0.7"

    found = find_quotes(library(first, second), reference)

    assert ["in a car", "He did."] == [quote.text for quote in found]


def test_a_changed_article_is_not_quoted_from_memory() -> None:
    """The same span of another text would be other words under the old question."""
    quote = make_quote("Kim rode in a car.")
    reference = quotes_reference([quote]) or ""
    changed = library(make_article("Kim rode on a bus."))

    with pytest.raises(GoneError):
        find_quotes(changed, reference)


def test_an_article_of_another_id_is_another_article() -> None:
    """Two papers may print the same words on different days."""
    first, second = make_article(article_id="a"), make_article(article_id="b")

    found = library(first, second).find(article_key(second))

    assert "b" == found.article_id


@pytest.mark.parametrize(
    "broken",
    [
        "",  # nothing
        "x",  # no key
        "0123456789" + "0.1",  # a key of nothing
        "{key}",  # no span
        "{key}0",  # no end
        "{key}!.1",  # no number
        "{key}-1.5",  # before the text
        "{key}0.zz",  # beyond it
        "{key}0.1,",  # a second one missing
        "AA",  # no article
        "AAAA",  # a quote of none
        "{packed}AA",  # more than there is
        "{packed}_",  # half of a number
        "{packed}é",  # no letter of base64
    ],
)
def test_a_broken_reference_is_gone_and_nothing_worse(broken: str) -> None:
    """Whoever writes a client of their own may send any `custom_id`."""
    article = make_article()
    packed = quotes_reference([Quote(article, Span(0, 3), 0.9)])
    reference = broken.format(key=article_key(article), packed=packed)

    with pytest.raises(GoneError):
        find_quotes(library(article), reference)


@given(st.text("AB_-09azZ", max_size=90) | st.binary(max_size=60).map(as_reference))
def test_no_reference_whatever_leads_to_anything_but_a_quote(reference: str) -> None:
    """Each is a slice of an article, with something to see in it; or the coverage has changed."""
    article = make_article("Kim rode.")
    held = library(article)

    try:
        found = find_quotes(held, reference)
    except GoneError:
        return
    assert all(quote.text in article.text and quote.text.strip() for quote in found)


@settings(max_examples=30)
@given(
    st.lists(quotes(9_000), min_size=1, max_size=4),
    st.lists(quotes(900), max_size=4),
    st.integers(0, 9_998),
)
async def test_buttons_are_within_every_limit(
    given_quotes: list[Quote], more: list[Quote], page: int
) -> None:
    """Discord refuses a whole message for one long or double `custom_id`."""
    reference = quotes_reference(given_quotes) or ""
    views = [
        pager("q", reference, page, 9_999),
        pager("s", "", page, 9_999),
        pager("a", article_key(given_quotes[0].article), page, 9_999),
        answer_view(make_answer(given_quotes, more=more), 2),
        answer_view(make_answer(nearest=given_quotes), 0),
    ]

    for view in views:
        assert [] == refusals("x", (), view)
        assert len(set(ids(view))) == len(ids(view)) > 0
        assert all(1 <= length(custom_id) <= 100 for custom_id in ids(view))
        assert all(0 < length(label) <= 80 for label in labels(view))


async def test_the_longest_reference_fits() -> None:
    """Four quotes at the end of the longest articles that are read, on the last page."""
    text = "a" * 5_000_000
    far = [
        Quote(make_article(text, article_id=name), Span(4_000_000, 5_000_000), 0.9)
        for name in "abcd"
    ]

    reference = quotes_reference(far) or ""

    assert reference
    for view in (pager("q", reference, 9_998, 9_999), answer_view(make_answer(far, more=far), 2)):
        assert max(map(len, ids(view))) <= 100


@settings(max_examples=30)
@given(st.lists(quotes(9_000), min_size=1, max_size=4))
async def test_a_button_is_made_again_from_its_id(given_quotes: list[Quote]) -> None:
    """This is how buttons survive a restart."""
    view = answer_view(make_answer(given_quotes), 3)
    view.add_item(PageButton("c", 1, quotes_reference(given_quotes) or "", steps=2, row=2))

    for custom_id in ids(view):
        match = PageButton.__discord_ui_compiled_template__.fullmatch(custom_id)
        assert match is not None
        made = await PageButton.from_custom_id(asking(library()), discord.ui.Button(), match)
        assert custom_id == made.item.custom_id


@pytest.mark.parametrize(
    ("page", "pages", "expected"),
    [
        (0, 1, []),  # nothing to turn
        (0, 3, [("◀", True, 0), ("1/3 ▶", False, 1)]),  # the first page
        (1, 3, [("◀", False, 0), ("2/3 ▶", False, 2)]),  # between
        (2, 3, [("◀", False, 1), ("3/3 ▶", True, 2)]),  # the last page
    ],
)
async def test_a_pager_turns_to_the_pages_beside(
    page: int, pages: int, expected: list[tuple[str, bool, int]]
) -> None:
    """A button that leads nowhere is greyed out instead of missing: the other stays in place."""
    view = pager("s", "", page, pages)

    found = [
        (item.item.label, item.item.disabled, item.page)
        for item in view.children
        if isinstance(item, PageButton)
    ]
    assert expected == found


async def test_buttons_never_expire() -> None:
    """An answer may be read days later."""
    assert pager("s", "", 0, 2).is_persistent()


async def test_an_answer_offers_ways_to_look_closer() -> None:
    """All in one row, which a phone shows without a thumb's travel."""
    quote, other = make_quote(), make_quote("It was new.")

    views = [
        answer_view(make_answer([quote]), 1),
        answer_view(make_answer([quote], more=[other]), 1),
        answer_view(make_answer([quote], more=[other]), 2),
    ]

    ways = ["More context", "Open article"]
    expected = [ways, [*ways, "More passages"], ["◀", "1/2 ▶", *ways, "More passages"]]
    assert expected == [labels(view) for view in views]
    assert [1, 1, 2] == [len(view.to_components()) for view in views]


async def test_silence_offers_the_nearest_passages() -> None:
    """They are shown only to whoever asks for them."""
    assert ["Nearest passages"] == labels(answer_view(make_answer(nearest=[make_quote()]), 0))


async def test_silence_with_nothing_near_offers_nothing() -> None:
    """An empty corpus has no nearest passage."""
    assert [] == answer_view(make_answer(), 0).children


async def test_what_may_not_answer_is_not_emphasised() -> None:
    """Bold words under a question look like its answer."""
    marked = replace(make_quote(), highlight=Span(0, 3))
    view = answer_view(make_answer([make_quote()], more=[marked]), 1)

    (found,) = find_quotes(library(marked.article), buttons(view)[-1].of)

    assert "More passages" == labels(view)[-1]
    assert found.highlight is None


async def test_every_page_of_an_answer_can_be_turned_to() -> None:
    """An answer of four long quotes is more than one message holds."""
    given_quotes = [make_quote("Kim. " * 600, article_id=str(number)) for number in range(4)]
    pages = quote_pages(given_quotes)

    view = answer_view(make_answer(given_quotes), len(pages))

    assert 4 == len(pages)
    assert ["◀", "1/4 ▶"] == labels(view)[:2]


def test_a_library_is_in_order_of_date_undated_last() -> None:
    """The list of sources reads as a chronicle."""
    dates = [None, PartialDate(2024, 3), PartialDate(2023), PartialDate(2024, 2, 20)]
    held = library(*(make_article(article_id=str(d), published=d) for d in dates))

    expected = ["2023", "2024-02-20", "2024-03", "None"]
    assert expected == [article.article_id for article in held.in_order]


@settings(max_examples=30)
@given(st.lists(titles, min_size=1, max_size=40), st.sampled_from(["", "t", "kim"]))
async def test_choices_are_within_every_limit(names: list[str], typed: str) -> None:
    """Discord refuses a whole list for one choice too many or too long."""
    held = library(
        *(
            make_article(article_id=str(number), source=name * 9, title=name)
            for number, name in enumerate(names)
        )
    )

    for choices in (
        await CHOOSE_SOURCE(asking(held), typed),
        await CHOOSE_ARTICLE(asking(held), typed),
    ):
        assert len(choices) <= 25
        assert all(1 <= length(choice.name) <= 100 for choice in choices)
        assert all(1 <= length(choice.value) <= 100 for choice in choices)


async def test_a_chosen_source_is_one_the_engine_finds() -> None:
    """A name longer than a choice may be is cut, and a part of a name is enough to the engine."""
    name = "😀" * 80

    (choice,) = await CHOOSE_SOURCE(asking(library(make_article(source=name))), "😀")

    assert name[:50] == choice.value


async def test_articles_are_found_by_words_of_title_date_and_source() -> None:
    """Nobody knows an article's id by heart."""
    held = library(
        make_article(article_id="1", title="Kim rides", published=PartialDate(2023)),
        make_article(article_id="2", title="Kim walks", published=PartialDate(2024)),
        make_article(article_id="3", title="Lee rides", published=PartialDate(2024)),
    )

    typed = ["kim", "RIDES 2024", "daily walks", "", "nobody"]
    found = [[choice.name for choice in await CHOOSE_ARTICLE(asking(held), t)] for t in typed]

    expected = [
        ["2024 · Kim walks", "2023 · Kim rides"],
        ["2024 · Lee rides"],
        ["2024 · Kim walks"],
        ["2024 · Lee rides", "2024 · Kim walks", "2023 · Kim rides"],
        [],
    ]
    assert expected == found


async def test_a_chosen_article_is_the_one_that_was_shown() -> None:
    """Two articles may have the same title on the same day."""
    first, second = make_article(article_id="1"), make_article(article_id="2")
    held = library(first, second)

    choices = await CHOOSE_ARTICLE(asking(held), "kim")

    assert {"1", "2"} == {held.find(choice.value).article_id for choice in choices}


def test_what_is_not_listed_is_found_and_not_listed() -> None:
    """A coverage beyond one machine is too large for a list, but not for a button."""
    article = make_article("Words.")
    held = Library(
        (), CorpusSummary(60_000, 90_000, None, None), {article_key(article): article}.get
    )

    assert article == held.find(article_key(article))
    with pytest.raises(QuestionError, match="60,000 articles, too many to list"):
        held.admitted(Filters())

"""Buttons and choices: what they carry fits, and leads back to the very same words."""

from types import SimpleNamespace
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.buttons import (
    Library,
    PageButton,
    article_key,
    find_quotes,
    pager,
    quotes_reference,
    quotes_view,
)
from bot.cards import quote_pages
from bot.commands.ask import complete_source
from bot.commands.sources import complete_article
from bot.errors import GoneError
from retrieval.dates import PartialDate
from retrieval.types import Article, CorpusSummary, Quote, Span
from tests.bot.rendering import length, refusals
from tests.bot.samples import make_article, make_quote, quotes, titles

SUMMARY = CorpusSummary(1, 1, None, None)
# To type checkers these may be methods of a group of commands.
CHOOSE_SOURCE: Any = complete_source
CHOOSE_ARTICLE: Any = complete_article


def library(*articles: Article) -> Library:
    """A library of these articles."""
    return Library(articles, SUMMARY)


def asking(held: Library) -> Any:
    """As much of an interaction as a list of choices looks at."""
    return SimpleNamespace(client=SimpleNamespace(library=held))


def ids(view: discord.ui.View) -> list[str]:
    """The `custom_id`s in a view, in order."""
    return [item.item.custom_id or "" for item in view.children if isinstance(item, PageButton)]


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


@pytest.mark.parametrize("count", [0, 5])
def test_only_as_many_quotes_as_fit_are_referred_to(count: int) -> None:
    """A reference cut short would lead to other words."""
    assert quotes_reference([make_quote()] * count) is None


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
    ],
)
def test_a_broken_reference_is_gone_and_nothing_worse(broken: str) -> None:
    """Whoever writes a client of their own may send any `custom_id`."""
    article = make_article()
    reference = broken.format(key=article_key(article))

    with pytest.raises(GoneError):
        find_quotes(library(article), reference)


@settings(max_examples=30)
@given(st.lists(quotes(9_000), min_size=1, max_size=4), st.integers(0, 9_998))
async def test_buttons_are_within_every_limit(given_quotes: list[Quote], page: int) -> None:
    """Discord refuses a whole message for one long or double `custom_id`."""
    reference = quotes_reference(given_quotes) or ""
    views = [
        pager("q", reference, page, 9_999),
        pager("s", "", page, 9_999),
        pager("a", article_key(given_quotes[0].article), page, 9_999),
        quotes_view(given_quotes, (), 2),
        quotes_view((), given_quotes, 0),
    ]

    for view in views:
        assert [] == refusals("x", (), view)
        assert len(set(ids(view))) == len(ids(view)) > 0
        assert all(1 <= length(custom_id) <= 100 for custom_id in ids(view))
        assert all(
            0 < length(item.item.label) <= 80
            for item in view.children
            if isinstance(item, PageButton)
        )


async def test_the_longest_reference_fits() -> None:
    """Four quotes at the end of the longest article that is read, on the last page."""
    article = make_article("a" * 5_000_000)
    far = Quote(article, Span(4_000_000, 5_000_000), 0.9)

    view = pager("q", quotes_reference([far] * 4) or "", 9_998, 9_999)

    assert max(map(len, ids(view))) <= 100


@settings(max_examples=30)
@given(st.lists(quotes(9_000), min_size=1, max_size=4))
async def test_a_button_is_made_again_from_its_id(given_quotes: list[Quote]) -> None:
    """This is how buttons survive a restart."""
    view = pager("q", quotes_reference(given_quotes) or "", 1, 3)

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


async def test_an_answer_on_one_page_has_no_buttons() -> None:
    """There is nothing to press for."""
    assert [] == quotes_view([make_quote()], (), 1).children


async def test_silence_offers_the_nearest_passages() -> None:
    """They are shown only to whoever asks for them."""
    view = quotes_view((), [make_quote()], 0)

    (button,) = (item for item in view.children if isinstance(item, PageButton))
    assert "Nearest passages" == button.item.label


async def test_silence_with_nothing_near_offers_nothing() -> None:
    """An empty corpus has no nearest passage."""
    assert [] == quotes_view((), (), 0).children


async def test_every_page_of_an_answer_can_be_turned_to() -> None:
    """An answer of four long quotes is more than one message holds."""
    given_quotes = [make_quote("Kim. " * 600, article_id=str(number)) for number in range(4)]
    pages = quote_pages(given_quotes)

    view = quotes_view(given_quotes, (), len(pages))

    assert 4 == len(pages)
    assert 2 == len(ids(view))


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

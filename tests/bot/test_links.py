"""Links: only what Discord takes, and at the quote where a browser can find it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.links import link, link_to
from tests.bot.rendering import length
from tests.bot.samples import messy_texts, titles

PAGE = "https://example.org/a"


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
        ("", None),  # none at all
    ],
)
def test_only_links_that_discord_takes_are_made(url: str, expected: str | None) -> None:
    """One address that Discord finds ill formed, and it refuses the whole answer."""
    assert expected == link(url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kim rode.", "Kim%20rode."),  # a short one is named whole
        ("Kim\n  rode.", "Kim%20rode."),  # as a page shows it, not as it was wrapped
        ("a-b, c & d", "a%2Db%2C%20c%20%26%20d"),  # what has a meaning in a text fragment
        ("“Öl”", "%E2%80%9C%C3%96l%E2%80%9D"),  # beyond ASCII
        (
            "1 2 3 4 5 6 7 8 9 10 11 12 13",
            "1%202%203%204%205,9%2010%2011%2012%2013",
        ),  # a long one by its first and last words
    ],
)
def test_a_link_opens_the_page_at_the_text(text: str, expected: str) -> None:
    """As Chrome, Safari and Firefox read it."""
    assert f"{PAGE}#:~:text={expected}" == link_to(PAGE, text)


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        (f"{PAGE}#b", "Kim", f"{PAGE}#b:~:text=Kim"),  # a place on the page already
        (f"{PAGE}#:~:text=Lee", "Kim", f"{PAGE}#:~:text=Kim"),  # another text
        (PAGE, "漢" * 600, PAGE),  # one word that makes it too long
        (PAGE, " \n", PAGE),  # nothing to find
        ("http://intranet/a", "Kim", None),  # no link at all
    ],
)
def test_a_link_that_cannot_name_the_text_opens_the_page(
    url: str, text: str, expected: str | None
) -> None:
    """The page is better than nothing, and a broken address worse."""
    assert expected == link_to(url, text)


@given(st.sampled_from([PAGE, "https://a.b?c#d"]) | titles.map(PAGE.__add__), messy_texts)
def test_every_link_is_one_that_discord_takes(url: str, text: str) -> None:
    """Whatever stands in the article."""
    found = link_to(url, text)

    assert found is not None
    assert length(found) <= 2_048
    assert found.isascii()
    assert " " not in found

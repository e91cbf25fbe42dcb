"""Escaping: Discord shows a text as it is, and what is shown can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.escaping import emphasise, escape, length, shorten, unescape
from retrieval.types import Span
from tests.bot.rendering import active, bold, prepared, shown, without_bold
from tests.bot.samples import any_text, messy_texts


@given(messy_texts)
def test_unescaping_gives_back_the_text(text: str) -> None:
    """Whoever checks a quote against its article needs the very same characters."""
    assert text == unescape(escape(text))


@given(messy_texts)
def test_nothing_escaped_is_markup(text: str) -> None:
    """A quote that turns bold, into a list or into a ping is not verbatim."""
    assert [] == active(escape(text))


@given(messy_texts)
def test_discord_shows_the_text_itself(text: str) -> None:
    """No backslash may be left to see, and nothing may be missing."""
    assert prepared(text) == shown(escape(text))


@given(messy_texts)
def test_escaping_at_most_doubles_a_text(text: str) -> None:
    """The limits of cards rely on it."""
    assert length(text) <= length(escape(text)) <= 2 * length(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kim rode in a car.", "Kim rode in a car."),  # prose stays readable in logs
        ("12. Dec", r"12\. Dec"),  # a date that would become a list
        ("  3) x", r"  3\) x"),  # indented
        ("- x", r"\- x"),  # a list
        ("a well-known 3.5", "a well-known 3.5"),  # marks that are none inside a line
        ("a\n- x\n1. y", "a\n\\- x\n1\\. y"),  # later lines
        ("a\r- x", "a\r\\- x"),  # a carriage return alone, which Discord takes for a newline
        ("1\f. x", "1\f\\. x"),  # a form feed, which Discord drops
        ("\ufeff- x", "\ufeff\\- x"),  # an unseen mark that may be trimmed
        ("-# small", r"\-\# small"),  # subtext
        ("> said", r"\> said"),  # block quote
        ("<@1> @everyone", r"\<\@1\> \@everyone"),  # pings
        ("<t:1:R>", r"\<t\:1\:R\>"),  # would become "55 years ago"
        ("https://a.b", r"https\://a.b"),  # would become a link
        ("[a](b)", r"\[a\](b)"),  # would hide its address
        ("Discord.gg/abc", r"Discord.gg\/abc"),  # would show a card that invites to a server
        ("and/or 3/4", "and/or 3/4"),  # what invites nobody
        ("\\*", r"\\\*"),  # a backslash of its own
        ("\\n", r"\\n"),  # and before a letter
        ("", ""),  # nothing
    ],
)
def test_each_kind_of_markup_is_escaped(text: str, expected: str) -> None:
    """Examples one can check by eye, or type into Discord."""
    assert expected == escape(text)
    assert text == unescape(expected)


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, Span]:
    """A text and a stretch of it, perhaps an empty one."""
    text = draw(messy_texts)
    start = draw(st.integers(0, len(text)))
    return text, Span(start, draw(st.integers(start, len(text))))


@given(marked_texts())
def test_what_is_emphasised_is_still_the_text(marked: tuple[str, Span]) -> None:
    """The answering words stand out; not one character comes or goes with that."""
    text, span = marked

    markdown = emphasise(text, span)

    assert text == unescape(markdown)
    assert escape(text) == without_bold(markdown)
    assert [] == active(without_bold(markdown))


@given(marked_texts())
def test_all_that_can_be_seen_of_the_words_is_bold_and_nothing_else(
    marked: tuple[str, Span],
) -> None:
    """Bold that begins or ends elsewhere puts words into the answer."""
    text, span = marked

    found = bold(emphasise(text, span))

    assert "".join(prepared(span.of(text)).split()) == "".join("".join(found).split())


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("He paid 5* for it.", Span(8, 10), r"He paid **5\*** for it."),  # a mark at the end
        ("**", Span(0, 1), r"**\***\*"),  # nothing but marks
        ("a b c", Span(1, 4), "a **b** c"),  # not the blanks around it
        ("a\nb", Span(0, 3), "**a**\n**b**"),  # each line by itself
        ("- x", Span(0, 3), r"**\- x**"),  # at the start of a line
        ("12. x", Span(0, 2), r"**12**\. x"),  # half of what would begin a list
        ("a b", Span(1, 2), "a b"),  # nothing to see
        ("a", Span(1, 1), "a"),  # nothing at all
    ],
)
def test_words_are_emphasised(text: str, span: Span, expected: str) -> None:
    """Examples one can check by eye, or type into Discord."""
    assert expected == emphasise(text, span)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**a**", ["*"] * 4),  # emphasis
        ("\\**", ["*"]),  # half of it
        ("x\r1. y", ["1."] * 2),  # a list after a lone carriage return
        ("\u200b- x", ["-"]),  # a list once trimmed
        ("> x", ["> "] * 2),  # a block quote
    ],
)
def test_the_checker_sees_markup(markdown: str, expected: list[str]) -> None:
    """A checker that never objects would prove nothing."""
    assert [mark.strip() for mark in expected] == [mark.strip() for mark in active(markdown)]


@given(any_text, st.integers(2, 60))
def test_a_shortened_text_fits_and_is_a_beginning(text: str, limit: int) -> None:
    """Discord refuses a message for one title that is a character too long."""
    short = shorten(text, limit)

    assert length(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Kim rides", 9, "Kim rides"),  # it fits
        ("Kim rides a car", 13, "Kim rides a…"),  # between words
        ("Kim-rides-a-car", 9, "Kim-ride…"),  # one word
        ("😀😀😀", 5, "😀😀…"),  # two units each
        ("abc\\*def", 5, "abc…"),  # never half of an escape
    ],
)
def test_a_text_is_shortened_between_words(text: str, limit: int, expected: str) -> None:
    """Half a word, or half an escape, reads as a mistake."""
    assert expected == shorten(text, limit)

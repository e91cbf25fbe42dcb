"""The terminal: quotes byte for byte in a pipe, colour for people, no surprise in either."""

import contextlib
import io
import os
import pty
import re
import sys
import time
import tty
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TextIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.check import Checkup
from bot.terminal import Terminal, TerminalProgress
from retrieval.dates import PartialDate
from retrieval.errors import ArticleError
from retrieval.index.building import Changes
from retrieval.index.progress import EMBEDDING, READING
from retrieval.oddities import Oddity
from retrieval.survey import Survey
from retrieval.types import Filters, Quote, Span
from tests.bot.samples import make_answer, make_article, make_quote, quotes

COLOUR = re.compile(r"\x1b\[[\d;]*(?:3[1-7]|9[0-7])[;m]")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary terminal; nothing that asks for colour or forbids it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def piped(show: Callable[[Terminal], None]) -> str:
    """What goes into a pipe."""
    file = io.StringIO(newline="")
    show(Terminal(file))
    return file.getvalue()


def drawn(draw: Callable[[TextIO], None]) -> str:
    """What goes to a real terminal."""
    master, slave = pty.openpty()
    tty.setraw(slave)  # else the terminal itself turns "\n" into "\r\n"
    with ThreadPoolExecutor(1) as reader:
        shown = reader.submit(_read_to_end, master)
        with os.fdopen(slave, "w", encoding="utf-8", newline="") as file:
            draw(file)
        return shown.result(20).decode()


def _read_to_end(master: int) -> bytes:
    """Everything that was written until the other side closed; a terminal gives it in pieces."""
    pieces: list[bytes] = []
    with os.fdopen(master, "rb", buffering=0) as file:
        while True:
            try:
                piece = file.read(65_536)
            except OSError:  # how Linux says that the other side has closed
                piece = b""
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)


def on_a_terminal(show: Callable[[Terminal], None]) -> str:
    """What people see, with its codes."""
    return drawn(lambda file: show(Terminal(file)))


@settings(max_examples=40)
@given(st.lists(quotes(9_000), max_size=3), st.booleans())
def test_a_pipe_gets_every_quote_byte_for_byte(given_quotes: list[Quote], abstained: bool) -> None:
    """A quote that was wrapped, trimmed or styled on its way is not verbatim any more."""
    answer = make_answer(
        [] if abstained else given_quotes, reason="weak", nearest=given_quotes if abstained else []
    )

    printed = piped(lambda terminal: terminal.answer(answer, show_nearest=True))

    rest = printed
    for quote in given_quotes:
        _, found, rest = rest.partition(f"\n{quote.text}\n")
        assert found
    assert ("\x1b" in printed) == any("\x1b" in quote.text for quote in given_quotes)


@pytest.mark.parametrize("columns", ["1", "20", "100000"])
def test_a_pipe_has_no_width(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever pipes into another program must not get lines that depend on a window."""
    monkeypatch.setenv("COLUMNS", columns)
    quote = make_quote("Kim rode. " * 2_000, title="Kim rides " * 50, source="Paper " * 50)

    lines = piped(lambda terminal: terminal.answer(make_answer([quote]))).split("\n")

    expected = [
        "Asked of 2 articles, 2024-02-20 to 2024-03-18.",
        "",
        "2024-02-20  " + "Kim rides " * 50,
        quote.text,
        "— " + "Paper " * 50,
        "",
    ]
    assert expected == lines


def test_a_terminal_of_any_width_gets_quotes_unwrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminals wrap by themselves, and then a copied quote is still in one piece."""
    monkeypatch.setenv("COLUMNS", "20")
    quote = make_quote("Kim rode in a car that nobody had ever seen before. " * 4)

    shown = on_a_terminal(lambda terminal: terminal.answer(make_answer([quote])))

    assert f"\n{quote.text}\n" in shown


@pytest.mark.parametrize("show", [piped, on_a_terminal])
def test_nothing_is_taken_for_styling(show: Callable[[Callable[[Terminal], None]], str]) -> None:
    """Headlines have brackets and colons: they are words, not commands to us."""
    odd = "[bold]x[/bold] :smile: [/] [link=a]"
    quote = make_quote(odd, title=odd, source=odd, url=odd)

    printed = show(lambda terminal: terminal.answer(make_answer([quote])))

    assert 4 == printed.count(odd)


def test_a_pipe_gets_no_codes_even_from_titles() -> None:
    """A title may hold codes; in a line of ours they are shown, not obeyed."""
    article = make_article(title="Kim\x1b[31m\nrides\x07", source="The\x9bDaily")

    printed = piped(lambda terminal: terminal.sources(Survey(((article, 1),), ())))

    assert "Kim␛[31m rides␇" in printed
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", printed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b]0;mine\x07b", "a␛]0;mine␇b"),  # retitles the window
        ("a\x1b[2Jb", "a␛[2Jb"),  # clears the screen
        ("a\x9b2Jb", "a\ufffd2Jb"),  # the same in one byte
        ("true\rfalse", "true␍false"),  # writes over what stands there
        ("a\x08b\x7f", "a␈b\ufffd"),  # erases
        ("a\tb\r\nc\nd", "a\tb\r\nc\nd"),  # ordinary white space
        ("שלום 👨‍👩‍👧 e\u0301", "שלום 👨‍👩‍👧 e\u0301"),  # any script
    ],
)
def test_an_article_cannot_command_the_terminal(text: str, expected: str) -> None:
    """Articles come from anywhere; showing one must not change what else is on the screen."""
    shown = on_a_terminal(lambda terminal: terminal.verbatim(text))
    printed = piped(lambda terminal: terminal.verbatim(text))

    assert expected + "\n" == shown
    assert text + "\n" == printed


def test_a_terminal_gets_colour() -> None:
    """Dates and titles stand out."""
    shown = on_a_terminal(lambda terminal: terminal.answer(make_answer([make_quote()])))

    assert COLOUR.search(shown)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org: whoever sets it cannot read, or does not want, colour."""
    monkeypatch.setenv("NO_COLOR", "1")

    shown = on_a_terminal(lambda terminal: terminal.answer(make_answer([make_quote()])))

    assert "2024-02-20" in shown
    assert not COLOUR.search(shown)


def test_a_dumb_terminal_gets_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Editors and serial lines show codes as rubbish."""
    monkeypatch.setenv("TERM", "dumb")

    shown = on_a_terminal(lambda terminal: terminal.answer(make_answer([make_quote()])))

    assert "\x1b" not in shown


def test_an_answer_reads_as_documented() -> None:
    """Date and title, the quote, and where it stands."""
    article = make_article(title_derived=True, url="https://example.org/a")
    quote = Quote(article, make_quote().span, 0.9, also_in=(make_article(source="The Other"),))
    filters = Filters(after=PartialDate(2024), source="The Daily")

    printed = piped(lambda terminal: terminal.answer(make_answer([quote], filters=filters)))

    expected = (
        "Asked of 2 articles, 2024-02-20 to 2024-03-18; only from 2024 on, in The Daily.\n"
        "\n"
        "2024-02-20  Kim rides  (title derived)\n"
        "Kim rode in a car.\n"
        "— The Daily · https://example.org/a · also in The Other (2024-02-20)\n"
    )
    assert expected == printed


def test_a_correction_is_told_below_the_quote_and_with_the_source() -> None:
    """Whoever reads the quote has to know that its article was wrong once."""
    quote = make_quote("Nine died.\n\nCorrection:\nten", correction=Span(12, 27))

    answered = piped(lambda terminal: terminal.answer(make_answer([quote])))
    shown = piped(lambda terminal: terminal.source(quote.article, 1))

    assert "ten\nThe article states a correction: Correction: ten\n— The Daily\n" in answered
    assert "\ncorrected Correction: ten\n" in shown


def test_silence_tells_how_to_see_what_came_near() -> None:
    """Passages that do not answer are shown only to whoever asks for them."""
    answer = make_answer(reason="weak", nearest=[make_quote()])

    short = piped(lambda terminal: terminal.answer(answer))
    full = piped(lambda terminal: terminal.answer(answer, show_nearest=True))

    said = (
        "The coverage does not say. It comes near this, but no passage is likely to answer it.\n"
        "Asked of 2 articles, 2024-02-20 to 2024-03-18.\n"
    )
    near = "\nNearest passages. They do not answer the question:\n"
    quoted = "\n2024-02-20  Kim rides\nKim rode in a car.\n— The Daily\n"
    assert said + "To see the nearest passages, which do not answer, add --nearest.\n" == short
    assert said + near + quoted == full


def test_silence_with_nothing_near_offers_nothing() -> None:
    """An offer that cannot be kept is worse than none."""
    printed = piped(lambda terminal: terminal.answer(make_answer(reason="empty_corpus")))

    assert "--nearest" not in printed


def test_sources_are_listed_whole_in_a_pipe() -> None:
    """A title cut for a window that is not there cannot be searched for."""
    held = make_article(title="Kim rides " * 40 + "home", article_id="deep/" * 40 + "kim")
    refused = ArticleError("a.pdf", "not a kind of file")

    printed = piped(lambda terminal: terminal.sources(Survey(((held, 1),), (refused,))))

    lines = printed.splitlines()
    assert ["date", "title", "source", "id"] == lines[0].split()
    assert held.title in lines[1]
    assert held.article_id in lines[1]
    assert ["1 article", "refused a.pdf: not a kind of file"] == lines[2:]


def test_an_empty_corpus_is_listed_as_such() -> None:
    """A heading above nothing looks like a fault."""
    assert "0 articles\n" == piped(lambda terminal: terminal.sources(Survey((), ())))


def test_a_source_is_shown_with_all_that_is_known_of_it() -> None:
    """Whether its title was made up and where its date was read are part of it."""
    article = replace(
        make_article(" Kim\r\nrode.\f\n", title_derived=True, author="A. Writer"),
        published_from="front matter date",
        updated=PartialDate(2024, 3),
        updated_from="front matter updated",
        notes=("not UTF-8: read as cp1252",),
    )

    printed = piped(lambda terminal: terminal.source(article, 1))

    expected = (
        "title     Kim rides (derived)\n"
        "published 2024-02-20, from front matter date\n"
        "updated   2024-03, from front matter updated\n"
        "source    The Daily\n"
        "author    A. Writer\n"
        "id        kim\n"
        "passages  1\n"
        "note      not UTF-8: read as cp1252\n"
        "\n"
        " Kim\r\nrode.\f\n\n"
    )
    assert expected == printed


def test_changes_are_named_and_counted() -> None:
    """A first run adds a thousand articles; their names would bury the sum."""
    changes = Changes(
        added=tuple(f"a{number}" for number in range(22)),
        changed=("[b]",),
        removed=(),
        unchanged=1_000,
        refused=(ArticleError("c.jsonl", "not JSON", 3),),
        passages=5_000,
        embedded=120,
    )

    lines = piped(lambda terminal: terminal.changes(changes, 1.234)).splitlines()

    expected = [
        "added   a19",
        "added   … and 2 more",
        "changed [b]",
        "refused c.jsonl, line 3: not JSON",
        "22 added, 1 changed, 0 removed, 1,000 unchanged, 1 refused; "
        "5,000 passages, 120 embedded, 1.2 s",
    ]
    assert expected == lines[19:]


def test_a_check_shows_each_date_with_where_it_was_read_and_what_is_odd() -> None:
    """Whoever mends a corpus goes down this list."""
    article = replace(make_article(), published_from='line "20 Feb 2024"')
    odd = (Oddity("copy", "a near-copy of lee", other="lee"), Oddity("untitled", "states no title"))
    found = Checkup(
        (("ok", "corpus", "1 article"),), ((article, odd),), (ArticleError("b.xyz", "not read"),)
    )

    lines = piped(lambda terminal: terminal.checkup(found)).splitlines()

    assert ["date", "read", "from", "article", "what", "is", "odd"] == lines[0].split()
    expected = ["2024-02-20", 'line "20 Feb 2024"', "kim", "a near-copy of lee; states no title"]
    assert expected == [cell.strip() for cell in re.split(r"  +", lines[1]) if cell.strip()]
    assert ["refused b.xyz: not read", "ok      corpus    1 article"] == lines[2:]


def test_a_source_names_its_newest_version() -> None:
    """Whoever reads the old one should know."""
    newer = tuple(make_article(article_id=key) for key in ("b", "c"))

    assert "\nnewer     c\n" in piped(lambda terminal: terminal.source(make_article(), 1, newer))


def test_checks_are_a_line_each() -> None:
    """One can search for "problem"."""
    rows = [("ok", "corpus", "2 articles in [x]"), ("problem", "index", "damaged")]

    printed = piped(lambda terminal: terminal.checks(rows))

    expected = "ok      corpus    2 articles in [x]\nproblem index     damaged\n"
    assert expected == printed


def test_short_work_is_silent_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A log of a program that answers in half a second needs no progress in it."""
    with TerminalProgress() as report:
        for done in range(11):
            report(READING, done, 10)

    assert ("", "") == capsys.readouterr()


def test_long_work_is_told_once_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever waits for minutes wants to know for how many more."""
    with TerminalProgress() as report:
        report(EMBEDDING, 0, 1_000)
        time.sleep(2.05)
        for done in range(500, 1_001):
            report(EMBEDDING, done, 1_000)

    expected = ("", "Embedding passages: 500 of 1,000, about 2 s left\n")
    assert expected == capsys.readouterr()


def test_progress_is_drawn_on_a_terminal_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that stays would stand between the question and its answer."""

    def work(file: TextIO) -> None:
        monkeypatch.setattr(sys, "stderr", file)
        with TerminalProgress() as report:
            report(READING, 0, 10)
            report(EMBEDDING, 5, 10)

    shown = drawn(work)

    assert "Embedding passages" in shown
    assert "5/10" in shown
    assert shown.endswith("\x1b[2K")  # the line is erased


def test_unfinished_work_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C the cursor must be back."""

    def work(file: TextIO) -> None:
        monkeypatch.setattr(sys, "stderr", file)
        with contextlib.suppress(KeyboardInterrupt), TerminalProgress() as report:
            report(EMBEDDING, 5, 10)
            raise KeyboardInterrupt

    shown = drawn(work)

    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")

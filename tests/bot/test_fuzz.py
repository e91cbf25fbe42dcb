"""Every kind of message, whatever articles, questions and names hold: whole, in order, harmless.

`pytest tests/bot/test_fuzz.py --hypothesis-profile=fuzz` looks at 10,000 messages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import discord
from hypothesis import given
from hypothesis import strategies as st

from bot.buttons import PageButton, answer_view, article_view, pager
from bot.cards import (
    answer_message,
    article_pages,
    choice_name,
    sources_message,
    sources_pages,
)
from bot.commands.coverage import gaps_card, gaps_phrase
from bot.commands.timeline import MAX_TOPIC, timeline_message, turner
from bot.errors import BusyError, NoSuchArticleError, sentence
from bot.escaping import escape, length, unescape
from bot.feedback import Feedback, Gap
from bot.library import Library
from bot.messages import stated_question
from bot.references import filters_reference
from bot.thumbs import add_thumbs
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError
from retrieval.types import Article, CorpusSummary, Filters, Reason, Timeline
from tests.bot.rendering import active, refusals, without_bold
from tests.bot.samples import (
    articles,
    dates,
    listed_articles,
    make_answer,
    messy_texts,
    quotes,
    titles,
)
from tests.bot.test_messages import message
from tests.fakes import rules

SUMMARY = CorpusSummary(2, 18, PartialDate(2024, 2, 20), PartialDate(2024, 3, 18))
_OURS = re.compile(
    r"^\*\*(?:The coverage|Unanswered): ?[^*]*\*\*|\*Attach Files\*|without a date: last, and"
)
REASONS: tuple[Reason, ...] = ("nothing_relevant", "weak", "outside_window", "empty_corpus")
questions = st.one_of(
    st.builds("{}a{}".format, messy_texts, messy_texts),
    titles.map(lambda text: (text * 4_000)[:4_000]),  # as long as a message may be
)


@dataclass(frozen=True)
class Message:
    """What the bot would send, and the articles whose words alone may stand on its cards.

    Attributes:
        quoted: None if its cards are lists, which hold markup of our own.
    """

    content: str
    cards: Sequence[discord.Embed] = ()
    view: discord.ui.View | None = None
    quoted: Sequence[Article] | None = None


@st.composite
def answers(draw: st.DrawFn) -> Message:
    """An answer or silence, any of its pages, or what a few presses on its buttons lead to."""
    found = draw(st.lists(quotes(4_000), min_size=1, max_size=4))
    more = draw(st.lists(quotes(900), max_size=4))
    asked = draw(questions)
    filters = Filters(draw(dates), draw(dates), draw(st.none() | titles))
    silent = draw(st.booleans())
    answer = make_answer(
        () if silent else found,
        question=asked,
        reason=draw(st.sampled_from(REASONS)) if silent else None,
        nearest=found if silent else (),
        more=() if silent else more,
        filters=filters,
    )
    quoted = [a for quote in (*found, *more) for a in (quote.article, *quote.also_in)]
    library = Library(quoted, SUMMARY)
    shown = answer_message(answer)
    assert stated_question(message(shown.content)) in " ".join(asked.split())
    view = answer_view(answer, len(shown.pages))
    add_thumbs(view, draw(st.none() | st.just(Feedback(Path("feedback")))), answer)
    seen = Message(shown.content, shown.pages[0] if shown.pages else (), view, quoted)
    for _ in range(draw(st.integers(0, 3))):
        labels = [button for button in buttons_of(seen) if button.what != "a"]
        if not labels:
            break
        button = draw(st.sampled_from(labels))
        shown, view = button._shown(library, button._found(library))
        seen = Message(shown.content, shown.pages[0] if shown.pages else (), view, quoted)
    return seen


def buttons_of(seen: Message) -> list[PageButton]:
    """The buttons of a message that lead to other pages, as they are after a restart."""
    found = []
    for item in seen.view.children if seen.view else ():
        custom_id = getattr(item, "custom_id", None) or ""
        match = PageButton.__discord_ui_compiled_template__.fullmatch(custom_id)
        if match is not None:
            found.append(PageButton.found(match))
    return found


@st.composite
def whole_articles(draw: st.DrawFn) -> Message:
    """A page of an article."""
    article = draw(articles(9_000))
    newest = draw(st.none() | listed_articles())
    pages = article_pages(article, newest)
    page = draw(st.integers(0, len(pages) - 1))
    return Message("", pages[page], article_view(article, page, len(pages), newest), [article])


@st.composite
def timelines(draw: st.DrawFn) -> Message:
    """The first page of a timeline."""
    found = draw(st.lists(quotes(600), max_size=12))
    topic = draw(titles.filter(lambda text: length(text) <= MAX_TOPIC))
    filters = Filters(draw(dates), draw(dates))
    timeline = Timeline(topic, filters, tuple(found), SUMMARY)
    shown = timeline_message(timeline, lacks_picture=draw(st.booleans()))
    cards = shown.pages[0] if shown.pages else ()
    view = turner(timeline, 0, len(shown.pages))
    return Message(shown.content, cards, view, [quote.article for quote in found])


@st.composite
def source_lists(draw: st.DrawFn) -> Message:
    """A page of the list of articles."""
    held = draw(st.lists(listed_articles(), max_size=25))
    filters = Filters(draw(dates), draw(dates), draw(st.none() | titles))
    pages = sources_pages(held)
    page = draw(st.integers(0, max(0, pages - 1)))
    superseded = {article.article_id for article in held if draw(st.booleans())}
    shown = sources_message(held, SUMMARY, page, filters, superseded)
    for card in shown.pages[0] if shown.pages else ():
        for line in (card.description or "").split("\n"):
            entry = re.fullmatch(r"`[^`]*` \*\*(.+)\*\* — (.+)", line)
            assert entry is not None, line
            assert [] == active(entry[1]) + active(entry[2])
    view = pager("s", filters_reference(filters), page, pages)
    return Message(shown.content, shown.pages[0] if shown.pages else (), view)


@st.composite
def gap_lists(draw: st.DrawFn) -> Message:
    """The questions without an answer."""
    reasons = st.sampled_from([*REASONS, "of another version"])
    gaps = st.builds(Gap, questions, reasons, st.just("2024-02-20"), st.integers(1, 2_000))
    found = draw(st.lists(gaps, min_size=1, max_size=25))
    card = gaps_card(found)
    for line in (card.description or "").split("\n"):
        assert [] == active(line.removeprefix("- "))
    return Message(gaps_phrase(found), [card])


failures = st.one_of(
    questions.map(QuestionError),
    questions.map(NoSuchArticleError),
    st.integers(1, 9_999).map(BusyError),
).map(lambda error: Message(escape(sentence(error))))

messages = st.one_of(
    answers(), answers(), whole_articles(), timelines(), source_lists(), gap_lists(), failures
)


@given(messages)
def test_every_message_is_whole_in_order_and_harmless(seen: Message) -> None:
    """What Discord refuses nobody reads; what it takes for markup is not what was written."""
    assert [] == refusals(seen.content, seen.cards, seen.view)
    lines = seen.content.split("\n")
    assert [] == [mark for line in lines for mark in active(without_frame(line))]
    for card in seen.cards:
        described = card.description or ""
        assert described.strip()
        assert [] == active(card.title or "")
        if seen.quoted is not None:
            assert any(unescape(described) in article.text for article in seen.quoted)
            assert [] == active(without_bold(described))
            assert bool(card.author.name)
    footers = [re.sub(r"\bid .*", "", card.footer.text or "") for card in seen.cards]  # ends there
    for line in (*lines[1:], *footers):
        # A date beside a name is not turned round; a failure is told in private, with own words.
        assert seen.view is None or line.endswith("…") or turned(line) == 0


def without_frame(line: str) -> str:
    """A line above the cards without the marks that are ours: bold, small print, headings."""
    return without_bold(_OURS.sub("", line.removeprefix("-# ")))


def turned(line: str) -> int:
    """How many changes of direction are not taken back before a line ends."""
    depth = 0
    for char in line:
        depth += (char in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068") - (char in "\u202c\u2069")
    return depth


@given(listed_articles())
def test_every_choice_is_within_its_limits(article: Article) -> None:
    """One bad line and Discord shows none of them."""
    choices = [{"name": choice_name(article), "value": "x"}]

    assert [] == list(rules.choice_errors(choices))

"""Ways to look closer, pressed on a real client: verbatim, private, and alive after a restart."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.client import DatelineClient
from bot.escaping import unescape
from bot.references import quotes_reference
from retrieval.dates import PartialDate
from retrieval.types import Answer, Article, CorpusSummary, Quote, Span, article_key
from tests.bot.joining import client_of, joined
from tests.bot.rendering import active, bold, without_bold
from tests.bot.samples import make_answer, make_article, messy_texts, quotes
from tests.fakes.discord_server import FakeDiscord, RefusedError, SentMessage
from tests.fakes.world import BOB, CHANNEL_ID

FIRST = make_article(
    "It rained in Tarn.\n\nA guest came. Kim rode in a *car*. He liked it.\n\nThen it snowed.",
    article_id="first",
    title="Kim rides",
    url="https://example.org/kim",
)
SECOND = make_article(
    "Nobody knows whose car it was.",
    article_id="second",
    title="A car",
    source="The Record",
    published=PartialDate(2024, 3, 18),
)
COPY = make_article("Kim rode in a *car*!", article_id="copy", source="The Copy")
RODE = Quote(FIRST, Span(34, 54), 0.9, highlight=Span(9, 19), also_in=(COPY,))
WHOSE = Quote(SECOND, Span(0, 30), 0.5)
RAINED = Quote(FIRST, Span(0, 18), 0.1, highlight=Span(3, 9))
BOTH = make_answer([RODE, WHOSE], more=[RAINED])


ANSWER_S = 30  # at once on an idle machine


class FixedEngine:
    """An engine that has one answer to everything."""

    is_shared = False

    def __init__(self, answer: Answer, articles: Sequence[Article]) -> None:
        self.fixed = answer
        self.articles = articles
        self.summary = CorpusSummary(len(articles), len(articles), None, None)
        self.newer: Mapping[str, Sequence[Article]] = {}

    def answer(self, *_: Any, **__: Any) -> Answer:
        """Always the same."""
        return self.fixed


@contextlib.asynccontextmanager
async def running(
    server: FakeDiscord,
    state: Path,
    answer: Answer = BOTH,
    articles: Sequence[Article] = (FIRST, SECOND, COPY),
) -> AsyncIterator[DatelineClient]:
    """The bot's client on a loopback Discord, from its start to its stop."""
    engine: Any = FixedEngine(answer, articles)
    client = client_of(engine, state)
    client._connection.guild_ready_timeout = 0  # ready at once
    async with joined(server, client):
        yield client


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """A Discord to run on, one or several times."""
    async with FakeDiscord() as server:
        yield server


def described(message: SentMessage) -> list[str]:
    """The words on each card."""
    return [unescape(card["description"]) for card in message.embeds]


async def pressed(server: FakeDiscord, on: SentMessage, button: str) -> SentMessage:
    """What comes of pressing a button."""
    return await (await server.press(on, button)).answer(ANSWER_S)


async def test_each_way_to_look_closer_works_after_a_restart(
    server: FakeDiscord, tmp_path: Path
) -> None:
    """Everything a button needs stands on the button."""
    async with running(server, tmp_path):
        answer = await (await server.mention("Who rode?")).answer()
    async with running(server, tmp_path):
        context = await pressed(server, answer, "More context")
        wider = await pressed(server, context, "More context")
        second = await pressed(server, wider, "1/2 ▶")
        more = await pressed(server, answer, "More passages")
        which = await pressed(server, answer, "Open article")
        opened = await pressed(server, which, "2024-03-18 · A car")
        from_context = await pressed(server, second, "Open article")

    assert ("More context", "Open article", "More passages") == answer.buttons
    assert ["Kim rode in a *car*.", WHOSE.text] == described(answer)
    assert [["in a *car*"], []] == [bold(card["description"]) for card in answer.embeds]
    assert "¶ 2 of 3 · also in The Copy (2024-02-20)" == answer.embeds[0]["footer"]["text"]
    assert (
        "https://example.org/kim#:~:text=Kim%20rode%20in%20a%20%2Acar%2A."
        == (answer.embeds[0]["url"])
    )
    assert ["A guest came. Kim rode in a *car*. He liked it."] == described(context)
    assert ["Kim rode in a *car*."] == bold(context.embeds[0]["description"])
    assert [FIRST.text] == described(wider)
    assert ("1/2 ▶", "Open article") == wider.buttons
    assert [WHOSE.text] == described(second)
    assert [RAINED.text] == described(more)
    assert ("2024-02-20 · Kim rides", "2024-03-18 · A car") == which.buttons
    assert [SECOND.text] == described(opened) == described(from_context)
    assert "" == opened.content
    assert all(one.ephemeral for one in (context, wider, more, which, opened, from_context))


async def test_the_nearest_passages_can_be_looked_at_closer(
    server: FakeDiscord, tmp_path: Path
) -> None:
    """What is near may hold the answer in its next sentence."""
    async with running(server, tmp_path, make_answer(nearest=[RAINED, WHOSE], reason="weak")):
        silent = await (await server.direct_message("Who rode?")).answer()
        nearest = await pressed(server, silent, "Nearest passages")
        context = await pressed(server, nearest, "More context")

    assert ("Nearest passages",) == silent.buttons
    assert [RAINED.text, WHOSE.text] == described(nearest)
    assert [] == bold(nearest.embeds[0]["description"])
    assert ["It rained in Tarn.\n\nA guest came. Kim rode in a *car*. He liked it."] == (
        described(context)
    )


async def test_turning_a_page_keeps_bold_near_copies_and_the_other_buttons(
    server: FakeDiscord, tmp_path: Path
) -> None:
    """A quote that is turned back to is the quote that was left."""
    text = "Kim rode in a car. " * 140
    copy = make_article("Kim rode.", article_id="copy", source="The Copy")
    given = [
        Quote(
            make_article(text, article_id=str(number)),
            Span(0, len(text) - 1),
            0.9,
            highlight=Span(9, 17),
            also_in=(copy,),
        )
        for number in range(3)
    ]
    articles = [*(quote.article for quote in given), copy]
    async with running(server, tmp_path, make_answer(given, more=[given[0]]), articles):
        first = await (await server.slash("ask", question="Who rode?")).answer()
        turned = await pressed(server, first, "1/2 ▶")
        back = await pressed(server, turned, "◀")

    assert first.embeds == back.embeds
    assert first.content == back.content
    assert ("◀", "More context", "Open article", "More passages") == turned.buttons
    assert ["in a car"] == bold(turned.embeds[0]["description"])
    assert "¶ 1 of 1 · also in The Copy (2024-02-20)" == turned.embeds[0]["footer"]["text"]
    assert [2, 3] == [len(row["components"]) for row in turned.components]


async def test_a_long_article_opens_where_the_quote_stands(
    server: FakeDiscord, tmp_path: Path
) -> None:
    """And can be read from there in both directions."""
    text = "\n\n".join(f"Paragraph {number} of a long report. " * 8 for number in range(40))
    article = make_article(text)
    start = text.index("Paragraph 30")
    answer = make_answer([Quote(article, Span(start, start + 12), 0.9)])
    async with running(server, tmp_path, answer, [article]):
        shown = await (await server.mention("What?")).answer()
        opened = await pressed(server, shown, "Open article")
        before = await pressed(server, opened, "◀")

    assert "Paragraph 30" in described(opened)[0]
    assert described(before)[0] + described(opened)[0] in text


async def test_a_changed_article_costs_only_its_own_quotes(
    server: FakeDiscord, tmp_path: Path
) -> None:
    """The other side's context still opens, and what changed is never quoted from memory."""
    async with running(server, tmp_path):
        answer = await (await server.mention("Who rode?")).answer()
        context = await pressed(server, answer, "More context")
    changed = replace(SECOND, text="Everybody knows whose car it was.")
    async with running(server, tmp_path, articles=(FIRST, changed)):
        again = await pressed(server, answer, "More context")
        gone = await pressed(server, context, "1/2 ▶")
        which = await pressed(server, answer, "Open article")

    assert described(context) == described(again)
    assert "The coverage has changed since this was shown. Please ask again." == gone.content
    assert gone.ephemeral
    assert ("2024-02-20 · Kim rides",) == which.buttons


@pytest.mark.parametrize(
    "way", ["More context", "More passages", "Open article", "Nearest passages"]
)
async def test_what_is_gone_is_said_in_words_to_the_one_who_presses(
    server: FakeDiscord, tmp_path: Path, way: str
) -> None:
    """Never other words under the old question."""
    silent = way == "Nearest passages"
    answer = make_answer(nearest=[RODE]) if silent else BOTH
    async with running(server, tmp_path, answer):
        shown = await (await server.mention("Who rode?")).answer()
    async with running(server, tmp_path, articles=()):
        told = await pressed(server, shown, way)

    assert "The coverage has changed since this was shown. Please ask again." == told.content
    assert told.ephemeral
    assert () == told.embeds


async def test_anybody_may_look_closer_and_sees_it_alone(
    server: FakeDiscord, tmp_path: Path
) -> None:
    """A channel is not filled with what one of its readers wants to check."""
    async with running(server, tmp_path):
        answer = await (await server.mention("Who rode?")).answer()
        opened = await (await server.press(answer, "More context", user=BOB)).answer()

        with pytest.raises(RefusedError):
            await server.press(opened, "Open article")

    assert BOB == opened.audience


SOURCES = (
    "`2024-02-20` Kim rides — The Copy\n`2024-02-20` Kim rides — The Daily\n"
    "`2024-03-18` A car — The Record"
)
OLD = f"{article_key(FIRST)}y.k,{article_key(SECOND)}0.u"  # the spans of RODE and WHOSE


@pytest.mark.parametrize(
    ("custom_id", "expected"),
    [
        (f"q:0:{OLD}>", [RODE.text, WHOSE.text]),  # a page of an answer, by the version before
        (f"n:0:{OLD}!", [RODE.text, WHOSE.text]),  # nearest passages, likewise
        (f"a:0:{article_key(SECOND)}>", [SECOND.text]),  # an article, likewise
        ("s:0:<", [SOURCES]),  # the list of sources, likewise
        (f"q:7:{quotes_reference([RODE])}", "The coverage has changed"),  # a page that never was
        ("a:0:nokey.zz!", "The coverage has changed"),  # an article that never was
        (f"a:0:{article_key(FIRST)}.!", [FIRST.text]),  # without a place
        (f"c:9:{quotes_reference([RODE])}", "The coverage has changed"),  # of no quote
        ("x:1:whatever", "This button is of another version of me."),  # not one of ours
        ("q:0:" + "A" * 96, "The coverage has changed"),  # as long as they get
        ("more-context", "This button is of another version of me."),  # of a far older version
    ],
)
async def test_a_button_of_any_version_is_answered(
    server: FakeDiscord, tmp_path: Path, custom_id: str, expected: Any
) -> None:
    """Discord would say “This interaction failed”, which helps nobody."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Old", custom_id=custom_id))
    async with running(server, tmp_path) as client:
        await client.get_partial_messageable(CHANNEL_ID).send("An old answer", view=view)
        answer = await pressed(server, server.messages[-1], "Old")

    if isinstance(expected, str):
        assert answer.content.startswith(expected)
        assert answer.ephemeral
    else:
        assert expected == described(answer)


async def everything(server: FakeDiscord, shown: SentMessage) -> list[SentMessage]:
    """The message, what its buttons lead to, what theirs do, until nothing new comes."""
    seen = {str((shown.embeds, shown.components)): shown}
    waiting = [shown]
    while waiting and len(seen) < 40:
        at = waiting.pop()
        for button in (part for row in at.components for part in row["components"]):
            # Another button may have turned the page meanwhile.
            with contextlib.suppress(RefusedError):
                found = await pressed(server, at, button["custom_id"])
                if seen.setdefault(str((found.embeds, found.components)), found) is found:
                    waiting.append(found)
    return list(seen.values())


@settings(max_examples=max(10, settings().max_examples // 50))
@given(
    st.lists(quotes(4_000), min_size=1, max_size=4),
    st.lists(quotes(900), max_size=4),
    messy_texts.map("a {}".format),  # there is a word in it
    st.booleans(),
)
async def test_whatever_articles_and_questions_hold_is_shown_as_it_is_and_pings_nobody(
    found: list[Quote], more: list[Quote], question: str, silent: bool
) -> None:
    """Markup, mentions, invites, right-to-left, unseen characters: through every button."""
    articles = [quote.article for quote in (*found, *more)]
    answer = (
        make_answer(nearest=found, question=question, reason="weak")
        if silent
        else make_answer(found, more=more, question=question)
    )
    with tempfile.TemporaryDirectory() as state:
        async with FakeDiscord() as server, running(server, Path(state), answer, articles):
            first = await (await server.slash("ask", question=question[:1_000])).answer()
            messages = await everything(server, first)

    assert len(messages) > 1
    for message in messages:
        for card in message.embeds:
            text = unescape(card["description"])
            assert text.strip()
            assert any(text in article.text for article in articles)
            assert [] == active(without_bold(card["description"]))
            assert [] == active(card["title"])
        assert "has changed" not in message.content

"""Every way to ask, by a user of a loopback Discord: follow-ups, messages' menus, user installs."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.client import DatelineClient
from bot.escaping import unescape
from retrieval.engine import MAX_QUESTION, Engine
from retrieval.reader.span import SpanReader
from tests.bot.joining import client_of, joined
from tests.bot.test_run import ANSWER_S, READY_S, quotes, running
from tests.fakes.discord_server import Exchange, FakeDiscord, RefusedError, SentMessage
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.fakes.world import BOB, BOT_ID, GROUP, OTHER_GUILD, ROLE_ID, Place
from tests.retrieval.making import make_index

FIRST, LATER = "The tram line of Tarn cost 5 million crowns", "The tram line cost 7 million crowns"
TEXTS = {
    "first": f"Published: 2024-02-20\n\n{FIRST}, the city said.",
    "later": f"Published: 2024-03-18\n\n{LATER}, it was said.",
    "other": "Published: 2024-04-02\n\nThe mayor of Tarn opened the drill of the fire brigade.",
}
ASKED = "What did the tram line of Tarn cost in February 2024?"
FOLLOW_UP = "And in March 2024?"
UNDERSTOOD = "What did the tram line of Tarn cost in March 2024?"
FIND = "Find in the coverage"
Start = Callable[[], contextlib.AbstractAsyncContextManager[DatelineClient]]


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    """A loopback Discord."""
    async with FakeDiscord() as discord:
        yield discord


@pytest.fixture
def start(discord: FakeDiscord, tmp_path: Path, reader: SpanReader) -> Start:
    """Starts the bot on a few invented texts, and stops it at the end of the block."""
    engine = Engine(make_index(tmp_path, TEXTS), HashingEmbedder(), reader)

    @contextlib.asynccontextmanager
    async def started() -> AsyncIterator[DatelineClient]:
        client = client_of(engine, tmp_path)
        async with joined(discord, client):
            yield client

    return started


@pytest.fixture
async def client(start: Start) -> AsyncIterator[DatelineClient]:
    """The bot, running."""
    async with start() as client:
        yield client


def stated(answer: SentMessage) -> str:
    """The first line of an answer, as a reader sees it."""
    return answer.text.splitlines()[0].strip("*")


async def ask(discord: FakeDiscord, way: str) -> SentMessage:
    """Asks in one of the ways in, and gives the answer."""
    match way:
        case "mention":
            exchange = await discord.mention(ASKED)
        case "direct message":
            exchange = await discord.direct_message(ASKED)
        case _:
            exchange = await discord.slash("ask", question=ASKED, dm=way == "/ask in private")
    return await exchange.answer()


class TestFollowUps:
    """A reply to one of the bot's answers."""

    @pytest.mark.parametrize(
        ("way", "words"),
        [
            ("mention", FOLLOW_UP),
            ("direct message", FOLLOW_UP),
            ("/ask", f"<@{BOT_ID}> {FOLLOW_UP}"),  # Discord shows us no reply to it without
            ("/ask in private", FOLLOW_UP),
        ],
    )
    async def test_a_reply_is_understood_with_the_question_before_it(
        self, discord: FakeDiscord, client: DatelineClient, way: str, words: str
    ) -> None:
        """And the answer states how; another person may ask on."""
        answer = await ask(discord, way)
        replied = await (await discord.reply(answer, words, user=BOB)).answer()

        assert UNDERSTOOD == stated(replied)
        assert [LATER] == [text[: len(LATER)] for _, text in quotes(replied)]

    async def test_a_follow_up_is_followed_up(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """The question before it is the one that was understood, not the words that were typed."""
        first = await ask(discord, "mention")
        second = await (await discord.reply(first, FOLLOW_UP)).answer()
        third = await (await discord.reply(second, "And in April 2024?")).answer()

        assert "What did the tram line of Tarn cost in April 2024?" == stated(third)

    @pytest.mark.parametrize("way", ["mention", "direct message", "/ask"])
    async def test_answers_from_before_a_restart_are_followed_up(
        self, discord: FakeDiscord, start: Start, way: str
    ) -> None:
        """Nothing is remembered: Discord sends the answer along with the reply."""
        async with start():
            answer = await ask(discord, way)
        async with start():
            replied = await (await discord.reply(answer, f"<@{BOT_ID}> {FOLLOW_UP}")).answer()

        assert UNDERSTOOD == stated(replied)

    async def test_silence_is_followed_up(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """It states the question too."""
        silent = await (await discord.direct_message("Who opened the zoo of Lindhaven?")).answer()
        replied = await (await discord.reply(silent, "And in March 2024?")).answer()

        assert "Who opened the zoo of Lindhaven in March 2024?" == stated(replied)

    async def test_what_cannot_be_read_is_left_alone(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """People talk with each other below an answer; it is not for us unless it mentions us."""
        to_mention, to_slash = await ask(discord, "mention"), await ask(discord, "/ask")
        overheard = [
            await discord.reply(to_mention, FOLLOW_UP, ping=False),
            await discord.reply(to_slash, FOLLOW_UP),
        ]
        await ask(discord, "mention")

        assert [(), ()] == [exchange.messages for exchange in overheard]

    async def test_a_reply_to_what_states_no_question_is_asked_as_it_is(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """Help, an error, one's own words, an answer deleted while the reply was written."""
        deleted = await ask(discord, "mention")
        await discord.delete(deleted)
        own = await discord.direct_message(f"**{ASKED}**")
        await own.answer()
        others: list[Exchange | SentMessage] = [
            await (await discord.direct_message("")).answer(),
            await (await discord.direct_message("?!")).answer(),
            own,
            deleted,
        ]
        replies = [await (await discord.reply(other, FOLLOW_UP)).answer() for other in others]

        assert [FOLLOW_UP] * 4 == [stated(reply) for reply in replies]

    async def test_the_answer_to_a_command_says_how_to_ask_on(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """Only where a reply can reach us, and where one that does not mention us is not shown."""
        slash = [
            await discord.slash("ask", question=ASKED),
            await discord.slash("ask", question=ASKED, private=True),
            await discord.slash("ask", question=ASKED, dm=True),
            await discord.slash("ask", question=ASKED, at=OTHER_GUILD),
            await discord.slash("ask", question=ASKED, at=GROUP),
            await discord.mention(ASKED),
        ]
        hints = [f"mention <@{BOT_ID}>" in (await one.answer()).text for one in slash]

        assert [True, False, False, False, False, False] == hints


class TestFind:
    """*Apps › Find in the coverage* in the menu of a message."""

    @pytest.mark.parametrize(
        ("text", "more", "said"),
        [
            (f"{FIRST}.", {}, f"{FIRST}."),
            (f"> **{FIRST}** lol <@1> <:tram:2>", {}, f"{FIRST} lol"),  # markup
            ("https://a.b/c", {"embeds": [{"title": FIRST, "description": "More."}]}, None),
            ("", {"embeds": [{"description": FIRST}]}, FIRST),  # of another bot
            (
                "",
                {
                    "flags": 1 << 15,
                    "components": [
                        {"type": 17, "id": 1, "components": [{"type": 10, "content": FIRST}]}
                    ],
                },
                FIRST,
            ),
        ],
    )
    async def test_a_message_is_asked_about_for_one_person_only(
        self,
        discord: FakeDiscord,
        client: DatelineClient,
        text: str,
        more: dict[str, Any],
        said: str | None,
    ) -> None:
        """Whoever wrote it need not know; and what was asked about is stated."""
        posted = await discord.say(text, user=BOB, **more)
        answer = await (await discord.choose(FIND, posted)).answer()

        assert answer.ephemeral
        assert stated(answer) == (said or f"{FIRST} More.")
        assert FIRST in [text[: len(FIRST)] for _, text in quotes(answer)]
        assert () == posted.messages

    async def test_what_the_coverage_does_not_say_is_shown_what_is_nearest(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """A claim asks nothing; those who look it up want to see what there is."""
        posted = await discord.say("Who painted the tram line of Tarn green?", user=BOB)
        answer = await (await discord.choose(FIND, posted)).answer()

        assert "These passages are nearest to it" in answer.text
        assert quotes(answer)

    async def test_a_forwarded_message_is_read(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """Its own text is empty."""
        inner = {"type": 0, "content": FIRST, "embeds": [], "attachments": [], "flags": 0}
        inner |= {"timestamp": "2024-02-20T00:00:00+00:00", "edited_timestamp": None}
        posted = await discord.say("", user=BOB, message_snapshots=[{"message": inner}])
        answer = await (await discord.choose(FIND, posted)).answer()

        assert FIRST == stated(answer)

    @pytest.mark.parametrize("text", ["", "🚋", "https://a.b/c", "<:tram:2> !!"])
    async def test_a_message_without_words_is_refused_with_a_sentence(
        self, discord: FakeDiscord, client: DatelineClient, text: str
    ) -> None:
        """A picture may say a lot, but not to us."""
        posted = await discord.say(text, user=BOB)
        answer = await (await discord.choose(FIND, posted)).answer()

        assert answer.ephemeral
        assert answer.text.startswith("There is no text in that message to look up")

    async def test_of_a_long_message_the_beginning_is_asked_about(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """And the answer says how much of it that was."""
        posted = await discord.say(f"{FIRST}. " * 80, user=BOB)
        answer = await (await discord.choose(FIND, posted)).answer()
        whole = (len(FIRST) + 2) * (MAX_QUESTION // (len(FIRST) + 2)) - 1

        assert f"Only the first {whole} characters were looked up." in answer.text
        assert quotes(answer)

    async def test_an_answer_is_asked_about_by_its_question(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """Its other lines are ours, not coverage."""
        answer = await ask(discord, "mention")
        found = await (await discord.choose(FIND, answer)).answer()

        assert ASKED == stated(found)
        assert quotes(answer) == quotes(found)


class TestOtherMessages:
    """What is written to the bot and asks nothing."""

    async def test_whoever_mentions_its_role_learns_to_mention_the_bot(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """Both have one name, and of a message with the role Discord shows it nothing."""
        asked = await discord.say(f"<@&{ROLE_ID}> {ASKED}", mention_roles=[str(ROLE_ID)])

        assert f"mention <@{BOT_ID}> instead" in (await asked.answer()).text

    async def test_what_discord_itself_writes_is_no_question(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """Such as that somebody has pinned a message."""
        pinned = await discord.direct_message("", type=6)
        await (await discord.direct_message(ASKED)).answer()

        assert () == pinned.messages


class TestInstalls:
    """Installed to a server or to a user."""

    async def test_every_command_is_there_for_servers_and_for_users(
        self, discord: FakeDiscord, client: DatelineClient
    ) -> None:
        """In servers, direct messages and groups, but for what is for managers only."""
        for_all = [one for one in discord.commands if not one["default_member_permissions"]]

        assert {"about", "ask", FIND, "source", "sources", "timeline"} == {
            one["name"] for one in for_all
        }
        assert {(0, 1)} == {tuple(one["integration_types"]) for one in for_all}
        assert {(0, 1, 2)} == {tuple(one["contexts"]) for one in for_all}

    @pytest.mark.parametrize("at", [OTHER_GUILD, GROUP])
    async def test_commands_and_buttons_work_where_the_bot_is_not(
        self, discord: FakeDiscord, client: DatelineClient, at: Place
    ) -> None:
        """There it can answer what it is asked, and do nothing else."""
        before = len(discord.requests)
        answers = [
            await (await discord.slash("ask", question=ASKED, at=at)).answer(),
            await (await discord.slash("sources", at=at)).answer(),
            await (await discord.slash("source", article="2024-04", at=at)).answer(),
        ]
        posted = await discord.say(f"{FIRST}.", user=BOB)
        answers.append(await (await discord.choose(FIND, posted, at=at)).answer())
        timeline = await (await discord.slash("timeline", topic="tram line", at=at)).answer()
        about = await (await discord.slash("about", at=at)).answer()
        silent = await (await discord.slash("ask", question="Who is Kim?", at=at)).answer()
        nearest = await (await discord.press(silent, "Nearest passages")).answer()

        assert [(FIRST, True), (LATER, False)] == [
            (said, said in answers[0].text) for said in (FIRST, LATER)
        ]
        assert "3 articles" in answers[1].text
        assert "fire brigade" in answers[2].text
        assert FIRST in answers[3].text
        assert 2 == len(timeline.embeds)
        assert "timeline.png" in timeline.files
        assert "3 articles" in about.text
        assert "do not answer" in nearest.text
        assert {"interactions", "webhooks"} == {
            request.path.split("/")[1] for request in discord.requests[before:]
        }

    @pytest.mark.parametrize("private", [False, True])
    async def test_private_answers_the_asker_alone(
        self, discord: FakeDiscord, client: DatelineClient, private: bool
    ) -> None:
        """With all its buttons."""
        silent = await discord.slash("ask", question="Who is Kim?", private=private)
        answer = await silent.answer()

        assert private == answer.ephemeral
        assert await (await discord.press(answer, "Nearest passages")).answer()
        with contextlib.ExitStack() as stack:
            if private:
                stack.enter_context(pytest.raises(RefusedError, match="bob cannot see"))
            await discord.press(answer, "Nearest passages", user=BOB)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"question": "🚗"}, "no word in the question"),
        ({"question": "Who?", "source": "Nowhere Post"}, "No source is called"),
        ({"question": "Who?", "after": "2024", "before": "2023"}, "before it begins"),
        ({"question": "Who?", "after": "soon"}, "2024-02-20"),
    ],
)
async def test_a_mistake_in_a_command_is_told_to_the_one_who_made_it(
    client: DatelineClient, discord: FakeDiscord, asked: dict[str, Any], told: str
) -> None:
    """The others in the channel have nothing from it."""
    answer = await (await discord.slash("ask", **asked)).answer()

    assert told in unescape(answer.text)
    assert answer.ephemeral


async def test_the_installed_bot_is_asked_on_after_a_restart(tmp_path: Path) -> None:
    """The real process, the real model, and messages that only Discord remembers."""
    async with FakeDiscord() as discord:
        async with running(tmp_path, on=discord) as bot:
            await discord.connected(READY_S)
            asked = "Did Putin give Kim a car?"
            first = [
                await (await discord.mention(asked)).answer(ANSWER_S),
                await (await discord.direct_message(asked)).answer(ANSWER_S),
                await (await discord.slash("ask", question=asked)).answer(ANSWER_S),
            ]
            claim = await discord.say("Putin gave Kim a car.", user=BOB)
            assert 0 == await bot.stop()
        async with running(tmp_path, on=discord) as bot:
            await discord.connected(READY_S)
            words = f"<@{BOT_ID}> Why did he give it?"
            replies = [
                await (await discord.reply(answer, words)).answer(ANSWER_S) for answer in first
            ]
            found = await (await discord.choose(FIND, claim)).answer(ANSWER_S)
            assert 0 == await bot.stop()

    assert ["Why did Putin give the car?"] * 3 == [stated(reply) for reply in replies]
    assert all("2024-02-20" in reply.text for reply in replies)
    assert "2024-02-20" in found.text
    assert found.ephemeral

"""The fake Discord, driven by a real discord.py client: what other tests lean on must hold."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from tests.fakes.discord_server import TOKEN, FakeDiscord, RefusedError
from tests.fakes.world import (
    BOB,
    BOT_ID,
    CHANNEL_ID,
    GROUP,
    GUILD_ID,
    OTHER_GUILD,
    Place,
)

NOBODY = discord.AllowedMentions.none()


class Pages(discord.ui.View):
    """One button that turns the page, one that thinks first, one that is greyed out, a link."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(discord.ui.Button(label="Source", url="https://example.org/a"))

    @discord.ui.button(label="Next", custom_id="next")
    async def turn(self, interaction: discord.Interaction, _: Any) -> None:
        """Changes the message at once."""
        await interaction.response.edit_message(content="page 2")

    @discord.ui.button(label="Slow", custom_id="slow")
    async def think(self, interaction: discord.Interaction, _: Any) -> None:
        """Changes the message later."""
        await interaction.response.defer()
        await interaction.edit_original_response(content="page 3", view=None)

    @discord.ui.button(label="Back", custom_id="back", disabled=True)
    async def back(self, interaction: discord.Interaction, _: Any) -> None:
        """Never pressed."""


class Bot(discord.Client):
    """A small bot that does one of each thing."""

    def __init__(self, intents: discord.Intents | None = None) -> None:
        super().__init__(
            intents=intents or discord.Intents(guilds=True, messages=True),
            allowed_mentions=NOBODY,
            guild_ready_timeout=0.01,  # s, instead of 2
        )
        self.tree = app_commands.CommandTree(self)
        self.heard: list[str] = []

    async def setup_hook(self) -> None:
        """Registers the commands, as a bot should, before it connects."""
        add_commands(self.tree)
        self.add_view(Pages())
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        """Answers mentions and direct messages with a reply."""
        if message.author == self.user:
            return
        self.heard.append(message.content)
        assert self.user is not None
        if message.guild is None or self.user in message.mentions:
            async with message.channel.typing():
                await message.reply(f"heard: {len(message.content)}")


def add_commands(tree: app_commands.CommandTree[Bot]) -> None:
    """The commands of the small bot."""

    @tree.command()
    @app_commands.describe(question="what", after="from when")
    async def ask(
        interaction: discord.Interaction,
        question: app_commands.Range[str, 3, 300],
        after: str | None = None,
        private: bool = False,
    ) -> None:
        """Defers, and answers with an embed."""
        await interaction.response.defer(thinking=True, ephemeral=private)
        embed = discord.Embed(title=after, description=question)
        await interaction.edit_original_response(embed=embed, view=Pages())

    @ask.autocomplete("after")
    async def dates(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}-0{n}", value=f"{typed}-0{n}") for n in (1, 2)]

    @tree.command()
    async def now(interaction: discord.Interaction, size: int = 5, embeds: int = 0) -> None:
        """Answers at once, with as much as is asked for."""
        many = [discord.Embed(description="x" * 2500) for _ in range(embeds)]
        await interaction.response.send_message("x" * size, embeds=many, view=Pages())

    @tree.command()
    async def twice(interaction: discord.Interaction) -> None:
        """Defers, follows up, follows up again."""
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send("first")
        await interaction.followup.send("second", file=discord.File(__file__, "quotes.txt"))

    @tree.command()
    async def cards(interaction: discord.Interaction) -> None:
        """Answers with components v2."""
        view = discord.ui.LayoutView(timeout=None)
        more = discord.ui.Button[discord.ui.LayoutView](label="More", custom_id="next")
        section = discord.ui.Section[discord.ui.LayoutView]("a quote", accessory=more)
        view.add_item(discord.ui.Container(section))
        await interaction.response.send_message(view=view)

    @tree.command()
    async def shout(interaction: discord.Interaction) -> None:
        """Lets a mention through, which no bot of ours may."""
        allowed = discord.AllowedMentions(everyone=True)
        await interaction.response.send_message("@everyone", allowed_mentions=allowed)


@contextlib.asynccontextmanager
async def running(server: FakeDiscord, bot: Bot) -> AsyncIterator[Bot]:
    """A bot that is connected to the fake Discord, and is closed in the end."""
    with server.redirected():
        task = asyncio.create_task(bot.start(TOKEN))
        try:
            await server.connected(timeout_s=5)
            yield bot
        finally:
            await bot.close()
            with contextlib.suppress(discord.ConnectionClosed):
                await task


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """A fake Discord, alone."""
    async with FakeDiscord() as server:
        yield server


@pytest.fixture
async def bot(server: FakeDiscord) -> AsyncIterator[Bot]:
    """The small bot, connected to `server`."""
    async with running(server, Bot()) as bot:
        yield bot


class TestCommands:
    """A user types a slash command."""

    async def test_a_deferred_command_is_answered_once(self, server: FakeDiscord, bot: Bot) -> None:
        """The ordinary way: sync, command, "is thinking…", answer, with nothing refused."""
        exchange = await server.slash("ask", question="Who won?", after="2024")
        answer = await exchange.answer()

        assert [c["name"] for c in server.commands] == ["ask", "now", "twice", "cards", "shout"]
        assert exchange.callback_type == 5
        assert await exchange.acknowledged() < 1.0
        assert answer.text == "2024\nWho won?"
        assert (answer.edits, answer.ephemeral) == (1, False)
        assert answer.buttons == ("Next", "Slow", "Source")
        assert exchange.messages == (answer,)
        assert (server.invalid, server.pings, server.unknown_routes) == ([], [], [])

    @pytest.mark.parametrize("dm", [False, True])
    async def test_ephemeral_is_settled_by_the_deferral(
        self, server: FakeDiscord, bot: Bot, dm: bool
    ) -> None:
        """An answer that was promised in private must not be counted as public."""
        answer = await (await server.slash("ask", question="Who?", private=True, dm=dm)).answer()

        assert answer.ephemeral
        with pytest.raises(RefusedError, match="bob cannot see"):
            await server.press(answer, "Next", user=BOB)

    async def test_a_second_answer_is_counted(self, server: FakeDiscord, bot: Bot) -> None:
        """The first follow-up takes the place of "is thinking…", the next one is one too many."""
        exchange = await server.slash("twice")
        await server.until(lambda: len(exchange.messages) == 2)

        assert [message.content for message in exchange.messages] == ["first", "second"]
        assert [message.ephemeral for message in exchange.messages] == [True, False]
        assert list(exchange.messages[1].files) == ["quotes.txt"]

    async def test_components_v2_are_read_and_pressed(self, server: FakeDiscord, bot: Bot) -> None:
        """A button may stand inside a section inside a container."""
        answer = await (await server.slash("cards")).answer()

        assert (answer.text, answer.buttons) == ("a quote", ("More",))
        await server.press(answer, "More")  # which tries to put content beside components
        await server.until(lambda: server.invalid)

        assert "beside components v2" in server.invalid[0]

    @pytest.mark.parametrize(
        ("name", "options", "why"),
        [
            ("nope", {}, "no command /nope"),
            ("ask", {}, "lacks"),  # a required option
            ("ask", {"question": "Who?", "when": 1}, "no option"),
            ("ask", {"question": "a"}, "min_length"),
            ("ask", {"question": "Who?", "private": "yes"}, "type"),
            ("now", {"size": True}, "type"),
        ],
    )
    async def test_the_client_refuses(
        self, server: FakeDiscord, bot: Bot, name: str, options: dict[str, Any], why: str
    ) -> None:
        """A test that sends what no user could send would prove nothing."""
        with pytest.raises(RefusedError, match=why):
            await server.slash(name, **options)

    @pytest.mark.parametrize("at", [GROUP, OTHER_GUILD])
    async def test_a_command_for_servers_is_not_there_without_the_bot(
        self, server: FakeDiscord, bot: Bot, at: Place
    ) -> None:
        """Only those that users may install for themselves are."""
        with pytest.raises(RefusedError, match="where the bot is not"):
            await server.slash("now", at=at)

    async def test_autocomplete_gives_choices(self, server: FakeDiscord, bot: Bot) -> None:
        """Choices come back as the user's client would list them."""
        choices = await server.autocomplete("ask", "after", "2024", question="Who?")

        assert [choice["value"] for choice in choices] == ["2024-01", "2024-02"]
        with pytest.raises(RefusedError, match="no autocomplete"):
            await server.autocomplete("ask", "question", "Wh")


class TestMessages:
    """A user writes to the bot."""

    async def test_a_mention_is_replied_to(self, server: FakeDiscord, bot: Bot) -> None:
        """A mention shows its text without the message content intent."""
        exchange = await server.mention("Who won?")
        answer = await exchange.answer()

        assert exchange.id == answer.reference
        assert [f"<@{bot.application_id}> Who won?"] == bot.heard
        assert (server.invalid, server.pings) == ([], [])
        assert await exchange.acknowledged() < 1.0

    async def test_direct_messages_and_replies_show_their_text(
        self, server: FakeDiscord, bot: Bot
    ) -> None:
        """Both reach the bot whole, and each exchange has its own answer."""
        first = await server.direct_message("Who won?")
        answer = await first.answer()
        second = await server.reply(answer, "When?")
        await second.answer()

        assert bot.heard == ["Who won?", "When?"]
        assert (len(first.messages), len(second.messages)) == (1, 1)

    async def test_a_reply_shows_its_text_only_if_it_mentions_the_bot(
        self, server: FakeDiscord, bot: Bot
    ) -> None:
        """One to the answer of a command does not by itself, nor one without a ping."""
        to_command = await (await server.slash("now")).answer()
        to_mention = await (await server.mention("Who?")).answer()
        await server.reply(to_command, "not read")
        await server.reply(to_mention, "not read", ping=False)
        await (await server.reply(to_command, f"<@{BOT_ID}> When?")).answer()

        assert bot.heard == [f"<@{BOT_ID}> Who?", "", "", f"<@{BOT_ID}> When?"]

    async def test_other_messages_come_empty(self, server: FakeDiscord, bot: Bot) -> None:
        """Without the privileged intent a bot cannot read along."""
        await server.say("a secret")
        await (await server.mention("done")).answer()

        assert bot.heard[0] == ""

    async def test_a_deleted_question_cannot_be_replied_to(
        self, server: FakeDiscord, bot: Bot
    ) -> None:
        """Discord refuses such a reply, and so must the fake."""
        server.rate_limit_next(0.1, path="/typing")  # leaves the time to delete
        exchange = await server.direct_message("never mind")
        await server.delete(exchange)
        await server.until(lambda: server.invalid)

        assert "Unknown message" in server.invalid[0]
        assert exchange.messages == ()


class TestButtons:
    """A user presses a button."""

    async def test_a_press_changes_the_message(self, server: FakeDiscord, bot: Bot) -> None:
        """Both at once and after a deferral, it is the pressed message that changes."""
        before = await (await server.slash("now")).answer()
        turned = await (await server.press(before, "Next")).answer()
        slow = await (await server.press(turned, "slow", user=BOB)).answer()

        assert (before.id, before.id) == (turned.id, slow.id)
        assert (before.content, turned.content, slow.content) == ("xxxxx", "page 2", "page 3")
        assert (slow.buttons, slow.edits) == ((), 2)
        assert server.invalid == []

    async def test_two_presses_at_once_are_two_exchanges(
        self, server: FakeDiscord, bot: Bot
    ) -> None:
        """Impatient users do that."""
        sent = await (await server.slash("now")).answer()
        presses = [await server.press(sent, "Next") for _ in range(2)]

        assert [(await press.answer()).content for press in presses] == ["page 2", "page 2"]
        assert [len(press.messages) for press in presses] == [1, 1]

    @pytest.mark.parametrize("label", ["Back", "Source", "Nope"])  # greyed out, link, not there
    async def test_the_client_refuses(self, server: FakeDiscord, bot: Bot, label: str) -> None:
        """No user can press these."""
        answer = await (await server.slash("now")).answer()

        with pytest.raises(RefusedError, match=label):
            await server.press(answer, label)

    async def test_a_deleted_message_can_still_be_pressed(
        self, server: FakeDiscord, bot: Bot
    ) -> None:
        """The user's client shows it for a moment longer."""
        answer = await (await server.slash("now")).answer()
        await server.delete(answer)
        exchange = await server.press(answer, "Next")
        await server.until(lambda: server.requests[-1].status == 404)

        assert exchange.messages == ()


class TestRefusals:
    """Discord says no."""

    @pytest.mark.parametrize(
        ("options", "why"),
        [({"size": 2001}, "too long"), ({"embeds": 3}, "7500 characters")],
    )
    async def test_a_bad_body_is_refused_and_recorded(
        self, server: FakeDiscord, bot: Bot, options: dict[str, Any], why: str
    ) -> None:
        """By the document, and by what the document leaves out."""
        exchange = await server.slash("now", **options)
        await server.until(lambda: server.invalid)

        assert why in server.invalid[0]
        assert (exchange.callback_type, exchange.messages) == (None, ())
        with pytest.raises(AssertionError, match=why):
            await exchange.answer(timeout_s=0.01)

    async def test_a_ping_is_recorded(self, server: FakeDiscord, bot: Bot) -> None:
        """A mention that Discord would deliver is never overlooked."""
        answer = await (await server.slash("shout")).answer()

        assert server.pings == [answer]

    async def test_an_interaction_is_answered_once_and_first(
        self, server: FakeDiscord, bot: Bot
    ) -> None:
        """Discord's own error numbers, since a bot may act upon them."""
        exchange = await server.slash("now")
        await exchange.answer()
        server.fail_next(403, path="/callback")
        unanswered = await server.slash("now")
        await server.until(lambda: server.requests[-1].status == 403)
        again = f"interactions/{exchange.id}/{exchange.token}/callback"
        early = f"webhooks/{bot.application_id}/{unanswered.token}/messages/@original"
        base = f"http://127.0.0.1:{server.port}/api/v10"
        async with aiohttp.ClientSession(base_url=base + "/") as session:
            async with session.post(again, json={"type": 5}) as refused:
                assert (await refused.json())["code"] == 40060
            async with session.patch(early, json={"content": "x"}) as refused:
                assert (await refused.json())["code"] == 10015
            async with session.get("guilds/1") as refused:
                assert refused.status == 404

        assert server.unknown_routes == ["GET /api/v10/guilds/1"]

    async def test_a_wrong_token_is_refused(self, server: FakeDiscord) -> None:
        """At login, before the gateway."""
        async with Bot() as bot:
            with server.redirected(), pytest.raises(discord.LoginFailure):
                await bot.login("wrong")

    async def test_a_privileged_intent_is_refused(self, server: FakeDiscord) -> None:
        """Unless it is switched on for the application."""
        async with Bot(discord.Intents(messages=True, message_content=True)) as bot:
            with server.redirected(), pytest.raises(discord.PrivilegedIntentsRequired):
                await bot.start(TOKEN)

    async def test_a_privileged_intent_may_be_granted(self) -> None:
        """Then all messages can be read."""
        intents = discord.Intents(guilds=True, messages=True, message_content=True)
        async with (
            FakeDiscord(privileged_intents=intents.value & 1 << 15) as server,
            running(server, Bot(intents)) as bot,
        ):
            await server.say("no secret")
            await (await server.mention("done")).answer()

            assert bot.heard[0] == "no secret"


class TestTroubles:
    """Discord misbehaves."""

    async def test_a_rate_limit_is_waited_for(self, server: FakeDiscord, bot: Bot) -> None:
        """discord.py tries again after the time it was told."""
        server.rate_limit_next(0.05, path="/callback")
        exchange = await server.slash("now")
        await exchange.answer()

        assert await exchange.acknowledged() >= 0.05
        assert [r.status for r in server.requests if r.path.endswith("/callback")] == [429, 200]

    async def test_a_ban_is_not_waited_for(self, server: FakeDiscord, bot: Bot) -> None:
        """Without a `Via` header the 429 is Cloudflare's, and discord.py gives up."""
        server.rate_limit_next(via=False, path="/callback")
        exchange = await server.slash("now")
        await server.until(lambda: server.requests[-1].status == 429)

        assert exchange.callback_type is None

    async def test_a_failure_comes_as_often_as_told(self, server: FakeDiscord, bot: Bot) -> None:
        """A 403 is raised at once; the request after it is answered."""
        server.fail_next(403, times=2, path="/messages/")
        channel = bot.get_partial_messageable(CHANNEL_ID, guild_id=GUILD_ID)
        sent = await channel.send("hello")
        for _ in range(2):
            with pytest.raises(discord.Forbidden):
                await sent.edit(content="bye")
        await sent.edit(content="bye")

        assert [message.content for message in server.messages] == ["bye"]

    @pytest.mark.parametrize("after", [False, True])
    async def test_a_dropped_request_has_no_answer(
        self, server: FakeDiscord, bot: Bot, after: bool
    ) -> None:
        """The message is there only if the request was read before the connection broke."""
        channel = bot.get_partial_messageable(CHANNEL_ID, guild_id=GUILD_ID)
        server.drop_next_request(path="/messages", after=after)
        with pytest.raises(aiohttp.ClientError):
            await channel.send("hello")

        assert after == (len(server.messages) == 1)
        assert server.requests[-1].status == 0

    @pytest.mark.parametrize("abrupt", [False, True])
    async def test_a_dropped_gateway_is_resumed(
        self, server: FakeDiscord, bot: Bot, abrupt: bool
    ) -> None:
        """What happened in between is told afterwards, and no new session is begun."""
        await server.drop_gateway(abrupt=abrupt)
        exchange = await server.slash("now")
        await exchange.answer()

        assert (len(server.gateway.identified), server.gateway.resumed) == (1, 1)

    async def test_a_lost_session_is_begun_anew(
        self, server: FakeDiscord, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The bot connects again by itself."""
        monkeypatch.setattr(bot, "before_identify_hook", lambda *_, **__: asyncio.sleep(0))
        await server.invalid_session()
        await server.until(lambda: len(server.gateway.identified) == 2)
        await server.connected()

        await (await server.slash("now")).answer()

    async def test_the_channel_may_go_away(self, server: FakeDiscord, bot: Bot) -> None:
        """A reply into nowhere is a 404."""
        server.close_channel()
        await server.mention("Who?")
        await server.until(lambda: server.requests[-1].status == 404)


async def test_many_shards_share_the_work() -> None:
    """`AutoShardedClient` asks how many shards, and each event goes to one of them."""

    class ShardedBot(Bot, discord.AutoShardedClient):
        async def before_identify_hook(self, *_: Any, **__: Any) -> None:
            """Loses no 5 s."""

    async with FakeDiscord(shards=2) as server, running(server, ShardedBot()) as bot:
        await server.until(lambda: len(server.gateway.identified) == 2)
        await (await server.slash("now")).answer()
        await (await server.direct_message("Who?")).answer()

        assert bot.heard == ["Who?"]


SCRIPT = """
import asyncio, sys
assert "discord" not in sys.modules
import discord
asyncio.run(discord.Client(intents=discord.Intents.none()).start("MTA.fake.token"))
"""


async def test_another_process_is_redirected(server: FakeDiscord) -> None:
    """The bot under test is mostly a program of its own, and must not load discord early."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, env={**os.environ, **server.environ}
    )
    try:
        await server.connected()
    finally:
        process.kill()
        await process.wait()

    assert [request.method for request in server.requests] == ["GET", "GET"]

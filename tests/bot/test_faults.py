"""Faults of the bot's own, one test each: nothing lost, nobody left without a word."""

import re
import sys
from pathlib import Path

import pytest

from bot.limits import Limits, Rate
from retrieval.errors import IndexDamagedError
from tests.bot.troubled import (
    QUESTION,
    Joined,
    assert_answered_once,
    assert_logged,
    assert_told,
    troubled,
)
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.world import ADMIN, ALICE, BOB


async def test_the_engine_fails(bot: Joined, caplog: pytest.LogCaptureFixture) -> None:
    """A bug must cost one answer only."""
    bot.engine.fails = ZeroDivisionError("/srv/secret")
    told = await assert_told(await bot.discord.mention(QUESTION), "Something went wrong")

    assert "secret" not in told
    assert_logged(told, caplog)


async def test_the_index_breaks_under_the_bot(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """People learn that it is not their fault."""
    bot.engine.fails = IndexDamagedError(Path("/srv/secret"), "halved")
    told = await assert_told(await bot.ask(QUESTION), "The coverage cannot be read just now")

    assert "secret" not in told
    assert_logged(told, caplog)


async def test_the_engine_is_slow(bot: Joined) -> None:
    """A promise does not wait for what was asked before."""
    bot.engine.takes_s = 0.5
    asked = [await bot.ask(QUESTION) for _ in range(4)]
    acknowledged = [await exchange.acknowledged() for exchange in asked]

    assert max(acknowledged) < 0.5
    for exchange in asked:
        await assert_answered_once(exchange)
    bot.engine.takes_s = 0


async def test_more_is_asked_than_the_queue_holds(tmp_path: Path) -> None:
    """The first response says so at once, to the one who asked alone."""
    async with troubled(tmp_path, Limits(queue=2)) as bot:
        bot.engine.takes_s = 0.3
        asked = [await bot.ask(QUESTION) for _ in range(3)]
        told = await assert_told(asked[2], "I am busy", "try again in")
        mentioned = await bot.discord.mention(QUESTION)

        assert asked[2].messages[0].ephemeral
        assert re.search(r"in [12] s\.$", told)
        await assert_told(mentioned, "I am busy")
        for exchange in asked[:2]:
            await assert_answered_once(exchange)
        await bot.assert_alive()


async def test_one_user_asks_too_often(tmp_path: Path) -> None:
    """They are told for how long to wait; others are answered."""
    async with troubled(tmp_path, Limits(user=Rate(2, 60))) as bot:
        asked = [await bot.discord.mention(QUESTION), await bot.ask(QUESTION)]
        refused = await bot.ask(QUESTION)
        told = await assert_told(refused, "You have asked 2 questions within 60 s.")

        assert refused.messages[0].ephemeral
        assert re.search(r"try again in (5\d|60) s\.$", told)
        for exchange in [*asked, await bot.discord.mention(QUESTION, user=BOB)]:
            await assert_answered_once(exchange)


async def test_one_server_asks_too_often(tmp_path: Path) -> None:
    """However many they are; direct messages are not the server's."""
    async with troubled(tmp_path, Limits(server=Rate(2, 60))) as bot:
        asked = [await bot.discord.mention(QUESTION, user=user) for user in (ALICE, BOB)]
        refused = await bot.ask(QUESTION)
        direct = await bot.discord.direct_message(QUESTION)

        await assert_told(refused, "This server has asked 2 questions within 60 s.")
        for exchange in [*asked, direct]:
            await assert_answered_once(exchange)


@pytest.mark.parametrize(
    "way", ["mention", "command", "menu", "timeline", "page of a timeline", "coverage"]
)
async def test_no_way_to_ask_goes_round_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Whatever makes the bot search counts."""
    module = sys.modules["bot.commands.timeline"]  # the command has the same name
    monkeypatch.setattr(module, "_CARDS_A_PAGE", 1)
    async with troubled(tmp_path, Limits(user=Rate(1, 60))) as bot:
        drawn = await (await bot.discord.slash("timeline", topic="car", user=BOB)).answer(30)
        posted = await bot.discord.say(QUESTION, user=BOB)
        await assert_answered_once(await bot.discord.mention(QUESTION, user=ADMIN))
        match way:
            case "mention":
                asked = await bot.discord.mention(QUESTION, user=ADMIN)
            case "command":
                asked = await bot.discord.slash("ask", question=QUESTION, user=ADMIN)
            case "menu":
                asked = await bot.discord.choose("Find in the coverage", posted, user=ADMIN)
            case "timeline":
                asked = await bot.discord.slash("timeline", topic="car", user=ADMIN)
            case "page of a timeline":
                asked = await bot.discord.press(drawn, "1/2 ▶", user=ADMIN)
            case _:
                asked = await bot.discord.slash("coverage status", user=ADMIN)

        await assert_told(asked, "You have asked 1 question within 60 s.")


async def test_the_bot_is_stopped_while_it_thinks(tmp_path: Path) -> None:
    """What was acknowledged is answered first."""
    async with troubled(tmp_path) as bot:
        bot.engine.takes_s = 0.2
        asked = [await bot.ask(QUESTION), await bot.discord.mention(QUESTION)]
        for exchange in asked:
            await exchange.acknowledged()
        await bot.client.drain()

        for exchange in asked:
            await assert_answered_once(exchange)


async def test_the_bot_is_stopped_before_it_can_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor does not wait for ever; those left over are told."""
    monkeypatch.setattr("bot.client._DRAIN_S", 0.1)
    async with troubled(tmp_path) as bot:
        bot.engine.takes_s = 0.4
        asked = [await bot.ask(QUESTION) for _ in range(3)]
        for exchange in asked:
            await exchange.acknowledged()
        await bot.client.drain()

        await assert_answered_once(asked[0])
        for exchange in asked[1:]:
            await assert_told(exchange, "I am just being restarted")


async def test_a_question_comes_while_the_bot_stops(tmp_path: Path) -> None:
    """It is told, not ignored."""
    async with troubled(tmp_path) as bot:
        await bot.client.drain()

        await assert_told(await bot.ask(QUESTION), "I am just being restarted")
        await assert_told(await bot.discord.mention(QUESTION), "I am just being restarted")


# The start


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_discord_does_not_take_the_commands(tmp_path: Path, status: int) -> None:
    """They stay as they were, and people are answered."""
    server = FakeDiscord()
    if status == 429:
        server.rate_limit_next(via=False, path="/commands")
    else:
        server.fail_next(status, path="/commands")
    async with troubled(tmp_path, discord=server) as bot:
        await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_the_bot_cannot_write_down_which_commands_it_registered(tmp_path: Path) -> None:
    """Then it registers them again at the next start."""
    (tmp_path / "commands.json").mkdir()
    async with troubled(tmp_path) as bot:
        await bot.assert_alive()


async def test_discord_recommends_more_than_one_shard(tmp_path: Path) -> None:
    """Server and direct messages then come by different connections."""
    server = FakeDiscord(shards=2)
    async with troubled(tmp_path, discord=server) as bot:
        await server.until(lambda: len(server.gateway.identified) == 2, 15)

        assert [[0, 2], [1, 2]] == [hello["shard"] for hello in server.gateway.identified]
        await bot.assert_alive()
        await assert_answered_once(await bot.discord.direct_message(QUESTION))
        await bot.discord.drop_gateway(abrupt=True)
        await bot.discord.until(lambda: bot.discord.gateway.resumed == 2)
        await bot.assert_alive()

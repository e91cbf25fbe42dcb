"""Faults, one test each: nothing lost, nothing doubled, nobody pinged, and the bot goes on."""

import asyncio
import logging
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest

from bot.limits import Limits, Rate
from retrieval.errors import IndexDamagedError
from tests.bot.troubled import QUESTION, Joined, troubled
from tests.fakes.discord_server import Exchange, FakeDiscord
from tests.fakes.world import ADMIN, ALICE, BOB, interaction

REFERENCE = re.compile(r"\(ref ([0-9a-f]{4})\)")
SETTLED_S = 0.3  # a second answer would come in this time


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Joined]:
    """A bot that has joined and that is in order at the end."""
    async with troubled(tmp_path) as one:
        yield one
        await one.assert_alive()


async def assert_answered_once(exchange: Exchange) -> None:
    """It got one answer, with both quotes, and nothing else."""
    answer = await exchange.answer(15)
    await asyncio.sleep(SETTLED_S)
    assert 2 == len(answer.embeds), answer.text
    assert 1 == len(exchange.messages)


async def assert_told(exchange: Exchange, *said: str) -> str:
    """It got one message, without a quote, that says this; the message."""
    answer = await exchange.answer(15)
    await asyncio.sleep(SETTLED_S)
    assert 1 == len(exchange.messages)
    assert not answer.embeds
    for words in said:
        assert words in answer.text
    return answer.text


def assert_logged(told: str, caplog: pytest.LogCaptureFixture) -> None:
    """The reference that a person was told stands in the log."""
    found = REFERENCE.search(told)
    assert found is not None, told
    assert f"failed ref={found[1]}" in caplog.text


# The gateway


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4009])
async def test_the_gateway_closes_the_connection(bot: Joined, code: int) -> None:
    """Discord does so every few hours: going away, unknown error, session timed out."""
    await bot.discord.drop_gateway(code)
    await bot.discord.connected()

    await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_the_gateway_breaks_off_without_a_word(bot: Joined) -> None:
    """A router in between forgot the connection."""
    await bot.discord.drop_gateway(abrupt=True)
    await bot.discord.connected()

    await assert_answered_once(await bot.discord.mention(QUESTION))
    assert 1 == bot.discord.gateway.resumed


async def test_the_gateway_asks_to_reconnect(bot: Joined) -> None:
    """Before Discord takes a node down it says so."""
    await bot.discord.gateway.ask_to_reconnect()
    await bot.discord.until(lambda: bot.discord.gateway.resumed)

    await assert_answered_once(await bot.ask(QUESTION))


async def test_the_session_is_invalid(bot: Joined) -> None:
    """The bot has to begin a new one, which takes five seconds."""
    await bot.discord.invalid_session()
    await bot.discord.until(lambda: len(bot.discord.gateway.identified) == 2, 15)

    await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_a_question_comes_while_the_gateway_is_down(bot: Joined) -> None:
    """RESUME brings what was missed."""
    await bot.discord.drop_gateway(abrupt=True)
    asked = await bot.discord.mention(QUESTION)
    await bot.discord.connected()

    await assert_answered_once(asked)


async def test_the_gateway_drops_while_the_bot_thinks(bot: Joined) -> None:
    """Answers travel another way than events."""
    bot.engine.takes_s = 0.3
    asked = [
        await bot.discord.mention(QUESTION),
        await bot.ask(QUESTION),
    ]
    await asked[1].acknowledged()
    await bot.discord.drop_gateway(abrupt=True)

    for exchange in asked:
        await assert_answered_once(exchange)
    await bot.discord.connected()


async def test_the_gateway_drops_ten_times_in_a_row(bot: Joined) -> None:
    """A bad night at Discord."""
    asked = []
    for _ in range(10):
        asked.append(await bot.discord.mention(QUESTION))
        await bot.discord.drop_gateway(abrupt=True)
        await bot.discord.connected()

    for exchange in asked:
        await assert_answered_once(exchange)


async def test_a_message_event_comes_twice(bot: Joined) -> None:
    """Discord delivers at least once."""
    asked = await bot.discord.mention(QUESTION)
    await bot.discord.gateway.repeat_last("MESSAGE_CREATE")

    await assert_answered_once(asked)
    assert 1 == len(bot.engine.asked)


async def test_a_command_event_comes_twice(bot: Joined, caplog: pytest.LogCaptureFixture) -> None:
    """The second could only be refused, and must not spoil the first one's answer."""
    asked = await bot.ask(QUESTION)
    await bot.discord.gateway.repeat_last("INTERACTION_CREATE")

    await assert_answered_once(asked)
    assert 1 == len(bot.engine.asked)
    assert "failed" not in caplog.text


async def test_a_press_event_comes_twice(bot: Joined) -> None:
    """As a command."""
    silent = await (await bot.discord.mention("Where was the parliament?")).answer()
    pressed = await bot.discord.press(silent, "Nearest passages")
    await bot.discord.gateway.repeat_last("INTERACTION_CREATE")
    await pressed.answer()
    await asyncio.sleep(SETTLED_S)

    assert 1 == len(pressed.messages)


@pytest.mark.parametrize("event", ["INTERACTION_CREATE", "MESSAGE_CREATE", "GUILD_CREATE"])
async def test_an_event_is_malformed(
    bot: Joined, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    """discord.py by itself would end the process."""
    await bot.discord.gateway.dispatch(event, {"id": "none"})
    await bot.assert_alive()

    assert f"malformed type={event}" in caplog.text


async def test_an_event_is_of_an_unknown_kind(bot: Joined) -> None:
    """Discord adds kinds without asking."""
    await bot.discord.gateway.dispatch("SOMETHING_NEW", {"id": "1"})

    await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_a_command_event_comes_after_three_seconds(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """Discord has told the one who asked already; it is no failure of ours."""
    caplog.set_level(logging.INFO)
    asked = await bot.ask(QUESTION)
    asked._dispatched_s -= 4
    await bot.discord.until(lambda: any(request.status == 404 for request in bot.discord.requests))
    await asyncio.sleep(SETTLED_S)

    assert () == asked.messages
    assert "nobody is left to answer code=10062" in caplog.text
    assert "failed" not in caplog.text


async def test_a_command_is_unknown(bot: Joined) -> None:
    """Discord may still show what an older version registered."""
    data = {"id": "1", "name": "gone", "type": 1, "options": []}
    await bot.discord.gateway.dispatch("INTERACTION_CREATE", interaction(2, data, ALICE, dm=False))

    await bot.assert_alive()


async def test_the_token_is_revoked_while_the_bot_runs(tmp_path: Path) -> None:
    """Nothing can be mended: the run ends, and with the reason."""
    async with troubled(tmp_path) as bot:
        await bot.discord.drop_gateway(4004)
        with pytest.raises(discord.ConnectionClosed) as raised:
            await asyncio.wait_for(bot.serving, 5)

    assert 4004 == raised.value.code


# Requests


async def test_a_promise_is_rate_limited(bot: Joined) -> None:
    """Discord says how long to wait."""
    bot.discord.rate_limit_next(path="/callback")

    await assert_answered_once(await bot.ask(QUESTION))


async def test_a_promise_is_refused_by_cloudflare(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """A 429 without `Via` must not be tried again."""
    bot.discord.rate_limit_next(via=False, path="/callback")
    told = await assert_told(await bot.ask(QUESTION))

    assert_logged(told, caplog)


async def test_an_answer_is_rate_limited(bot: Joined) -> None:
    """Both kinds of it."""
    for path, ask in (("/messages", bot.discord.mention), ("@original", bot.ask)):
        bot.discord.rate_limit_next(path=path)
        await assert_answered_once(await ask(QUESTION))


async def test_the_whole_bot_is_rate_limited(bot: Joined) -> None:
    """Every request has to wait, and none is lost."""
    bot.discord.rate_limit_next(0.5, is_global=True, path="/typing")
    asked = [await bot.discord.mention(QUESTION) for _ in range(3)]

    for exchange in asked:
        await assert_answered_once(exchange)


async def test_an_answer_to_a_command_is_refused_by_cloudflare(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """The one who asked is told, and the log says what happened."""
    bot.discord.rate_limit_next(via=False, path="@original")
    told = await assert_told(await bot.ask(QUESTION))

    assert_logged(told, caplog)


async def test_an_answer_to_a_message_is_refused_by_cloudflare(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """As to a command."""
    bot.discord.rate_limit_next(via=False, path="/messages")
    told = await assert_told(await bot.discord.mention(QUESTION))

    assert_logged(told, caplog)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_discord_fails_at_a_promise(bot: Joined, status: int) -> None:
    """One failure leaves time for a second try within the three seconds."""
    bot.discord.fail_next(status, path="/callback")
    asked = await bot.ask(QUESTION)

    await assert_answered_once(asked)
    assert await asked.acknowledged() < 3


async def test_discord_fails_at_promises_for_too_long(bot: Joined) -> None:
    """After three seconds Discord says itself that there was no response."""
    bot.discord.fail_next(503, times=2, path="/callback")
    asked = await bot.ask(QUESTION)
    await bot.discord.until(lambda: any(r.status == 404 for r in bot.discord.requests), 8)
    await asyncio.sleep(SETTLED_S)

    assert () == asked.messages


@pytest.mark.parametrize("status", [500, 503])
async def test_discord_fails_at_an_answer_to_a_command(bot: Joined, status: int) -> None:
    """The answer is the same when it is sent again."""
    bot.discord.fail_next(status, path="@original")

    await assert_answered_once(await bot.ask(QUESTION))


async def test_discord_fails_once_at_an_answer_to_a_message(bot: Joined) -> None:
    """The enforced nonce keeps the second try from doubling it."""
    bot.discord.fail_next(502, path="/messages")

    await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_discord_is_unavailable_for_an_answer_to_a_message(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """discord.py does not try a 503 again; then the one who asked is told."""
    bot.discord.fail_next(503, path="/messages")
    told = await assert_told(await bot.discord.mention(QUESTION))

    assert_logged(told, caplog)


async def test_the_bot_may_not_show_that_it_types(bot: Joined) -> None:
    """It may be allowed to answer all the same."""
    bot.discord.fail_next(403, path="/typing")

    await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_the_bot_may_not_write_there(bot: Joined, caplog: pytest.LogCaptureFixture) -> None:
    """Only the log can tell whoever set the permissions."""
    bot.discord.fail_next(403, path="/messages")
    asked = await bot.discord.mention(QUESTION)
    await bot.discord.until(lambda: any(request.status == 403 for request in bot.discord.requests))
    await asyncio.sleep(SETTLED_S)

    assert () == asked.messages
    assert "needs Send Messages" in caplog.text


async def test_the_channel_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asked there is gone too; direct messages are answered."""
    caplog.set_level(logging.INFO)
    async with troubled(tmp_path) as bot:
        bot.engine.takes_s = 0.2
        asked = await bot.discord.mention(QUESTION)
        bot.discord.close_channel()

        await assert_answered_once(await bot.discord.direct_message(QUESTION))
        assert () == asked.messages
        assert "is gone" in caplog.text


async def test_the_question_is_deleted_while_the_bot_thinks(bot: Joined) -> None:
    """Others may have read it; it is answered in the channel."""
    bot.engine.takes_s = 0.3
    asked = await bot.discord.mention(QUESTION)
    await asked.acknowledged()
    await bot.discord.delete(asked)
    await bot.discord.until(lambda: [m for m in bot.discord.messages if m.embeds])

    assert 1 == len([m for m in bot.discord.messages if m.embeds])


async def test_the_promise_is_deleted_while_the_bot_thinks(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever deleted it wants no answer."""
    caplog.set_level(logging.INFO)
    bot.engine.takes_s = 0.3
    asked = await bot.ask(QUESTION)
    await asked.acknowledged()
    (promise,) = bot.discord.messages
    await bot.discord.delete(promise)
    await bot.discord.until(lambda: any(r.status == 404 for r in bot.discord.requests))
    await asyncio.sleep(SETTLED_S)

    assert () == asked.messages
    assert "nobody is left to answer code=10008" in caplog.text


async def test_a_button_is_pressed_twice_at_once(bot: Joined) -> None:
    """Each press is a wish of its own and is answered once."""
    silent = await (await bot.discord.mention("Where was the parliament?")).answer()
    pressed = [await bot.discord.press(silent, "Nearest passages", user=u) for u in (ALICE, BOB)]

    for exchange in pressed:
        assert (await exchange.answer()).ephemeral
        assert 1 == len(exchange.messages)


async def test_a_button_is_pressed_on_a_message_just_deleted(bot: Joined) -> None:
    """The button says all that is needed."""
    silent = await (await bot.discord.mention("Where was the parliament?")).answer()
    await bot.discord.delete(silent)
    opened = await (await bot.discord.press(silent, "Nearest passages")).answer()

    assert opened.ephemeral
    assert opened.embeds


# Connections


async def test_the_connection_is_lost_before_a_promise(bot: Joined) -> None:
    """discord.py does not try again by itself."""
    bot.discord.drop_next_request(path="/callback")

    await assert_answered_once(await bot.ask(QUESTION))


async def test_the_connection_is_lost_after_a_promise(bot: Joined) -> None:
    """Discord took it, we do not know; the question must not be left hanging."""
    bot.discord.drop_next_request(path="/callback", after=True)

    await assert_answered_once(await bot.ask(QUESTION))


async def test_the_connection_is_lost_after_a_promise_that_cannot_be_kept(bot: Joined) -> None:
    """The one who asked is told where the answer was promised."""
    bot.engine.fails = ZeroDivisionError()
    bot.discord.drop_next_request(path="/callback", after=True)

    await assert_told(await bot.ask(QUESTION), "Something went wrong on my side (ref ")


@pytest.mark.parametrize("fails", [False, True])
async def test_the_connection_is_lost_after_the_promise_of_a_page(
    bot: Joined, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """It is turned, or the one who pressed is told and the message stays as it was."""
    module = sys.modules["bot.commands.timeline"]  # the command has the same name
    monkeypatch.setattr(module, "_CARDS_A_PAGE", 1)
    drawn = await (await bot.discord.slash("timeline", topic="car")).answer(15)
    if fails:
        monkeypatch.setattr(bot.engine, "timeline", None)
    bot.discord.drop_next_request(path="/callback", after=True)
    pressed = await bot.discord.press(drawn, "1/2 ▶")
    answer = await pressed.answer(15)
    (now,) = [message for message in bot.discord.messages if message.id == drawn.id]

    assert 1 == len(pressed.messages)
    assert fails == answer.ephemeral == ("Something went wrong on my side" in answer.text)
    assert fails == (drawn.embeds == now.embeds)
    assert fails == (drawn.id != answer.id)


@pytest.mark.parametrize("after", [False, True])
async def test_the_connection_is_lost_at_an_answer_to_a_command(bot: Joined, after: bool) -> None:
    """An edit can be made twice."""
    bot.discord.drop_next_request(path="@original", after=after)

    await assert_answered_once(await bot.ask(QUESTION))


@pytest.mark.parametrize("after", [False, True])
async def test_the_connection_is_lost_at_an_answer_to_a_message(bot: Joined, after: bool) -> None:
    """The second try carries the same nonce."""
    bot.discord.drop_next_request(path="/messages", after=after)

    await assert_answered_once(await bot.discord.mention(QUESTION))


async def test_the_connection_is_lost_twice_at_an_answer(
    bot: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the one who asked is told."""
    for _ in range(2):
        bot.discord.drop_next_request(path="/messages")
    told = await assert_told(await bot.discord.mention(QUESTION))

    assert_logged(told, caplog)


async def test_discord_is_slow_for_one_question(bot: Joined) -> None:
    """The others do not wait for it."""
    bot.discord.delay_next_request(1.5, path="@original")
    slow = await bot.ask(QUESTION)
    quick = await bot.ask(QUESTION)
    await quick.answer()
    took_s = quick.age_s

    await assert_answered_once(slow)
    assert took_s < 1.5 < slow.age_s


# The bot's own


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

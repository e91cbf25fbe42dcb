"""Faults of requests and connections, one test each: nothing lost, nothing doubled."""

import asyncio
import logging
import sys
from pathlib import Path

import discord
import pytest

from tests.bot.troubled import (
    QUESTION,
    SETTLED_S,
    Joined,
    assert_answered_once,
    assert_logged,
    assert_told,
    troubled,
)
from tests.fakes import rest, world
from tests.fakes.world import ALICE, BOB


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


async def test_the_bot_may_not_show_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord would leave the quotes out, and nobody would know why; below a command they stay."""
    without = world.MEMBER_PERMISSIONS & ~discord.Permissions(embed_links=True).value
    monkeypatch.setattr(world, "MEMBER_PERMISSIONS", without)
    async with troubled(tmp_path) as bot:
        answer = await (await bot.discord.mention(QUESTION)).answer(10)
        private = await (await bot.discord.direct_message(QUESTION)).answer(10)
        commanded = await (await bot.ask(QUESTION)).answer(10)

    assert "I need the permission *Embed Links*" in answer.content
    assert "Embed Links" not in private.content + commanded.content


async def test_the_bot_may_not_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without *Read Message History* it answers in the channel."""
    without = world.MEMBER_PERMISSIONS & ~discord.Permissions(read_message_history=True).value
    monkeypatch.setattr(world, "MEMBER_PERMISSIONS", without)
    async with troubled(tmp_path) as bot:
        asked = await bot.discord.mention(QUESTION)

        await assert_answered_once(asked)
        assert asked.messages[0].reference is None


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


async def test_the_answer_comes_after_fifteen_minutes(
    bot: Joined, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then Discord takes none any more, and there is no way to tell."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(rest, "TOKEN_S", 0.2)
    bot.engine.takes_s = 0.4
    asked = await bot.ask(QUESTION)
    await bot.discord.until(lambda: any(r.status == 401 for r in bot.discord.requests))
    await asyncio.sleep(SETTLED_S)

    assert () == asked.messages
    assert "nobody is left to answer code=50027" in caplog.text
    assert 1 == sum(r.status == 401 for r in bot.discord.requests)  # many would have us banned


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

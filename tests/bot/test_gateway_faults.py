"""Faults of the gateway, one test each: no question is lost or answered twice."""

import asyncio
import logging
from pathlib import Path

import discord
import pytest

from tests.bot.troubled import (
    QUESTION,
    SETTLED_S,
    Joined,
    assert_answered_once,
    troubled,
)
from tests.fakes.world import ALICE, interaction


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

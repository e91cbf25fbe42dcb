"""A bot on a loopback Discord whose engine can be slow or fail."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.client import DatelineClient
from bot.limits import Limits
from retrieval.engine import Engine
from retrieval.types import Answer
from tests.bot.joining import client_of, joined
from tests.fakes.discord_server import Exchange, FakeDiscord
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.fakes.word_reader import WordReader
from tests.retrieval.making import make_index

QUESTION = "Who gave Kim the car?"
REFERENCE = re.compile(r"\(ref ([0-9a-f]{4})\)")
SETTLED_S = 0.3  # a second answer would come in this time
_TEXTS = {
    "first": "Date: 2024-02-20\n\nPutin gave Kim the car. It is an Aurus.\n",
    "later": "Date: 2024-03-18\n\nWho gave Kim the car has not been disclosed.\n",
}


class TroubledEngine(Engine):
    """A real engine that can be made slow, or made to fail.

    Attributes:
        takes_s: how long it thinks before each answer.
        fails: what it raises instead of the next answer.
        asked: every question, in order.
    """

    takes_s = 0.0
    fails: Exception | None = None

    def __init__(self, folder: Path) -> None:
        super().__init__(make_index(folder, _TEXTS), HashingEmbedder(), WordReader())
        self.asked: list[str] = []

    def answer(self, question: str, *args: Any, **kwargs: Any) -> Answer:
        """The answer, late or not at all."""
        self.asked.append(question)
        time.sleep(self.takes_s)
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        return super().answer(question, *args, **kwargs)


@dataclass
class Joined:
    """A Discord and the bot that has joined it."""

    discord: FakeDiscord
    client: DatelineClient
    engine: TroubledEngine
    serving: asyncio.Task[None]

    async def ask(self, question: str) -> Exchange:
        """Asks with the slash command."""
        return await self.discord.slash("ask", question=question)

    async def assert_alive(self) -> None:
        """Asks a question in each way and looks that each is answered once."""
        asked = [await self.discord.mention(QUESTION), await self.ask(QUESTION)]
        for exchange in asked:
            answer = await exchange.answer(10)
            assert 2 == len(answer.embeds), answer.text
            assert 1 == len(exchange.messages)


@contextlib.asynccontextmanager
async def troubled(
    folder: Path, limits: Limits | None = None, discord: FakeDiscord | None = None
) -> AsyncIterator[Joined]:
    """A bot that has joined; what it sent is checked at the end."""
    engine = TroubledEngine(folder)
    client = client_of(engine, folder, limits=limits)
    async with discord or FakeDiscord() as server, joined(server, client) as serving:
        yield Joined(server, client, engine, serving)


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

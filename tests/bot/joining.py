"""The real client in this process, on a loopback Discord, over a few invented articles."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from bot.client import DatelineClient
from bot.feedback import Feedback
from retrieval.engine import Engine
from retrieval.reader import Reader
from retrieval.types import Places
from tests.fakes.discord_server import TOKEN, FakeDiscord
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_index


def make_client(
    home: Path,
    texts: Mapping[str, str],
    reader: Reader,
    *,
    embedder: HashingEmbedder | None = None,
    feedback: Feedback | None = None,
) -> DatelineClient:
    """A client over these texts, in `home`'s folders `corpus` and `index`."""
    engine = Engine(make_index(home, texts), embedder or HashingEmbedder(), reader)
    return client_of(engine, home, feedback=feedback)


def client_of(engine: Any, home: Path, **settings: Any) -> DatelineClient:
    """A client that answers from this engine; what it remembers stands in `home`."""
    places = Places(home / "corpus", home / "index")
    return DatelineClient(engine, home / "commands.json", places=places, **settings)


@contextlib.asynccontextmanager
async def joined(server: FakeDiscord, client: DatelineClient) -> AsyncIterator[asyncio.Task[None]]:
    """The client is on the server; what it sent there is checked at the end."""
    with server.redirected():
        async with client:
            serving = asyncio.create_task(client.start(TOKEN))
            try:
                await server.connected()
                yield serving
            finally:
                if events := [t for t in asyncio.all_tasks() if t.get_name().startswith("discord")]:
                    await asyncio.wait(events, timeout=5)  # what it was just told of, it hears
                await client.close()
                await asyncio.gather(serving, return_exceptions=True)
    assert [] == server.invalid
    assert [] == server.pings
    assert [] == server.unknown_routes


async def eventually(done: Callable[[], bool]) -> None:
    """Waits for what comes by itself, not by anything that Discord sees; a minute at most."""
    for _ in range(1_200):
        if done():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")

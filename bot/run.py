"""dateline run: opens the engine, joins Discord, and leaves it in good order."""

import asyncio
import contextlib
import ctypes
import logging
import signal
import sys
import threading
from pathlib import Path

import aiohttp
import discord

from bot.client import DatelineClient
from bot.feedback import Feedback
from bot.health import watch
from bot.log import set_up
from bot.settings import Settings
from bot.terminal import TerminalProgress
from retrieval.engine import Engine
from retrieval.errors import RetrievalError

log = logging.getLogger(__name__)

_M_ARENA_MAX = -8  # of glibc's malloc.h


def run(settings: Settings) -> int:
    """Runs the bot until it is told to stop; returns the exit status.

    Raises:
        RetrievalError: the engine cannot be opened.
        SettingsError: there is no token.
    """
    token = settings.require_token()
    set_up(settings.log_level, settings.log_format)
    _share_memory()
    with TerminalProgress() as report:
        engine = Engine.open(settings.places, report, settings.threshold)
    feedback = Feedback(settings.feedback) if settings.feedback else None
    client = DatelineClient(
        engine,
        settings.places.state / "commands.json",
        places=settings.places,
        limits=settings.limits,
        feedback=feedback,
    )
    if settings.feeds is not None:
        _poll(settings.feeds, settings)
    try:
        asyncio.run(_serve(client, token, settings))
    except discord.LoginFailure:
        return _fail(
            "Discord refused the token; copy it again from the Bot page of the developer portal "
            "into DISCORD_TOKEN"
        )
    except discord.ConnectionClosed as error:
        return _fail(f"Discord closed the connection for good (code {error.code}): {error.reason}")
    except discord.PrivilegedIntentsRequired:
        return _fail("Discord refused the intents, though none that is privileged was asked for")
    except (discord.HTTPException, discord.GatewayNotFound) as error:
        return _fail(f"Discord did not let the bot in ({error}); try again later")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return _fail(f"Discord cannot be reached ({error}); check the network, then try again")
    finally:
        if settings.liveness is not None:
            settings.liveness.unlink(missing_ok=True)
    return 0


def _poll(listed: Path, settings: Settings) -> None:
    """Asks feeds in a thread of its own, which ends with the process."""
    from retrieval.feeds import Poller

    def told(url: str, new: int, error: RetrievalError | None) -> None:
        if error is None:
            log.info("feed new=%d url=%s", new, url)
        else:
            log.warning("feed cannot be taken up: %s", error)

    def failed(error: RetrievalError) -> None:
        log.error("feeds are not asked: %s", error)

    poller = Poller(listed, settings.places, told)
    threading.Thread(target=poller.run, args=(threading.Event(), failed), daemon=True).start()


def _share_memory() -> None:
    """Lets all threads take memory from two pools, where the C library is glibc.

    It would make eight for each processor, and keep in each what a burst has needed there.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _fail(message: str) -> int:
    sys.stderr.write(f"dateline: {message}\n")
    return 1


async def _serve(client: DatelineClient, token: str, settings: Settings) -> None:
    """Serves until a signal comes, then lets the questions under way finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with client:
        serving = asyncio.create_task(client.start(token))
        stopping = asyncio.create_task(stop.wait())
        beside = [asyncio.create_task(watch(client, settings.liveness))]
        if settings.watch:
            beside.append(asyncio.create_task(client.follow()))
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            log.info("stopping")
            await client.drain()
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    if stop.is_set():
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    else:
        stopping.cancel()
        await serving

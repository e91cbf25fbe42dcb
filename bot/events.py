"""What Discord's events may not do to the bot: end it, count twice, make each other late."""

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import discord

log = logging.getLogger(__name__)

ACKNOWLEDGE_S = 3  # Discord's limit for the first response
_REMEMBERED = 1_000  # interactions; Discord repeats one at once, or never

Parser = Callable[[Any], None]


def guard(client: discord.Client) -> "Line":
    """Makes the client drop malformed events, which would end it, and repeated interactions.

    discord.py's parsers are wrapped; there is no public door to them. Without a sound READY there
    is nothing to go on with, so that one may still end the bot. Returns the line in which
    interactions wait to be looked at.
    """
    parsers: dict[str, Parser] = client._connection.parsers
    for event, parse in parsers.items():
        if event != "READY":
            parsers[event] = functools.partial(_survive, event, parse)
    line = Line(parsers["INTERACTION_CREATE"])
    parsers["INTERACTION_CREATE"] = line.join
    return line


def _survive(event: str, parse: Parser, data: Any) -> None:
    try:
        parse(data)
    except Exception:
        log.exception("event dropped, it is malformed type=%s", event)


class Line:
    """Interactions, each looked at only when the one before it is on its way to be acknowledged.

    discord.py would look at all that have come before it says a word to the first, and a burst
    would make all of them late instead of the last ones.
    """

    def __init__(self, parse: Parser, now: Callable[[], float] = time.monotonic) -> None:
        self._parse = parse
        self._now = now
        self._seen: deque[Any] = deque(maxlen=_REMEMBERED)
        self._waiting: deque[tuple[float, Any]] = deque()
        self._moving: asyncio.Task[None] | None = None

    def join(self, data: Any) -> None:
        """Puts an interaction at the end, unless it has been there before."""
        identifier = data.get("id") if isinstance(data, dict) else None
        if identifier is not None and identifier in self._seen:
            log.info("interaction dropped, it came twice")
            return
        self._seen.append(identifier)
        self._waiting.append((self._now(), data))
        if self._moving is None:
            self._moving = asyncio.get_running_loop().create_task(self._move())

    def __len__(self) -> int:
        return len(self._waiting)

    async def _move(self) -> None:
        while self._waiting:
            came, data = self._waiting.popleft()
            if self._now() - came < ACKNOWLEDGE_S:
                self._parse(data)
                await asyncio.sleep(0)  # its command begins, and sends the acknowledgement
            else:  # Discord would refuse it, and those behind it may still be in time
                log.warning("interaction dropped, it waited for too long")
        self._moving = None

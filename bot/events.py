"""What Discord's events may not do to the bot: end it by being malformed, or count twice."""

import functools
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import discord

log = logging.getLogger(__name__)

_REMEMBERED = 1_000  # interactions; Discord repeats one at once, or never

Parser = Callable[[Any], None]


def guard(client: discord.Client) -> None:
    """Makes the client drop malformed events, which would end it, and repeated interactions.

    discord.py's parsers are wrapped; there is no public door to them. Without a sound READY there
    is nothing to go on with, so that one may still end the bot.
    """
    parsers: dict[str, Parser] = client._connection.parsers
    for event, parse in parsers.items():
        if event != "READY":
            parsers[event] = functools.partial(_survive, event, parse)
    parsers["INTERACTION_CREATE"] = functools.partial(
        _drop_repeated, deque(maxlen=_REMEMBERED), parsers["INTERACTION_CREATE"]
    )


def _survive(event: str, parse: Parser, data: Any) -> None:
    try:
        parse(data)
    except Exception:
        log.exception("event dropped, it is malformed type=%s", event)


def _drop_repeated(seen: deque[Any], parse: Parser, data: Any) -> None:
    identifier = data.get("id") if isinstance(data, dict) else None
    if identifier is not None and identifier in seen:
        log.info("interaction dropped, it came twice")
        return
    seen.append(identifier)
    parse(data)

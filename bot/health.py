"""Signs of life for a supervisor: the liveness file, and systemd's watchdog."""

import asyncio
import logging
import math
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

EVERY_S = 10  # between signs
MAX_AGE_S = 60  # of the file: a gateway that drops is back within seconds
_NOT_YET = "the bot has not joined Discord yet"
_MAX_SILENCE_S = 100  # two of Discord's heartbeats, 41.25 s each, and some more


class Shard(Protocol):
    """What matters of one connection to the gateway."""

    @property
    def latency(self) -> float:
        """Seconds from the last heartbeat that was acknowledged to its acknowledgement."""

    def is_closed(self) -> bool:
        """Whether it is not connected."""


class Gateway(Protocol):
    """What matters of the client."""

    @property
    def shards(self) -> "Mapping[int, Shard]":
        """Its connections, by number."""

    def is_closed(self) -> bool:
        """Whether it has left."""


class Pulse:
    """Tells whether the gateway is alive: each shard connected, its heartbeats acknowledged.

    discord.py does not say when the last one was, but each is measured anew: a latency that stays
    the same is old.
    """

    def __init__(self) -> None:
        self._measured: dict[int, tuple[float, float]] = {}  # shard: latency, and since when

    def trouble(self, gateway: Gateway, now: float) -> str | None:
        """What is wrong, in words; None when nothing is."""
        if gateway.is_closed():
            return "the bot has left Discord"
        shards = gateway.shards
        if not shards:
            return _NOT_YET
        for number, shard in shards.items():
            latency = shard.latency
            if number not in self._measured or self._measured[number][0] != latency:
                self._measured[number] = latency, now
            if shard.is_closed():
                return f"shard {number} is not connected"
            if not math.isfinite(latency):
                return f"shard {number} has had no heartbeat acknowledged"
            silent_s = now - self._measured[number][1]
            if silent_s > _MAX_SILENCE_S:
                return f"shard {number} has had no heartbeat acknowledged for {silent_s:.0f} s"
        return None


async def watch(gateway: Gateway, path: Path | None, every_s: float = EVERY_S) -> None:
    """Gives a sign at intervals while the gateway is alive; logs when that changes.

    Args:
        gateway: the client.
        path: the file to touch; None for none. systemd is told if it is what started us.
        every_s: seconds between signs.
    """
    pulse = Pulse()
    before: str | None = _NOT_YET  # which is no news
    while True:
        trouble = pulse.trouble(gateway, time.monotonic())
        try:
            if trouble is None:
                await asyncio.to_thread(_give_sign, path)
        except OSError as error:
            trouble = f"no sign can be given ({error})"
        if trouble is None and before is not None:
            log.info("alive")
        elif trouble is not None and trouble != before:
            log.warning("not alive: %s", trouble)
        before = trouble
        await asyncio.sleep(every_s)


def _give_sign(path: Path | None) -> None:
    if path is not None:
        path.touch()
    address = os.environ.get("NOTIFY_SOCKET")  # see sd_notify(3)
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.connect(address.replace("@", "\0", 1) if address[0] == "@" else address)
            systemd.sendall(b"READY=1\nWATCHDOG=1")


def health(path: Path | None, now: float | None = None) -> tuple[bool, str]:
    """Whether the bot that touches this file is alive, and a sentence that says so."""
    if path is None:
        return False, "DATELINE_LIVENESS is not set; set it to a file for `dateline run` to touch"
    try:
        age_s = (time.time() if now is None else now) - path.stat().st_mtime
    except FileNotFoundError:
        return False, f"not alive: {path} is not there; the bot has not joined Discord, or has left"
    if age_s > MAX_AGE_S:
        return False, f"not alive: Discord was last heard {age_s:.0f} s ago; restart the bot"
    return True, f"alive: Discord was heard {max(0, age_s):.0f} s ago"

"""Signs of life: given while Discord answers, and only then."""

import asyncio
import math
import os
import select
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.health import MAX_AGE_S, Pulse, health, watch
from tests.bot.test_run import READY_S, running
from tests.bot.troubled import troubled
from tests.program import dateline


@dataclass
class Shard:
    """A connection to the gateway, as it stands."""

    latency: float = 0.1
    closed: bool = False

    def is_closed(self) -> bool:
        """As it was set."""
        return self.closed


@dataclass
class Gateway:
    """A client with one connection."""

    shards: dict[int, Shard] = field(default_factory=lambda: {0: Shard()})
    closed: bool = False

    def is_closed(self) -> bool:
        """As it was set."""
        return self.closed


@pytest.mark.parametrize(
    ("gateway", "said"),
    [
        (Gateway(closed=True), "has left"),
        (Gateway(shards={}), "has not joined"),
        (Gateway(shards={0: Shard(), 1: Shard(closed=True)}), "shard 1 is not connected"),
        (Gateway(shards={0: Shard(latency=math.inf)}), "no heartbeat acknowledged"),
        (Gateway(shards={0: Shard(latency=math.nan)}), "no heartbeat acknowledged"),
    ],
)
def test_a_gateway_that_is_not_alive_is_noticed(gateway: Gateway, said: str) -> None:
    """With what is wrong."""
    assert said in (Pulse().trouble(gateway, 0.0) or "")


def test_heartbeats_that_are_no_longer_acknowledged_are_noticed() -> None:
    """The connection looks open for a long time after that."""
    pulse, gateway = Pulse(), Gateway()
    found = []
    for now, latency in ((0, 0.1), (41, 0.2), (82, 0.2), (140, 0.2), (142, 0.2), (150, 0.3)):
        gateway.shards[0].latency = latency
        found.append(pulse.trouble(gateway, now))

    assert [None] * 4 == found[:4]
    assert "no heartbeat acknowledged for 101 s" in (found[4] or "")
    assert found[5] is None


def appears(file: Path) -> bool:
    """Whether the file comes to be within half a minute."""
    deadline = time.monotonic() + 30
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return file.exists()


async def test_the_file_is_touched_only_while_heartbeats_are_acknowledged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Driven by real heartbeats over a real gateway."""
    caplog.set_level("INFO")
    file = tmp_path / "alive"
    async with troubled(tmp_path) as bot:
        touching = asyncio.create_task(watch(bot.client, file, every_s=0.02))
        assert await asyncio.to_thread(appears, file)
        bot.discord.gateway.acknowledges = False
        await bot.discord.drop_gateway(abrupt=True)
        await bot.discord.connected()
        await asyncio.sleep(0.2)
        file.unlink()
        await asyncio.sleep(0.2)
        dead = not file.exists()
        bot.discord.gateway.acknowledges = True
        await bot.discord.drop_gateway(abrupt=True)
        assert await asyncio.to_thread(appears, file)
        touching.cancel()

    assert dead
    lines = [record.getMessage() for record in caplog.records if record.name == "bot.health"]
    assert "alive" == lines[-1]
    assert "not alive: shard 0 has had no heartbeat acknowledged" in lines


async def test_a_file_that_cannot_be_touched_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And the bot goes on answering."""
    touching = asyncio.create_task(watch(Gateway(), tmp_path / "no folder" / "alive", every_s=0.01))
    await asyncio.sleep(0.2)
    touching.cancel()

    (record,) = caplog.records
    assert "no sign can be given" in record.getMessage()


@pytest.mark.parametrize("prefix", ["", "@"])  # "@" for a name that is no file
async def test_systemd_is_told_if_it_started_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """Its watchdog starts a bot anew that no longer gives a sign."""
    address = f"{prefix}{tmp_path}/notify"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0"))
        systemd.setblocking(False)
        gateway = Gateway()
        watching = asyncio.create_task(watch(gateway, None, every_s=0.01))
        sign = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(systemd, 99), 5)
        gateway.closed = True
        await asyncio.sleep(0.1)
        while select.select([systemd], [], [], 0)[0]:
            systemd.recv(99)
        await asyncio.sleep(0.1)
        more = select.select([systemd], [], [], 0)[0]
        watching.cancel()

    assert b"READY=1\nWATCHDOG=1" == sign
    assert [] == more


@pytest.mark.parametrize(
    ("age_s", "alive", "said"),
    [
        (0, True, "0 s ago"),  # just now
        (-30, True, "0 s ago"),  # the clock was set back
        (MAX_AGE_S - 1, True, "59 s ago"),  # the bot may be reconnecting
        (MAX_AGE_S + 1, False, "61 s ago; restart the bot"),
    ],
)
def test_an_old_file_means_a_dead_bot(tmp_path: Path, age_s: int, alive: bool, said: str) -> None:
    """Whatever it died of: the gateway, the event loop, the process."""
    file = tmp_path / "alive"
    file.touch()
    touched = time.time()
    os.utime(file, (touched, touched))
    found, finding = health(file, now=touched + age_s)

    assert alive == found
    assert said in finding


@pytest.mark.parametrize(
    ("setting", "said"), [("", "DATELINE_LIVENESS is not set"), ("alive", "alive is not there")]
)
def test_health_without_a_file_says_why(tmp_path: Path, setting: str, said: str) -> None:
    """A supervisor reads the status, people the sentence."""
    done = dateline("health", home=tmp_path, settings={"DATELINE_LIVENESS": setting})

    assert 1 == done.status
    assert said in done.err
    assert 1 == len(done.err.splitlines())


async def test_the_running_bot_is_alive_and_the_stopped_one_is_not(tmp_path: Path) -> None:
    """As a supervisor sees it."""
    settings = {"DATELINE_LIVENESS": str(tmp_path / "alive")}

    async def asked() -> tuple[int, str]:
        done = await asyncio.to_thread(dateline, "health", home=tmp_path, settings=settings)
        return done.status, done.out + done.err

    async with running(tmp_path, settings=settings) as bot:
        before = await asked()
        await bot.discord.connected(READY_S)
        assert await asyncio.to_thread(appears, tmp_path / "alive")
        during = await asked()
        assert 0 == await bot.stop()
        after = await asked()

    assert [1, 0, 1] == [status for status, _ in (before, during, after)]
    assert during[1].startswith("alive: Discord was heard ")

"""A burst of questions against the installed bot: `python -m tests.burst`; pytest leaves it alone.

Prints how soon the questions were acknowledged, what became of them, the memory of the bot before,
at its peak and afterwards, and how busy the machine was. Exit status 1 when a question was
acknowledged late, lost, or answered twice.
"""

import argparse
import asyncio
import contextlib
import math
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.bot.test_run import READY_S, running
from tests.fakes.discord_server import Exchange, FakeDiscord, SentMessage
from tests.fakes.world import User

_PATIENCE_S = 180
_SETTLED_S = 5
_IN_TIME_S = 3  # Discord's limit for the first response
_WARM_UP = 30  # questions, after which the libraries have taken what memory they keep
_SHIPPED = {"DATELINE_USER_COOLDOWN": "", "DATELINE_SERVER_COOLDOWN": ""}  # the default


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one burst and says how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.burst", description=__doc__)
    parser.add_argument("--questions", type=int, default=1_000, metavar="N")
    parser.add_argument("--users", type=int, default=200, metavar="N")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="dateline-") as home:
        return asyncio.run(_measure(Path(home), options.questions, options.users))


async def _measure(home: Path, questions: int, users: int) -> int:
    people = [User(1_300_000_000_000_000_000 + n, f"user{n}") for n in range(users)]
    async with running(home, settings=_SHIPPED) as bot:
        await bot.discord.connected(READY_S)
        for number in range(_WARM_UP):
            warm = await _ask(bot.discord, people[number % users], number)
            await warm.answer(_PATIENCE_S)
        before_mb = _memory_mb(bot.process.pid)
        _forget_peak(bot.process.pid)
        busy = os.getloadavg()
        started = time.monotonic()
        exchanges = await asyncio.gather(
            *(_ask(bot.discord, people[number % users], number) for number in range(questions))
        )
        sent_s = time.monotonic() - started
        for exchange in exchanges:  # one after another, for looking at all takes the fake's time
            with contextlib.suppress(AssertionError):
                await exchange.answer(max(0.0, started + _PATIENCE_S - time.monotonic()))
        took_s = time.monotonic() - started
        await asyncio.sleep(_SETTLED_S)
        after_mb, peak_mb = _memory_mb(bot.process.pid), _memory_mb(bot.process.pid, "VmHWM")
        status = await bot.stop()
    acknowledged = sorted(one.acknowledged_after_s or math.inf for one in exchanges)
    told = Counter(_kind(message) for one in exchanges for message in one.messages)
    lost = sum(not exchange.messages for exchange in exchanges)
    twice = sum(len(exchange.messages) > 1 for exchange in exchanges)
    late = sum(seconds >= _IN_TIME_S for seconds in acknowledged)
    p50, p99 = (acknowledged[round(share * (questions - 1))] for share in (0.5, 0.99))
    sys.stdout.write(
        f"{questions} questions from {users} users, sent in {sent_s:.1f} s, "
        f"all settled in {took_s:.1f} s\n"
        f"acknowledged: p50 {p50:.3f} s, p99 {p99:.3f} s, last {acknowledged[-1]:.3f} s\n"
        f"told: {', '.join(f'{kind} {count}' for kind, count in told.most_common())}\n"
        f"late {late}, lost {lost}, twice {twice}, exit status {status}\n"
        f"memory: {before_mb:.0f} MB before, {peak_mb:.0f} MB at most, {after_mb:.0f} MB after\n"
        f"load of the machine: {busy[0]:.1f} before, {os.getloadavg()[0]:.1f} after\n"
    )
    return 1 if late or lost or twice or status or told["something else"] else 0


async def _ask(discord: FakeDiscord, user: User, number: int) -> Exchange:
    return await discord.slash("ask", user=user, question=f"Who gave Kim car {number}?")


def _kind(message: SentMessage) -> str:
    if message.embeds or "The coverage does not say" in message.text:
        return "answered"
    if "I am busy" in message.text:
        return "busy"
    return "to wait" if "try again in" in message.text else "something else"


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _memory_mb(pid: int, what: str = "VmRSS") -> float:
    """What the process holds in memory, or (`VmHWM`) has held at most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"{what}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())

"""A burst of questions against the installed bot: `python -m tests.burst`; pytest leaves it alone.

Prints how soon the questions were acknowledged, what became of them, and the memory of the bot
before and after. Exit status 1 when one was acknowledged late, lost, or answered twice.
"""

import argparse
import asyncio
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

_PATIENCE_S = 300
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
        started = time.monotonic()
        exchanges = await asyncio.gather(
            *(_ask(bot.discord, people[number % users], number) for number in range(questions))
        )
        acknowledged = sorted([await one.acknowledged(_PATIENCE_S) for one in exchanges])
        for exchange in exchanges:
            await exchange.answer(_PATIENCE_S)
        took_s = time.monotonic() - started
        await asyncio.sleep(_SETTLED_S)
        after_mb = _memory_mb(bot.process.pid)
        status = await bot.stop()
    told = Counter(_kind(message) for one in exchanges for message in one.messages)
    twice = sum(len(exchange.messages) > 1 for exchange in exchanges)
    late = sum(seconds >= _IN_TIME_S for seconds in acknowledged)
    p50, p99 = (acknowledged[round(share * (questions - 1))] for share in (0.5, 0.99))
    sys.stdout.write(
        f"{questions} questions from {users} users, all settled in {took_s:.1f} s\n"
        f"acknowledged: p50 {p50:.3f} s, p99 {p99:.3f} s, last {acknowledged[-1]:.3f} s\n"
        f"told: {', '.join(f'{kind} {count}' for kind, count in told.most_common())}\n"
        f"late {late}, twice {twice}, exit status {status}\n"
        f"memory: {before_mb:.0f} MB before, {after_mb:.0f} MB after\n"
    )
    return 1 if late or twice or status or told["something else"] else 0


async def _ask(discord: FakeDiscord, user: User, number: int) -> Exchange:
    return await discord.slash("ask", user=user, question=f"Who gave Kim car {number}?")


def _kind(message: SentMessage) -> str:
    if message.embeds or "The coverage does not say" in message.text:
        return "answered"
    if "I am busy" in message.text:
        return "busy"
    return "to wait" if "try again in" in message.text else "something else"


def _memory_mb(pid: int) -> float:
    """What the process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())

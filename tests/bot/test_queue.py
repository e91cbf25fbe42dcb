"""Questions in a burst: each acknowledged, each answered once or told to wait, none lost."""

import asyncio
import contextlib
import threading
from collections import Counter
from pathlib import Path

import pytest

from bot.errors import BusyError, CooldownError, StoppingError, sentence
from bot.limits import Cooldown, Limits, Rate
from bot.queue import Queue
from tests.bot.troubled import QUESTION, troubled
from tests.fakes.world import User


async def test_two_hundred_questions_at_once_are_each_acknowledged_and_told_once(
    tmp_path: Path,
) -> None:
    """From forty people; the queue holds a quarter of them."""
    people = [User(1_300_000_000_000_000_000 + n, f"user{n}") for n in range(40)]
    async with troubled(tmp_path, Limits(queue=50)) as bot:
        bot.engine.takes_s = 0.02
        exchanges = await asyncio.gather(
            *(
                bot.discord.slash("ask", user=people[n % 40], question=f"{QUESTION} {n}")
                for n in range(200)
            )
        )
        acknowledged = [await exchange.acknowledged() for exchange in exchanges]
        told = [await exchange.answer(15) for exchange in exchanges]
        await asyncio.sleep(0.3)  # a second answer would come now

        assert max(acknowledged) < 3
        assert [1] * 200 == [len(exchange.messages) for exchange in exchanges]
        busy = [message for message in told if "I am busy" in message.content]
        answered = [message for message in told if message.embeds]
        assert len(answered) >= 50
        assert 200 == len(answered) + len(busy)
        assert all(message.ephemeral for message in busy)
        assert {1} == set(Counter(bot.engine.asked).values())
        assert len(answered) == len(bot.engine.asked)
        await bot.assert_alive()


async def test_a_place_is_held_from_before_the_work_until_it_is_done() -> None:
    """Else more would be promised than can be kept."""
    queue = Queue(places=1)
    with queue.place():
        with pytest.raises(BusyError), queue.place():
            pass
        assert 3 == await queue.run(lambda: 3)
    with queue.place():
        assert 4 == await queue.run(lambda: 4)
    queue.stop()


async def test_nobody_waits_for_longer_than_discord_takes_an_answer() -> None:
    """Who is told after a quarter of an hour to try again has waited for nothing."""
    queue = Queue(places=10_000)
    with contextlib.ExitStack() as places:
        while queue.wait_s <= 14 * 60:
            places.enter_context(queue.place())
        with pytest.raises(BusyError), queue.place():
            pass
    queue.stop()


async def test_no_work_begins_while_somebody_waits_to_be_acknowledged() -> None:
    """It would take the processor from those who have three seconds."""
    line = [1]
    queue = Queue(places=1, line=line)
    work = asyncio.create_task(queue.run(line.copy))
    await asyncio.sleep(0.1)
    line.append(2)
    assert not work.done()

    line.clear()

    assert [] == await work
    queue.stop()


async def test_work_without_a_place_is_bounded_too() -> None:
    """A thousand pages to turn must not pile up."""
    queue, go = Queue(places=2), threading.Event()
    waiting = [asyncio.create_task(queue.run(go.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await queue.run(go.wait)
    go.set()

    assert [True, True] == await asyncio.gather(*waiting)
    queue.stop()


async def test_the_wait_is_what_jobs_took_of_late_for_those_under_way() -> None:
    """“Try again in n s” is a measurement."""
    queue = Queue(places=100)
    for _ in range(20):
        await queue.run(lambda: None)
    quick = queue.wait_s
    pause = threading.Event()
    for _ in range(20):
        await queue.run(pause.wait, 0.05)
    with contextlib.ExitStack() as places:
        for _ in range(100):
            places.enter_context(queue.place())
        full = queue.wait_s
    queue.stop()

    assert 1 == quick
    assert 5 <= full <= 8
    assert 1 == queue.wait_s


async def test_what_has_not_begun_when_the_bot_stops_is_given_up() -> None:
    """And nothing new is taken."""
    queue, go = Queue(places=9), threading.Event()
    begun, waiting = (asyncio.create_task(queue.run(go.wait)) for _ in range(2))
    await asyncio.sleep(0.05)
    queue.stop()
    go.set()

    assert await begun
    with pytest.raises(StoppingError):
        await waiting
    with pytest.raises(StoppingError):
        await queue.run(go.wait)
    with pytest.raises(StoppingError), queue.place():
        pass


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        """The time that was set."""
        return self.now


def test_whoever_has_asked_often_enough_waits_until_the_first_of_it_is_old() -> None:
    """Each for themselves."""
    clock = Clock()
    cooldown = Cooldown(Rate(2, 60), clock)
    for clock.now in (100.0, 130.0):
        assert 0 == cooldown.left_s(7)
        cooldown.note(7)

    assert 30 == cooldown.left_s(7)
    assert 0 == cooldown.left_s(8)
    clock.now = 160.0
    assert 0 == cooldown.left_s(7)
    cooldown.note(7)
    assert 30 == cooldown.left_s(7)


def test_whoever_no_longer_waits_is_forgotten() -> None:
    """A bot that runs for months meets many people."""
    clock = Clock()
    cooldown = Cooldown(Rate(2, 60), clock)
    for user in range(1_000):
        clock.now += 1
        cooldown.note(user)

    assert len(cooldown) <= 61


def test_without_a_rate_nobody_waits_and_nobody_is_remembered() -> None:
    """`off` is off."""
    cooldown = Cooldown(None)
    for _ in range(1_000):
        cooldown.note(7)

    assert 0 == cooldown.left_s(7)
    assert 0 == len(cooldown)


@pytest.mark.parametrize(
    "text", ["", "20", "20/", "/60", "0/60", "20/0", "-1/60", "2.5/60", "٢/60"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    """A misread limit is no limit."""
    with pytest.raises(ValueError, match="questions/seconds"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BusyError(7), "Please try again in 7 s."),  # soon
        (BusyError(100), "Please try again in 2 min."),  # rounded up
        (
            CooldownError("user", Rate(1, 30), 12.2),
            "You have asked 1 question within 30 s. Please try again in 13 s.",
        ),
        (
            CooldownError("server", Rate(300, 3_600), 0.01),
            "This server has asked 300 questions within 60 min. Please try again in 1 s.",
        ),
    ],
)
def test_the_time_left_is_told(
    error: Exception, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In words, rounded up; it is no incident and fills no log."""
    assert sentence(error).endswith(expected)
    assert [] == caplog.records

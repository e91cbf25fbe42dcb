"""The line of interactions: who came first is acknowledged first."""

import asyncio
from typing import Any

import pytest

from bot.events import Line


async def test_each_is_on_its_way_before_the_next_is_looked_at() -> None:
    """In a burst the last may be late, but not all of them because of the last."""
    done: list[str] = []

    async def acknowledge(data: Any) -> None:
        done.append(f"acknowledged {data['id']}")

    def look(data: Any) -> None:
        done.append(f"looked at {data['id']}")
        begun.append(asyncio.create_task(acknowledge(data)))

    begun: list[asyncio.Task[None]] = []
    line = Line(look)
    for number in range(3):
        line.join({"id": number})

    assert 3 == len(line)
    await asyncio.sleep(0.05)
    assert [f"{what} {n}" for n in range(3) for what in ("looked at", "acknowledged")] == done
    assert 0 == len(line)


async def test_whoever_waited_for_three_seconds_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Discord would refuse the acknowledgement; the next in line may still get theirs in time."""
    clock = 100.0
    looked_at: list[Any] = []
    line = Line(looked_at.append, lambda: clock)
    line.join({"id": 1})
    clock += 3
    line.join({"id": 2})
    await asyncio.sleep(0.05)

    assert [{"id": 2}] == looked_at
    assert "it waited for too long" in caplog.text


async def test_nobody_stands_in_line_twice() -> None:
    """Discord may send an event again; that one would be answered twice."""
    looked_at: list[Any] = []
    line = Line(looked_at.append)
    for number in (1, 2, 1):
        line.join({"id": number})
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)

    assert [{"id": 1}, {"id": 2}] == looked_at

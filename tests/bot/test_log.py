"""Logging: our own events at the level that was set, nobody else's chatter, never on stdout."""

import re
import subprocess
import sys

import pytest

_PROGRAM = """
import logging, sys
from bot.log import set_up
set_up(sys.argv[1])
set_up(sys.argv[1])
logging.getLogger("bm25s").setLevel(logging.DEBUG)  # as it does itself when it is imported
for name in ("bot.client", "retrieval.engine", "discord.http", "bm25s", "asyncio"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("event at=%s", level)
"""


def logged(level: str) -> list[str]:
    """Lines that a process of its own logs: set-up is for a whole process."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, level], capture_output=True, encoding="utf-8", check=True
    )
    assert "" == done.stdout
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("level", "ours"),
    [
        ("DEBUG", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("WARNING", ["warning", "error"]),
        ("ERROR", ["error"]),
    ],
)
def test_our_level_is_set_and_others_stay_at_warning(level: str, ours: list[str]) -> None:
    """discord.py at DEBUG writes whole requests, and with them what people asked."""
    expected = [
        *(f"bot.client event at={name}" for name in ours),
        *(f"retrieval.engine event at={name}" for name in ours),
        *(f"discord.http event at={name}" for name in ("warning", "error")),
        *(f"bm25s event at={name}" for name in ("warning", "error")),
        *(f"asyncio event at={name}" for name in ("warning", "error")),
    ]

    assert expected == [" ".join(line.split()[3:]) for line in logged(level)]


def test_a_line_tells_when_how_grave_and_from_where() -> None:
    """One event a line can be searched and sorted."""
    pattern = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ERROR bot\.client event at=error"

    assert re.fullmatch(pattern, logged("ERROR")[0])

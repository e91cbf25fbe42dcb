"""Logging: our own events at the level that was set, nobody else's chatter, never on stdout."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

_PROGRAM = """
import logging, sys
from bot.log import set_up
set_up(*sys.argv[1:])
set_up(*sys.argv[1:])
logging.getLogger("bm25s").setLevel(logging.DEBUG)  # as it does itself when it is imported
for name in ("bot.client", "retrieval.engine", "discord.http", "bm25s", "asyncio"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("event at=%s", level)
"""


_FAILING = """
log = logging.getLogger("bot.client")
url = "https://discord.com/api/v10/webhooks/1/secret-token/messages/@original"
logging.getLogger("discord.http").warning("%s %s responded with %d", "PATCH", url, 429)
log.info("answered quotes=%d reason=%s confidence=%.2f took=%s", 2, None, 0.5, Exception)
try:
    raise ValueError("two\\nlines")
except ValueError:
    log.exception("failed ref=%s level=%s", "3f9a", "none")
"""


def logged(*arguments: str, more: str = "") -> list[str]:
    """Lines that a process of its own logs: set-up is for a whole process."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM + more, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=True,
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


def test_a_line_that_begins_without_a_tab_is_an_event() -> None:
    """Whatever a message or a traceback holds."""
    lines = logged("ERROR", more=_FAILING)
    events = [line for line in lines if not line.startswith("\t")]

    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ ", line) for line in events)
    assert events[-1].endswith("ERROR bot.client failed ref=3f9a level=none")
    assert ["\tValueError: two", "\tlines"] == lines[-2:]


def test_as_json_each_line_is_an_event_with_its_facts() -> None:
    """A log store finds them without a pattern for each message."""
    limited, answered, failed = (
        json.loads(line) for line in logged("INFO", "json", more=_FAILING)[-3:]
    )

    assert ("WARNING", "discord.http") == (limited["level"], limited["logger"])
    assert [2, None, 0.5] == [answered[key] for key in ("quotes", "reason", "confidence")]
    assert "<class 'Exception'>" == answered["took"]
    assert answered["message"].startswith("answered quotes=2 reason=None confidence=0.50")
    assert datetime.fromisoformat(answered["time"]).tzinfo == UTC
    assert "3f9a" == failed["ref"]
    assert "ERROR" == failed["level"]  # not the fact of that name
    assert failed["traceback"].endswith("ValueError: two\nlines")


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_token_of_an_interaction_is_in_no_line(style: str) -> None:
    """discord.py names the address that it was refused at, and whoever knows it can answer."""
    (line,) = (line for line in logged("INFO", style, more=_FAILING) if "PATCH" in line)

    assert "/webhooks/1/…/messages/@original responded with 429" in line
    assert "secret" not in line

"""How this process logs; the only call that touches handlers."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

FORMATS = ("text", "json")
_OURS = ("bot", "retrieval")
_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s?'\"]+")
_FIELD = re.compile(r"(?:(\w+)=)?%[-+ #0]*\d*(?:\.\d+)?([a-z])|%%")


def set_up(level: str, style: str = "text") -> None:
    """Logs to standard error, one event a line: our own at `level`, other people's from WARNING.

    discord.py at DEBUG would write whole requests, and with them questions, into the log.

    Args:
        level: the lowest that is logged of our own.
        style: one of `FORMATS`. As text, an event is followed by its facts, `key=value`; a
            traceback's lines are indented. As JSON, each fact is a member of the object.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Text())
    # A filter, for a logger's level is not safe: bm25s sets its own to DEBUG when it is imported,
    # and that is later.
    handler.addFilter(_is_wanted)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


def _is_wanted(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OURS


def _without_tokens(text: str) -> str:
    """The text without the tokens of interactions, which discord.py's messages give as a URL."""
    return _TOKEN.sub(r"\1…", text)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return "\n\t".join(_without_tokens(super().format(record)).splitlines())


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _without_tokens(json.dumps(_facts(record) | line, ensure_ascii=False))


def _facts(record: logging.LogRecord) -> dict[str, object]:
    """What stands in the message as `key=value`, by its key, with the value's own type."""
    if not isinstance(record.args, tuple):
        return {}
    keys = [found[1] for found in _FIELD.finditer(str(record.msg)) if found[2]]
    pairs = zip(keys, record.args, strict=False)
    facts: dict[str, Any] = {key: value for key, value in pairs if key}
    plain = (str, int, float, bool, type(None))
    return {key: value if isinstance(value, plain) else str(value) for key, value in facts.items()}

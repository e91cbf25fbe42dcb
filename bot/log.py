"""How this process logs; the only call that touches handlers."""

import logging
import sys

_OURS = ("bot", "retrieval")


def set_up(level: str) -> None:
    """Logs to standard error, one event a line: our own at `level`, other people's from WARNING.

    discord.py at DEBUG would write whole requests, and with them questions, into the log.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    # A filter, for a logger's level is not safe: bm25s sets its own to DEBUG when it is imported,
    # and that is later.
    handler.addFilter(_is_wanted)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


def _is_wanted(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OURS

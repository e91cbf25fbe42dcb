"""How this process logs; the only call that touches handlers."""

import logging
import sys


def set_up(level: str) -> None:
    """Logs to standard error, one event a line: our own at `level`, other people's from WARNING.

    discord.py at DEBUG would write whole requests, and with them questions, into the log.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("bot", "retrieval"):
        logging.getLogger(name).setLevel(level)
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # sets itself to DEBUG when imported

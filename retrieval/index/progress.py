"""How work on an index tells how far it has come."""

from collections.abc import Callable

WAITING = "Waiting for another process that writes the index"
LOADING = "Loading the model"
READING = "Reading articles"
EMBEDDING = "Embedding passages"
ASKING = "Asking questions"

Report = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are.

None done of none means that nobody can tell how long it takes.
"""


def no_report(step: str, done: int, total: int) -> None:
    """Reports to nobody."""

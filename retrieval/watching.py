"""A corpus folder that changes → the files to take up, once each has come to rest."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.articles import CorpusFile, scan
from retrieval.errors import RetrievalError
from retrieval.index.access import access
from retrieval.types import Places

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

_QUIET_S = 0.5  # a file that is as it was this long ago is whole; one being copied grows
_LOOK_S = 60.0  # network drives do not say that something has changed
_POLL_S = 5.0  # where the system does not say it either
_RETRY_S = 2.0
_GROUPED_MS = 200

TakeUp = Callable[[list[CorpusFile]], None]
"""Given what the corpus holds, but for files that are changing just now: those as they were."""


def watch(
    places: Places, take_up: TakeUp, stop: threading.Event, failed: Callable[[RetrievalError], None]
) -> None:
    """Has changes of the corpus taken up until it is told to stop; blocks.

    A new, changed or deleted file counts once it has stayed so for half a second. So a file that
    is being copied is left out until it is whole, and one that an editor replaces is never gone.

    Args:
        places: where the corpus is, and the index that tells what has been taken up already.
        take_up: called when something has changed, and again later if it raises RetrievalError.
        stop: ends it when set.
        failed: told what went wrong, once for each kind of error in a row. The folder may be
            missing for a while: what was taken up before stays.
    """
    events = _Events(places.corpus, stop)
    taken: dict[str, CorpusFile] | None = None
    said: type[RetrievalError] | None = None
    while not stop.is_set():
        events.listen()  # before looking: what comes between the two is not missed
        try:
            if taken is None:
                indexed = access(places).taken_up()
                if indexed is None:
                    return  # other machines see to it
                taken = _by_path(indexed)
            now, moving = _at_rest(places.corpus, taken, stop)
            if now != taken and not stop.is_set():
                take_up(sorted(now.values(), key=lambda file: file.path))
                taken = now
            said = None
        except RetrievalError as error:
            if type(error) is not said:
                failed(error)
            said = type(error)
            stop.wait(_RETRY_S)
            continue
        if not moving:
            events.wait()


def _at_rest(
    corpus: Path, taken: dict[str, CorpusFile], stop: threading.Event
) -> tuple[dict[str, CorpusFile], bool]:
    """What the corpus holds, and whether some of it is changing: that as it was taken up."""
    first = _by_path(scan(corpus)[0])
    if first == taken:
        return first, False
    stop.wait(_QUIET_S)
    second = _by_path(scan(corpus)[0])
    moving = {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
    settled = {path: file for path, file in second.items() if path not in moving}
    return settled | {path: taken[path] for path in moving & taken.keys()}, bool(moving)


def _by_path(files: Iterable[CorpusFile]) -> dict[str, CorpusFile]:
    return {file.path: file for file in files}


class _Events:
    """What the operating system says of a folder; nothing where it cannot."""

    def __init__(self, folder: Path, stop: threading.Event) -> None:
        self._folder = folder
        self._stop = stop
        self._inode = 0
        self._notify: RustNotify | None = None
        self.listen()

    def wait(self) -> None:
        """Until something has changed since the last call, or it is time to look anyway."""
        if self._notify is None:
            self._stop.wait(_POLL_S)
            return
        heard = self._notify.watch(_GROUPED_MS, 50, int(1e3 * _LOOK_S), self._stop)
        if heard == "signal":
            raise KeyboardInterrupt

    def listen(self) -> None:
        """To the folder that has this name now: it may be another than it was."""
        from watchfiles._rust_notify import RustNotify

        with contextlib.suppress(OSError, RuntimeError):  # too many are watched, or it is missing
            inode = self._folder.stat().st_ino
            if self._notify is not None and inode == self._inode:
                return
            self._notify, self._inode = None, inode
            # Not by watchfiles.watch(): that begins to listen when it is first waited for.
            self._notify = RustNotify([str(self._folder)], False, False, 300, True, True)

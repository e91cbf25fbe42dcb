"""The one worker thread, and the bounded queue of questions in front of it."""

import asyncio
import contextlib
import functools
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from bot.errors import BusyError, StoppingError
from bot.events import ACKNOWLEDGE_S

_FIRST_GUESS_S = 0.5  # of a question, before one was measured
_GIVES_WAY_S = 0.02  # at a time
_ANSWERED_S = 14 * 60  # Discord takes an answer for 15 minutes, then nobody could be told
_MEASURED = 20  # questions: the machine may be busier today than yesterday
P = ParamSpec("P")
T = TypeVar("T")


class Queue:
    """Does one job after another, so that the event loop stays free to acknowledge.

    Args:
        places: how many questions may be under way at a time.
        line: of those who are acknowledged first: while somebody stands there, no job begins.

    Attributes:
        is_stopping: the bot is about to leave, and nothing more is taken.
    """

    def __init__(self, places: int, line: Sized = ()) -> None:
        self._line = line
        self._places = places
        self._held = 0  # places
        self._jobs = 0  # waiting for the thread, or in it
        self._took_s = deque([_FIRST_GUESS_S], maxlen=_MEASURED)
        self.is_stopping = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answer")

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Keeps a place for a question, from before it is acknowledged until it is answered.

        Raises:
            BusyError: there is none, or those before it would take too long.
            StoppingError: the bot is about to leave.
        """
        self._require_room(self._held)
        if self.wait_s > _ANSWERED_S:
            raise BusyError(self.wait_s)
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` gives, done in the worker thread.

        Whoever has a place finds room, unless jobs without one (a page to turn) have filled it.

        Raises:
            BusyError: too many jobs wait.
            StoppingError: the bot is about to leave.
        """
        self._require_room(self._jobs)
        job = functools.partial(work, *args, **kwargs)
        self._jobs += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._worker, self._measured, job)
        except asyncio.CancelledError:
            if self.is_stopping:
                raise StoppingError from None
            raise
        finally:
            self._jobs -= 1

    @property
    def wait_s(self) -> int:
        """How long those who are under way now will take, as jobs took of late; at least 1."""
        took_s = sum(self._took_s) / len(self._took_s)
        return max(1, math.ceil(max(self._held, self._jobs) * took_s))

    def stop(self) -> None:
        """Takes nothing more and gives up what has not begun."""
        self.is_stopping = True
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _require_room(self, taken: int) -> None:
        if self.is_stopping:
            raise StoppingError
        if taken >= self._places:
            raise BusyError(self.wait_s)

    def _measured(self, job: Callable[[], T]) -> T:
        self._give_way()
        started = time.perf_counter()
        try:
            return job()
        finally:
            self._took_s.append(time.perf_counter() - started)

    def _give_way(self) -> None:
        """Waits until nobody stands in the line, but not for ever."""
        until = time.monotonic() + ACKNOWLEDGE_S
        while self._line and time.monotonic() < until:
            time.sleep(_GIVES_WAY_S)

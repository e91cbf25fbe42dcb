"""How much may be asked: rates for users and servers, and who has used theirs up."""

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_RATE = re.compile(r"([1-9]\d{0,4})/([1-9]\d{0,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many questions in so many seconds."""

    questions: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """The rate that is written so: "20/60" is 20 questions in 60 seconds.

        Raises:
            ValueError: it is not written like that.
        """
        found = _RATE.fullmatch(text)
        if found is None:
            raise ValueError(f"not questions/seconds: {text!r}")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Limits:
    """How many questions may be under way at once, and how often somebody may ask.

    Attributes:
        queue: how many questions may wait or be answered at a time.
        user: how often one person may ask; None for as often as they like.
        server: the same for everybody on one server together.
    """

    queue: int = 100
    user: Rate | None = None
    server: Rate | None = None


class Cooldown:
    """Remembers who asked when, as long as it matters."""

    def __init__(self, rate: Rate | None, now: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._now = now
        self._asked: dict[int, deque[float]] = {}  # those who asked last are last

    def left_s(self, key: int) -> float:
        """Seconds until this one may ask again; 0 when that is now."""
        asked = self._asked.get(key)
        if self.rate is None or asked is None or len(asked) < self.rate.questions:
            return 0.0
        return max(0.0, asked[0] + self.rate.seconds - self._now())

    def note(self, key: int) -> None:
        """Counts a question, and forgets whoever has not asked for so long that it is no matter."""
        if self.rate is None:
            return
        now = self._now()
        asked = self._asked.pop(key, None) or deque(maxlen=self.rate.questions)
        asked.append(now)
        self._asked[key] = asked
        while (first := next(iter(self._asked))) != key:
            if self._asked[first][-1] + self.rate.seconds > now:
                break
            del self._asked[first]

    def __len__(self) -> int:
        return len(self._asked)

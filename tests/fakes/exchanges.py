"""What a user did, and what became of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.fakes.world import SentMessage, User

Json = dict[str, Any]
T = TypeVar("T")

PING, COMMAND, COMPONENT, AUTOCOMPLETE = 1, 2, 3, 4  # interaction types
MESSAGE = 0  # no interaction: a user wrote a message


class Changes:
    """Lets tests wait for something to become so."""

    def __init__(self) -> None:
        self._condition = asyncio.Condition()

    async def notify(self) -> None:
        """Says that something changed."""
        async with self._condition:
            self._condition.notify_all()

    async def until(self, ready: Callable[[], T], timeout_s: float) -> T:
        """The first true result of `ready`.

        Raises:
            TimeoutError: it gave none within `timeout_s`.
        """
        async with asyncio.timeout(timeout_s), self._condition:
            return await self._condition.wait_for(ready)


@dataclass(eq=False)
class Exchange:
    """One thing a user did (a command, a press, a message) and what the bot made of it."""

    id: str  # of the interaction, or of the user's message
    kind: int
    user: User
    channel_id: str
    token: str = ""
    original_id: str | None = None  # the message that @original stands for
    acknowledged_after_s: float | None = None  # first callback; for messages: typing or a reply
    callback_type: int | None = None
    callback_body: Json | None = None
    _made: list[str] = field(default_factory=list)  # message ids, in order
    _dispatched_s: float = field(default_factory=time.monotonic)
    _find: Callable[[str], SentMessage | None] = field(kw_only=True, repr=False)
    _changes: Changes = field(kw_only=True, repr=False)
    _refused: list[str] = field(kw_only=True, repr=False)  # bodies, of the whole server

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """What the bot showed in answer, as it stands now, without what it deleted again.

        For a press that changed the pressed message, that message is among them. A deferral by
        itself ("is thinking…") shows nothing.
        """
        found = (self._find(message_id) for message_id in self._made)
        return tuple(message for message in found if message is not None)

    @property
    def choices(self) -> list[Json]:
        """The choices that the bot offered in answer to an autocomplete."""
        return list(((self.callback_body or {}).get("data") or {}).get("choices") or ())

    @property
    def age_s(self) -> float:
        """Seconds since the event was sent to the bot."""
        return time.monotonic() - self._dispatched_s

    async def answer(self, timeout_s: float = 5.0) -> SentMessage:
        """The first message shown in answer; waits for it, through a deferral too.

        Raises:
            AssertionError: none came in time.
        """
        await self._wait(lambda: self.messages, timeout_s, "answer")
        return self.messages[0]

    async def acknowledged(self, timeout_s: float = 5.0) -> float:
        """Seconds until the bot's first sign; waits for it.

        Raises:
            AssertionError: none came in time.
        """
        await self._wait(lambda: self.acknowledged_after_s is not None, timeout_s, "sign")
        assert self.acknowledged_after_s is not None
        return self.acknowledged_after_s

    def acknowledge(self) -> None:
        """Notes the bot's first sign."""
        if self.acknowledged_after_s is None:
            self.acknowledged_after_s = self.age_s

    def show(self, message_id: str) -> None:
        """Notes that the bot made or changed a message."""
        if message_id not in self._made:
            self._made.append(message_id)

    async def _wait(self, ready: Callable[[], object], timeout_s: float, what: str) -> None:
        try:
            await self._changes.until(ready, timeout_s)
        except TimeoutError:
            found = f"no {what} within {timeout_s} s: {self}; refused: {self._refused}"
            raise AssertionError(found) from None

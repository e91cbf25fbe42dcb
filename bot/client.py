"""The Discord client: intents, no pings, command sync, the one error handler."""

import asyncio
import contextlib
import functools
import hashlib
import json
import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import discord
from discord import app_commands

from bot.buttons import Library, PageButton, quotes_view
from bot.cards import answer_message
from bot.commands import COMMANDS
from bot.errors import (
    LOST,
    ReloadError,
    ReloadingError,
    StoppingError,
    despite_a_lost_connection,
    sentence,
    tell,
)
from bot.escaping import escape
from bot.feedback import Feedback, note_gap
from bot.thumbs import Thumb, add_thumbs
from retrieval.engine import Engine
from retrieval.errors import RetrievalError
from retrieval.types import Answer, Filters, Places

log = logging.getLogger(__name__)
discord.VoiceClient.warn_nacl = False  # there is no voice here to warn about
discord.VoiceClient.warn_dave = False

_HELP = (
    "Ask me something about the coverage, and I answer with quotes from it. "
    "`/ask` takes dates and a source too; `/sources` lists what I have read."
)
_DRAIN_S = 8  # a supervisor that stops us waits about ten seconds before it kills
_FAREWELL_S = 1  # to tell those who were not answered in that time
P = ParamSpec("P")
T = TypeVar("T")


class DatelineClient(discord.Client):
    """Answers mentions, direct messages and commands from one engine.

    Attributes:
        engine: answers one question at a time, in a thread of its own, so that the event loop
            goes on acknowledging while it thinks.
        library: the engine's articles, for lists and buttons.
    """

    def __init__(
        self, engine: Engine, state: Path, *, places: Places, feedback: Feedback | None = None
    ) -> None:
        """What the bot answers from, and what it keeps.

        Args:
            engine: the open engine.
            state: the file that remembers which commands were synced.
            places: where the engine was opened.
            feedback: where unanswered questions and verdicts are written; None for nowhere.
        """
        super().__init__(
            # Nothing privileged: Discord shows us the text of messages that mention us, and of
            # direct messages, without the message content intent.
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self.engine = engine
        self.library = Library(engine.articles, engine.summary)
        self.places = places
        self.feedback = feedback
        self._reloading = False
        self.tree = app_commands.CommandTree(self)
        self.tree.error(self._on_command_error)
        self._state = state
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answer")
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._seen: deque[int] = deque(maxlen=1_000)

    async def answer(self, question: str, filters: Filters | None = None) -> Answer:
        """The engine's answer, found in the worker thread.

        Raises:
            QuestionError: the question cannot be asked as it stands.
            StoppingError: the bot is about to leave.
        """
        answer = await self.in_worker(self.engine.answer, question, filters)
        log.info(
            "answered quotes=%d reason=%s confidence=%.3f ms=%.0f",
            len(answer.quotes),
            answer.reason,
            answer.confidence,
            answer.timing.total,
        )
        log.debug("question=%r", question)
        return answer

    async def in_worker(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` gives, done in the worker thread so that the event loop stays free.

        Raises:
            StoppingError: the bot is about to leave.
        """
        if self._stopping:
            raise StoppingError
        job = functools.partial(work, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, job)
        except asyncio.CancelledError:
            if self._stopping:
                raise StoppingError from None
            raise

    async def reload(self) -> None:
        """Brings the index up to date with the corpus, and answers from it from then on.

        Questions asked until then are answered from the coverage as it was.

        Raises:
            ReloadError: it failed, and the coverage stays as it was.
            ReloadingError: a reload is under way already.
            StoppingError: the bot is about to leave.
        """
        if self._reloading:
            raise ReloadingError
        self._reloading = True
        try:
            # Not in the worker thread, which goes on answering meanwhile.
            self.engine, self.library = await asyncio.to_thread(self._reloaded)
        except RetrievalError as error:
            raise ReloadError from error
        finally:
            self._reloading = False

    def _reloaded(self) -> tuple[Engine, Library]:
        def report(step: str, done: int, total: int) -> None:
            if self._stopping or self.is_closed():  # the index stays whole
                raise StoppingError

        engine = self.engine.reload(self.places, report)
        return engine, Library(engine.articles, engine.summary)

    async def setup_hook(self) -> None:
        """Registers buttons and commands; Discord hears of commands only when they changed."""
        self.add_dynamic_items(PageButton, Thumb)
        for command in COMMANDS:
            self.tree.add_command(command)
        try:
            await self._sync()
        except discord.HTTPException as error:
            log.error("commands could not be synced, they stay as they were: %s", error)

    async def _sync(self) -> None:
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        text = json.dumps(payload, sort_keys=True)
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        key = str(self.application_id)
        known = self._known_fingerprints()
        if known.get(key) == fingerprint:
            log.info("commands unchanged count=%d", len(payload))
            return
        await self.tree.sync()
        log.info("commands synced count=%d", len(payload))
        try:
            self._state.write_text(json.dumps({**known, key: fingerprint}), encoding="utf-8")
        except OSError as error:
            log.warning("commands will be synced again at the next start: %s", error)

    def _known_fingerprints(self) -> dict[str, str]:
        try:
            known = json.loads(self._state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    async def on_ready(self) -> None:
        """Says that it is on; fires again after reconnects."""
        log.info("ready articles=%d guilds=%d", self.library.summary.articles, len(self.guilds))

    async def on_message(self, message: discord.Message) -> None:
        """Answers a mention in a channel, and any direct message."""
        if message.author.bot or self.user is None:
            return
        if message.guild is not None and self.user not in message.mentions:
            return
        question = re.sub(rf"<@!?{self.user.id}>", " ", message.content).strip()
        if message.id in self._seen:  # Discord may send an event twice
            return
        self._seen.append(message.id)
        with self.working():
            await self._reply(message, question)

    async def _reply(self, message: discord.Message, question: str) -> None:
        view = discord.ui.View(timeout=None)
        embeds: list[discord.Embed] = []
        answer: Answer | None = None
        feedback = self.feedback if message.guild is not None else None
        try:
            if question:
                with contextlib.suppress(discord.HTTPException, *LOST):
                    await message.channel.typing()
                answer = await self.answer(question)
                shown = answer_message(answer, repeat_question=False)
                content = shown.content
                embeds = list(shown.pages[0]) if shown.pages else []
                view = quotes_view(answer.quotes, answer.nearest, len(shown.pages))
                add_thumbs(view, feedback, answer)
            else:
                content = _HELP
        except Exception as error:  # every failure is told to the one who asked
            content = escape(sentence(error))

        async def send() -> None:
            await message.channel.send(
                content,
                embeds=embeds,
                view=view,
                # A question that was deleted meanwhile is still answered, in the channel.
                reference=message.to_reference(fail_if_not_exists=False),
                mention_author=False,
                # The same number again, should the first try have arrived after all.
                nonce=message.id,
            )

        try:
            await despite_a_lost_connection(send)
        except discord.Forbidden:
            log.warning(
                "cannot answer in channel=%d: needs Send Messages, Embed Links and Read Message "
                "History there",
                message.channel.id,
            )
        except discord.NotFound:
            log.info("channel=%d is gone, its question stays unanswered", message.channel.id)
        except (discord.HTTPException, *LOST) as error:
            log.error("answer could not be sent channel=%d: %s", message.channel.id, error)
            with contextlib.suppress(discord.HTTPException, *LOST):
                await message.channel.send(escape(sentence(error)))
        if answer is not None:
            await note_gap(feedback, answer)

    async def _on_command_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError
    ) -> None:
        await tell(interaction, error)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Counts work under way, so that a stop can wait for it."""
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if self._busy == 0:
                self._idle.set()

    async def drain(self) -> None:
        """Waits for the questions under way, but not for ever, and takes no new ones.

        Those that are not answered in time, and newcomers, are told to ask again.
        """
        try:
            await asyncio.wait_for(self._idle.wait(), _DRAIN_S)
        except TimeoutError:
            log.warning("stopping with %d questions unanswered", self._busy)
        self._stopping = True
        self._worker.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _FAREWELL_S)

    async def close(self) -> None:
        """Leaves Discord and ends the worker thread."""
        await super().close()
        self._worker.shutdown(wait=False, cancel_futures=True)

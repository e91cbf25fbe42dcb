"""The Discord client: intents, no pings, command sync, the one error handler."""

import asyncio
import contextlib
import hashlib
import json
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import aiohttp
import discord
from discord import app_commands

from bot.buttons import PageButton, answer_view
from bot.cards import MAX_CONTENT, answer_message
from bot.commands import COMMANDS
from bot.commands.about import AnswerTimes
from bot.commands.timeline import TimelineButton
from bot.errors import (
    LOST,
    CooldownError,
    OutdatedError,
    ReloadError,
    ReloadingError,
    StoppingError,
    despite_a_lost_connection,
    sentence,
    tell,
)
from bot.escaping import escape, shorten
from bot.events import guard
from bot.feedback import Feedback, note_gap
from bot.library import Library
from bot.limits import Cooldown, Limits
from bot.messages import earlier_question
from bot.queue import Queue
from bot.thumbs import Thumb, add_thumbs
from retrieval.engine import Engine
from retrieval.errors import IndexBusyError, RetrievalError
from retrieval.types import Answer, Filters, Places
from retrieval.watching import watch

if TYPE_CHECKING:
    from retrieval.articles import CorpusFile

log = logging.getLogger(__name__)
discord.VoiceClient.warn_nacl = False  # there is no voice here to warn about
discord.VoiceClient.warn_dave = False

# Nothing privileged: Discord shows us the text of messages that mention us, and of direct messages,
# without the message content intent.
INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)

_HELP = (
    "Ask me something about the coverage, and I answer with quotes from it. "
    "`/ask` takes dates and a source too, `/timeline` shows a topic in order of date, and "
    "`/sources` lists what I have read. "
    "Reply to an answer to ask on. To look up what somebody wrote, choose *Apps › Find in the "
    "coverage* from the menu of their message. If you see no quotes in an answer, switch on *Show "
    "embeds* in Discord's settings, under *Chat*."
)
_ROLE = (
    "You have mentioned a role of mine, and Discord shows me nothing of such a message. Please "
    "mention {mention} instead, or use `/ask`."
)
_NO_CARDS = "\n-# To show the quotes I need the permission *Embed Links* here."
_WRITTEN = (discord.MessageType.default, discord.MessageType.reply)  # others are Discord's own
_DRAIN_S = 8  # a supervisor that stops us waits about ten seconds before it kills
_FAREWELL_S = 1  # to tell those who were not answered in that time
_CONNECTIONS = 200  # to Discord, used again and again; a burst would open one for each question
P = ParamSpec("P")
T = TypeVar("T")


class DatelineClient(discord.AutoShardedClient):
    """Answers mentions, direct messages and commands from one engine.

    Attributes:
        engine: answers one question at a time.
        queue: where questions wait for it, in a thread of its own, so that the event loop goes on
            acknowledging while it thinks.
        library: the engine's articles, for lists and buttons.
    """

    def __init__(
        self,
        engine: Engine,
        state: Path,
        *,
        places: Places,
        limits: Limits | None = None,
        feedback: Feedback | None = None,
    ) -> None:
        """What the bot answers from, how much of it at once, and what it keeps.

        Args:
            engine: the open engine.
            state: the file that remembers which commands were synced.
            places: where the engine was opened.
            limits: how much may be asked; by default as often as anybody likes.
            feedback: where unanswered questions and verdicts are written; None for nowhere.
        """
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        line = guard(self)
        limits = limits or Limits()
        self.engine = engine
        self.library = Library.of(engine)
        self.places = places
        self.feedback = feedback
        self._reloading = False
        self.tree = app_commands.CommandTree(
            self,
            # Every command can be had everywhere, unless it says otherwise itself.
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )
        self.tree.error(self._on_command_error)
        self._state = state
        self.queue = Queue(limits.queue, line)
        self._user_cooldown = Cooldown(limits.user)
        self._server_cooldown = Cooldown(limits.server)
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._buttons: list[type[discord.ui.DynamicItem[Any]]] = []
        self._seen: deque[int] = deque(maxlen=1_000)
        self.times = AnswerTimes()

    @contextlib.contextmanager
    def asking(self, user_id: int, server_id: int | None) -> Iterator[None]:
        """Lets somebody ask a question: to be entered before it is acknowledged.

        A question that finds no room does not count as asked.

        Raises:
            CooldownError: they, or their server, have asked often enough for now.
            BusyError: too many questions are under way.
            StoppingError: the bot is about to leave.
        """
        self._require_patience("user", self._user_cooldown, user_id)
        self._require_patience("server", self._server_cooldown, server_id or 0)
        with self.queue.place():
            self._user_cooldown.note(user_id)
            if server_id is not None:
                self._server_cooldown.note(server_id)
            yield

    @staticmethod
    def _require_patience(whose: Literal["user", "server"], cooldown: Cooldown, key: int) -> None:
        left_s = cooldown.left_s(key)
        if cooldown.rate is not None and left_s > 0:
            raise CooldownError(whose, cooldown.rate, left_s)

    async def answer(
        self, question: str, filters: Filters | None = None, *, context: str = ""
    ) -> Answer:
        """The engine's answer, found in the worker thread.

        Raises:
            QuestionError: the question cannot be asked as it stands.
            BusyError, StoppingError: as `in_worker`.
        """
        answer = await self.in_worker(self.engine.answer, question, filters, context=context)
        self.times.add(answer.timing.total)
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
            BusyError: too many jobs wait for it.
            StoppingError: the bot is about to leave.
        """
        return await self.queue.run(work, *args, **kwargs)

    async def reload(self, files: "Sequence[CorpusFile] | None" = None) -> None:
        """Brings the index up to date with the corpus, and answers from it from then on.

        Questions asked until then are answered from the coverage as it was.

        Args:
            files: what the corpus is taken to hold; by default, what it holds now.

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
            self.engine, self.library = await asyncio.to_thread(self._reloaded, files)
        except RetrievalError as error:
            raise ReloadError from error
        finally:
            self._reloading = False

    def _reloaded(self, files: "Sequence[CorpusFile] | None") -> tuple[Engine, Library]:
        def report(step: str, done: int, total: int) -> None:
            if self.queue.is_stopping or self.is_closed():  # the index stays whole
                raise StoppingError

        engine = self.engine.reload(self.places, report, files)
        return engine, Library.of(engine)

    async def follow(self) -> None:
        """Takes up new, changed and deleted articles as they come, until it is cancelled."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def take_up(files: "list[CorpusFile]") -> None:
            if self._reloading:
                raise IndexBusyError("the coverage is being reloaded")
            self._reloading = True
            try:
                engine, library = self._reloaded(files)
            finally:
                self._reloading = False
            loop.call_soon_threadsafe(self._answer_from, engine, library)

        def failed(error: RetrievalError) -> None:
            if not isinstance(error, IndexBusyError):  # whoever is at it takes them up
                log.warning("changes of the corpus cannot be taken up now: %s", error)

        try:
            await asyncio.to_thread(watch, self.places, take_up, stop, failed)
        except StoppingError:
            pass
        except Exception:
            log.exception("changes of the corpus are not taken up any more")
        finally:
            stop.set()

    def _answer_from(self, engine: Engine, library: Library) -> None:
        log.info(
            "followed articles=%d before=%d",
            library.summary.articles,
            self.library.summary.articles,
        )
        self.engine, self.library = engine, library

    async def login(self, token: str) -> None:
        """Logs in, on connections that are not without number."""
        self.http.connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        await super().login(token)

    async def setup_hook(self) -> None:
        """Registers buttons and commands; Discord hears of commands only when they changed."""
        self.add_dynamic_items(PageButton, TimelineButton, Thumb)
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
        if known.get(key) == fingerprint and await self._knows(payload):
            log.info("commands unchanged count=%d", len(payload))
            return
        await self.tree.sync()
        log.info("commands synced count=%d", len(payload))
        try:
            self._state.write_text(json.dumps({**known, key: fingerprint}), encoding="utf-8")
        except OSError as error:
            log.warning("commands will be synced again at the next start: %s", error)

    async def _knows(self, payload: list[dict[str, Any]]) -> bool:
        """Whether Discord has commands of these names; another program may have replaced them."""
        there = {(one.name, one.type.value) for one in await self.tree.fetch_commands()}
        return there == {(one["name"], one["type"]) for one in payload}

    def _known_fingerprints(self) -> dict[str, str]:
        try:
            known = json.loads(self._state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    async def on_ready(self) -> None:
        """Says that it is on; fires again after reconnects."""
        log.info("ready articles=%d guilds=%d", self.library.summary.articles, len(self.guilds))

    def add_dynamic_items(self, *items: type[discord.ui.DynamicItem[Any]]) -> None:
        """Registers buttons, and remembers which there are."""
        super().add_dynamic_items(*items)
        self._buttons += items

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answers buttons that this version does not know; the rest finds its own way."""
        data: Any = interaction.data
        if interaction.type is discord.InteractionType.component and not any(
            button.__discord_ui_compiled_template__.fullmatch(data["custom_id"])
            for button in self._buttons
        ):
            await tell(interaction, OutdatedError())

    async def on_message(self, message: discord.Message) -> None:
        """Answers a mention in a channel, a reply to an answer, and any direct message."""
        if message.author.bot or self.user is None or message.type not in _WRITTEN:
            return
        question, advice = "", _HELP
        if message.guild is None or self.user in message.mentions:
            question = re.sub(rf"<@!?{self.user.id}>", " ", message.content).strip()
        elif message.guild.self_role in message.role_mentions:
            advice = _ROLE.format(mention=self.user.mention)
        else:
            return
        if message.id in self._seen:  # Discord may send an event twice
            return
        self._seen.append(message.id)
        with self.working():
            await self._reply(message, question, earlier_question(message, self.user), advice)

    async def _reply(
        self, message: discord.Message, question: str, context: str, advice: str
    ) -> None:
        """Answers a message; `advice` is what to say where there is no question."""
        view = discord.ui.View(timeout=None)
        embeds: list[discord.Embed] = []
        answer: Answer | None = None
        feedback = self.feedback if message.guild is not None else None
        may = _permissions(message)
        try:
            if question:
                with self.asking(message.author.id, message.guild.id if message.guild else None):
                    with contextlib.suppress(discord.HTTPException, *LOST):
                        await message.channel.typing()
                    answer = await self.answer(question, context=context)
                shown = answer_message(answer)
                content = shown.content
                embeds = list(shown.pages[0]) if shown.pages else []
                if embeds and not may.embed_links:  # Discord leaves them out without a word
                    content = shorten(content, MAX_CONTENT - len(_NO_CARDS)) + _NO_CARDS
                view = answer_view(answer, len(shown.pages))
                add_thumbs(view, feedback, answer)
            else:
                content = advice
        except Exception as error:  # every failure is told to the one who asked
            content = escape(sentence(error))

        # A question that was deleted meanwhile, or that we may not reply to, is still answered, in
        # the channel.
        reference: Any = None
        if may.read_message_history:
            reference = message.to_reference(fail_if_not_exists=False)

        async def send() -> None:
            await message.channel.send(
                content,
                embeds=embeds,
                view=view,
                reference=reference,
                mention_author=False,
                # The same number again, should the first try have arrived after all.
                nonce=message.id,
            )

        try:
            await despite_a_lost_connection(send)
        except discord.Forbidden:
            log.warning(
                "cannot answer in channel=%d: needs Send Messages there, in threads Send Messages "
                "in Threads",
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
        self.queue.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _FAREWELL_S)

    async def close(self) -> None:
        """Leaves Discord and ends the worker thread."""
        await super().close()
        self.queue.stop()


def _permissions(message: discord.Message) -> discord.Permissions:
    """What we may do where a message stands; everything, as far as we know no better."""
    channel = message.channel
    me: discord.Member | None = message.guild.me if message.guild else None
    if me is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return discord.Permissions.all()
    try:
        return channel.permissions_for(me)
    except discord.ClientException:  # a thread whose channel is unknown
        return discord.Permissions.all()

"""A Discord on loopback: a bot connects to it, a test acts on it as a user, and asserts."""

import asyncio
import contextlib
import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.fakes.exchanges import AUTOCOMPLETE, COMMAND, COMPONENT, MESSAGE, Exchange
from tests.fakes.gateway import Gateway
from tests.fakes.openapi import schema_errors
from tests.fakes.redirect import sitecustomize
from tests.fakes.rest import REPLY, Handler, Rest, Stored
from tests.fakes.rules import LINK, walk
from tests.fakes.slash import RefusedError, compose, compose_for_message
from tests.fakes.wire import (
    BASE,
    ApiError,
    Call,
    Fault,
    InvalidBodyError,
    Request,
    failure,
    read,
    refusal,
    to_json,
)
from tests.fakes.world import (
    ALICE,
    AWAY,
    BOT,
    BOT_ID,
    CHANNEL_ID,
    Place,
    SentMessage,
    User,
    button_label,
    interaction,
    message,
)

__all__ = ["TOKEN", "Exchange", "FakeDiscord", "RefusedError", "Request", "SentMessage", "User"]

Json = dict[str, Any]
T = TypeVar("T")

TOKEN = "MTA.fake.token"  # noqa: S105 - good only here


class FakeDiscord:
    """REST and gateway of a Discord with one guild, one text channel, and direct messages.

    Use it as an async context manager in the test's own event loop. Tests end with
    `assert discord.invalid == []` and `assert discord.pings == []`.

    Args:
        token: the one that is accepted.
        privileged_intents: those that are switched on for the application.
        shards: how many it recommends to `AutoShardedClient`.
        port: 0 takes any that is free.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        privileged_intents: int = 0,
        shards: int = 1,
        port: int = 0,
    ) -> None:
        self.port = port
        self.requests: list[Request] = []
        self.unknown_routes: list[str] = []  # requested, but not served here
        self.invalid: list[str] = []  # what Discord would have refused
        self.gateway = Gateway(token, privileged_intents, self._notify)
        self._token = token
        self._rest = Rest(privileged_intents, shards, self.gateway)
        self._faults: list[Fault] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024 * 1024)  # bytes, more than any upload
        app.router.add_get("/gateway", self.gateway.serve)
        for (method, path), handler in self._rest.routes().items():
            app.router.add_route(method, BASE + path, self._serving(handler))
        app.router.add_route("*", "/{path:.*}", self._unknown)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.gateway.url = f"ws://127.0.0.1:{self.port}/gateway"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.gateway.drop(1001)  # going away
        assert self._runner is not None
        await self._runner.cleanup()

    # Finding it

    @property
    def environ(self) -> dict[str, str]:
        """What to add to the environment of a bot in another process, so that it comes here."""
        folder = str(Path(sitecustomize.__file__).parent)
        present = os.environ.get("PYTHONPATH")
        return {
            "PYTHONPATH": os.pathsep.join([folder, present] if present else [folder]),
            "FAKE_DISCORD_PORT": str(self.port),
        }

    @contextlib.contextmanager
    def redirected(self) -> Iterator[None]:
        """Points discord.py in this process here, and back again."""
        before = []
        for module, (owner, attribute, address) in sitecustomize.addresses(self.port).items():
            changed = getattr(importlib.import_module(module), owner)
            before.append((changed, attribute, getattr(changed, attribute)))
            setattr(changed, attribute, type(getattr(changed, attribute))(address))
        try:
            yield
        finally:
            for changed, attribute, address in before:
                setattr(changed, attribute, address)

    # Watching

    @property
    def commands(self) -> list[Json]:
        """The commands that the bot has synced."""
        return self._rest.commands

    @property
    def exchanges(self) -> list[Exchange]:
        """All that users did, in order."""
        return self._rest.exchanges

    @property
    def pings(self) -> list[SentMessage]:
        """The messages that could have notified somebody."""
        return self._rest.pings

    @property
    def messages(self) -> list[SentMessage]:
        """All messages of the bot as they stand now, in order ("is thinking…" too)."""
        stored = self._rest.stored.values()
        return [one.seen() for one in stored if one.payload["author"]["id"] == str(BOT_ID)]

    async def until(self, ready: Callable[[], T], timeout_s: float = 5.0) -> T:
        """The first true result of `ready`, which is tried again whenever the bot did something.

        Raises:
            TimeoutError: it gave none in time.
        """
        return await self._rest.changes.until(ready, timeout_s)

    async def connected(self, timeout_s: float = 30.0) -> None:
        """Waits until the bot can receive events.

        Raises:
            TimeoutError: it did not get there in time.
        """
        await self.until(lambda: self.gateway.is_connected, timeout_s)

    # Acting as a user

    async def slash(
        self,
        name: str,
        /,
        *,
        user: User = ALICE,
        dm: bool = False,
        at: Place | None = None,
        **options: Any,
    ) -> Exchange:
        """Sends a slash command (`"ask"`, or `"corpus list"` for a subcommand).

        Args:
            name: of the command.
            user: who sends it.
            dm: in the direct messages with the bot instead of the channel.
            at: where the bot is not.
            options: by their names.

        Raises:
            RefusedError: the user's client would not send it: no such command or option, a
                required option missing, a value out of range.
        """
        data = compose(self.commands, name, options, user=user, dm=dm, at=at)
        return await self._interact(COMMAND, data, user, dm=dm, at=at)

    async def choose(
        self,
        name: str,
        on: Exchange | SentMessage,
        /,
        *,
        user: User = ALICE,
        at: Place | None = None,
    ) -> Exchange:
        """Chooses a command from the menu of a message, whoever wrote it.

        Raises:
            RefusedError: the user's client would not send it: there is no such command.
        """
        target = self._rest.stored[on.id].payload | ({"channel_id": at.id} if at else {})
        dm = at is None and target["channel_id"] != str(CHANNEL_ID)
        data = compose_for_message(self.commands, name, target, user=user, dm=dm, at=at)
        return await self._interact(COMMAND, data, user, dm=dm, at=at)

    async def autocomplete(
        self,
        name: str,
        option: str,
        typed: Any,
        /,
        *,
        user: User = ALICE,
        dm: bool = False,
        **others: Any,
    ) -> list[Json]:
        """The choices for an option into which `typed` has been typed so far.

        Raises:
            RefusedError: the option has no autocomplete.
            AssertionError: the bot gave no choices within three seconds.
        """
        given = {**others, option: typed}
        data = compose(self.commands, name, given, user=user, dm=dm, focused=option)
        exchange = await self._interact(AUTOCOMPLETE, data, user, dm=dm)
        await exchange.acknowledged(timeout_s=3.0)
        return exchange.choices

    async def press(
        self, on: SentMessage, label_or_custom_id: str, /, *, user: User = ALICE
    ) -> Exchange:
        """Presses a button, even of a message that has just been deleted.

        Raises:
            RefusedError: `user` cannot see the message, or it has no such button, or one that is
                greyed out or a link.
        """
        stored = self._rest.stored.get(on.id)
        current = stored.seen() if stored else on
        if current.audience not in {None, user}:
            raise RefusedError(f"{user.name} cannot see that message")
        button = _button(current, label_or_custom_id)
        data = {"component_type": 2, "custom_id": button["custom_id"], "id": button["id"]}
        payload = stored.payload if stored else _remembered(on)
        at = AWAY.get(on.channel_id)
        dm = at is None and on.channel_id != str(CHANNEL_ID)
        return await self._interact(COMPONENT, data, user, dm=dm, at=at, message=payload)

    async def mention(self, text: str, /, *, user: User = ALICE) -> Exchange:
        """Writes a message in the channel that mentions the bot."""
        return await self._write(f"<@{BOT_ID}> {text}", user, mentions=[BOT.payload()])

    async def say(self, text: str, /, *, user: User = ALICE, **more: Any) -> Exchange:
        """Writes a message in the channel that does not mention the bot; `more` is in it too."""
        return await self._write(text, user, **more)

    async def reply(
        self, to: Exchange | SentMessage, text: str, /, *, user: User = ALICE, ping: bool = True
    ) -> Exchange:
        """Replies to a message of the bot, or to the message that began an exchange.

        The former mentions the bot, unless `ping` is switched off or it answers an interaction:
        https://github.com/discord/discord-api-docs/issues/5395. `<@id>` in the text always does.
        """
        place = {"message_id": to.id, "channel_id": to.channel_id}
        is_pinged = ping and self._is_mentioned_by_replies(to.id)
        return await self._write(
            text,
            user,
            dm=to.channel_id != str(CHANNEL_ID),
            type=REPLY,
            mentions=[BOT.payload()] if is_pinged or f"<@{BOT_ID}>" in text else [],
            message_reference=place,
            referenced_message=self._rest.stored[to.id].payload if self._exists(to.id) else None,
        )

    async def direct_message(self, text: str, /, *, user: User = ALICE, **more: Any) -> Exchange:
        """Writes a direct message to the bot; `more` is in it too."""
        return await self._write(text, user, dm=True, **more)

    async def delete(self, what: SentMessage | Exchange, /) -> None:
        """Deletes a message of the bot, or the message that began an exchange."""
        await self._rest.delete(what.id)

    def close_channel(self) -> None:
        """Takes the text channel away; what the bot then sends there is refused."""
        del self._rest.channels[str(CHANNEL_ID)]

    # Misbehaving

    def rate_limit_next(
        self,
        retry_after: float = 0.1,
        *,
        via: bool = True,
        is_global: bool = False,
        path: str | None = None,
    ) -> None:
        """Answers the next request with 429; without `via` as Cloudflare does, for a ban."""
        fault = Fault(429, path, retry_after=retry_after, via=via, is_global=is_global)
        self._faults.append(fault)

    def fail_next(self, status: int, *, times: int = 1, path: str | None = None) -> None:
        """Answers the next `times` requests (whose path contains `path`) with an error."""
        self._faults.append(Fault(status, path, times))

    def drop_next_request(self, *, path: str | None = None, after: bool = False) -> None:
        """Closes the connection of the next request with no answer.

        With `after`, the request has its effect first. (For GET and PUT on a connection used
        before, aiohttp's client silently tries once more.)
        """
        self._faults.append(Fault(0, path, is_late=after))

    def delay_next_request(self, seconds: float, *, path: str | None = None) -> None:
        """Answers the next request properly, but late."""
        self._faults.append(Fault(200, path, delay_s=seconds))

    async def drop_gateway(self, code: int = 4000, *, abrupt: bool = False) -> None:
        """Closes the gateway connection: with a code, or by breaking TCP. The bot may RESUME."""
        await self.gateway.drop(None if abrupt else code)

    async def invalid_session(self) -> None:
        """Makes the bot start a new session (discord.py waits 5 s before it does)."""
        await self.gateway.invalidate()

    # Serving

    def _serving(self, handler: Handler) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            call = await read(request)
            fault = self._next_fault(call.path)
            if fault is not None and fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            if fault is None or fault.is_late or fault.delay_s:
                response = await self._answer(handler, call)
            else:
                response = failure(fault)
            is_lost = fault is not None and fault.status == 0
            if is_lost and request.transport is not None:
                request.transport.close()
            status = 0 if is_lost else response.status
            self.requests.append(Request(call.method, call.path, call.body, status))
            await self._notify()
            return response

        return serve

    async def _answer(self, handler: Handler, call: Call) -> web.Response:
        try:
            self._check(call)
            reply = await handler(call)
        except InvalidBodyError as error:
            found = [f"{call.method} {call.path}: {problem}" for problem in error.errors]
            self.invalid += found
            causes = [{"code": "INVALID", "message": problem} for problem in error.errors]
            return refusal(error, errors={"body": {"_errors": causes}})
        except ApiError as error:
            return refusal(error)
        return web.Response(status=204) if reply is None else to_json(reply)

    def _check(self, call: Call) -> None:
        """Raises `ApiError` for a wrong token or a body that the document does not allow."""
        by_its_path = call.path.startswith(("/interactions/", "/webhooks/"))
        if not by_its_path and call.token != f"Bot {self._token}":
            raise ApiError(401, 0, "401: Unauthorized")
        if errors := schema_errors(call.method, call.path, call.body):
            raise InvalidBodyError(errors)
        if call.unlisted:
            raise InvalidBodyError([f"attachments: {sorted(call.unlisted)} are not listed"])

    def _next_fault(self, path: str) -> Fault | None:
        for fault in self._faults:
            if fault.path is None or fault.path in path:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        return None

    async def _unknown(self, request: web.Request) -> web.Response:
        self.unknown_routes.append(f"{request.method} {request.path}")
        await self._notify()
        return refusal(ApiError(404, 0, "404: Not Found"))

    async def _notify(self) -> None:
        await self._rest.changes.notify()

    # Events

    async def _interact(
        self,
        kind: int,
        data: Json,
        user: User,
        *,
        dm: bool,
        at: Place | None = None,
        **more: Any,
    ) -> Exchange:
        self._check_online()
        self._rest.add_dm(user)
        event = interaction(kind, data, user, dm=dm, at=at) | more
        exchange = self._exchange(event, kind, user)
        exchange.token = event["token"]
        self._rest.by_token[exchange.token] = exchange
        if kind == COMPONENT:
            exchange.original_id = event["message"]["id"]
        await self.gateway.dispatch("INTERACTION_CREATE", event)
        return exchange

    async def _write(self, text: str, user: User, *, dm: bool = False, **more: Any) -> Exchange:
        self._check_online()
        dm_id = self._rest.add_dm(user)
        payload = message(user, dm_id if dm else str(CHANNEL_ID), content=text, **more)
        exchange = self._exchange(payload, MESSAGE, user)
        self._rest.stored[payload["id"]] = Stored(payload)
        event = payload if dm else payload | {"member": user.member()}
        if not dm and not payload["mentions"] and not self.gateway.reads_content:
            event["content"] = ""
        await self._rest.tell("MESSAGE_CREATE", event)
        return exchange

    def _exchange(self, payload: Json, kind: int, user: User) -> Exchange:
        exchange = Exchange(
            payload["id"],
            kind,
            user,
            payload["channel_id"],
            _find=self._rest.find,
            _changes=self._rest.changes,
            _refused=self.invalid,
        )
        self.exchanges.append(exchange)
        return exchange

    def _check_online(self) -> None:
        if not self.gateway.has_session:
            raise RefusedError("the bot is offline: wait for `connected()` first")

    def _exists(self, message_id: str) -> bool:
        return message_id in self._rest.stored

    def _is_mentioned_by_replies(self, message_id: str) -> bool:
        """Whether a reply to this message, which may just have been deleted, mentions the bot."""
        if not self._exists(message_id):
            return True
        payload = self._rest.stored[message_id].payload
        return payload["author"]["id"] == str(BOT_ID) and "interaction_metadata" not in payload


def _button(sent: SentMessage, label_or_custom_id: str) -> Json:
    """The button of a message that a user means."""
    buttons = [part for part in walk(sent.components) if part["type"] == 2]
    for button in buttons:
        if label_or_custom_id in {button_label(button), button.get("custom_id")}:
            if button.get("disabled") or button["style"] == LINK:
                raise RefusedError(f"{label_or_custom_id!r} is greyed out, or a link")
            return button
    labels = [button_label(button) for button in buttons]
    raise RefusedError(f"no button {label_or_custom_id!r} among {labels}")


def _remembered(sent: SentMessage) -> Json:
    """A deleted message as the user's client still has it."""
    shown = {"content": sent.content, "embeds": list(sent.embeds), "flags": sent.flags}
    components = list(sent.components)
    return message(BOT, sent.channel_id, id=sent.id, components=components, **shown)

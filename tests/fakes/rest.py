"""The REST side of the fake Discord: what the bot may ask for, and what that does."""

import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import rules, world
from tests.fakes.exchanges import AUTOCOMPLETE, COMMAND, COMPONENT, MESSAGE, Changes, Exchange
from tests.fakes.gateway import Gateway
from tests.fakes.wire import ApiError, Call, InvalidBodyError
from tests.fakes.world import (
    ADMIN,
    ALICE,
    AWAY,
    BOB,
    BOT,
    BOT_ID,
    CHANNEL_ID,
    GUILD_ID,
    SentMessage,
    User,
    application,
    dm_channel,
    message,
    snowflake,
    text_channel,
)

Json = dict[str, Any]

ACKNOWLEDGE_S = 3.0  # then Discord forgets an interaction that got no callback
TOKEN_S = 15 * 60.0  # how long the token of an interaction is good
GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 9, 1 << 12  # intents
READ_MESSAGE_HISTORY = 1 << 16  # a permission
REPLY, CHAT_INPUT_COMMAND = 19, 20  # message types
SHOWN = {"content": str, "embeds": list, "components": list}  # what a body may set
#               interaction: callbacks it may get
CALLBACKS = {COMMAND: {4, 5, 9}, COMPONENT: {4, 5, 6, 7, 9}, AUTOCOMPLETE: {8}}


@dataclass(slots=True)
class Stored:
    """A message as the fake keeps it."""

    payload: Json
    audience: User | None = None
    edits: int = 0
    files: dict[str, bytes] = field(default_factory=dict)

    def seen(self) -> SentMessage:
        """A picture of the message as it is now."""
        payload = self.payload
        return SentMessage(
            id=payload["id"],
            channel_id=payload["channel_id"],
            content=payload["content"],
            embeds=tuple(payload["embeds"]),
            components=tuple(payload["components"]),
            flags=payload["flags"],
            reference=(payload.get("message_reference") or {}).get("message_id"),
            edits=self.edits,
            files=dict(self.files),
            audience=self.audience,
        )


Handler = Callable[[Call], Awaitable[Any]]


class Rest:
    """The state of the fake Discord, and a handler for each request that can change it."""

    def __init__(self, privileged_intents: int, shards: int, gateway: Gateway) -> None:
        self.commands: list[Json] = []
        self.exchanges: list[Exchange] = []
        self.by_token: dict[str, Exchange] = {}  # those that are interactions
        self.pings: list[SentMessage] = []
        self.stored: dict[str, Stored] = {}
        self.changes = Changes()
        self.channels = {str(CHANNEL_ID): text_channel()}
        for user in (ALICE, BOB, ADMIN):
            self.add_dm(user)
        self._application = application(privileged_intents)
        self._shards = shards
        self._gateway = gateway
        self._by_nonce: dict[tuple[str, str], str] = {}

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Method and path of each request that is served."""
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        original, follow_up = f"{webhook}/messages/@original", f"{webhook}/messages/{{message_id}}"
        channel = "/channels/{channel_id}"
        a_message = f"{channel}/messages/{{message_id}}"
        return {
            ("GET", "/users/@me"): self._me,
            ("POST", "/users/@me/channels"): self._open_dm,
            ("GET", "/oauth2/applications/@me"): self._get_application,
            ("GET", "/gateway/bot"): self._get_gateway,
            ("GET", "/applications/{application_id}/commands"): self._get_commands,
            ("PUT", "/applications/{application_id}/commands"): self._put_commands,
            ("POST", "/interactions/{interaction_id}/{token}/callback"): self._callback,
            ("POST", webhook): self._follow_up,
            ("GET", original): self._get_by_token,
            ("PATCH", original): self._edit_by_token,
            ("DELETE", original): self._delete_by_token,
            ("GET", follow_up): self._get_by_token,
            ("PATCH", follow_up): self._edit_by_token,
            ("DELETE", follow_up): self._delete_by_token,
            ("GET", channel): self._get_channel,
            ("POST", f"{channel}/typing"): self._typing,
            ("POST", f"{channel}/messages"): self._send,
            ("GET", a_message): self._get_message,
            ("PATCH", a_message): self._edit_message,
            ("DELETE", a_message): self._delete_message,
        }

    def find(self, message_id: str) -> SentMessage | None:
        """A message of the bot, or None when there is none (any more)."""
        stored = self.stored.get(message_id)
        return stored.seen() if stored else None

    def add_dm(self, user: User) -> str:
        """Makes sure that `user` has a channel for direct messages; its id."""
        self.channels[str(user.dm_id)] = dm_channel(user)
        return str(user.dm_id)

    async def tell(self, event: str, payload: Json) -> None:
        """Sends a message event to the bot, if its intents allow that."""
        if payload["channel_id"] in AWAY:
            return
        in_guild = payload["channel_id"] == str(CHANNEL_ID)
        place = {"guild_id": str(GUILD_ID)} if in_guild else {}
        intent = GUILD_MESSAGES if in_guild else DIRECT_MESSAGES
        await self._gateway.dispatch(event, payload | place, intent=intent)

    async def delete(self, message_id: str) -> None:
        """Takes a message away, whoever wrote it."""
        payload = self.stored.pop(message_id).payload
        await self.tell("MESSAGE_DELETE", {key: payload[key] for key in ("id", "channel_id")})

    # The application

    async def _me(self, _: Call) -> Json:
        return BOT.payload()

    async def _open_dm(self, call: Call) -> Json:
        for channel in self.channels.values():
            recipients = [user["id"] for user in channel.get("recipients", ())]
            if str(call.body["recipient_id"]) in recipients:
                return channel
        raise ApiError(403, 50007, "Cannot send messages to this user")

    async def _get_application(self, _: Call) -> Json:
        return self._application

    async def _get_gateway(self, _: Call) -> Json:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 16}
        return {"url": self._gateway.url, "shards": self._shards, "session_start_limit": limit}

    async def _get_commands(self, _: Call) -> list[Json]:
        return self.commands

    async def _put_commands(self, call: Call) -> list[Json]:
        _require(rules.command_errors(call.body or []))
        known = {(command["type"], command["name"]): command["id"] for command in self.commands}
        self.commands = []
        for command in call.body or ():
            kind = command.get("type") or 1
            permissions = command.get("default_member_permissions")
            self.commands.append(
                command
                | {
                    "id": known.get((kind, command["name"])) or snowflake(),
                    "application_id": str(BOT_ID),
                    "version": snowflake(),
                    "type": kind,
                    "description": command.get("description") or "",
                    "default_member_permissions": None if permissions is None else str(permissions),
                }
            )
        return self.commands

    # Interactions

    async def _callback(self, call: Call) -> Json | None:
        exchange = self.by_token.get(call.params["token"])
        if exchange is None or exchange.id != call.params["interaction_id"]:
            raise ApiError(404, 10062, "Unknown interaction")
        if exchange.callback_type is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        if exchange.age_s > ACKNOWLEDGE_S:
            raise ApiError(404, 10062, "Unknown interaction")
        kind, data = call.body["type"], call.body.get("data") or {}
        if kind not in CALLBACKS[exchange.kind]:
            raise InvalidBodyError([f"type: {kind} does not answer this kind of interaction"])
        _require(rules.choice_errors(data.get("choices") or []))
        if kind in {4, 5}:
            stored = await self._create_by_token(exchange, call, data, is_loading=kind == 5)
            exchange.original_id = stored.payload["id"]
        elif kind == 7:
            await self._edit(self._pressed(exchange), call, data)
            exchange.show(exchange.original_id or "")
        exchange.callback_type, exchange.callback_body = kind, call.body
        exchange.acknowledge()
        return (
            self._resource(exchange) if call.query.get("with_response") in {"1", "true"} else None
        )

    def _resource(self, exchange: Exchange) -> Json:
        about: Json = {"id": exchange.id, "type": exchange.kind}
        reply: Json = {"interaction": about, "resource": {"type": exchange.callback_type}}
        if exchange.callback_type in {4, 5, 7} and exchange.original_id in self.stored:
            payload = self.stored[exchange.original_id].payload
            about["response_message_id"] = payload["id"]
            about["response_message_loading"] = bool(payload["flags"] & rules.LOADING)
            about["response_message_ephemeral"] = bool(payload["flags"] & rules.EPHEMERAL)
            reply["resource"]["message"] = payload
        return reply

    async def _follow_up(self, call: Call) -> Json:
        exchange = self._answered(call)
        original = self.stored.get(exchange.original_id or "")
        if original is not None and original.payload["flags"] & rules.LOADING:
            await self._edit(original, call, call.body)  # it takes the place of "is thinking…"
            exchange.show(original.payload["id"])
            return original.payload
        return (await self._create_by_token(exchange, call, call.body)).payload

    async def _get_by_token(self, call: Call) -> Json:
        return self._addressed(call)[1].payload

    async def _edit_by_token(self, call: Call) -> Json:
        exchange, stored = self._addressed(call)
        await self._edit(stored, call, call.body)
        exchange.show(stored.payload["id"])
        return stored.payload

    async def _delete_by_token(self, call: Call) -> None:
        await self.delete(self._addressed(call)[1].payload["id"])

    def _answered(self, call: Call) -> Exchange:
        """The exchange whose token a webhook call carries, if it may be used."""
        exchange = self.by_token.get(call.params["webhook_token"])
        if exchange is None or exchange.age_s > TOKEN_S:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        if exchange.callback_type is None or call.params["webhook_id"] != str(BOT_ID):
            raise ApiError(404, 10015, "Unknown Webhook")
        return exchange

    def _addressed(self, call: Call) -> tuple[Exchange, Stored]:
        """The exchange and the message that a webhook call is about."""
        exchange = self._answered(call)
        made = {shown.id for shown in exchange.messages}
        message_id = call.params.get("message_id", exchange.original_id)
        if message_id not in self.stored or message_id not in made | {exchange.original_id}:
            raise ApiError(404, 10008, "Unknown Message")
        return exchange, self.stored[message_id]

    def _pressed(self, exchange: Exchange) -> Stored:
        if exchange.original_id not in self.stored:
            raise ApiError(404, 10008, "Unknown Message")
        return self.stored[exchange.original_id]

    async def _create_by_token(
        self, exchange: Exchange, call: Call, data: Json, *, is_loading: bool = False
    ) -> Stored:
        about = {
            "id": exchange.id,
            "type": exchange.kind,
            "user": exchange.user.payload(),
            "authorizing_integration_owners": {},
        }
        blank = message(
            BOT,
            exchange.channel_id,
            type=CHAT_INPUT_COMMAND if exchange.kind == COMMAND else REPLY,
            application_id=str(BOT_ID),
            webhook_id=str(BOT_ID),
            interaction_metadata=about,
            flags=rules.LOADING if is_loading else 0,
        )
        stored = Stored(blank, exchange.user if _flags(data) & rules.EPHEMERAL else None)
        await self._fill(stored, call, data, is_new=True)
        if not is_loading:
            exchange.show(stored.payload["id"])
        return stored

    # Channels

    async def _get_channel(self, call: Call) -> Json:
        return self._channel(call)

    async def _typing(self, call: Call) -> None:
        asked = self._asked_in(self._channel(call)["id"], None)
        if asked is not None:
            asked.acknowledge()

    async def _send(self, call: Call) -> Json:
        channel_id = self._channel(call)["id"]
        nonce = (channel_id, str(call.body.get("nonce")))
        if call.body.get("enforce_nonce") and self._by_nonce.get(nonce) in self.stored:
            return self.stored[self._by_nonce[nonce]].payload
        stored = Stored(message(BOT, channel_id, nonce=call.body.get("nonce")))
        reference = call.body.get("message_reference") or {}
        replied_id = str(reference.get("message_id", ""))
        in_guild = channel_id == str(CHANNEL_ID)
        if replied_id and in_guild and not world.MEMBER_PERMISSIONS & READ_MESSAGE_HISTORY:
            raise ApiError(403, 160002, "Cannot reply without permission to read message history")
        if replied_id in self.stored:
            replied = self.stored[replied_id].payload
            place = {"message_id": replied_id, "channel_id": channel_id}
            stored.payload |= {"type": REPLY, "message_reference": place}
            stored.payload |= {"referenced_message": replied}
        elif replied_id and reference.get("fail_if_not_exists") is not False:
            raise InvalidBodyError(["message_reference: Unknown message"])
        await self._fill(stored, call, call.body, is_new=True)
        self._by_nonce[nonce] = stored.payload["id"]
        asked = self._asked_in(channel_id, replied_id or None)
        if asked is not None:
            asked.acknowledge()
            asked.show(stored.payload["id"])
        return stored.payload

    async def _get_message(self, call: Call) -> Json:
        return self._in_channel(call).payload

    async def _edit_message(self, call: Call) -> Json:
        stored = self._in_channel(call)
        if stored.payload["author"]["id"] != str(BOT_ID):
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        await self._edit(stored, call, call.body)
        return stored.payload

    async def _delete_message(self, call: Call) -> None:
        await self.delete(self._in_channel(call).payload["id"])

    def _channel(self, call: Call) -> Json:
        if call.params["channel_id"] not in self.channels:
            raise ApiError(404, 10003, "Unknown Channel")
        return self.channels[call.params["channel_id"]]

    def _in_channel(self, call: Call) -> Stored:
        channel_id = self._channel(call)["id"]
        stored = self.stored.get(call.params["message_id"])
        if stored is None or stored.audience or stored.payload["channel_id"] != channel_id:
            raise ApiError(404, 10008, "Unknown Message")
        return stored

    def _asked_in(self, channel_id: str, replied_id: str | None) -> Exchange | None:
        """The user's message that a message of the bot answers: the one replied to, or the last."""
        return next(
            (
                exchange
                for exchange in reversed(self.exchanges)
                if exchange.kind == MESSAGE and exchange.channel_id == channel_id
                if replied_id in {None, exchange.id}
            ),
            None,
        )

    # Messages

    async def _edit(self, stored: Stored, call: Call, data: Json) -> None:
        was_loading = stored.payload["flags"] & rules.LOADING
        stored.payload["flags"] &= ~rules.LOADING
        try:
            await self._fill(stored, call, data, is_new=False)
        except InvalidBodyError:
            stored.payload["flags"] |= was_loading
            raise

    async def _fill(self, stored: Stored, call: Call, data: Json, *, is_new: bool) -> None:
        """Puts a body into a message and tells the bot, unless the outcome breaks a rule."""
        payload = stored.payload | {"flags": stored.payload["flags"] | _flags(data)}
        if not stored.audience:
            payload["flags"] &= ~rules.EPHEMERAL  # settled when an interaction was answered
        for part, kind in SHOWN.items():
            if part in data:
                payload[part] = data[part] or kind()
        payload["components"] = _numbered(payload["components"])
        payload["attachments"] = _attachments(payload["attachments"], data, call.files)
        if not payload["flags"] & rules.LOADING:
            _require(rules.message_errors(payload))
        if not is_new:
            payload["edited_timestamp"] = message(BOT, "")["timestamp"]
            stored.edits += 1
        stored.payload = payload
        stored.files |= call.files
        self.stored[payload["id"]] = stored
        if rules.could_ping(data):
            self.pings.append(stored.seen())
        if not stored.audience:
            await self.tell("MESSAGE_CREATE" if is_new else "MESSAGE_UPDATE", payload)


def _require(errors: Iterable[str]) -> None:
    if found := list(errors):
        raise InvalidBodyError(found)


def _flags(data: Json) -> int:
    return int(data.get("flags") or 0)


def _numbered(components: list[Json]) -> list[Json]:
    """The components with the ids that Discord gives to those that have none."""
    taken = {part["id"] for part in rules.walk(components) if part.get("id")}
    free = (number for number in itertools.count(1) if number not in taken)
    for part in rules.walk(components):
        if not part.get("id"):
            part["id"] = next(free)
    return components


def _attachments(present: list[Json], data: Json, files: dict[str, bytes]) -> list[Json]:
    """The attachments after an edit: those that the body lists, and the new files."""
    if data.get("attachments") is not None:
        kept = {str(attachment["id"]) for attachment in data["attachments"]}
        present = [attachment for attachment in present if attachment["id"] in kept]
    new = [
        {
            "id": snowflake(),
            "filename": name,
            "size": len(content),
            "url": f"https://cdn.discordapp.com/attachments/{name}",
            "proxy_url": f"https://media.discordapp.net/attachments/{name}",
        }
        for name, content in files.items()
    ]
    return present + new

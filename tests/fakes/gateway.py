"""The websocket side of the fake Discord: sessions, their events, and how to break them."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.world import BOT, GUILD_ID, application, guild, snowflake

Json = dict[str, Any]

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT = 0, 1, 2, 6, 7
INVALID_SESSION, HELLO, ACK = 9, 10, 11
HEARTBEAT_MS = 41_250  # Discord's own
BAD_TOKEN, DISALLOWED_INTENTS = 4004, 4014  # codes for closing
MESSAGE_CONTENT = 1 << 15
PRIVILEGED = 1 << 1 | 1 << 8 | MESSAGE_CONTENT  # the others: members, presences


@dataclass(slots=True)
class Session:
    """What the gateway keeps of one IDENTIFY, so that it can be resumed."""

    id: str
    intents: int
    shard: tuple[int, int]
    socket: web.WebSocketResponse | None
    events: list[Json] = field(default_factory=list)

    async def send(self, event: str, data: Json) -> None:
        """Sends an event, or keeps it for when the bot resumes."""
        sequence = len(self.events) + 1
        self.events.append({"op": DISPATCH, "t": event, "s": sequence, "d": data})
        if self.socket is not None:
            await _send(self.socket, self.events[-1])


class Gateway:
    """Serves the gateway of the fake Discord."""

    def __init__(
        self, token: str, privileged_intents: int, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self.identified: list[Json] = []  # the IDENTIFY payloads, in order
        self.resumed = 0
        self.url = ""
        self.heartbeat_ms = HEARTBEAT_MS
        self.acknowledges = True  # heartbeats; without that a connection is dead though open
        self._token = token
        self._granted = privileged_intents
        self._changed = changed
        self._sessions: dict[int, Session] = {}  # by shard
        self._transports: dict[web.WebSocketResponse, asyncio.Transport | None] = {}

    @property
    def reads_content(self) -> bool:
        """Whether the bot asked for the (privileged) message content intent."""
        return any(session.intents & MESSAGE_CONTENT for session in self._sessions.values())

    @property
    def has_session(self) -> bool:
        """Whether a bot has been there, and may only be away for a moment."""
        return bool(self._sessions)

    @property
    def is_connected(self) -> bool:
        """Whether a bot is there to receive events now."""
        return any(session.socket is not None for session in self._sessions.values())

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection of a bot, from HELLO until it closes."""
        socket = web.WebSocketResponse(timeout=1.0)  # s, for the bot's half of a close
        await socket.prepare(request)
        self._transports[socket] = request.transport
        try:
            await _send(socket, {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    await self._receive(socket, frame.json())
        finally:
            self._forget(socket)
            await self._changed()
        return socket

    async def dispatch(self, event: str, data: Json, *, intent: int = 0) -> None:
        """Sends an event to the shard it belongs to, if that asked for the `intent`."""
        place = int(data.get("guild_id", 0)) >> 22  # so shard 0 has the direct messages
        for session in list(self._sessions.values()):
            number, count = session.shard
            if place % count == number and session.intents & intent == intent:
                await session.send(event, data)

    async def repeat_last(self, event: str) -> None:
        """Sends the last event of that name once more, as a new one."""
        for session in self._sessions.values():
            sent = [frame["d"] for frame in session.events if frame["t"] == event]
            if sent:
                await session.send(event, sent[-1])

    async def drop(self, code: int | None) -> None:
        """Closes all connections with a code, or with nothing but a broken TCP connection."""
        for socket, transport in list(self._transports.items()):
            self._forget(socket)
            if code is not None:
                await socket.close(code=code)
            elif transport is not None:
                transport.abort()

    async def invalidate(self) -> None:
        """Tells the bot that its session is gone; it has to IDENTIFY anew (after 5 s)."""
        self._sessions.clear()
        for socket in list(self._transports):
            await _send(socket, {"op": INVALID_SESSION, "d": False})

    async def ask_to_reconnect(self) -> None:
        """Tells the bot to connect again and RESUME, as when a node is taken down."""
        for socket in list(self._transports):
            await _send(socket, {"op": RECONNECT, "d": None})

    def _forget(self, socket: web.WebSocketResponse) -> None:
        self._transports.pop(socket, None)
        for session in self._sessions.values():
            if session.socket is socket:
                session.socket = None

    async def _receive(self, socket: web.WebSocketResponse, frame: Json) -> None:
        if frame["op"] == HEARTBEAT:
            if self.acknowledges:
                await _send(socket, {"op": ACK})
        elif frame["op"] == IDENTIFY:
            await self._identify(socket, frame["d"])
        elif frame["op"] == RESUME:
            await self._resume(socket, frame["d"])
        await self._changed()

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        self.identified.append(data)
        if data["token"] != self._token:
            await socket.close(code=BAD_TOKEN, message=b"Authentication failed.")
        elif data["intents"] & PRIVILEGED & ~self._granted:
            await socket.close(code=DISALLOWED_INTENTS, message=b"Disallowed intent(s).")
        else:
            number, count = data.get("shard", (0, 1))
            session = Session(snowflake(), data["intents"], (number, count), socket)
            self._sessions[number] = session
            here = (GUILD_ID >> 22) % count == number
            await session.send("READY", self._ready(session, has_guild=here))
            if here:
                await session.send("GUILD_CREATE", guild())

    def _ready(self, session: Session, *, has_guild: bool) -> Json:
        app = application(self._granted)
        return {
            "v": 10,
            "user": BOT.payload(),
            "guilds": [{"id": str(GUILD_ID), "unavailable": True}] if has_guild else [],
            "private_channels": [],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": list(session.shard),
            "application": {"id": app["id"], "flags": app["flags"]},
        }

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> None:
        for session in self._sessions.values():
            if session.id == data["session_id"] and data["token"] == self._token:
                self.resumed += 1
                missed = data["seq"]
                while missed < len(session.events):  # more may come while these are sent
                    await _send(socket, session.events[missed])
                    missed += 1
                session.socket = socket
                await session.send("RESUMED", {})
                return
        await _send(socket, {"op": INVALID_SESSION, "d": False})


async def _send(socket: web.WebSocketResponse, frame: Json) -> None:
    with contextlib.suppress(ConnectionResetError):  # the bot has just gone
        await socket.send_json(frame)

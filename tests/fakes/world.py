"""Who and what there is on the fake Discord, and how its JSON describes them."""

import itertools
import time
from dataclasses import dataclass
from typing import Any

from tests.fakes.rules import EPHEMERAL, embed_texts, walk

Json = dict[str, Any]

BOT_ID = 1_100_000_000_000_000_001  # of the bot and of its application
GUILD_ID = 1_100_000_000_000_000_002
CHANNEL_ID = 1_100_000_000_000_000_003  # the guild's one text channel
OTHER_GUILD_ID = 1_100_000_000_000_000_004  # of a guild without the bot
ROLE_ID = 1_100_000_000_000_000_005  # that Discord has made for the bot
BEGINNING = "2024-01-01T00:00:00+00:00"
# Of a plain member: react, see, write, embed, attach, read back, use commands.
MEMBER_PERMISSIONS = sum(1 << bit for bit in (6, 10, 11, 14, 15, 16, 31))
ALL_PERMISSIONS = (1 << 53) - 1
DISCORD_EPOCH_MS = 1_420_070_400_000  # first second of 2015, where snowflakes begin

_counter = itertools.count()


def snowflake() -> str:
    """A new id that carries the present time, as discord.py reads times from ids."""
    elapsed_ms = int(time.time() * 1000) - DISCORD_EPOCH_MS
    return str(elapsed_ms << 22 | next(_counter) % (1 << 22))


@dataclass(frozen=True, slots=True)
class User:
    """Somebody on the fake Discord."""

    id: int
    name: str
    is_admin: bool = False
    is_bot: bool = False

    @property
    def dm_id(self) -> int:
        """The id of the channel in which this user and the bot are alone."""
        return self.id + 1_000_000

    def payload(self) -> Json:
        """The user as Discord's JSON has them."""
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": self.name.title(),
            "discriminator": "0",
            "avatar": None,
            "bot": self.is_bot,
            "public_flags": 0,
        }

    def member(self) -> Json:
        """The user's place in the guild."""
        permissions = ALL_PERMISSIONS if self.is_admin else MEMBER_PERMISSIONS
        return {
            "roles": [],
            "nick": None,
            "avatar": None,
            "joined_at": BEGINNING,
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "permissions": str(permissions),
        }


BOT = User(BOT_ID, "dateline", is_bot=True)
ALICE = User(1_200_000_000_000_000_001, "alice")
BOB = User(1_200_000_000_000_000_002, "bob")
ADMIN = User(1_200_000_000_000_000_003, "admin", is_admin=True)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bot is not, but users have its commands who installed it for themselves."""

    channel: Json
    guild_id: str | None
    context: int

    @property
    def id(self) -> str:
        """The id of its channel."""
        return str(self.channel["id"])


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of the bot, as it stood when it was asked for."""

    id: str
    channel_id: str
    content: str
    embeds: tuple[Json, ...]
    components: tuple[Json, ...]
    flags: int
    reference: str | None
    edits: int
    files: dict[str, bytes]
    audience: User | None = None  # who alone can see it, if it is ephemeral

    @property
    def ephemeral(self) -> bool:
        """Whether only the one who asked can see it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def text(self) -> str:
        """All that can be read in it, a part a line: content, embeds, text components."""
        shown = [part["content"] for part in walk(self.components) if part.get("content")]
        embedded = [text for embed in self.embeds for text in embed_texts(embed)]
        return "\n".join([self.content, *embedded, *shown]).strip()

    @property
    def buttons(self) -> tuple[str, ...]:
        """What its buttons show, in order; those that are greyed out are left out."""
        return tuple(
            button_label(part)
            for part in walk(self.components)
            if part["type"] == 2 and not part.get("disabled")
        )


def button_label(button: Json) -> str:
    """What a button shows: its label, or else its emoji."""
    return str(button.get("label") or (button.get("emoji") or {}).get("name") or "")


def application(privileged_intents: int) -> Json:
    """The application, with the flags that say which privileged intents are switched on."""
    #        intent: flag of an app in fewer than 100 guilds
    flags = {1 << 8: 1 << 13, 1 << 1: 1 << 15, 1 << 15: 1 << 19}
    return {
        "id": str(BOT_ID),
        "name": "Dateline",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": ADMIN.payload(),
        "verify_key": "0" * 64,
        "flags": sum(flag for intent, flag in flags.items() if privileged_intents & intent),
    }


def text_channel() -> Json:
    """The guild's text channel."""
    return {
        "id": str(CHANNEL_ID),
        "type": 0,
        "guild_id": str(GUILD_ID),
        "name": "newsroom",
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "topic": None,
        "parent_id": None,
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "flags": 0,
    }


OTHER_GUILD = Place(
    text_channel() | {"id": "1100000000000000005", "guild_id": str(OTHER_GUILD_ID)},
    str(OTHER_GUILD_ID),
    context=0,
)
GROUP = Place(
    {
        "id": "1100000000000000006",
        "type": 3,
        "name": None,
        "icon": None,
        "owner_id": str(ALICE.id),
        "recipients": [ALICE.payload(), BOB.payload()],
        "last_message_id": None,
        "flags": 0,
    },
    guild_id=None,
    context=2,
)
AWAY = {place.id: place for place in (OTHER_GUILD, GROUP)}


def dm_channel(user: User) -> Json:
    """The channel in which `user` and the bot are alone."""
    return {
        "id": str(user.dm_id),
        "type": 1,
        "recipients": [user.payload()],
        "last_message_id": None,
        "flags": 0,
    }


def guild() -> Json:
    """The guild as GUILD_CREATE brings it."""
    everyone = {
        "id": str(GUILD_ID),
        "name": "@everyone",
        "color": 0,
        "hoist": False,
        "position": 0,
        "permissions": str(MEMBER_PERMISSIONS),
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    own = {
        **everyone,
        "id": str(ROLE_ID),
        "name": "dateline",
        "managed": True,
        "tags": {"bot_id": str(BOT_ID)},
    }
    return {
        "id": str(GUILD_ID),
        "name": "Newsroom",
        "owner_id": str(ADMIN.id),
        "unavailable": False,
        "joined_at": BEGINNING,
        "member_count": 4,
        "large": False,
        "features": [],
        "preferred_locale": "en-US",
        "roles": [everyone, own],
        "channels": [text_channel()],
        "members": [{**BOT.member(), "user": BOT.payload()}],
        "emojis": [],
        "stickers": [],
        "threads": [],
        "voice_states": [],
        "presences": [],
    }


def message(author: User, channel_id: str, **more: Any) -> Json:
    """An empty message by `author`; `more` fills it."""
    blank: Json = {
        "id": snowflake(),
        "channel_id": channel_id,
        "author": author.payload(),
        "content": "",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "type": 0,
        "flags": 0,
    }
    return blank | more


def interaction(
    kind: int, data: Json, user: User, *, dm: bool = False, at: Place | None = None
) -> Json:
    """What INTERACTION_CREATE brings when `user` does something to the bot."""
    identifier = snowflake()
    common = {
        "id": identifier,
        "application_id": str(BOT_ID),
        "type": kind,
        "token": f"token-{identifier}",
        "version": 1,
        "data": data,
        "locale": "en-US",
        "app_permissions": str(MEMBER_PERMISSIONS),
        "entitlements": [],
        "attachment_size_limit": 10 * 1024 * 1024,
    }
    if at is not None:
        return common | _whereabouts(user, at)
    if dm:
        return common | {
            "channel_id": str(user.dm_id),
            "channel": dm_channel(user),
            "user": user.payload(),
            "authorizing_integration_owners": {"0": "0"},
            "context": 1,
        }
    return common | {
        "channel_id": str(CHANNEL_ID),
        "channel": text_channel() | {"permissions": user.member()["permissions"]},
        "guild_id": str(GUILD_ID),
        "guild": {"id": str(GUILD_ID), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": user.member() | {"user": user.payload()},
        "authorizing_integration_owners": {"0": str(GUILD_ID)},
        "context": 0,
    }


def _whereabouts(user: User, at: Place) -> Json:
    """What an interaction says of who does it where, if the bot is not there."""
    said: Json = {
        "channel_id": at.id,
        "channel": at.channel,
        "authorizing_integration_owners": {"1": str(user.id)},
        "context": at.context,
    }
    if at.guild_id is None:
        return said | {"user": user.payload()}
    return said | {
        "channel": at.channel | {"permissions": user.member()["permissions"]},
        "guild_id": at.guild_id,
        "guild": {"id": at.guild_id, "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": user.member() | {"user": user.payload()},
    }

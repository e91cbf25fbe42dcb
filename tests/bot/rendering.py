"""What Discord makes of a message, written from its rules and not from our code.

The rules: https://support.discord.com/hc/en-us/articles/210298617 (markup),
https://docs.discord.com/developers/reference#message-formatting (mentions, time stamps, emoji),
and the preprocessing and escaping that simple-markdown does, which Discord's apps are built on.
"""

import re
from collections.abc import Sequence
from typing import Any

import discord

from tests.fakes import rules
from tests.fakes.openapi import schema_errors

_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])")
# What simple-markdown takes for bold; whatever is escaped is stepped over.
_BOLD = re.compile(r"(\\[\s\S])|\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)")
_INLINE = re.compile(r"[*_~`|<@#:\[]")
_BLOCK = re.compile(r"^ *(?:[-+*]|[0-9]+[.)])(?= |$)|^ *(?:>|#{1,3} |-# )", re.MULTILINE)
# What Discord's apps show a card for, wherever it stands in a message.
_INVITE = re.compile(r"discord(?:app)?\.(?:gg|com|new)/", re.IGNORECASE)
_UNSEEN = re.compile(r"^[\s\u200b-\u200f\u2060\ufeff]+")


def prepared(text: str) -> str:
    """What Discord's apps do to white space before they look for markup."""
    return re.sub(r"\r\n?", "\n", text).replace("\f", "").replace("\t", "    ")


def bold(markdown: str) -> list[str]:
    """What a reader sees in bold, in order."""
    return [shown(match[2]) for match in _BOLD.finditer(markdown) if match[2]]


def without_bold(markdown: str) -> str:
    """The same markdown with nothing in bold."""
    return _BOLD.sub(r"\1\2", markdown)


def shown(markdown: str) -> str:
    """What a reader sees of markdown in which nothing is active."""
    return _ESCAPED.sub(r"\1", prepared(markdown))


def active(markdown: str) -> list[str]:
    """Every mark that could begin markup, as it stands and with white space around it trimmed."""
    literal = _ESCAPED.sub("\ue000", prepared(markdown))
    trimmed = _UNSEEN.sub("", literal)
    return [
        *_INLINE.findall(literal),
        *_INVITE.findall(literal),
        *(mark for text in (literal, trimmed) for mark in _BLOCK.findall(text)),
    ]


def length(text: str | None) -> int:
    """UTF-16 units, the strictest way to count."""
    return len((text or "").encode("utf-16-le")) // 2


def refusals(
    content: str, cards: Sequence[discord.Embed], view: discord.ui.View | None = None
) -> list[str]:
    """Why Discord would refuse a message; also limits that it may count in UTF-16 units."""
    embeds = [card.to_dict() for card in cards]
    components = view.to_components() if view else []
    message: dict[str, Any] = {"content": content, "embeds": embeds, "components": components}
    return [
        *schema_errors("POST", "/channels/1/messages", message),
        *rules.message_errors({**message, "attachments": [], "flags": 0}),
        *(error for card in cards for error in _too_long(card)),
    ]


def _too_long(card: discord.Embed) -> list[str]:
    limits = (
        ("title", card.title, 256),
        ("description", card.description, 4_096),
        ("author", card.author.name, 256),
        ("footer", card.footer.text, 2_048),
        *(("field", field.value, 1_024) for field in card.fields),
    )
    return [name for name, text, limit in limits if length(text) > limit]

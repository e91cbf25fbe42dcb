"""What Discord refuses although its OpenAPI document allows it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

EPHEMERAL = 1 << 6
LOADING = 1 << 7  # "is thinking…"
COMPONENTS_V2 = 1 << 15
ROW, BUTTON, TEXT_DISPLAY = 1, 2, 10  # component types
LINK, PREMIUM = 5, 6  # button styles
MENTION = re.compile(r"@everyone|@here|<@[!&]?(\d+)>")
COMMAND_NAME = re.compile(r"[-'\w]{1,32}")


def length(text: str | None) -> int:
    """Characters in UTF-16 units, which are never fewer than code points."""
    return len((text or "").encode("utf-16-le", "surrogatepass")) // 2


def walk(components: Iterable[Json] | None) -> Iterator[Json]:
    """All components, those inside rows, sections and containers too, in reading order."""
    for component in components or ():
        yield component
        yield from walk(component.get("components"))
        if component.get("accessory"):
            yield from walk([component["accessory"]])


def message_errors(message: Json) -> Iterator[str]:
    """What is wrong with a message as it would be shown, that is, after an edit is applied."""
    if length(message["content"]) > 2000:
        yield f"content: {length(message['content'])} characters, at most 2000"
    parts = (message[part] for part in ("embeds", "components", "attachments"))
    if not message["content"].strip() and not any(parts):
        yield "cannot send an empty message"
    if message["flags"] & COMPONENTS_V2:
        yield from _v2_errors(message)
    else:
        yield from _v1_errors(message)
    yield from _embed_errors(message["embeds"])
    yield from _component_errors(list(walk(message["components"])))


def _v2_errors(message: Json) -> Iterator[str]:
    if message["content"] or message["embeds"]:
        yield "content and embeds cannot stand beside components v2"
    parts = list(walk(message["components"]))
    if len(parts) > 40:
        yield f"components: {len(parts)}, at most 40 in all"
    shown = sum(length(part["content"]) for part in parts if part["type"] == TEXT_DISPLAY)
    if shown > 4000:
        yield f"components: {shown} characters of text, at most 4000 in all"


def _v1_errors(message: Json) -> Iterator[str]:
    if len(message["components"]) > 5:
        yield f"components: {len(message['components'])} rows, at most 5"
    if any(component["type"] != ROW for component in message["components"]):
        yield "components: other than rows need the components v2 flag"


def _embed_errors(embeds: list[Json]) -> Iterator[str]:
    if len(embeds) > 10:
        yield f"embeds: {len(embeds)}, at most 10"
    total = sum(length(text) for embed in embeds for text in embed_texts(embed))
    if total > 6000:
        yield f"embeds: {total} characters in all, at most 6000"
    for embed in embeds:
        if length(embed.get("description")) > 4096:
            yield f"description: {length(embed['description'])} characters, at most 4096"
        if not any(value for key, value in embed.items() if key not in {"type", "color", "flags"}):
            yield "embeds: an embed with nothing in it"
        for field in embed.get("fields") or ():
            if not field["name"].strip() or not field["value"].strip():
                yield "embeds: a field needs both a name and a value"


def embed_texts(embed: Json) -> Iterator[str]:
    """All that Discord counts towards the 6,000 characters of a message's embeds."""
    author, footer = embed.get("author") or {}, embed.get("footer") or {}
    texts = [author.get("name"), embed.get("title"), embed.get("description")]
    for field in embed.get("fields") or ():
        texts += [field["name"], field["value"]]
    yield from (text for text in [*texts, footer.get("text")] if text)


def _component_errors(components: list[Json]) -> Iterator[str]:
    ids = Counter(part["custom_id"] for part in components if part.get("custom_id"))
    for custom_id, times in ids.items():
        if times > 1:
            yield f"custom_id: {custom_id!r} occurs {times} times"
        if length(custom_id) > 100:
            yield f"custom_id: {length(custom_id)} characters, at most 100"
    for part in components:
        if part["type"] == ROW:
            kinds = [child["type"] for child in part["components"]]
            if len(kinds) > 5 or (set(kinds) != {BUTTON} and len(kinds) > 1):
                yield "components: a row holds at most 5 buttons, or one select alone"
        elif part["type"] == BUTTON and part["style"] != PREMIUM:
            yield from _button_errors(part)


def _button_errors(button: Json) -> Iterator[str]:
    wanted, unwanted = ("url", "custom_id") if button["style"] == LINK else ("custom_id", "url")
    if not button.get(wanted) or button.get(unwanted):
        yield f"button: style {button['style']} takes a {wanted} and no {unwanted}"
    if not button.get("label") and not button.get("emoji"):
        yield "button: needs a label or an emoji"
    if length(button.get("label")) > 80:
        yield f"button: {length(button['label'])} characters, at most 80"


def choice_errors(choices: list[Json]) -> Iterator[str]:
    """What is wrong with the choices of an option or of an autocomplete."""
    if len(choices) > 25:
        yield f"choices: {len(choices)}, at most 25"
    for choice in choices:
        if not 1 <= length(choice["name"]) <= 100:
            yield f"choices: a name of {length(choice['name'])} characters, 1 to 100 allowed"
        if isinstance(choice["value"], str) and length(choice["value"]) > 100:
            yield f"choices: a value of {length(choice['value'])} characters, at most 100"


def command_errors(commands: list[Json]) -> Iterator[str]:
    """What is wrong with the list of an application's commands."""
    kinds = Counter(command.get("type") or 1 for command in commands)
    for kind, most in ((1, 100), (2, 15), (3, 15)):
        if kinds[kind] > most:
            yield f"commands: {kinds[kind]} of type {kind}, at most {most}"
    names = Counter((command.get("type") or 1, command["name"]) for command in commands)
    yield from (f"commands: {name!r} occurs twice" for (_, name), n in names.items() if n > 1)
    for command in commands:
        if (command.get("type") or 1) == 1:
            yield from _option_errors(command)
            if _weight(command) > 8000:
                yield f"/{command['name']}: {_weight(command)} characters in all, at most 8000"


def _option_errors(command: Json) -> Iterator[str]:
    """What is wrong with a command, a group or an option, and the options below it."""
    name, options = command["name"], command.get("options") or []
    if not COMMAND_NAME.fullmatch(name) or name != name.lower():
        yield f"{name!r} is not a name: 1 to 32 small letters, digits, '-', '_'"
    if not 1 <= length(command.get("description")) <= 100:
        yield f"{name!r}: a description has 1 to 100 characters"
    if len(options) > 25:
        yield f"{name!r}: {len(options)} options, at most 25"
    needed = [bool(option.get("required")) for option in options]
    if needed != sorted(needed, reverse=True):
        yield f"{name!r}: required options come before the others"
    if len({option["name"] for option in options}) < len(options):
        yield f"{name!r}: two options of one name"
    if command.get("choices") and command.get("autocomplete"):
        yield f"{name!r}: choices and autocomplete exclude each other"
    yield from choice_errors(command.get("choices") or [])
    for option in options:
        yield from _option_errors(option)


def _weight(command: Json) -> int:
    """Characters of a command that count towards its 8,000: names, descriptions, values."""
    own = length(command["name"]) + length(command.get("description"))
    own += sum(length(c["name"]) + length(str(c["value"])) for c in command.get("choices") or ())
    return own + sum(_weight(option) for option in command.get("options") or ())


def could_ping(body: Json) -> bool:
    """Whether a new or edited message's body could notify somebody.

    Stricter than Discord: with no `allowed_mentions` every mention counts, also in the answers
    to interactions, where Discord would only parse users. (A reply pings unless there is an
    `allowed_mentions` without `replied_user`; discord.py leaves a false one out.)
    """
    allowed = body.get("allowed_mentions")
    if body.get("message_reference") and (allowed is None or allowed.get("replied_user")):
        return True
    shown = [part.get("content") or "" for part in walk(body.get("components"))]
    return any(
        _is_allowed(found, allowed)
        for text in [body.get("content") or "", *shown]
        for found in MENTION.finditer(text)
    )


def _is_allowed(found: re.Match[str], allowed: Json | None) -> bool:
    if allowed is None:
        return True
    kind = {"<@&": "roles", "@ev": "everyone", "@he": "everyone"}.get(found[0][:3], "users")
    listed = [str(snowflake) for snowflake in allowed.get(kind) or ()]
    return kind in (allowed.get("parse") or ()) or found[1] in listed

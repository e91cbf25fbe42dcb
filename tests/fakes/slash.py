"""What a user's Discord client makes of a command, and what it will not send."""

from typing import Any

from tests.fakes.world import MEMBER_PERMISSIONS, Place, User

Json = dict[str, Any]

SUBCOMMANDS = (1, 2)  # option types: subcommand, subcommand group
GUILD, BOT_DM = 0, 1  # contexts of a command
GUILD_INSTALL, USER_INSTALL = 0, 1  # integration types
CHAT_INPUT, MESSAGE_MENU = 1, 3  # types of commands
TYPES: dict[int, type | tuple[type, ...]] = {3: str, 4: int, 5: bool, 10: (int, float)}


class RefusedError(Exception):
    """The user's Discord client would not let them do that."""


def compose(
    commands: list[Json],
    name: str,
    given: dict[str, Any],
    *,
    user: User,
    dm: bool,
    at: Place | None = None,
    focused: str | None = None,
) -> Json:
    """The `data` of the interaction for a command; `focused` is the option still being typed."""
    first, *rest = name.split()
    command = _find(commands, first, CHAT_INPUT)
    _check_access(command, user, dm=dm, at=at)
    options = _nest(command, rest, given, focused)
    return {"id": command["id"], "name": first, "type": CHAT_INPUT, "options": options}


def compose_for_message(
    commands: list[Json], name: str, target: Json, *, user: User, dm: bool, at: Place | None
) -> Json:
    """The `data` of the interaction for a command from the menu of a message."""
    command = _find(commands, name, MESSAGE_MENU)
    _check_access(command, user, dm=dm, at=at)
    return {
        "id": command["id"],
        "name": name,
        "type": MESSAGE_MENU,
        "target_id": target["id"],
        "resolved": {"messages": {target["id"]: target}},
    }


def _find(commands: list[Json], name: str, kind: int) -> Json:
    for command in commands:
        if command["name"] == name and command["type"] == kind:
            return command
    raise RefusedError(f"no command /{name} among {[c['name'] for c in commands]}")


def _check_access(command: Json, user: User, *, dm: bool, at: Place | None) -> None:
    contexts = command.get("contexts")
    if dm and (command.get("dm_permission") is False or (contexts and BOT_DM not in contexts)):
        raise RefusedError(f"/{command['name']} is not there in direct messages")
    if at is not None:
        installs = command.get("integration_types") or [GUILD_INSTALL]
        if USER_INSTALL not in installs or at.context not in (contexts or [GUILD, BOT_DM]):
            raise RefusedError(f"/{command['name']} is not there where the bot is not")
        return  # the permissions of another guild's members are not known here
    needed = int(command.get("default_member_permissions") or 0)
    if not dm and not user.is_admin and needed & ~MEMBER_PERMISSIONS:
        raise RefusedError(f"/{command['name']} is not there for {user.name}")


def _nest(parent: Json, path: list[str], given: Json, focused: str | None) -> list[Json]:
    specs = {option["name"]: option for option in parent.get("options") or ()}
    if path:
        spec = specs.get(path[0], {})
        if spec.get("type") not in SUBCOMMANDS:
            raise RefusedError(f"{parent['name']!r} has no subcommand {path[0]!r}")
        options = _nest(spec, path[1:], given, focused)
        return [{"name": path[0], "type": spec["type"], "options": options}]
    if any(spec["type"] in SUBCOMMANDS for spec in specs.values()):
        raise RefusedError(f"{parent['name']!r} needs one of its subcommands {list(specs)}")
    if unknown := given.keys() - specs.keys():
        raise RefusedError(f"{parent['name']!r} has no option {sorted(unknown)}")
    if focused is not None and not specs[focused].get("autocomplete"):
        raise RefusedError(f"{focused!r} has no autocomplete")
    missing = [n for n, spec in specs.items() if spec.get("required") and n not in given]
    if missing and focused is None:
        raise RefusedError(f"{parent['name']!r} lacks {missing}")
    return [_option(specs[key], value, is_focused=key == focused) for key, value in given.items()]


def _option(spec: Json, value: Any, *, is_focused: bool) -> Json:
    name, kind = spec["name"], spec["type"]
    if is_focused:  # free text, of whatever type the option is
        return {"name": name, "type": kind, "value": value, "focused": True}
    if kind not in TYPES:
        value = str(value)  # the id of a user, channel, role, attachment
    elif not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != 5):
        raise RefusedError(f"{name}={value!r}: not of the option's type")
    measure = len(value) if kind == 3 else value
    low, high = ("min_length", "max_length") if kind == 3 else ("min_value", "max_value")
    if spec.get(low) is not None and measure < spec[low]:
        raise RefusedError(f"{name}={value!r}: {low} is {spec[low]}")
    if spec.get(high) is not None and measure > spec[high]:
        raise RefusedError(f"{name}={value!r}: {high} is {spec[high]}")
    choices = [choice["value"] for choice in spec.get("choices") or ()]
    if choices and value not in choices:
        raise RefusedError(f"{name}={value!r}: not one of {choices}")
    return {"name": name, "type": kind, "value": value}

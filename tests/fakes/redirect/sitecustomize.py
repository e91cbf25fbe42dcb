"""Points discord.py at a port on this machine, as soon as (and only if) it is imported.

And where it is asked to, writes down what this process does on the network, from its first line on.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def addresses(port: int) -> dict[str, tuple[str, str, str]]:
    """What to change in discord.py 2.7: module -> class, class attribute, new address."""
    home = f"127.0.0.1:{port}"
    return {
        "discord.http": ("Route", "BASE", f"http://{home}/api/v10"),
        "discord.gateway": ("DiscordWebSocket", "DEFAULT_GATEWAY", f"ws://{home}/gateway"),
        "discord.asset": ("Asset", "BASE", f"http://{home}/cdn"),
    }


class _Redirect:
    """A finder that lets the path finder work, then changes the module once it has run."""

    def __init__(self, port: int) -> None:
        self._addresses = addresses(port)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual spec, with a loader that runs the module and then redirects it."""
        if name not in self._addresses:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module
            spec.loader.exec_module = self._after(run)  # type: ignore[assignment]
        return spec

    def _after(self, run: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def exec_module(module: ModuleType) -> None:
            run(module)
            owner, attribute, address = self._addresses[module.__name__]
            changed = getattr(module, owner)
            kind = type(getattr(changed, attribute))  # str, or yarl.URL for the gateway
            setattr(changed, attribute, kind(address))

        return exec_module


_OUTWARD = ("connect", "getaddrinfo", "gethostbyaddr", "gethostbyname", "sendto", "sendmsg")


def _watch(path: str) -> None:
    """Adds a line to a file for each connection, look-up and datagram: what, and where to."""
    file = open(path, "a", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115 - for good

    def note(event: str, arguments: tuple[object, ...]) -> None:
        module, _, what = event.partition(".")
        if module == "socket" and what in _OUTWARD:
            where = arguments[:2] if what.startswith("get") else arguments[1:]
            file.write(f"{what} {where}\n")

    sys.addaudithook(note)


if os.environ.get("FAKE_DISCORD_WATCH"):
    _watch(os.environ["FAKE_DISCORD_WATCH"])
if os.environ.get("FAKE_DISCORD_PORT"):
    sys.meta_path.insert(0, _Redirect(int(os.environ["FAKE_DISCORD_PORT"])))

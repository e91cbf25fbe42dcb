"""Metadata in YAML → names and values. Imported where there is some, for that takes time."""

from datetime import date

import yaml


class _Loader(yaml.SafeLoader):
    """Reads no aliases: nobody needs them for a title, and a bomb is made of them."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias, which is not read here")
        return super().compose_node(parent, index)


def read_yaml(text: str) -> dict[str, object]:
    """The names and values that a YAML mapping states, dates as text; empty where nothing is.

    Raises:
        ValueError: it is no such thing; the message says why.
    """
    try:
        loaded = _plain(yaml.load(text, _Loader) or {})  # noqa: S506  # a safe loader
    except Exception as error:  # PyYAML lets through whatever its constructors stumble on
        raise ValueError(f"not YAML ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(loaded, dict):
        raise ValueError("not a list of `name: value` lines")
    return loaded


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value

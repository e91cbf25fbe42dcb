"""Request bodies checked against Discord's own OpenAPI document (a bundled part of it).

To cut the bundled part anew from a full document:

    python -m tests.fakes.openapi FULL_DOCUMENT > tests/fakes/discord_openapi.json
"""

import functools
import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

Json = dict[str, Any]

BUNDLED = Path(__file__).with_name("discord_openapi.json")
SERVED = (  # the requests with a body that the fake answers
    ("put", "/applications/{application_id}/commands"),
    ("post", "/interactions/{interaction_id}/{interaction_token}/callback"),
    ("post", "/webhooks/{webhook_id}/{webhook_token}"),
    ("patch", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"),
    ("patch", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"),
    ("post", "/channels/{channel_id}/messages"),
    ("patch", "/channels/{channel_id}/messages/{message_id}"),
    ("post", "/users/@me/channels"),
)


def schema_errors(method: str, path: str, body: object) -> list[str]:
    """What the document has against `body`; empty if nothing.

    Args:
        method: the HTTP method, in any case.
        path: the path below the API's base, as requested: `/channels/1/messages`.
        body: the decoded JSON.
    """
    method = method.lower()
    for number, (pattern, _) in enumerate(_validators(method)):
        if pattern.fullmatch(path):
            return list(_errors(method, number, json.dumps(body)))
    return [] if body is None else [f"$: {method} {path} takes no body, or is not in the document"]


@functools.lru_cache(maxsize=1_000)  # in a burst, most bodies are alike
def _errors(method: str, number: int, body: str) -> tuple[str, ...]:
    _, validator = _validators(method)[number]
    errors = validator.iter_errors(json.loads(body))
    return tuple(sentence for error in errors for sentence in _sentences(error))


def cut(document: Json) -> Json:
    """The part of Discord's OpenAPI document that says what `SERVED` requests may carry."""
    schemas = document["components"]["schemas"]
    paths: dict[str, Json] = {}
    for method, path in SERVED:
        content = document["paths"][path][method]["requestBody"]["content"]
        kept = {"application/json": content["application/json"]}
        paths.setdefault(path, {})[method] = {"requestBody": {"content": kept}}
    needed: set[str] = set()
    waiting = set(_references(paths))
    while waiting:
        needed |= waiting
        waiting = {r for name in waiting for r in _references(schemas[name])} - needed
    return {
        "openapi": document["openapi"],
        "info": document["info"],  # with its licence
        "servers": document["servers"],
        "paths": paths,
        "components": {"schemas": {name: schemas[name] for name in sorted(needed)}},
    }


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _references(child)


@functools.cache
def _validators(method: str) -> list[tuple[re.Pattern[str], Draft202012Validator]]:
    document = json.loads(BUNDLED.read_text(encoding="utf-8"))
    # The document says strings, but discord.py sends integers for many ids, and Discord takes them.
    document["components"]["schemas"]["SnowflakeType"]["type"] = ["string", "integer"]
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry = Registry().with_resource("urn:discord", resource)
    schema = "requestBody/content/application~1json/schema"
    return [
        (
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path)),
            Draft202012Validator(
                {"$ref": f"urn:discord#/paths/{_escape(path)}/{method}/{schema}"},
                registry=registry,
                format_checker=_FORMATS,
            ),
        )
        for path in sorted(document["paths"], key=lambda path: path.count("{"))  # @original first
        if method in document["paths"][path]
    ]


def _escape(path: str) -> str:
    """A path as one step of a JSON pointer in a URI fragment."""
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _is_link(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    known = parts.scheme in {"http", "https", "discord", "attachment"}
    return known and bool(parts.netloc) and not re.search(r"\s", value)


_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date-time", raises=ValueError)(_is_moment)
_FORMATS.checks("uri", raises=ValueError)(_is_link)


def _sentences(error: ValidationError) -> Iterator[str]:
    """Where and what is wrong, in that branch of each union which the body was meant for."""
    if error.context:
        branches: dict[object, list[ValidationError]] = {}
        for cause in error.context:
            branches.setdefault(cause.relative_schema_path[0], []).append(cause)
        for cause in min(branches.values(), key=lambda causes: (_is_other(causes), len(causes))):
            yield from _sentences(cause)
    else:
        message = error.message
        if len(message) > 300:  # the whole value comes first, and what is wrong with it last
            message = f"{message[:150]}…{message[-150:]}"
        yield f"{error.json_path}: {message}"


def _is_other(causes: list[ValidationError]) -> bool:
    """Whether a branch of a union is for another JSON type, or another `type` number."""
    return any(
        (not cause.relative_path and cause.validator == "type")
        or (list(cause.relative_path) == ["type"] and cause.validator == "enum")
        for cause in causes
    )


if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(cut(whole), indent=1, ensure_ascii=False) + "\n")

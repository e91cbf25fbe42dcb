"""What the fake Discord refuses: by Discord's OpenAPI document, and by what that leaves out."""

import re
from typing import Any

import pytest

from tests.fakes import rules
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.openapi import schema_errors
from tests.fakes.wire import Call
from tests.fakes.world import BOB, message

BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({}, "empty"),
        ({"content": " \n"}, "empty"),
        ({"content": "😀" * 1001}, "2002 characters"),  # UTF-16 units
        ({"embeds": [{"title": "x"}] * 11}, "at most 10"),
        ({"embeds": [{"description": "😀" * 2049}]}, "at most 4096"),
        ({"embeds": [{"type": "rich"}]}, "nothing in it"),
        ({"embeds": [{"fields": [{"name": "", "value": "x"}]}]}, "both a name"),
        ({"components": [{"type": 1, "components": [BUTTON, BUTTON]}]}, "'go' occurs 2 times"),
        ({"components": [{"type": 1, "components": [BUTTON] * 6}]}, "at most 5 buttons"),
        ({"components": [{"type": 1, "components": []}] * 6}, "6 rows"),
        ({"components": [{"type": 10, "content": "x"}]}, "flag"),
        ({"components": [{"type": 10, "content": "x" * 4001}], "flags": 1 << 15}, "4001"),
        ({"components": [{"type": 10, "content": "x"}] * 41, "flags": 1 << 15}, "at most 40"),
        ({"content": "x", "flags": 1 << 15}, "beside"),
        ({"components": [{"type": 1, "components": [BUTTON | {"url": "https://a.b"}]}]}, "no url"),
        ({"components": [{"type": 1, "components": [BUTTON | {"label": ""}]}]}, "label"),
    ],
)
def test_messages_that_the_document_lets_pass(parts: dict[str, Any], why: str) -> None:
    """The limits that the OpenAPI document does not know."""
    problems = list(rules.message_errors(message(BOB, "1", **parts)))

    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "Ask"}, "not a name"),
        ({"description": ""}, "description"),
        ({"options": [{"name": "a", "description": "x"}] * 2}, "two options"),
        (
            {
                "options": [
                    {"name": "a", "description": "x"},
                    {"name": "b", "description": "x", "required": True},
                ]
            },
            "required options come before",
        ),
        ({"choices": [{"name": "a", "value": "x" * 101}]}, "a value of 101"),
        ({"choices": [{"name": "a", "value": "x"}] * 26}, "26, at most 25"),
    ],
)
def test_commands_that_the_document_lets_pass(change: dict[str, Any], why: str) -> None:
    """A bad command would break the sync of all of them."""
    problems = list(rules.command_errors([{"name": "ask", "description": "Asks.", **change}]))

    assert any(why in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("body", "pings"),
    [
        ({"content": "@here"}, True),  # nothing said about mentions
        ({"content": "<@1>", "allowed_mentions": {"parse": []}}, False),
        ({"content": "<@1>", "allowed_mentions": {"parse": [], "users": [1]}}, True),
        ({"content": "<@&1>", "allowed_mentions": {"parse": ["users"]}}, False),
        ({"content": "<@&1>", "allowed_mentions": {"parse": ["roles"]}}, True),
        ({"content": "hi"}, False),
        ({"message_reference": {"message_id": 1}}, True),
        ({"message_reference": {"message_id": 1}, "allowed_mentions": {"parse": []}}, False),
        (
            {
                "message_reference": {"message_id": 1},
                "allowed_mentions": {"parse": [], "replied_user": True},
            },
            True,
        ),
        ({"components": [{"type": 10, "content": "@everyone"}]}, True),
    ],
)
def test_what_could_ping(body: dict[str, Any], pings: bool) -> None:
    """A quote may hold any mention; only `allowed_mentions` makes it harmless."""
    assert pings == rules.could_ping(body)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/channels/1/messages", {"content": "x", "message_reference": {"message_id": 1}}, []),
        ("/channels/1/messages", {"content": 1}, ["$.content: 1 is not of type"]),
        ("/channels/1/messages", {"embeds": [{"url": "no link"}]}, ["$.embeds[0].url: 'no link'"]),
        (
            "/interactions/1/t/callback",  # unions: the error is about the branches meant
            {"type": 4, "data": {"components": [{"type": 1, "components": [{"type": 2}]}]}},
            ["$.data.components[0].components[0]: 'style' is a required"],
        ),
        ("/channels/1/typing", None, []),
        ("/channels/1/typing", {"any": "thing"}, ["$: post /channels/1/typing takes no body"]),
    ],
)
def test_the_document_names_what_is_wrong(path: str, body: Any, expected: list[str]) -> None:
    """An error must say where to look, also inside unions of many kinds."""
    problems = schema_errors("POST", path, body)

    assert len(expected) == len(problems)
    assert all(map(str.startswith, problems, expected)), problems


def test_every_request_that_may_carry_a_body_is_in_the_document() -> None:
    """One that is not would be taken on trust."""
    routes = FakeDiscord()._rest.routes()
    for method, path in routes:
        if method in {"POST", "PUT", "PATCH"} and not path.endswith("/typing"):
            assert schema_errors(method, re.sub(r"\{\w+\}", "1", path), "no object"), path


def test_a_file_has_to_be_listed() -> None:
    """Else it has no description, which those who cannot see a picture need."""
    listed = {"data": {"attachments": [{"id": 0, "filename": "a.png"}]}}
    call = Call("POST", "/x", {}, {}, "", listed, {}, ("files[0]", "files[1]"))

    assert {"files[1]"} == call.unlisted

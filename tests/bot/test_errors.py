"""Errors: a sentence for each, a reference for what nobody foresaw, internals for nobody."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.commands import COMMANDS
from bot.errors import GoneError, NoSuchArticleError, NotADateError, OutdatedError, sentence
from bot.escaping import escape
from retrieval.errors import (
    CorpusError,
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    IndexNotBuiltError,
    ModelError,
    QuestionError,
    RetrievalError,
)
from tests.bot.rendering import length

SECRET = "/srv/secret/place"  # noqa: S105  stands for whatever only operators may see
REFERENCE = re.compile(r" \(ref ([0-9a-f]{4})\)\.$")


def forbidden() -> discord.Forbidden:
    """Discord's 403, as discord.py raises it."""
    response: Any = SimpleNamespace(status=403, reason=SECRET)
    return discord.Forbidden(response, {"code": 50001, "message": SECRET})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (QuestionError("the question is empty"), "The question is empty."),  # made a sentence
        (QuestionError("who? ask: Who rode?"), "Who? ask: Who rode?"),  # one already
        (NotADateError("not a date: 'x'"), "Not a date: 'x'."),  # from a command's option
        (GoneError(), "The coverage has changed since this was shown. Please ask again."),
        (OutdatedError(), "This button is of another version of me. Please ask again."),
        (
            NoSuchArticleError("“Kim”"),
            "There is no article “Kim” in the coverage. Choose one from the list.",
        ),
    ],
)
def test_what_people_can_mend_is_told_without_a_reference(
    error: Exception, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing mistake is no incident, and must not fill the log."""
    assert expected == sentence(error)
    assert [] == caplog.records


def test_what_a_command_raised_is_told_as_itself() -> None:
    """discord.py wraps it; the person who asked does not care."""
    command: Any = COMMANDS[0]
    wrapped = app_commands.CommandInvokeError(command, GoneError())

    assert sentence(GoneError()) == sentence(wrapped)


@pytest.mark.parametrize(
    "error",
    [
        RetrievalError(SECRET),
        CorpusError(SECRET),
        ModelError(SECRET),
        IndexNotBuiltError(Path(SECRET)),
        IndexDamagedError(Path(SECRET), SECRET),
        IndexMismatchError(SECRET),
        IndexBusyError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_only_operators_can_mend_gets_a_reference(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """People in a channel learn that it is not their fault, and no folder names."""
    told = sentence(error)

    assert told.startswith("The coverage cannot be read just now (ref ")
    assert_referred(told, error, caplog)


@pytest.mark.parametrize(
    ("error", "beginning"),
    [
        (forbidden(), "Discord does not let me do that here"),  # missing permissions
        (ZeroDivisionError(SECRET), "Something went wrong on my side"),  # a bug
        (KeyError(SECRET), "Something went wrong on my side"),  # another
        (TimeoutError(), "Something went wrong on my side"),  # without a message
        (
            app_commands.CommandSignatureMismatch(COMMANDS[0]),
            "Something went wrong on my side",
        ),  # of discord.py
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_nobody_foresaw_gets_a_reference(
    error: Exception, beginning: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Who reports it quotes the reference, and who mends it finds the traceback."""
    told = sentence(error)

    assert told.startswith(f"{beginning} (ref ")
    assert_referred(told, error, caplog)


def assert_referred(told: str, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """The sentence ends with a reference that stands in the log beside the error itself."""
    found = REFERENCE.search(told)
    assert found is not None
    assert SECRET not in told
    (record,) = caplog.records
    assert (logging.ERROR, f"failed ref={found[1]}") == (record.levelno, record.getMessage())
    assert record.exc_info is not None
    assert error is record.exc_info[1]


def test_the_traceback_of_a_wrapped_error_is_that_of_the_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Twenty lines of discord.py around it help nobody."""
    command: Any = COMMANDS[0]
    held: dict[str, int] = {}
    try:
        _ = held["missing"]
    except KeyError as cause:
        sentence(app_commands.CommandInvokeError(command, cause))

    assert "KeyError: 'missing'" in caplog.text
    assert 'held["missing"]' in caplog.text


def test_two_failures_have_two_references() -> None:
    """Else the log could not tell them apart."""
    told = {sentence(ZeroDivisionError()) for _ in range(8)}

    assert len(told) > 1


@pytest.mark.parametrize(
    "error",
    [QuestionError("*" * 6_000), NotADateError("*" * 6_000), NoSuchArticleError("*" * 6_000)],
)
def test_no_sentence_is_longer_than_a_message(error: Exception) -> None:
    """An option of a command may hold 6,000 characters, and some sentences repeat it."""
    assert length(escape(sentence(error))) <= 2_000

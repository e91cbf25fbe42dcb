"""What messages on Discord say: the question that an answer states, and text to look up."""

import re
from collections.abc import Iterable, Iterator

import discord

from bot.escaping import escape, shorten, unescape
from retrieval.engine import MAX_QUESTION
from retrieval.errors import QuestionError

_MAX_STATED = 300  # the question is stated to remind, and to be followed up, not to quote
_STATED = re.compile(r"\*\*((?:\\.|[^\\*\n])+)\*\*$", re.MULTILINE)
_MARKUP = re.compile(
    r"""
      \\(?P<escaped>[^0-9A-Za-z\s])
    | ^[^\S\n]*(?:(?:>{1,3}|\#{1,3}|-\#|[-*+])[^\S\n]+)+  # quotes, headings, lists
    | \[(?P<label>[^\[\]\n]{1,300})\]\(<?https?://[^\s)]+\)  # a link behind words
    | <?https?://[^\s>]+>?                    # a bare link says nothing itself
    | <(?:[@#]|a?:|/|t:|id:)[^<>\n]{1,100}>   # mentions, emoji, time stamps
    | ```(?:\w+\n)? | `+ | ~~ | \|\|          # code, spoilers
    | \*+(?=\S) | (?<=\S)\*+                 # emphasis, but not 5 * 3
    | (?<!\w)_+ | _+(?!\w)                    # and not snake_case
    """,
    re.MULTILINE | re.VERBOSE,
)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*\s|\n")


def question_line(question: str) -> str:
    """The first line of an answer, from which `stated_question` reads the question again."""
    return f"**{escape(shorten(' '.join(question.split()), _MAX_STATED))}**"


def stated_question(message: discord.Message) -> str:
    """The question that an answer states in its first line; empty if it states none."""
    first = next(filter(None, _texts(message)), "")
    stated = _STATED.match(first)
    return unescape(stated[1]).removesuffix("…") if stated else ""


def earlier_question(message: discord.Message, bot: discord.abc.Snowflake) -> str:
    """The question that the answer states to which `message` replies.

    Discord sends an answer along with each reply to it, so that nothing has to be remembered.
    Empty if the message replies to nothing, to somebody else, or to what states no question.
    """
    answer = message.reference.resolved if message.reference else None
    if not isinstance(answer, discord.Message) or answer.author.id != bot.id:
        return ""
    return stated_question(answer)


def claim_in(message: discord.Message) -> str:
    """All that a message says, as people read it: without markup, links, mentions and emoji.

    Also what it forwards, what another bot shows in it, and the preview of a link.

    Raises:
        QuestionError: there is no word in it.
    """
    parts = (_without_markup(text) for text in _texts(message))
    claim = "\n".join(part for part in parts if part)
    if not any(char.isalnum() for char in claim):
        raise QuestionError(
            "there is no text in that message to look up; pictures, files and bare links cannot "
            "be read. Ask about it with /ask"
        )
    return claim


def beginning(text: str) -> str:
    """As much of a text as can be asked: up to the end of a sentence, or at least of a word."""
    if len(text) <= MAX_QUESTION:
        return text
    text = text[:MAX_QUESTION]
    ends = [end.end() for end in _SENTENCE_END.finditer(text, MAX_QUESTION // 2)]
    return text[: ends[-1] if ends else text.rfind(" ") + 1 or MAX_QUESTION].strip()


def _without_markup(text: str) -> str:
    return _MARKUP.sub(lambda mark: mark["escaped"] or mark["label"] or "", text).strip()


def _texts(message: discord.Message) -> Iterator[str]:
    """All that is written in a message, in parts, as they stand in it."""
    written: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for one in written:
        yield one.content
        yield from _displayed(one.components)
        for embed in one.embeds:
            yield "\n".join(part for part in (embed.title, embed.description) if part)


def _displayed(components: Iterable[object]) -> Iterator[str]:
    """The texts among components, those inside sections and containers too, in reading order."""
    for component in components:
        if isinstance(component, discord.TextDisplay):
            yield component.content
        yield from _displayed(getattr(component, "children", ()))

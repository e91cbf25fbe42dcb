"""What is read in messages: the question that was stated, and words without their markup."""

from types import SimpleNamespace
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import answer_message
from bot.messages import beginning, claim_in, question_line, stated_question
from retrieval.engine import MAX_QUESTION
from retrieval.errors import QuestionError
from tests.bot.samples import make_answer, make_quote, messy_texts


def message(content: str = "", components: Any = ()) -> Any:
    """As much of a message as is read."""
    return SimpleNamespace(content=content, components=components, embeds=(), message_snapshots=())


@given(messy_texts.filter(lambda text: any(map(str.isalnum, text))), st.booleans())
def test_a_stated_question_is_read_again(question: str, abstains: bool) -> None:
    """Whatever is in it: this is all that a follow-up knows of the question before it."""
    quotes = () if abstains else (make_quote(),)
    shown = answer_message(make_answer(quotes, question=question))
    asked = " ".join(question.split())

    read = stated_question(message(shown.content))

    assert read == asked or (len(question_line(question)) > 300 and asked.startswith(read))


def test_a_question_is_read_in_a_component_too() -> None:
    """An answer may be made of components, with no content of its own."""
    text = discord.ui.TextDisplay[discord.ui.LayoutView](question_line("Who?"))
    container = discord.ui.Container[discord.ui.LayoutView](text)
    data: Any = container.to_component_dict()

    read = stated_question(message(components=[discord.Container(data, None)]))

    assert "Who?" == read


@pytest.mark.parametrize(
    "content",
    [
        "",
        "**The coverage does not say.** Nothing in it is about this.",
        "Ask me **something**",
        "**two\nlines**",
    ],
)
def test_no_question_is_read_where_none_is_stated(content: str) -> None:
    """A wrong one would change what the next one means."""
    assert "" == stated_question(message(content))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Kim** *rode* __in__ ~~a~~ ||car||", "Kim rode in a car"),  # emphasis
        ("> # Kim\n-# - rode", "Kim\nrode"),  # lines
        ("see [Kim rides](https://a.b/c) https://a.b <https://a.b>", "see Kim rides"),  # links
        ("<@1> <@!1> <@&1> <#1> </ask:1> <t:1:R> <id:home> Kim", "Kim"),  # objects
        ("Kim <:car:1><a:car:2> rode", "Kim  rode"),  # emoji
        ("```py\nKim_rode```", "Kim_rode"),  # code
        (r"\*Kim\* <3 5 * 3 = 15, 12. Dec", "*Kim* <3 5 * 3 = 15, 12. Dec"),  # no markup
    ],
)
def test_markup_is_left_out_of_what_is_looked_up(written: str, said: str) -> None:
    """No article is written in it."""
    assert said == claim_in(message(written))


@given(messy_texts)
def test_any_message_is_read_or_refused(written: str) -> None:
    """Whatever is in it."""
    try:
        said = claim_in(message(written))
    except QuestionError:
        return
    assert any(map(str.isalnum, said))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kim rode. " * 200, ("Kim rode. " * 100).strip()),  # a sentence
        ("Hi! " + "word " * 400, ("Hi! " + "word " * 199).strip()),  # a word, for the lack of one
        ("a" * 2_000, "a" * MAX_QUESTION),  # neither
        ("Kim rode", "Kim rode"),  # all of it
    ],
)
def test_the_beginning_is_cut_where_it_reads_well(text: str, expected: str) -> None:
    """Half a sentence says something else than the whole."""
    assert expected == beginning(text)

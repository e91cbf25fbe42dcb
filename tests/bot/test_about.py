"""/about and the narrowed /sources: what is there, told truly and briefly."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.buttons import pager
from bot.commands.about import AnswerTimes
from bot.errors import GoneError
from bot.library import Library
from bot.references import filters_reference, find_filters
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError
from retrieval.types import CorpusSummary, Filters
from tests.bot.rendering import refusals
from tests.bot.samples import make_article, titles
from tests.bot.test_run import ANSWER_S, READY_S, SEEDS, running
from tests.program import dateline

DATES = st.none() | st.sampled_from([PartialDate(2024), PartialDate(2024, 2, 20), PartialDate(1)])


def test_only_answers_of_the_last_day_count() -> None:
    """A slow start yesterday says nothing about today."""
    now = 0.0
    times = AnswerTimes(lambda: now)
    times.add(900)
    now = 50_000.0
    times.add(30)

    assert [900, 30] == times.of_today()
    now = 90_000.0
    assert [30] == times.of_today()


@given(DATES, DATES, st.none() | titles | titles.map(lambda name: name * 20))
async def test_a_button_knows_what_the_list_was_narrowed_to(
    after: PartialDate | None, before: PartialDate | None, source: str | None
) -> None:
    """Every page is narrowed to the same, in the 100 characters that Discord gives a button."""
    reference = filters_reference(Filters(after, before, source))
    found = find_filters(reference)

    assert (after, before) == (found.after, found.before)
    assert (source or "").strip().startswith(found.source or "")
    assert bool(source) == bool(found.source)
    assert reference == filters_reference(found)
    assert [] == refusals("x", (), pager("s", reference, 9_998, 9_999))


@pytest.mark.parametrize("broken", ["2024-13,,", "x", ",,A", ",,_w"])
def test_a_broken_reference_is_gone_and_nothing_worse(broken: str) -> None:
    """Whoever writes a client of their own may send any `custom_id`."""
    with pytest.raises(GoneError):
        find_filters(broken)


def test_the_library_is_narrowed_by_date_and_source() -> None:
    """As questions are: a part of a name is enough, and undated articles are in no window."""
    held = Library(
        [
            make_article(article_id="old", published=PartialDate(2023), source="Belvara Wire"),
            make_article(article_id="new", published=PartialDate(2024), source="Belvara Post"),
            make_article(article_id="undated", published=None, source="Belvara Post"),
        ],
        CorpusSummary(3, 3, None, None),
    )

    def ids(filters: Filters) -> list[str]:
        return [article.article_id for article in held.admitted(filters)]

    assert ["old", "new", "undated"] == ids(Filters())
    assert ["new"] == ids(Filters(after=PartialDate(2024)))
    assert ["new", "undated"] == ids(Filters(source="post"))
    assert [] == ids(Filters(before=PartialDate(2022)))
    with pytest.raises(QuestionError):
        held.admitted(Filters(source="Reuters"))


async def test_about_and_narrowed_sources(tmp_path: Path) -> None:
    """The installed bot."""
    corpus = tmp_path / "corpus"
    shutil.copytree(SEEDS, corpus)
    for number in range(12):
        article = f"Date: 2025-01-{number + 1:02}\nSource: The Record\n\nRain in town {number}."
        (corpus / f"rain{number}.txt").write_text(article, encoding="utf-8")
    async with running(tmp_path, corpus) as bot:
        await bot.discord.connected(READY_S)
        before = await (await bot.discord.slash("about")).answer(ANSWER_S)
        await (await bot.discord.mention("Who gave Kim the car?")).answer(ANSWER_S)
        after = await (await bot.discord.slash("about", dm=True)).answer(ANSWER_S)
        listed = await bot.discord.slash("sources", after="2025", source="record")
        first = await listed.answer(ANSWER_S)
        second = await (await bot.discord.press(first, "1/2 ▶")).answer(ANSWER_S)
        none = await (await bot.discord.slash("sources", before="2020")).answer(ANSWER_S)
        unknown = await (await bot.discord.slash("sources", source="Reuters")).answer(ANSWER_S)
        choices = await bot.discord.autocomplete("sources", "source", "rec")

        assert before.ephemeral
        assert "14 articles, 2024-02-20 to 2025-01-12" in before.text
        assert "all-MiniLM-L6-v2, SHA-256 53aa51172d14…" in before.text.replace("\\", "")
        assert "Dateline’s own reader" in before.text
        assert "no question in the last 24 hours" in before.text
        assert "Dateline 0.1.0" in before.text
        assert re.search(r"\d+ ms an answer, the median of 1 answer", after.text)
        assert "12 from 2025 on, in record" in first.content
        assert 10 == first.text.count("The Record")
        assert 2 == second.text.count("The Record")
        assert "none until 2020" in none.content
        assert "no source is called" in unknown.text.lower()
        assert ["The Record"] == [choice["value"] for choice in choices]
        assert 0 == await bot.stop()


def test_the_command_line_narrows_its_list_too(tmp_path: Path) -> None:
    """By the same options as `ask`."""
    later = dateline("sources", "--after", "2024-03", "--json", home=tmp_path)
    unknown = dateline("sources", "--source", "Reuters", home=tmp_path)

    assert ["2024-03-18"] == [article["published"] for article in later.json["articles"]]
    assert (2, True) == (unknown.status, "no source is called" in unknown.err)

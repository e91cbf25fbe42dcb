"""/timeline: a list and a picture that say the same, which turn pages after a restart too."""

import io
import re
from pathlib import Path
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.commands.timeline import MAX_TOPIC, TimelineButton, timeline_message, turner
from bot.errors import GoneError
from bot.escaping import unescape
from bot.picture import source_colours
from bot.terminal import Terminal
from retrieval.dates import PartialDate
from retrieval.types import CorpusSummary, Filters, Quote, Timeline
from tests.bot.rendering import length, refusals
from tests.bot.samples import make_quote, quotes, titles
from tests.bot.test_run import ANSWER_S, READY_S, SEEDS, running
from tests.fakes import world
from tests.fakes.discord_server import FakeDiscord
from tests.program import dateline

ATTACH_FILES = 1 << 15
SUMMARY = CorpusSummary(2, 18, PartialDate(2024, 2, 20), PartialDate(2024, 3, 18))
WINDOW = Filters(PartialDate(2024, 2, 20), PartialDate(2024, 12, 31))


def timeline(*found: Quote, topic: str = "the car", filters: Filters | None = None) -> Timeline:
    """A timeline of these quotes, as they stand."""
    return Timeline(topic, filters or Filters(), found, SUMMARY)


@settings(max_examples=12)
@given(st.lists(quotes(5_000), max_size=7), titles)
async def test_cards_are_within_every_limit_and_hold_the_quotes(
    given_quotes: list[Quote], topic: str
) -> None:
    """Word for word, whatever is in them, on pages that Discord takes."""
    found = timeline(*given_quotes, topic=topic)
    shown = timeline_message(found, lacks_picture=True)
    cards = [card for page in shown.pages for card in page]

    assert all([] == refusals(shown.content, page) for page in shown.pages)
    assert all(1 <= len(page) <= 5 for page in shown.pages)
    assert "".join(quote.text for quote in given_quotes) == "".join(
        unescape(card.description or "") for card in cards
    )


async def test_a_card_has_the_number_and_the_colour_of_its_mark() -> None:
    """That is how people get from the picture to the words."""
    found = timeline(
        make_quote("One.", source="Wire"),
        make_quote("Two.", source="Post", published=PartialDate(2024, 3)),
        make_quote("Three.", source="Herald", published=None),
    )

    shown = timeline_message(found)

    colours = source_colours(found.quotes)
    assert [
        ("1 · 2024-02-20 · Wire", colours["Wire"]),
        ("2 · 2024-03 · Post", colours["Post"]),
        ("3 · undated · Herald", 0xA9AEB8),
    ] == [(card.author.name, card.colour and card.colour.value) for card in shown.pages[0]]
    assert "1 passage without a date: last, and not drawn." in shown.content


@pytest.mark.parametrize(
    ("found", "lacks_picture", "expected"),
    [
        (timeline(), False, "Nothing on this in the coverage\\: 2 articles"),
        (timeline(filters=WINDOW), True, "Nothing on this from 2024-02-20 to 2024-12-31"),
        (timeline(make_quote(published=None)), False, "there is no picture"),
        (timeline(make_quote()), True, "*Attach Files*"),
        (timeline(make_quote(), filters=WINDOW), False, "only from 2024-02-20 to 2024-12-31"),
    ],
)
def test_what_is_missing_is_said(found: Timeline, lacks_picture: bool, expected: str) -> None:
    """An empty list, or a list without its picture, would look like a fault."""
    assert expected in timeline_message(found, lacks_picture=lacks_picture).content


def buttons(view: discord.ui.View) -> list[TimelineButton]:
    """The buttons of a view, in order."""
    return [item for item in view.children if isinstance(item, TimelineButton)]


@pytest.mark.parametrize(
    "topic", ["a" * MAX_TOPIC, "한" * MAX_TOPIC, "🚗" * (MAX_TOPIC // 2), "a:b"]
)
@pytest.mark.parametrize("filters", [Filters(), WINDOW, Filters(before=PartialDate(2024))])
async def test_a_button_knows_the_longest_topic_and_its_window(
    topic: str, filters: Filters
) -> None:
    """This is how buttons survive a restart, within the 100 characters that Discord gives them."""
    found = timeline(make_quote(), topic=topic, filters=filters)

    view = turner(found, 98, 99)

    assert [] == refusals("x", (), view)
    for button in buttons(view):
        custom_id = button.item.custom_id or ""
        match = TimelineButton.__discord_ui_compiled_template__.fullmatch(custom_id)
        assert match is not None
        made = await TimelineButton.from_custom_id(None, discord.ui.Button(), match)  # type: ignore[arg-type]
        assert length(custom_id) <= 100
        assert custom_id == made.item.custom_id
        assert (topic, filters) == (made.of.topic, made.of.filters())


async def test_a_button_with_no_such_date_is_gone() -> None:
    """Whoever writes a client of their own may send any `custom_id`."""
    match = TimelineButton.__discord_ui_compiled_template__.fullmatch("tl>1:2024-13::abcd:car")
    assert match is not None
    made = await TimelineButton.from_custom_id(None, discord.ui.Button(), match)  # type: ignore[arg-type]

    with pytest.raises(GoneError):
        made.of.filters()


def attached(server: FakeDiscord) -> list[dict[str, Any]]:
    """What the bot said of each file that it sent, in order."""
    bodies = [request.body for request in server.requests if isinstance(request.body, dict)]
    return [file for body in bodies for file in body.get("attachments") or ()]


async def test_a_timeline_is_a_picture_and_a_list_that_turns_pages(tmp_path: Path) -> None:
    """The installed bot: public and private, with a window, after a restart, without a right."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        shown = await (await bot.discord.slash("timeline", topic="luxury car")).answer(ANSWER_S)
        turned = await (await bot.discord.press(shown, "1/2 ▶")).answer(ANSWER_S)
        later = await bot.discord.slash("timeline", topic="Aurus", after="2024-03", private=True)
        silent = await (await bot.discord.slash("timeline", topic="Gaza")).answer(ANSWER_S)
        long = await (await bot.discord.slash("timeline", topic="🚗" * 40)).answer(ANSWER_S)
        alt = attached(bot.discord)[0]["description"]

        assert 6 == sum(len(message.embeds) for message in (shown, turned))
        dates = [card["author"]["name"] for message in (shown, turned) for card in message.embeds]
        assert sorted(dates) == dates
        words = "".join(path.read_text(encoding="utf-8") for path in SEEDS.glob("*.txt"))
        assert all(unescape(card["description"]) in words for card in shown.embeds)
        with Image.open(io.BytesIO(shown.files["timeline.png"])) as image:
            assert ("PNG", 1_000) == (image.format, image.width)
        assert alt.startswith("Timeline of “luxury car”: 6 passages from 2 sources.")
        assert ["timeline.png"] == list(turned.files)
        private = await later.answer(ANSWER_S)
        assert private.ephemeral
        assert {"2024-03-18"} == {card["author"]["name"][4:14] for card in private.embeds}
        assert "Nothing on this" in silent.text
        assert {} == silent.files
        assert "longer than 60 characters" in long.text
        assert long.ephemeral
        assert 0 == await bot.stop()
        assert "Aurus" not in bot.log.read_text(encoding="utf-8")


async def test_an_old_timeline_turns_pages_and_tells_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button finds everything anew; where Discord forbids pictures, the list comes alone."""
    async with running(tmp_path) as first:
        await first.discord.connected(READY_S)
        shown = await (await first.discord.slash("timeline", topic="luxury car")).answer(ANSWER_S)
        assert 0 == await first.stop()
    custom_id = shown.components[0]["components"][1]["custom_id"]
    (tmp_path / "index" / "commands.json").unlink()  # this Discord is new and knows no commands
    monkeypatch.setattr(world, "MEMBER_PERMISSIONS", world.MEMBER_PERMISSIONS & ~ATTACH_FILES)
    async with running(tmp_path) as second:
        await second.discord.connected(READY_S)
        alone = await (await second.discord.slash("timeline", topic="luxury car")).answer(ANSWER_S)
        assert custom_id == alone.components[0]["components"][1]["custom_id"]
        turned = await (await second.discord.press(alone, custom_id)).answer(ANSWER_S)
        # As if it had been sent before an article changed.
        button = turned.components[0]["components"][0]
        button["custom_id"] = re.sub(":[0-9a-f]{4}:", ":ffff:", button["custom_id"])
        changed = await (await second.discord.press(turned, button["custom_id"])).answer(ANSWER_S)
        assert 0 == await second.stop()

    assert {} == alone.files
    assert "*Attach Files*" in alone.content
    assert "6 · 2024-03-18" in turned.text
    assert "The coverage has changed" in changed.text
    assert changed.ephemeral
    assert changed.id != turned.id


def test_a_terminal_gets_the_same_list() -> None:
    """Whole passages, each on lines of its own."""
    file = io.StringIO()

    Terminal(file).timeline(timeline(make_quote("One."), make_quote("Two.", source="Wire")))

    lines = file.getvalue().splitlines()
    assert "2 passages, oldest first. From 2 articles, 2024-02-20 to 2024-03-18." == lines[0]
    assert ["One.", "— The Daily", "Two.", "— Wire"] == [lines[n] for n in (3, 4, 7, 8)]


def test_the_command_line_has_it_too(tmp_path: Path) -> None:
    """Whoever runs it at home sees what Discord shows."""
    file = tmp_path / "car.png"
    asked = ("timeline", "the limousine", "--after", "2024-03", "--json", "--picture", file)
    found = dateline(*asked, home=tmp_path)
    silent = dateline("timeline", "Gaza", "--picture", tmp_path / "none.png", home=tmp_path)

    (quote,) = found.json["quotes"]
    assert {"topic", "window", "quotes", "corpus"} == set(found.json)
    assert ("2024-03-18", {"after": "2024-03", "before": None}) == (
        quote["published"],
        found.json["window"],
    )
    assert "score" not in quote
    assert b"\x89PNG" == file.read_bytes()[:4]
    assert quote["text"] in (SEEDS / f"{quote['article_id']}.txt").read_text(encoding="utf-8")
    assert 1 == silent.status
    assert "no picture" in silent.err
    assert not (tmp_path / "none.png").exists()

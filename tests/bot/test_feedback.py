"""Feedback: opt-in, on disk, bounded, and nobody is named in it."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import discord
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bot.cards
import bot.feedback
from bot.check import check
from bot.feedback import Feedback, latest_gaps
from bot.settings import Settings
from bot.thumbs import Thumb, add_thumbs
from retrieval.reader.span import SpanReader
from retrieval.types import Quote, Span
from tests.bot.joining import joined, make_client
from tests.bot.rendering import refusals
from tests.bot.samples import make_answer, make_article, make_quote, messy_texts
from tests.fakes.discord_server import FakeDiscord, SentMessage
from tests.fakes.world import BOB, button_label
from tests.program import REPOSITORY

TEXTS = {
    "tram": "The tram line of Tarn cost 5 million crowns.",
    "rain": "Rain fell on the fair of Oradour all day.",
}
COST = "How much did the tram line of Tarn cost?"


@pytest.fixture
def feedback(tmp_path: Path) -> Feedback:
    """Feedback in a folder that is not there yet, always on the same day."""
    return Feedback(tmp_path / "some" / "feedback", lambda: date(2024, 2, 20))


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """A fake Discord, alone."""
    async with FakeDiscord() as server:
        yield server


def gap(question: str) -> Any:
    """An answer that is silent."""
    return make_answer(question=question, reason="weak")


def records(feedback: Feedback, name: str) -> list[Any]:
    """What stands in one file."""
    return [json.loads(line) for line in (feedback.folder / name).read_bytes().splitlines()]


class TestFolder:
    """The files themselves."""

    def test_a_gap_holds_the_day_and_the_words_and_no_more(self, feedback: Feedback) -> None:
        """This is what the README promises."""
        feedback.note_gap(gap("Who is Zog?"))

        expected = {
            "day": "2024-02-20",
            "question": "Who is Zog?",
            "reason": "weak",
            "confidence": 0.0,
        }
        assert [expected] == records(feedback, "gaps.jsonl")

    def test_a_verdict_names_the_passages_and_not_the_person(self, feedback: Feedback) -> None:
        """Who said what of which answer is kept in memory only."""
        quote = make_quote("Kim rode.", article_id="sub/kim")

        feedback.note_verdict("up", "Who rode?", [quote], who=(12345, 67890))

        expected = {
            "day": "2024-02-20",
            "question": "Who rode?",
            "verdict": "up",
            "passages": ["sub/kim#0-9"],
            "instead_of": None,
        }
        assert [expected] == records(feedback, "verdicts.jsonl")

    def test_the_same_verdict_counts_once_and_a_better_thought_takes_its_place(
        self, feedback: Feedback
    ) -> None:
        """For each person and each answer."""
        said = [
            feedback.note_verdict("up", "Who?", [], who=(1, 1)),
            feedback.note_verdict("up", "Who?", [], who=(1, 1)),  # once more
            feedback.note_verdict("up", "Who?", [], who=(1, 2)),  # somebody else
            feedback.note_verdict("up", "Who?", [], who=(2, 1)),  # of another answer
            feedback.note_verdict("down", "Who?", [], who=(1, 1)),  # another opinion
        ]

        assert [True, False, True, True, True] == said
        assert [("up", None), ("up", None), ("up", None), ("down", "up")] == [
            (record["verdict"], record["instead_of"])
            for record in records(feedback, "verdicts.jsonl")
        ]

    def test_what_is_remembered_is_bounded(
        self, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A bot runs for months."""
        monkeypatch.setattr(bot.feedback, "_REMEMBERED", 3)

        for user in range(10):
            feedback.note_verdict("up", "Who?", [], who=(1, user))

        assert not feedback.note_verdict("up", "Who?", [], who=(1, 7))
        assert feedback.note_verdict("up", "Who?", [], who=(1, 6))

    @pytest.mark.parametrize(
        ("asked", "kept"),
        [
            ("What did <@1200000000000000001> say?", "What did … say?"),  # a mention
            ("Is <@!1200000000000000001> right?", "Is … right?"),  # the same, as of old
            ("What of <#1100000000000000003>?", "What of …?"),  # a channel
            ("<:kim:1100000000000000003> who?", "… who?"),  # an emoji of a server
            (
                "Is https://discord.com/channels/1100000000000000002/1100000000000000003 true?",
                "Is https://discord.com/channels/…/… true?",
            ),
            ("Did 12,345,678 people vote in 2024?", "Did 12,345,678 people vote in 2024?"),
        ],
    )
    def test_no_id_in_a_question_is_written(
        self, feedback: Feedback, asked: str, kept: str
    ) -> None:
        """People mention people in their questions."""
        feedback.note_gap(gap(asked))
        feedback.note_verdict("up", asked, [], who=(1, 1))

        assert kept == records(feedback, "gaps.jsonl")[0]["question"]
        assert kept == records(feedback, "verdicts.jsonl")[0]["question"]

    def test_the_files_never_outgrow_their_bound_and_keep_the_latest(
        self, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that is full stops more than the bot."""
        monkeypatch.setattr(bot.feedback, "MAX_BYTES", 1_000)

        for number in range(100):
            feedback.note_gap(gap(f"Who is number {number}?"))
            sizes = [path.stat().st_size for path in feedback.folder.glob("*.jsonl")]
            assert max(sizes) <= 1_000
            assert len(sizes) <= 2

        kept = latest_gaps(feedback.gaps_file())
        assert [f"Who is number {n}?" for n in range(99, 99 - len(kept), -1)] == [
            one.question for one in kept
        ]
        assert len(kept) > 10

    @pytest.mark.parametrize("broken", ['{"day": "2024', "\n", "[]\n", '{"question": 1}\n', "\0"])
    def test_a_broken_line_costs_itself(self, feedback: Feedback, broken: str) -> None:
        """A process that was killed may have left half a line."""
        feedback.note_gap(gap("Who is Zog?"))
        with (feedback.folder / "gaps.jsonl").open("a", encoding="utf-8") as file:
            file.write(broken)
        feedback.note_gap(gap("Who is Kim?"))

        found = [one.question for one in latest_gaps(feedback.gaps_file())]

        assert ["Who is Kim?", "Who is Zog?"] == found

    def test_no_folder_is_no_gap(self, feedback: Feedback) -> None:
        """Before the first one is noted."""
        assert b"" == feedback.gaps_file()
        assert not feedback.folder.exists()

    def test_many_processes_lose_no_line(self, tmp_path: Path) -> None:
        """Several bots may share one folder, and their files may be full at any moment."""
        program = (
            "import sys, pathlib, bot.feedback\n"
            "from tests.bot.samples import make_answer\n"
            "bot.feedback.MAX_BYTES = 9_000\n"
            "feedback = bot.feedback.Feedback(pathlib.Path(sys.argv[1]))\n"
            "for number in range(40):\n"
            "    question = f'Who is {sys.argv[2]} {number}?'\n"
            "    feedback.note_gap(make_answer(question=question, reason='weak'))\n"
        )
        processes = [
            subprocess.Popen([sys.executable, "-c", program, tmp_path, str(number)], cwd=REPOSITORY)
            for number in range(3)
        ]
        assert [0, 0, 0] == [process.wait(60) for process in processes]

        found = latest_gaps(Feedback(tmp_path).gaps_file())
        assert {f"Who is {one} {n}?" for one in range(3) for n in range(40)} == {
            gap.question for gap in found
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messy_texts, max_size=8))
def test_any_question_comes_back(tmp_path: Path, asked: list[str]) -> None:
    """Line breaks of every kind, and what is no letter at all."""
    feedback = Feedback(tmp_path)
    for path in tmp_path.glob("*.jsonl"):
        path.unlink()
    for question in asked:
        feedback.note_gap(gap(question))

    written = feedback.gaps_file()
    found = latest_gaps(written)

    assert asked == [json.loads(line)["question"] for line in written.splitlines()]
    assert len(asked) == sum(one.times for one in found)


def test_a_folder_in_use_for_too_long_is_no_worse_than_one_that_cannot_be_written(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have been stopped while it was writing."""
    monkeypatch.setattr(bot.feedback, "_PATIENCE_S", 0.1)
    feedback.note_gap(gap("Who is Zog?"))

    with FileLock(feedback.folder / "feedback.lock"), pytest.raises(OSError, match="lock"):
        feedback.note_gap(gap("Who is Kim?"))
    assert 1 == len(records(feedback, "gaps.jsonl"))


def test_the_same_words_are_one_question() -> None:
    """However they were typed."""
    asked = ["Who is Zog?", "who is  ZOG", "“Who is Zog?!”", "Ｗｈｏ is Zog", "Who was Zog?"]
    file = "".join(
        json.dumps({"question": question, "reason": "weak", "day": f"2024-02-2{number}"}) + "\n"
        for number, question in enumerate(asked)
    )

    found = latest_gaps(file.encode())

    assert [("Who was Zog?", 1, "2024-02-24"), ("Ｗｈｏ is Zog", 4, "2024-02-23")] == [
        (one.question, one.times, one.day) for one in found
    ]


class TestThumbs:
    """The buttons, on a Discord."""

    async def test_the_longest_reference_fits(self, tmp_path: Path) -> None:
        """Discord allows 100 characters."""
        far = Quote(make_article("a" * 5_000_000), Span(4_000_000, 5_000_000), 0.9)
        view = discord.ui.View(timeout=None)

        add_thumbs(view, Feedback(tmp_path), make_answer([far] * 4))

        assert [] == refusals("x", (), view)
        assert 2 == len(view.children)
        assert view.is_persistent()
        assert all(
            len(thumb.custom_id) <= 100 for thumb in view.children if isinstance(thumb, Thumb)
        )

    async def test_no_thumbs_unless_they_are_wanted(self, tmp_path: Path) -> None:
        """Nor where there are more quotes than a button can name."""
        for feedback, quotes in ((None, 1), (Feedback(tmp_path), 10)):
            view = discord.ui.View(timeout=None)
            add_thumbs(view, feedback, make_answer([make_quote()] * quotes))
            assert [] == view.children

    async def test_a_press_is_noted_once_and_thanked_privately(
        self, tmp_path: Path, server: FakeDiscord, reader: SpanReader, feedback: Feedback
    ) -> None:
        """From a mention and from a command, by each person once, and silence can be judged."""
        client = make_client(tmp_path, TEXTS, reader, feedback=feedback)
        async with joined(server, client):
            mentioned = await (await server.mention(COST)).answer(30)
            asked = await (await server.slash("ask", question="Who is *Zog* <@1>?")).answer(30)
            thanked = [
                await press(server, mentioned, "👍"),
                await press(server, mentioned, "👍"),
                await press(server, mentioned, "👍", user=BOB),
                await press(server, asked, "👎"),
            ]

        assert ("👍", "👎") == mentioned.buttons[-2:]
        assert ("Nearest passages", "👍", "👎") == asked.buttons
        assert all(message.ephemeral for message in thanked)
        assert [False, True, False, False] == ["already" in message.text for message in thanked]
        found = records(feedback, "verdicts.jsonl")
        passage = f"tram#0-{len(TEXTS['tram'])}"
        assert [
            (COST, "up", [passage]),
            (COST, "up", [passage]),
            ("Who is *Zog* <@1>?", "down", []),
        ] == [(record["question"], record["verdict"], record["passages"]) for record in found]
        for path in feedback.folder.iterdir():
            assert not re.search(rb"\d{17}", path.read_bytes())

    async def test_thumbs_outlive_a_restart(
        self, tmp_path: Path, server: FakeDiscord, reader: SpanReader, feedback: Feedback
    ) -> None:
        """The question is read from the answer itself: as it was understood, even if deleted."""
        async with joined(server, make_client(tmp_path, TEXTS, reader, feedback=feedback)):
            mentioned = await (await server.mention(COST)).answer(30)
            asked = await (await server.slash("ask", question=COST)).answer(30)
            lost = await server.mention(COST)
            orphan = await lost.answer(30)
            replied = await (await server.reply(mentioned, "And in March 2024?")).answer(30)
        async with joined(server, make_client(tmp_path, TEXTS, reader, feedback=feedback)):
            for message in (mentioned, asked, replied):
                await press(server, message, "👎")
            await server.delete(lost)
            await press(server, orphan, "👎")

        found = [record["question"] for record in records(feedback, "verdicts.jsonl")]
        assert [COST, COST, f"{COST[:-1]} in March 2024?", COST] == found

    async def test_thumbs_of_an_article_that_has_changed_say_so(
        self, tmp_path: Path, server: FakeDiscord, reader: SpanReader, feedback: Feedback
    ) -> None:
        """A verdict on words that are not there any more helps nobody."""
        async with joined(server, make_client(tmp_path, TEXTS, reader, feedback=feedback)):
            answer = await (await server.mention(COST)).answer(30)
        changed = {"tram": TEXTS["tram"].replace("5", "9")}
        async with joined(server, make_client(tmp_path, changed, reader, feedback=feedback)):
            told = await press(server, answer, "👍")

        assert "coverage has changed" in told.text
        assert not (feedback.folder / "verdicts.jsonl").exists()

    async def test_thumbs_of_a_bot_that_keeps_no_feedback_any_more_say_so(
        self, tmp_path: Path, server: FakeDiscord, reader: SpanReader, feedback: Feedback
    ) -> None:
        """The operator has changed their mind, and the old messages still stand."""
        async with joined(server, make_client(tmp_path, TEXTS, reader, feedback=feedback)):
            answer = await (await server.mention(COST)).answer(30)
        async with joined(server, make_client(tmp_path, TEXTS, reader)):
            told = await press(server, answer, "👍")
            later = await (await server.mention(COST)).answer(30)

        assert told.ephemeral
        assert "Nothing was noted" in told.text
        assert not {"👍", "👎"} & set(later.buttons)

    async def test_a_verdict_that_cannot_be_written_is_said(
        self, tmp_path: Path, server: FakeDiscord, reader: SpanReader
    ) -> None:
        """Thanks for nothing would be a lie."""
        (tmp_path / "file").touch()
        feedback = Feedback(tmp_path / "file")
        async with joined(server, make_client(tmp_path, TEXTS, reader, feedback=feedback)):
            answer = await (await server.mention(COST)).answer(30)
            told = await press(server, answer, "👍")

        assert "went wrong on my side" in told.text

    async def test_thumbs_stay_when_pages_are_turned(
        self,
        tmp_path: Path,
        server: FakeDiscord,
        reader: SpanReader,
        feedback: Feedback,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The second page is part of the same answer."""
        monkeypatch.setattr(bot.cards, "MAX_EMBED_TOTAL", 1)  # a page for each quote
        both = {**TEXTS, "later": "The tram line of Tarn cost 9 million crowns, said the mayor."}
        async with joined(server, make_client(tmp_path, both, reader, feedback=feedback)):
            first = await (await server.mention(COST)).answer(30)
            turned = await (await server.press(first, "1/2 ▶")).answer(30)
            await press(server, turned, "👍")

        assert [["◀", "1/2 ▶"], ["More context", "Open article"], ["👍", "👎"]] == rows(first)[:3]
        assert [["◀", "2/2 ▶"], *rows(first)[1:]] == rows(turned)
        (verdict,) = records(feedback, "verdicts.jsonl")
        assert 2 == len(verdict["passages"])


def rows(message: SentMessage) -> list[list[str]]:
    """What the buttons show, row by row."""
    return [[button_label(button) for button in row["components"]] for row in message.components]


async def press(server: FakeDiscord, on: SentMessage, label: str, **who: Any) -> SentMessage:
    """What somebody is told who presses a button."""
    return await (await server.press(on, label, **who)).answer(30)


def test_a_check_says_where_feedback_goes(tmp_path: Path, seeds: Path) -> None:
    """And finds a folder that cannot be written before the bot does."""
    (tmp_path / "file").touch()

    def found(folder: str) -> list[tuple[str, str, str]]:
        environ = {"DATELINE_FEEDBACK": folder}
        rows = check(Settings.from_environ(environ, corpus=seeds, index=tmp_path / "index"))
        return [row for row in rows.rows if row[1] == "feedback"]

    ((good, _, where),) = found(str(tmp_path / "new" / "folder"))
    ((bad, _, what),) = found(str(tmp_path / "file" / "folder"))
    assert ("ok", "problem") == (good, bad)
    assert where.endswith(str(tmp_path / "new" / "folder"))
    assert "DATELINE_FEEDBACK" in what
    assert [] == found("")
    assert not (tmp_path / "new").exists()

"""/coverage: what managers see of the coverage, and how they bring it up to date."""

import asyncio
import re
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import bot.client
from bot.commands.coverage import changes_phrase, gaps_card, status_card
from bot.escaping import unescape
from bot.feedback import Feedback, Gap
from retrieval.embedder import Embeddings, Progress, no_progress
from retrieval.engine import Engine
from retrieval.errors import ArticleError
from retrieval.index.storage import read_manifest, writing
from retrieval.reader.span import SpanReader
from retrieval.survey import Survey
from retrieval.types import article_key
from tests.bot.joining import eventually, joined, make_client
from tests.bot.rendering import active, refusals
from tests.bot.samples import FRAGMENTS, make_article
from tests.fakes.discord_server import FakeDiscord, RefusedError
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.fakes.world import ADMIN, ALICE, BOB, GROUP, OTHER_GUILD
from tests.retrieval.making import make_index

TEXTS = {
    "tram": "Published: 2024-02-20\n\nThe tram line of Tarn cost 5 million crowns.",
    "rain": "Published: 2024-03-18\n\nRain fell on the fair of Oradour all day.",
    "kim": "Kim rode in a car.",
}
COST = "How much did the tram line of Tarn cost?"


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    """A fake Discord, alone."""
    async with FakeDiscord() as server:
        yield server


class HeldEmbedder(HashingEmbedder):
    """Embeds passages only once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.let = threading.Event()

    def embed_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Embeddings:
        """Waits, and then is quick."""
        self.began.set()
        assert self.let.wait(30)
        return super().embed_passages(texts, progress)


def write(home: Path, name: str, text: str) -> None:
    """Puts an article into the corpus of that home."""
    (home / "corpus" / name).write_text(text, encoding="utf-8")


async def said(server: FakeDiscord, question: str) -> str:
    """What a mention with this question is answered."""
    return unescape((await (await server.mention(question)).answer(30)).text)


async def test_status_says_what_is_answered_from_and_what_was_left_out(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """Whoever wonders why an article is never quoted finds the reason here."""
    client = make_client(tmp_path, TEXTS, reader)
    async with joined(server, client):
        fresh = await (await server.slash("coverage status", user=ADMIN)).answer(30)
        write(tmp_path, "rain.txt", "Published: 2024-03-19\n\nSnow fell on Oradour.")
        write(tmp_path, "new.txt", "The mayor resigned.")
        write(tmp_path, "table_of.csv", "a,b")
        (tmp_path / "corpus" / "kim.txt").unlink()
        stale = await (await server.slash("coverage status", user=ADMIN)).answer(30)
        shutil.rmtree(tmp_path / "corpus")
        gone = await (await server.slash("coverage status", user=ADMIN)).answer(30)

    assert fresh.ephemeral
    text = unescape(fresh.text)
    assert "3 articles, 2024-02-20 to 2024-03-18: 3 passages, 3 sources" in text
    assert "1 article, which no time window finds" in text
    built = int(client.engine.built.timestamp())
    assert f"<t:{built}:f>" in text
    assert "Up to date" in text
    assert "1 new, 1 changed, 1 deleted" in stale.text
    assert "/coverage reload" in stale.text
    assert "3 articles" in stale.text  # it is still answered from them
    assert "table_of.csv: not a kind of file that is read here" in unescape(stale.text)
    assert "folder of articles cannot be read" in gone.text
    assert "3 articles" in gone.text


async def test_only_managers_of_a_server_have_it(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """Unless the server's settings say otherwise, which are Discord's and not ours."""
    async with joined(server, make_client(tmp_path, TEXTS, reader)):
        for name in ("status", "reload", "gaps"):
            with pytest.raises(RefusedError, match="not there for alice"):
                await server.slash(f"coverage {name}", user=ALICE)
            with pytest.raises(RefusedError, match="direct messages"):
                await server.slash(f"coverage {name}", user=ADMIN, dm=True)
        (command,) = (one for one in server.commands if one["name"] == "coverage")

    assert str(1 << 5) == str(command["default_member_permissions"])  # Manage Server
    assert ([0], [0]) == (command["contexts"], command["integration_types"])


async def test_a_reload_takes_up_what_changed(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """In answers, lists, suggestions and timelines, and in buttons of messages sent before."""
    client = make_client(tmp_path, TEXTS, reader)
    async with joined(server, client):
        before = await said(server, COST)
        silent = await (await server.mention("Who won the regatta of Lom?")).answer(30)
        write(tmp_path, "tram.txt", TEXTS["tram"].replace("5 million", "9 million"))
        write(tmp_path, "lom.txt", "Ada won the regatta of Lom.")
        (tmp_path / "corpus" / "kim.txt").unlink()
        reloaded = await (await server.slash("coverage reload", user=ADMIN)).answer(30)
        after = await said(server, COST)
        listed = await (await server.slash("sources")).answer(30)
        about = await (await server.slash("about")).answer(30)
        timeline = await (await server.slash("timeline", topic="Lom regatta")).answer(30)
        suggested = await server.autocomplete("source", "article", "")
        sources = await server.autocomplete("ask", "source", "")
        old = await (await server.press(silent, "Nearest passages")).answer(30)
        again = await (await server.slash("coverage reload", user=ADMIN)).answer(30)

    assert "cost 5 million" in before
    assert reloaded.ephemeral
    assert "1 new, 1 changed, 1 deleted." in reloaded.content
    assert "Up to date" in reloaded.text
    assert "cost 9 million" in after
    assert "lom.txt" in unescape(listed.text)
    assert "kim.txt" not in unescape(listed.text)
    assert "3 articles, 2024-02-20 to 2024-03-18" in unescape(about.text)
    assert "Ada won the regatta of Lom." in unescape(timeline.text)
    assert any("regatta" in one["name"] for one in suggested)
    assert ["lom.txt", "rain.txt", "tram.txt"] == [one["value"] for one in sources]
    assert "The coverage has changed" in old.text
    assert "nothing has changed" in again.content


async def test_questions_are_answered_while_a_reload_is_under_way_and_a_second_one_is_refused(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """From the coverage as it was, until all of the new one is there."""
    embedder = HeldEmbedder()
    client = make_client(tmp_path, TEXTS, reader, embedder=embedder)
    async with joined(server, client):
        write(tmp_path, "tram.txt", TEXTS["tram"].replace("5 million", "9 million"))
        first = await server.slash("coverage reload", user=ADMIN)
        await asyncio.to_thread(embedder.began.wait, 30)
        meanwhile = await said(server, COST)
        second = await (await server.slash("coverage reload", user=ADMIN)).answer(30)
        unfinished = first.messages
        embedder.let.set()
        reloaded = await first.answer(30)
        after = await said(server, COST)

    assert "cost 5 million" in meanwhile
    assert "being reloaded already" in second.text
    assert () == unfinished
    assert "1 changed" in reloaded.content
    assert "cost 9 million" in after


async def test_a_question_under_way_finishes_on_the_coverage_it_was_asked_of(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one state and half of another would be a quote from nowhere."""
    client = make_client(tmp_path, TEXTS, reader)
    began, let = threading.Event(), threading.Event()
    answer = client.engine.answer

    def slowly(*asked: Any, **more: Any) -> object:
        began.set()
        assert let.wait(30)
        return answer(*asked, **more)

    monkeypatch.setattr(client.engine, "answer", slowly)
    async with joined(server, client):
        asked = await server.mention(COST)
        await asyncio.to_thread(began.wait, 30)
        write(tmp_path, "tram.txt", TEXTS["tram"].replace("5 million", "9 million"))
        await (await server.slash("coverage reload", user=ADMIN)).answer(30)
        later = await server.mention(COST)
        let.set()

        assert "cost 5 million" in (await asked.answer(30)).text
        assert "cost 9 million" in (await later.answer(30)).text


async def test_a_reload_that_fails_says_why_and_leaves_the_old_coverage(
    tmp_path: Path,
    server: FakeDiscord,
    reader: SpanReader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In words for a manager, with a reference to words for an operator; a retry works."""
    client = make_client(tmp_path, TEXTS, reader)
    async with joined(server, client):
        with writing(tmp_path / "index"):
            locked = await (await server.slash("coverage reload", user=ADMIN)).answer(30)
        (tmp_path / "corpus").rename(tmp_path / "elsewhere")
        gone = await (await server.slash("coverage reload", user=ADMIN)).answer(30)
        answered = await said(server, COST)
        (tmp_path / "elsewhere").rename(tmp_path / "corpus")
        manifest = tmp_path / "index" / "manifest.json"
        whole = manifest.read_text(encoding="utf-8")
        manifest.write_text("{}", encoding="utf-8")
        damaged = await (await server.slash("coverage reload", user=ADMIN)).answer(30)
        manifest.write_text(whole, encoding="utf-8")
        mended = await (await server.slash("coverage reload", user=ADMIN)).answer(30)

    for message, why in (
        (locked, "another process is writing the index"),
        (gone, "the folder of articles cannot be read"),
        (damaged, "the index cannot be brought up to date"),
    ):
        assert message.ephemeral
        found = re.search(rf"stays as it was.*{why}.*ref (\w{{4}})", unescape(message.text))
        assert found
        assert f"ref={found[1]}" in caplog.text
        assert str(tmp_path) not in message.text
    assert f"no corpus folder at {tmp_path / 'corpus'}" in caplog.text
    assert "cost 5 million" in answered
    assert "nothing has changed" in mended.content


async def test_a_stop_ends_a_reload_and_leaves_the_index_as_it_was(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embedding a large corpus takes longer than a supervisor waits."""
    monkeypatch.setattr(bot.client, "_DRAIN_S", 0.1)
    embedder = HeldEmbedder()
    client = make_client(tmp_path, TEXTS, reader, embedder=embedder)
    before = read_manifest(tmp_path / "index")
    async with joined(server, client):
        write(tmp_path, "new.txt", "The mayor resigned.")
        exchange = await server.slash("coverage reload", user=ADMIN)
        await asyncio.to_thread(embedder.began.wait, 30)
        stopping = asyncio.create_task(client.drain())
        await asyncio.sleep(0.3)
        embedder.let.set()
        await stopping

        assert "restarted" in (await exchange.answer()).text
        assert before == read_manifest(tmp_path / "index")


async def test_what_changes_is_answered_from_without_being_asked_for(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader, caplog: pytest.LogCaptureFixture
) -> None:
    """News comes all day, and managers sleep; a corpus that is gone for a while harms nothing."""
    caplog.set_level("INFO")
    client = make_client(tmp_path, TEXTS, reader)
    following = asyncio.create_task(client.follow())
    async with joined(server, client):
        before = client.engine
        (tmp_path / "corpus").rename(tmp_path / "elsewhere")
        await eventually(lambda: "cannot be taken up now: no corpus folder" in caplog.text)
        answered = await said(server, COST)
        (tmp_path / "elsewhere").rename(tmp_path / "corpus")
        write(tmp_path, "tram.txt", TEXTS["tram"].replace("5 million", "9 million"))
        await eventually(lambda: client.engine is not before)
        after = await said(server, COST)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)

    assert "cost 5 million" in answered
    assert "cost 9 million" in after
    assert client.library.by_key.keys() == {
        article_key(article) for article in client.engine.articles
    }


async def test_gaps_that_are_off_say_how_to_turn_them_on(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """Nothing is written down unless the operator wants it."""
    async with joined(server, make_client(tmp_path, TEXTS, reader)):
        await said(server, "Who won the regatta of Lom?")
        shown = await (await server.slash("coverage gaps", user=ADMIN)).answer(30)

    assert shown.ephemeral
    assert "DATELINE_FEEDBACK" in shown.text


async def test_gaps_are_counted_latest_first_with_the_file(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """What is asked often and not answered is what to add to the corpus."""
    feedback = Feedback(tmp_path / "feedback")
    client = make_client(tmp_path, TEXTS, reader, feedback=feedback)
    async with joined(server, client):
        none = await (await server.slash("coverage gaps", user=ADMIN)).answer(30)
        for question in ("Who won the regatta of Lom?", "Who is *Zog*?", "who WON the regatta,lom"):
            assert "does not say" in await said(server, question)
        await (await server.slash("ask", question="Who won  the regatta of LOM")).answer(30)
        await said(server, COST)
        await eventually(lambda: 4 == feedback.gaps_file().count(b"\n"))
        shown = await (await server.slash("coverage gaps", user=ADMIN)).answer(30)
        server.fail_next(403, path="@original")
        bare = await (await server.slash("coverage gaps", user=ADMIN)).answer(30)

    assert "every question" in none.text
    assert "Attach Files" in bare.content
    assert (shown.embeds, {}) == (bare.embeds, bare.files)
    assert shown.ephemeral
    assert "4 questions, 3 different" in shown.content
    lines = unescape(shown.embeds[0]["description"]).splitlines()
    questions = [line.removeprefix("- ").partition(" — ")[0] for line in lines]
    assert ["Who won the regatta of LOM", "who WON the regatta,lom", "Who is *Zog*?"] == questions
    assert [True, False, False] == ["2 times" in line for line in lines]
    ((name, content),) = shown.files.items()
    assert "gaps.jsonl" == name
    assert 4 == len(content.splitlines())


async def test_what_is_asked_privately_is_not_written_down(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader
) -> None:
    """Whoever chose that nobody sees it did not mean: but managers. Nor did other servers."""
    feedback = Feedback(tmp_path / "feedback")
    unanswered = "Who won the regatta of Lom?"
    async with joined(server, make_client(tmp_path, TEXTS, reader, feedback=feedback)):
        posted = await server.say(unanswered, user=BOB)
        exchanges = [
            await server.direct_message(unanswered),
            await server.slash("ask", question=unanswered, private=True),
            await server.slash("ask", question=unanswered, dm=True),
            await server.slash("ask", question=unanswered, at=OTHER_GUILD),
            await server.slash("ask", question=unanswered, at=GROUP),
            await server.choose("Find in the coverage", posted),
        ]
        shown = [await exchange.answer(30) for exchange in exchanges]

    assert all("does not say" in message.text for message in shown)
    assert [False] * 6 == ["👍" in message.buttons for message in shown]
    assert b"" == feedback.gaps_file()


async def test_a_folder_that_cannot_be_written_costs_no_answer(
    tmp_path: Path, server: FakeDiscord, reader: SpanReader, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator reads of it in the log, without the question."""
    (tmp_path / "file").touch()
    client = make_client(tmp_path, TEXTS, reader, feedback=Feedback(tmp_path / "file" / "under"))
    async with joined(server, client):
        answer = await said(server, "Who won the regatta of Lom?")
        await client.drain()

    assert "does not say" in answer
    assert "could not be noted" in caplog.text
    assert not any("regatta" in r.getMessage() for r in caplog.records if r.levelname != "DEBUG")


class TestCards:
    """Whatever a file or a question is called, Discord takes the message and shows just that."""

    def test_any_gaps_fit_and_show_their_own_words(self) -> None:
        """Questions are the users' own words: markup, mentions and all."""
        gaps = [Gap("x" + part * 300, "weak", "2024-02-20", 3) for part in FRAGMENTS]

        for start in range(0, len(gaps), 7):
            card = gaps_card(gaps[start:])
            assert [] == refusals("x", [card])
            assert {"- "} >= {mark + " " for mark in active(card.description or "")}

    def test_any_files_left_out_fit(self, tmp_path: Path, reader: SpanReader) -> None:
        """A corpus may hold thousands of pictures."""
        engine = Engine(make_index(tmp_path, {}), HashingEmbedder(), reader)
        refused = [
            ArticleError(f"{number}{part * 99}.png", "not read here")
            for number in range(30)
            for part in ("_a", "*", "\n# x", "<@1>")
        ]

        card = status_card(engine, Survey((), tuple(refused)))

        assert [] == refusals("x", [card])
        listed = (card.description or "").splitlines()
        assert "Left out (120)" in (card.description or "")
        more = re.search(r"and (\d+) more", listed[-1])
        assert more
        shown = sum(bool(re.match(r"- \d", line)) for line in listed)
        assert 120 == shown + int(more[1])

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (["a", "b"], ""),  # nothing
            (["a", "b", "c"], "1 new"),
            (["a"], "1 deleted"),
            (["A", "b"], "1 changed"),
            (["A", "c"], "1 new, 1 changed, 1 deleted"),
            ([], "2 deleted"),
        ],
    )
    def test_changes_are_counted(self, now: list[str], expected: str) -> None:
        """By article id and all that an article says."""

        def articles(names: list[str]) -> list[object]:
            return [make_article(name, article_id=name.lower()) for name in names]

        count: Callable[..., str] = changes_phrase

        assert expected == count(articles(["a", "b"]), articles(now))

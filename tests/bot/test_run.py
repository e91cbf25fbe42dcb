"""The installed `dateline run`, driven from outside over sockets, with the real model."""

import asyncio
import contextlib
import re
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.escaping import unescape
from tests.bot.joining import eventually
from tests.fakes.discord_server import TOKEN, FakeDiscord, SentMessage
from tests.fakes.world import ADMIN
from tests.program import DATELINE, REPOSITORY, environment

SEEDS = REPOSITORY / "seeds"
READY_S = 90  # importing the libraries takes 5 s on an idle machine, more on a busy one
ANSWER_S = 60
# One person asks for all of them here.
NO_COOLDOWN = {"DATELINE_USER_COOLDOWN": "off", "DATELINE_SERVER_COOLDOWN": "off"}


@dataclass
class Bot:
    """The process under test and the Discord it is connected to."""

    discord: FakeDiscord
    process: asyncio.subprocess.Process
    log: Path

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit status."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


@contextlib.asynccontextmanager
async def running(
    home: Path,
    corpus: Path = SEEDS,
    token: str = TOKEN,
    settings: Mapping[str, str] | None = None,
    on: FakeDiscord | None = None,
    index: Path | None = None,
) -> AsyncIterator[Bot]:
    """`dateline run` joined to a loopback Discord; what it sent is checked at the end.

    Args:
        home: where it keeps its log and, unless `index` is elsewhere, its index.
        corpus: what it answers from.
        token: its own.
        settings: more of its environment.
        on: the Discord, if not one of its own.
        index: the folder of its index.
    """
    log = home / "log.txt"
    async with contextlib.nullcontext(on) if on else FakeDiscord() as discord:
        given = {**NO_COOLDOWN, "DISCORD_TOKEN": token, **discord.environ, **(settings or {})}
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(DATELINE, "run", "--corpus", corpus, "--index", index or home / "index"),
                stdout=file,
                stderr=file,
                cwd=home,
                env=environment(home, **given),
            )
        try:
            yield Bot(discord, process, log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert [] == discord.invalid
        assert [] == discord.pings
        assert [] == discord.unknown_routes
    assert token not in log.read_text(encoding="utf-8")


def quotes(message: SentMessage) -> list[tuple[str, str]]:
    """Date and un-escaped words of each card."""
    return [
        (str(card["author"]["name"])[:10], unescape(card["description"])) for card in message.embeds
    ]


async def test_every_way_in_gives_dated_quotes_that_stand_in_the_files(tmp_path: Path) -> None:
    """A mention, a direct message and /ask are the same question; the rest is ignored."""
    files = {path.name[:3]: path.read_text(encoding="utf-8") for path in SEEDS.glob("*.txt")}
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        asked = "Who gave Kim the car?"
        exchanges = [
            await bot.discord.mention(asked),
            await bot.discord.direct_message(asked),
            await bot.discord.slash("ask", question=asked),
            await bot.discord.slash("ask", question=asked, private=True),
        ]
        overheard = await bot.discord.say(asked)
        answers = [await exchange.answer(ANSWER_S) for exchange in exchanges]
        empty = await (await bot.discord.mention("")).answer(ANSWER_S)

        for answer in answers:
            found = quotes(answer)
            assert sorted(found, key=lambda quote: quote[0]) == found
            assert {"2024-02-20", "2024-03-18"} == {date for date, _ in found}
            for date, text in found:
                assert text in files["000" if date == "2024-02-20" else "004"]
        assert [False, False, False, True] == [answer.ephemeral for answer in answers]
        assert all(1 == len(exchange.messages) for exchange in exchanges)
        assert () == overheard.messages
        assert "/ask" in empty.content
        assert [0] == [
            identify["intents"] & (1 << 15) for identify in bot.discord.gateway.identified
        ]
        assert 0 == await bot.stop()


async def test_silence_filters_and_mistakes_are_told_in_words(tmp_path: Path) -> None:
    """What cannot be answered or understood gets a sentence, and only its asker sees mistakes."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        silent = await (await bot.discord.mention("What is happening in Gaza?")).answer(ANSWER_S)
        later = await bot.discord.slash("ask", question="Who confirmed the event?", after="2024-03")
        earlier = await bot.discord.slash("ask", question="Who gave Kim the car?", before="2023")
        no_date = await bot.discord.slash("ask", question="Who?", after="last week")
        no_words = await bot.discord.slash("ask", question="🚗")
        no_source = await bot.discord.slash("ask", question="Who is Kim?", source="Reuters")
        long = await bot.discord.direct_message("who " * 400)
        nearest = await bot.discord.press(silent, "Nearest passages")

        assert "The coverage does not say." in silent.text
        assert [] == list(silent.embeds)
        assert {"2024-03-18"} == {date for date, _ in quotes(await later.answer(ANSWER_S))}
        assert "ask again without the dates" in (await earlier.answer(ANSWER_S)).text
        refused = await no_date.answer(ANSWER_S)
        assert refused.ephemeral
        assert "2024-02-20" in refused.text
        assert "no word" in (await no_words.answer(ANSWER_S)).text
        assert "no source is called" in (await no_source.answer(ANSWER_S)).text.lower()
        assert (
            "1,600" in (await long.answer(ANSWER_S)).text or "at most" in (await long.answer()).text
        )
        opened = await nearest.answer(ANSWER_S)
        assert opened.ephemeral
        assert "do not answer" in opened.content
        assert 4 == len(opened.embeds)
        assert 0 == await bot.stop(signal.SIGINT)


async def test_sources_are_listed_completed_and_shown_whole(tmp_path: Path) -> None:
    """Paged by buttons, which hold the whole article, word for word."""
    corpus = tmp_path / "corpus"
    shutil.copytree(SEEDS, corpus)
    paragraph = (
        "The *council* of <@1> met_again_ at https://example.org/a_b and said @everyone. " * 12
    )
    long = "Title: A long report\nSource: The Record\nDate: 2023-05-06\n\n" + "\n\n".join(
        f"{number}. {paragraph}" for number in range(12)
    )
    (corpus / "long.txt").write_text(long, encoding="utf-8")
    for number in range(12):
        (corpus / f"short{number}.txt").write_text(f"Rain fell in town {number}.", encoding="utf-8")
    async with running(tmp_path, corpus) as bot:
        await bot.discord.connected(READY_S)
        listed = await (await bot.discord.slash("sources")).answer(ANSWER_S)
        turned = await (await bot.discord.press(listed, "1/2 ▶")).answer(ANSWER_S)
        choices = await bot.discord.autocomplete("source", "article", "record long")
        every = await bot.discord.autocomplete("source", "article", "")
        named = await bot.discord.autocomplete("ask", "source", "rec")
        shown = await (await bot.discord.slash("source", article=choices[0]["value"])).answer()
        pages = [shown]
        while pages[-1].buttons and (forward := [b for b in pages[-1].buttons if "▶" in b]):
            pages.append(await (await bot.discord.press(pages[-1], forward[0])).answer(ANSWER_S))
        missing = await (await bot.discord.slash("source", article="no such thing")).answer()

        assert "15 articles" in listed.text
        assert "2023-05-06" in listed.text
        assert "short9" in turned.text
        assert ["2023-05-06 · A long report"] == [choice["name"] for choice in choices]
        assert 15 == len(every)
        assert ["The Record"] == [choice["value"] for choice in named]
        assert long == "".join(text for page in pages for _, text in quotes(page))
        assert len(pages) > 2
        assert "no article" in missing.text
        assert missing.ephemeral
        assert 0 == await bot.stop()


async def test_fifty_questions_at_once_are_acknowledged_in_a_second_and_answered_once(
    tmp_path: Path,
) -> None:
    """Discord gives three seconds; thinking must not keep the event loop from saying so."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        exchanges = await asyncio.gather(
            *(bot.discord.slash("ask", question=f"Who gave Kim car {n}?") for n in range(50))
        )
        acknowledged = [await exchange.acknowledged(10) for exchange in exchanges]
        for exchange in exchanges:
            await exchange.answer(ANSWER_S)
        await asyncio.sleep(0.5)  # a second answer would come now

        assert max(acknowledged) < 1
        assert [1] * 50 == [len(exchange.messages) for exchange in exchanges]
        assert 0 == await bot.stop()


async def test_commands_are_synced_once_and_buttons_outlive_a_restart(tmp_path: Path) -> None:
    """A second start registers nothing unless they are gone, and old messages still work."""

    async def opened() -> str:
        async with running(tmp_path, on=discord) as bot:
            await discord.connected(READY_S)
            again = await discord.press(silent, button["custom_id"])
            assert 0 == await bot.stop()
        return (await again.answer(ANSWER_S)).content

    def syncs() -> int:
        return sum(request.method == "PUT" for request in discord.requests)

    async with FakeDiscord() as discord:
        async with running(tmp_path, on=discord) as first:
            await discord.connected(READY_S)
            silent = await (await discord.mention("What about Gaza?")).answer(ANSWER_S)
            (button,) = silent.components[0]["components"]
            assert 0 == await first.stop()
        assert 1 == syncs()
        assert "do not answer" in await opened()
        assert 1 == syncs()
        discord.commands.pop()  # as another program with the same token does
        assert "do not answer" in await opened()
        assert 2 == syncs()


async def test_a_question_under_way_is_answered_before_the_bot_stops(tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM lose nothing that was acknowledged."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        exchanges = [
            await bot.discord.slash("ask", question=f"Who gave Kim car {n}?") for n in range(5)
        ]
        for exchange in exchanges:
            await exchange.acknowledged(10)

        assert 0 == await bot.stop()
        assert [1] * 5 == [len(exchange.messages) for exchange in exchanges]


async def test_no_question_stands_in_the_log_and_failures_have_a_reference(tmp_path: Path) -> None:
    """Private by default: the log tells how it went, not what was asked."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        await (await bot.discord.mention("Who gave Kim the zeppelin?")).answer(ANSWER_S)
        assert 0 == await bot.stop()
        log = bot.log.read_text(encoding="utf-8")

    assert "answered quotes=" in log
    assert "zeppelin" not in log
    assert "Traceback" not in log


async def test_managers_reload_and_see_what_is_missing(tmp_path: Path) -> None:
    """And the log still holds no question, nor the folder an id."""
    corpus = tmp_path / "corpus"
    shutil.copytree(SEEDS, corpus)
    asked = "Who won the regatta of Lom?"
    feedback = tmp_path / "feedback"
    async with running(tmp_path, corpus, settings={"DATELINE_FEEDBACK": str(feedback)}) as bot:
        await bot.discord.connected(READY_S)
        silent = await (await bot.discord.mention(asked)).answer(ANSWER_S)
        kept = feedback / "gaps.jsonl"  # once the answer is on its way
        await eventually(lambda: kept.is_file() and asked in kept.read_text("utf-8"))
        gaps = await (await bot.discord.slash("coverage gaps", user=ADMIN)).answer(ANSWER_S)
        (corpus / "lom.txt").write_text("Ada won the regatta of Lom.\n", encoding="utf-8")
        stale = await (await bot.discord.slash("coverage status", user=ADMIN)).answer(ANSWER_S)
        reloaded = await (await bot.discord.slash("coverage reload", user=ADMIN)).answer(ANSWER_S)
        found = await (await bot.discord.slash("ask", question=asked)).answer(ANSWER_S)
        for message, thumb in ((silent, "👎"), (found, "👍")):
            pressed = await bot.discord.press(message, thumb)
            assert "Thank you" in (await pressed.answer(ANSWER_S)).text
        assert 0 == await bot.stop()
        log = bot.log.read_text(encoding="utf-8")

    assert asked in unescape(gaps.text)
    assert "1 new" in stale.text
    assert "1 new" in reloaded.text
    assert [("undated ·", "Ada won the regatta of Lom.")] == [
        (date.strip(), text) for date, text in quotes(found)
    ]
    written = "".join(path.read_text(encoding="utf-8") for path in feedback.glob("*.jsonl"))
    assert 3 == written.count(asked)
    assert "lom#0-27" in written
    assert not re.search(r"\d{17}", written)
    assert "regatta" not in log
    assert "Traceback" not in log


async def test_two_processes_share_one_index(tmp_path: Path) -> None:
    """Both find none and build it; what one takes up leaves the other as it was."""
    corpus = tmp_path / "corpus"
    shutil.copytree(SEEDS, corpus)
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
    asked = "Who gave Kim the car?"
    one, two = (running(home, corpus, index=tmp_path / "index") for home in homes)
    async with one as first, two as second:
        for bot in (first, second):
            await bot.discord.connected(2 * READY_S)  # they start at the same time
        known = [
            await (await bot.discord.mention(asked)).answer(ANSWER_S) for bot in (first, second)
        ]
        # One of them registers the commands for both, each of which has a Discord of its own here.
        other, reloading = sorted((first, second), key=lambda bot: len(bot.discord.commands))
        (corpus / "lom.txt").write_text("Ada won the regatta of Lom.", encoding="utf-8")
        next(corpus.glob("004*")).unlink()
        reloaded = await reloading.discord.slash("coverage reload", user=ADMIN)
        assert "1 new, 1 deleted" in (await reloaded.answer(ANSWER_S)).text
        new = await reloading.discord.mention("Who won the regatta of Lom?")
        assert ["Ada won the regatta of Lom."] == [
            text for _, text in quotes(await new.answer(ANSWER_S))
        ]
        as_before = await (await other.discord.mention(asked)).answer(ANSWER_S)
        opened = await other.discord.press(as_before, "More context")
        assert (await opened.answer(ANSWER_S)).embeds
        assert [0, 0] == [await bot.stop() for bot in (first, second)]

    assert quotes(known[0]) == quotes(known[1]) == quotes(as_before)
    assert "2024-03-18" in {date for date, _ in quotes(as_before)}


async def test_a_token_that_discord_refuses_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    """And not with a traceback."""
    async with running(tmp_path, token="MTA.another.token") as bot:  # noqa: S106
        status = await asyncio.wait_for(bot.process.wait(), READY_S)
        last = bot.log.read_text(encoding="utf-8").splitlines()[-1]

    assert 1 == status
    assert last.startswith("dateline: Discord refused the token")
    assert "Traceback" not in bot.log.read_text(encoding="utf-8")


async def test_without_discord_the_run_ends_with_a_sentence(tmp_path: Path) -> None:
    """Nothing listens there any more."""
    async with FakeDiscord() as discord:
        settings = {"DISCORD_TOKEN": TOKEN, **discord.environ}
    process = await asyncio.create_subprocess_exec(
        *(DATELINE, "run", "--index", tmp_path / "index"),
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env=environment(tmp_path, **settings),
    )
    _, err = await asyncio.wait_for(process.communicate(), READY_S)

    assert 1 == process.returncode
    assert "dateline: Discord cannot be reached" in err.decode().splitlines()[-1]


@pytest.mark.parametrize("status", [500, 404])
async def test_an_answer_that_discord_refuses_does_not_end_the_bot(
    tmp_path: Path, status: int
) -> None:
    """The next question is answered."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        bot.discord.fail_next(status, path="/messages")
        lost = await bot.discord.mention("Who is Kim?")
        answer = await (await bot.discord.direct_message("Who is Kim?")).answer(ANSWER_S)

        assert answer.text
        assert len(lost.messages) <= 1
        assert 0 == await bot.stop()


async def test_a_lost_connection_costs_no_answer_and_doubles_none(tmp_path: Path) -> None:
    """discord.py does not try again when TCP breaks, before or after Discord took the request."""
    async with running(tmp_path) as bot:
        await bot.discord.connected(READY_S)
        exchanges = []
        for path, after in (("/typing", False), ("/messages", False), ("/messages", True)):
            bot.discord.drop_next_request(path=path, after=after)
            exchanges.append(await bot.discord.mention("Who gave Kim the car?"))
            await exchanges[-1].answer(ANSWER_S)
        bot.discord.drop_next_request(path="@original")
        exchanges.append(await bot.discord.slash("ask", question="Who gave Kim the car?"))
        await exchanges[-1].answer(ANSWER_S)
        await asyncio.sleep(0.5)  # a second answer would come now

        assert [1] * 4 == [len(exchange.messages) for exchange in exchanges]
        cards = [len(exchange.messages[0].embeds) for exchange in exchanges]
        assert [max(cards[0], 2)] * 4 == cards  # both sides, each time
        assert 0 == await bot.stop()

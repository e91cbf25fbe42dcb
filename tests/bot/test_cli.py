"""The command line, as the installed program with the real model."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.program import DATELINE, REPOSITORY, dateline, environment

SEEDS = REPOSITORY / "seeds"
GAZA = "What is happening in Gaza?"
WHO_GAVE = "Who gave Kim the car?"
ODD = ["who is it and what about the", "Кто подарил Киму машину?", "a" * 900, "**Kim** <@1>"]
QUESTIONS = [GAZA, WHO_GAVE, "Who won the 2022 World Cup?", *ODD]
ANSWER_KEYS = [
    "id", "question", "abstained", "reason", "window", "confidence", "quotes", "nearest", "corpus",
    "timing_ms",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in which the index of the seeds is built once."""
    home = tmp_path_factory.mktemp("home")
    built = dateline("index", home=home)
    assert 0 == built.status, built.err
    return home


def write_questions(home: Path, *records: object) -> Path:
    """A file of questions, one a line."""
    path = home / "questions.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def test_a_first_question_builds_the_index_and_is_answered(tmp_path: Path) -> None:
    """The README's first command has nothing before it."""
    asked = dateline("ask", "Does the gift violate UN sanctions?", "--json", home=tmp_path)

    assert 0 == asked.status, asked.err
    assert ANSWER_KEYS == list(asked.json)
    (quote,) = asked.json["quotes"]
    assert "Unification Ministry" in quote["text"]
    assert "2024-03-18" == quote["published"]
    assert quote["text"].encode() in (SEEDS / "004_0fc56467d903f3f4.txt").read_bytes()


@pytest.fixture(scope="module")
def answers(home: Path) -> dict[str, Any]:
    """Questions that several tests look at, answered by one process."""
    questions = write_questions(home, *({"id": text, "text": text} for text in QUESTIONS))
    done = dateline("ask", "--questions", questions, "--json", home=home)
    assert 0 == done.status, done.err
    return {answer["id"]: answer for answer in map(json.loads, done.out.splitlines())}


def test_both_sides_are_quoted_oldest_first(answers: dict[str, Any]) -> None:
    """Where articles differ, neither is left out, and no winner is picked."""
    quotes = answers[WHO_GAVE]["quotes"]

    dates = [quote["published"] for quote in quotes]
    assert sorted(dates) == dates
    texts = dict.fromkeys(dates, "")
    for quote in quotes:
        texts[quote["published"]] += quote["text"]
    assert "Putin has reportedly gifted" in texts["2024-02-20"]
    assert "undisclosed foreign head of state" in texts["2024-03-18"]
    assert quotes[0]["score"] == answers[WHO_GAVE]["confidence"]


@pytest.mark.parametrize("question", [GAZA, "Who won the 2022 World Cup?"])
def test_silence_is_an_answer_with_a_reason(answers: dict[str, Any], question: str) -> None:
    """Gaza stands in an `Also Read` list of the seeds, which is no evidence."""
    answer = answers[question]

    assert answer["abstained"]
    assert "nothing_relevant" == answer["reason"]
    assert [] == answer["quotes"]
    assert answer["nearest"]


def test_silence_is_said_to_people_in_words(home: Path) -> None:
    """And what came nearest is shown only when asked for."""
    plain = dateline("ask", GAZA, home=home)
    asked_for = dateline("ask", GAZA, "--nearest", home=home)

    assert 0 == plain.status
    assert plain.out.startswith("The coverage does not say. Nothing in it is about this.")
    assert "North Korea" not in plain.out
    assert plain.out.splitlines()[-1].endswith("add --nearest.")
    assert "They do not answer the question" in asked_for.out
    assert "North Korea" in asked_for.out


def test_what_people_read_holds_each_quote_byte_for_byte(
    home: Path, answers: dict[str, Any]
) -> None:
    """A pipe has no width: nothing is wrapped into or around a quote."""
    printed = dateline("ask", WHO_GAVE, home=home).out

    lines = printed.splitlines()
    assert all(quote["text"] in lines for quote in answers[WHO_GAVE]["quotes"])
    assert "\x1b" not in printed


@pytest.mark.parametrize("question", ODD)
def test_odd_questions_get_an_honest_answer(answers: dict[str, Any], question: str) -> None:
    """Only stop words, another language, one endless word, markup."""
    answer = answers[question]

    assert question == answer["question"]
    assert answer["abstained"] == (answer["quotes"] == [])


def test_a_terminal_gets_colour(home: Path) -> None:
    """People get layout; programs get text."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [DATELINE, "sources"], stdout=follower, stderr=follower, env=environment(home, TERM="xterm")
    )
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], 20)[0]:
        try:
            block = os.read(leader, 65536)
        except OSError:
            break
        if not block:
            break
        shown += block
    os.close(leader)

    assert 0 == process.wait(20)
    assert b"\x1b[" in shown
    assert b"2024-02-20" in shown


def test_many_questions_are_answered_in_order_each_with_its_id(home: Path) -> None:
    """One line in, one line out, also for a line that cannot be asked."""
    questions = write_questions(
        home,
        {"id": 7, "text": "Who confirmed the event?"},
        {"id": "empty", "text": ""},
        {"id": "window", "text": "Who gave Kim the car?", "before": "2024-02"},
        {"id": "outside", "text": "Who was seen using a limousine?", "before": "2023"},
        {"id": "bad date", "text": "Who?", "after": "yesterday"},
        {"no": "text"},
    )
    done = dateline("ask", "--questions", questions, "--json", home=home)
    lines = [json.loads(line) for line in done.out.splitlines()]

    assert [7, "empty", "window", "outside", "bad date", None] == [line["id"] for line in lines]
    assert "Kim Yo Jong" in lines[0]["quotes"][0]["text"]
    assert {"2024-02-20"} == {quote["published"] for quote in lines[2]["quotes"]}
    assert {"after": None, "before": "2024-02"} == lines[2]["window"]
    assert "outside_window" == lines[3]["reason"]
    assert all("error" in lines[number] for number in (1, 4, 5))
    assert 1 == done.status
    assert "3 of the questions could not be asked" in done.err


def test_questions_come_through_a_pipe_too(home: Path) -> None:
    """`-` is standard input, as everywhere."""
    done = dateline(
        "ask", "--questions", "-", "--json", home=home, stdin='{"id": 1, "text": "Who is Kim?"}\n'
    )

    assert (0, 1) == (done.status, done.json["id"])


def test_filters_restrict_what_is_searched(home: Path) -> None:
    """Source and window name what may be quoted; the answer says so."""
    after = dateline("ask", "Who confirmed the event?", "--after", "2024-03", home=home)
    source = dateline("ask", WHO_GAVE, "--source", "000_", "--json", home=home)

    assert "only from 2024-03 on" in after.out
    assert "2024-02-20" not in after.out.partition("\n")[2]
    assert {"000_0ed886074109945b"} == {quote["article_id"] for quote in source.json["quotes"]}


def test_bytes_that_are_no_text_end_no_conversation(home: Path) -> None:
    """A pipe may hold anything."""
    done = subprocess.run(
        [DATELINE, "chat"],
        input=b"caf\xe9?\nWho confirmed the event?\n",
        capture_output=True,
        cwd=home,
        env=environment(home, LC_ALL="C.UTF-8"),
        check=False,
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"Kim Yo Jong" in done.stdout


def test_chat_answers_line_by_line(home: Path) -> None:
    """A question that cannot be asked does not end the conversation."""
    done = dateline("chat", home=home, stdin="Who confirmed the event?\n?!\nWho won in 1954?\n")

    assert 0 == done.status
    assert "Kim Yo Jong" in done.out
    assert "no word in the question" in done.out
    assert "The coverage does not say." in done.out


def test_index_watch_takes_up_changes_until_ctrl_c(tmp_path: Path) -> None:
    """One process keeps an index fresh for all that answer from it."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("The tram of Tarn opened.", encoding="utf-8")
    process = subprocess.Popen(
        [DATELINE, "index", "--watch", "--corpus", corpus],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment(tmp_path),
    )
    assert process.stdout is not None
    try:
        first = [process.stdout.readline() for _ in range(3)]
        (corpus / "b.txt").write_text("Rain fell on Oradour.", encoding="utf-8")
        second = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert first[2].startswith("Watching ")
    assert ["added   b\n", "1 added, 0 changed, 0 removed, 1 unchanged"] == [
        second[0],
        second[1].partition(", 0 refused")[0],
    ]
    assert (0, "") == (process.returncode, rest), err


def test_sources_and_source_show_the_whole_text_and_its_metadata(home: Path) -> None:
    """`start` and `end` of quotes count in this text."""
    sources = dateline("sources", "--json", home=home).json["articles"]
    source = dateline("source", "004_0fc56467d903f3f4", "--json", home=home).json
    shown = dateline("source", "004_0fc56467d903f3f4.txt", home=home)

    assert ["2024-02-20", "2024-03-18"] == [article["published"] for article in sources]
    assert all(article["title_derived"] for article in sources)
    assert (SEEDS / "004_0fc56467d903f3f4.txt").read_text(encoding="utf-8") == source["text"]
    assert 'line "date 2024-03-18"' == source["published_from"]
    assert source["text"] in shown.out


@pytest.mark.parametrize("command", [["sources"], ["source", "004"], ["check"], ["--help"]])
def test_looking_things_up_imports_neither_torch_nor_discord(
    home: Path, command: list[str]
) -> None:
    """They answer in a moment because they load no model."""
    imported = _imported(home, *command)

    assert not {"torch", "onnxruntime", "discord", "faiss", "sentence_transformers"} & imported
    assert "numpy" not in imported or command == ["check"]  # which compares all articles


def test_asking_imports_no_torch(home: Path) -> None:
    """It alone would take longer than everything else that an answer takes."""
    imported = _imported(home, "ask", "Who gave Kim the car?")

    assert "onnxruntime" in imported
    assert not {"torch", "sentence_transformers", "transformers", "sklearn"} & imported


def _imported(home: Path, *command: str) -> set[str]:
    """The modules that a command leaves imported."""
    probe = (
        "import sys; from bot.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [DATELINE.with_name("python"), "-c", probe, *command],
        capture_output=True,
        encoding="utf-8",
        cwd=home,
        env=environment(home),
        check=False,
    )

    assert 0 == done.returncode
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask"], "takes a question"),
        (["ask", "who?", "--questions", "x.jsonl"], "takes a question"),
        (["ask", "who?", "--after", "last week"], "not a date"),
        (["ask", "who?", "--after", "2024-13"], "no such date"),
        (["ask", "who?", "--top-k", "0"], "not a number from 1 to 100"),
        (["ask", "  "], "empty"),
        (["ask", "🚗"], "no word"),
        (["ask", "x" * 4_000], "4,000 characters"),
        (["ask", "who?", "--source", "Reuters"], "no source is called 'Reuters'"),
        (["ask", "who?", "--after", "2024", "--before", "2023"], "ends (2023) before it begins"),
        (["frobnicate"], "invalid choice"),
        ([], "required"),
    ],
)
def test_wrong_usage_exits_2_with_one_line(home: Path, arguments: list[str], said: str) -> None:
    """What, about which thing, and what to do; never a traceback."""
    done = dateline(*arguments, home=home)

    assert 2 == done.status
    assert said in done.err
    assert 1 == len(done.err.splitlines())


def test_a_reader_that_leaves_early_is_no_failure_to_report(home: Path) -> None:
    """`dateline source … | head -1` ends quietly."""
    shell = f"{DATELINE} source 004 | head -c 5"
    done = subprocess.run(
        ["/bin/sh", "-c", shell], capture_output=True, env=environment(home), cwd=home, check=False
    )

    assert (b"title", b"") == (done.stdout, done.stderr)


def test_ctrl_c_while_loading_leaves_one_line_and_a_whole_index(home: Path, tmp_path: Path) -> None:
    """Nothing is half done, and nobody is shown a traceback."""
    index = tmp_path / "index"
    index.mkdir()
    asked = ["ask", "Who is Kim?", "--index", str(index)]
    with FileLock(index / "writer.lock"):  # so that it waits, however fast it loads
        process = subprocess.Popen(
            [DATELINE, *asked],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=home,
            env=environment(home),
        )
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert 130 == process.returncode
    assert "dateline: stopped; nothing was left half done" == err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert 0 == dateline(*asked, home=home).status

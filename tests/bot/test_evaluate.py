"""dateline evaluate, as the installed program: a table for people, JSON for machines."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.program import REPOSITORY, dateline

_QUESTIONS = [
    {
        "id": "who",
        "text": "Who confirmed the event?",
        "answerable": True,
        "gold": [{"article_id": "004_0fc56467d903f3f4", "answer": "Kim Yo Jong"}],
        "type": "single",
    },
    {"id": "price", "text": "How much does the Aurus cost?", "answerable": False},
]


def _write(path: Path, *records: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with two questions about the seeds."""
    home = tmp_path_factory.mktemp("home")
    _write(home / "questions.jsonl", *_QUESTIONS)
    return home


def test_machines_get_every_measure(home: Path) -> None:
    """Search, answers, kinds, calibration and latency."""
    done = dateline("evaluate", "--questions", "questions.jsonl", "--json", home=home)

    assert 0 == done.status, done.err
    assert [
        "questions", "unit", "stages", "answers", "kinds", "reliability", "latency_ms",
    ] == list(done.json)  # fmt: skip
    assert ["dense", "bm25", "bm25_articles", "fused"] == list(done.json["stages"])
    assert 1 == done.json["answers"]["quote@1"] == done.json["answers"]["verbatim"]
    assert 1 == done.json["answers"]["unanswerable met with silence"]
    assert {"single": 1, "mean": 1} == done.json["kinds"]
    assert ["embed", "retrieve", "read", "total"] == list(done.json["latency_ms"])


def test_people_get_tables(home: Path) -> None:
    """The same, to be read at a glance; and one stage alone where only that is asked for."""
    whole = dateline("evaluate", "--questions", "questions.jsonl", home=home)
    alone = dateline("evaluate", "--questions", "questions.jsonl", "--stage", "dense", home=home)

    assert "quote@1" in whole.out
    assert "AUROC of answerability" in whole.out
    assert "passages ranked by  nDCG@10" in alone.out
    assert "dense" in alone.out
    assert "fused" not in alone.out
    assert "quote@1" not in alone.out


def test_a_corpus_may_be_one_file(home: Path) -> None:
    """A set of articles to measure on often is."""
    corpus = _write(home / "articles.jsonl", {"id": "a", "text": "The tram of Tarn has 9 stops."})
    asked = _write(
        home / "tram.jsonl",
        {"id": 1, "text": "How many stops has the tram of Tarn?", "answerable": True}
        | {"gold": [{"article_id": "a", "answer": "9 stops"}]},
    )
    done = dateline("evaluate", "--corpus", corpus, "--questions", asked, "--json", home=home)

    assert 0 == done.status, done.err
    assert 1 == done.json["answers"]["quote@1"]
    assert 1 == done.json["questions"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "the following arguments are required: --questions"),
        (["--questions", "gone.jsonl"], 1, "gone.jsonl: No such file or directory"),
        (["--questions", str(REPOSITORY / "README.md")], 1, "README.md, line 1: not JSON"),
        (["--questions", "questions.jsonl", "--stage", "best"], 2, "invalid choice: 'best'"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    home: Path, arguments: list[str], status: int, message: str
) -> None:
    """Before the model is loaded for nothing."""
    done = dateline("evaluate", *arguments, home=home)

    assert status == done.status
    assert message in done.err
    assert 1 == done.err.count("\n")
    assert not done.out
